//! Seals over sessions: a writer of the database without the keyring cannot move a session to another
//! account, give it a higher level, or make it last longer.
//!
//! The seal covers every column that decides something, with the master token. It is checked when a
//! session is read for a token, and before every change. The time of its last use is not covered.

use crate::{
    account::{
        id::AccountId,
        session::{MasterToken, NewSession, TABLE, corrupt, number},
    },
    engine::{
        driver::{Row, Value},
        tx::Tx,
    },
    error::Error,
    keys::{
        keyring::Keyring,
        row_code::{BYTES, RowCode},
    },
};

/// The column of the seal.
const COLUMN: &str = "row_seal";

/// Fails if a session does not have its seal. The row has every sealed column, and `renewed` is 0
/// for a session that was not renewed.
///
/// # Errors
///
/// [`Error::Corrupt`].
pub(super) fn check(row: &Row, keyring: &Keyring) -> Result<(), Error> {
    let is_sealed = code(row, keyring)?.is(&row.bytes(TABLE, COLUMN)?);
    if is_sealed { Ok(()) } else { Err(corrupt(COLUMN)) }
}

/// The seal of a session that opens.
pub(super) fn of_new(session: &NewSession, keyring: &Keyring) -> [u8; BYTES] {
    let device = session.device.as_ref().map_or(&[][..], |id| id.as_bytes());
    let mac = session.mac.map(|mac| mac.to_string()).unwrap_or_default();
    let code = keyring.row_key().table(TABLE);
    let code = code.bytes(&session.master).bytes(&session.family.0).bytes(device).bytes(&[]);
    let code = code.text(&session.methods.to_string()).text(&mac).text(&session.peer.to_string());
    [
        session.account.0,
        session.version,
        session.expires.0,
        session.ends.0,
        number(session.methods.level()),
        session.created.0,
        0,
        0,
        0,
    ]
    .into_iter()
    .fold(code, RowCode::int)
    .finish()
}

fn code(row: &Row, keyring: &Keyring) -> Result<RowCode, Error> {
    let mut code = keyring.row_key().table(TABLE);
    for column in ["master", "family", "device_id", "bound_key"] {
        code = code.bytes(&row.bytes(TABLE, column)?);
    }
    for column in ["amr", "mac", "peer"] {
        code = code.text(&row.text(TABLE, column)?);
    }
    let numbers = [
        "account",
        "version",
        "expires",
        "ends",
        "level",
        "opened",
        "console_seen",
        "renewed",
        "raised",
    ];
    for column in numbers {
        code = code.int(row.int(TABLE, column)?);
    }
    Ok(code)
}

/// A list of the sealed columns of a session.
macro_rules! sealed_session {
    () => {
        "master, family, device_id, bound_key, amr, mac, peer, account, version, expires, ends, \
         level, opened, console_seen, COALESCE(renewed, 0) AS renewed, raised, row_seal"
    };
}

impl Tx {
    /// Locks a session, and returns its account. `None` if there is no such session.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`] if another program changed the session.
    pub(super) async fn check_session(
        &mut self,
        master: &MasterToken,
    ) -> Result<Option<AccountId>, Error> {
        let Some(row) = self.locked_session(master).await? else { return Ok(None) };
        check(&row, &self.sealer.keyring())?;
        Ok(Some(AccountId(row.int(TABLE, "account")?)))
    }

    /// Seals a session as it is now.
    pub(super) async fn seal_session(&mut self, master: &MasterToken) -> Result<(), Error> {
        const SQL: &str = "UPDATE sessions SET row_seal = $1 WHERE master = $2";

        let Some(row) = self.locked_session(master).await? else { return Ok(()) };
        let seal = code(&row, &self.sealer.keyring())?.finish();
        self.execute(SQL, &[Value::Bytes(&seal), Value::Bytes(master)]).await.map(|_| ())
    }

    /// The row of a session, which no other transaction changes from now on.
    async fn locked_session(&mut self, master: &MasterToken) -> Result<Option<Row>, Error> {
        const SQL: &str = concat!(
            "UPDATE sessions SET row_seal = row_seal WHERE master = $1 RETURNING ",
            sealed_session!()
        );

        Ok(self.rows(SQL, &[Value::Bytes(master)]).await?.into_iter().next())
    }
}
