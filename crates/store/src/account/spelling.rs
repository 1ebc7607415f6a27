//! Brings the names and addresses of earlier versions to their one spelling, and finds those that more
//! than one account has then.
//!
//! Earlier versions kept what was typed. Every start looks at the accounts that are not settled: after
//! the migration these are all, later only those that share a name or an address with another account.
//! Rows of the audit log keep the spelling that they were hashed with.

use crate::{
    account::id::{AccountId, TABLE},
    audit::entry::AuditEntry,
    engine::{
        driver::{Row, Value},
        tx::Tx,
    },
    error::Error,
    limits::lane::Target,
    store::Store,
};
use fourauth_protocol::{
    contact::Email,
    time::UnixMillis,
    username::{MAX_CHARS, Username, normal_form},
};

/// Accounts in one transaction.
const AT_ONCE: i64 = 500;

/// Room for the number that a name gets if another account has its form.
const NUMBER_CHARS: usize = 8;

const UNSETTLED: &str = "SELECT id, username, email FROM users \
     WHERE settled = 0 AND id > $1 ORDER BY id LIMIT $2";

/// A name that was changed, because an account or an administrator of that form exists or because it
/// was not in the form of names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Respelled {
    /// The earlier name, in ASCII: every other character is escaped, because spellings look alike.
    pub from: String,
    /// The name from now on.
    pub to: Username,
    /// True if another account or administrator has the form of the earlier name, so that this one got
    /// a number.
    pub is_numbered: bool,
}

/// What two accounts share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shared {
    /// Their names look alike.
    Name,
    /// Their mail addresses differ only by case.
    Email,
}

/// An account that shares a name or an address with another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collision {
    /// The name of the account that is not settled.
    pub username: String,
    /// The name of the other one.
    pub other: String,
    /// What they share.
    pub shared: Shared,
}

/// An account that is not settled.
struct Unsettled {
    id: AccountId,
    username: String,
    email: Option<String>,
}

impl Unsettled {
    fn read(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            id: AccountId(row.int(TABLE, "id")?),
            username: row.text(TABLE, "username")?,
            email: row.text_or_null(TABLE, "email")?,
        })
    }

    fn name(&self) -> Result<Username, Error> {
        let corrupt = |_| Error::Corrupt { table: TABLE, column: "username" };
        Username::parse(&self.username).map_err(corrupt)
    }

    /// The address in its form, if it has another one now.
    fn other_email(&self) -> Option<Email> {
        let email = self.email.as_ref()?;
        Email::parse(email).ok().filter(|form| form.as_str() != email)
    }
}

impl Store {
    /// Settles the names and addresses of accounts, and the names of administrators. Returns the names
    /// that were changed. An interrupted call is resumed by the next one.
    pub async fn settle_names(&self, now: UnixMillis) -> Result<Vec<Respelled>, Error> {
        let mut respelled: Vec<Respelled> =
            self.write(move |tx| Box::pin(tx.settle_admins(now))).await?;
        let mut after = i64::MIN;
        loop {
            let (some, last): (Vec<Respelled>, Option<i64>) =
                self.write(move |tx| Box::pin(tx.settle_some(after, now))).await?;
            respelled.extend(some);
            match last {
                Some(last) => after = last,
                None => return Ok(respelled),
            }
        }
    }

    /// The accounts that share a name or a mail address with another one.
    pub async fn name_collisions(&self) -> Result<Vec<Collision>, Error> {
        let (mut collisions, mut after) = (Vec::new(), i64::MIN);
        loop {
            let rows = self.rows(UNSETTLED, &[Value::Int(after), Value::Int(AT_ONCE)]).await?;
            for row in &rows {
                let user = Unsettled::read(row)?;
                after = user.id.0;
                collisions.extend(self.collisions_of(&user).await?);
            }
            if rows.is_empty() {
                return Ok(collisions);
            }
        }
    }

    async fn collisions_of(&self, user: &Unsettled) -> Result<Vec<Collision>, Error> {
        const NAME: &str = "SELECT username FROM users WHERE name_key = $1 AND id <> $2";
        const EMAIL: &str = "SELECT username FROM users WHERE email = $1 AND id <> $2";

        let key = user.name()?.key();
        let email = user.other_email();
        let mut collisions = Vec::new();
        for (sql, value, shared) in [
            (NAME, Some(key.as_str()), Shared::Name),
            (EMAIL, email.as_ref().map(Email::as_str), Shared::Email),
        ] {
            let values = [Value::TextOrNull(value), Value::Int(user.id.0)];
            if let Some(row) = self.row(sql, &values).await? {
                let (username, other) = (user.username.clone(), row.text(TABLE, "username")?);
                collisions.push(Collision { username, other, shared });
            }
        }
        Ok(collisions)
    }
}

