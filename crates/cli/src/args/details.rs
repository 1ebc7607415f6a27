//! What some commands take beside the options of all.

use clap::Args;
use fourauth_protocol::{
    audience::Audience,
    consent::Consent,
    contact::{Email, Phone},
    device::{DeviceKey, DeviceName},
    mac_address::MacAddress,
    receipt::VerifyingKey,
};
use std::path::PathBuf;

/// What a login leaves behind.
#[derive(Debug, Clone, Default, Args)]
pub struct SigningIn {
    /// What to call this device where it is not known yet [default: this machine's name]
    #[arg(long, value_parser = DeviceName::parse, value_name = "NAME")]
    pub device_name: Option<DeviceName>,
    /// Keep the receipt of the login in this file, to be shown to other services
    #[arg(long, value_name = "FILE")]
    pub receipt_file: Option<PathBuf>,
    /// The service that the receipt is for; others must not take it
    #[arg(long, value_parser = Audience::parse, value_name = "NAME")]
    pub audience: Option<Audience>,
}

/// A receipt, and whose it should be.
#[derive(Debug, Clone, Args)]
pub struct Shown {
    /// The receipt; `-` reads standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The server's key for receipts, as `fourauth hello` shows it over a connection that is trusted
    #[arg(long, value_parser = VerifyingKey::parse, value_name = "KEY")]
    pub key: VerifyingKey,
    /// The server's name in receipts: auth.issuer of its configuration
    #[arg(long, value_name = "NAME")]
    pub issuer: String,
    /// The service that the receipt has to be for [default: a receipt that names none]
    #[arg(long, value_parser = Audience::parse, value_name = "NAME")]
    pub audience: Option<Audience>,
}

/// A device that takes the place of another.
#[derive(Debug, Clone, Default, Args)]
pub struct NewDevice {
    /// The address of the device that is replaced [default: the account's first]
    #[arg(long, value_parser = MacAddress::parse, value_name = "ADDR")]
    pub old_mac: Option<MacAddress>,
    /// The public key of the new device [default: this device's, unless --mac is another's]
    #[arg(long, value_parser = DeviceKey::parse, value_name = "KEY")]
    pub device_pubkey: Option<DeviceKey>,
    /// What to call the new device [default: this machine's name]
    #[arg(long, value_parser = DeviceName::parse, value_name = "NAME")]
    pub device_name: Option<DeviceName>,
}

/// A device to add, which is another than the one that is typed at.
#[derive(Debug, Clone, Args)]
pub struct OtherDevice {
    /// The public key of that device, as `fourauth device key` prints it there
    #[arg(long, value_parser = DeviceKey::parse, value_name = "KEY")]
    pub pubkey: DeviceKey,
    /// What to call it
    #[arg(long, value_parser = DeviceName::parse, value_name = "NAME")]
    pub name: Option<DeviceName>,
    /// The address of the device that is typed at [default: this machine's]
    #[arg(long, value_parser = MacAddress::parse, value_name = "ADDR")]
    pub own_mac: Option<MacAddress>,
}

/// What else is known of a new person.
#[derive(Debug, Clone, Default, Args)]
pub struct Enrolment {
    /// Where to write to the person
    #[arg(long, value_parser = Email::parse, value_name = "ADDR")]
    pub email: Option<Email>,
    /// Where to text the person, in international form
    #[arg(long, value_parser = Phone::parse, value_name = "NUMBER")]
    pub phone: Option<Phone>,
    /// The public key of the person's device, as `fourauth device key` prints it there
    #[arg(long, value_parser = DeviceKey::parse, value_name = "KEY")]
    pub device_pubkey: Option<DeviceKey>,
    /// What the person calls that device
    #[arg(long, value_parser = DeviceName::parse, value_name = "NAME", requires = "device_pubkey")]
    pub device_name: Option<DeviceName>,
    /// What the person agreed to.
    #[command(flatten)]
    pub agreement: Agreement,
}

/// What a person agreed to before their face was enrolled.
#[derive(Debug, Clone, Default, Args)]
pub struct Agreement {
    /// The notice that the person agreed to, its version or its words; without it no picture is kept
    #[arg(long, value_parser = Consent::parse, value_name = "TEXT")]
    pub consent: Option<Consent>,
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
