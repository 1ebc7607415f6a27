//! Compares the answers that people received with the database afterwards.
//!
//! Each answer has exactly one row in the audit log. An acknowledged change is there. A change
//! without an answer is there completely or not.

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

/// All accounts and all answers.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    people: BTreeMap<String, Account>,
    /// Identifiers of the decided requests, from their answers.
    answered: BTreeSet<String>,
    /// Answers from a rate limit. Several share one row.
    turned_away: u32,
    /// Answers that say that nothing was decided.
    undecided: u32,
    audits: u32,
    unproved: u32,
    lost: BTreeSet<String>,
    not_one_row: BTreeSet<String>,
}

/// State of one account according to its owner's answers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Account {
    acknowledged: State,
    /// State if the pending change took effect. Its answer has not arrived, so both states are
    /// valid.
    perhaps: Option<State>,
}

/// The checked part of an account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct State {
    version: i64,
    login_step: i64,
    confirm_step: i64,
    mac: String,
    /// Hashes of the session tokens.
    sessions: BTreeSet<String>,
    /// One more session, for a login without an answer.
    has_unheard_session: bool,
}

/// The change that a command makes if it succeeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    Nothing,
    Registered {
        mac: String,
    },
    /// The step is that of the code; the same below.
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
    /// Adds the answers of one person.
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

    /// Compares everything with a database, and verifies its log with the server's key.
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

/// Answers to one person's requests, which are sent one after the other.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    people: BTreeMap<String, Account>,
    answered: Vec<String>,
    turned_away: u32,
    undecided: u32,
}

impl Heard {
    /// Continues with an account in a known state.
    pub(crate) fn know(&mut self, name: &str, account: Account) {
        self.people.insert(name.to_owned(), account);
    }

    /// Records a command before it is sent.
    pub(crate) fn asked(&mut self, name: &str, change: &Change) {
        let account = self.people.entry(name.to_owned()).or_default();
        let mut perhaps = account.acknowledged.clone();
        perhaps.take(change, None);
        account.perhaps = Some(perhaps);
    }

    /// Records the answer to a command. Returns true if something was decided.
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
                let id = answer.request_id.context("a decision has no request identifier")?;
                let account = self.decided(name, id.to_string());
                if answer.is_ok() {
                    account.acknowledged.take(change, answer.body.token.as_ref());
                }
                Ok(true)
            }
        }
    }

    /// Records an acknowledgement from [`hasty`](super::hasty), which always accepts.
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
    /// True if `found` is an expected state. A pending change is then settled.
    fn settle(&mut self, found: Option<&State>) -> bool {
        let missing = State::default();
        let found = found.unwrap_or(&missing);
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

    /// A factor is replaced, and all sessions end.
    fn replace(&mut self, step: i64) {
        self.version += 1;
        self.login_step = step;
        self.sessions.clear();
        self.has_unheard_session = false;
    }

    fn is(&self, found: &Self) -> bool {
        let more = usize::from(self.has_unheard_session);
        // The database knows sessions by master tokens, which cannot be compared with tokens.
        let sessions = self.sessions.len() + more == found.sessions.len();
        let rest =
            |state: &Self| (state.version, state.login_step, state.confirm_step, state.mac.clone());
        sessions && rest(self) == rest(found)
    }
}

async fn states(plain: &mut SqliteConnection) -> anyhow::Result<BTreeMap<String, State>> {
    const ACCOUNTS: &str = "SELECT username, version, totp_step, totp_confirm_step, mac_address \
                            FROM users";
    const SESSIONS: &str = "SELECT u.username, lower(hex(s.master)) AS token FROM sessions s \
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

/// Number of rows of each request.
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

/// True if an auditor with the public key and the exported checkpoints finds the log proved.
pub(crate) fn is_proved(database: &Path, config: &Config) -> anyhow::Result<bool> {
    let key = fs::read_to_string(config.audit_dir().join("log.vkey"))?;
    // A server that was killed early has not exported any.
    let exported = Some(config.audit_dir().join("checkpoints.log")).filter(|file| file.exists());
    let checkpoints = exported.into_iter().collect();
    let options = Options { checkpoints, ..Options::new(VerifyingKey::parse(key.trim())?) };
    Ok(fourauth_audit_verify::verify(database, &options)?.is_proved())
}
