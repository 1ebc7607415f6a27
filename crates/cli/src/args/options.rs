//! Options of every command: the server, the device, the pictures and the sources of secrets.

use clap::{Args, ValueEnum};
use fourauth_client::{Fingerprint, ServerAddress};
use fourauth_protocol::{
    challenge::MAX_FRAMES, mac_address::MacAddress, time::UnixMillis, username::Username,
};
use std::path::{Path, PathBuf};

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// The server, HOST or HOST:PORT [default: `FOURAUTH_SERVER`, the saved one, or 127.0.0.1:65432]
    #[arg(long, global = true, value_parser = ServerAddress::parse, value_name = "HOST:PORT")]
    pub server: Option<ServerAddress>,
    /// Trust the server if its certificate has this SHA-256 fingerprint [default: `FOURAUTH_PIN`]
    #[arg(long, global = true, value_parser = Fingerprint::parse, value_name = "HEX", conflicts_with = "ca")]
    pub pin: Option<Fingerprint>,
    /// Trust servers certified by the authorities in this PEM file [default: `FOURAUTH_CA`]
    #[arg(long, global = true, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Allow TLS 1.2 with servers that do not support TLS 1.3
    #[arg(long, global = true)]
    pub tls12: bool,
    /// Attempts after the first if the server cannot be reached, two seconds apart
    #[arg(long, global = true, default_value_t = 0, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=100))]
    pub retries: u32,
    /// Output format of answers
    #[arg(long, global = true, value_enum, default_value_t)]
    pub output: Output,
    /// The account
    #[arg(long, global = true, value_parser = Username::parse, value_name = "NAME")]
    pub username: Option<Username>,
    /// Files with pictures of the face, instead of the camera; `-` reads one from standard input. For
    /// a face challenge: the face at rest, then two files for each step
    #[arg(long, global = true, num_args = 1..=MAX_FRAMES, value_name = "FILE")]
    pub face: Vec<PathBuf>,
    /// The camera that takes pictures of the face
    #[arg(long, global = true, default_value = "/dev/video0", value_name = "DEVICE")]
    pub camera: PathBuf,
    /// The device's address [default: this machine's]
    #[arg(long, global = true, value_parser = MacAddress::parse, value_name = "ADDR")]
    pub mac: Option<MacAddress>,
    /// The file of this device's key, created on first use [default: `FOURAUTH_DEVICE_KEY`, or next
    /// to client.toml]
    #[arg(long, global = true, value_name = "FILE")]
    pub device_key: Option<PathBuf>,
    /// Use no device key and send no device proof, like 4Auth's own client
    #[arg(long, global = true)]
    pub no_device_key: bool,
    /// The time to send, ISO 8601 with a time zone [default: this machine's clock]
    #[arg(long, global = true, value_parser = UnixMillis::parse, value_name = "TIME")]
    pub timestamp: Option<UnixMillis>,
    /// Sources of secrets.
    #[command(flatten)]
    pub secrets: SecretFiles,
}

/// Files that secrets are read from instead of asking for them. Each `-` reads one line of standard
/// input, in the order of these fields.
#[derive(Debug, Clone, Default, Args)]
#[command(
    next_help_heading = "Secrets (from a file, from a line of standard input, or from a prompt)"
)]
pub struct SecretFiles {
    /// An administrator's secret; `-` reads the first line of standard input
    #[arg(long, global = true, value_name = "FILE")]
    pub admin_secret_file: Option<PathBuf>,
    /// The password; `-` reads the next line
    #[arg(long, global = true, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// The grant of the step before; `-` reads the next line
    #[arg(long, global = true, value_name = "FILE")]
    pub grant_file: Option<PathBuf>,
    /// The new password; `-` reads the next line
    #[arg(long, global = true, value_name = "FILE")]
    pub new_password_file: Option<PathBuf>,
    /// A recovery code; `-` reads the next line
    #[arg(long, global = true, value_name = "FILE")]
    pub recovery_code_file: Option<PathBuf>,
    /// The token of a login; `-` reads the next line
    #[arg(long, global = true, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// The one-time code; `-` reads the next line
    #[arg(long, global = true, value_name = "FILE")]
    pub totp_file: Option<PathBuf>,
    /// The passcode that the server sent; `-` reads the next line
    #[arg(long, global = true, value_name = "FILE")]
    pub passcode_file: Option<PathBuf>,
    /// The code for a new password that the server sent; `-` reads the next line
    #[arg(long, global = true, value_name = "FILE")]
    pub reset_code_file: Option<PathBuf>,
}

/// Output format of answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// Text for a person.
    #[default]
    Text,
    /// One JSON object.
    Json,
}

impl SecretFiles {
    /// Number of secrets that are read from standard input.
    pub(crate) fn on_standard_input(&self) -> usize {
        let files = [
            &self.admin_secret_file,
            &self.password_file,
            &self.grant_file,
            &self.new_password_file,
            &self.recovery_code_file,
            &self.token_file,
            &self.totp_file,
            &self.passcode_file,
            &self.reset_code_file,
        ];
        files.into_iter().filter(|file| file.as_deref() == Some(Path::new("-"))).count()
    }
}
