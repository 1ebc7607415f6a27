//! The operations that a store is asked for: registrations, logins, recoveries and refusals,
//! several at a time.
//!
//! Each is one transaction with its row in the audit log, which names it. So the log of a database
//! says which operations are in it, and [`Expected`] computes what its other tables must contain.

use super::people;
use crate::chance::Chance;
use anyhow::Context as _;
use fourauth_factors::totp::Step;
use fourauth_protocol::time::UnixMillis;
use fourauth_store::{
    AuditEntry, BoxFuture, Cause, Error, FamilyId, Methods, NewSession, Seeking, Store, Tx,
};
use fourauth_tests::record::record;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use tokio::task::JoinSet;

/// Upper bound of operations that run at once.
const AT_ONCE: usize = 6;

/// One operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Operation {
    /// Counted from 0, in the order of the script.
    pub(crate) number: usize,
    pub(crate) person: u32,
    pub(crate) what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Register,
    Login,
    NewDevice,
    NewCodes,
    Refuse,
}

/// Operations that start together, one wave after the other.
pub(crate) type Waves = Vec<Vec<Operation>>;

/// Makes `count` operations. No two of a wave concern the same person.
pub(crate) fn waves(count: usize, chance: &mut Chance) -> Waves {
    let (mut waves, mut number, mut people) = (Waves::new(), 0, 0);
    while number < count {
        let size = (1 + chance.below(AT_ONCE)).min(count - number);
        let mut known: Vec<u32> = (0..people).collect();
        chance.shuffle(&mut known);
        let mut wave = Vec::new();
        for _ in 0..size {
            let what = What::ANY[chance.below(What::ANY.len())];
            let (what, person) = match known.pop() {
                Some(person) if what != What::Register => (what, person),
                _ => {
                    people += 1;
                    (What::Register, people - 1)
                }
            };
            wave.push(Operation { number, person, what });
            number += 1;
        }
        waves.push(wave);
    }
    waves
}

/// Runs all operations. Calls `tell` with each after its acknowledgement. Returns the number
/// of operations that were not acknowledged.
pub(crate) async fn run(
    store: &Arc<Store>,
    waves: &[Vec<Operation>],
    tell: impl Fn(usize) + Clone + Send + 'static,
) -> anyhow::Result<usize> {
    let mut undone = 0;
    for wave in waves {
        let mut under_way = JoinSet::new();
        for &operation in wave {
            let (store, tell) = (Arc::clone(store), tell.clone());
            under_way.spawn(async move {
                let done = operation.run(&store).await?;
                if done {
                    tell(operation.number);
                }
                anyhow::Ok(done)
            });
        }
        while let Some(done) = under_way.join_next().await {
            undone += usize::from(!done??);
        }
    }
    Ok(undone)
}

impl What {
    /// Each kind as often as it occurs here.
    const ANY: [Self; 8] = [
        Self::Register,
        Self::Login,
        Self::Login,
        Self::Login,
        Self::Login,
        Self::NewDevice,
        Self::NewCodes,
        Self::Refuse,
    ];

    const fn action(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::Login | Self::Refuse => "login",
            Self::NewDevice => "recover_mac",
            Self::NewCodes => "recover_totp",
        }
    }
}

impl Operation {
    /// Runs it. Returns true if the store acknowledges it.
    pub(crate) async fn run(self, store: &Store) -> anyhow::Result<bool> {
        let name = people::name(self.person)?;
        let Ok(subject) = record(store, Seeking::by_name(&name)).await else { return Ok(false) };
        let user = people::new_user(self.person)?;
        let (account, version) = (user.id, subject.version);
        let (mac, key) = (people::mac(self.number)?, people::key(self.number)?);
        let session = NewSession {
            master: people::token(self.number),
            family: FamilyId([0; 16]),
            account,
            version,
            created: people::NOON,
            expires: UnixMillis(i64::MAX),
            ends: UnixMillis(i64::MAX),
            methods: Methods::default(),
            device: None,
            mac: None,
            peer: std::net::IpAddr::from([192, 0, 2, 1]),
        };
        let entry = self.entry();
        let done = store.write(move |tx: &mut Tx| -> BoxFuture<'_, Result<(), Error>> {
            Box::pin(async move {
                let changed = match self.what {
                    What::Register => tx.add_user(&user).await? == fourauth_store::Added::Yes,
                    What::Login => {
                        let step = Step(u64::try_from(self.number).unwrap_or(0) + 1);
                        tx.spend_step(account, version, step).await?
                            && tx.open_session(&session).await?
                    }
                    What::NewDevice => tx.replace_mac(account, version, mac).await?,
                    What::NewCodes => tx.replace_totp(account, version, &key).await?,
                    What::Refuse => true,
                };
                tx.append(&entry).await?;
                // Roll back like a command that came too late, the row included.
                changed.then_some(()).ok_or(Error::Unavailable(Cause::Abandoned))
            })
        });
        Ok(done.await.is_ok())
    }

    fn entry(self) -> AuditEntry {
        AuditEntry {
            at: people::NOON,
            username: Some(format!("person-{}", self.person)),
            action: self.what.action(),
            success: self.what != What::Refuse,
            detail: format!("operation={}", self.number),
        }
    }
}

/// Contents of the tables after some operations.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Expected {
    people: BTreeMap<u32, Person>,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Person {
    version: i64,
    step: usize,
    mac: String,
    sessions: BTreeSet<String>,
}

impl Expected {
    /// The contents after these operations, in this order.
    pub(crate) fn after(operations: &[Operation]) -> anyhow::Result<Self> {
        let mut expected = Self::default();
        for operation in operations {
            expected.take(*operation)?;
        }
        Ok(expected)
    }

    fn take(&mut self, operation: Operation) -> anyhow::Result<()> {
        let mac = |number| anyhow::Ok(people::mac(number)?.to_string());
        let Operation { number, person, what } = operation;
        if what == What::Register {
            let registered = Person { version: 1, mac: mac(0)?, ..Person::default() };
            self.people.insert(person, registered);
            return Ok(());
        }
        // A refusal needs no account: the registration may have failed on a full disk.
        if what == What::Refuse {
            return Ok(());
        }
        let person = self.people.get_mut(&person).context("an unregistered person was changed")?;
        match what {
            What::Register | What::Refuse => return Ok(()),
            What::Login => {
                person.step = number + 1;
                person.sessions.insert(people::shown(&people::token(number)));
                return Ok(());
            }
            What::NewDevice => person.mac = mac(number)?,
            What::NewCodes => person.step = 0,
        }
        person.version += 1;
        person.sessions.clear();
        Ok(())
    }

    /// Every account and every session, sorted, in the format that [`super::inquest`] reads.
    pub(crate) fn rows(&self) -> Vec<String> {
        let account = |(number, person): (&u32, &Person)| {
            format!("person-{number} {} {} {}", person.version, person.step, person.mac)
        };
        let sessions = |(number, person): (&u32, &Person)| {
            let session = |token| format!("person-{number} {} {token}", person.version);
            person.sessions.iter().map(session).collect::<Vec<_>>()
        };
        let mut rows: Vec<_> = self.people.iter().map(account).collect();
        rows.extend(self.people.iter().flat_map(sessions));
        rows.sort();
        rows
    }
}
