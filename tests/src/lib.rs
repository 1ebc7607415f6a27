//! Fixtures of the test suite that are too slow or too large to be built for each test.

pub mod browser;
pub mod http2;
#[cfg(target_os = "linux")]
pub mod link_race;
pub mod mail_server;
pub mod mailbox;
pub mod models;
pub mod moving_face;
pub mod old_schema;
pub mod old_system;
pub mod persona;
pub mod post_office;
pub mod postgres;
pub mod prints;
pub mod proxy;
pub mod python;
pub mod raw;
pub mod record;
pub mod remote_browser;
pub mod server;
pub mod sms_provider;
pub mod text_client;
pub mod web;
pub mod with;
