//! Sessions of successful logins.
//!
//! A session is found by its master token, which `fourauth-auth` derives from the token that the
//! client shows and from what the session is bound to. The database cannot be turned back into
//! tokens. A session is valid until it expires or the account changes. A renewal puts a successor
//! into the same family; all of a family ends together.

use crate::{
    account::{
        groups::Groups,
        id::AccountId,
        known_device::KnownDevice,
        methods::Methods,
        record::Enrolled,
        session_cache::{Moment, Name},
        session_seal,
    },
    engine::{
        driver::{Row, Value},
        tx::Tx,
    },
    error::Error,
    store::Store,
};
use fourauth_protocol::{
    device::DeviceId, level::Level, mac_address::MacAddress, session_proof::SessionKey,
    time::UnixMillis,
};
use std::{net::IpAddr, sync::Arc};
use tokio::time::Instant;

pub(super) const TABLE: &str = "sessions";

/// What is read of a session, its account and its device.
macro_rules! session_columns {
    () => {
        "SELECT s.master, s.family, s.account, u.username, s.expires, s.ends, \
         COALESCE(s.renewed, 0) AS renewed, s.amr, s.device_id, s.version, s.opened, \
         s.console_seen, s.bound_key, s.raised, s.peer, s.mac, s.level, s.row_seal, u.administrator, \
         u.email, u.group_names, u.has_totp, u.has_face, u.has_device, u.keyed, \
         d.name AS device_name, d.pubkey AS device_key, d.mac AS device_mac, \
         COALESCE(d.trusted_from, 0) AS device_trusted_from FROM sessions s \
         JOIN users u ON u.id = s.account AND u.version = s.version AND u.disabled = 0 \
         LEFT JOIN devices d ON d.account = s.account AND d.device_id = s.device_id \
         AND d.revoked_at IS NULL"
    };
}

/// Most sessions in a list. A longer answer would not fit a frame.
const MOST_LISTED: i64 = 500;

/// A keyed hash of a token and of what its session is bound to.
pub type MasterToken = [u8; 32];

/// The login that a session began with, and all renewals since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FamilyId(pub [u8; 16]);

/// A new session.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// The master token.
    pub master: MasterToken,
    /// A random id.
    pub family: FamilyId,
    /// The account.
    pub account: AccountId,
    /// Version of the account when the login was judged.
    pub version: i64,
    /// Current time.
    pub created: UnixMillis,
    /// Time of expiry.
    pub expires: UnixMillis,
    /// Time at which the family ends.
    pub ends: UnixMillis,
    /// The methods that the login proved.
    pub methods: Methods,
    /// The key that the login proved or bound.
    pub device: Option<DeviceId>,
    /// The MAC address that the login named.
    pub mac: Option<MacAddress>,
    /// The address of the login.
    pub peer: IpAddr,
}

/// A session that has not ended. It may have expired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The master token.
    pub master: MasterToken,
    /// Its family.
    pub family: FamilyId,
    /// The account.
    pub account: AccountId,
    /// Name of the account.
    pub username: String,
    /// Mail address of the account.
    pub email: Option<String>,
    /// Groups of the account.
    pub groups: Groups,
    /// Time of expiry.
    pub expires: UnixMillis,
    /// Time at which the family ends.
    pub ends: UnixMillis,
    /// Time at which a successor took over, if one did.
    pub renewed: Option<UnixMillis>,
    /// The methods that its login proved.
    pub methods: Methods,
    /// The factors that the account has.
    pub enrolled: Enrolled,
    /// Version of the account, which is that of the login.
    pub version: i64,
    /// Time of the login, or of the last command of the console with this session.
    pub attended: UnixMillis,
    /// True if the account may use the console.
    pub is_administrator: bool,
    /// The key that it is bound to, and the device if the account still has it.
    pub device: Option<(DeviceId, Option<KnownDevice>)>,
    /// Time at which its level was last raised, if it was.
    pub raised: Option<UnixMillis>,
    /// The key of the browser that alone can renew its token.
    pub bound: Option<SessionKey>,
    /// The address of the login.
    pub peer: String,
}

