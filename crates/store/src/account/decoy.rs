//! The decoy: what stands in for the record of an account that does not exist.

use crate::{
    account::{
        id::AccountId,
        record::{Enrolled, Record, Standing, TotpStage},
        recovery::Settling,
        sealed::Sealed,
    },
    keys::{
        keyring::Keyring,
        seal::{Seal, Sealer},
    },
    store::Store,
};
use arc_swap::ArcSwap;
use fourauth_factors::{
    face::Template,
    password,
    totp::{self, Step},
};
use fourauth_protocol::mac_address::MacAddress;
use std::sync::Arc;

/// Stands in for the record of an account that does not exist.
#[derive(Debug, Clone)]
pub struct Decoy {
    /// The id that its template is bound to.
    pub account: AccountId,
    /// Hash of an unknown password, with the current cost parameters.
    pub password: password::Hash,
    /// An unknown key.
    pub totp: totp::Key,
    /// A template that belongs to no face.
    pub template: Template,
    /// The epoch of new templates.
    pub face_epoch: i64,
    /// An address that no device has.
    pub mac: MacAddress,
}

/// A decoy that is sealed with a key in use, so that opening it costs what opening a row costs.
#[derive(Debug)]
pub struct SealedDecoy {
    decoy: Decoy,
    sealed: ArcSwap<(Arc<Keyring>, Record)>,
}

impl Store {
    /// Seals a decoy like a row.
    #[must_use]
    pub fn seal_decoy(&self, decoy: Decoy) -> SealedDecoy {
        SealedDecoy::new(decoy, self.sealer.keyring())
    }
}

impl SealedDecoy {
    fn new(decoy: Decoy, keyring: Arc<Keyring>) -> Self {
        let record = decoy.seal(&keyring);
        Self { decoy, sealed: ArcSwap::from_pointee((keyring, record)) }
    }

    /// The id of no account.
    #[must_use]
    pub const fn account(&self) -> AccountId {
        self.decoy.account
    }

    /// The record, sealed again if the keyring has changed: its key may have been retired.
    pub(crate) fn record(&self, sealer: &Sealer) -> Record {
        let keyring = sealer.keyring();
        if !Arc::ptr_eq(&self.sealed.load().0, &keyring) {
            let record = self.decoy.seal(&keyring);
            self.sealed.store(Arc::new((keyring, record)));
        }
        self.sealed.load().1.clone()
    }
}

impl Decoy {
    /// Seals the decoy like a row, so that opening it takes the same time as opening a row.
    fn seal(&self, keyring: &Keyring) -> Record {
        let seal = Seal::new(Arc::clone(keyring.newest()));
        let Sealed { totp, template } =
            Sealed::new(&seal, self.account, &self.totp, &self.template);
        Record {
            standing: Standing::Unknown,
            account: self.account,
            version: 0,
            enrolled: Enrolled { key: false, ..Enrolled::ALL },
            password: self.password.as_stored().clone(),
            totp,
            totp_step: Step(0),
            totp_confirm_step: Step(0),
            totp_stage: TotpStage::Confirmed,
            template,
            face_epoch: self.face_epoch,
            mac: self.mac.to_string(),
            must_change: false,
            device: None,
            first_used: None,
            been_here: None,
            known_lanes: 0,
            settling: Settling::default(),
            totp_issued: None,
        }
    }
}
