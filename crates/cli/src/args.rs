//! The command line. It takes no secrets: arguments appear in process lists and shell histories.

mod details;
mod options;
mod passwords;
mod tokens;
mod variables;

pub use details::{
    AddDeviceArgs, AuditFilter, ConsentArgs, Enrolment, InviteArgs, LoginArgs, NewDevice,
    VerifyArgs, WhoamiArgs,
};
pub use options::{Options, Output, SecretFiles};
pub use passwords::Passwords;
pub use tokens::{AccountArgs, SignUpArgs, Tokens};
pub use variables::{NotUsable, Variable};

use crate::exit;
use clap::{Parser, Subcommand};
use fourauth_protocol::{device::DeviceName, level::Level};

/// Log in, register and recover with a password, a one-time code, a face and a device.
///
/// Without a command it shows a menu. It asks for everything that is not given.
#[derive(Debug, Parser)]
#[command(name = "fourauth", version, after_help = exit::HELP, subcommand_precedence_over_arg = true)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub options: Options,
    /// The command; the menu if absent.
    #[command(subcommand)]
    pub task: Option<Task>,
}

/// A command.
#[derive(Debug, Clone, Subcommand)]
pub enum Task {
    /// Log in
    Login(LoginArgs),
    /// Log in with a password, and a one-time code if the account has an authenticator
    SignIn(AccountArgs),
    /// Add an account for yourself, if the server offers it
    SignUp(SignUpArgs),
    /// Add an account (administrators only)
    Register(Enrolment),
    /// Make a link with which a person opens an account in a browser (administrators only)
    Invite(InviteArgs),
    /// Replace one factor, with proof of the others
    #[command(subcommand, subcommand_precedence_over_arg = true)]
    Recover(Factor),
    /// Replace a forgotten password with a code that the server sends
    #[command(subcommand, subcommand_precedence_over_arg = true)]
    Password(Passwords),
    /// Prove that a new authenticator works, with the password or --grant-file
    Confirm(AccountArgs),
    /// Show this device's key; add, list and revoke devices of an account
    #[command(subcommand, subcommand_precedence_over_arg = true)]
    Device(Devices),
    /// Show which account the last login on this device is of; renews its token if it has expired
    Whoami(WhoamiArgs),
    /// List and end the account's sessions
    #[command(subcommand, subcommand_precedence_over_arg = true)]
    Session(Sessions),
    /// Log in with a passcode; check and end the session of the last login
    #[command(subcommand, subcommand_precedence_over_arg = true)]
    Token(Tokens),
    /// Verify receipts of logins
    #[command(subcommand, subcommand_precedence_over_arg = true)]
    Receipt(Receipts),
    /// Show the server's version, limits and requirements
    Hello,
    /// Read the audit log (administrators only)
    Audit(AuditFilter),
    /// Save a server, its fingerprint or authority, and a username
    Trust,
}

/// The factor to replace.
#[derive(Debug, Clone, Subcommand)]
pub enum Factor {
    /// Replace the secret for one-time codes; needs password, face and device
    Totp,
    /// Replace the password; needs one-time code, face and device
    Password,
    /// Replace the face; needs password, one-time code and device
    Face(ConsentArgs),
    /// Replace a device by this one, or that of --mac; needs password, one-time code and face
    Device(NewDevice),
}

/// A command about devices.
#[derive(Debug, Clone, Subcommand)]
pub enum Devices {
    /// Show this device's public key, to add it to an account from another device
    Key,
    /// Add the device with the given key and --mac; needs password, one-time code and this device
    Add(AddDeviceArgs),
    /// List the account's devices; needs a login on this device, or a token
    List,
    /// Revoke a device; needs password, one-time code and this device
    Revoke {
        /// The device's name in `fourauth device list`
        #[arg(value_parser = DeviceName::parse, value_name = "NAME")]
        name: DeviceName,
    },
}

/// A command about sessions.
#[derive(Debug, Clone, Subcommand)]
pub enum Sessions {
    /// List the sessions of the account
    List,
    /// Print the proof of the sign-in of the last login on this device, or of another session
    ///
    /// The proof is a file for `fourauth-audit-verify`: it shows the row of the sign-in in the server's
    /// audit log, and that the row was signed.
    Proof {
        /// The id of another session in `fourauth session list`
        #[arg(value_name = "ID")]
        session: Option<String>,
    },
    /// Raise the level of the session of the last login with a one-time code, this device's key and, if it is
    /// needed, the face
    Raise {
        /// The level to reach [default: the highest that the account can reach]
        #[arg(long, value_parser = details::level, value_name = "1-4")]
        level: Option<Level>,
    },
    /// End the session of the last login on this device, another one, or all
    End {
        /// The id of another session in `fourauth session list`
        #[arg(value_name = "ID")]
        session: Option<String>,
        /// End every session of the account
        #[arg(long, conflicts_with = "session")]
        all: bool,
    },
}

