//! Commands 160, 170, 180 and 182.

use super::{gateway::registered, transcript::Transcript};
use data_encoding::BASE64;
use fourauth_client::{GatewayConnection, Identity};
use fourauth_protocol::{
    command::{CodeStep, Command, ConfirmTotp, FaceStep, Hello, PasswordStep, SelfRegister},
    contact::Email,
    device::{BrowserProof, DeviceNonce, message, origin_channel},
    envelope::{Envelope, Reference},
    grant::GrantToken,
    mac_address::MacAddress,
    one_time_code::OneTimeCode,
    secret::Secret,
};
use fourauth_tests::{models, persona::Persona, server::TestServer};

const EMAIL: &str = "carol@example.org";
const PASSWORD: &str = "violet-Ox-42";

async fn transcript() -> Transcript {
    let server = TestServer::configured(|config| {
        config.sign_in.two_steps = true;
        config.sign_in.self_registration = true;
    });
    Transcript::with(server.await).await
}

fn email() -> Email {
    Email::parse(EMAIL).unwrap()
}

fn register(password: &str) -> SelfRegister {
    SelfRegister::new(email(), Secret::new(password.to_owned())).with_totp()
}

fn password_step(password: &str) -> Command {
    Command::PasswordStep(PasswordStep::new(email(), Secret::new(password.to_owned())))
}

fn code_step(code: OneTimeCode, grant: Option<GrantToken>) -> Command {
    Command::CodeStep(CodeStep::new(email(), code, grant))
}

/// Carol, with an authenticator that is not confirmed yet.
async fn carol(talk: &mut Transcript) -> Persona {
    let client = talk.server.client();
    let mut new = register(PASSWORD);
    new.open_grant = true;
    let answer = client.send_once(Command::SelfRegister(new)).await.unwrap();
    let mac = MacAddress::parse("00:1b:44:11:3a:b7").unwrap();
    let uri = answer.body.provisioning_uri.unwrap();
    let carol = Persona::new(EMAIL, Secret::new(PASSWORD.to_owned()), mac, &uri);
    talk.name_codes(&carol);
    carol
}

async fn confirm(talk: &Transcript, carol: &Persona) {
    let code = carol.code(talk.server.now());
    let confirm = Command::ConfirmTotp(ConfirmTotp::by_grant(email(), None).code(code));
    assert!(talk.server.client().send_once(confirm).await.unwrap().is_ok());
}

#[tokio::test]
async fn self_register() {
    let mut talk = transcript().await;
    for (heading, register) in [
        ("The password does not meet the rule.", register("password")),
        ("Everything is right.", register(PASSWORD)),
        ("The address has an account.", register(PASSWORD)),
    ] {
        talk.ask(heading, Command::SelfRegister(register)).await;
    }
    talk.settle("160-self-register");
}

#[tokio::test]
async fn prove_a_password() {
    let mut talk = transcript().await;
    let carol = carol(&mut talk).await;
    talk.ask("The password is wrong.", password_step("violet-Ox-43")).await;
    talk.ask(
        "The authenticator is not confirmed, so the password is enough.",
        password_step(PASSWORD),
    )
    .await;
    confirm(&talk, &carol).await;
    talk.ask("From now on a code is needed.", password_step(PASSWORD)).await;
    talk.settle("170-password-step");
}

#[tokio::test]
async fn prove_a_code() {
    let mut talk = transcript().await;
    let carol = carol(&mut talk).await;
    confirm(&talk, &carol).await;
    let now = talk.server.now();
    talk.ask("No password was proved before.", code_step(carol.code(now), None)).await;
    let answer = talk.server.client().send_once(password_step(PASSWORD)).await.unwrap();
    let grant = answer.body.grant.unwrap();
    talk.name(grant.text().expose(), "<grant>");
    let wrong = carol.wrong_code(now);
    talk.ask("The code is wrong.", code_step(wrong, Some(grant.clone()))).await;
    talk.ask("The code is right.", code_step(carol.code(now), Some(grant.clone()))).await;
    talk.wait_a_minute(&carol);
    let next = carol.code(talk.server.now());
    talk.ask("The grant is spent, and the code is another one.", code_step(next, Some(grant)))
        .await;
    talk.settle("180-code-step");
}

/// Through a gateway, which states the door and the proof of the browser.
#[tokio::test(flavor = "multi_thread")]
async fn prove_a_face() {
    const PEER: &str = "198.51.100.7";
    let server = TestServer::configured(|config| {
        config.sign_in.two_steps = true;
        config.web.origin = Some("https://auth.example.org".parse().unwrap());
    })
    .await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let (name, identity) = registered(&server).await;
    let inside = GatewayConnection::over(server.server().gateway());
    let ask = async |command| {
        let of = Envelope::of_browser(PEER.parse().unwrap(), None);
        inside.send_enclosed(of, command).await.unwrap().body
    };
    let first = PasswordStep::new(alice.username.clone(), alice.password.clone());
    let first = ask(Command::PasswordStep(first)).await.grant;
    let code = alice.code(server.now());
    let second = CodeStep::new(alice.username.clone(), code, first);
    let grant = ask(Command::CodeStep(second)).await.grant.unwrap();
    let hello = ask(Command::Hello(Hello::default())).await.server.unwrap();
    let device_nonce = DeviceNonce::parse(&hello.device_nonce.unwrap()).unwrap();

    let mut talk = Transcript::with(server).await;
    talk.become_gateway(name, &identity).await;
    talk.name(grant.text().expose(), "<grant>");
    talk.name(&device_nonce.to_string(), "<nonce>");
    let key = Identity::from_seed(Secret::new([4; 32]));
    let mac = key.key().label();
    let channel = origin_channel("https://auth.example.org", &device_nonce);
    let device_sig = key.sign(&message(&channel, &alice.username, mac));
    talk.name(&BASE64.encode(device_sig.as_bytes()), "<signature>");
    let (username, device_id) = (alice.username.clone(), key.key().id());
    let proof = BrowserProof { username, mac: Some(mac), device_id, device_sig, device_nonce };
    let of = Envelope {
        reference: Reference::parse("1").ok(),
        ..Envelope::of_browser(PEER.parse().unwrap(), Some(proof))
    };
    let step = |face| {
        let step = FaceStep::new(alice.username.clone(), grant.clone()).pictures([face]);
        let step = Command::FaceStep(step.device_key(key.key()));
        String::from_utf8(of.enclose(&step).expose().clone()).unwrap()
    };
    let stranger = step(models::picture("biden.jpg"));
    talk.ask_text("The face is another one. The grant is not spent.", &stranger).await;
    let own = step(alice.face.clone());
    talk.ask_text("The account has no key yet, so the one of this browser is bound.", &own).await;
    talk.ask_text("The grant is spent.", &own).await;
    talk.settle("182-face-step");
}
