//! Uses of sessions by commands that only read. They are counted in memory, so that a check of a token
//! writes nothing. The audit log gets one row for each session, command and hour; the time of the last
//! use is written to the session once a minute.
//!
//! A server that is killed loses the counts of the present hour, and nothing else.

use crate::{
    account::{
        id::{AccountId, TABLE},
        session::{FamilyId, MasterToken},
    },
    audit::entry::AuditEntry,
    engine::{driver::Value, tx::Tx},
    error::Error,
    store::Store,
};
use data_encoding::HEXLOWER;
use fourauth_protocol::time::UnixMillis;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};

const HOUR_MS: i64 = 3_600_000;

/// Most counts in memory, about 10 MiB. Further sessions of the hour are counted together.
const MOST: usize = 65_536;

/// Rows that one transaction writes, so that other jobs can write in between.
const AT_A_TIME: usize = 250;

/// One use of a session.
#[derive(Debug, Clone, Copy)]
pub struct SessionUse {
    /// The master token.
    pub session: MasterToken,
    /// Its family, which identifies it in the row.
    pub family: FamilyId,
    /// The account.
    pub account: AccountId,
    /// The command, as the audit log names it.
    pub action: &'static str,
    /// The way in, if it is not the usual one: ` door=text tls=off`.
    pub way: &'static str,
    /// Time of arrival.
    pub at: UnixMillis,
}

/// The key that uses are counted by. The name of the account is read when the row is written, so
/// that an erased account leaves none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Counted {
    hour: i64,
    action: &'static str,
    way: &'static str,
    /// `None` for all sessions beyond [`MOST`].
    session: Option<(AccountId, FamilyId)>,
}

/// The counts of a server.
#[derive(Debug, Default)]
pub(crate) struct SessionUses {
    counts: Mutex<BTreeMap<Counted, u64>>,
    /// The last use of each session since it was written.
    seen: Mutex<HashMap<MasterToken, UnixMillis>>,
}

impl SessionUses {
    fn count(&self, one: &SessionUse) {
        let SessionUse { session, family, account, action, way, at } = *one;
        self.see(session, at);
        let hour = at.0.div_euclid(HOUR_MS);
        let mut counts = self.counts();
        let key = Counted { hour, action, way, session: Some((account, family)) };
        let is_full = counts.len() >= MOST && !counts.contains_key(&key);
        let key = if is_full { Counted { session: None, ..key } } else { key };
        *counts.entry(key).or_default() += 1;
    }

    /// Takes at most [`AT_A_TIME`] counts of the hours before `hour`.
    fn take(&self, hour: i64) -> Vec<(Counted, u64)> {
        let mut counts = self.counts();
        let past = counts.keys().take_while(|key| key.hour < hour).take(AT_A_TIME).copied();
        let past: Vec<_> = past.collect();
        past.into_iter().filter_map(|key| counts.remove_entry(&key)).collect()
    }

    fn put_back(&self, taken: Vec<(Counted, u64)>) {
        let mut counts = self.counts();
        for (key, count) in taken {
            *counts.entry(key).or_default() += count;
        }
    }

    /// Remembers the last use of a session. Beyond [`MOST`] sessions, some are remembered a minute
    /// later.
    fn see(&self, session: MasterToken, at: UnixMillis) {
        let mut seen = self.seen();
        if seen.len() < MOST || seen.contains_key(&session) {
            seen.insert(session, at);
        }
    }

    /// Takes at most [`AT_A_TIME`] last uses.
    fn take_seen(&self) -> Vec<(MasterToken, UnixMillis)> {
        let mut seen = self.seen();
        let some: Vec<_> = seen.keys().take(AT_A_TIME).copied().collect();
        some.into_iter().filter_map(|session| seen.remove_entry(&session)).collect()
    }

    fn seen(&self) -> MutexGuard<'_, HashMap<MasterToken, UnixMillis>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn counts(&self) -> MutexGuard<'_, BTreeMap<Counted, u64>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    /// Counts one use of a session. Nothing is written.
    pub fn note_use(&self, one: &SessionUse) {
        self.uses.count(one);
    }

