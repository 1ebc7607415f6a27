//! What can be typed. Secrets cannot: arguments stand in process lists and in shell histories.

use crate::exit;
use clap::{Args, Parser, Subcommand, ValueEnum};
use fourauth_client::{Fingerprint, ServerAddress};
use fourauth_protocol::{
    contact::{Email, Phone},
    mac_address::MacAddress,
    picture::MAX_PICTURES,
    time::UnixMillis,
    username::Username,
};
use std::path::PathBuf;

/// Log in, register and recover with a password, a one-time code, a face and a device.
///
/// Without a command it shows a menu. What is not given is asked for.
#[derive(Debug, Parser)]
#[command(name = "fourauth", version, after_help = exit::HELP, subcommand_precedence_over_arg = true)]
pub struct Cli {
    /// What holds for every command.
    #[command(flatten)]
    pub options: Options,
    /// What to do; the menu if absent.
    #[command(subcommand)]
    pub task: Option<Task>,
}

/// What to do.
#[derive(Debug, Clone, Subcommand)]
pub enum Task {
    /// Prove who you are
    Login,
    /// Add an account, as an administrator
    Register(Contact),
    /// Replace one factor by proving the others
    #[command(subcommand, subcommand_precedence_over_arg = true)]
    Recover(Factor),
    /// Prove that a new authenticator works
    Confirm,
    /// Ask what the server speaks and wants
    Hello,
    /// Read the audit log, as an administrator
    Audit(Rows),
    /// Remember a server, its fingerprint or authority, and a username
    Trust,
}

/// The factor that is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum Factor {
    /// A new secret for one-time codes; proves password, face and device
    Totp,
    /// A new password; proves one-time code, face and device
    Password,
    /// A new face; proves password, one-time code and device
    Face,
    /// A new device, this one unless --mac names it; proves password, one-time code and face
    Device,
}

/// What holds for every command.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// The server, HOST or HOST:PORT [default: the one remembered, or 127.0.0.1:65432]
    #[arg(long, global = true, env = "FOURAUTH_SERVER", value_parser = ServerAddress::parse, value_name = "HOST:PORT")]
    pub server: Option<ServerAddress>,
    /// Believe the server whose certificate has this SHA-256 fingerprint
    #[arg(long, global = true, env = "FOURAUTH_PIN", value_parser = Fingerprint::parse, value_name = "HEX", conflicts_with = "ca")]
    pub pin: Option<Fingerprint>,
    /// Believe servers certified by the authorities in this PEM file
    #[arg(long, global = true, env = "FOURAUTH_CA", value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Admit servers that know no TLS 1.3 and speak 1.2
    #[arg(long, global = true)]
    pub tls12: bool,
    /// How answers are printed
    #[arg(long, global = true, value_enum, default_value_t)]
    pub output: Output,
    /// The account
    #[arg(long, global = true, value_parser = Username::parse, value_name = "NAME")]
    pub username: Option<Username>,
    /// Pictures of the face instead of the camera's; `-` is one picture on standard input
    #[arg(long, global = true, num_args = 1..=MAX_PICTURES, value_name = "FILE")]
    pub face: Vec<PathBuf>,
    /// The camera that takes pictures of the face
    #[arg(long, global = true, default_value = "/dev/video0", value_name = "DEVICE")]
    pub camera: PathBuf,
    /// The device's address [default: this machine's]
    #[arg(long, global = true, value_parser = MacAddress::parse, value_name = "ADDR")]
    pub mac: Option<MacAddress>,
    /// The time to send, ISO 8601 with a zone [default: this machine's]
    #[arg(long, global = true, value_parser = UnixMillis::parse, value_name = "TIME")]
    pub timestamp: Option<UnixMillis>,
    /// Where secrets come from.
    #[command(flatten)]
    pub secrets: SecretFiles,
}

/// Where secrets come from if nobody is to be asked. Several that are `-` are lines of standard
/// input, in the order of these fields.
#[derive(Debug, Clone, Default, Args)]
#[command(
    next_help_heading = "Secrets (each from a file, from a line of standard input, or asked for)"
)]
pub struct SecretFiles {
    /// An administrator's secret; `-` reads the first line of standard input
    #[arg(long, global = true, value_name = "FILE")]
    pub admin_secret_file: Option<PathBuf>,
    /// The password; `-` reads the next line
    #[arg(long, global = true, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// The password to take; `-` reads the next line
    #[arg(long, global = true, value_name = "FILE")]
    pub new_password_file: Option<PathBuf>,
    /// The one-time code; `-` reads the next line
    #[arg(long, global = true, value_name = "FILE")]
    pub totp_file: Option<PathBuf>,
}

