//! What people were told, held against what is in the database afterwards.
//!
//! An answer is one row of the audit log, neither none nor two. A change that was acknowledged is
//! there. One whose answer never came may be there or not, but wholly or not at all.

use crate::report::Figures;
use anyhow::Context as _;
use data_encoding::HEXLOWER;
use fourauth_audit::VerifyingKey;
use fourauth_audit_verify::Options;
use fourauth_config::Config;
use fourauth_protocol::{answer::Answer, code::Code, secret::Secret};
use sha2::{Digest as _, Sha256};
use sqlx::{
    ConnectOptions as _, Connection as _, Row as _, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteRow},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// Everybody, and every answer.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    people: BTreeMap<String, Account>,
    /// The requests that were decided, by the name that the answer gave them.
    answered: BTreeSet<String>,
    /// Answers that a limit gave: many share a row.
    turned_away: u32,
    /// Answers that nothing was decided.
    undecided: u32,
    audits: u32,
    unproved: u32,
    lost: BTreeSet<String>,
    not_one_row: BTreeSet<String>,
}

/// What one person was told of their account.
#[derive(Debug, Clone, Default)]
pub(crate) struct Account {
    acknowledged: State,
    /// A change whose answer has not come: both are right.
    perhaps: Option<State>,
}

/// An account, as far as it is looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct State {
    version: i64,
    login_step: i64,
    confirm_step: i64,
    mac: String,
    /// Hashes of the tokens of its sessions.
    sessions: BTreeSet<String>,
    /// One more session, of whose token nobody has heard.
    has_unheard_session: bool,
}

/// What a command changes if it succeeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    Nothing,
    Registered {
        mac: String,
    },
    /// With the code of this step, as in those that follow.
    LoggedIn {
        step: i64,
    },
    Confirmed {
        step: i64,
    },
    NewPassword {
        step: i64,
    },
    NewDevice {
        step: i64,
        mac: String,
    },
    NewCodes,
}

impl Ledger {
    /// Takes over what somebody has heard.
    pub(crate) fn take(&mut self, heard: Heard) {
        self.answered.extend(heard.answered);
        self.turned_away += heard.turned_away;
        self.undecided += heard.undecided;
        self.people.extend(heard.people);
    }

    pub(crate) fn account(&self, name: &str) -> Option<Account> {
        self.people.get(name).cloned()
    }

    pub(crate) fn answers(&self) -> usize {
        self.answered.len()
    }

    /// Holds everything against a database, and the log against what signs it.
    pub(crate) async fn audit(
        &mut self,
        database: &Path,
        config: Option<&Config>,
    ) -> anyhow::Result<()> {
        let mut plain = SqliteConnectOptions::new().filename(database).connect().await?;
        let states = states(&mut plain).await?;
        for (name, account) in &mut self.people {
            if !account.settle(states.get(name)) {
                self.lost.insert(name.clone());
            }
        }
        let rows = requests(&mut plain).await?;
        plain.close().await?;
        let wrong = self.answered.iter().filter(|id| rows.get(*id) != Some(&1));
        self.not_one_row.extend(wrong.cloned());
        self.audits += 1;
        if let Some(config) = config
            && !is_proved(database, config)?
        {
            self.unproved += 1;
        }
        Ok(())
    }

    pub(crate) fn report(&self, figures: &mut Figures) {
        figures.note("accounts", self.people.len());
        figures.note("answers_turned_away", self.turned_away);
        figures.note("answers_undecided", self.undecided);
        figures.exactly("accounts_that_lost_something", count(self.lost.len()), 0);
        figures.exactly("answers_without_one_row", count(self.not_one_row.len()), 0);
        figures.exactly("logs_not_proved", self.unproved, 0);
    }
}

fn count(found: usize) -> u32 {
    u32::try_from(found).unwrap_or(u32::MAX)
}

/// What somebody hears who asks one thing after the other.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    people: BTreeMap<String, Account>,
    answered: Vec<String>,
    turned_away: u32,
    undecided: u32,
}

impl Heard {
    /// Goes on with an account of which something is known.
    pub(crate) fn know(&mut self, name: &str, account: Account) {
        self.people.insert(name.to_owned(), account);
    }

    /// Before a command is sent.
    pub(crate) fn asked(&mut self, name: &str, change: &Change) {
        let account = self.people.entry(name.to_owned()).or_default();
        let mut perhaps = account.acknowledged.clone();
        perhaps.take(change, None);
        account.perhaps = Some(perhaps);
    }

    /// After it has been answered. Whether something was decided.
    pub(crate) fn answered(
        &mut self,
        name: &str,
        change: &Change,
        answer: &Answer,
    ) -> anyhow::Result<bool> {
        match answer.code {
            Code::Unavailable => {
                self.undecided += 1;
                Ok(false)
            }
            Code::Throttled => {
                self.turned_away += 1;
                Ok(false)
            }
            _ => {
                let id = answer.request_id.context("a decision has a name")?;
                let account = self.decided(name, id.to_string());
                if answer.is_ok() {
                    account.acknowledged.take(change, answer.gains.token.as_ref());
                }
                Ok(true)
            }
        }
    }

