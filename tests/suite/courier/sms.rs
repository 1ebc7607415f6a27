//! Text messages, to a server on loopback that checks what Twilio checks.

use super::LATER;
use fourauth_courier::{Limit, Round};
use fourauth_protocol::secret::Secret;
use fourauth_store::Event;
use fourauth_tests::{post_office::PostOffice, server::NOON, sms_provider::SmsProvider};

/// A database with a notice to Bob, who has a telephone and no mail address.
async fn office(folder: &tempfile::TempDir) -> PostOffice {
    let office = PostOffice::in_folder(folder.path(), NOON).await;
    let bob = office.owner("bob", None, Some("+442079460001")).await;
    office.notify(bob, Event::TotpReplaced).await;
    office
}

#[tokio::test]
async fn an_owner_without_mail_gets_a_text_message() {
    let (folder, provider) = (tempfile::tempdir().unwrap(), SmsProvider::open().await);
    let office = office(&folder).await;
    let mut courier = office.courier(None, Some(provider.settings())).await;
    assert_eq!(office.round(&mut courier).await.sent, 1);
    let texts = provider.texts();
    let [form] = texts.as_slice() else { panic!("{texts:?}") };
    assert_eq!(form["To"], "+442079460001");
    assert!(form["Body"].starts_with("4Auth: The one-time codes of"), "{form:?}");
    assert!(form["Body"].ends_with("2026-11-21 12:00 UTC, 192.0.2.7."), "{form:?}");
}

#[tokio::test]
async fn the_status_of_the_provider_decides_about_a_retry() {
    for (status, expected, word) in [
        ("503 Unavailable", Round { retried: 1, ..Round::default() }, "unreachable"),
        ("429 Too Many Requests", Round { retried: 1, ..Round::default() }, "unreachable"),
        ("401 Unauthorized", Round { retried: 1, ..Round::default() }, "login"),
        ("400 Bad Request", Round { dead: 1, ..Round::default() }, "refused"),
        // The stand-in names a place to go to, and the courier does not go there.
        ("302 Found", Round { retried: 1, ..Round::default() }, "unreachable"),
    ] {
        let (folder, provider) = (tempfile::tempdir().unwrap(), SmsProvider::open().await);
        let office = office(&folder).await;
        let mut courier = office.courier(None, Some(provider.settings())).await;
        provider.answer(Some(status));
        assert_eq!(office.round(&mut courier).await, expected, "{status}");
        assert_eq!(office.entry(1).await.last_error.as_deref(), Some(word));
        provider.answer(None);
        office.advance(LATER);
        assert_eq!(office.round(&mut courier).await.sent, expected.retried, "{status}");
    }
}

#[tokio::test]
async fn a_wrong_token_sends_nothing() {
    let (folder, provider) = (tempfile::tempdir().unwrap(), SmsProvider::open().await);
    let office = office(&folder).await;
    let mut settings = provider.settings();
    settings.account.as_mut().unwrap().password = Secret::new("another".to_owned());
    let mut courier = office.courier(None, Some(settings)).await;
    assert_eq!(office.round(&mut courier).await.sent, 0);
    assert_eq!(provider.texts().len(), 0);
}

#[tokio::test]
async fn a_block_of_numbers_gets_no_more_than_its_share() {
    let (folder, provider) = (tempfile::tempdir().unwrap(), SmsProvider::open().await);
    let mut office = PostOffice::in_folder(folder.path(), NOON).await;
    office.settings.quotas.block = Limit { short: 3, long: 100 };
    for number in 0..5 {
        let phone = format!("+4420794600{number:02}");
        let owner = office.owner(&format!("bob{number}"), None, Some(&phone)).await;
        office.notify(owner, Event::TotpReplaced).await;
    }
    let carol = office.owner("carol", None, Some("+491701234567")).await;
    office.notify(carol, Event::TotpReplaced).await;
    let mut courier = office.courier(None, Some(provider.settings())).await;
    let round = office.round(&mut courier).await;
    assert_eq!((round.sent, round.retried), (4, 2), "three of the block, and Carol");
    assert_eq!(office.entry(5).await.last_error.as_deref(), Some("block_quota"));
}
