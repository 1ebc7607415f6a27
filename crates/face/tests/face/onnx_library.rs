//! The library of ONNX Runtime that `cargo xtask test` installs. The tests of other crates use it as well.

use std::{fs, path::PathBuf};

/// The file.
pub(crate) fn onnx_library() -> PathBuf {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/onnxruntime/onnxruntime/capi");
    let mut files = fs::read_dir(folder).expect("run `cargo xtask test`").map(|file| file.unwrap());
    let is_library = |name: &str| name.starts_with("libonnxruntime.so.");
    files.find(|file| is_library(file.file_name().to_str().unwrap())).unwrap().path()
}