/// A session in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionSummary {
    /// Its family, which identifies it.
    pub family: FamilyId,
    /// Time of the login.
    pub opened: UnixMillis,
    /// Time of its last use, exact to a minute or so.
    pub last_seen: UnixMillis,
    /// Time of expiry.
    pub expires: UnixMillis,
    /// Time at which no renewal is possible any more.
    pub ends: UnixMillis,
    /// The methods that its login proved.
    pub methods: Methods,
    /// The address of the login.
    pub peer: String,
    /// The MAC address that the login named; empty if it named none.
    pub mac: String,
    /// The name of its device, if it is bound to a key.
    pub device: Option<String>,
    /// True if only the key of a browser can renew its token.
    pub is_bound: bool,
}

/// The successor of a session.
#[derive(Debug, Clone, Copy)]
pub struct Renewal {
    /// The account.
    pub account: AccountId,
    /// The session that it takes over from.
    pub old: MasterToken,
    /// Its master token. It depends on the old token only, so that every attempt makes the same.
    pub new: MasterToken,
    /// Current time.
    pub at: UnixMillis,
    /// Time of its expiry.
    pub expires: UnixMillis,
}

impl Tx {
    /// Opens a session. `false` if the account changed since `version` or is disabled.
    pub async fn open_session(&mut self, session: &NewSession) -> Result<bool, Error> {
        const SQL: &str = "INSERT INTO sessions (master, family, account, version, created, \
             expires, ends, amr, device_id, mac, peer, level, opened, last_seen, row_seal) \
             SELECT $1, $2, id, version, $3, $4, $5, $6, $7, $8, $9, $12, $3, $3, $13 FROM users \
             WHERE id = $10 AND version = $11 AND disabled = 0";

        let methods = session.methods.to_string();
        let mac = session.mac.map(|mac| mac.to_string()).unwrap_or_default();
        let peer = session.peer.to_string();
        let seal = session_seal::of_new(session, &self.sealer.keyring());
        let values = [
            Value::Bytes(&session.master),
            Value::Bytes(&session.family.0),
            Value::Int(session.created.0),
            Value::Int(session.expires.0),
            Value::Int(session.ends.0),
            Value::Text(&methods),
            Value::Bytes(session.device.as_ref().map_or(&[][..], |id| id.as_bytes())),
            Value::Text(&mac),
            Value::Text(&peer),
            Value::Int(session.account.0),
            Value::Int(session.version),
            Value::Int(number(session.methods.level())),
            Value::Bytes(&seal),
        ];
        self.changes(SQL, &values).await
    }

    /// Renews a session, unless another command has just done so with the same result. `false` if
    /// the session has ended, or if it is bound to a key.
    ///
    /// The account is locked first: on PostgreSQL an end of its sessions would otherwise not see a
    /// successor that is being made. The next statement decides which of many commands makes it.
    pub async fn renew_session(&mut self, renewal: &Renewal) -> Result<bool, Error> {
        const SPEND: &str = "UPDATE sessions SET renewed = $1 WHERE master = $2 AND renewed IS NULL AND ends > $1 \
             AND length(bound_key) = 0";
        const SUCCEED: &str = "INSERT INTO sessions (master, family, account, version, created, \
             expires, ends, amr, device_id, mac, peer, level, opened, console_seen, last_seen, raised) \
             SELECT $1, family, account, version, $2, $3, ends, amr, device_id, mac, peer, level, \
             opened, console_seen, $2, raised FROM sessions WHERE master = $4";
        const FIND: &str = "SELECT 1 AS there FROM sessions WHERE master = $1 AND renewed IS NULL \
             AND length(bound_key) = 0";

        let Renewal { account, old, new, at, expires } = renewal;
        self.lock_account(*account).await?;
        self.check_session(old).await?;
        if self.changes(SPEND, &[Value::Int(at.0), Value::Bytes(old)]).await? {
            let values =
                [Value::Bytes(new), Value::Int(at.0), Value::Int(expires.0), Value::Bytes(old)];
            let is_made = self.changes(SUCCEED, &values).await?;
            self.seal_session(old).await?;
            self.seal_session(new).await?;
            return Ok(is_made);
        }
        Ok(!self.rows(FIND, &[Value::Bytes(new)]).await?.is_empty())
    }
}

