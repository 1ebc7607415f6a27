//! Spending grants. `fourauth-auth` makes and checks them; nothing is stored until one is used, except
//! a grant that its peer may use without showing it.

use crate::{
    account::id::AccountId,
    engine::{driver::Value, tx::Tx},
    error::Error,
    store::Store,
};
use fourauth_protocol::time::UnixMillis;
use sha2::{Digest as _, Sha256};

/// The table of open grants.
const OPEN: &str = "open_grants";

/// Time that a spent grant is kept after its expiry, in milliseconds: 1 h. A command may be checked
/// just before the expiry and committed after it.
const MARGIN_MS: i64 = 3_600_000;

/// First part of what the id of one use of a grant is made of.
const USE_DOMAIN: &[u8] = b"fourauth-grant-use-v1";

/// Bytes of an id that hold the time of expiry.
const EXPIRY_BYTES: usize = 6;

/// Identifies a grant that has been checked, by its time of expiry and its random bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GrantId {
    bytes: [u8; 16],
    expires: UnixMillis,
}

/// A grant that its peer may use without showing it, until another one takes its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenGrant {
    /// The account.
    pub account: AccountId,
    /// The word for its purpose.
    pub purpose: &'static str,
    /// The address of the peer, or the part of it that sessions are bound to.
    pub peer: String,
    /// The grant.
    pub id: GrantId,
    /// Proves that this server made the row.
    pub tag: [u8; 16],
}

/// The user of a grant: the same may use it again, and no other may.
///
/// A connection is one holder, so that several of its commands can rely on one grant. A command that
/// must be the only one is a holder of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GrantHolder([u8; 16]);

impl GrantId {
    /// Takes the part of the grant that differs between grants, and its time of expiry.
    #[must_use]
    pub const fn new(bytes: [u8; 16], expires: UnixMillis) -> Self {
        Self { bytes, expires }
    }

    /// The time of expiry.
    #[must_use]
    pub const fn expires(&self) -> UnixMillis {
        self.expires
    }
}

impl GrantId {
    /// The part of the grant that differs between grants.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.bytes
    }

    /// The id of one use of this grant. It expires with the grant, and is that of no other grant or use.
    fn of_use(&self, number: u8) -> Self {
        let hash = Sha256::new()
            .chain_update(USE_DOMAIN)
            .chain_update(self.bytes)
            .chain_update([number])
            .finalize();
        let mut bytes = self.bytes;
        bytes.iter_mut().skip(EXPIRY_BYTES).zip(hash).for_each(|(byte, hashed)| *byte = hashed);
        Self { bytes, expires: self.expires }
    }
}

impl GrantHolder {
    /// Takes random bytes, or those of a request id.
    #[must_use]
    pub const fn new(id: [u8; 16]) -> Self {
        Self(id)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl Store {
    /// The open grant for this purpose, account and peer, if there is one that was not spent. The
    /// caller compares its tag and its time of expiry.
    pub async fn open_grant(
        &self,
        account: AccountId,
        purpose: &'static str,
        peer: &str,
    ) -> Result<Option<OpenGrant>, Error> {
        const SQL: &str = "SELECT o.id, o.tag, o.expires FROM open_grants o \
             WHERE o.account = $1 AND o.purpose = $2 AND o.peer = $3 \
             AND NOT EXISTS (SELECT 1 FROM spent_grants s WHERE s.id = o.id)";

        let values = [Value::Int(account.0), Value::Text(purpose), Value::Text(peer)];
        let Some(row) = self.row(SQL, &values).await? else { return Ok(None) };
        let bytes = |column| {
            let corrupt = |_| Error::Corrupt { table: OPEN, column };
            row.bytes(OPEN, column)?.try_into().map_err(corrupt)
        };
        let id = GrantId::new(bytes("id")?, UnixMillis(row.int(OPEN, "expires")?));
        Ok(Some(OpenGrant { account, purpose, peer: peer.to_owned(), id, tag: bytes("tag")? }))
    }

    /// Spends a grant for a command that only reads. `false` if another holder has spent it. Only the
    /// first command of a holder writes.
    pub async fn holds_grant(&self, id: GrantId, holder: GrantHolder) -> Result<bool, Error> {
        const SQL: &str = "SELECT holder FROM spent_grants WHERE id = $1";

        match self.row(SQL, &[Value::Bytes(&id.bytes)]).await? {
            Some(row) => Ok(row.bytes("spent_grants", "holder")? == holder.0),
            None => {
                self.write(move |tx| Box::pin(async move { tx.spend_grant(id, holder).await }))
                    .await
            }
        }
    }
}

impl Tx {
    /// Lets a peer use a grant without showing it. It takes the place of an earlier one.
    pub async fn open_to_peer(&mut self, grant: &OpenGrant) -> Result<(), Error> {
        const SQL: &str = "INSERT INTO open_grants (account, purpose, peer, id, tag, expires) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (account, purpose, peer) DO UPDATE SET \
             id = excluded.id, tag = excluded.tag, expires = excluded.expires";

        let OpenGrant { account, purpose, peer, id, tag } = grant;
        let values = [
            Value::Int(account.0),
            Value::Text(purpose),
            Value::Text(peer),
            Value::Bytes(&id.bytes),
            Value::Bytes(tag),
            Value::Int(id.expires.0),
        ];
        self.execute(SQL, &values).await.map(|_| ())
    }

    /// Deletes open grants that expired before `now`, and returns their number.
    pub async fn forget_open_grants(&mut self, now: UnixMillis) -> Result<u64, Error> {
        const SQL: &str = "DELETE FROM open_grants WHERE expires <= $1";

        self.execute(SQL, &[Value::Int(now.0)]).await
    }

    /// Spends a grant. `false` if another holder has spent it. The caller has checked it, at a time
    /// that was at most an hour ago.
    ///
    /// It is one statement, so that exactly one of many holders wins.
    pub async fn spend_grant(&mut self, id: GrantId, holder: GrantHolder) -> Result<bool, Error> {
        const SQL: &str = "INSERT INTO spent_grants (id, holder, expires) VALUES ($1, $2, $3) \
             ON CONFLICT (id) DO UPDATE SET holder = excluded.holder \
             WHERE spent_grants.holder = excluded.holder";

        let values = [Value::Bytes(&id.bytes), Value::Bytes(&holder.0), Value::Int(id.expires.0)];
        self.changes(SQL, &values).await
    }

    /// Counts a use of a grant that is not spent by it. `false` if `most` holders have used it before.
    /// The caller has checked the grant, as for [`Tx::spend_grant`].
    ///
    /// Each use is spent like a grant of its own, so that of many concurrent holders exactly `most` win.
    pub async fn use_grant(
        &mut self,
        id: GrantId,
        most: u8,
        holder: GrantHolder,
    ) -> Result<bool, Error> {
        for number in 0..most {
            if self.spend_grant(id.of_use(number), holder).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Deletes spent grants that expired more than an hour before `now`, and returns their number.
    pub async fn forget_spent_grants(&mut self, now: UnixMillis) -> Result<u64, Error> {
        const SQL: &str = "DELETE FROM spent_grants WHERE expires <= $1";

        self.execute(SQL, &[Value::Int(now.saturating_add_ms(-MARGIN_MS).0)]).await
    }
}
