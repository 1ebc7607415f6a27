//! Installs the library of ONNX Runtime that the tests load. No program needs it.

use crate::pip;
use std::{env::consts, path::Path};

/// The package, and the hashes of its files.
const REQUIREMENTS: &str = "tests/python/requirements/onnxruntime.txt";

/// Installs the library in `target/onnxruntime`. The package is the one for Python 3.12, whichever
/// version runs pip, because the library in it does not depend on Python.
pub(crate) fn install_if_missing(root: &Path) -> anyhow::Result<()> {
    if consts::OS != "linux" {
        eprintln!("SKIPPED: ONNX Runtime is tested on Linux only");
        return Ok(());
    }
    let platform = format!("manylinux_2_28_{}", consts::ARCH);
    let requirements = root.join(REQUIREMENTS);
    let of_python = ["--python-version", "3.12", "--implementation", "cp", "--abi", "cp312"];
    let mut arguments = vec!["--no-deps".to_owned(), "--only-binary=:all:".to_owned()];
    arguments.extend(of_python.map(str::to_owned));
    arguments.extend(["--platform".to_owned(), platform, requirements.display().to_string()]);
    pip::install_once(root, "onnxruntime", &arguments).map(drop)
}
