//! Passcodes: a password and a passcode from a mail open a session of level 1, and nothing more.

use fourauth_config::Config;
use fourauth_protocol::{
    answer::Answer,
    code::Code,
    command::{
        Authorise, Command, EndSession, Identifier, ListDevices, ListSessions, RedeemPasscode,
        RequestPasscode,
    },
    contact::{Email, Phone},
    level::Level,
    mac_address::MacAddress,
    passcode::Passcode,
    receipt::Method,
    secret::Secret,
    username::Username,
};
use fourauth_store::{DeliveryState, Listed};
use fourauth_tests::{mailbox::Mailbox, persona::Persona, server::TestServer};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, SqliteConnection};
use std::fs;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const EMAIL: &str = "alice@example.org";
const PHONE: &str = "+4930123456";

/// A server that mails passcodes, and Alice with an account.
struct House {
    server: TestServer,
    mailbox: Mailbox,
    alice: Persona,
}

impl House {
    async fn open() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let mailbox = Mailbox::open().await;
        let server = TestServer::configured(|config| {
            mailbox.receive(config);
            change(config);
        })
        .await;
        let alice = enrol(&server, Some(EMAIL), Some(PHONE)).await;
        Self { server, mailbox, alice }
    }

    async fn send(&self, command: Command) -> Answer {
        self.server.client().send_once(command).await.unwrap()
    }

    async fn request(&self) -> Answer {
        self.send(Command::RequestPasscode(request(&self.alice))).await
    }

    async fn passcode(&mut self) -> Passcode {
        let sent = self.request().await;
        assert_eq!(said(&sent), ("Passcode is sent", Code::Ok));
        self.mailbox.passcode().await
    }

    async fn redeem(&self, passcode: Passcode) -> Answer {
        self.send(Command::RedeemPasscode(redeem(&self.alice, passcode))).await
    }
}

async fn enrol(server: &TestServer, email: Option<&str>, phone: Option<&str>) -> Persona {
    let mut register = server.registration("alice", "obama.jpg");
    register.email = email.map(|email| Email::parse(email).unwrap());
    register.phone = phone.map(|phone| Phone::parse(phone).unwrap());
    server.enrol_as(register).await.0
}

fn request(alice: &Persona) -> RequestPasscode {
    RequestPasscode::new(alice.username.clone(), alice.password.clone())
}

fn redeem(alice: &Persona, passcode: Passcode) -> RedeemPasscode {
    RedeemPasscode::new(alice.username.clone(), alice.password.clone(), passcode).device(alice.mac)
}

fn said(answer: &Answer) -> (&str, Code) {
    (&answer.message, answer.code)
}

/// Another passcode.
fn other(passcode: Passcode) -> Passcode {
    let number = u128::from_str_radix(passcode.as_str(), 36).unwrap();
    Passcode::from_number(number + 1)
}

const WRONG: (&str, Code) = ("Passcode verification failed.", Code::PasscodeMismatch);

