//! A browser that is no device of the account asks to become one, and a device decides.

use super::{Browser, MINUTE_MS, PEER, Portal, token};
use fourauth_protocol::{
    answer::Answer,
    code::Code,
    command::{AskForDevice, Command, DecideDevice, ListDevices},
    device_request::{
        DeviceDecision::{self, Add, Refuse},
        RequestNumber,
    },
    grant::GrantToken,
    picture::Picture,
    time::UnixMillis,
};
use fourauth_store::Factor;
use fourauth_tests::{models::picture, persona::Persona};
use futures_util::future::join_all;

const NEVER: UnixMillis = UnixMillis(0);

/// The number of a request and the grant to go on with.
type Asked = (RequestNumber, GrantToken);

fn asked(answer: &Answer) -> Asked {
    let (number, grant) = (answer.body.number, answer.body.grant.clone());
    number.zip(grant).unwrap_or_else(|| panic!("{}", answer.message))
}

impl Portal {
    /// Alice with a browser that is her device.
    async fn alice(&self) -> (Persona, Browser) {
        let alice = self.server.enrol("alice", "obama.jpg").await;
        let own = Browser::new();
        let signed_in = self.face_step(&alice, alice.face.clone(), Some(&own)).await;
        assert_eq!(signed_in.code, Code::Ok, "{}", self.row().await);
        (alice, own)
    }

    async fn ask_with(
        &self,
        alice: &Persona,
        (grant, face): (GrantToken, Picture),
        browser: &Browser,
    ) -> Answer {
        let key = browser.key.key();
        let ask = AskForDevice::new(alice.username.clone(), grant, key).pictures([face]);
        let proof = browser.proof(&alice.username, self.nonce().await);
        self.ask(Some(proof), Command::AskForDevice(ask)).await
    }

    /// A new browser asks, after the password and the code.
    async fn request(&self, alice: &Persona, browser: &Browser) -> Answer {
        let grant = self.grant(alice).await;
        self.ask_with(alice, (grant, alice.face.clone()), browser).await
    }

    async fn decide(
        &self,
        alice: &Persona,
        by: &Browser,
        (number, decision): (RequestNumber, DeviceDecision),
    ) -> Answer {
        self.server.clock().advance_ms(MINUTE_MS);
        self.decide_now(alice, by, (number, decision)).await
    }

    async fn decide_now(
        &self,
        alice: &Persona,
        by: &Browser,
        (number, decision): (RequestNumber, DeviceDecision),
    ) -> Answer {
        let code = alice.code(self.server.now());
        let (username, password) = (alice.username.clone(), alice.password.clone());
        let decide = DecideDevice::new(username, password, number, decision).code(code);
        let proof = by.proof(&alice.username, self.nonce().await);
        self.ask(Some(proof), Command::DecideDevice(decide)).await
    }

    /// The numbers of the requests that wait, as the page of a device shows them.
    async fn waiting(&self, alice: &Persona, own: &Browser) -> Vec<RequestNumber> {
        let signed_in = self.face_step(alice, alice.face.clone(), Some(own)).await;
        let list = ListDevices::new(token(&signed_in));
        let listed = self.ask(None, Command::ListDevices(list)).await;
        assert_eq!(listed.code, Code::Ok, "{}", listed.message);
        listed.body.requests.iter().map(|request| request.number).collect()
    }

