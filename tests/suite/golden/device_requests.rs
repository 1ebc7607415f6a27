//! Commands 256 and 257, through a gateway, which states the door and the proofs of browsers.

use super::{gateway::registered, transcript::Transcript};
use data_encoding::BASE64;
use fourauth_client::{GatewayConnection, Identity};
use fourauth_protocol::{
    answer::AnswerBody,
    command::{AskForDevice, CodeStep, Command, DecideDevice, FaceStep, Hello, PasswordStep},
    device::{BrowserProof, DeviceName, DeviceNonce, message, origin_channel},
    device_request::{DeviceDecision, RequestNumber},
    envelope::{Envelope, Reference},
    grant::GrantToken,
    secret::Secret,
};
use fourauth_tests::{models::picture, persona::Persona, server::TestServer};

const PEER: &str = "198.51.100.7";
const ORIGIN: &str = "https://auth.example.org";

/// A server with the account of Alice, whose device is the browser `own`. Another one asks.
struct Scene {
    talk: Transcript,
    inside: GatewayConnection,
    alice: Persona,
    own: Identity,
    other: Identity,
}

impl Scene {
    async fn open() -> Self {
        let server = TestServer::configured(|config| {
            config.sign_in.two_steps = true;
            config.web.origin = Some(ORIGIN.parse().unwrap());
        })
        .await;
        let alice = server.enrol("alice", "obama.jpg").await;
        let (name, identity) = registered(&server).await;
        let inside = GatewayConnection::over(server.server().gateway());
        let mut talk = Transcript::with(server).await;
        talk.become_gateway(name, &identity).await;
        let [own, other] = [4, 5].map(|seed| Identity::from_seed(Secret::new([seed; 32])));
        let mut scene = Self { talk, inside, alice, own, other };
        let grant = scene.grant().await;
        let step = FaceStep::new(scene.alice.username.clone(), grant);
        let step = step.pictures([scene.alice.face.clone()]).device_key(scene.own.key());
        let own = Identity::from_seed(Secret::new([4; 32]));
        let proof = scene.proof(&own).await;
        scene.unheard(Some(proof), Command::FaceStep(step)).await;
        scene
    }

    /// Sends a command that is not part of the transcript.
    async fn unheard(&self, proof: Option<BrowserProof>, command: Command) -> AnswerBody {
        let of = Envelope::of_browser(PEER.parse().unwrap(), proof);
        let answer = self.inside.send_enclosed(of, command).await.unwrap();
        assert!(answer.is_ok(), "{}", answer.message);
        *answer.body
    }

    async fn grant(&mut self) -> GrantToken {
        self.talk.wait_a_minute(&self.alice);
        let (name, password) = (self.alice.username.clone(), self.alice.password.clone());
        let first = PasswordStep::new(name.clone(), password);
        let first = self.unheard(None, Command::PasswordStep(first)).await.grant;
        let code = self.alice.code(self.talk.server.now());
        let second = Command::CodeStep(CodeStep::new(name, code, first));
        let grant = self.unheard(None, second).await.grant.unwrap();
        self.talk.name(grant.text().expose(), "<grant>");
        grant
    }

    async fn proof(&mut self, browser: &Identity) -> BrowserProof {
        let hello = self.unheard(None, Command::Hello(Hello::default())).await.server.unwrap();
        let device_nonce = DeviceNonce::parse(&hello.device_nonce.unwrap()).unwrap();
        let (username, mac) = (self.alice.username.clone(), browser.key().label());
        let channel = origin_channel(ORIGIN, &device_nonce);
        let device_sig = browser.sign(&message(&channel, &username, mac));
        self.talk.name(&device_nonce.to_string(), "<nonce>");
        self.talk.name(&BASE64.encode(device_sig.as_bytes()), "<signature>");
        let device_id = browser.key().id();
        BrowserProof { username, mac: Some(mac), device_id, device_sig, device_nonce }
    }

    fn ask(&self, grant: GrantToken, face: &str) -> Command {
        let ask = AskForDevice::new(self.alice.username.clone(), grant, self.other.key());
        let name = DeviceName::parse("Firefox (Linux)").unwrap();
        Command::AskForDevice(ask.pictures([picture(face)]).device_name(name))
    }

    async fn tell(&mut self, heading: &str, proof: BrowserProof, command: &Command) {
        let of = Envelope {
            reference: Reference::parse("1").ok(),
            ..Envelope::of_browser(PEER.parse().unwrap(), Some(proof))
        };
        let text = String::from_utf8(of.enclose(command).expose().clone()).unwrap();
        self.talk.ask_text(heading, &text).await;
    }

    /// The number of a request that is not part of the transcript.
    async fn number(&mut self) -> RequestNumber {
        let grant = self.grant().await;
        let other = Identity::from_seed(Secret::new([5; 32]));
        let proof = self.proof(&other).await;
        let command = self.ask(grant, "obama2.jpg");
        let number = self.unheard(Some(proof), command).await.number.unwrap();
        self.talk.name(&number.to_string(), "<number>");
        number
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ask_for_a_device() {
    let mut scene = Scene::open().await;
    let grant = scene.grant().await;
    let other = Identity::from_seed(Secret::new([5; 32]));
    let proof = scene.proof(&other).await;
    let stranger = scene.ask(grant.clone(), "biden.jpg");
    let heading = "The face is another one. The grant is not spent.";
    scene.tell(heading, proof.clone(), &stranger).await;
    let right = scene.ask(grant, "obama2.jpg");
    let heading = "Everything is right but the key, which no device has confirmed yet.";
    scene.tell(heading, proof, &right).await;
    let proof = scene.proof(&other).await;
    scene.tell("The grant is spent.", proof, &right).await;
    scene.talk.settle("256-ask-for-a-device");
}

#[tokio::test(flavor = "multi_thread")]
async fn decide_about_a_device() {
    let mut scene = Scene::open().await;
    let number = scene.number().await;
    scene.talk.wait_a_minute(&scene.alice);
    let (alice, now) = (&scene.alice, scene.talk.server.now());
    let decide = |decision| {
        let (name, password) = (alice.username.clone(), alice.password.clone());
        DecideDevice::new(name, password, number, decision).code(alice.code(now))
    };
    let named = DeviceName::parse("firefox").unwrap();
    let add = Command::DecideDevice(decide(DeviceDecision::Add).device_name(named));
    let refuse = Command::DecideDevice(decide(DeviceDecision::Refuse));
    let own = Identity::from_seed(Secret::new([4; 32]));
    let other = Identity::from_seed(Secret::new([5; 32]));
    let proof = scene.proof(&other).await;
    scene.tell("The browser that asks cannot confirm itself.", proof, &add).await;
    let proof = scene.proof(&own).await;
    scene.tell("A device of the account adds it.", proof, &add).await;
    scene.talk.wait_a_minute(&scene.alice);
    let proof = scene.proof(&own).await;
    let late = match refuse {
        Command::DecideDevice(decide) => {
            let code = scene.alice.code(scene.talk.server.now());
            Command::DecideDevice(decide.code(code))
        }
        other => other,
    };
    scene.tell("It was decided before.", proof, &late).await;
    scene.talk.settle("257-decide-about-a-device");
}
