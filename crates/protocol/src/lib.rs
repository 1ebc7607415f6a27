//! The vocabulary both ends of a fourauth connection share: bytes in, values out.
//!
//! No sockets, no runtime, no clock and no randomness: a service in any setting can embed it. What
//! a frame looks like is in [`frame`], what can be asked in [`command`], what comes back in
//! [`answer`]. `docs/PROTOCOL.md` shows the conversations.
//!
//! # Embedding it
//!
//! Another service that speaks the protocol over a transport of its own needs three calls: encode a
//! command, feed what arrives to a decoder, read the answer.
//!
//! ```
//! use fourauth_protocol::{
//!     answer::Answer,
//!     command::{Command, Hello},
//!     frame::{self, Decoder},
//! };
//!
//! // What the service sends over its TLS stream:
//! let mut out = bytes::BytesMut::new();
//! frame::encode(Command::Hello(Hello {}).to_json().expose(), &mut out)?;
//! assert_eq!(&out[..], b"\0\0\0\x0d{\"cmd\":\"190\"}");
//!
//! // What it does with the bytes that come back, in whatever pieces they arrive:
//! let arrived = b"\0\0\0\x40{\"status\":\"error\",\"message\":\"Server busy.\",\"code\":\"unavailable\"}";
//! let mut decoder = Decoder::default();
//! for piece in arrived.chunks(16) {
//!     decoder.push(piece);
//! }
//! let payload = decoder.next_payload()?.expect("the whole frame is there");
//! let answer = Answer::from_json(&payload)?;
//! assert!(!answer.is_ok());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod answer;
pub mod audience;
pub mod code;
pub mod command;
pub mod consent;
pub mod contact;
pub mod device;
pub mod frame;
pub mod mac_address;
pub mod one_time_code;
pub mod picture;
pub mod printable;
pub mod receipt;
pub mod recovery_code;
pub mod request_id;
#[cfg(feature = "schema")]
pub mod schema;
pub mod secret;
pub mod shape;
pub mod time;
pub mod username;
