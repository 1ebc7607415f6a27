//! Several people at once, each registering, logging in, recovering and mistyping as fast as they
//! are answered, until the server is gone.

use super::ledger::{Change, Heard, Ledger};
use crate::{chance::Chance, crowd, daemon::Daemon};
use anyhow::Context as _;
use fourauth_client::Client;
use fourauth_factors::totp::{Step, code_at, step_at};
use fourauth_protocol::{
    answer::Answer, command::Command, mac_address::MacAddress, one_time_code::OneTimeCode,
    secret::Secret,
};
use fourauth_tests::{
    persona::{Persona, key_of},
    with::With as _,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::{sync::Notify, task::JoinSet, time::timeout};

/// Number of people at once.
const WORKERS: u32 = 4;

/// Longest wait for the first answer, which includes the warm-up of the face networks.
const PATIENCE: Duration = Duration::from_mins(1);

/// The running load.
#[derive(Debug)]
pub(crate) struct Load {
    workers: JoinSet<Worker>,
    course: Arc<Course>,
}

/// Progress, shared by the workers.
#[derive(Debug, Default)]
struct Course {
    decided: Notify,
    undecided: AtomicU32,
    is_over: AtomicBool,
}

/// Why a worker stops using an account.
#[derive(Debug, thiserror::Error)]
enum Stop {
    #[error("the server does not answer")]
    Gone,
    /// The state of the account is unknown to the worker, which stops using it.
    #[error("nothing was decided")]
    Undecided,
    #[error(transparent)]
    Broken(#[from] anyhow::Error),
}

/// An account in a completely known state.
#[derive(Debug)]
pub(crate) struct Member {
    persona: Persona,
    /// Newest steps used to log in or recover, and to confirm.
    spent: u64,
    confirmed: u64,
}

#[derive(Debug)]
struct Worker {
    client: Client,
    admin: Secret<String>,
    /// Prefix of all names.
    prefix: String,
    chance: Chance,
    course: Arc<Course>,
    heard: Heard,
    members: Vec<Member>,
}

impl Load {
    /// Starts the workers. Each takes one of `members` if there is one.
    pub(crate) fn begin(
        daemon: &Daemon,
        round: u32,
        ledger: &Ledger,
        members: &mut Vec<Member>,
    ) -> anyhow::Result<Self> {
        let (mut workers, course) = (JoinSet::new(), Arc::<Course>::default());
        for number in 0..WORKERS {
            let seed = u64::from(round * WORKERS + number);
            let mut worker = Worker {
                client: daemon.client()?,
                admin: daemon.admin()?,
                prefix: format!("person-{round}-{number}"),
                chance: Chance::of(seed),
                course: Arc::clone(&course),
                heard: Heard::default(),
                members: Vec::new(),
            };
            if !members.is_empty() {
                let member = members.swap_remove(worker.chance.below(members.len()));
                let name = member.persona.username.as_str();
                worker.heard.know(
                    name,
                    ledger.account(name).context("the ledger lacks a member's account")?,
                );
                worker.members.push(member);
            }
            workers.spawn(worker.work());
        }
        Ok(Self { workers, course })
    }

    /// Waits for the next answer with a decision.
    pub(crate) async fn next_decision(&self) -> anyhow::Result<()> {
        timeout(PATIENCE, self.course.decided.notified())
            .await
            .context("no request was answered in time")
    }

    /// Number of answers so far that nothing was decided.
    pub(crate) fn undecided(&self) -> u32 {
        self.course.undecided.load(Ordering::Relaxed)
    }

    /// Lets every worker stop after its next answer.
    pub(crate) fn stop(&self) {
        self.course.is_over.store(true, Ordering::Relaxed);
    }

    /// Waits for all workers and collects what they know. The server has stopped.
    pub(crate) async fn end(
        mut self,
        ledger: &mut Ledger,
        members: &mut Vec<Member>,
    ) -> anyhow::Result<()> {
        while let Some(worker) = self.workers.join_next().await {
            let worker = worker?;
            ledger.take(worker.heard);
            members.extend(worker.members);
        }
        Ok(())
    }
}

impl Worker {
    /// Works until the server does not answer or the load is stopped.
    async fn work(mut self) -> Self {
        let mut known = self.members.pop();
        for number in 0.. {
            match self.life(known.take(), number).await {
                Ok(member) => self.members.push(member),
                Err(Stop::Undecided) => {}
                Err(Stop::Gone | Stop::Broken(_)) => break,
            }
            if self.course.is_over.load(Ordering::Relaxed) {
                break;
            }
        }
        self
    }

    async fn life(&mut self, known: Option<Member>, number: u32) -> Result<Member, Stop> {
        let mut member = match known {
            Some(member) => member,
            None => self.register(number).await?,
        };
        self.day(&mut member).await?;
        Ok(member)
    }

    async fn register(&mut self, number: u32) -> Result<Member, Stop> {
        let name = format!("{}-{number}", self.prefix);
        let register = crowd::registration(self.admin.clone(), &name)?;
        let (password, mac) = (
            register.password.clone(),
            register.mac.context("the registration has no MAC address")?,
        );
        let change = Change::Registered { mac: mac.to_string() };
        let answer = self.ask(&name, &change, Command::Register(register)).await?;
        let uri = answer.body.provisioning_uri.context("the answer has no provisioning URI")?;
        let persona = Persona::new(&name, password, mac, &uri);
        Ok(Member { persona, spent: 0, confirmed: 0 })
    }

    /// Logs in if there is an unused code, and does one other thing.
    async fn day(&mut self, member: &mut Member) -> Result<(), Stop> {
        if let Some((step, totp)) = member.code() {
            let login = member.persona.login(crowd::now()).with(|login| login.totp = Some(totp));
            self.done(member, &Change::LoggedIn { step }, Command::Login(login)).await?;
        }
        match self.chance.below(6) {
            0 => self.new_codes(member).await,
            1 => self.new_password(member).await,
            2 => self.new_device(member).await,
            3 => self.confirm(member).await,
            _ => self.mistype(member).await,
        }
    }

    async fn new_codes(&mut self, member: &mut Member) -> Result<(), Stop> {
        let command = Command::RecoverTotp(member.persona.recover_totp(crowd::now()));
        let answer = self.done(member, &Change::NewCodes, command).await?;
        if let Some(uri) = &answer.body.provisioning_uri {
            member.persona.key = key_of(uri);
            (member.spent, member.confirmed) = (0, 0);
        }
        Ok(())
    }

    async fn new_password(&mut self, member: &mut Member) -> Result<(), Stop> {
        let Some((step, totp)) = member.code() else { return Ok(()) };
        let password = format!("amber-Fox-{}", self.chance.next());
        let mut recover = member.persona.recover_password(&password, crowd::now());
        recover.totp = Some(totp);
        let command = Command::RecoverPassword(recover);
        if self.done(member, &Change::NewPassword { step }, command).await?.is_ok() {
            member.persona.password = Secret::new(password);
        }
        Ok(())
    }

    async fn new_device(&mut self, member: &mut Member) -> Result<(), Stop> {
        let Some((step, totp)) = member.code() else { return Ok(()) };
        let mac = format!("00:1b:44:11:3a:{:02x}", self.chance.below(256));
        let mac = MacAddress::parse(&mac).context("not a MAC address")?;
        let mut recover = member.persona.recover_device(mac, crowd::now());
        recover.totp = Some(totp);
        let change = Change::NewDevice { step, mac: mac.to_string() };
        if self.done(member, &change, Command::RecoverDevice(recover)).await?.is_ok() {
            member.persona.mac = mac;
        }
        Ok(())
    }

    async fn confirm(&mut self, member: &mut Member) -> Result<(), Stop> {
        let Step(step) = step_at(crowd::now());
        if step <= member.confirmed {
            return Ok(());
        }
        member.confirmed = step;
        let totp = code_at(&member.persona.key, Step(step)).ok();
        let confirm = member.persona.confirm(crowd::now()).with(|confirm| confirm.totp = totp);
        let change = Change::Confirmed { step: step.cast_signed() };
        self.done(member, &change, Command::ConfirmTotp(confirm)).await.map(|_| ())
    }

    async fn mistype(&mut self, member: &mut Member) -> Result<(), Stop> {
        let password = Secret::new("vioket-Ox-42".into());
        let login = member.persona.login(crowd::now()).with(|login| login.password = password);
        self.done(member, &Change::Nothing, Command::Login(login)).await.map(|_| ())
    }

    async fn done(
        &mut self,
        member: &Member,
        change: &Change,
        command: Command,
    ) -> Result<Answer, Stop> {
        self.ask(member.persona.username.as_str(), change, command).await
    }

    /// Sends a command, and records it and its answer.
    async fn ask(&mut self, name: &str, change: &Change, command: Command) -> Result<Answer, Stop> {
        self.heard.asked(name, change);
        let answer = self.client.send_once(command).await.map_err(|_| Stop::Gone)?;
        if self.heard.answered(name, change, &answer)? {
            self.course.decided.notify_waiters();
            return Ok(answer);
        }
        self.course.undecided.fetch_add(1, Ordering::Relaxed);
        Err(Stop::Undecided)
    }
}

impl Member {
    /// An unused code of the previous or the current step, with its step.
    fn code(&mut self) -> Option<(i64, OneTimeCode)> {
        let Step(now) = step_at(crowd::now());
        let step = (self.spent + 1).max(now - 1);
        if step > now {
            return None;
        }
        self.spent = step;
        Some((step.cast_signed(), code_at(&self.persona.key, Step(step)).ok()?))
    }
}
