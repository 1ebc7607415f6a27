//! The machine's keys. Taking over the machine reveals them in their current state.

use anyhow::Context as _;
use fourauth_audit::{
    Checkpoint, EpochKey, ErasureSigner, Frontier, Hash, Note, SigningKey, VerifyingKey,
    epoch::{EPOCH_MS, text_hash},
};
use fourauth_protocol::time::UnixMillis;
use fourauth_store::SignedCheckpoint;

const ORIGIN: &str = "fourauth/00112233aabbccdd";

/// First key of the first chain of epochs. The auditor has it too.
const FIRST: u8 = 3;

pub(super) struct Signer {
    key: SigningKey,
    verifying: VerifyingKey,
    epoch: EpochKey,
    /// The last checkpoint of the epoch, by its text.
    last: Option<Hash>,
    since: UnixMillis,
    /// The first key of each chain.
    first_keys: Vec<EpochKey>,
}

fn first_key(byte: u8) -> EpochKey {
    EpochKey::new(0, [byte; 32])
}

impl Signer {
    /// Creates keys from `seed`. The first epoch begins at `since`.
    pub(super) fn new(seed: u8, since: UnixMillis) -> anyhow::Result<Self> {
        let key = SigningKey::from_seed(&[seed; 32])?;
        let verifying = key.verifying_key(ORIGIN)?;
        Ok(Self {
            key,
            verifying,
            epoch: first_key(FIRST),
            last: None,
            since,
            first_keys: vec![first_key(FIRST)],
        })
    }

    pub(super) fn verifying_key(&self) -> VerifyingKey {
        self.verifying.clone()
    }

    /// Signs the rows of erasures, as the server does.
    pub(super) fn of_erasures(&self) -> anyhow::Result<ErasureSigner> {
        let key = SigningKey::from_pkcs8(&self.key.to_pkcs8()?)?;
        Ok(ErasureSigner::new(key, ORIGIN)?)
    }

    pub(super) fn first_epoch_keys(&self) -> Vec<EpochKey> {
        self.first_keys.clone()
    }

    /// Begins a new chain of epochs, as a server does if the database lacks checkpoints that the
    /// key depends on.
    ///
    /// If the log has no checkpoint of the chains before, the operator tells the auditor to forget
    /// their keys.
    pub(super) fn begin_again(&mut self, now: UnixMillis, has_checkpoints: bool) {
        let next = u8::try_from(self.first_keys.len()).map_or(FIRST, |count| FIRST + count);
        if !has_checkpoints {
            self.first_keys.clear();
        }
        self.first_keys.push(first_key(next));
        (self.epoch, self.last, self.since) = (first_key(next), None, now);
    }

    /// Remembers a checkpoint that is in the database: the next key depends on it.
    pub(super) fn stored(&mut self, note: &str) -> anyhow::Result<()> {
        self.last = Some(text_hash(Note::parse(note)?.text()));
        Ok(())
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
            self.epoch = self.epoch.clone().next(self.last.take().as_ref());
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