/// A command about receipts.
#[derive(Debug, Clone, Subcommand)]
pub enum Receipts {
    /// Verify a receipt without contacting a server
    Verify(VerifyArgs),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory as _, error::ErrorKind};
    use std::path::PathBuf;

    const RECEIPT: &str = "fourauth receipt verify - --issuer 4Auth-Authentication \
                           --key ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split(' '))
    }

    #[test]
    fn the_definition_of_arguments_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_is_parsed() {
        assert!(parse("fourauth").unwrap().task.is_none());
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
            ("fourauth whoami --level 3", "Whoami("),
            ("fourauth session list", "Session(List)"),
            ("fourauth sign-in --email a@b.example", "SignIn("),
            ("fourauth sign-up --username alice --phone +4420794600", "SignUp("),
            ("fourauth token request --email a@b.example --phone +4420794600", "Token(Request("),
            ("fourauth token redeem --username x --passcode-file -", "Token(Redeem("),
            ("fourauth token check --level 1", "Token(Check("),
            ("fourauth token end --all", "Token(End"),
            ("fourauth session raise --level 4", "Session(Raise"),
            ("fourauth session end --all", "Session(End"),
            ("fourauth password forgot --email a@b.example", "Password(Forgot("),
            ("fourauth password validate --reset-code-file -", "Password(Validate("),
            ("fourauth password reset --phone +4420794600 --grant-file x", "Password(Reset("),
            ("fourauth device revoke laptop", "Device(Revoke"),
            ("fourauth login --receipt-file alice.receipt", "Login"),
            (RECEIPT, "Receipt(Verify("),
            ("fourauth hello --server [::1]:7000 --tls12", "Hello"),
            ("fourauth audit --user x --action login --failures --id 7 --limit 3", "Audit"),
            ("fourauth trust --server h --username alice", "Trust"),
        ] {
            let task = format!("{:?}", parse(line).unwrap().task.unwrap());
            assert!(task.starts_with(expected), "{line}: {task}");
        }
    }

    #[test]
    fn options_can_precede_or_follow_the_command() {
        for line in [
            "fourauth --face a.jpg b.jpg recover face",
            "fourauth recover --face a.jpg b.jpg face",
            "fourauth recover face --face a.jpg --face b.jpg",
        ] {
            let cli = parse(line).unwrap();
            assert_eq!(
                cli.options.face,
                [PathBuf::from("a.jpg"), PathBuf::from("b.jpg")],
                "{line}"
            );
            assert!(matches!(cli.task, Some(Task::Recover(Factor::Face(_)))), "{line}");
        }
    }

    #[test]
    fn invalid_arguments_are_refused() {
        let pin = "ab".repeat(32);
        for (line, kind) in [
            (format!("fourauth login --pin {pin} --ca x.pem"), ErrorKind::ArgumentConflict),
            ("fourauth login --pin abcd".into(), ErrorKind::ValueValidation),
            ("fourauth login --mac 00:00:00:00:00:00".into(), ErrorKind::ValueValidation),
            ("fourauth login --face 1 2 3 4 5 6 7 8".into(), ErrorKind::UnknownArgument),
            ("fourauth audit --successes --failures".into(), ErrorKind::ArgumentConflict),
            ("fourauth device add --pubkey ed25519:AAAA".into(), ErrorKind::ValueValidation),
            ("fourauth device add".into(), ErrorKind::MissingRequiredArgument),
            ("fourauth register --device-name x".into(), ErrorKind::MissingRequiredArgument),
            ("fourauth audit --limit 501".into(), ErrorKind::ValueValidation),
            ("fourauth receipt verify x --issuer y".into(), ErrorKind::MissingRequiredArgument),
            (RECEIPT.replace("ed25519", "rsa"), ErrorKind::ValueValidation),
            ("fourauth token request --email a@b".into(), ErrorKind::ValueValidation),
            ("fourauth token check --level 5".into(), ErrorKind::ValueValidation),
            ("fourauth token".into(), ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand),
            ("fourauth recover".into(), ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand),
            ("fourauth fly".into(), ErrorKind::InvalidSubcommand),
        ] {
            assert_eq!(parse(&line).unwrap_err().kind(), kind, "{line}");
        }
    }

    #[test]
    fn no_secret_can_be_an_argument() {
        for option in [
            "password",
            "totp",
            "new-password",
            "admin-secret",
            "recovery-code",
            "token",
            "passcode",
            "reset-code",
            "grant",
        ] {
            for command in ["login", "token redeem", "password reset"] {
                let line = format!("fourauth {command} --{option} hunter2");
                assert_eq!(parse(&line).unwrap_err().kind(), ErrorKind::UnknownArgument, "{line}");
            }
        }
    }
}
