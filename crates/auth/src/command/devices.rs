//! 220–224: the owner of an account binds, lists and revokes its devices.

use crate::{
    action::Action,
    answer::CommandAnswer,
    attempt::{
        Audited,
        effect::{Change, SideEffects},
    },
    authenticator::Authenticator,
    command::bearer::Bearer,
    decision::Denial,
    error::Error,
    looked_up::LookedUp,
    offered::Offered,
    received::Received,
    verified::Verified,
};
use fourauth_protocol::{
    answer::{AnswerBody, DeviceRequestRow, DeviceRow},
    command::{BindDevice, ListDevices, RevokeDevice},
    level::Level,
};
use fourauth_store::{BoundBy, Device, DeviceRequest, Event, NewDevice};

/// The answer to 222.
#[derive(Debug)]
pub struct Devices {
    /// The devices of the account.
    pub bound: Vec<DeviceRow>,
    /// The browsers that ask to become one.
    pub requests: Vec<DeviceRequestRow>,
}

impl CommandAnswer for Devices {
    fn into_body(self) -> AnswerBody {
        let mut body = AnswerBody::default();
        body.devices = Some(self.bound);
        body.requests = self.requests;
        body
    }
}

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
    ) -> Result<Audited<()>, Error> {
        let (action, offered) = (Action::BindDevice, Offered::from(&bind));
        self.prove(action, received, &bind.username, offered, async |verified| {
            let device = another_device(verified, &bind)?;
            let notices = vec![verified.notice(Event::DeviceBound { name: device.given_name() })];
            let side_effects = SideEffects { notices, ..SideEffects::default() };
            Ok((Change::BindDevice(device), side_effects, ()))
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
    ) -> Result<LookedUp<Devices>, Error> {
        // The list has the MAC addresses, which are evidence in other commands.
        let bearer = Bearer { token: list.token, mac: list.mac, level: Some(Level::Two) };
        self.bear(Action::ListDevices, &received, &bearer, async |session| {
            let devices = self.store.devices(session.account).await?;
            let requests = self.store.device_requests(session.account, received.at.now).await?;
            let bound = devices.into_iter().map(shown).collect();
            Ok(Devices { bound, requests: requests.into_iter().map(asking).collect() })
        })
        .await
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
    ) -> Result<Audited<()>, Error> {
        let (action, offered) = (Action::RevokeDevice, Offered::from(&revoke));
        self.prove(action, received, &revoke.username, offered, async |verified| {
            verified.trust_facts().may_revoke()?;
            let name = revoke.device_name.clone();
            let notices = vec![verified.notice(Event::DeviceRevoked { name })];
            let side_effects = SideEffects { notices, ..SideEffects::default() };
            let change = Change::RevokeDevice(revoke.device_name.clone());
            Ok((change, side_effects, ()))
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

fn asking(request: DeviceRequest) -> DeviceRequestRow {
    let DeviceRequest { number, name, peer, at, expires, .. } = request;
    let name = name.to_string();
    DeviceRequestRow { number, name, peer, asked_at: at, expires_at: expires }
}

pub(super) fn shown(device: Device) -> DeviceRow {
    DeviceRow {
        name: device.name,
        device_id: device.id.to_string(),
        mac: device.mac.to_string(),
        bound_at: device.bound_at,
        bound_by: device.bound_by.into(),
        last_seen: device.last_seen.unwrap_or(device.bound_at),
    }
}
