//! What can be typed. Secrets cannot: arguments stand in process lists and in shell histories.

mod details;
mod options;

pub use details::{Agreement, Enrolment, NewDevice, OtherDevice, Rows, Shown, SigningIn};
pub use options::{Options, Output, SecretFiles};

use crate::exit;
use clap::{Parser, Subcommand};
use fourauth_protocol::device::DeviceName;

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
    Login(SigningIn),
    /// Add an account, as an administrator
    Register(Enrolment),
    /// Replace one factor by proving the others
    #[command(subcommand, subcommand_precedence_over_arg = true)]
    Recover(Factor),
    /// Prove that a new authenticator works
    Confirm,
    /// This device's key, and the devices of an account
    #[command(subcommand, subcommand_precedence_over_arg = true)]
    Device(Devices),
    /// What logins leave for other services
    #[command(subcommand, subcommand_precedence_over_arg = true)]
    Receipt(Receipts),
    /// Ask what the server speaks and wants
    Hello,
    /// Read the audit log, as an administrator
    Audit(Rows),
    /// Remember a server, its fingerprint or authority, and a username
    Trust,
}

/// The factor that is replaced.
#[derive(Debug, Clone, Subcommand)]
pub enum Factor {
    /// A new secret for one-time codes; proves password, face and device
    Totp,
    /// A new password; proves one-time code, face and device
    Password,
    /// A new face; proves password, one-time code and device
    Face(Agreement),
    /// A new device, this one unless --mac names it; proves password, one-time code and face
    Device(NewDevice),
}

/// What is done with devices.
#[derive(Debug, Clone, Subcommand)]
pub enum Devices {
    /// Show this device's public key, to add it to an account from another device
    Key,
    /// Add the device whose key and --mac are given; proves password, one-time code and this device
    Add(OtherDevice),
    /// List the account's devices, with the token of a login
    List,
    /// Believe a device no longer; proves password, one-time code and this device
    Revoke {
        /// The device, as `fourauth device list` names it
        #[arg(value_parser = DeviceName::parse, value_name = "NAME")]
        name: DeviceName,
    },
}

/// What is done with receipts.
#[derive(Debug, Clone, Subcommand)]
pub enum Receipts {
    /// See whether a receipt holds; no server is asked
    Verify(Shown),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory as _, error::ErrorKind};
    use std::path::PathBuf;

    const RECEIPT: &str = "fourauth receipt verify - --issuer 4Auth-Authentication \
                           --key ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

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
            ("fourauth recover face --face a.jpg b.jpg c.jpg --consent v3", "Recover(Face("),
            ("fourauth register --consent v3 --face a.jpg", "Register"),
            ("fourauth recover device --mac 00-1B-44-11-3A-B7 --device-name x", "Recover(Device("),
            ("fourauth confirm", "Confirm"),
            ("fourauth device key --device-key x.key", "Device(Key)"),
            ("fourauth device list --token-file -", "Device(List)"),
            ("fourauth device revoke laptop", "Device(Revoke"),
            ("fourauth login --receipt-file alice.receipt", "Login"),
            (RECEIPT, "Receipt(Verify("),
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
            assert!(matches!(cli.task, Some(Task::Recover(Factor::Face(_)))), "{line}");
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
            ("fourauth device add --pubkey ed25519:AAAA".into(), ErrorKind::ValueValidation),
            ("fourauth device add".into(), ErrorKind::MissingRequiredArgument),
            ("fourauth register --device-name x".into(), ErrorKind::MissingRequiredArgument),
            ("fourauth audit --limit 501".into(), ErrorKind::ValueValidation),
            ("fourauth receipt verify x --issuer y".into(), ErrorKind::MissingRequiredArgument),
            (RECEIPT.replace("ed25519", "rsa"), ErrorKind::ValueValidation),
            ("fourauth recover".into(), ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand),
            ("fourauth fly".into(), ErrorKind::InvalidSubcommand),
        ] {
            assert_eq!(typed(&line).unwrap_err().kind(), kind, "{line}");
        }
    }

    #[test]
    fn no_secret_can_be_an_argument() {
        for option in ["password", "totp", "new-password", "admin-secret", "recovery-code", "token"]
        {
            let line = format!("fourauth login --{option} hunter2");
            assert_eq!(typed(&line).unwrap_err().kind(), ErrorKind::UnknownArgument, "{line}");
        }
    }
}
