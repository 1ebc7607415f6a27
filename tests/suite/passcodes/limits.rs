//! How many passcodes and tries there are, who can use them up, and what waits tell a stranger.

use super::{EMAIL, House, MINUTE_MS, WRONG, enrol, other, request, said};
use fourauth_protocol::{
    code::Code,
    command::{Command, RequestPasscode},
    contact::Email,
    secret::Secret,
    username::Username,
};
use fourauth_store::{DeliveryState, Listed};
use fourauth_tests::server::TestServer;

#[tokio::test(flavor = "multi_thread")]
async fn a_new_passcode_replaces_the_old_but_brings_no_new_tries() {
    let mut house = House::open().await;
    let first = house.passcode().await;
    for _ in 0..3 {
        assert_eq!(said(&house.redeem(other(first)).await), WRONG);
    }
    let second = house.passcode().await;
    // The fourth wrong one: the first passcode is no longer valid.
    assert_eq!(said(&house.redeem(first).await), WRONG);
    assert_eq!(said(&house.redeem(other(second)).await), WRONG);
    assert_eq!(said(&house.redeem(second).await), WRONG, "five were wrong before it");
    assert_eq!(house.request().await.code, Code::Throttled);

    house.server.clock().advance_ms(15 * MINUTE_MS);
    let third = house.passcode().await;
    assert!(house.redeem(third).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_gets_three_passcodes_in_fifteen_minutes() {
    let mut house = House::open().await;
    for _ in 0..3 {
        house.passcode().await;
    }
    house.server.clock().advance_ms(5 * MINUTE_MS);
    let refused = house.request().await;
    assert_eq!((refused.code, refused.retry_after_ms), (Code::Throttled, Some(600_000)));
    house.server.clock().advance_ms(10 * MINUTE_MS);
    house.passcode().await;
    assert_eq!(house.mailbox.mails().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_gets_only_so_many_passcodes() {
    let house = House::with(|config| config.courier.passcodes_for_a_source = 1).await;
    assert!(house.request().await.is_ok());
    assert_eq!(house.request().await.code, Code::Throttled);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_passcodes_are_failed_attempts_and_the_owner_is_told() {
    let mut house = House::with(|config| {
        config.attempts.unknown_device = 2;
        config.attempts.backoff_max_s = 0;
    })
    .await;
    let passcode = house.passcode().await;
    for _ in 0..2 {
        assert_eq!(said(&house.redeem(other(passcode)).await), WRONG);
    }
    assert_eq!(house.redeem(passcode).await.code, Code::Locked);
    let outbox = house.server.server().store().outbox(Listed::All, 10).await.unwrap();
    let words: Vec<_> = outbox.iter().map(|entry| entry.event.word()).collect();
    assert_eq!(words, ["password_used_elsewhere", "passcode"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn waits_do_not_tell_an_address_of_an_account() {
    let house = House::with(|config| config.attempts.backoff_max_s = 900).await;
    let wrong = || Secret::new("wrong-Ox-42".to_owned());
    let mut codes = Vec::new();
    for address in [EMAIL, "ghost@example.org"] {
        let by_address = RequestPasscode::new(Email::parse(address).unwrap(), wrong());
        for _ in 0..2 {
            house.send(Command::RequestPasscode(by_address.clone())).await;
        }
        let by_name = RequestPasscode::new(Username::parse(address).unwrap(), wrong());
        let again = house.send(Command::RequestPasscode(by_address)).await;
        let named = house.send(Command::RequestPasscode(by_name)).await;
        codes.push([again.code, named.code]);
    }
    assert_eq!(codes, [[Code::Throttled, Code::Denied]; 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_do_not_throttle_passcodes_at_a_known_place() {
    let house = House::with(|config| config.attempts.backoff_max_s = 900).await;
    // The first login makes the place known.
    let login = Command::Login(house.alice.login(house.server.now()));
    assert!(house.send(login).await.is_ok());
    let mut guess = request(&house.alice);
    guess.password = Secret::new("wrong-Ox-42".to_owned());
    for _ in 0..3 {
        house.send(Command::RequestPasscode(guess.clone())).await;
    }
    assert_eq!(house.request().await.code, Code::Throttled, "the control: without the MAC address");
    let known = Command::RequestPasscode(request(&house.alice).device(house.alice.mac));
    assert_eq!(house.send(known).await.code, Code::Ok);
}

#[tokio::test]
async fn commands_that_are_not_offered_write_no_row_each() {
    let server = TestServer::start().await;
    let alice = enrol(&server, Some(EMAIL), None).await;
    let rows = server.audit().await.len();
    for _ in 0..20 {
        let request = Command::RequestPasscode(request(&alice));
        assert_eq!(server.client().send_once(request).await.unwrap().code, Code::NotOffered);
    }
    assert_eq!(server.audit().await.len(), rows);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_passcode_is_promised_that_the_courier_would_hold_back() {
    let mut house = House::with(|config| config.courier.owner_in_a_day = 1).await;
    house.passcode().await;
    // The mail is counted once the courier has recorded it.
    let store = house.server.server().store();
    let mut looks = tokio::time::interval(std::time::Duration::from_millis(50));
    while !matches!(store.outbox(Listed::All, 1).await.unwrap()[0].state, DeliveryState::Sent(_)) {
        looks.tick().await;
    }
    assert_eq!(house.request().await.code, Code::Throttled);
}
