//! Options of single commands, in addition to the common ones.

use clap::Args;
use fourauth_protocol::{
    audience::Audience,
    consent::Consent,
    contact::{Email, Phone},
    device::{DeviceKey, DeviceName},
    level::Level,
    mac_address::MacAddress,
    receipt::VerifyingKey,
};
use std::path::PathBuf;

/// Options of a login.
#[derive(Debug, Clone, Default, Args)]
pub struct LoginArgs {
    /// Name for this device if the account does not know it yet [default: this machine's name]
    #[arg(long, value_parser = DeviceName::parse, value_name = "NAME")]
    pub device_name: Option<DeviceName>,
    /// Save the receipt of the login to this file, for use with other services
    #[arg(long, value_name = "FILE")]
    pub receipt_file: Option<PathBuf>,
    /// The service that the receipt is for; others must refuse it
    #[arg(long, value_parser = Audience::parse, value_name = "NAME")]
    pub audience: Option<Audience>,
    /// The level that the login must reach: 1 one factor, 2 two, 3 with a device key, 4 all
    #[arg(long, value_parser = level, value_name = "1-4")]
    pub level: Option<Level>,
}

/// Options of a question about the session.
#[derive(Debug, Clone, Default, Args)]
pub struct WhoamiArgs {
    /// The level that the session must have: 1 one factor, 2 two, 3 with a device key, 4 all
    #[arg(long, value_parser = level, value_name = "1-4")]
    pub level: Option<Level>,
}

pub(super) fn level(text: &str) -> Result<Level, &'static str> {
    text.parse().ok().and_then(Level::from_number).ok_or("a level is a number from 1 to 4")
}

/// A receipt, and its expected signer and audience.
#[derive(Debug, Clone, Args)]
pub struct VerifyArgs {
    /// The receipt; `-` reads standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The server's key for receipts; `fourauth hello` shows it over a trusted connection
    #[arg(long, value_parser = VerifyingKey::parse, value_name = "KEY")]
    pub key: VerifyingKey,
    /// The server's name in receipts: `auth.issuer` in its configuration
    #[arg(long, value_name = "NAME")]
    pub issuer: String,
    /// The service that the receipt must be for; if absent, the receipt must name none
    #[arg(long, value_parser = Audience::parse, value_name = "NAME")]
    pub audience: Option<Audience>,
}

/// A device that replaces another one.
#[derive(Debug, Clone, Default, Args)]
pub struct NewDevice {
    /// The address of the device to replace [default: the account's first]
    #[arg(long, value_parser = MacAddress::parse, value_name = "ADDR")]
    pub old_mac: Option<MacAddress>,
    /// The public key of the new device [default: this device's key, unless --mac names another]
    #[arg(long, value_parser = DeviceKey::parse, value_name = "KEY")]
    pub device_pubkey: Option<DeviceKey>,
    /// Name for the new device [default: this machine's name]
    #[arg(long, value_parser = DeviceName::parse, value_name = "NAME")]
    pub device_name: Option<DeviceName>,
}

/// A device to add, other than this one.
#[derive(Debug, Clone, Args)]
pub struct AddDeviceArgs {
    /// The device's public key, as printed by `fourauth device key` there
    #[arg(long, value_parser = DeviceKey::parse, value_name = "KEY")]
    pub pubkey: DeviceKey,
    /// Name for the device
    #[arg(long, value_parser = DeviceName::parse, value_name = "NAME")]
    pub name: Option<DeviceName>,
    /// The address of this device [default: this machine's]
    #[arg(long, value_parser = MacAddress::parse, value_name = "ADDR")]
    pub own_mac: Option<MacAddress>,
}

/// Further details of a new account.
#[derive(Debug, Clone, Default, Args)]
pub struct Enrolment {
    /// The person's e-mail address
    #[arg(long, value_parser = Email::parse, value_name = "ADDR")]
    pub email: Option<Email>,
    /// The person's telephone number, in international form
    #[arg(long, value_parser = Phone::parse, value_name = "NUMBER")]
    pub phone: Option<Phone>,
    /// The public key of the person's device, as printed by `fourauth device key` there
    #[arg(long, value_parser = DeviceKey::parse, value_name = "KEY")]
    pub device_pubkey: Option<DeviceKey>,
    /// Name for that device
    #[arg(long, value_parser = DeviceName::parse, value_name = "NAME", requires = "device_pubkey")]
    pub device_name: Option<DeviceName>,
    /// The person's consent.
    #[command(flatten)]
    pub agreement: ConsentArgs,
}

/// An account for a person that enrols its factors alone.
#[derive(Debug, Clone, Default, Args)]
pub struct InviteArgs {
    /// The person's mail address
    #[arg(long, value_parser = Email::parse, value_name = "ADDRESS")]
    pub email: Option<Email>,
    /// The person's telephone number, in international form
    #[arg(long, value_parser = Phone::parse, value_name = "NUMBER")]
    pub phone: Option<Phone>,
}

/// A person's consent to the enrolment of their face.
#[derive(Debug, Clone, Default, Args)]
pub struct ConsentArgs {
    /// The notice that the person agreed to, as version or text; without it no picture is kept
    #[arg(long, value_parser = Consent::parse, value_name = "TEXT")]
    pub consent: Option<Consent>,
}

/// A selection of rows of the audit log.
#[derive(Debug, Clone, Default, Args)]
pub struct AuditFilter {
    /// Rows about this username, whether or not the account exists
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// Rows of this action, as spelled in the log: login, register, ...
    #[arg(long)]
    pub action: Option<String>,
    /// Successes only
    #[arg(long, conflicts_with = "failures")]
    pub successes: bool,
    /// Failures only
    #[arg(long)]
    pub failures: bool,
    /// The row with this number
    #[arg(long, value_name = "N")]
    pub id: Option<i64>,
    /// Rows older than the one with this number
    #[arg(long, value_name = "N")]
    pub before: Option<i64>,
    /// Maximum number of rows, up to 500
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=500))]
    pub limit: Option<u32>,
}
