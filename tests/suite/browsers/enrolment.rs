//! New accounts in a browser: an invitation, the authenticator, and the first face.

use super::{Browser, MINUTE_MS, ORIGIN, Portal};
use fourauth_config::ChallengeConfig;
use fourauth_protocol::{
    answer::Answer,
    code::Code,
    command::{
        AcceptInvitation, Command, ConfirmTotp, EnrolFace, Invite, PasswordStep, RequestReset,
    },
    contact::Email,
    envelope::Envelope,
    grant::GrantToken,
    level::Level,
    mac_address::MacAddress,
    picture::Picture,
    secret::Secret,
    username::Username,
};
use fourauth_store::{Event, Factor};
use fourauth_tests::{models::picture, persona::Persona, with::With as _};
use std::net::IpAddr;

const PASSWORD: &str = "violet-Ox-42";
const DAY_MS: i64 = 86_400_000;
const ELSEWHERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 9));

fn dora() -> Username {
    Username::parse("dora").unwrap()
}

impl Portal {
    async fn invite(&self) -> GrantToken {
        let invite = Invite::new(self.server.admin().clone(), dora());
        let answer = self.server.client().send_once(Command::Invite(invite)).await.unwrap();
        assert_eq!((&*answer.message, answer.code), ("Invitation created.", Code::Ok));
        answer.body.grant.unwrap()
    }

    async fn accept(&self, invitation: &GrantToken) -> Answer {
        let password = Secret::new(PASSWORD.to_owned());
        let accept = AcceptInvitation::new(dora(), invitation.clone(), password);
        self.ask(None, Command::AcceptInvitation(accept)).await
    }

    /// Dora, invited, with a password and an authenticator, and the grant for her face.
    async fn dora(&self) -> (Persona, GrantToken) {
        let invitation = self.invite().await;
        let joined = self.accept(&invitation).await.body;
        let dora = persona(&joined.provisioning_uri.unwrap());
        let code = dora.code(self.server.now());
        let confirm = ConfirmTotp::by_grant(dora.username.clone(), joined.grant).code(code);
        let confirmed = self.ask(None, Command::ConfirmTotp(confirm)).await;
        assert_eq!(confirmed.code, Code::Ok, "{}", confirmed.message);
        (dora, confirmed.body.grant.unwrap())
    }

    async fn enrol(&self, grant: GrantToken, browser: &Browser) -> Answer {
        let proof = browser.proof(&dora(), self.nonce().await);
        let enrol = EnrolFace::new(dora(), grant, [picture("obama.jpg")]);
        let enrol = Command::EnrolFace(enrol.device_key(browser.key.key()));
        self.ask(Some(proof), enrol).await
    }
}

