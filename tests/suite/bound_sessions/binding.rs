//! Which proof binds a session (188), and which does not.

use super::{Bound, PEER, Portal, Visit, browser_key, browser_key::BrowserKey, password_step};
use fourauth_protocol::{
    code::Code, envelope::Envelope, grant::GrantToken, secret::Secret, session_proof::SessionProof,
};

#[tokio::test]
async fn only_a_sign_in_in_a_browser_offers_to_bind() {
    let portal = Portal::open().await;
    assert!(portal.ask(password_step()).await.body.session_challenge.is_some());
    let native = portal.server.client().send_once(password_step()).await.unwrap().body;
    assert!(native.token.is_some() && native.session_challenge.is_none());
    let stated = Envelope { peer: Some(PEER), ..Envelope::default() };
    let http = portal.gateway.send_enclosed(stated, password_step()).await.unwrap().body;
    assert!(http.token.is_some() && http.session_challenge.is_none());
}

#[tokio::test]
async fn a_second_key_is_refused_and_recorded() {
    let portal = Portal::open().await;
    let (Visit { token, challenge }, first) = (portal.sign_in().await, BrowserKey::new());
    let proof = first.registration(&challenge);
    let answer = portal.bind(&token, proof).await;
    let id = answer.body.session.unwrap();
    let answer = portal.bind(&token, BrowserKey::new().registration(&challenge)).await;
    assert_eq!(answer.code, Code::DeviceMismatch);
    let (action, detail) = portal.row().await;
    assert_eq!(action, "bind_session");
    assert!(detail.contains(&format!("session={id} proof=second")), "{detail}");
    portal.renewed(&Bound { token, id, key: first }).await;
}

#[tokio::test]
async fn a_cookie_alone_cannot_bind_a_session() {
    let portal = Portal::open().await;
    let (visit, other) = (portal.sign_in().await, portal.sign_in().await);
    let thief = BrowserKey::new();
    for challenge in [other.challenge, GrantToken::from_bytes([7; 32])] {
        let answer = portal.bind(&visit.token, thief.registration(&challenge)).await;
        assert_eq!(answer.code, Code::DeviceMismatch);
        let (_, detail) = portal.row().await;
        assert!(detail.contains("proof=challenge"), "{detail}");
    }
    // It is as it was.
    let own = BrowserKey::new();
    assert_eq!(portal.bind(&visit.token, own.registration(&visit.challenge)).await.code, Code::Ok);
}

#[tokio::test]
async fn a_key_that_has_not_signed_is_not_bound() {
    let portal = Portal::open().await;
    let visit = portal.sign_in().await;
    let (key, other) = (BrowserKey::new(), BrowserKey::new());
    let [own, foreign] =
        [&key, &other].map(|key| browser_key::text(&key.registration(&visit.challenge)));
    let (signed, _) = own.rsplit_once('.').unwrap();
    let (_, signature) = foreign.rsplit_once('.').unwrap();
    let forged = SessionProof::parse(&format!("{signed}.{signature}")).unwrap();
    for (proof, fault) in [(key.renewal(&visit.challenge), "no_key"), (forged, "signature")] {
        let answer = portal.bind(&visit.token, proof).await;
        assert_eq!(answer.code, Code::DeviceMismatch, "{fault}");
        let (_, detail) = portal.row().await;
        assert!(detail.contains(&format!("proof={fault}")), "{detail}");
    }
    let unknown = Secret::new("fourauth_x".to_owned());
    let answer = portal.bind(&unknown, key.registration(&visit.challenge)).await;
    assert_eq!(answer.code, Code::SignedOut);
}
