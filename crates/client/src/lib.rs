//! A client for fourauth servers: socket, TLS and protocol. The only secret that it keeps is the
//! device's own key, the [`Identity`].
//!
//! A [`Client`] cannot exist without [`Trust`], and no option turns a check off. It opens
//! [`Connection`]s, which have one typed method for each command. The server's decision is a value
//! ([`Outcome`]). An [`Error`] means that the server decided nothing, or that its decision is
//! unknown. The variants differ in what the caller does next.
//!
//! # A single login
//!
//! ```no_run
//! use fourauth_client::protocol::{
//!     command::Login, mac_address::MacAddress, one_time_code::OneTimeCode, picture::Picture,
//!     time::UnixMillis, username::Username,
//! };
//! use fourauth_client::{Client, Fingerprint, ServerAddress, Trust};
//!
//! async fn can_log_in(
//!     password: String,
//!     code: &str,
//!     now: UnixMillis,
//! ) -> Result<bool, Box<dyn std::error::Error>> {
//!     // The fingerprint that `fourauthd` printed at its first start.
//!     let pin = Fingerprint::parse(&std::fs::read_to_string("fourauthd.pin")?)?;
//!     let client = Client::new(ServerAddress::parse("auth.example.org:65432")?, Trust::Pin(pin));
//!     let login = Login::new(Username::parse("alice")?, password)
//!         .code(OneTimeCode::parse(code)?)
//!         .pictures([Picture::new(std::fs::read("me.jpg")?)])
//!         .device(MacAddress::parse("00:1b:44:11:3a:b7")?)
//!         .sent_at(now);
//!     Ok(client.login_once(login).await?)
//! }
//! ```
//!
//! # A connection
//!
//! ```no_run
//! # use fourauth_client::{Client, Error, Outcome};
//! # use fourauth_client::protocol::command::Login;
//! # async fn example(client: Client, login: Login) -> Result<(), Error> {
//! let mut connection = client.connect().await?;
//! match connection.login(login).await? {
//!     Outcome::Granted(session) => println!("logged in until {:?}", session.expires_at),
//!     Outcome::Refused(refusal) => println!("{} ({:?})", refusal.message, refusal.code),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # A program that sends many commands
//!
//! [`Client::ready`] returns a connection that is still open, or a new one. With
//! [`Builder::or_at`] the client has further addresses, for when the first one fails. Neither
//! repeats a command: if an answer is lost, [`Error::may_have_been_decided`] is true.
//!
//! ```no_run
//! # use fourauth_client::{Client, Error, ServerAddress, Trust};
//! # async fn example(first: ServerAddress, second: ServerAddress, trust: Trust) -> Result<(), Error> {
//! let client = Client::builder(first, trust).or_at(second).build();
//! let outcome = client.ready().await?.hello().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Without an async runtime
//!
//! With the feature `blocking` there is `blocking::Client`, which has the same methods for programs
//! without an async runtime.
//!
//! # Another transport
//!
//! [`Connection::over`] takes any stream, for example a Unix socket. A service that has its own
//! runtime needs [`protocol`] alone.
//!
//! # A device key
//!
//! A client with an identity sends a device proof in front of commands that name an account and a
//! device, in the same flight. The first successful login can register the key with the server.
//!
//! ```no_run
//! # use fourauth_client::{Client, Identity, Outcome};
//! # use fourauth_client::protocol::command::Login;
//! # async fn example(client: Client, login: Login) -> Result<(), Box<dyn std::error::Error>> {
//! let identity = Identity::load_or_create("device.key".as_ref())?;
//! let login = login.device_key(identity.key());
//! let mut connection = client.with_identity(identity).connect().await?;
//! if let Outcome::Refused(refusal) = connection.login(login).await? {
//!     println!("{}; try again in {:?}", refusal.message, refusal.retry_after);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # A gateway
//!
//! A service that speaks for many visitors states the peer of each command, and sends any number of
//! them at the same time over one connection.
//!
//! ```no_run
//! # use fourauth_client::{Client, Identity, Outcome};
//! # use fourauth_client::protocol::{command::{Command, Login}, gateway::GatewayName};
//! # async fn example(client: Client, login: Login) -> Result<(), Box<dyn std::error::Error>> {
//! let identity = Identity::load_or_create("gateway.key".as_ref())?;
//! let name = GatewayName::parse("portal")?;
//! if let Outcome::Granted(gateway) = client.connect().await?.as_gateway(&name, &identity).await? {
//!     let answer = gateway.send("192.0.2.7".parse()?, Command::Login(login)).await?;
//!     println!("{}", answer.message);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Receipts
//!
//! A login returns a receipt, which another service can verify without the server:
//! [`ReceiptVerifier`].

mod address;
#[cfg(feature = "blocking")]
pub mod blocking;
mod builder;
mod claim;
mod client;
mod commands;
mod connection;
mod entropy;
mod error;
mod error_kind;
mod exchange;
mod fingerprint;
mod gateway;
mod identity;
mod idle;
mod limits;
mod outcome;
mod receipt;
mod retries;
mod session;
mod tls;
mod trust;

pub use address::{DEFAULT_PORT, ParseAddressError, ServerAddress};
pub use builder::Builder;
pub use client::Client;
pub use commands::{
    Authorised, BegunChallenge, CheckToken, LoggedIn, NewAuthenticator, Registered, ResetGranted,
    SelfRegistered, SignIn,
};
pub use connection::Connection;
pub use error::{Error, ProtocolError, TrustError};
pub use error_kind::ErrorKind;
pub use fingerprint::{Fingerprint, ParseFingerprintError};
pub use fourauth_protocol as protocol;
pub use gateway::GatewayConnection;
pub use identity::{Identity, IdentityError};
pub use idle::Ready;
pub use outcome::{Outcome, Refusal};
pub use receipt::{ReceiptError, ReceiptVerifier};
pub use session::Session;
pub use tls::{TlsError, TlsStream};
pub use trust::{Roots, RootsError, Trust};
