//! Tests with real pictures and a real pack. `cargo xtask models` fetches both.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue may panic")]

mod gallery;
mod gate;
mod onnx;
#[cfg(all(feature = "onnx-runtime", target_os = "linux"))]
mod onnx_library;
#[cfg(all(feature = "onnx-runtime", target_os = "linux"))]
mod onnx_runtime;
mod other_packs;
mod pack_copy;
mod packs;
mod pictures;
mod poses;
mod support;
mod yunet_pack;
