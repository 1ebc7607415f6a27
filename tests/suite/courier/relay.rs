//! A relay that works, is away, refuses, hangs, or is not the one that was configured.

use super::{House, LATER};
use fourauth_courier::{Round, Security};
use fourauth_store::{DeliveryState, Event};
use fourauth_tests::{mail_server::MailServer, post_office::PostOffice, server::NOON};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

const SENT: Round = Round { sent: 1, retried: 0, dead: 0, without_address: 0 };
const RETRIED: Round = Round { sent: 0, retried: 1, dead: 0, without_address: 0 };
const DEAD: Round = Round { sent: 0, retried: 0, dead: 1, without_address: 0 };
const NOTHING: Round = Round { sent: 0, retried: 0, dead: 0, without_address: 0 };

#[tokio::test]
async fn a_notice_is_sent_once_over_starttls_with_a_login() {
    let House { relay, office, mut courier, folder: _folder } = House::open().await;
    assert_eq!(office.round(&mut courier).await, SENT);
    assert_eq!(office.round(&mut courier).await, NOTHING);
    office.advance(LATER);
    assert_eq!(office.round(&mut courier).await, NOTHING);

    let mails = relay.mails();
    let [mail] = mails.as_slice() else { panic!("{} mails", mails.len()) };
    assert_eq!(mail.about["tls"], true);
    assert_eq!(mail.about["authenticated"], true);
    assert_eq!(mail.about["to"][0], "alice@example.org");
    assert_eq!(mail.header("Subject"), "4Auth: your password was replaced");
    assert!(mail.header("Message-ID").starts_with("<1.1795262400000.0."), "{mail:?}");
    assert_eq!(office.entry(1).await.state, DeliveryState::Sent(NOON));
}

#[tokio::test]
async fn a_relay_with_tls_from_the_first_byte_gets_the_mail() {
    let folder = tempfile::tempdir().unwrap();
    let office = PostOffice::in_folder(folder.path(), NOON).await;
    let alice = office.owner("alice", Some("alice@example.org"), None).await;
    office.notify(alice, Event::FaceReplaced).await;
    let relay = MailServer::with(Security::Tls).await;
    let mut courier = office.courier(Some(relay.settings()), None).await;
    assert_eq!(office.round(&mut courier).await, SENT);
    assert_eq!(relay.mails()[0].about["authenticated"], true);
}

#[tokio::test]
async fn many_notices_share_one_connection_and_arrive_once_each() {
    let House { relay, office, mut courier, folder: _folder } = House::open().await;
    let bob = office.owner("bob", Some("bob@example.org"), None).await;
    for _ in 0..9 {
        office.notify(bob, Event::TotpReplaced).await;
    }
    assert_eq!(office.round(&mut courier).await, Round { sent: 10, ..NOTHING });
    let mut ids: Vec<_> = relay.mails().iter().map(|mail| mail.header("Message-ID")).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 10);
}

#[tokio::test]
async fn a_relay_that_comes_back_gets_the_mail_once() {
    let mut house = House::open().await;
    house.relay.kill().await;
    assert_eq!(house.office.round(&mut house.courier).await, RETRIED);
    assert_eq!(house.last_error().await, "unreachable");
    assert_eq!(house.office.round(&mut house.courier).await, NOTHING, "it waits first");

    house.relay.launch().await;
    house.office.advance(LATER);
    assert_eq!(house.office.round(&mut house.courier).await, SENT);
    assert_eq!(house.office.round(&mut house.courier).await, NOTHING);
    assert_eq!(house.relay.mails().len(), 1);
}

#[tokio::test]
async fn other_notices_wait_while_the_relay_is_away() {
    let mut house = House::open().await;
    let bob = house.office.owner("bob", Some("bob@example.org"), None).await;
    house.office.notify(bob, Event::TotpReplaced).await;
    house.relay.kill().await;
    assert_eq!(house.office.round(&mut house.courier).await, RETRIED);
    assert_eq!(house.office.entry(2).await.attempts, 0, "one attempt shows that it is away");

    house.relay.launch().await;
    house.office.advance(LATER);
    assert_eq!(house.office.round(&mut house.courier).await, Round { sent: 2, ..NOTHING });
}