#[tokio::test(flavor = "multi_thread")]
async fn a_passcode_by_mail_opens_a_session_of_level_1() {
    let mut house = House::open().await;
    let passcode = house.passcode().await;
    let mail = house.mailbox.mails().pop().unwrap();
    assert_eq!(
        (mail.about["to"][0].as_str(), mail.about["tls"].as_bool()),
        (Some(EMAIL), Some(true))
    );

    let opened = house.redeem(passcode).await;
    assert_eq!(
        (said(&opened), opened.body.level),
        (("Login successful.", Code::Ok), Some(Level::One))
    );
    let token = opened.body.token.unwrap();
    let check = |token: &Secret<String>| Authorise::new(token.clone()).device(house.alice.mac);

    let valid = house.send(Command::Authorise(check(&token))).await;
    assert_eq!(said(&valid), ("authorized", Code::Ok));
    assert_eq!(valid.body.amr.as_deref(), Some(&[Method::Password, Method::Email][..]));
    let higher = house.send(Command::Authorise(check(&token).level(Level::Two))).await;
    assert_eq!(higher.code, Code::MoreNeeded);
    let mac = MacAddress::parse("00:1b:44:11:3a:ff").unwrap();
    let elsewhere = house.send(Command::Authorise(check(&token).device(mac))).await;
    assert_eq!(said(&elsewhere), ("unauthorized", Code::SignedOut));

    house.server.clock().advance_ms(HOUR_MS);
    let renewed = house.send(Command::Authorise(check(&token))).await;
    assert_eq!(said(&renewed), ("renew", Code::Ok));
    let new = renewed.body.token.unwrap();
    assert_eq!(said(&house.send(Command::Authorise(check(&new))).await), ("authorized", Code::Ok));
    house.server.clock().advance_ms(MINUTE_MS);
    for spent in [&token, &new] {
        let ended = house.send(Command::Authorise(check(spent))).await;
        assert_eq!(said(&ended), ("unauthorized", Code::SignedOut));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passcode_by_text_message_is_named_so_in_its_session() {
    let texts = tempfile::tempdir().unwrap();
    let server = TestServer::configured(|config| {
        config.courier.sms = Some(format!("file:{}", texts.path().display()).parse().unwrap());
        config.auth.passcodes = true;
    })
    .await;
    let alice = enrol(&server, Some(EMAIL), Some(PHONE)).await;
    let sent = server.client().send_once(Command::RequestPasscode(request(&alice))).await.unwrap();
    assert!(sent.is_ok(), "{sent:?}");
    let passcode = text_message(texts.path()).await;
    let redeem = Command::RedeemPasscode(redeem(&alice, passcode));
    let token = server.client().send_once(redeem).await.unwrap().body.token.unwrap();
    let check = Command::Authorise(Authorise::new(token).device(alice.mac));
    let valid = server.client().send_once(check).await.unwrap();
    assert_eq!(valid.body.amr.as_deref(), Some(&[Method::Password, Method::Sms][..]));
}

/// The passcode of the first text message.
async fn text_message(folder: &std::path::Path) -> Passcode {
    let mut looks = tokio::time::interval(std::time::Duration::from_millis(50));
    loop {
        looks.tick().await;
        let mut files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let Some(file) = files.find(|path| path.extension().is_some_and(|end| end == "txt")) else {
            continue;
        };
        let text = fs::read_to_string(file).unwrap();
        assert!(text.starts_with(&format!("To: {PHONE}\n")), "{text}");
        let (_, rest) = text.split_once("account alice is ").unwrap();
        return Passcode::parse(&rest[..6]).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_found_by_its_mail_address_or_telephone() {
    let mut house = House::open().await;
    let (email, phone) = (Email::parse(EMAIL).unwrap(), Phone::parse(PHONE).unwrap());
    let other = Phone::parse("+4930999999").unwrap();
    let name = house.alice.username.clone();
    let of = |name: Option<&Username>, email: Option<&Email>, phone: Option<&Phone>| {
        Identifier::of(name.cloned(), email.cloned(), phone.cloned()).unwrap()
    };
    for wrong in [
        of(None, None, Some(&other)),
        of(None, Some(&email), Some(&other)),
        of(Username::parse("bob").ok().as_ref(), Some(&email), None),
        of(Username::parse(EMAIL).ok().as_ref(), None, None),
    ] {
        let request = RequestPasscode::new(wrong, house.alice.password.clone());
        let refused = house.send(Command::RequestPasscode(request)).await;
        assert_eq!(said(&refused), ("Invalid credentials.", Code::Denied));
    }
    for right in [of(None, Some(&email), None), of(None, None, Some(&phone))] {
        let request = RequestPasscode::new(right.clone(), house.alice.password.clone());
        assert!(house.send(Command::RequestPasscode(request)).await.is_ok());
        let passcode = house.mailbox.passcode().await;
        let redeem = RedeemPasscode::new(right, house.alice.password.clone(), passcode);
        assert!(house.send(Command::RedeemPasscode(redeem)).await.is_ok());
        assert_eq!(house.server.last_row().await.username.as_deref(), Some("alice"));
    }
    let all = RequestPasscode::new(
        of(Some(&name), Some(&email), Some(&phone)),
        house.alice.password.clone(),
    );
    assert!(house.send(Command::RequestPasscode(all)).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passcode_works_once() {
    let mut house = House::open().await;
    let passcode = house.passcode().await;
    assert!(house.redeem(passcode).await.is_ok());
    assert_eq!(said(&house.redeem(passcode).await), WRONG);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passcode_expires_after_three_minutes() {
    let mut house = House::open().await;
    for (wait, expected) in [(3 * MINUTE_MS - 1, Code::Ok), (3 * MINUTE_MS, Code::PasscodeMismatch)]
    {
        let passcode = house.passcode().await;
        house.server.clock().advance_ms(wait);
        assert_eq!(house.redeem(passcode).await.code, expected, "{wait}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passcode_needs_the_password_again() {
    let mut house = House::open().await;
    let passcode = house.passcode().await;
    let mut guess = redeem(&house.alice, passcode);
    guess.password = Secret::new("wrong-Ox-42".to_owned());
    // More than five: a guess without the password uses up none of the owner's tries.
    for _ in 0..6 {
        let refused = house.send(Command::RedeemPasscode(guess.clone())).await;
        assert_eq!(said(&refused), ("Invalid credentials.", Code::Denied));
    }
    assert!(house.redeem(passcode).await.is_ok());
}

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

#[tokio::test]
async fn passcodes_are_off_unless_they_are_switched_on() {
    let server = TestServer::start().await;
    let alice = enrol(&server, Some(EMAIL), None).await;
    for command in [
        Command::RequestPasscode(request(&alice)),
        Command::RedeemPasscode(redeem(&alice, Passcode::from_number(0))),
    ] {
        let refused = server.client().send_once(command).await.unwrap();
        assert_eq!(said(&refused), ("This command is not offered here.", Code::NotOffered));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_without_an_address_gets_no_passcode() {
    let mailbox = Mailbox::open().await;
    let server = TestServer::configured(|config| mailbox.receive(config)).await;
    // A telephone is no address where no text messages are sent.
    let alice = enrol(&server, None, Some(PHONE)).await;
    let refused =
        server.client().send_once(Command::RequestPasscode(request(&alice))).await.unwrap();
    assert_eq!(refused.code, Code::NoAddress);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passcode_is_in_no_file_of_the_server() {
    let mut house = House::open().await;
    let passcode = house.passcode().await;
    let House { server, .. } = house;
    let folder = server.stop().await;
    let data = folder.path().join("data");
    let files = fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().path());
    let (mut read, mut found) = (0, 0);
    for file in files.filter(|path| path.is_file()) {
        let bytes = fs::read(&file).unwrap();
        let has = |text: &[u8]| bytes.windows(text.len()).any(|part| part == text);
        read += usize::from(has(b"request_passcode"));
        found += usize::from(has(passcode.as_str().as_bytes()));
    }
    // The control: the audit row is there.
    assert!(read >= 1 && found == 0, "{read} {found}");
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
async fn a_session_is_asked_only_for_factors_that_its_account_has() {
    let mut house = House::open().await;
    let passcode = house.passcode().await;
    let token = house.redeem(passcode).await.body.token.unwrap();
    let path = house.server.folder().join("data/fourauth.db");
    let mut plain = SqliteConnection::connect(&format!("sqlite:{}", path.display())).await.unwrap();
    let check = Authorise::new(token).device(house.alice.mac).level(Level::Two);
    for (has_face, expected) in [
        (1, &[Method::OneTimeCode, Method::Face, Method::DeviceKey][..]),
        (0, &[Method::OneTimeCode, Method::DeviceKey]),
    ] {
        let update = format!("UPDATE users SET has_face = {has_face}");
        plain.execute(AssertSqlSafe(update)).await.unwrap();
        let refused = house.send(Command::Authorise(check.clone())).await;
        assert_eq!(refused.body.missing.as_deref(), Some(expected));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passcode_session_sees_and_ends_none_of_a_higher_level() {
    let mut house = House::open().await;
    let login = Command::Login(house.alice.login(house.server.now()));
    let high = house.send(login).await.body.token.unwrap();
    let passcode = house.passcode().await;
    let low = house.redeem(passcode).await.body.token.unwrap();
    let mac = house.alice.mac;

    let seen = async |token: &Secret<String>| {
        let list = ListSessions::new(token.clone()).device(mac);
        house.send(Command::ListSessions(list)).await.body.sessions.unwrap()
    };
    assert_eq!(seen(&high).await.len(), 2);
    let rows = seen(&low).await;
    assert!(rows.len() == 1 && rows[0].current, "{rows:?}");
    let devices = Command::ListDevices(ListDevices::new(low.clone()).device(mac));
    assert_eq!(house.send(devices).await.code, Code::MoreNeeded);

    let other = seen(&high).await.into_iter().find(|row| row.current).unwrap().id;
    let end = EndSession::new(low.clone()).device(mac);
    let named = house.send(Command::EndSession(end.clone().session(other))).await;
    assert_eq!(named.code, Code::NoSuchSession);
    assert!(house.send(Command::EndSession(end.all())).await.is_ok());
    let check =
        |token: &Secret<String>| Command::Authorise(Authorise::new(token.clone()).device(mac));
    assert_eq!(house.send(check(&low)).await.code, Code::SignedOut);
    assert!(house.send(check(&high)).await.is_ok());
    // The control: a session of the higher level ends all.
    let all = Command::EndSession(EndSession::new(high.clone()).device(mac).all());
    assert!(house.send(all).await.is_ok());
    assert_eq!(house.send(check(&high)).await.code, Code::SignedOut);
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
