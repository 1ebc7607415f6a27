//! `fourauthd device list|revoke`: devices of an account.

use super::user::account;
use crate::{local_store::LocalStore, table::Format};
use anyhow::bail;
use clap::Subcommand;
use fourauth_protocol::{time::UnixMillis, username::Username};
use fourauth_store::{Device, Lane, Target};
use serde::Serialize;

/// Commands on the devices of an account.
#[derive(Debug, Subcommand)]
pub enum DeviceCommand {
    /// List the devices that an account trusts
    List {
        /// The account's name
        username: String,
        /// Form of the list
        #[command(flatten)]
        format: Format,
    },
    /// Revoke a device permanently, and end the account's sessions
    Revoke {
        /// The account's name
        username: String,
        /// The device's name
        device: String,
    },
}

impl DeviceCommand {
    /// Runs the command and prints the result.
    ///
    /// # Errors
    ///
    /// If there is no such account or device, or the database fails.
    pub async fn run(self, local: &LocalStore) -> anyhow::Result<()> {
        match self {
            Self::List { username, format } => list(local, &username, format).await,
            Self::Revoke { username, device } => revoke(local, &username, device).await,
        }
    }
}

/// A row of `device list`, with the names of 222 in the protocol.
#[derive(Serialize)]
struct ListedDevice {
    name: String,
    mac: String,
    device_id: String,
    bound_at: UnixMillis,
    bound_by: String,
    last_seen: Option<UnixMillis>,
}

async fn list(local: &LocalStore, username: &str, format: Format) -> anyhow::Result<()> {
    let devices = local.store.devices(account(local, username).await?.id).await?;
    let rows: Vec<_> = devices.into_iter().map(ListedDevice::from).collect();
    format.print(["name", "address", "key", "bound", "by", "last seen"], &rows, |device| {
        let seen = device.last_seen.map_or_else(|| "-".to_owned(), |seen| seen.to_string());
        let ListedDevice { name, mac, device_id, bound_at, bound_by, .. } = device;
        [name, mac, device_id, &bound_at.to_string(), bound_by, &seen].map(String::clone)
    })
}

impl From<Device> for ListedDevice {
    fn from(device: Device) -> Self {
        Self {
            name: device.name,
            mac: device.mac.to_string(),
            device_id: device.id.to_string(),
            bound_at: device.bound_at,
            bound_by: device.bound_by,
            last_seen: device.last_seen,
        }
    }
}

async fn revoke(local: &LocalStore, username: &str, device: String) -> anyhow::Result<()> {
    let id = account(local, username).await?.id;
    let (name, at) = (device.clone(), local.now);
    let entry = local.local_row(Some(username), "device_revoke", &format!("device={device}"));
    let target = Target::account(&Username::parse(username)?);
    let revoked = local.change(entry, move |tx| {
        Box::pin(async move {
            let Some(revoked) = tx.revoke_device(id, None, &name, at).await? else {
                return Ok(false);
            };
            tx.forget_lane(target, Lane::Device(revoked)).await?;
            Ok(true)
        })
    });
    if !revoked.await? {
        bail!("{username} has no device named {device}");
    }
    print_out!("{device} is revoked. To bind another device, run `fourauth recover device`.")?;
    Ok(())
}
