//! 220–224: the owner of an account binds, lists and revokes its devices.

use crate::{
    action::Action,
    attempt::{
        Audited, Verdict,
        effect::{Change, Effect, SideEffects},
    },
    authenticator::Authenticator,
    decision::Denial,
    error::Error,
    offered::Offered,
    received::Received,
    verified::Verified,
};
use fourauth_protocol::{
    answer::{AnswerBody, DeviceRow},
    command::{BindDevice, ListDevices, RevokeDevice},
    username::Username,
};
use fourauth_store::{BoundBy, Device, Event, NewDevice, Session};
use sha2::{Digest as _, Sha256};

impl Authenticator {
    /// 220: binds another device, authorised by a device that proves its key.
    ///
    /// # Errors
    ///
    /// [`Error`] if the command could not be decided.
    pub async fn bind_device(
        &self,
        received: Received,
        bind: BindDevice,
    ) -> Result<Audited, Error> {
        let (action, offered) = (Action::BindDevice, Offered::from(&bind));
        self.prove(action, received, &bind.username, offered, async |verified| {
            let device = another_device(verified, &bind)?;
            let notices = vec![verified.notice(Event::DeviceBound { name: device.given_name() })];
            let side_effects = SideEffects { notices, ..SideEffects::default() };
            Ok((Change::BindDevice(device), side_effects, AnswerBody::default()))
        })
        .await
    }

    /// 222: lists the devices of the account of a session.
    ///
    /// # Errors
    ///
    /// [`Error`] if the command could not be decided.
    pub async fn list_devices(
        &self,
        received: Received,
        list: ListDevices,
    ) -> Result<Audited, Error> {
        if let Some(limited) = received.limited() {
            let attempt = self.open(Action::ListDevices, None, received)?;
            return attempt
                .conclude(&self.store, Verdict::unexamined(Denial::Limited(limited)))
                .await;
        }
        let token = Sha256::digest(list.token.expose().as_bytes()).into();
        let session = self.store.session(&token, received.at.now).await?;
        let name = session.as_ref().and_then(|session| Username::parse(&session.username).ok());
        let attempt = self.open(Action::ListDevices, name.as_ref(), received)?;
        let outcome = match session {
            None => Err(Denial::SignedOut),
            Some(Session { account, .. }) => {
                let devices = self.store.devices(account).await?;
                let rows = devices.into_iter().map(shown).collect();
                let mut body = AnswerBody::default();
                body.devices = Some(rows);
                Ok((Effect::Nothing, body))
            }
        };
        attempt.conclude(&self.store, Verdict::new(outcome, String::new())).await
    }

    /// 224: revokes a device.
    ///
    /// # Errors
    ///
    /// [`Error`] if the command could not be decided.
    pub async fn revoke_device(
        &self,
        received: Received,
        revoke: RevokeDevice,
    ) -> Result<Audited, Error> {
        let (action, offered) = (Action::RevokeDevice, Offered::from(&revoke));
        self.prove(action, received, &revoke.username, offered, async |verified| {
            verified.trust_facts().may_revoke()?;
            let name = revoke.device_name.clone();
            let notices = vec![verified.notice(Event::DeviceRevoked { name })];
            let side_effects = SideEffects { notices, ..SideEffects::default() };
            let change = Change::RevokeDevice(revoke.device_name.clone());
            Ok((change, side_effects, AnswerBody::default()))
        })
        .await
    }
}

fn another_device(verified: &Verified<'_>, bind: &BindDevice) -> Result<NewDevice, Denial> {
    verified.trust_facts().may_bind()?;
    Ok(NewDevice {
        key: bind.device_pubkey,
        mac: bind.new_mac.ok_or(Denial::NewMac)?,
        name: bind.device_name.clone(),
        by: BoundBy::Device,
        at: verified.at(),
        trusted_from: verified.trust_facts().trusts_from(),
    })
}

fn shown(device: Device) -> DeviceRow {
    DeviceRow {
        name: device.name,
        device_id: device.id.to_string(),
        mac: device.mac.to_string(),
        bound_at: device.bound_at,
        bound_by: device.bound_by.into(),
        last_seen: device.last_seen.unwrap_or(device.bound_at),
    }
}
