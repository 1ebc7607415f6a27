//! The worker: takes notices that are due from the outbox and sends each of them once.
//!
//! Exactly once is not possible over SMTP: between the relay's acceptance and the commit that
//! records it, a crash is possible. The notice is then sent again with the same Message-ID. An
//! attempt is counted before it begins, so that a crash during an attempt is not repeated at once.

use crate::{
    Settings, backoff, earlier, entropy,
    failure::{Next, Reason},
    later,
    mail::Outgoing,
    quota::{self, Sent},
    render::{Rendered, Renderer},
    senders::Senders,
    sms::Text,
};
use data_encoding::HEXLOWER;
use fourauth_locale::Tongue;
use fourauth_protocol::{
    contact::{Email, Phone},
    time::UnixMillis,
};
use fourauth_store::{Channel, Destination, Due, Error, Event, HeldBack, Lease, Sort, Store};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// Most notices in a round.
const BATCH: u32 = 50;

/// How long a lease lasts beyond an attempt. After a crash, another server takes over this late.
const LEASE: Duration = Duration::from_mins(1);

/// Sends notices.
#[derive(Debug)]
pub struct Courier {
    store: Arc<Store>,
    senders: Senders,
    renderer: Renderer,
    settings: Settings,
    /// The random part of every Message-ID.
    installation: String,
    /// End of this server's lease.
    until: UnixMillis,
    mail: Pause,
    sms: Pause,
}

/// What a round did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Round {
    /// Notices that were sent.
    pub sent: u32,
    /// Notices that will be retried.
    pub retried: u32,
    /// Notices that were given up, without those to accounts without an address.
    pub dead: u32,
    /// Notices to accounts without an address.
    pub without_address: u32,
}

/// A sender that may be paused.
#[derive(Debug, Clone, Copy, Default)]
struct Pause {
    failures: u32,
    until: UnixMillis,
    /// True if the last attempt left a doubt.
    is_doubted: bool,
}

/// A way to an owner.
enum Way {
    Mail(Email),
    Sms(Phone),
}

