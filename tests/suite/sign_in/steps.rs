//! What the two steps open, and for whom.

use super::{
    Authorise, Code, CodeStep, Command, EMAIL, House, LoggedIn, MINUTE_MS, Outcome, PasswordStep,
    SignIn, WRONG, email, password, said,
};
use fourauth_protocol::{level::Level, receipt::Method, secret::Secret, username::Username};

#[tokio::test(flavor = "multi_thread")]
async fn a_password_alone_opens_level_1_without_an_authenticator() {
    let house = House::open().await;
    house.newcomer().await;
    let answer = house.password_step().await;
    assert_eq!(
        (said(&answer), answer.body.level),
        (("Login successful.", Code::Ok), Some(Level::One))
    );
    let check = Authorise::new(answer.body.token.unwrap());
    let valid = house.send(Command::Authorise(check.clone())).await;
    assert_eq!(valid.body.amr.as_deref(), Some(&[Method::Password][..]));
    let higher = house.send(Command::Authorise(check.level(Level::Two))).await;
    assert_eq!(higher.code, Code::MoreNeeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_steps_open_level_2() {
    let house = House::open().await;
    let carol = house.member().await;
    let grant = house.grant().await;
    let done = house.code_step(&carol, Some(grant)).await;
    assert_eq!((said(&done), done.body.level), (("Login successful.", Code::Ok), Some(Level::Two)));
    let valid = house.send(Command::Authorise(Authorise::new(done.body.token.unwrap()))).await;
    let methods = [Method::Password, Method::OneTimeCode, Method::Several];
    assert_eq!(valid.body.amr.as_deref(), Some(&methods[..]));
    let rows = house.server.audit().await;
    let details: Vec<_> =
        rows.iter().map(|row| (row.action.as_str(), row.detail.as_str())).collect();
    let of = |action| details.iter().find(|(word, _)| *word == action).unwrap().1;
    assert!(of("code_step").contains("password=match(grant) totp=match"), "{details:?}");
    assert!(of("password_step").contains("password=match"), "{details:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_code_confirms_and_signs_in_once_each() {
    let house = House::open().await;
    let carol = house.member().await;
    let first = house.code_step(&carol, Some(house.grant().await)).await;
    assert!(first.is_ok(), "enrolment is not a login: {first:?}");
    let again = house.code_step(&carol, Some(house.grant().await)).await;
    assert_eq!(said(&again), ("TOTP verification failed.", Code::TotpMismatch));
    house.server.clock().advance_ms(MINUTE_MS);
    assert!(house.code_step(&carol, Some(house.grant().await)).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_code_leaves_the_grant_for_another_try() {
    let house = House::open().await;
    let carol = house.member().await;
    let grant = house.grant().await;
    let wrong = carol.wrong_code(house.server.now());
    let step = CodeStep::new(email(), wrong, Some(grant.clone()));
    let refused = house.send(Command::CodeStep(step)).await;
    assert_eq!(said(&refused), ("TOTP verification failed.", Code::TotpMismatch));
    assert!(house.code_step(&carol, Some(grant)).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_names_and_wrong_passwords_get_one_answer() {
    let house = House::open().await;
    house.member().await;
    let wrong = PasswordStep::new(email(), Secret::new("violet-Ox-43".to_owned()));
    let unknown = PasswordStep::new(Username::parse("nobody").unwrap(), password());
    for step in [wrong, unknown] {
        assert_eq!(said(&house.send(Command::PasswordStep(step)).await), WRONG);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_with_a_face_needs_it_after_its_password() {
    let house = House::open().await;
    let alice = house.server.enrol("alice", "obama.jpg").await;
    let right = PasswordStep::new(alice.username.clone(), alice.password.clone());
    let refused = house.send(Command::PasswordStep(right)).await;
    assert_eq!(said(&refused), ("More factors needed.", Code::MoreNeeded));
    assert_eq!(refused.body.missing.as_deref(), Some(&[Method::Face][..]));
    assert!(refused.body.grant.is_none() && refused.body.token.is_none());
    let wrong = PasswordStep::new(alice.username.clone(), Secret::new("violet-Ox-43".to_owned()));
    assert_eq!(said(&house.send(Command::PasswordStep(wrong)).await), WRONG);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_steps_are_off_unless_an_operator_wants_them() {
    let house = House::with(|config| {
        config.sign_in.two_steps = false;
        config.sign_in.self_registration = false;
    })
    .await;
    let alice = house.server.enrol("alice", "obama.jpg").await;
    let step = PasswordStep::new(alice.username.clone(), alice.password.clone());
    let code = CodeStep::new(alice.username.clone(), alice.code(house.server.now()), None);
    for command in [Command::PasswordStep(step), Command::CodeStep(code)] {
        assert_eq!(house.send(command).await.code, Code::NotOffered);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_typed_client_signs_in_by_two_steps() {
    let house = House::open().await;
    let carol = house.member().await;
    let mut connection = house.server.connect().await;
    let step = PasswordStep::new(email(), password());
    let Outcome::Granted(SignIn::CodeNeeded(grant)) = connection.password_step(step).await.unwrap()
    else {
        panic!("{EMAIL} has an authenticator")
    };
    let step = CodeStep::new(email(), carol.code(house.server.now()), Some(grant));
    let Outcome::Granted(LoggedIn { token, .. }) = connection.code_step(step).await.unwrap() else {
        panic!("the code is right")
    };
    assert!(token.is_some());
}
