//! Commands about passcodes and tokens, and the names of accounts.

use super::WhoamiArgs;
use clap::{Args, Subcommand};
use fourauth_protocol::contact::{Email, Phone};

/// A command about passcodes and tokens.
#[derive(Debug, Clone, Subcommand)]
pub enum Tokens {
    /// Have a passcode sent by mail or as a text message; needs the password
    Request(AccountArgs),
    /// Log in with the password and the passcode, and keep the token
    Redeem(AccountArgs),
    /// Check the token of the last login on this device; renews it if it has expired
    Check(WhoamiArgs),
    /// End the session of the last login on this device
    End {
        /// End every session of the account
        #[arg(long)]
        all: bool,
    },
}

/// Names an account, in addition to `--username`. All that are given must belong to the same account.
#[derive(Debug, Clone, Default, Args)]
pub struct AccountArgs {
    /// The account's e-mail address
    #[arg(long, value_parser = Email::parse, value_name = "ADDR")]
    pub email: Option<Email>,
    /// The account's telephone number, in international form
    #[arg(long, value_parser = Phone::parse, value_name = "NUMBER")]
    pub phone: Option<Phone>,
}

/// A new account that a person registers alone.
#[derive(Debug, Clone, Default, Args)]
pub struct SignUpArgs {
    /// The name and addresses of the account
    #[command(flatten)]
    pub account: AccountArgs,
    /// Do not set up an authenticator
    #[arg(long)]
    pub without_totp: bool,
}
