//! `fourauthd device list|revoke`: devices of an account.

use super::user::account;
use crate::{local_store::LocalStore, screen};
use anyhow::bail;
use clap::Subcommand;
use fourauth_protocol::username::Username;
use fourauth_store::{Lane, Target};

/// Commands on the devices of an account.
#[derive(Debug, Subcommand)]
pub enum DeviceCommand {
    /// List the devices that an account trusts
    List {
        /// The account's name
        username: String,
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
            Self::List { username } => list(local, &username).await,
            Self::Revoke { username, device } => revoke(local, &username, device).await,
        }
    }
}

async fn list(local: &LocalStore, username: &str) -> anyhow::Result<()> {
    let devices = local.store.devices(account(local, username).await?.id).await?;
    let rows = devices.into_iter().map(|device| {
        let seen = device.last_seen.map_or_else(|| "-".to_owned(), |seen| seen.to_string());
        let (mac, id) = (device.mac.to_string(), device.id.to_string());
        [device.name, mac, id, device.bound_at.to_string(), device.bound_by, seen]
    });
    print_out!("{}", screen::table(["name", "address", "key", "bound", "by", "last seen"], rows));
    Ok(())
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
    print_out!("{device} is revoked. To bind another device, run `fourauth recover device`.");
    Ok(())
}