impl Store {
    /// The session of one of these master tokens, if its family has not ended at `now`. A session
    /// bound to a key has another master token than one that is not, and a caller cannot know which
    /// it is.
    ///
    /// The version is compared here and when the session opens: a login that is judged before a
    /// factor changes and committed after it must not leave a valid session.
    ///
    /// A session that this store read less than a second ago is not read again, unless the store
    /// has committed anything since. So a change by another process is seen within a second.
    pub async fn session(
        &self,
        masters: [&MasterToken; 2],
        now: UnixMillis,
    ) -> Result<Option<Arc<Session>>, Error> {
        const SQL: &str =
            concat!(session_columns!(), " WHERE s.master IN ($1, $2) AND s.ends > $3");

        if let Some(session) = self.recent_session(masters, now) {
            return Ok(Some(session));
        }
        let (commits, at) = (self.writer.commits(), Moment { arrived: now, read: Instant::now() });
        let [first, second] = masters;
        let values = [Value::Bytes(first), Value::Bytes(second), Value::Int(now.0)];
        let found = self.sealed_session(SQL, &values).await?;
        if let Some(session) = &found {
            self.recent.put(Name::Master(session.master), Arc::clone(session), commits, at);
        }
        Ok(found)
    }

    /// Like [`session`](Self::session), if the session was read less than a second ago and nothing was
    /// committed since. The database is not asked.
    #[must_use]
    pub fn recent_session(
        &self,
        masters: [&MasterToken; 2],
        now: UnixMillis,
    ) -> Option<Arc<Session>> {
        let (commits, at) = (self.writer.commits(), Moment { arrived: now, read: Instant::now() });
        let [first, second] = masters;
        let names = [Name::Master(*first), Name::Master(*second)];
        // Without a claim of a key both are the same.
        let names = if first == second { &names[..1] } else { &names[..] };
        self.recent.get(names, commits, at).filter(|session| session.ends > now)
    }

    /// The session of this family that was not renewed, if the family has not ended at `now`. It may have
    /// been read less than a second ago, as that of [`session`](Self::session).
    pub async fn session_of_family(
        &self,
        family: FamilyId,
        now: UnixMillis,
    ) -> Result<Option<Arc<Session>>, Error> {
        const SQL: &str = concat!(
            session_columns!(),
            " WHERE s.family = $1 AND s.renewed IS NULL AND s.ends > $2"
        );

        let (commits, at) = (self.writer.commits(), Moment { arrived: now, read: Instant::now() });
        let name = Name::Family(family);
        if let Some(session) = self.recent.get(&[name], commits, at) {
            return Ok(Some(session).filter(|session| session.ends > now));
        }
        let values = [Value::Bytes(&family.0), Value::Int(now.0)];
        let found = self.sealed_session(SQL, &values).await?;
        if let Some(session) = &found {
            self.recent.put(name, Arc::clone(session), commits, at);
        }
        Ok(found)
    }