    async fn notices(&self) -> Vec<String> {
        let waiting = self.server.server().store().notices(50).await.unwrap();
        waiting.iter().map(|it| it.event.word().to_owned()).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_adds_a_browser_that_asks() {
    let portal = Portal::open().await;
    let (alice, own) = portal.alice().await;
    let second = Browser::new();
    let refused = portal.face_step(&alice, alice.face.clone(), Some(&second)).await;
    assert_eq!(refused.code, Code::DeviceMismatch);

    let answer = portal.request(&alice, &second).await;
    assert_eq!(answer.code, Code::Ok, "{}", portal.row().await);
    assert!(answer.body.token.is_none(), "a request opens no session");
    let (number, grant) = asked(&answer);
    let row = portal.server.last_row().await;
    assert_eq!(row.action.as_str(), "ask_for_device");
    assert!(row.detail.contains(&format!(" asked={number}")), "{}", row.detail);
    assert!(portal.notices().await.contains(&"device_asked".to_owned()));

    // The control: the request alone binds nothing.
    let early = portal.last_step(&alice, grant.clone(), alice.face.clone(), Some(&second)).await;
    assert_eq!(early.code, Code::DeviceMismatch, "{}", portal.row().await);

    assert_eq!(portal.waiting(&alice, &own).await, [number]);
    let added = portal.decide(&alice, &own, (number, Add)).await;
    assert_eq!((&*added.message, added.code), ("Device bound.", Code::Ok));
    let row = portal.server.last_row().await;
    assert_eq!((row.action.as_str(), row.success), ("add_asked_device", true));
    assert!(row.detail.contains(&format!(" asked={number}")), "{}", row.detail);
    assert!(portal.notices().await.contains(&"device_bound".to_owned()));

    // The page of the second browser goes on with the grant that it has.
    let signed_in = portal.last_step(&alice, grant, alice.face.clone(), Some(&second)).await;
    assert_eq!(signed_in.code, Code::Ok, "{}", portal.row().await);
    let row = portal.row().await;
    assert!(row.contains("device=match(key,web)"), "{row}");
    assert_eq!(portal.waiting(&alice, &own).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_browser_stays_outside_and_is_audited() {
    let portal = Portal::open().await;
    let (alice, own) = portal.alice().await;
    let thief = Browser::new();
    let (number, grant) = asked(&portal.request(&alice, &thief).await);
    let refused = portal.decide(&alice, &own, (number, Refuse)).await;
    assert_eq!((&*refused.message, refused.code), ("Device refused.", Code::Ok));
    let row = portal.server.last_row().await;
    assert_eq!((row.action.as_str(), row.success), ("refuse_device", true));
    assert!(row.detail.contains(&format!(" asked={number}")), "{}", row.detail);

    let late = portal.decide(&alice, &own, (number, Add)).await;
    assert_eq!(late.code, Code::NoSuchDevice, "{}", portal.row().await);
    let outside = portal.last_step(&alice, grant, alice.face.clone(), Some(&thief)).await;
    assert_eq!(outside.code, Code::DeviceMismatch, "{}", portal.row().await);
}

/// Everything but one thing is right.
#[tokio::test(flavor = "multi_thread")]
async fn a_browser_asks_only_with_every_other_factor() {
    let portal = Portal::open().await;
    let (alice, _) = portal.alice().await;
    let second = Browser::new();
    let (grant, face) = (portal.grant(&alice).await, alice.face.clone());
    let ask = AskForDevice::new(alice.username.clone(), grant.clone(), second.key.key());
    let ask = Command::AskForDevice(ask.pictures([face.clone()]));
    let of_program = portal.gateway.send(PEER, ask).await.unwrap();
    assert_eq!(of_program.code, Code::NotOffered);

    let stranger = picture("biden.jpg");
    let other_face = portal.ask_with(&alice, (grant.clone(), stranger), &second).await;
    assert_eq!(other_face.code, Code::FaceMismatch, "{}", portal.row().await);
    let mut elsewhere = Browser::new();
    elsewhere.origin = "https://auth.example.net".into();
    let phished = portal.ask_with(&alice, (grant.clone(), face.clone()), &elsewhere).await;
    assert_eq!(phished.code, Code::DeviceMismatch, "{}", portal.row().await);
    let right = portal.ask_with(&alice, (grant, face), &second).await;
    assert_eq!(right.code, Code::Ok, "the control: {}", portal.row().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_spends_its_grant_and_its_proof() {
    let portal = Portal::open().await;
    let (alice, own) = portal.alice().await;
    let second = Browser::new();
    let (grant, face) = (portal.grant(&alice).await, alice.face.clone());
    let known = portal.ask_with(&alice, (grant.clone(), face.clone()), &own).await;
    assert_eq!(known.code, Code::Conflict, "a device has no need to ask");
    let ask = |grant| {
        let ask = AskForDevice::new(alice.username.clone(), grant, second.key.key());
        Command::AskForDevice(ask.pictures([face.clone()]))
    };
    let unproved = portal.ask(None, ask(grant.clone())).await;
    assert_eq!(unproved.code, Code::DeviceMismatch, "{}", portal.row().await);

    let proof = second.proof(&alice.username, portal.nonce().await);
    let first = portal.ask(Some(proof.clone()), ask(grant.clone())).await;
    assert_eq!(first.code, Code::Ok, "{}", portal.row().await);
    let (_, next) = asked(&first);
    let replayed = portal.ask(Some(proof), ask(next)).await;
    assert_eq!(replayed.code, Code::DeviceMismatch, "{}", portal.row().await);
    let again = portal.ask_with(&alice, (grant, face.clone()), &second).await;
    assert_eq!(again.code, Code::Denied, "{}", portal.row().await);
}

/// The browser that asks, one of another account and no browser at all decide nothing.
#[tokio::test(flavor = "multi_thread")]
async fn only_a_device_of_the_account_decides() {
    let portal = Portal::open().await;
    let (alice, own) = portal.alice().await;
    let thief = Browser::new();
    let (number, _) = asked(&portal.request(&alice, &thief).await);
    for decision in [Add, Refuse] {
        let itself = portal.decide(&alice, &thief, (number, decision)).await;
        assert_eq!(itself.code, Code::DeviceMismatch, "{}", portal.row().await);
    }
    let bob = portal.server.enrol("bob", "biden.jpg").await;
    let of_bob = Browser::new();
    let signed_in = portal.face_step(&bob, picture("biden.jpg"), Some(&of_bob)).await;
    assert_eq!(signed_in.code, Code::Ok, "{}", portal.row().await);
    let foreign = portal.decide(&bob, &of_bob, (number, Add)).await;
    assert_eq!(foreign.code, Code::NoSuchDevice, "{}", portal.row().await);
    let guessed = RequestNumber::from_value(number.value() + 1);
    let other_number = portal.decide(&alice, &own, (guessed, Add)).await;
    assert_eq!(other_number.code, Code::NoSuchDevice, "{}", portal.row().await);
    // The control.
    let added = portal.decide(&alice, &own, (number, Add)).await;
    assert_eq!(added.code, Code::Ok, "{}", portal.row().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_expires_and_ends_with_a_changed_factor() {
    let portal = Portal::open().await;
    let (alice, own) = portal.alice().await;
    let (number, _) = asked(&portal.request(&alice, &Browser::new()).await);
    portal.server.clock().advance_ms(8 * MINUTE_MS);
    assert_eq!(portal.waiting(&alice, &own).await, [number], "the control");
    portal.server.clock().advance_ms(MINUTE_MS);
    let late = portal.decide(&alice, &own, (number, Add)).await;
    assert_eq!(late.code, Code::NoSuchDevice, "{}", portal.row().await);
    assert_eq!(portal.waiting(&alice, &own).await, []);

    let (number, _) = asked(&portal.request(&alice, &Browser::new()).await);
    // What raises the version of the account, as the change of a factor does.
    let store = portal.server.server().store();
    let account = store.user(&alice.username).await.unwrap().unwrap().id;
    let changed = store.write(move |tx| {
        Box::pin(async move { tx.revoke_device(account, None, "no such device", NEVER).await })
    });
    let changed: Result<_, fourauth_store::Error> = changed.await;
    assert_eq!(changed.unwrap(), None);
    let changed = portal.decide(&alice, &own, (number, Add)).await;
    assert_eq!(changed.code, Code::NoSuchDevice, "{}", portal.row().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_requests_have_two_numbers_and_are_decided_apart() {
    let portal = Portal::open().await;
    let (alice, own) = portal.alice().await;
    let (thief, second) = (Browser::new(), Browser::new());
    let (of_thief, grant) = asked(&portal.request(&alice, &thief).await);
    let (of_second, _) = asked(&portal.request(&alice, &second).await);
    assert_ne!(of_thief, of_second);
    assert_eq!(portal.waiting(&alice, &own).await, [of_second, of_thief]);
    let added = portal.decide(&alice, &own, (of_second, Add)).await;
    assert_eq!(added.code, Code::Ok, "{}", portal.row().await);
    let signed_in = portal.face_step(&alice, alice.face.clone(), Some(&second)).await;
    assert_eq!(signed_in.code, Code::Ok, "{}", portal.row().await);
    let outside = portal.last_step(&alice, grant, alice.face.clone(), Some(&thief)).await;
    assert_eq!(outside.code, Code::DeviceMismatch, "{}", portal.row().await);

    // A second request of one browser takes the place of its first one.
    let (again, _) = asked(&portal.request(&alice, &thief).await);
    assert_eq!(portal.waiting(&alice, &own).await, [again]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_decisions_about_a_browser_one_counts() {
    let portal = Portal::open().await;
    let (alice, own) = portal.alice().await;
    let (number, _) = asked(&portal.request(&alice, &Browser::new()).await);
    portal.server.clock().advance_ms(MINUTE_MS);
    let all = [Add, Refuse, Add, Refuse]
        .map(|decision| portal.decide_now(&alice, &own, (number, decision)));
    let answers = join_all(all).await;
    let granted = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(granted, 1, "{answers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_ask_at_most_five_times_an_hour() {
    let portal = Portal::open().await;
    let (alice, own) = portal.alice().await;
    for _ in 0..5 {
        let answer = portal.request(&alice, &Browser::new()).await;
        assert_eq!(answer.code, Code::Ok, "{}", portal.row().await);
        // A decided request counts as well.
        let refused = portal.decide(&alice, &own, (asked(&answer).0, Refuse)).await;
        assert_eq!(refused.code, Code::Ok, "{}", portal.row().await);
    }
    let sixth = portal.request(&alice, &Browser::new()).await;
    assert_eq!(sixth.code, Code::Throttled, "{}", portal.row().await);
    portal.server.clock().advance_ms(60 * MINUTE_MS);
    let later = portal.request(&alice, &Browser::new()).await;
    assert_eq!(later.code, Code::Ok, "{}", portal.row().await);
}

/// A device that was bound without trust adds no other one while a factor settles.
#[tokio::test(flavor = "multi_thread")]
async fn a_settling_factor_delays_the_addition_and_no_refusal() {
    let portal = Portal::open().await;
    let alice = portal.server.enrol("alice", "obama.jpg").await;
    // The account was in use before its first key, so the key is not trusted for a day.
    let first = portal.face_step(&alice, alice.face.clone(), None).await;
    assert_eq!(first.code, Code::Ok, "{}", portal.row().await);
    let own = Browser::new();
    let second = portal.face_step(&alice, alice.face.clone(), Some(&own)).await;
    assert_eq!(second.code, Code::Ok, "{}", portal.row().await);

    let store = portal.server.server().store();
    let account = store.user(&alice.username).await.unwrap().unwrap().id;
    let until = portal.server.now().saturating_add_ms(15 * MINUTE_MS);
    let settled = store.write(move |tx| {
        Box::pin(async move { tx.settle(account, Factor::Password, until).await })
    });
    let settled: Result<(), fourauth_store::Error> = settled.await;
    settled.unwrap();

    let (number, _) = asked(&portal.request(&alice, &Browser::new()).await);
    let delayed = portal.decide(&alice, &own, (number, Add)).await;
    assert_eq!(delayed.code, Code::CoolingDown, "{}", portal.row().await);
    let refused = portal.decide(&alice, &own, (number, Refuse)).await;
    assert_eq!(refused.code, Code::Ok, "{}", portal.row().await);
    // The control: the factor has settled.
    portal.server.clock().advance_ms(15 * MINUTE_MS);
    let (number, _) = asked(&portal.request(&alice, &Browser::new()).await);
    let added = portal.decide(&alice, &own, (number, Add)).await;
    assert_eq!(added.code, Code::Ok, "{}", portal.row().await);
}
