//! Fixtures of the test suite: what is too slow or too large to be made for each test.

pub mod models;
pub mod persona;
pub mod postgres;
pub mod raw;
pub mod server;
