//! Decides when the time is trusted or refused.
//!
//! Time is always counted from an [`Anchor`] by the boot clock. The anchor is a quorum of servers
//! or, before the first quorum, the system clock at the start. So moving the system clock of a
//! running server does not move its time.
//!
//! This module has no IO and reads no clock: events and times are arguments.

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

/// Largest error of [`State::Synced`], in milliseconds.
///
/// Also the largest error of the system clock without an alarm, and the largest step of the servers
/// that `strict` accepts without an operator.
const SYNCED_ERROR_MS: i64 = 2_000;
/// Largest error of [`State::Holdover`], in milliseconds: 27 hours at 200 ppm.
const HOLDOVER_ERROR_MS: i64 = 20_000;

/// Largest step of a first quorum that needs no confirmation, in milliseconds. A system clock that
/// is further off shows local time, or the servers lie.
const FIRST_STEP_MS: i64 = 300_000;
/// How long a time must have held after a larger step before it sets the floor, in milliseconds. If
/// it was a lie, the floor would refuse the true time.
const HOLD_MS: i64 = 3_600_000;

/// The source from which the time is counted.
#[derive(Debug, Clone, Copy)]
enum Base {
    /// No source: the system clock is below the floor.
    Nothing,
    /// The system clock at the anchor.
    System(Anchor),
    /// A quorum of servers.
    Quorum(Anchor),
}

/// Result of the last round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LastRound {
    NotYet,
    NoQuorum,
    /// The servers agreed on a time that was refused.
    Refused,
    /// The servers confirmed the time.
    Agreed,
}

/// The state that determines the readings.
#[derive(Debug)]
pub(crate) struct Trust {
    profile: Profile,
    /// Earliest possible time. It advances with the boot clock.
    floor: Anchor,
    panel: Panel,
    base: Base,
    last_round: LastRound,
    dispute: Option<Dispute>,
    /// When the time last moved by more than [`FIRST_STEP_MS`], until it has held.
    moved: Option<BootMillis>,
    /// True if `strict` waits for an operator. `secure` ignores the flag but keeps it.
    barred: bool,
    /// Last reported state.
    shown: State,
    /// True if the alarm about the system clock was reported.
    system_clock_off: bool,
}

impl Trust {
    /// Starts from the system clock, or without a source if that is below the floor.
    pub(crate) fn new(settings: Settings, now: Moment) -> Self {
        let mut trust = Self {
            profile: settings.profile,
            floor: Anchor::new(now.boot, settings.past.earliest(), 0),
            panel: Panel::new(settings.servers),
            base: Base::Nothing,
            last_round: LastRound::NotYet,
            dispute: None,
            moved: None,
            barred: settings.past.barred,
            shown: State::Denied,
            system_clock_off: false,
        };
        trust.take_system_clock(now);
        trust.shown = trust.state_at(now.boot);
        trust
    }

    /// The reading at `now`.
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

    /// True if the last round confirmed the time.
    pub(crate) fn agreed(&self) -> bool {
        self.last_round == LastRound::Agreed
    }

    /// Evaluates a round of the servers.
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

    /// Reports changes that follow from elapsed time.
    pub(crate) fn tick(&mut self, now: Moment) -> Vec<Event> {
        if matches!(self.base, Base::Nothing) {
            self.take_system_clock(now);
        }
        let mut events = Vec::new();
        self.report(now, &mut events);
        events
    }

    /// The time, if it may set the floor of a later start.
    ///
    /// That excludes a denied time, a time that has just moved far, and the system clock before the
    /// first agreement: it may show local time, which that corrects.
    fn vouched(&self, now: Moment) -> Option<UnixMillis> {
        let no_round_yet = self.last_round == LastRound::NotYet && !self.panel.servers().is_empty();
        let is_disputed = self.dispute.is_some_and(|dispute| dispute.why == Refusal::Unconfirmed);
        match self.state_at(now.boot) {
            State::Denied => None,
            State::Local if no_round_yet || is_disputed => None,
            State::Synced | State::Holdover | State::Local if self.moved.is_some() => None,
            State::Synced | State::Holdover | State::Local => Some(self.utc_at(now)),
        }
    }

    /// Accepts the time of a quorum, or records why it is refused.
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
        let is_first = !matches!(self.base, Base::Quorum(_));
        self.base = Base::Quorum(match self.base {
            Base::Quorum(anchor) => anchor.refreshed_by(offered, now.boot),
            Base::System(_) | Base::Nothing => offered,
        });
        if step.saturating_abs() > FIRST_STEP_MS {
            self.moved = Some(now.boot);
        }
        let has_held = self.moved.is_some_and(|moved| now.boot.millis_since(moved) >= HOLD_MS);
        if has_held || is_first && self.moved.is_none() {
            self.moved = None;
            self.floor = self.floor.max_at(behind(offered, now.boot), now.boot);
        }
        self.last_round = LastRound::Agreed;
        self.dispute = None;
    }

    /// Why `offered`, which is `step` ahead of the time, is refused; `None` if it is accepted.
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
                match () {
                    () if below_floor => Some(Refusal::BelowFloor),
                    () if far => Some(Refusal::FarFromSystemClock),
                    () if from_wall <= FIRST_STEP_MS || self.is_confirmed(offered, now) => None,
                    () => Some(Refusal::Unconfirmed),
                }
            }
        }
    }

    /// True if `offered` is the second quorum for the refused step.
    fn is_confirmed(&self, offered: &Anchor, now: Moment) -> bool {
        self.dispute.is_some_and(|dispute| dispute.is_confirmed_by(offered, now.boot))
    }

    /// Records a refusal. A repeated refusal keeps its age and causes no event.
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

    /// Adds events for changes since the last report.
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

/// The system clock as an anchor. Its error is unknown.
const fn by_wall(now: Moment) -> Anchor {
    Anchor::new(now.boot, now.wall, 0)
}

/// The floor that follows from `anchor`.
const fn behind(anchor: Anchor, boot: BootMillis) -> Anchor {
    Anchor::new(boot, anchor.utc_at(boot).saturating_add_ms(-TOLERANCE_MS), 0)
}