impl Courier {
    /// Prepares a worker. Sends nothing yet.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub async fn open(
        store: Arc<Store>,
        senders: Senders,
        renderer: Renderer,
        settings: Settings,
    ) -> Result<Self, Error> {
        let installation = store.courier_installation().await?;
        let (until, mail, sms) = (UnixMillis(0), Pause::default(), Pause::default());
        Ok(Self { store, senders, renderer, settings, installation, until, mail, sms })
    }

    /// Sends the notices that are due, if this server may send. `clock` gives the present time.
    /// After `stop` was cancelled, no further notice is begun.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails. A notice that was sent just before may be sent again.
    pub async fn round(
        &mut self,
        clock: &(dyn Fn() -> UnixMillis + Send + Sync),
        stop: &CancellationToken,
    ) -> Result<Round, Error> {
        let mut round = Round::default();
        let waiting = self.store.due_notices(clock(), self.held_back(clock()), BATCH).await?;
        for due in waiting {
            if stop.is_cancelled() || !self.has_lease(clock()).await? {
                break;
            }
            let is_held = {
                let held = self.held_back(clock());
                if due.email.is_some() { held.with_email } else { held.without_email }
            };
            if !is_held {
                self.deliver(&due, clock, &mut round).await?;
            }
        }
        self.senders.close().await;
        Ok(round)
    }

    /// Gives the lease back.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails; the lease then ends by itself.
    pub async fn close(self) -> Result<(), Error> {
        let owner = self.settings.owner;
        let release = self
            .store
            .write(move |tx| Box::pin(async move { tx.release_courier_lease(&owner).await }));
        if self.until.0 == 0 { Ok(()) } else { release.await }
    }

    /// The notices that are not looked at, because their sender is paused.
    const fn held_back(&self, now: UnixMillis) -> HeldBack {
        let (mail, sms) = (self.mail.until.0 > now.0, self.sms.until.0 > now.0);
        let with_email = if self.senders.has_mail() { mail } else { sms };
        HeldBack { with_email, without_email: sms && self.senders.has_sms() }
    }

    /// Extends the lease if it might end during an attempt.
    async fn has_lease(&mut self, now: UnixMillis) -> Result<bool, Error> {
        if self.until.0 > later(now, self.settings.deadline).0 {
            return Ok(true);
        }
        let (owner, until) =
            (self.settings.owner.clone(), later(now, self.settings.deadline + LEASE));
        let taken: Result<bool, Error> = self
            .store
            .write(move |tx| {
                Box::pin(
                    async move { tx.take_courier_lease(Lease { owner: &owner, now, until }).await },
                )
            })
            .await;
        let taken = taken?;
        self.until = if taken { until } else { UnixMillis(0) };
        Ok(taken)
    }

    async fn deliver(
        &mut self,
        due: &Due,
        clock: &(dyn Fn() -> UnixMillis + Send + Sync),
        round: &mut Round,
    ) -> Result<(), Error> {
        if !self.begin(due, clock()).await? {
            return Ok(());
        }
        if due.expires.is_some_and(|expires| expires <= clock()) {
            return self.failed(due, Reason::Expired, clock(), round).await;
        }
        let way = match self.way(due) {
            Ok(way) => way,
            Err(reason) => return self.failed(due, reason, clock(), round).await,
        };
        let outcome = self.attempt(due, &way, clock()).await?;
        self.note_health(way.channel(), outcome.err(), clock());
        match outcome {
            Ok(()) => {
                round.sent += 1;
                self.sent(due.id, way.channel(), clock()).await
            }
            Err(reason) => self.failed(due, reason, clock(), round).await,
        }
    }

    /// Counts the attempt. `false` if another server or an operator was faster.
    async fn begin(&self, due: &Due, now: UnixMillis) -> Result<bool, Error> {
        // Not before the attempt must have ended.
        let wait = backoff::wait(due.attempts + 1, jitter()) + self.settings.deadline;
        let (owner, until, due) = (self.settings.owner.clone(), self.until, due.clone());
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    let lease = Lease { owner: &owner, now, until };
                    tx.begin_delivery(&due, lease, later(now, wait)).await
                })
            })
            .await
    }

    /// The owner's mail address, otherwise the telephone, as far as there is a sender.
    fn way(&self, due: &Due) -> Result<Way, Reason> {
        match (&due.email, &due.phone) {
            (Some(email), _) if self.senders.has_mail() => {
                Email::parse(email).map(Way::Mail).map_err(|_| Reason::OddAddress)
            }
            (_, Some(phone)) if self.senders.has_sms() => {
                Phone::parse(phone).map(Way::Sms).map_err(|_| Reason::OddAddress)
            }
            (None, None) => Err(Reason::NoAddress),
            (Some(_), _) | (_, Some(_)) => Err(Reason::NoSender),
        }
    }

    async fn attempt(
        &mut self,
        due: &Due,
        way: &Way,
        now: UnixMillis,
    ) -> Result<Result<(), Reason>, Error> {
        let sent = self.sent_before(due, way, now).await?;
        if let Err(reason) = quota::judge(self.settings.quotas, way.channel(), sent) {
            return Ok(Err(reason));
        }
        let rendered = match self.rendered(due) {
            Ok(rendered) => rendered,
            Err(reason) => return Ok(Err(reason)),
        };
        let id = self.message_id(due);
        Ok(match way {
            Way::Mail(to) => self.mail(&rendered, to, &id, now).await,
            Way::Sms(to) => self.senders.sms(&Text { to, body: &rendered.sms, id: &id }).await,
        })
    }

    async fn mail(
        &mut self,
        rendered: &Rendered,
        to: &Email,
        id: &str,
        at: UnixMillis,
    ) -> Result<(), Reason> {
        let from = self.senders.from().cloned().ok_or(Reason::NoAddress)?;
        let outgoing = Outgoing { from: &from, issuer: self.renderer.issuer(), to, id, at };
        self.senders.mail(&rendered.letter, outgoing).await
    }

    async fn sent_before(&self, due: &Due, way: &Way, now: UnixMillis) -> Result<Sent, Error> {
        let (short, long) = (earlier(now, quota::SHORT), earlier(now, quota::LONG));
        let of = if due.expires.is_some() { Sort::Passcodes } else { Sort::Notices };
        let to = Destination::Account(due.account);
        let account = self.store.deliveries(to, of, short, long).await?;
        Ok(match way {
            Way::Mail(email) => {
                let to = Destination::Email(email.as_str());
                let address = self.store.deliveries(to, of, short, long).await?;
                Sent { account, address, ..Sent::default() }
            }
            Way::Sms(phone) => {
                let to = Destination::Phone(phone.as_str());
                let address = self.store.deliveries(to, of, short, long).await?;
                let to = Destination::PhoneBlock(phone.as_str());
                let block =
                    self.store.deliveries(to, of, earlier(now, quota::BLOCK_SHORT), long).await?;
                Sent { account, address, block }
            }
        })
    }

    fn rendered(&self, due: &Due) -> Result<Rendered, Reason> {
        let notice = due.notice.as_ref().map_err(|_| Reason::UnknownEvent)?;
        let context = notice.context.as_ref().ok_or(Reason::UnknownEvent)?;
        let tongue = Tongue::of(notice.language.as_ref(), self.renderer.default_tongue());
        let (store, account) = (&self.store, due.account);
        let render =
            |code: Option<&str>| self.renderer.render(&notice.event, context, code, tongue);
        match notice.event {
            Event::Passcode { number, .. } => {
                render(Some(store.passcode_of(account, number).as_str()))
            }
            Event::ResetCode { number, .. } => {
                render(Some(store.reset_code_of(account, number).as_str()))
            }
            _ => render(None),
        }
    }

    /// The same for every attempt of a notice. The time is a part of it, because a restored backup
    /// gives the same numbers to other notices.
    fn message_id(&self, due: &Due) -> String {
        let created = due.notice.as_ref().map_or(0, |notice| notice.created.0);
        format!("{}.{created}.{}.{}", due.id, due.resends, self.installation)
    }

    async fn sent(&self, id: i64, channel: Channel, at: UnixMillis) -> Result<(), Error> {
        self.store
            .write(move |tx| Box::pin(async move { tx.delivered(id, channel, at).await }))
            .await
    }

    async fn failed(
        &self,
        due: &Due,
        reason: Reason,
        now: UnixMillis,
        round: &mut Round,
    ) -> Result<(), Error> {
        let (id, attempt) = (due.id, due.attempts + 1);
        let is_over = reason.next() == Next::GiveUp || attempt >= self.settings.attempts;
        let retry = (!is_over).then(|| later(now, backoff::wait(attempt, jitter())));
        match (reason, retry) {
            (Reason::NoAddress, _) => round.without_address += 1,
            (_, Some(_)) => round.retried += 1,
            (Reason::Expired, None) => {
                tracing::warn!(id, "a message with a code expired before it was sent");
                round.dead += 1;
            }
            (_, None) => {
                let reason = reason.as_str();
                tracing::warn!(id, reason, "a notice was given up; `fourauthd outbox` resends it");
                round.dead += 1;
            }
        }
        self.store
            .write(move |tx| {
                Box::pin(async move { tx.not_delivered(id, attempt, reason.as_str(), retry).await })
            })
            .await
    }

    /// Pauses a sender that cannot be used, and ends the pause of one that works.
    fn note_health(&mut self, channel: Channel, failure: Option<Reason>, now: UnixMillis) {
        let pause = match channel {
            Channel::Mail => &mut self.mail,
            Channel::Sms => &mut self.sms,
        };
        let channel = channel.as_str();
        let is_doubted = std::mem::replace(&mut pause.is_doubted, false);
        match failure.map(|reason| (reason, reason.next())) {
            Some((_, Next::Doubt)) if !is_doubted => pause.is_doubted = true,
            Some((reason, Next::Pause | Next::Doubt)) => {
                if pause.failures == 0 {
                    let reason = reason.as_str();
                    tracing::error!(channel, reason, "notices cannot be sent; they wait");
                }
                pause.failures = pause.failures.saturating_add(1);
                pause.until = later(now, backoff::pause(pause.failures, jitter()));
            }
            None if pause.failures > 0 => {
                tracing::info!(channel, "notices are sent again");
                *pause = Pause::default();
            }
            Some((_, Next::GiveUp | Next::Retry)) | None => {}
        }
    }
}

impl Way {
    const fn channel(&self) -> Channel {
        match self {
            Self::Mail(_) => Channel::Mail,
            Self::Sms(_) => Channel::Sms,
        }
    }
}

fn jitter() -> u16 {
    u16::from_be_bytes(entropy::bytes())
}

/// A name for the lease that no other process has.
#[must_use]
pub fn unique(node: &str) -> String {
    format!("{node} {}", HEXLOWER.encode(&entropy::bytes::<8>()))
}
