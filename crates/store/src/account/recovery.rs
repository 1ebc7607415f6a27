//! Account recovery: single-use codes, and the delay before a new factor may change another one.

use crate::{
    account::id::{AccountId, TABLE},
    engine::{
        driver::{Row, Value},
        tx::Tx,
    },
    error::Error,
    keys::keyring::Keyring,
    store::Store,
};
use fourauth_protocol::{recovery_code::RecoveryCode, time::UnixMillis};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Table of the recovery codes.
const CODES: &str = "recovery_codes";

/// A factor that can be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Factor {
    /// The password.
    Password,
    /// The secret of the one-time codes.
    Totp,
    /// The face.
    Face,
    /// The device.
    Device,
}

/// Time until which each factor may not be used to change another. Usually in the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Settling {
    /// The password.
    pub password: UnixMillis,
    /// The secret of the one-time codes.
    pub totp: UnixMillis,
    /// The face.
    pub face: UnixMillis,
    /// The device.
    pub device: UnixMillis,
}

impl Settling {
    /// Time when the last factor is settled.
    #[must_use]
    pub fn last(&self) -> UnixMillis {
        self.password.max(self.totp).max(self.face).max(self.device)
    }

    pub(crate) fn read(row: &Row) -> Result<Self, Error> {
        let instant = |column| row.int(TABLE, column).map(UnixMillis);
        Ok(Self {
            password: instant("password_settles")?,
            totp: instant("totp_settles")?,
            face: instant("face_settles")?,
            device: instant("device_settles")?,
        })
    }
}

impl Tx {
    /// Blocks a factor from changing others until `until`.
    pub async fn settle(
        &mut self,
        account: AccountId,
        factor: Factor,
        until: UnixMillis,
    ) -> Result<(), Error> {
        let sql = match factor {
            Factor::Password => "UPDATE users SET password_settles = $1 WHERE id = $2",
            Factor::Totp => "UPDATE users SET totp_settles = $1 WHERE id = $2",
            Factor::Face => "UPDATE users SET face_settles = $1 WHERE id = $2",
            Factor::Device => "UPDATE users SET device_settles = $1 WHERE id = $2",
        };
        self.execute(sql, &[Value::Int(until.0), Value::Int(account.0)]).await.map(|_| ())
    }

    /// Replaces the recovery codes of an account. They are stored as codes with a key of the keyring, so
    /// that a writer of the database cannot add one.
    pub async fn replace_recovery_codes(
        &mut self,
        account: AccountId,
        codes: &[RecoveryCode],
    ) -> Result<(), Error> {
        const FORGET: &str = "DELETE FROM recovery_codes WHERE account = $1";
        const INSERT: &str =
            "INSERT INTO recovery_codes (account, code_hash, keyed) VALUES ($1, $2, 1)";

        self.execute(FORGET, &[Value::Int(account.0)]).await?;
        for code in codes {
            let hash = keyed(account, &hash(account, code), &self.sealer.keyring());
            self.execute(INSERT, &[Value::Int(account.0), Value::Bytes(&hash)]).await?;
        }
        Ok(())
    }

    /// Spends a recovery code in one statement, so that only one of many attempts with it wins.
    /// `false` if it is not an unspent code of the account.
    pub async fn spend_recovery_code(
        &mut self,
        account: AccountId,
        code: &RecoveryCode,
    ) -> Result<bool, Error> {
        const SQL: &str =
            "DELETE FROM recovery_codes WHERE account = $1 AND code_hash = $2 AND keyed = 1";

        let hash = keyed(account, &hash(account, code), &self.sealer.keyring());
        self.changes(SQL, &[Value::Int(account.0), Value::Bytes(&hash)]).await
    }

    /// Replaces the plain hashes of an earlier version by codes with a key. Returns their number.
    pub(crate) async fn seal_recovery_codes(&mut self) -> Result<u64, Error> {
        const PLAIN: &str = "SELECT account, code_hash FROM recovery_codes WHERE keyed = 0";
        const SQL: &str = "UPDATE recovery_codes SET code_hash = $1, keyed = 1 \
             WHERE account = $2 AND code_hash = $3 AND keyed = 0";

        let rows = self.rows(PLAIN, &[]).await?;
        for row in &rows {
            let account = AccountId(row.int(CODES, "account")?);
            let plain = row.bytes(CODES, "code_hash")?;
            let code = keyed(account, &plain, &self.sealer.keyring());
            let values = [Value::Bytes(&code), Value::Int(account.0), Value::Bytes(&plain)];
            self.execute(SQL, &values).await?;
        }
        Ok(rows.len() as u64)
    }
}

impl Store {
    /// True if this is an unspent recovery code of the account. It takes one statement for a known
    /// account and for the decoy.
    pub async fn has_recovery_code(
        &self,
        account: AccountId,
        code: &RecoveryCode,
    ) -> Result<bool, Error> {
        const SQL: &str = "SELECT 1 AS found FROM recovery_codes \
                           WHERE account = $1 AND code_hash = $2 AND keyed = 1";

        let hash = keyed(account, &hash(account, code), &self.sealer.keyring());
        let row = self.row(SQL, &[Value::Int(account.0), Value::Bytes(&hash)]).await?;
        Ok(row.is_some())
    }
}

/// What is stored for the hash of a code.
fn keyed(account: AccountId, hash: &[u8], keyring: &Keyring) -> [u8; 32] {
    keyring.row_key().table(CODES).int(account.0).bytes(hash).finish()
}

/// Hash of a code of one account. The same code of another account has another hash.
fn hash(account: AccountId, code: &RecoveryCode) -> [u8; 32] {
    let parts = Sha256::new()
        .chain_update(b"fourauth-recovery-v1")
        .chain_update(account.0.to_be_bytes())
        .chain_update(code.as_bytes());
    parts.finalize().into()
}
