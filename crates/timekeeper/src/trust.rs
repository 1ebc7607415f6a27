//! When the time is trusted, doubted or refused.
//!
//! Time is always counted from an [`Anchor`] by the boot clock: from an agreement of servers, or,
//! until there has been one, from the system clock as it was at the start. So nobody who moves the
//! system clock of a running server moves its time.
//!
//! No IO and no clock in here: what happened and when are arguments.

mod operator;

use crate::{
    anchor::{Anchor, STEP_MS},
    clock::{Reading, State},
    dispute::Dispute,
    event::{Event, Refusal},
    quorum::{Interval, majority, quorum},
    sample::{Round, Sample},
    settings::{Profile, Settings, TOLERANCE_MS},
    status::{Panel, Status},
    wall::{BootMillis, Moment},
};
use fourauth_protocol::time::UnixMillis;

/// Largest error of [`State::Synced`], in milliseconds; also what the system clock may be off
/// before it raises an alarm, and what `strict` lets servers move the time by themselves.
const SYNCED_ERROR_MS: i64 = 2_000;
/// Largest error of [`State::Holdover`], in milliseconds: 27 hours at 200 ppm.
const HOLDOVER_ERROR_MS: i64 = 20_000;

/// What the time is counted from.
#[derive(Debug, Clone, Copy)]
enum Base {
    /// Nothing: the system clock is below the floor.
    Nothing,
    /// The system clock, when it was last taken at its word.
    System(Anchor),
    /// An agreement of servers.
    Quorum(Anchor),
}

/// How the last round ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LastRound {
    NotYet,
    NoQuorum,
    /// The servers agreed, but not with us.
    Refused,
    /// They confirmed our time.
    Agreed,
}

/// All that decides what a reader is told.
#[derive(Debug)]
pub(crate) struct Trust {
    profile: Profile,
    /// What no clock may fall behind. It is counted on, since less time than the boot clock counted
    /// cannot have passed.
    floor: Anchor,
    panel: Panel,
    base: Base,
    last_round: LastRound,
    dispute: Option<Dispute>,
    /// `strict` waits for its operator. `secure` keeps it for the day when it is `strict` again.
    barred: bool,
    /// Last state and last alarm that were reported.
    shown: State,
    system_clock_off: bool,
}

impl Trust {
    /// Starts on the system clock, or on nothing if that is below the floor.
    pub(crate) fn new(settings: Settings, now: Moment) -> Self {
        let mut trust = Self {
            profile: settings.profile,
            floor: Anchor::new(now.boot, settings.past.earliest(), 0),
            panel: Panel::new(settings.servers),
            base: Base::Nothing,
            last_round: LastRound::NotYet,
            dispute: None,
            barred: settings.past.barred,
            shown: State::Denied,
            system_clock_off: false,
        };
        trust.take_system_clock(now);
        trust.shown = trust.state_at(now.boot);
        trust
    }

    /// What a reader is told at `now`.
    pub(crate) fn reading(&self, now: Moment) -> Reading {
        let error_ms = match self.base {
            Base::Nothing | Base::System(_) => Reading::UNBOUNDED,
            Base::Quorum(anchor) => {
                u32::try_from(anchor.error_at(now.boot)).unwrap_or(Reading::UNBOUNDED)
            }
        };
        Reading { now: self.utc_at(now), error_ms, state: self.state_at(now.boot) }
    }

    pub(crate) fn status(&self, now: Moment) -> Status {
        let step = |dispute: Dispute| self.step_to(&dispute.offered, now);
        Status {
            reading: self.reading(now),
            system_clock_ahead_ms: now.wall.millis_since(self.utc_at(now)),
            refused_step: self.dispute.map(|dispute| (step(dispute), dispute.why)),
            vouched: self.vouched(now),
            barred: self.barred,
            offer_ms: self.offer_ms(now),
            servers: self.panel.servers().clone(),
        }
    }

    /// Whether the last round confirmed the time.
    pub(crate) fn agreed(&self) -> bool {
        self.last_round == LastRound::Agreed
    }

    /// Learns what a round of servers said.
    pub(crate) fn observe(&mut self, round: &Round, now: Moment) -> Vec<Event> {
        let claims: Vec<Interval> = round.iter().flatten().map(Sample::utc_of_boot).collect();
        let configured = self.panel.servers().len();
        let quorum = quorum(&claims, configured);

        let mut events = self.panel.record(round, quorum);
        if let Some(utc_of_boot) = quorum {
            let utc = UnixMillis(utc_of_boot.centre()).saturating_add_ms(now.boot.0);
            self.weigh(Anchor::new(now.boot, utc, utc_of_boot.reach()), now, &mut events);
        } else {
            if self.last_round != LastRound::NoQuorum {
                let needed = majority(configured);
                events.push(Event::QuorumLost { answered: claims.len(), needed });
            }
            self.last_round = LastRound::NoQuorum;
        }
        self.report(now, &mut events);
        events
    }

    /// Notices what time alone has changed.
    pub(crate) fn tick(&mut self, now: Moment) -> Vec<Event> {
        if matches!(self.base, Base::Nothing) {
            self.take_system_clock(now);
        }
        let mut events = Vec::new();
        self.report(now, &mut events);
        events
    }

