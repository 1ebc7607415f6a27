//! Registration without an administrator.

use super::{Code, Command, House, MINUTE_MS, PASSWORD, SelfRegister, email, said};
use fourauth_protocol::{
    command::{Identifier, PasswordStep},
    contact::{Email, Phone},
    username::Username,
};

fn identifier(name: Option<&str>, email: Option<&str>, phone: Option<&str>) -> Identifier {
    let name = name.map(|name| Username::parse(name).unwrap());
    let email = email.map(|email| Email::parse(email).unwrap());
    Identifier::of(name, email, phone.map(|phone| Phone::parse(phone).unwrap())).unwrap()
}

fn register(account: Identifier) -> Command {
    Command::SelfRegister(SelfRegister::new(account, PASSWORD.to_owned()))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_found_by_name_address_and_number() {
    let house = House::open().await;
    let (name, email, phone) = (Some("dave"), Some("dave@example.org"), Some("+4930123456"));
    let answer = house.send(register(identifier(name, email, phone))).await;
    assert_eq!(said(&answer), ("User registered successfully.", Code::Ok));
    assert!(answer.body.provisioning_uri.is_none() && answer.body.grant.is_none());
    for account in [
        identifier(name, None, None),
        identifier(None, email, None),
        identifier(None, None, phone),
        identifier(name, email, phone),
    ] {
        let step = PasswordStep::new(account, PASSWORD.to_owned());
        assert!(house.send(Command::PasswordStep(step)).await.is_ok());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_or_address_belongs_to_one_account() {
    let house = House::open().await;
    let (name, email, phone) = (Some("dave"), Some("dave@example.org"), Some("+4930123456"));
    assert!(house.send(register(identifier(name, email, phone))).await.is_ok());
    for (account, text) in [
        (identifier(name, None, None), "Username already exists."),
        (identifier(Some("eve"), email, None), "E-mail or phone already in use."),
        (identifier(Some("eve"), None, phone), "E-mail or phone already in use."),
        // The name would be the address of another person.
        (identifier(Some("carol@example.org"), None, None), "Username already exists."),
    ] {
        house.server.clock().advance_ms(MINUTE_MS);
        assert_eq!(said(&house.send(register(account)).await), (text, Code::Conflict));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_name_of_another_account_is_no_address_of_ones_own() {
    let house = House::open().await;
    house.server.enrol("boss@corp.example", "obama.jpg").await;
    let account = identifier(Some("eve"), Some("boss@corp.example"), None);
    let refused = house.send(register(account)).await;
    assert_eq!(said(&refused), ("E-mail or phone already in use.", Code::Conflict));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_registers_three_times_a_minute() {
    let house = House::open().await;
    let account = |number: u32| identifier(Some(&format!("user{number}")), None, None);
    // A refused registration counts as well.
    assert!(!house.send(register(identifier(Some("a@b.example"), None, None))).await.is_ok());
    for number in 0..2 {
        assert!(house.send(register(account(number))).await.is_ok());
    }
    let limited = house.send(register(account(2))).await;
    assert_eq!((limited.code, limited.retry_after_ms), (Code::Throttled, Some(60_000)));
    house.server.clock().advance_ms(MINUTE_MS);
    assert!(house.send(register(account(2))).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_weak_password_registers_nothing() {
    let house = House::open().await;
    let weak = SelfRegister::new(email(), "password".to_owned());
    assert_eq!(house.send(Command::SelfRegister(weak)).await.code, Code::WeakPassword);
    let row = house.server.last_row().await;
    assert_eq!((row.action.as_str(), row.success), ("self_register", false));
    assert!(house.send(register(email().into())).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn registration_is_off_unless_an_operator_wants_it() {
    let house = House::with(|config| config.sign_in.self_registration = false).await;
    let refused = house.send(register(email().into())).await;
    assert_eq!(refused.code, Code::NotOffered);
}
