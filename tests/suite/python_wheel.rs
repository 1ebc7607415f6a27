//! The Python package `fourauth`, as a wheel that is installed: `cargo xtask wheel` builds it.

use crate::{checked_in, python::documented_server};
use fourauth_tests::{models, python};
use std::{fs, path::PathBuf, process::Stdio};
use tokio::process::Command;

fn program(name: &str) -> PathBuf {
    checked_in::path("bindings/python").join(name)
}

/// Runs a test program and returns the number of tests in it.
async fn passed(mut command: Command) -> usize {
    let ran = command.stdin(Stdio::null()).output().await.expect("python3 runs");
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{}{said}", String::from_utf8_lossy(&ran.stdout));
    let count = said.split("\nRan ").nth(1).and_then(|rest| rest.split(' ').next());
    count.and_then(|count| count.parse().ok()).expect("unittest says how many tests it ran")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_python_program_uses_each_command_of_a_real_server() {
    let folder = tempfile::tempdir().unwrap();
    let (server, config) = documented_server(folder.path()).await;
    let mut command = Command::from(python::with_wheel());
    command
        .arg(program("tests/session.py"))
        .arg(server.address().to_string())
        .arg(server.fingerprint())
        .arg(config.certificate_file())
        .arg(fs::read_to_string(config.setup_secret_file()).unwrap().trim())
        .args(["obama.jpg", "obama2.jpg", "biden.jpg"].map(models::picture_file))
        .arg(folder.path());
    assert!(passed(command).await >= 12);
    server.stop().await;
}

#[tokio::test]
async fn a_python_program_waits_without_the_interpreter_lock() {
    let mut command = Command::from(python::with_wheel());
    command.arg(program("tests/offline.py"));
    assert!(passed(command).await >= 10);
}

#[test]
fn the_type_stubs_match_the_module() {
    let folder = tempfile::tempdir().unwrap();
    let mut stubtest = python::with_wheel();
    stubtest.args(["-m", "mypy.stubtest", "fourauth"]).current_dir(folder.path());
    let said = python::said(&mut stubtest);
    assert!(said.starts_with("Success: no issues found"), "{said}");
}

#[test]
fn the_python_programs_have_the_types_of_the_stubs() {
    let folder = tempfile::tempdir().unwrap();
    let mut mypy = python::with_wheel();
    mypy.args(["-m", "mypy", "--strict"]).current_dir(folder.path());
    mypy.args(["tests/offline.py", "tests/session.py", "examples/four_auth.py"].map(program));
    let said = python::said(&mut mypy);
    assert!(said.starts_with("Success: no issues found in 3 source files"), "{said}");
}

#[test]
fn the_wheel_is_for_every_python_from_3_9() {
    let wheels = fs::read_dir(checked_in::path("target/debug/wheels")).unwrap();
    let names: Vec<_> = wheels.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    let [name] = names.as_slice() else { panic!("{names:?}") };
    let version = env!("CARGO_PKG_VERSION");
    assert!(name.starts_with(&format!("fourauth-{version}-cp39-abi3-")), "{name}");
}

#[test]
fn the_readme_of_the_wheel_shows_the_example_that_runs() {
    let example = checked_in::read("bindings/python/examples/four_auth.py");
    let readme = checked_in::read("bindings/python/README.md");
    assert!(readme.contains(&format!("```python\n{example}```")));
    assert!(example.lines().count() <= 25);
}
