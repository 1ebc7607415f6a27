//! Of many commands with one code or one grant, one is granted; of many requests, three.

use super::{House, MINUTE_MS, SENT, WRONG, reset, said};
use fourauth_protocol::{
    answer::Answer,
    code::Code,
    command::{Command, RequestReset, ValidateReset},
};
use fourauth_tests::with::With as _;
use futures_util::future::join_all;

/// Number of concurrent commands.
const RACERS: usize = 20;

async fn all(house: &House, commands: Vec<Command>) -> Vec<Answer> {
    let sent = commands.into_iter().map(|command| {
        let client = house.server.client();
        tokio::spawn(async move { client.send_once(command).await.unwrap() })
    });
    join_all(sent).await.into_iter().map(Result::unwrap).collect()
}

async fn one_of_many_is_granted(mut house: House) {
    let code = house.code().await;
    let validate = ValidateReset::new(house.alice.username.clone(), code);
    let answers = all(&house, vec![Command::ValidateReset(validate); RACERS]).await;
    let (granted, denied): (Vec<_>, Vec<_>) = answers.into_iter().partition(Answer::is_ok);
    assert_eq!(granted.len(), 1);
    assert!(denied.iter().all(|answer| said(answer) == WRONG), "{denied:?}");

    let grant = granted[0].body.grant.clone().unwrap();
    let reset = |number: usize| {
        reset(&house.alice, &grant)
            .with(|reset| reset.new_password = format!("amber-Fox-{number}").into())
    };
    let resets = (0..RACERS).map(|number| Command::ResetPassword(reset(number))).collect();
    let answers = all(&house, resets).await;
    let won = answers.iter().position(Answer::is_ok).unwrap();
    let denied: Vec<_> = answers.iter().filter(|answer| !answer.is_ok()).collect();
    assert_eq!(denied.len(), RACERS - 1);
    assert!(denied.iter().all(|answer| said(answer) == WRONG), "{denied:?}");
    assert!(house.has_password(&format!("amber-Fox-{won}")).await);
    // The control: the next grant is not held up by what was lost, once there are new tries.
    house.server.clock().advance_ms(15 * MINUTE_MS);
    let grant = house.grant().await;
    assert!(house.reset(&grant).await.is_ok());
}

async fn three_of_many_requests_are_counted(house: House) {
    let request = Command::RequestReset(RequestReset::new(house.alice.username.clone()));
    let answers = all(&house, vec![request; RACERS]).await;
    let (sent, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.is_ok());
    assert_eq!(sent.len(), 3);
    assert!(sent.iter().all(|answer| said(answer) == SENT));
    assert!(refused.iter().all(|answer| answer.code == Code::Throttled), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_code_and_one_grant_are_spent_once_on_sqlite() {
    one_of_many_is_granted(House::open().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_code_and_one_grant_are_spent_once_on_postgresql() {
    one_of_many_is_granted(House::on_postgresql(|_| {}).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_requests_three_are_granted_on_sqlite() {
    three_of_many_requests_are_counted(House::open().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_requests_three_are_granted_on_postgresql() {
    three_of_many_requests_are_counted(House::on_postgresql(|_| {}).await).await;
}