#[tokio::test]
async fn a_deferred_mail_is_retried() {
    let mut house = House::open().await;
    house.relay.behave("defer").await;
    assert_eq!(house.office.round(&mut house.courier).await, RETRIED);
    assert_eq!(house.last_error().await, "deferred");
    house.relay.behave("accept").await;
    house.office.advance(LATER);
    assert_eq!(house.office.round(&mut house.courier).await, SENT);
}

#[tokio::test]
async fn a_refused_mail_is_given_up_until_an_operator_resends_it() {
    let mut house = House::open().await;
    house.relay.behave("refuse").await;
    assert_eq!(house.office.round(&mut house.courier).await, DEAD);
    assert_eq!(house.last_error().await, "refused");
    let entry = house.office.entry(1).await;
    assert_eq!(entry.state, DeliveryState::Dead);
    assert!(!format!("{entry:?}").contains("FROM-THE-PEER"), "no text of a peer is kept");
    house.relay.behave("accept").await;
    house.office.advance(LATER);
    assert_eq!(house.office.round(&mut house.courier).await, NOTHING);

    let now = house.office.now();
    let resent: Result<bool, fourauth_store::Error> =
        house.office.store.write(move |tx| Box::pin(tx.resend_notice(1, now))).await;
    assert_eq!(resent, Ok(true));
    assert_eq!(house.office.round(&mut house.courier).await, SENT);
}

#[tokio::test]
async fn a_notice_is_given_up_after_its_attempts() {
    let mut house = House::open().await;
    house.relay.behave("defer").await;
    let attempts = house.office.settings.attempts;
    for attempt in 1..attempts {
        assert_eq!(house.office.round(&mut house.courier).await, RETRIED, "{attempt}");
        house.office.advance(Duration::from_hours(6));
    }
    assert_eq!(house.office.round(&mut house.courier).await, DEAD);
    assert_eq!(house.office.entry(1).await.attempts, attempts);
}

#[tokio::test]
async fn a_relay_that_hangs_is_cut_off_by_the_deadline() {
    let mut house = House::open().await;
    house.relay.behave("hang").await;
    house.office.settings.deadline = Duration::from_secs(2);
    let mut courier = house.office.courier(Some(house.relay.settings()), None).await;
    assert_eq!(house.office.round(&mut courier).await, RETRIED);
    assert_eq!(house.last_error().await, "slow");

    // The connection that was cut is not used again: the next answer is for the next mail.
    house.relay.behave("accept").await;
    house.office.advance(LATER);
    assert_eq!(house.office.round(&mut house.courier).await, SENT);
    assert_eq!(house.relay.mails().len(), 1);
}

#[tokio::test]
async fn two_slow_mails_in_a_row_pause_the_relay_and_one_does_not() {
    let mut house = House::open().await;
    house.relay.behave("hang").await;
    house.office.settings.deadline = Duration::from_secs(2);
    let mut courier = house.office.courier(Some(house.relay.settings()), None).await;
    assert_eq!(house.office.round(&mut courier).await, RETRIED);
    let bob = house.office.owner("bob", Some("bob@example.org"), None).await;
    house.office.notify(bob, Event::PasswordReplaced).await;
    assert_eq!(house.office.round(&mut courier).await, RETRIED, "one slow mail holds up no other");

    house.relay.behave("accept").await;
    let carol = house.office.owner("carol", Some("carol@example.org"), None).await;
    house.office.notify(carol, Event::PasswordReplaced).await;
    assert_eq!(house.office.round(&mut courier).await, NOTHING, "two slow mails pause it");
    house.office.advance(LATER);
    assert_eq!(house.office.round(&mut courier).await.sent, 3);
}

