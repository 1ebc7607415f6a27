//! 152: a gateway proves its key, and each later command on its connection asks whether the key is
//! still registered.

use crate::{
    action::Action,
    attempt::{Audited, Verdict, effect::Effect},
    authenticator::Authenticator,
    decision::Denial,
    device::decoy_key,
    error::Error,
    received::Received,
};
use fourauth_factors::device;
use fourauth_protocol::{
    command::ProveGateway,
    device::{DeviceId, DeviceKey},
    gateway::{GatewayName, message},
};

impl Authenticator {
    /// 152: proves that the connection is that of a gateway. A right proof is granted even if its
    /// source is blocked: the visitors of a gateway must not suffer from its neighbours.
    ///
    /// # Errors
    ///
    /// [`Error`] if the command could not be decided.
    pub async fn prove_gateway(
        &self,
        received: Received,
        proof: ProveGateway,
    ) -> Result<Audited<()>, Error> {
        let limited = received.limited();
        let exporter = received.exporter;
        let mut attempt = self.open(Action::ProveGateway, None, received)?;
        let key = self.store.gateway(&proof.gateway).await?.map(|gateway| gateway.key);
        let is_proven = exporter.is_some_and(|channel| is_signed_by(key, &channel, &proof));
        let outcome = match (key, limited) {
            (Some(key), _) if is_proven => {
                attempt.proven_device = Some(key.id());
                Ok((Effect::Nothing, ()))
            }
            (_, Some(limited)) => Err(Denial::Limited(limited)),
            (_, None) => Err(Denial::Gateway),
        };
        let detail = format!("gateway={}", proof.gateway);
        attempt.conclude(&self.store, Verdict::new(outcome, detail)).await
    }

    /// True if the key of a gateway is still registered under its name.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub async fn is_gateway(&self, name: &GatewayName, key: DeviceId) -> Result<bool, Error> {
        let registered = self.store.gateway(name).await?;
        Ok(registered.is_some_and(|gateway| gateway.key.id() == key))
    }
}

/// Checks the signature. For an unknown name it takes as long as for a known one.
fn is_signed_by(key: Option<DeviceKey>, channel: &[u8], proof: &ProveGateway) -> bool {
    let message = message(channel, &proof.gateway);
    let is_signed = device::is_signed(&key.unwrap_or_else(decoy_key), &message, &proof.gateway_sig);
    key.is_some() && is_signed
}