    /// The time, unless it is refused or is only the system clock's before any server was asked:
    /// that may be set in local time, and is corrected a moment later.
    fn vouched(&self, now: Moment) -> Option<UnixMillis> {
        let nobody_asked = self.last_round == LastRound::NotYet && !self.panel.servers().is_empty();
        match self.state_at(now.boot) {
            State::Denied => None,
            State::Local if nobody_asked => None,
            State::Synced | State::Holdover | State::Local => Some(self.utc_at(now)),
        }
    }

    /// Believes an agreement of servers, or notes why not.
    fn weigh(&mut self, offered: Anchor, now: Moment, events: &mut Vec<Event>) {
        let step = self.step_to(&offered, now);
        if let Some(why) = self.objection(&offered, step, now) {
            self.last_round = LastRound::Refused;
            self.barred |= why == Refusal::NeedsOperator;
            self.refuse(Dispute { since: now.boot, offered, why }, step, events);
            return;
        }
        if self.is_confirmed(&offered, now) {
            events.push(Event::Stepped { by_ms: step, by_operator: false });
        }
        self.base = Base::Quorum(match self.base {
            Base::Quorum(anchor) => anchor.refreshed_by(offered, now.boot),
            Base::System(_) | Base::Nothing => {
                self.floor = self.floor.max_at(behind(offered, now.boot), now.boot);
                offered
            }
        });
        self.last_round = LastRound::Agreed;
        self.dispute = None;
    }

    /// Why `offered`, which is `step` ahead of our time, is not to be believed now.
    fn objection(&self, offered: &Anchor, step: i64, now: Moment) -> Option<Refusal> {
        let step = step.saturating_abs();
        let below_floor = offered.utc_at(now.boot) < self.floor.earliest_at(now.boot);
        match self.base {
            Base::Quorum(anchor) => {
                let reach = anchor.joint_error_at(offered, now.boot).max(STEP_MS);
                match self.profile {
                    _ if step <= reach => None,
                    Profile::Strict if step > SYNCED_ERROR_MS => Some(Refusal::NeedsOperator),
                    _ if below_floor => Some(Refusal::BelowFloor),
                    _ if self.is_confirmed(offered, now) => None,
                    Profile::Secure | Profile::Strict => Some(Refusal::Unconfirmed),
                }
            }
            Base::System(_) | Base::Nothing => {
                let from_wall = offered.utc_at(now.boot).millis_since(now.wall).saturating_abs();
                let far = from_wall > self.profile.first_reach_ms();
                if below_floor {
                    Some(Refusal::BelowFloor)
                } else {
                    far.then_some(Refusal::FarFromSystemClock)
                }
            }
        }
    }

    /// Whether `offered` is the second agreement on the step that is disputed.
    fn is_confirmed(&self, offered: &Anchor, now: Moment) -> bool {
        self.dispute.is_some_and(|dispute| dispute.is_confirmed_by(offered, now.boot))
    }

    /// Remembers a refusal; one that only repeats itself keeps its age and is no news.
    fn refuse(&mut self, fresh: Dispute, step: i64, events: &mut Vec<Event>) {
        let repeated = self.dispute.is_some_and(|known| {
            known.why == fresh.why && known.is_repeated_by(&fresh.offered, fresh.since)
        });
        if !repeated {
            events.push(Event::StepRefused { by_ms: step, why: fresh.why });
            self.dispute = Some(fresh);
        }
    }

    fn take_system_clock(&mut self, now: Moment) {
        if now.wall >= self.floor.earliest_at(now.boot) {
            self.base = Base::System(by_wall(now));
        }
    }

    fn state_at(&self, boot: BootMillis) -> State {
        let unconfirmed = match self.profile {
            Profile::Secure => State::Local,
            Profile::Strict => State::Denied,
        };
        if self.barred && self.profile == Profile::Strict {
            return State::Denied;
        }
        match self.base {
            Base::Nothing => State::Denied,
            Base::System(_) => unconfirmed,
            Base::Quorum(anchor) => match anchor.error_at(boot) {
                ..=SYNCED_ERROR_MS if self.agreed() => State::Synced,
                ..=HOLDOVER_ERROR_MS => State::Holdover,
                _ => unconfirmed,
            },
        }
    }

    fn utc_at(&self, now: Moment) -> UnixMillis {
        match self.base {
            Base::Nothing => now.wall,
            Base::System(anchor) | Base::Quorum(anchor) => anchor.utc_at(now.boot),
        }
    }

    fn step_to(&self, offered: &Anchor, now: Moment) -> i64 {
        offered.utc_at(now.boot).millis_since(self.utc_at(now))
    }

    /// Adds what has changed since the last report.
    fn report(&mut self, now: Moment, events: &mut Vec<Event>) {
        let state = self.state_at(now.boot);
        if state != self.shown {
            events.push(Event::StateChanged { from: self.shown, to: state });
            self.shown = state;
        }
        let by_ms = now.wall.millis_since(self.utc_at(now));
        let off = by_ms.saturating_abs() > SYNCED_ERROR_MS;
        if off && !self.system_clock_off {
            events.push(Event::SystemClockOff { by_ms });
        }
        self.system_clock_off = off;
    }
}

/// The system clock taken at its word; nothing says how far it is off.
const fn by_wall(now: Moment) -> Anchor {
    Anchor::new(now.boot, now.wall, 0)
}

/// The floor that is set by vouching for `anchor`.
const fn behind(anchor: Anchor, boot: BootMillis) -> Anchor {
    Anchor::new(boot, anchor.utc_at(boot).saturating_add_ms(-TOLERANCE_MS), 0)
}
