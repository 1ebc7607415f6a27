//! Measures the processor time of each stage for one picture, on one thread, and memory (Linux).
//!
//! `cargo test --release --package fourauth-face --all-features --lib -- cost --ignored --nocapture --test-threads 1`
//! prints all of them. For the memory of one pack, put its name in the place of `cost`.

#[cfg(all(feature = "onnx-runtime", target_os = "linux"))]
#[path = "../tests/face/onnx_library.rs"]
mod onnx_library;

use crate::{Engine, Runtime, decode, picture::Picture, quality};
use std::{fs, path::Path};

const ROUNDS: u64 = 50;

/// Nanoseconds that this thread has been running (`proc(5)`, schedstat).
fn spent() -> u64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}

fn resident() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    status.lines().find(|line| line.starts_with("VmRSS")).unwrap().to_owned()
}

/// The pixels of a picture, turned right by a quarter.
fn turned(picture: &Picture) -> Vec<u8> {
    let columns = 0..picture.width();
    let column = |x: usize| (0..picture.height()).rev().flat_map(move |y| picture.row(y)[x]);
    columns.flat_map(column).collect()
}

/// Runs a stage many times and prints the mean, because the counter moves in steps of milliseconds.
fn mean<T>(stage: &str, mut run: impl FnMut() -> T) -> T {
    let mut last = run();
    let start = spent();
    for _ in 0..ROUNDS {
        last = run();
    }
    println!("{stage:<14} {:>6} µs", (spent() - start) / 1000 / ROUNDS);
    last
}

fn cost(pack: &str, name: &str, runtime: &Runtime) {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/models");
    let encoded = fs::read(models.join("faces/obama.jpg")).expect("run `cargo xtask models` first");
    println!("{pack} in {name}, before loading: {}", resident());
    let start = spent();
    let engine = Engine::load_in(runtime, &models.join("packs").join(pack)).unwrap();
    println!("loading {} ms, after loading: {}", (spent() - start) / 1_000_000, resident());
    stages(&engine, &encoded);
    println!("after all stages: {}", resident());
}

#[test]
#[ignore = "prints measurements"]
fn blaze_dlib_in_tract() {
    cost("blaze-dlib", "tract", &Runtime::default());
}

#[test]
#[ignore = "prints measurements"]
fn blaze_fr_in_tract() {
    cost("blaze-fr", "tract", &Runtime::default());
}

#[cfg(all(feature = "onnx-runtime", target_os = "linux"))]
mod onnx_runtime {
    use super::onnx_library::onnx_library;
    use crate::{Digest, Runtime};
    use std::fs;

    fn runtime() -> Runtime {
        let library = onnx_library();
        let sha256 = Digest::of(&fs::read(&library).unwrap());
        Runtime::onnx_runtime(&library, &sha256, 1).unwrap()
    }

    #[test]
    #[ignore = "prints measurements"]
    fn blaze_dlib_in_onnx_runtime() {
        super::cost("blaze-dlib", "ONNX Runtime", &runtime());
    }

    #[test]
    #[ignore = "prints measurements"]
    fn blaze_fr_in_onnx_runtime() {
        super::cost("blaze-fr", "ONNX Runtime", &runtime());
    }
}

fn stages(engine: &Engine, encoded: &[u8]) {
    let picture = mean("decode", || decode::decode(encoded).unwrap());
    let located = mean("locate", || engine.finder().face(&picture).unwrap());
    let sideways = Picture::new(picture.height(), picture.width(), turned(&picture)).unwrap();
    mean("(on its side)", || engine.finder().face(&sideways).unwrap());
    let chip = mean("align", || engine.chip(&picture, &located).unwrap());
    mean("judge", || quality::measured(&picture, &located, &chip));
    mean("embed", || engine.embedded(chip.clone()).unwrap());
    mean("live", || engine.live(&picture, &located).unwrap());
    mean("all", || engine.portrait(encoded).unwrap());
}
