//! This device's key: where it is kept, which commands use it, and how it is shown.

use crate::{
    args::{Devices, Options, Output, Task, Tokens},
    device_address,
    environment::Environment,
    exit::Exit,
    failure::Failure,
    settings::Settings,
};
use fourauth_client::Identity;
use fourauth_protocol::{
    command::Command,
    device::{DeviceId, DeviceKey},
    mac_address::MacAddress,
    printable::PrintableJson,
    username::Username,
};
use serde::Serialize;
use std::path::PathBuf;

/// The default file, next to `client.toml`.
const FILE: &str = "device.key";

/// True if the task uses this device's key.
///
/// Administrator commands do not, because the device is not the account's. Nor do commands with a
/// token, which needs no further proof.
pub(crate) const fn serves(task: &Task) -> bool {
    matches!(
        task,
        Task::Login(_)
            | Task::Confirm(_)
            | Task::Recover(_)
            | Task::Token(Tokens::Request(_) | Tokens::Redeem(_))
            | Task::Password(_)
            | Task::Device(Devices::Add(_) | Devices::Revoke { .. })
    )
}

/// Reads this device's key, and creates it if it does not exist. `None` if the options disable it
/// or this system has no place for it.
pub(crate) fn obtain(
    options: &Options,
    settings: &Settings,
    environment: &Environment<'_>,
) -> Result<Option<Identity>, Failure> {
    if options.no_device_key {
        return Ok(None);
    }
    let next_to_settings = || Some(environment.settings_file.as_ref()?.with_file_name(FILE));
    let named = options.device_key.as_ref().or(settings.device_key.as_ref()).cloned();
    let path: Option<PathBuf> = named.or_else(next_to_settings);
    Ok(path.map(|path| Identity::load_or_create(&path)).transpose()?)
}

/// The account and address to prove for commands that do not name this device themselves.
pub(crate) fn unsaid<'a>(
    command: &'a Command,
    options: &Options,
    environment: &Environment<'_>,
) -> Option<(&'a Username, MacAddress)> {
    let own = device_address::own(environment);
    match command {
        Command::ConfirmTotp(confirm) => Some((confirm.account.username()?, options.mac.or(own)?)),
        // A proof names the account by its username.
        Command::RequestPasscode(request) => Some((request.account.username()?, request.mac?)),
        Command::RedeemPasscode(redeem) => Some((redeem.account.username()?, redeem.mac?)),
        Command::RequestReset(request) => Some((request.account.username()?, request.mac?)),
        Command::ValidateReset(validate) => Some((validate.account.username()?, validate.mac?)),
        Command::ResetPassword(reset) => Some((reset.account.username()?, options.mac.or(own)?)),
        // The new device is not this one.
        Command::RecoverDevice(recover) if recover.new_mac != own => {
            Some((&recover.username, own?))
        }
        _ => None,
    }
}

/// The values that another device, or an administrator, needs to bind this device.
#[derive(Debug, Serialize)]
struct Shown {
    device_pubkey: DeviceKey,
    device_id: DeviceId,
    mac: Option<MacAddress>,
}

/// Prints this device's key. Contacts no server.
pub(crate) fn show(
    options: &Options,
    settings: &Settings,
    environment: &mut Environment<'_>,
) -> Result<Exit, Failure> {
    let Some(identity) = obtain(options, settings, environment)? else {
        let reason = "no device key; provide a file with --device-key";
        return Err(Failure::Usage(reason.to_owned()));
    };
    let (device_pubkey, mac) =
        (identity.key(), options.mac.or_else(|| device_address::own(environment)));
    let shown = Shown { device_pubkey, device_id: device_pubkey.id(), mac };
    match options.output {
        Output::Json => {
            let json = serde_json::to_string(&shown).map_err(std::io::Error::other)?;
            writeln!(environment.output, "{}", PrintableJson(&json))?;
        }
        Output::Text => {
            let mac = mac.map_or_else(|| "ADDR".to_owned(), |mac| mac.to_string());
            writeln!(environment.output, "Public key: {device_pubkey}")?;
            writeln!(environment.output, "Device id:  {}", shown.device_id)?;
            writeln!(environment.output, "Address:    {mac}")?;
            writeln!(
                environment.notes,
                "To add it to an account, run this on a device of the account:"
            )?;
            let line = format!("fourauth device add --pubkey {device_pubkey} --mac {mac}");
            writeln!(environment.notes, "{line}")?;
        }
    }
    environment.output.flush()?;
    Ok(Exit::Ok)
}