    /// The session that a statement with [`session_columns`] finds, if it has its seal.
    async fn sealed_session(
        &self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<Option<Arc<Session>>, Error> {
        let Some(row) = self.row(sql, values).await? else { return Ok(None) };
        session_seal::check(&row, &self.sealer.keyring())?;
        Session::read(&row).map(Arc::new).map(Some)
    }

    /// The newest sessions of an account that can be used or renewed at `now`, at most 500,
    /// oldest first.
    pub async fn sessions(
        &self,
        account: AccountId,
        now: UnixMillis,
    ) -> Result<Vec<SessionSummary>, Error> {
        const SQL: &str = "SELECT s.family, s.opened, s.last_seen, s.expires, s.ends, s.amr, \
             s.peer, s.mac, s.bound_key, d.name FROM sessions s \
             JOIN users u ON u.id = s.account AND u.version = s.version \
             LEFT JOIN devices d ON d.account = s.account AND d.device_id = s.device_id \
             WHERE s.account = $1 AND s.renewed IS NULL AND s.ends > $2 \
             ORDER BY s.opened DESC, s.family LIMIT $3";

        let values = [Value::Int(account.0), Value::Int(now.0), Value::Int(MOST_LISTED)];
        let mut rows = self.rows(SQL, &values).await?;
        rows.reverse();
        rows.iter().map(SessionSummary::read).collect()
    }

    /// Number of sessions of an account that can be used or renewed at `now`.
    pub async fn sessions_of(&self, account: AccountId, now: UnixMillis) -> Result<u64, Error> {
        Ok(self.sessions(account, now).await?.len() as u64)
    }
}

impl Session {
    fn read(row: &Row) -> Result<Self, Error> {
        let (renewed, raised) = (row.int(TABLE, "renewed")?, row.int(TABLE, "raised")?);
        let id = row.bytes(TABLE, "device_id")?;
        let device = if id.is_empty() {
            None
        } else {
            let id = DeviceId::from_bytes(id.try_into().map_err(|_| corrupt("device_id"))?);
            // The seal of the session covers the id. Another key in the row of the device has another one.
            Some((id, KnownDevice::read(row)?.filter(|known| known.key.id() == id)))
        };
        Ok(Self {
            master: row.bytes(TABLE, "master")?.try_into().map_err(|_| corrupt("master"))?,
            family: family(row)?,
            account: AccountId(row.int(TABLE, "account")?),
            username: row.text("users", "username")?,
            email: row.text_or_null("users", "email")?,
            groups: Groups::read(row)?,
            expires: UnixMillis(row.int(TABLE, "expires")?),
            ends: UnixMillis(row.int(TABLE, "ends")?),
            renewed: (renewed > 0).then_some(UnixMillis(renewed)),
            methods: Methods::parse(&row.text(TABLE, "amr")?),
            enrolled: Enrolled::read(row)?,
            version: row.int(TABLE, "version")?,
            attended: UnixMillis(row.int(TABLE, "opened")?.max(row.int(TABLE, "console_seen")?)),
            is_administrator: row.flag("users", "administrator")?,
            device,
            raised: (raised > 0).then_some(UnixMillis(raised)),
            bound: bound_key(row)?,
            peer: row.text(TABLE, "peer")?,
        })
    }

    /// True if the token may be used at `now`.
    #[must_use]
    pub fn is_valid(&self, now: UnixMillis) -> bool {
        !self.is_replaced() && now < self.expires
    }

    /// True if the token may not be used any more because a successor took over. That of a session that is
    /// bound to a key can be used until it expires: it lives for minutes, and two tabs may renew it at once.
    #[must_use]
    pub const fn is_replaced(&self) -> bool {
        self.renewed.is_some() && self.bound.is_none()
    }
}

impl SessionSummary {
    fn read(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            family: family(row)?,
            opened: UnixMillis(row.int(TABLE, "opened")?),
            last_seen: UnixMillis(row.int(TABLE, "last_seen")?),
            expires: UnixMillis(row.int(TABLE, "expires")?),
            ends: UnixMillis(row.int(TABLE, "ends")?),
            methods: Methods::parse(&row.text(TABLE, "amr")?),
            peer: row.text(TABLE, "peer")?,
            mac: row.text(TABLE, "mac")?,
            device: row.text_or_null("devices", "name")?,
            is_bound: bound_key(row)?.is_some(),
        })
    }
}

/// The level as it is stored: 0 for none.
pub(super) fn number(level: Option<Level>) -> i64 {
    level.map_or(0, |level| level.number().into())
}

fn bound_key(row: &Row) -> Result<Option<SessionKey>, Error> {
    let bytes = row.bytes(TABLE, "bound_key")?;
    if bytes.is_empty() {
        return Ok(None);
    }
    let key = bytes.try_into().map_err(|_| corrupt("bound_key"))?;
    Ok(Some(SessionKey::from_bytes(key)))
}

fn family(row: &Row) -> Result<FamilyId, Error> {
    let bytes = row.bytes(TABLE, "family")?;
    Ok(FamilyId(bytes.try_into().map_err(|_| corrupt("family"))?))
}

pub(super) const fn corrupt(column: &'static str) -> Error {
    Error::Corrupt { table: TABLE, column }
}
