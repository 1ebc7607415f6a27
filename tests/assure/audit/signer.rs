//! The machine's keys. Taking over the machine reveals them in their current state.

use anyhow::Context as _;
use fourauth_audit::{Checkpoint, EpochKey, Frontier, SigningKey, VerifyingKey, epoch::EPOCH_MS};
use fourauth_protocol::time::UnixMillis;
use fourauth_store::SignedCheckpoint;

const ORIGIN: &str = "fourauth/00112233aabbccdd";

/// The first epoch's key. The auditor has it too.
const FIRST: [u8; 32] = [3; 32];

pub(super) struct Signer {
    key: SigningKey,
    verifying: VerifyingKey,
    epoch: EpochKey,
    since: UnixMillis,
}

impl Signer {
    /// Creates keys from `seed`. The first epoch begins at `since`.
    pub(super) fn new(seed: u8, since: UnixMillis) -> anyhow::Result<Self> {
        let key = SigningKey::from_seed(&[seed; 32])?;
        let verifying = key.verifying_key(ORIGIN)?;
        Ok(Self { key, verifying, epoch: EpochKey::new(0, FIRST), since })
    }

    pub(super) fn verifying_key(&self) -> VerifyingKey {
        self.verifying.clone()
    }

    pub(super) fn first_epoch_key() -> EpochKey {
        EpochKey::new(0, FIRST)
    }

    /// Signs a tree in the epoch of `now`, or in the current epoch if that is later.
    pub(super) fn sign(
        &mut self,
        tree: &Frontier,
        now: UnixMillis,
    ) -> anyhow::Result<SignedCheckpoint> {
        let epoch = u64::try_from(now.millis_since(self.since) / EPOCH_MS)
            .context("the time is before the first epoch")?;
        while self.epoch.number < epoch {
            self.epoch = self.epoch.clone().next();
        }
        Ok(self.sign_again(tree, &now.to_string()))
    }

    /// Signs a tree with the current keys, dated `ts_utc`.
    pub(super) fn sign_again(&self, tree: &Frontier, ts_utc: &str) -> SignedCheckpoint {
        let checkpoint = Checkpoint {
            origin: ORIGIN.to_owned(),
            size: tree.size(),
            root: tree.root(),
            at: ts_utc.to_owned(),
            epoch: self.epoch.number,
        };
        let note = checkpoint.sign(&self.key, Some(&self.epoch));
        let (size, ts_utc, epoch) = (checkpoint.size, checkpoint.at, checkpoint.epoch);
        SignedCheckpoint { size, ts_utc, epoch, note }
    }
}
