//! `fourauthd gateway add|list|remove`: services that may state the peer of a command.

use crate::{local_store::LocalStore, table::Format};
use anyhow::{bail, ensure};
use clap::Subcommand;
use fourauth_protocol::{device::DeviceKey, gateway::GatewayName, time::UnixMillis};
use fourauth_server::gateway::IN_PROCESS;
use fourauth_store::Gateway;
use serde::Serialize;

/// Commands on gateways.
#[derive(Debug, Subcommand)]
pub enum GatewayCommand {
    /// List the gateways
    List {
        /// Form of the list
        #[command(flatten)]
        format: Format,
    },
    /// Register a gateway by its public key
    Add {
        /// The gateway's name, as the audit log will show it: lower-case letters, digits, hyphens
        name: String,
        /// The gateway's public key: `ed25519:` and the base64 of 32 bytes
        #[arg(long)]
        key: String,
    },
    /// Remove a gateway; the server refuses its next command
    Remove {
        /// The gateway's name
        name: String,
    },
}

impl GatewayCommand {
    /// Runs the command and prints the result.
    ///
    /// # Errors
    ///
    /// If the name or the key is not valid, taken or unknown, or the database fails.
    pub async fn run(self, local: &LocalStore) -> anyhow::Result<()> {
        match self {
            Self::List { format } => list(local, format).await,
            Self::Add { name, key } => add(local, &name, &key).await,
            Self::Remove { name } => remove(local, &name).await,
        }
    }
}

/// A row of `gateway list`.
#[derive(Serialize)]
struct ListedGateway {
    name: String,
    key: String,
    added_at: UnixMillis,
}

async fn list(local: &LocalStore, format: Format) -> anyhow::Result<()> {
    let gateways = local.store.gateways().await?.into_iter();
    let rows: Vec<_> = gateways
        .map(|Gateway { name, key, added_at }| ListedGateway {
            name: name.to_string(),
            key: key.to_string(),
            added_at,
        })
        .collect();
    format.print(["name", "key", "added"], &rows, |gateway| {
        [gateway.name.clone(), gateway.key.clone(), gateway.added_at.to_string()]
    })
}

async fn add(local: &LocalStore, name: &str, key: &str) -> anyhow::Result<()> {
    let (name, key) = (GatewayName::parse(name)?, DeviceKey::parse(key)?);
    ensure!(
        name.as_str() != IN_PROCESS,
        "`{IN_PROCESS}` is the gateway inside the server; choose another name"
    );
    let detail = format!("gateway={name} key={}", key.id());
    let entry = local.local_row(None, "gateway_add", &detail);
    let gateway = Gateway { name: name.clone(), key, added_at: local.now };
    let added =
        local.change(entry, move |tx| Box::pin(async move { tx.add_gateway(&gateway).await }));
    if !added.await? {
        bail!("there is already a gateway named {name}, or one with this key");
    }
    print_out!("{name} may state the peers of its commands.")?;
    Ok(())
}

async fn remove(local: &LocalStore, name: &str) -> anyhow::Result<()> {
    let name = GatewayName::parse(name)?;
    let entry = local.local_row(None, "gateway_remove", &format!("gateway={name}"));
    let removed = name.clone();
    let removed =
        local.change(entry, move |tx| Box::pin(async move { tx.remove_gateway(&removed).await }));
    if !removed.await? {
        bail!("there is no gateway named {name}");
    }
    print_out!("{name} is removed. The server refuses its next command.")?;
    Ok(())
}
