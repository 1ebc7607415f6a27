//! Commands 162, 184 and 202.

use super::{gateway::registered, transcript::Transcript};
use data_encoding::BASE64;
use fourauth_client::Identity;
use fourauth_protocol::{
    command::{AcceptInvitation, Command, ConfirmTotp, EnrolFace, Hello, Invite},
    contact::Email,
    device::{BrowserProof, DeviceNonce, message, origin_channel},
    envelope::{Envelope, Reference},
    grant::GrantToken,
    mac_address::MacAddress,
    secret::Secret,
    username::Username,
};
use fourauth_tests::{models::picture, persona::Persona, server::TestServer, with::With as _};

const PASSWORD: &str = "violet-Ox-42";
const ORIGIN: &str = "https://auth.example.org";

fn dora() -> Username {
    Username::parse("dora").unwrap()
}

fn password(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

async fn portal() -> TestServer {
    TestServer::configured(|config| {
        config.sign_in.two_steps = true;
        config.web.origin = Some(ORIGIN.parse().unwrap());
    })
    .await
}

async fn invited(server: &TestServer) -> GrantToken {
    let invite = Invite::new(server.admin().clone(), dora());
    server.client().send_once(Command::Invite(invite)).await.unwrap().body.grant.unwrap()
}

#[tokio::test]
async fn invite() {
    let mut talk = Transcript::with(portal().await).await;
    let right = Invite::new(talk.server.admin().clone(), dora())
        .email(Email::parse("dora@example.org").unwrap());
    let wrong = right.clone().with(|invite| invite.admin_secret = password("a guess"));
    for (heading, invite) in [
        ("The administrator's secret is wrong.", wrong),
        ("Everything is right.", right.clone()),
        ("The name is taken.", right),
    ] {
        talk.ask(heading, Command::Invite(invite)).await;
    }
    talk.settle("202-invite");
}

#[tokio::test]
async fn accept_an_invitation() {
    let server = portal().await;
    let invitation = invited(&server).await;
    let mut talk = Transcript::with(server).await;
    talk.name(invitation.text().expose(), "<invitation>");
    let accept = |text| AcceptInvitation::new(dora(), invitation.clone(), password(text));
    for (heading, accept) in [
        ("The password does not meet the rule.", accept("password")),
        ("Everything is right.", accept(PASSWORD)),
        ("The invitation was used.", accept(PASSWORD)),
    ] {
        talk.ask(heading, Command::AcceptInvitation(accept)).await;
    }
    talk.settle("162-accept-invitation");
}

/// Through a gateway, which states the door and the proof of the browser.
#[tokio::test(flavor = "multi_thread")]
async fn enrol_a_face() {
    let server = portal().await;
    let accept = AcceptInvitation::new(dora(), invited(&server).await, password(PASSWORD));
    let client = server.client();
    let joined = client.send_once(Command::AcceptInvitation(accept)).await.unwrap().body;
    let mac = MacAddress::parse("00:1b:44:11:3a:b7").unwrap();
    let dora = Persona::new("dora", password(PASSWORD), mac, &joined.provisioning_uri.unwrap());
    let (name, identity) = registered(&server).await;
    let mut talk = Transcript::with(server).await;
    talk.become_gateway(name, &identity).await;
    let visitor = Envelope {
        reference: Reference::parse("1").ok(),
        ..Envelope::of_browser("198.51.100.7".parse().unwrap(), None)
    };

    let inside = fourauth_client::GatewayConnection::over(talk.server.server().gateway());
    let ask = async |command| inside.send_enclosed(visitor.clone(), command).await.unwrap().body;
    let code = dora.code(talk.server.now());
    let confirm = ConfirmTotp::new(dora.username.clone(), dora.password.clone()).code(code);
    let grant = ask(Command::ConfirmTotp(confirm)).await.grant.unwrap();
    let hello = ask(Command::Hello(Hello::default())).await.server.unwrap();
    let device_nonce = DeviceNonce::parse(&hello.device_nonce.unwrap()).unwrap();
    talk.name(grant.text().expose(), "<grant>");
    talk.name(&device_nonce.to_string(), "<nonce>");

    let key = Identity::from_seed(Secret::new([4; 32]));
    let mac = key.key().label();
    let channel = origin_channel(ORIGIN, &device_nonce);
    let device_sig = key.sign(&message(&channel, &dora.username, mac));
    talk.name(&BASE64.encode(device_sig.as_bytes()), "<signature>");
    let (username, device_id) = (dora.username.clone(), key.key().id());
    let proof = BrowserProof { username, mac: Some(mac), device_id, device_sig, device_nonce };
    let of = Envelope { proof: Some(proof), ..visitor.clone() };
    let enrol = |pictures: &[&str]| {
        let pictures = pictures.iter().map(|name| picture(name));
        let enrol = EnrolFace::new(dora.username.clone(), grant.clone(), pictures);
        let enrol = Command::EnrolFace(enrol.device_key(key.key()));
        String::from_utf8(of.enclose(&enrol).expose().clone()).unwrap()
    };
    talk.ask_text("There is no picture. The grant is not spent.", &enrol(&[])).await;
    let own = enrol(&["obama.jpg", "obama2.jpg", "obama3.jpg"]);
    talk.ask_text("Everything is right.", &own).await;
    talk.ask_text("The grant is spent.", &own).await;
    talk.settle("184-enrol-face");
}
