//! Why there is no answer to show, and the exit code of each reason.

use crate::{
    camera::CameraError, exit::Exit, picture::NotAPicture, secrets::SecretError,
    settings::SettingsError, world::NoReply,
};
use fourauth_client::{Error, IdentityError, NoRoots, NotAReceipt};
use std::{io, path::PathBuf};

/// Why there is no answer to show.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// What was typed or replied cannot be meant.
    #[error("{0}")]
    Usage(String),
    /// A question had no reply.
    #[error("{question}: {reason}; see --help for other ways to give it")]
    NoReply {
        /// What was asked for.
        question: String,
        /// Why nothing came.
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
        reason: NoRoots,
    },
    /// The camera took no pictures.
    #[error("{0}; --face FILE takes pictures from files instead")]
    Camera(#[from] CameraError),
    /// A file is no picture.
    #[error("{}: {reason}", path.display())]
    Picture {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        reason: NotAPicture,
    },
    /// This machine has no network card with an address.
    #[error("this machine has no hardware address; give one with {option}")]
    NoDeviceAddress {
        /// Where it can be given.
        option: &'static str,
    },
    /// The key of this device cannot be used.
    #[error("{0}; --device-key FILE takes another, --no-device-key does without")]
    Identity(#[from] IdentityError),
    /// The server was not heard.
    #[error(transparent)]
    Client(#[from] Error),
    /// The file of a receipt cannot be read or written.
    #[error("{}: {reason}", path.display())]
    ReceiptFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        reason: io::Error,
    },
    /// The server lets people in and says nothing of it that could be kept.
    #[error("the server sent no receipt")]
    NoReceipt,
    /// A receipt is not to be believed.
    #[error("the receipt does not hold: {0}")]
    Receipt(#[from] NotAReceipt),
    /// The answer could not be printed.
    #[error("cannot print: {0}")]
    Output(#[from] io::Error),
}

impl From<&Failure> for Exit {
    fn from(failure: &Failure) -> Self {
        match failure {
            Failure::Usage(_) | Failure::NoReply { .. } | Failure::Settings(_) => Self::Usage,
            Failure::Secret(_)
            | Failure::Roots { .. }
            | Failure::Camera(_)
            | Failure::Picture { .. }
            | Failure::NoDeviceAddress { .. }
            | Failure::Identity(_)
            | Failure::ReceiptFile { .. }
            | Failure::Output(_) => Self::LocalDevice,
            Failure::NoReceipt => Self::Protocol,
            Failure::Receipt(_) => Self::VerificationFailed,
            Failure::Client(error) => network(error),
        }
    }
}

fn network(error: &Error) -> Exit {
    match error {
        Error::Protocol(_) | Error::Abandoned => Exit::Protocol,
        Error::TooLarge(_) => Exit::LocalDevice, // The pictures.
        _ => Exit::Network,
    }
}
