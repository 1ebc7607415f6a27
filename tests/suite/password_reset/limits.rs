//! How many codes and tries there are, and what waits tell a stranger.

use super::{EMAIL, House, MINUTE_MS, SENT, WRONG, name, other, said};
use fourauth_client::GatewayConnection;
use fourauth_protocol::{
    code::Code,
    command::{Command, RequestReset, ValidateReset},
    contact::Email,
    reset_code::ResetCode,
};
use fourauth_store::{DeliveryState, Listed};
use std::net::IpAddr;

fn by_name(text: &str) -> Command {
    Command::RequestReset(RequestReset::new(name(text)))
}

#[tokio::test(flavor = "multi_thread")]
async fn five_wrong_codes_use_up_the_window_of_all_codes() {
    let mut house = House::open().await;
    let first = house.code().await;
    for _ in 0..3 {
        assert_eq!(said(&house.validate(other(first)).await), WRONG);
    }
    let second = house.code().await;
    for _ in 0..2 {
        assert_eq!(said(&house.validate(other(second)).await), WRONG);
    }
    assert_eq!(said(&house.validate(second).await), WRONG, "five were wrong before it");
    assert_eq!(said(&house.request().await), SENT);
    assert_eq!(house.details("request_reset").await[0], "OTP sent successfully code=none(tries)");

    house.server.clock().advance_ms(15 * MINUTE_MS);
    let third = house.code().await;
    for _ in 0..4 {
        assert_eq!(said(&house.validate(other(third)).await), WRONG);
    }
    assert!(house.validate(third).await.is_ok(), "the control: four wrong ones");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_gets_three_requests_a_minute_known_or_not() {
    let house = House::open().await;
    let gateway = GatewayConnection::over(house.server.server().gateway());
    let from = async |source: u8, command: Command| {
        gateway.send(IpAddr::from([192, 0, 2, source]), command).await.unwrap()
    };
    let mut seen = Vec::new();
    for text in ["alice", "ghost"] {
        for source in 1..4 {
            assert_eq!(said(&from(source, by_name(text)).await), SENT);
            house.server.clock().advance_ms(1000);
        }
        let refused = from(4, by_name(text)).await;
        seen.push((refused.code, refused.retry_after_ms));
        house.server.clock().advance_ms(56_999);
        assert_eq!(from(5, by_name(text)).await.code, Code::Throttled);
        house.server.clock().advance_ms(1);
        assert_eq!(said(&from(6, by_name(text)).await), SENT);
        house.server.clock().advance_ms(MINUTE_MS);
    }
    assert_eq!(seen, [(Code::Throttled, Some(57_000)); 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_gets_three_requests_a_minute() {
    let house = House::open().await;
    for text in ["alice", "bob", "carol"] {
        assert_eq!(said(&house.send(by_name(text)).await), SENT);
    }
    assert_eq!(house.send(by_name("dave")).await.code, Code::Throttled);
    assert_eq!(house.send(by_name("alice")).await.code, Code::Throttled);
    house.server.clock().advance_ms(MINUTE_MS);
    assert_eq!(said(&house.send(by_name("dave")).await), SENT);
}

#[tokio::test(flavor = "multi_thread")]
async fn waits_do_not_tell_that_an_address_is_of_an_account() {
    let house = House::with(|config| {
        config.limits.shared_addresses = vec!["127.0.0.1".parse().unwrap()];
    })
    .await;
    let mut codes = Vec::new();
    for (address, owner) in [(EMAIL, "alice"), ("ghost@example.org", "ghost")] {
        let by_address = RequestReset::new(Email::parse(address).unwrap());
        for _ in 0..3 {
            assert_eq!(said(&house.send(Command::RequestReset(by_address.clone())).await), SENT);
        }
        let again = house.send(Command::RequestReset(by_address)).await;
        codes.push([again.code, house.send(by_name(owner)).await.code]);
    }
    assert_eq!(codes, [[Code::Throttled, Code::Ok]; 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_codes_are_failed_attempts_known_or_not() {
    let mut house = House::with(|config| config.attempts.backoff_max_s = 900).await;
    let code = house.code().await;
    for text in ["alice", "ghost"] {
        let wrong = ValidateReset::new(name(text), other(code));
        assert_eq!(said(&house.send(Command::ValidateReset(wrong.clone())).await), WRONG);
        let waits = house.send(Command::ValidateReset(wrong)).await;
        assert_eq!((waits.code, waits.retry_after_ms), (Code::Throttled, Some(1000)), "{text}");
    }
    house.server.clock().advance_ms(1000);
    assert!(house.validate(code).await.is_ok(), "what was not examined does not count");
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_at_codes_close_the_account_to_strangers() {
    let mut house = House::with(|config| {
        config.attempts.unknown_device = 2;
        config.attempts.backoff_max_s = 0;
    })
    .await;
    let code = house.code().await;
    for _ in 0..2 {
        assert_eq!(said(&house.validate(other(code)).await), WRONG);
    }
    assert_eq!(house.validate(code).await.code, Code::Locked);
    let unknown = ValidateReset::new(name("ghost"), ResetCode::from_number(0));
    for expected in [Code::Denied, Code::Denied, Code::Locked] {
        assert_eq!(house.send(Command::ValidateReset(unknown.clone())).await.code, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_get_half_of_the_messages_to_an_owner() {
    let mut house = House::with(|config| config.courier.owner_in_a_day = 2).await;
    let code = house.code().await;
    // The mail is counted once the courier has recorded it.
    let store = house.server.server().store();
    let mut looks = tokio::time::interval(std::time::Duration::from_millis(50));
    while !matches!(store.outbox(Listed::All, 1).await.unwrap()[0].state, DeliveryState::Sent(_)) {
        looks.tick().await;
    }
    assert_eq!(said(&house.request().await), SENT, "the answer does not tell");
    assert_eq!(house.details("request_reset").await[0], "OTP sent successfully code=none(quota)");
    assert_eq!(store.outbox(Listed::All, 10).await.unwrap().len(), 1);
    assert!(house.validate(code).await.is_ok(), "the code that was sent stays valid");
    // The other half is left to a peer with the password.
    assert!(house.has_password("violet-Ox-42").await);
    house.mailbox.passcode().await;
}