/// How answers are printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For a person.
    #[default]
    Text,
    /// One JSON object.
    Json,
}

/// Where to reach the person.
#[derive(Debug, Clone, Default, Args)]
pub struct Contact {
    /// Where to write to the person
    #[arg(long, value_parser = Email::parse, value_name = "ADDR")]
    pub email: Option<Email>,
    /// Where to text the person, in international form
    #[arg(long, value_parser = Phone::parse, value_name = "NUMBER")]
    pub phone: Option<Phone>,
}

/// Which rows of the audit log.
#[derive(Debug, Clone, Default, Args)]
pub struct Rows {
    /// Rows about this name, which need not be an account
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// Rows of this action, as the log spells it: login, register, ...
    #[arg(long)]
    pub action: Option<String>,
    /// Successes only
    #[arg(long, conflicts_with = "failures")]
    pub successes: bool,
    /// Failures only
    #[arg(long)]
    pub failures: bool,
    /// The one row with this number
    #[arg(long, value_name = "N")]
    pub id: Option<i64>,
    /// Rows older than the one with this number
    #[arg(long, value_name = "N")]
    pub before: Option<i64>,
    /// Most rows to show, at most 500
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=500))]
    pub limit: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory as _, error::ErrorKind};

    fn typed(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split(' '))
    }

    #[test]
    fn the_declaration_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_can_be_typed() {
        assert!(typed("fourauth").unwrap().task.is_none());
        for (line, expected) in [
            ("fourauth login", "Login"),
            ("fourauth register --email a@b.example --phone +4420794600", "Register"),
            ("fourauth recover totp", "Recover(Totp)"),
            ("fourauth recover password --username alice", "Recover(Password)"),
            ("fourauth recover face --face a.jpg b.jpg c.jpg", "Recover(Face)"),
            ("fourauth recover device --mac 00-1B-44-11-3A-B7", "Recover(Device)"),
            ("fourauth confirm", "Confirm"),
            ("fourauth hello --server [::1]:7000 --tls12", "Hello"),
            ("fourauth audit --user x --action login --failures --id 7 --limit 3", "Audit"),
            ("fourauth trust --server h --username alice", "Trust"),
        ] {
            let task = format!("{:?}", typed(line).unwrap().task.unwrap());
            assert!(task.starts_with(expected), "{line}: {task}");
        }
    }

    #[test]
    fn options_may_stand_before_and_after_the_command() {
        for line in [
            "fourauth --face a.jpg b.jpg recover face",
            "fourauth recover --face a.jpg b.jpg face",
            "fourauth recover face --face a.jpg --face b.jpg",
        ] {
            let cli = typed(line).unwrap();
            assert_eq!(
                cli.options.face,
                [PathBuf::from("a.jpg"), PathBuf::from("b.jpg")],
                "{line}"
            );
            assert!(matches!(cli.task, Some(Task::Recover(Factor::Face))), "{line}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let pin = "ab".repeat(32);
        for (line, kind) in [
            (format!("fourauth login --pin {pin} --ca x.pem"), ErrorKind::ArgumentConflict),
            ("fourauth login --pin abcd".into(), ErrorKind::ValueValidation),
            ("fourauth login --mac 00:00:00:00:00:00".into(), ErrorKind::ValueValidation),
            ("fourauth login --face 1 2 3 4 5 6".into(), ErrorKind::UnknownArgument),
            ("fourauth audit --successes --failures".into(), ErrorKind::ArgumentConflict),
            ("fourauth audit --limit 501".into(), ErrorKind::ValueValidation),
            ("fourauth recover".into(), ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand),
            ("fourauth fly".into(), ErrorKind::InvalidSubcommand),
        ] {
            assert_eq!(typed(&line).unwrap_err().kind(), kind, "{line}");
        }
    }

    #[test]
    fn no_secret_can_be_an_argument() {
        for option in ["password", "totp", "new-password", "admin-secret"] {
            let line = format!("fourauth login --{option} hunter2");
            assert_eq!(typed(&line).unwrap_err().kind(), ErrorKind::UnknownArgument, "{line}");
        }
    }
}