    /// The same for what was said by a program that is no server, and always says yes.
    pub(crate) fn told(&mut self, name: &str, change: &Change, id: &str) {
        self.decided(name, id.to_owned()).acknowledged.take(change, None);
    }

    fn decided(&mut self, name: &str, id: String) -> &mut Account {
        self.answered.push(id);
        let account = self.people.entry(name.to_owned()).or_default();
        account.perhaps = None;
        account
    }
}

impl Account {
    /// Whether `found` is what it should be; what was open is not any more.
    fn settle(&mut self, found: Option<&State>) -> bool {
        let nobody = State::default();
        let found = found.unwrap_or(&nobody);
        if self.acknowledged.is(found) {
            self.perhaps = None;
            return true;
        }
        let happened = self.perhaps.take().is_some_and(|perhaps| perhaps.is(found));
        if happened {
            self.acknowledged = found.clone();
        }
        happened
    }
}

impl State {
    fn take(&mut self, change: &Change, token: Option<&Secret<String>>) {
        match change {
            Change::Nothing => {}
            Change::Registered { mac } => {
                *self = Self { version: 1, mac: mac.clone(), ..Self::default() };
            }
            Change::LoggedIn { step } => {
                self.login_step = *step;
                match token {
                    Some(token) => {
                        let hash = Sha256::digest(token.expose().as_bytes());
                        self.sessions.insert(HEXLOWER.encode(&hash));
                    }
                    None => self.has_unheard_session = true,
                }
            }
            Change::Confirmed { step } => self.confirm_step = *step,
            Change::NewPassword { step } => self.replace(*step),
            Change::NewDevice { step, mac } => {
                self.replace(*step);
                self.mac.clone_from(mac);
            }
            Change::NewCodes => {
                self.replace(0);
                self.confirm_step = 0;
            }
        }
    }

    /// A factor is another, and nobody is logged in any more.
    fn replace(&mut self, step: i64) {
        self.version += 1;
        self.login_step = step;
        self.sessions.clear();
        self.has_unheard_session = false;
    }

    fn is(&self, found: &Self) -> bool {
        let more = usize::from(self.has_unheard_session);
        let sessions = self.sessions.is_subset(&found.sessions)
            && self.sessions.len() + more == found.sessions.len();
        let rest =
            |state: &Self| (state.version, state.login_step, state.confirm_step, state.mac.clone());
        sessions && rest(self) == rest(found)
    }
}

async fn states(plain: &mut SqliteConnection) -> anyhow::Result<BTreeMap<String, State>> {
    const ACCOUNTS: &str = "SELECT username, version, totp_step, totp_confirm_step, mac_address \
                            FROM users";
    const SESSIONS: &str = "SELECT u.username, lower(hex(s.token_hash)) AS token FROM sessions s \
                            JOIN users u ON u.id = s.account";

    let mut states = BTreeMap::new();
    for row in sqlx::query(ACCOUNTS).fetch_all(&mut *plain).await? {
        states.insert(row.try_get("username")?, state(&row)?);
    }
    for row in sqlx::query(SESSIONS).fetch_all(plain).await? {
        let state = states.entry(row.try_get("username")?).or_default();
        state.sessions.insert(row.try_get("token")?);
    }
    Ok(states)
}

fn state(row: &SqliteRow) -> sqlx::Result<State> {
    Ok(State {
        version: row.try_get("version")?,
        login_step: row.try_get("totp_step")?,
        confirm_step: row.try_get("totp_confirm_step")?,
        mac: row.try_get("mac_address")?,
        ..State::default()
    })
}

/// How many rows each request has.
async fn requests(plain: &mut SqliteConnection) -> anyhow::Result<BTreeMap<String, u32>> {
    let mut requests = BTreeMap::new();
    for row in sqlx::query("SELECT detail FROM access_logs").fetch_all(plain).await? {
        let detail: String = row.try_get("detail")?;
        if let Some(id) = detail.split_whitespace().find_map(|word| word.strip_prefix("request=")) {
            *requests.entry(id.to_owned()).or_default() += 1;
        }
    }
    Ok(requests)
}

/// What an auditor would say who has the public key and the exported checkpoints.
pub(crate) fn is_proved(database: &Path, config: &Config) -> anyhow::Result<bool> {
    let key = fs::read_to_string(config.audit_dir().join("log.vkey"))?;
    // Whoever is killed early has not exported any.
    let exported = Some(config.audit_dir().join("checkpoints.log")).filter(|file| file.exists());
    let checkpoints = exported.into_iter().collect();
    let options = Options { checkpoints, ..Options::new(VerifyingKey::parse(key.trim())?) };
    Ok(fourauth_audit_verify::verify(database, &options)?.is_proved())
}