    /// Writes the last uses of sessions since the last call. If it fails, they are lost until the next
    /// use.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub async fn write_last_uses(&self) -> Result<(), Error> {
        loop {
            let mut seen = self.uses.take_seen();
            if seen.is_empty() {
                return Ok(());
            }
            // In one order, so that two servers on one database cannot deadlock.
            seen.sort_unstable();
            let written: Result<(), Error> = self
                .write(move |tx| {
                    Box::pin(async move {
                        for (session, at) in &seen {
                            tx.saw_session(session, *at).await?;
                        }
                        Ok(())
                    })
                })
                .await;
            written?;
        }
    }

    /// Writes a row for each count of the hours that ended before `now`, and returns their number.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails. What was not written is kept for the next call.
    pub async fn conclude_uses(&self, now: UnixMillis) -> Result<usize, Error> {
        self.write_uses(now.0.div_euclid(HOUR_MS), now).await
    }

    /// Writes a row for every count, also of the present hour, before the store is closed.
    ///
    /// # Errors
    ///
    /// As [`Self::conclude_uses`].
    pub async fn conclude_all_uses(&self, now: UnixMillis) -> Result<usize, Error> {
        self.write_uses(i64::MAX, now).await
    }

    async fn write_uses(&self, before: i64, now: UnixMillis) -> Result<usize, Error> {
        let mut written = 0;
        loop {
            let taken = self.uses.take(before);
            if taken.is_empty() {
                return Ok(written);
            }
            let rows = taken.clone();
            let done: Result<(), Error> = self
                .write(move |tx| {
                    Box::pin(async move {
                        for (key, count) in &rows {
                            tx.append_uses(key, *count, now).await?;
                        }
                        Ok(())
                    })
                })
                .await;
            if let Err(error) = done {
                self.uses.put_back(taken);
                return Err(error);
            }
            written += taken.len();
        }
    }
}

impl Tx {
    /// Records the last use of a session.
    async fn saw_session(&mut self, master: &MasterToken, at: UnixMillis) -> Result<(), Error> {
        const SQL: &str = "UPDATE sessions SET last_seen = $1 WHERE master = $2 AND last_seen < $1";

        self.execute(SQL, &[Value::Int(at.0), Value::Bytes(master)]).await.map(|_| ())
    }

    async fn append_uses(
        &mut self,
        key: &Counted,
        count: u64,
        now: UnixMillis,
    ) -> Result<(), Error> {
        const NAME: &str = "SELECT username FROM users WHERE id = $1";

        let Counted { hour, action, way, session } = key;
        let from = UnixMillis(hour.saturating_mul(HOUR_MS));
        let (username, session) = match session {
            None => (None, "others".to_owned()),
            Some((account, family)) => {
                let rows = self.rows(NAME, &[Value::Int(account.0)]).await?;
                let name = rows.first().map(|row| row.text(TABLE, "username")).transpose()?;
                (name, HEXLOWER.encode(&family.0))
            }
        };
        let detail = format!(
            "Session used. command={action} count={count} hour={from} session={session}{way}"
        );
        let entry = AuditEntry { at: now, username, action: "session_use", success: true, detail };
        self.append(&entry).await.map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(session: u32, minute: i64) -> SessionUse {
        let (mut token, mut family) = ([0; 32], [0; 16]);
        token[..4].copy_from_slice(&session.to_be_bytes());
        family[..4].copy_from_slice(&session.to_be_bytes());
        let (family, account) = (FamilyId(family), AccountId(1));
        let at = UnixMillis(minute * 60_000);
        SessionUse { session: token, family, account, action: "list_devices", way: "", at }
    }

    #[test]
    fn uses_are_counted_by_session_and_hour() {
        let uses = SessionUses::default();
        for (session, minute) in [(1, 0), (1, 59), (2, 0), (1, 60)] {
            uses.count(&one(session, minute));
        }
        let counts = |taken: Vec<(Counted, u64)>| -> Vec<u64> {
            taken.into_iter().map(|(_, count)| count).collect()
        };
        assert_eq!(counts(uses.take(0)), [0; 0]);
        assert_eq!(counts(uses.take(1)), [2, 1]);
        assert_eq!(counts(uses.take(2)), [1]);
    }

    #[test]
    fn the_number_of_counts_is_bounded() {
        let uses = SessionUses::default();
        let sessions = u32::try_from(MOST).unwrap() + 10;
        for session in 0..sessions {
            uses.count(&one(session, 0));
        }
        uses.count(&one(0, 0));
        let counts = uses.counts();
        assert_eq!(counts.len(), MOST + 1);
        assert_eq!(counts.values().sum::<u64>(), u64::from(sessions) + 1);
    }

    #[test]
    fn what_could_not_be_written_is_counted_later() {
        let uses = SessionUses::default();
        uses.count(&one(1, 0));
        let taken = uses.take(1);
        uses.count(&one(1, 0));
        uses.put_back(taken);
        assert_eq!(uses.take(1).first().map(|(_, count)| *count), Some(2));
    }
}
