//! Messages of the fourauth protocol, shared by clients and servers.
//!
//! The crate has no sockets, no runtime, no clock and no randomness, so any service can embed it.
//! Frames are in [`frame`], commands in [`command`], answers in [`answer`]. `docs/PROTOCOL.md`
//! shows example conversations.
//!
//! # Embedding it
//!
//! A service with its own transport needs three calls: encode a command, push the received bytes
//! into a decoder, read the answer.
//!
//! ```
//! use fourauth_protocol::{
//!     answer::Answer,
//!     command::{Command, Hello},
//!     frame::{self, Decoder},
//! };
//!
//! // The bytes that the service sends over its TLS stream:
//! let mut out = bytes::BytesMut::new();
//! frame::encode(Command::Hello(Hello::default()).to_json().expose(), &mut out)?;
//! assert_eq!(&out[..], b"\0\0\0\x0d{\"cmd\":\"190\"}");
//!
//! // The answer may arrive in pieces of any size:
//! let arrived = b"\0\0\0\x40{\"status\":\"error\",\"message\":\"Server busy.\",\"code\":\"unavailable\"}";
//! let mut decoder = Decoder::default();
//! for piece in arrived.chunks(16) {
//!     decoder.push(piece);
//! }
//! let payload = decoder.next_payload()?.expect("the frame is complete");
//! let answer = Answer::from_json(&payload)?;
//! assert!(!answer.is_ok());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod advice;
pub mod answer;
pub mod audience;
pub mod challenge;
pub mod code;
pub mod command;
pub mod consent;
pub mod contact;
pub mod device;
pub mod device_request;
pub mod envelope;
pub mod frame;
mod framed;
pub mod gateway;
pub mod grant;
pub mod group;
pub mod host_port;
pub mod jwt;
pub mod language;
pub mod level;
pub mod mac_address;
pub mod one_time_code;
pub mod passcode;
pub mod picture;
pub mod printable;
pub mod receipt;
pub mod recovery_code;
pub mod request_id;
pub mod reset_code;
#[cfg(feature = "schema")]
pub mod schema;
pub mod secret;
pub mod session_proof;
pub mod shape;
pub mod time;
pub mod token;
pub mod username;
pub mod words;
