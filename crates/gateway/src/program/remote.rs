//! The way to a server on another machine: TLS to the trusted server, and the proof of the gateway.

use super::Configuration;
use crate::upstream::{Dial, Pending};
use fourauth_client::{Client, GatewayConnection, Identity, Outcome};
use fourauth_protocol::{gateway::GatewayName, printable::printable};
use std::time::Duration;

/// Time for name lookup, TCP and TLS. Visitors wait meanwhile.
const CONNECT_TIME: Duration = Duration::from_secs(5);

/// Opens connections to one server. Nothing is sent before its certificate is checked.
pub(super) struct Remote {
    client: Client,
    name: GatewayName,
    identity: Identity,
}

impl From<Configuration> for Remote {
    fn from(configuration: Configuration) -> Self {
        let Configuration { server, trust, name, identity, .. } = configuration;
        let client = Client::builder(server, trust).connect_timeout(CONNECT_TIME).build();
        Self { client, name, identity }
    }
}

impl Remote {
    async fn open(&self) -> Result<GatewayConnection, String> {
        let connection = self.client.connect().await.map_err(|error| error.to_string())?;
        match connection.as_gateway(&self.name, &self.identity).await {
            Ok(Outcome::Granted(connection)) => {
                tracing::info!(gateway = %self.name, "connected to the server");
                Ok(connection)
            }
            Ok(Outcome::Refused(refusal)) => Err(format!(
                "the server refuses this gateway ({}); on its machine, run `fourauthd gateway add \
                 {} --key {}`",
                printable(&refusal.message),
                self.name,
                self.identity.key()
            )),
            Err(error) => Err(error.to_string()),
        }
    }
}

impl Dial for Remote {
    fn dial(&self) -> Pending<'_, Result<GatewayConnection, String>> {
        Box::pin(self.open())
    }
}