impl Tx {
    /// Settles the next accounts after the id `after`. Returns the names that were changed, and the
    /// last id that was looked at.
    async fn settle_some(
        &mut self,
        after: i64,
        now: UnixMillis,
    ) -> Result<(Vec<Respelled>, Option<i64>), Error> {
        let (mut respelled, mut last) = (Vec::new(), None);
        for row in self.rows(UNSETTLED, &[Value::Int(after), Value::Int(AT_ONCE)]).await? {
            let user = Unsettled::read(&row)?;
            respelled.extend(self.settle_account(&user, now).await?);
            last = Some(user.id.0);
        }
        Ok((respelled, last))
    }

    async fn settle_account(
        &mut self,
        user: &Unsettled,
        now: UnixMillis,
    ) -> Result<Option<Respelled>, Error> {
        let respelled = self.respell(user).await?;
        if let Some(it) = &respelled {
            let why = if it.is_numbered { "taken" } else { "spelling" };
            let entry = AuditEntry {
                at: now,
                username: Some(it.to.as_str().to_owned()),
                action: "user_rename",
                success: true,
                detail: format!("from={} why={why} by the server", it.from),
            };
            self.append(&entry).await?;
        }
        let name = respelled.as_ref().map_or_else(|| user.name(), |it| Ok(it.to.clone()))?;
        let is_email_settled = self.lower_email(user).await?;
        self.claim_key(user.id, &name, is_email_settled).await?;
        Ok(respelled)
    }

    /// Gives the account its name in the form of names, with a number if another account has that form.
    async fn respell(&mut self, user: &Unsettled) -> Result<Option<Respelled>, Error> {
        const SQL: &str = "UPDATE users SET username = $1 WHERE id = $2 \
             AND NOT EXISTS (SELECT 1 FROM users WHERE username = $1)";

        if user.name().is_ok_and(|name| name.as_str() == user.username) {
            return Ok(None);
        }
        for (name, is_numbered) in candidates(&user.username) {
            let values = [Value::Text(name.as_str()), Value::Int(user.id.0)];
            if self.change_account(user.id, SQL, &values).await? {
                let (was, is) = (Target::spelled(&user.username), Target::account(&name));
                self.move_failures(was, is).await?;
                return Ok(Some(respelled(&user.username, name, is_numbered)));
            }
        }
        // Not reached: no database has as many accounts as there are numbers.
        Err(Error::Corrupt { table: TABLE, column: "username" })
    }

    /// Takes the key of the name, unless another account has it. Then the account is settled, if its
    /// address is.
    async fn claim_key(
        &mut self,
        account: AccountId,
        name: &Username,
        is_email_settled: bool,
    ) -> Result<(), Error> {
        const SQL: &str = "UPDATE users SET name_key = $1, settled = $2 WHERE id = $3 \
             AND NOT EXISTS (SELECT 1 FROM users WHERE name_key = $1 AND id <> $3)";

        let key = name.key();
        let values =
            [Value::Text(key.as_str()), Value::Int(is_email_settled.into()), Value::Int(account.0)];
        self.execute(SQL, &values).await.map(|_| ())
    }

    /// Returns true unless another account has the form of the address.
    async fn lower_email(&mut self, user: &Unsettled) -> Result<bool, Error> {
        const SQL: &str = "UPDATE users SET email = $1 WHERE id = $2 \
             AND NOT EXISTS (SELECT 1 FROM users WHERE email = $1)";

        let Some(email) = user.other_email() else { return Ok(true) };
        let values = [Value::Text(email.as_str()), Value::Int(user.id.0)];
        self.change_account(user.id, SQL, &values).await
    }

    async fn settle_admins(&mut self, now: UnixMillis) -> Result<Vec<Respelled>, Error> {
        const ALL: &str = "SELECT name FROM admins ORDER BY name";
        let mut all = Vec::new();
        for row in self.rows(ALL, &[]).await? {
            let old = row.text("admins", "name")?;
            let is_settled = Username::parse(&old).is_ok_and(|name| name.as_str() == old);
            if is_settled || !self.is_admin_sealed(&old).await? {
                continue;
            }
            for (name, is_numbered) in candidates(&old) {
                if self.rename_admin(&old, &name).await? {
                    let it = respelled(&old, name, is_numbered);
                    let detail = format!("admin={} from={} by the server", it.to, it.from);
                    let (action, success) = ("admin_rename", true);
                    let entry = AuditEntry { at: now, username: None, action, success, detail };
                    self.append(&entry).await?;
                    all.push(it);
                    break;
                }
            }
        }
        Ok(all)
    }
}

/// The form of a name, then the same with a number, and whether there is one.
fn candidates(old: &str) -> impl Iterator<Item = (Username, bool)> {
    let form = normal_form(old);
    let short: String = form.chars().take(MAX_CHARS - NUMBER_CHARS).collect();
    let numbered = (2..u32::MAX).map(move |number| (format!("{} ({number})", short.trim()), true));
    let spelled = std::iter::once((form, false)).chain(numbered);
    spelled.filter_map(|(text, is_numbered)| Some((Username::parse(&text).ok()?, is_numbered)))
}

fn respelled(old: &str, to: Username, is_numbered: bool) -> Respelled {
    Respelled { from: old.escape_default().to_string(), to, is_numbered }
}
