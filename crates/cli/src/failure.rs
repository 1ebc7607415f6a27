//! Failures without an answer to show, and the exit code of each.

use crate::{
    camera::CameraError, environment::NoReply, exit::Exit, picture::NotAPicture,
    secret_line::SecretError, settings::SettingsError,
};
use fourauth_client::{Error, IdentityError, ReceiptError, RootsError, ServerAddress};
use fourauth_protocol::challenge::{ChallengeStep, FRAMES_PER_STEP};
use std::{
    io,
    path::{Path, PathBuf},
};

/// Why there is no answer to show.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// An argument or a reply is invalid.
    #[error("{0}")]
    Usage(String),
    /// A prompt had no reply.
    #[error("{question}: {reason}; see --help for other ways to provide it")]
    NoReply {
        /// The prompt.
        question: String,
        /// Why there is no reply.
        #[source]
        reason: NoReply,
    },
    /// A secret could not be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// `client.toml` cannot be used.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The file of authorities cannot be used.
    #[error("{}: {reason}", path.display())]
    Roots {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        reason: RootsError,
    },
    /// The camera took no pictures.
    #[error("{0}")]
    Camera(#[from] CameraError),
    /// There is no camera for a face challenge. The operator can help.
    #[error(
        "this needs a camera, because the server asks you to turn the head or open the mouth before it: \
         {0}. Use a machine with a camera, or ask the operator to switch off the challenge or to \
         register you again"
    )]
    NoCameraForChallenge(#[source] CameraError),
    /// Other files were given than a face challenge asks for.
    #[error(
        "the face challenge has these steps, in this order: {} Give {needed} files with --face: the face \
         at rest, then {FRAMES_PER_STEP} for each step. They are valid for 30 s after this; without \
         --face, the camera takes them",
        told.join(" ")
    )]
    Frames {
        /// What the person does, one sentence for each step.
        told: Vec<&'static str>,
        /// The steps.
        steps: Vec<ChallengeStep>,
        /// The number of files.
        needed: usize,
    },
    /// A file is not a picture.
    #[error("{}: {reason}", path.display())]
    Picture {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        reason: NotAPicture,
    },
    /// This machine has no network card with an address.
    #[error("this machine has no hardware address; provide one with {option}")]
    NoDeviceAddress {
        /// The option that provides an address.
        option: &'static str,
    },
    /// The key of this device cannot be used.
    #[error("{0}; use --device-key FILE for another key, or --no-device-key for none")]
    Identity(#[from] IdentityError),
    /// The server gave no usable answer.
    #[error("{server}: {reason}")]
    Client {
        /// The server.
        server: ServerAddress,
        /// Why no answer came.
        #[source]
        reason: Box<Error>,
    },
    /// A receipt file cannot be read or written.
    #[error("{}: {reason}", path.display())]
    ReceiptFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        reason: io::Error,
    },
    /// The file of the session cannot be used.
    #[error("{}: {reason}", path.display())]
    SessionFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        reason: io::Error,
    },
    /// There is no session on this device.
    #[error("not signed in on this device{}; run `fourauth login`", beside(file.as_deref()))]
    NotSignedIn {
        /// The file that a login writes.
        file: Option<PathBuf>,
    },
    /// The session on this device is of another account.
    #[error(
        "the session on this device is that of {kept}; run `fourauth login` for another account"
    )]
    OtherAccount {
        /// The account of the session.
        kept: String,
    },
    /// The session on this device is of another server.
    #[error(
        "the session on this device is at {kept}; run `fourauth login` for a session at another server"
    )]
    OtherServer {
        /// The server of the session.
        kept: ServerAddress,
    },
    /// The server granted the login but sent no receipt.
    #[error("the server sent no receipt")]
    NoReceipt,
    /// The receipt is not valid.
    #[error("the receipt is not valid: {0}")]
    Receipt(#[from] ReceiptError),
    /// The answer could not be printed.
    #[error("cannot print: {0}")]
    Output(#[from] io::Error),
}

/// The file that was looked for, in brackets.
fn beside(file: Option<&Path>) -> String {
    file.map(|file| format!(" (no {})", file.display())).unwrap_or_default()
}

impl From<&Failure> for Exit {
    fn from(failure: &Failure) -> Self {
        match failure {
            Failure::Usage(_)
            | Failure::Frames { .. }
            | Failure::NoReply { .. }
            | Failure::Settings(_)
            | Failure::OtherAccount { .. }
            | Failure::OtherServer { .. } => Self::Usage,
            Failure::NotSignedIn { .. } => Self::Denied,
            Failure::Secret(_)
            | Failure::Roots { .. }
            | Failure::Camera(_)
            | Failure::NoCameraForChallenge(_)
            | Failure::Picture { .. }
            | Failure::NoDeviceAddress { .. }
            | Failure::Identity(_)
            | Failure::ReceiptFile { .. }
            | Failure::SessionFile { .. }
            | Failure::Output(_) => Self::LocalDevice,
            Failure::NoReceipt => Self::Protocol,
            Failure::Receipt(_) => Self::VerificationFailed,
            Failure::Client { reason, .. } => network(reason),
        }
    }
}

impl Failure {
    /// The failure of a command that was meant for this server.
    pub(crate) fn at(server: &ServerAddress) -> impl FnOnce(Error) -> Self {
        let server = server.clone();
        move |reason| Self::Client { server, reason: Box::new(reason) }
    }
}

fn network(error: &Error) -> Exit {
    match error {
        Error::Protocol(_) | Error::Abandoned => Exit::Protocol,
        Error::TooLarge(_) => Exit::LocalDevice, // The pictures.
        Error::RetriesExhausted { last, .. } => network(last),
        _ => Exit::Network,
    }
}
