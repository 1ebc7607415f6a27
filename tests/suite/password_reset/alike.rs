//! The answers, the work and the time of 340 to 360 do not tell whether an account exists.

use super::{EMAIL, FACELESS, House, MINUTE_MS, name, other, reset};
use crate::equal_work::observed;
use fourauth_auth::authenticator::Work;
use fourauth_protocol::{
    command::{Command, RequestReset, ValidateReset},
    contact::Email,
    grant::GrantToken,
};
use fourauth_store::Enrolled;
use fourauth_tests::with::With as _;
use std::time::Duration;
use tokio::time::Instant;

/// The delay of denials.
const DELAY_MS: u32 = 400;

/// Statements that give the account a state in which it gets no code, and take the state away.
const STATES: [(&str, &str, &str); 4] = [
    ("tries", "UPDATE reset_codes SET tries = 5", "UPDATE reset_codes SET tries = 0"),
    ("face", "UPDATE users SET has_face = 1", "UPDATE users SET has_face = 0"),
    ("disabled", "UPDATE users SET disabled = 1", "UPDATE users SET disabled = 0"),
    ("no_address", "UPDATE users SET email = NULL", "UPDATE users SET email = 'alice@example.org'"),
];

impl House {
    /// Gives the lease of the courier to another server, or to this one. Its statements would be
    /// counted.
    async fn silence(&self, is_silent: bool) {
        let until = if is_silent { i64::MAX } else { 0 };
        self.change(&format!("UPDATE courier SET owner = 'other', until = {until}")).await;
    }

    /// The work and the answer of a command: the least of three times, because background tasks run
    /// a statement now and then.
    async fn observed(&self, command: &Command) -> (Work, String) {
        let mut all = Vec::new();
        for _ in 0..3 {
            self.server.clock().advance_ms(MINUTE_MS);
            all.push(observed(&self.server, command).await);
        }
        assert!(all.iter().all(|(_, bytes)| *bytes == all[0].1), "{all:?}");
        all.into_iter().min_by_key(|(work, _)| work.statements).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_answered_alike_for_every_account() {
    let house = House::open().await;
    house.silence(true).await;
    let of = |text: &str| Command::RequestReset(RequestReset::new(name(text)));
    let sent = house.observed(&of("alice")).await;
    assert_eq!((sent.0.hashes, sent.0.pictures), (0, 0));
    for (state, set, unset) in STATES {
        house.change(set).await;
        assert_eq!(sent, house.observed(&of("alice")).await, "{state}");
        house.change(unset).await;
    }
    assert_eq!(sent, house.observed(&of("ghost")).await);
    let by_mail =
        |text: &str| Command::RequestReset(RequestReset::new(Email::parse(text).unwrap()));
    let known = house.observed(&by_mail(EMAIL)).await;
    assert_eq!(known, house.observed(&by_mail("ghost@example.org")).await);

    // The control: the requests came to different ends.
    let mut ends = house.details("request_reset").await;
    ends.dedup();
    let ends: Vec<_> = ends.iter().rev().map(|row| row.rsplit_once('=').unwrap().1).collect();
    let mut expected = vec!["sent(mail)".to_owned()];
    expected.extend(STATES.map(|(state, ..)| format!("none({state})")));
    expected.extend(["none(unknown)", "sent(mail)", "none(unknown)"].map(str::to_owned));
    assert_eq!(ends, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_code_costs_the_same_for_every_account() {
    let mut house = House::open().await;
    let code = house.code().await;
    house.silence(true).await;
    let of = |text: &str| Command::ValidateReset(ValidateReset::new(name(text), other(code)));
    let wrong = house.observed(&of("alice")).await;
    assert_eq!((wrong.0.hashes, wrong.0.pictures), (1, 0));
    assert_eq!(wrong, house.observed(&of("ghost")).await);
    house.keep_only("alice", Enrolled::ALL).await;
    assert_eq!(wrong, house.observed(&of("alice")).await);
    house.keep_only("alice", FACELESS).await;
    house.change("DELETE FROM reset_codes").await;
    assert_eq!(wrong, house.observed(&of("alice")).await);
    // The control: the right code is another answer.
    house.silence(false).await;
    let code = house.code().await;
    let right = Command::ValidateReset(ValidateReset::new(name("alice"), code));
    assert_ne!(wrong.1, observed(&house.server, &right).await.1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_grant_costs_the_same_for_every_account() {
    let house = House::open().await;
    let wrong = reset(&house.alice, &GrantToken::from_bytes([7; 32]));
    let unknown = wrong.clone().with(|reset| reset.account = name("ghost").into());
    let known = house.observed(&Command::ResetPassword(wrong)).await;
    assert_eq!(known, house.observed(&Command::ResetPassword(unknown)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_answered_no_earlier_than_a_denial() {
    let house = House::with(|config| config.limits.denial_ms = DELAY_MS).await;
    let mut connection = house.server.connect().await;
    for text in ["alice", "ghost"] {
        let began = Instant::now();
        let request = Command::RequestReset(RequestReset::new(name(text)));
        assert!(connection.send(request).await.unwrap().is_ok());
        assert!(began.elapsed() >= Duration::from_millis(DELAY_MS.into()), "{text}");
    }
    // The control: another command that is granted is answered at once.
    let began = Instant::now();
    assert!(connection.hello().await.is_ok());
    assert!(began.elapsed() < Duration::from_millis(DELAY_MS.into()));
}