#[tokio::test]
async fn a_connection_that_ends_in_the_data_is_retried() {
    let mut house = House::open().await;
    house.relay.behave("cut").await;
    assert_eq!(house.office.round(&mut house.courier).await, RETRIED);
    assert_eq!(house.last_error().await, "interrupted");
    assert_eq!(house.relay.mails().len(), 0);
    house.relay.behave("accept").await;
    house.office.advance(LATER);
    assert_eq!(house.office.round(&mut house.courier).await, SENT);
}

#[tokio::test]
async fn a_crash_after_the_data_causes_at_most_one_duplicate() {
    let House { mut relay, office, mut courier, folder: _folder } = House::open().await;
    relay.behave("hold").await;
    let office = Arc::new(office);
    let round = tokio::spawn({
        let office = Arc::clone(&office);
        async move { office.round(&mut courier).await }
    });
    relay.arrival().await;
    // The relay has the mail, and the courier does not know it: as if it were killed here.
    round.abort();
    assert!(round.await.unwrap_err().is_cancelled());
    relay.behave("accept").await;

    let mut courier = office.courier(Some(relay.settings()), None).await;
    assert_eq!(office.round(&mut courier).await, NOTHING, "not before the attempt must be over");
    office.advance(LATER);
    assert_eq!(office.round(&mut courier).await, SENT);
    assert_eq!(office.round(&mut courier).await, NOTHING);
    let ids: Vec<_> = relay.mails().iter().map(|mail| mail.header("Message-ID")).collect();
    assert!(ids.len() == 2 && ids[0] == ids[1], "{ids:?}");
    assert_eq!(office.entry(1).await.attempts, 2, "the attempt that was cut short is counted");
}

#[tokio::test]
async fn nothing_is_sent_if_starttls_is_stripped() {
    let mut house = House::open().await;
    house.relay.behave("no-starttls").await;
    assert_eq!(house.office.round(&mut house.courier).await, RETRIED);
    assert_eq!(house.last_error().await, "tls");
    assert_eq!(house.relay.mails().len(), 0);
    // The control: the same mail is sent once STARTTLS is there.
    house.relay.behave("accept").await;
    house.office.advance(LATER);
    assert_eq!(house.office.round(&mut house.courier).await, SENT);
}

#[tokio::test]
async fn answers_that_are_injected_before_tls_are_not_read() {
    let mut house = House::open().await;
    house.relay.behave("inject").await;
    assert_eq!(house.office.round(&mut house.courier).await, RETRIED);
    assert_eq!(house.last_error().await, "tls");
    assert_eq!(house.relay.mails().len(), 0);
}

#[tokio::test]
async fn nothing_is_sent_to_a_relay_with_a_foreign_certificate() {
    let house = House::open().await;
    let mut courier = house.office.courier(Some(house.relay.distrusting()), None).await;
    assert_eq!(house.office.round(&mut courier).await, RETRIED);
    assert_eq!(house.last_error().await, "tls");
    assert_eq!(house.relay.mails().len(), 0);
}

#[tokio::test]
async fn a_wrong_password_pauses_the_relay_and_kills_no_notice() {
    let mut house = House::open().await;
    house.relay.behave("no-login").await;
    assert_eq!(house.office.round(&mut house.courier).await, RETRIED);
    assert_eq!(house.last_error().await, "login");
    house.relay.behave("accept").await;
    house.office.advance(LATER);
    assert_eq!(house.office.round(&mut house.courier).await, SENT);
}

#[tokio::test]
async fn after_a_stop_no_further_notice_is_begun() {
    let House { relay, office, mut courier, folder: _folder } = House::open().await;
    let (stop, clock) = (CancellationToken::new(), || NOON);
    stop.cancel();
    assert_eq!(courier.round(&clock, &stop).await.unwrap(), NOTHING);
    assert_eq!(office.entry(1).await.attempts, 0);
    assert_eq!(relay.mails().len(), 0);
}
