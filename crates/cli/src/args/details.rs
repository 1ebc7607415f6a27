//! What some commands take beside the options of all.

use clap::Args;
use fourauth_protocol::{
    contact::{Email, Phone},
    device::{DeviceKey, DeviceName},
    mac_address::MacAddress,
};

/// What this device is called.
#[derive(Debug, Clone, Default, Args)]
pub struct ThisDevice {
    /// What to call this device where it is not known yet [default: this machine's name]
    #[arg(long, value_parser = DeviceName::parse, value_name = "NAME")]
    pub device_name: Option<DeviceName>,
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
