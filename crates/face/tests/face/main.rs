//! What the crate does with real pictures and a real pack. `cargo xtask models` fetches both.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops where it is")]

mod gallery;
mod gate;
mod packs;
mod pictures;
mod support;