fn persona(uri: &Secret<String>) -> Persona {
    let mac = MacAddress::parse("00:1b:44:11:3a:b7").unwrap();
    Persona::new("dora", Secret::new(PASSWORD.to_owned()), mac, uri)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invited_person_gets_four_factors_in_one_visit() {
    let portal = Portal::open().await;
    let (dora, grant) = portal.dora().await;
    let browser = Browser::new();
    let enrolled = portal.enrol(grant, &browser).await;
    assert_eq!((&*enrolled.message, enrolled.code), ("Face enrolled.", Code::Ok));
    assert_eq!(enrolled.body.recovery_codes.unwrap().len(), 10);
    assert!(enrolled.body.token.is_none());
    let notices = portal.server.server().store().notices(100).await.unwrap();
    let events: Vec<_> = notices.into_iter().map(|notice| notice.event).collect();
    assert!(events.contains(&Event::FaceEnrolled), "{events:?}");
    let bound = events.iter().any(|event| matches!(event, Event::DeviceBound { .. }));
    assert!(bound, "{events:?}");

    let signed_in = portal.face_step(&dora, picture("obama2.jpg"), Some(&browser)).await;
    assert_eq!(signed_in.code, Code::Ok, "{}", signed_in.message);
    assert_eq!(signed_in.body.level, Some(Level::Four));
    assert!(signed_in.body.must_change.is_none());
    let other = portal.face_step(&dora, picture("obama2.jpg"), Some(&Browser::new())).await;
    assert_eq!(other.code, Code::DeviceMismatch);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_works_once_and_for_three_days() {
    let portal = Portal::open().await;
    let invitation = portal.invite().await;
    portal.server.clock().advance_ms(3 * DAY_MS - MINUTE_MS);
    assert_eq!(portal.accept(&invitation).await.code, Code::Ok);
    assert_eq!(portal.accept(&invitation).await.code, Code::Denied);

    let portal = Portal::open().await;
    let invitation = portal.invite().await;
    portal.server.clock().advance_ms(3 * DAY_MS);
    let late = portal.accept(&invitation).await;
    assert_eq!((&*late.message, late.code), ("Invalid credentials.", Code::Denied));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_accept_an_invitation_one_succeeds() {
    let portal = Portal::open().await;
    let invitation = portal.invite().await;
    let racers = (0..8).map(|_| portal.accept(&invitation));
    let answers = futures_util::future::join_all(racers).await;
    let winners = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(winners, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_is_for_its_account_only() {
    let portal = Portal::open().await;
    portal.server.enrol("alice", "obama.jpg").await;
    let invitation = portal.invite().await;
    for name in ["alice", "unknown"] {
        let name = Username::parse(name).unwrap();
        let password = Secret::new(PASSWORD.to_owned());
        let accept = AcceptInvitation::new(name, invitation.clone(), password);
        let answer = portal.ask(None, Command::AcceptInvitation(accept)).await;
        assert_eq!(answer.code, Code::Denied);
    }
    assert!(portal.row().await.contains("password=mismatch"), "{}", portal.row().await);
    // A weak password spends no invitation.
    let weak = AcceptInvitation::new(dora(), invitation.clone(), Secret::new("dora".to_owned()));
    let answer = portal.ask(None, Command::AcceptInvitation(weak)).await;
    assert_eq!(answer.code, Code::WeakPassword);
    assert_eq!(portal.accept(&invitation).await.code, Code::Ok);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_with_a_face_gets_no_grant_for_another() {
    let portal = Portal::open().await;
    let alice = portal.server.enrol("alice", "obama.jpg").await;
    let confirmed = portal.ask(None, Command::ConfirmTotp(alice.confirm(portal.server.now())));
    let confirmed = confirmed.await;
    assert_eq!(confirmed.code, Code::Ok);
    assert!(confirmed.body.grant.is_none());
    // Nor does one from before its face.
    let (_, grant) = portal.dora().await;
    let browser = Browser::new();
    assert_eq!(portal.enrol(grant.clone(), &browser).await.code, Code::Ok);
    assert_eq!(portal.enrol(grant, &browser).await.code, Code::Denied);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_face_needs_the_grant_of_this_address() {
    let portal = Portal::open().await;
    let (dora, grant) = portal.dora().await;
    let enrol = |grant| EnrolFace::new(dora.username.clone(), grant, [picture("biden.jpg")]);
    let elsewhere = Envelope::of_browser(ELSEWHERE, None);
    let command = Command::EnrolFace(enrol(grant.clone()));
    let answer = portal.gateway.send_enclosed(elsewhere, command).await.unwrap();
    assert_eq!(answer.code, Code::Denied);
    // The grant of a password is not one for a face.
    portal.server.clock().advance_ms(MINUTE_MS);
    let step = PasswordStep::new(dora.username.clone(), dora.password.clone());
    let second_step = portal.ask(None, Command::PasswordStep(step)).await.body.grant.unwrap();
    let answer = portal.ask(None, Command::EnrolFace(enrol(second_step))).await;
    assert_eq!(answer.code, Code::Denied);
    // The command is for browsers.
    let native = portal.server.client();
    let answer = native.send_once(Command::EnrolFace(enrol(grant.clone()))).await.unwrap();
    assert_eq!(answer.code, Code::NotOffered);
    let answer = portal.ask(None, Command::EnrolFace(enrol(grant))).await;
    assert_eq!(answer.code, Code::Ok, "{}", answer.message);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_looks_like_the_portal_enrols_no_face() {
    let portal = Portal::open().await;
    let (_, grant) = portal.dora().await;
    let mut browser = Browser::new();
    browser.origin = "https://auth.example.net".to_owned();
    assert_eq!(portal.enrol(grant.clone(), &browser).await.code, Code::DeviceMismatch);
    browser.origin = ORIGIN.to_owned();
    assert_eq!(portal.enrol(grant, &browser).await.code, Code::Ok);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_that_cannot_be_used_spends_no_grant() {
    let portal = Portal::open().await;
    let (dora, grant) = portal.dora().await;
    let none = EnrolFace::new(dora.username.clone(), grant.clone(), []);
    let answer = portal.ask(None, Command::EnrolFace(none)).await;
    assert_eq!(answer.code, Code::NoFace);
    assert_eq!(portal.enrol(grant, &Browser::new()).await.code, Code::Ok);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_for_a_first_face_has_ten_examinations() {
    let portal = Portal::open().await;
    let (_, grant) = portal.dora().await;
    let show = async |portal: &Portal, grant: &GrantToken| {
        let broken = Picture::new(b"not a picture".to_vec());
        let enrol = EnrolFace::new(dora(), grant.clone(), [broken]);
        portal.ask(None, Command::EnrolFace(enrol)).await.code
    };
    // However many come at once, ten are examined.
    let codes = futures_util::future::join_all((0..12).map(|_| show(&portal, &grant))).await;
    let count = |code| codes.iter().filter(|found| **found == code).count();
    assert_eq!((count(Code::BadImage), count(Code::Denied)), (10, 2), "{codes:?}");
    assert_eq!(portal.server.server().context().authenticator.work().pictures, 10);
    assert_eq!(portal.enrol(grant, &Browser::new()).await.code, Code::Denied);

    // The control: the tenth examination of a grant succeeds.
    let portal = Portal::open().await;
    let (_, grant) = portal.dora().await;
    for _ in 0..9 {
        assert_eq!(show(&portal, &grant).await, Code::BadImage);
    }
    assert_eq!(portal.enrol(grant, &Browser::new()).await.code, Code::Ok);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invited_account_opens_with_no_password() {
    let portal = Portal::open().await;
    portal.invite().await;
    for password in ["", PASSWORD] {
        let step = PasswordStep::new(dora(), Secret::new(password.to_owned()));
        let answer = portal.ask(None, Command::PasswordStep(step)).await;
        assert_eq!(answer.code, Code::Denied);
    }
    let reset = RequestReset::new(dora());
    let answer = portal.ask(None, Command::RequestReset(reset)).await;
    assert_eq!(answer.code, Code::NotOffered);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_goes_on_where_it_stopped() {
    let portal = Portal::open().await;
    let invitation = portal.invite().await;
    let shown_before = persona(&portal.accept(&invitation).await.body.provisioning_uri.unwrap());
    let step = PasswordStep::new(dora(), Secret::new(PASSWORD.to_owned()));
    let again = portal.ask(None, Command::PasswordStep(step.clone())).await;
    assert_eq!(again.message, "Authenticator needed. Scan the QR code.");
    assert!(again.body.token.is_none());
    let shown_now = persona(&again.body.provisioning_uri.unwrap());
    let confirm = |dora: &Persona, grant| {
        let code = dora.code(portal.server.now());
        Command::ConfirmTotp(ConfirmTotp::by_grant(dora.username.clone(), grant).code(code))
    };
    let grant = again.body.grant;
    let old = portal.ask(None, confirm(&shown_before, grant.clone())).await;
    assert_eq!(old.code, Code::TotpMismatch);
    let confirmed = portal.ask(None, confirm(&shown_now, grant)).await;
    assert_eq!(confirmed.code, Code::Ok, "{}", confirmed.message);
    let first_face = confirmed.body.grant.unwrap();
    assert_eq!(portal.enrol(first_face, &Browser::new()).await.code, Code::Ok);
    // Programs that know the two steps only sign in with the password until a code was confirmed.
    let portal = Portal::open().await;
    portal.accept(&portal.invite().await).await;
    let native = portal.server.client().send_once(Command::PasswordStep(step)).await.unwrap();
    assert_eq!((&*native.message, native.body.token.is_some()), ("Login successful.", true));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_from_a_mailbox_enrols_no_face_for_a_day() {
    let portal = Portal::open().await;
    let (dora, _) = portal.dora().await;
    let account = portal.server.server().store().user(&dora.username).await.unwrap().unwrap();
    let until = portal.server.now().saturating_add_ms(DAY_MS);
    let settled = portal.server.server().store().write(move |tx| {
        Box::pin(async move { tx.settle(account.id, Factor::Password, until).await })
    });
    let settled: Result<(), fourauth_store::Error> = settled.await;
    settled.unwrap();
    let confirm = async || {
        portal.server.clock().advance_ms(MINUTE_MS);
        let confirm = Command::ConfirmTotp(dora.confirm(portal.server.now()));
        portal.ask(None, confirm).await.body.grant.unwrap()
    };
    let waiting = portal.enrol(confirm().await, &Browser::new()).await;
    assert_eq!(waiting.code, Code::CoolingDown);
    portal.server.clock().advance_ms(DAY_MS);
    assert_eq!(portal.enrol(confirm().await, &Browser::new()).await.code, Code::Ok);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_device_is_replaced_only_for_a_proved_key() {
    let portal = Portal::with(|config| config.face.challenge = Some(ChallengeConfig::Off)).await;
    let alice = portal.server.enrol("alice", "obama.jpg").await;
    let mut browser = Browser::new();
    let recover = async |browser: &Browser| {
        portal.server.clock().advance_ms(MINUTE_MS);
        let mut recover = alice.recover_device(browser.mac, portal.server.now());
        recover.new_device_pubkey = Some(browser.key.key());
        let proof = browser.proof(&alice.username, portal.nonce().await);
        portal.ask(Some(proof), Command::RecoverDevice(recover)).await.code
    };
    browser.origin = "https://auth.example.net".to_owned();
    assert_eq!(recover(&browser).await, Code::DeviceMismatch);
    browser.origin = ORIGIN.to_owned();
    assert_eq!(recover(&browser).await, Code::Ok);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_takes_no_address_of_another_account() {
    let portal = Portal::open().await;
    let register = portal.server.registration("alice", "obama.jpg").with(|register| {
        register.email = Email::parse("alice@example.org").ok();
    });
    portal.server.enrol_as(register).await;
    let name = Username::parse("alice@example.org").unwrap();
    let invite = Invite::new(portal.server.admin().clone(), name);
    let answer = portal.server.client().send_once(Command::Invite(invite)).await.unwrap();
    assert_eq!(answer.code, Code::Conflict);
}

/// Guesses of strangers at the account do not delay a person that has proved the password and the code.
#[tokio::test(flavor = "multi_thread")]
async fn strangers_do_not_delay_a_first_face() {
    let portal = Portal::with(|config| {
        config.attempts.unknown_device = 5;
        config.attempts.backoff_max_s = 0;
    })
    .await;
    let (dora, grant) = portal.dora().await;
    let step = |password: &str| {
        let password = Secret::new(password.to_owned());
        Command::PasswordStep(PasswordStep::new(dora.username.clone(), password))
    };
    for number in 1..=6 {
        let stranger = Envelope::of_browser(IpAddr::from([203, 0, 113, number]), None);
        portal.gateway.send_enclosed(stranger, step("violet-Ox-43")).await.unwrap();
    }
    // The controls: the account is closed to unknown devices, with and without a grant that is not one.
    assert_eq!(portal.ask(None, step(PASSWORD)).await.code, Code::Locked);
    let made_up = GrantToken::from_bytes([7; 32]);
    let foreign = portal.enrol(made_up, &Browser::new()).await;
    assert_eq!(foreign.code, Code::Locked, "{}", portal.row().await);
    let enrolled = portal.enrol(grant, &Browser::new()).await;
    assert_eq!(enrolled.code, Code::Ok, "{}", portal.row().await);
}
