//! 152: prove a gateway.

use crate::{device::DeviceSignature, gateway::GatewayName};
use serde::{Deserialize, Serialize};

/// 152: proves that this connection comes from a gateway that an operator has registered. From then
/// on each command on the connection states its peer: see [`envelope`](crate::envelope).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ProveGateway {
    /// The name under which the key was registered.
    pub gateway: GatewayName,
    /// A signature of [`message`](crate::gateway::message) over the TLS exporter of this connection.
    pub gateway_sig: DeviceSignature,
}

impl ProveGateway {
    /// A proof over the TLS exporter.
    #[must_use]
    pub const fn new(gateway: GatewayName, gateway_sig: DeviceSignature) -> Self {
        Self { gateway, gateway_sig }
    }
}
