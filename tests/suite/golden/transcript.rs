//! The written form of a conversation, with a placeholder for each value that changes between runs.

use data_encoding::BASE64;
use fourauth_client::Identity;
use fourauth_protocol::{
    answer::Answer,
    challenge::FaceChallenge,
    command::{BeginFaceChallenge, Command, ProveDevice, ProveGateway},
    device::{EXPORTER_BYTES, message},
    gateway::{self, GatewayName},
    picture::Picture,
};
use fourauth_tests::{
    models::picture, moving_face::MovingFace, persona::Persona, raw::RawConnection,
    server::TestServer, with::With as _,
};

/// Pictures that transcripts send. The first three show one person.
const PICTURES: [&str; 4] = ["obama.jpg", "obama2.jpg", "obama3.jpg", "biden.jpg"];

/// Random or variable values: the text before the value, the characters that end it, and its
/// placeholder.
const VARIABLE: [(&str, &[char], &str); 29] = [
    // First, because its text holds others.
    ("\"proof\":\"", &['"'], "<proof>"),
    ("\"request_id\":\"", &['"'], "<request id>"),
    ("request=", &['"'], "<request id>"),
    ("\"token\":\"", &['"'], "<token>"),
    ("\"grant\":\"", &['"'], "<grant>"),
    ("&invitation=", &['"'], "<grant>"),
    ("\"challenge\":\"", &['"'], "<challenge>"),
    ("\"session_challenge\":\"", &['"'], "<challenge>"),
    ("\"keys\":[{\"id\":\"", &['"'], "<key id>"),
    ("\"created_at\":\"", &['"'], "<time>"),
    ("\"audit\":{", &['}'], "<tree>"),
    ("\"certificate_until\":\"", &['"'], "<time>"),
    ("\"bytes\":", &['}', ','], "<number>"),
    ("\"number\":\"", &['"'], "<number>"),
    ("\"steps\":[", &[']'], "\"left\",\"mouth\""),
    ("\"jwt\":\"", &['"'], "<signed token>"),
    ("\"x\":\"", &['"'], "<x>"),
    ("\"y\":\"", &['"'], "<y>"),
    ("\"kid\":\"", &['"'], "<key id>"),
    ("\"receipt\":\"", &['"'], "<receipt>"),
    ("\"id\":\"", &['"'], "<session id>"),
    ("\"receipt_key\":\"", &['"'], "<key>"),
    ("\"qr_png_b64\":\"", &['"'], "<qr>"),
    ("?secret=", &['&', '"'], "<secret>"),
    ("\"software\":\"fourauth ", &['"'], "<version>"),
    // The last digit of a sum of floats differs between processors.
    ("face=match(", &[')'], "<distance>"),
    ("face=mismatch(", &[')'], "<distance>"),
    ("\"device_nonce\":\"", &['"'], "<nonce>"),
    ("\"recovery_codes\":[", &[']'], "\"<recovery code>\", and nine more"),
];

/// A sequence of exchanges, with one server at a time.
pub(super) struct Transcript {
    pub(super) server: TestServer,
    connection: RawConnection,
    named: Vec<(String, String)>,
    text: String,
}

impl Transcript {
    /// An empty transcript.
    pub(super) async fn with(server: TestServer) -> Self {
        let connection = server.raw().await;
        let mut transcript = Self { server, connection, named: Vec::new(), text: String::new() };
        for name in PICTURES {
            let text = BASE64.encode(picture(name).bytes());
            transcript.name(&text, &format!("<{name}>"));
        }
        transcript.name_admin();
        transcript
    }

    /// An empty transcript, and the user `alice` with an account.
    pub(super) async fn with_alice() -> (Self, Persona) {
        let server = TestServer::start().await;
        let alice = server.enrol("alice", "obama.jpg").await;
        let mut transcript = Self::with(server).await;
        transcript.name_codes(&alice);
        (transcript, alice)
    }

    /// Continues with another server.
    pub(super) async fn move_to(&mut self, server: TestServer) {
        self.connection = server.raw().await;
        self.server = server;
        self.name_admin();
    }

    /// Continues after a restart of the server.
    pub(super) async fn restarted(self) -> Self {
        let Self { server, connection, named, text } = self;
        drop(connection);
        let folder = server.stop().await;
        let server = TestServer::start_in(folder, |_| {}).await;
        Self { connection: server.raw().await, server, named, text }
    }

    /// Continues one minute later, with another one-time code.
    pub(super) fn wait_a_minute(&mut self, person: &Persona) {
        self.server.clock().advance_ms(60_000);
        self.name_codes(person);
    }

    /// Writes `placeholder` instead of `text`.
    pub(super) fn name(&mut self, text: &str, placeholder: &str) {
        self.named.push((text.to_owned(), placeholder.to_owned()));
    }

    fn name_admin(&mut self) {
        let secret = self.server.admin().expose().clone();
        self.name(&secret, "<admin secret>");
    }

    pub(super) fn name_codes(&mut self, person: &Persona) {
        let now = self.server.now();
        let [right, wrong] = [person.code(now), person.wrong_code(now)];
        self.name(&format!("\"{}\"", right.as_str()), "\"<code>\"");
        self.name(&format!("\"{}\"", wrong.as_str()), "\"<wrong code>\"");
    }

    /// The proof that this connection comes from the user's device.
    pub(super) fn proof(&mut self, identity: &Identity, person: &Persona) -> Command {
        let message = message(&self.connection.exporter(), &person.username, person.mac);
        let signature = identity.sign(&message);
        self.name(&BASE64.encode(signature.as_bytes()), "<signature>");
        Command::ProveDevice(
            ProveDevice::new(person.username.clone(), identity.key().id(), signature)
                .with(|proof| proof.mac = Some(person.mac)),
        )
    }

    /// Makes this the connection of a gateway, which is not part of the transcript.
    pub(super) async fn become_gateway(&mut self, name: GatewayName, identity: &Identity) {
        let signature = identity.sign(&gateway::message(&self.exporter(), &name));
        let proof = Command::ProveGateway(ProveGateway::new(name, signature));
        self.connection.send_payload(proof.to_json().expose()).await;
        assert!(self.connection.answer().await.expect("an answer").is_ok());
    }

    /// The keying material of the connection.
    pub(super) fn exporter(&self) -> [u8; EXPORTER_BYTES] {
        self.connection.exporter()
    }

    /// Sends a command that is not part of the transcript.
    pub(super) async fn noted(&mut self, command: Command) -> Answer {
        self.connection.send_payload(command.to_json().expose()).await;
        let answer = self.connection.answer().await.expect("an answer");
        assert!(answer.is_ok(), "{}", answer.message);
        answer
    }

    /// Sends a command and records both sides.
    pub(super) async fn ask(&mut self, heading: &str, command: Command) {
        let payload = String::from_utf8(command.to_json().expose().clone()).unwrap();
        self.ask_text(heading, &payload).await;
    }

    /// The answer to a challenge that was begun before on this connection and is not part of the
    /// transcript.
    pub(super) async fn challenged(
        &mut self,
        person: &Persona,
        face: &MovingFace,
    ) -> FaceChallenge {
        let begin = Command::BeginFaceChallenge(BeginFaceChallenge::new(person.username.clone()));
        self.connection.send_payload(begin.to_json().expose()).await;
        let body = self.connection.answer().await.expect("an answer").body;
        let (id, steps) = (body.challenge.expect("a challenge"), body.steps.expect("steps"));
        self.name(&id.text().expose().clone(), "<challenge>");
        let frames = face.obeying(&steps);
        self.name_frames(&frames);
        FaceChallenge::new(id, frames)
    }

    /// Writes a placeholder instead of these frames.
    pub(super) fn name_frames(&mut self, frames: &[Picture]) {
        let texts: Vec<_> =
            frames.iter().map(|frame| format!("\"{}\"", BASE64.encode(frame.bytes()))).collect();
        let more = if frames.len() > 1 { ", and two more for each step" } else { "" };
        self.name(&texts.join(","), &format!("\"<frame>\"{more}"));
    }

    /// Sends any text as a payload and records both sides.
    pub(super) async fn ask_text(&mut self, heading: &str, payload: &str) {
        self.connection.send_payload(payload.as_bytes()).await;
        self.begin(heading, payload);
        self.hear().await;
    }

    /// Sends only a header, which announces `announced` bytes.
    pub(super) async fn announce(&mut self, heading: &str, announced: u32) {
        self.connection.send(&announced.to_be_bytes()).await;
        self.begin(heading, &format!("<header: {announced} bytes follow>"));
        self.hear().await;
    }

    /// Expects the server to close the connection; the next exchange uses a new one.
    pub(super) async fn is_hung_up(&mut self) {
        assert_eq!(self.connection.payload().await, None);
        self.text.push_str("< <end of the connection>\n");
        self.connection = self.server.raw().await;
    }

    fn begin(&mut self, heading: &str, payload: &str) {
        let divider = if self.text.is_empty() { "" } else { "\n" };
        let request = self.without_names(payload);
        self.text.extend([divider, "# ", heading, "\n> ", &request, "\n"]);
    }

    async fn hear(&mut self) {
        let payload = self.connection.payload().await.expect("an answer");
        let answer = VARIABLE
            .iter()
            .fold(String::from_utf8(payload).unwrap(), |text, (before, ends, placeholder)| {
                blank(&text, before, ends, placeholder)
            });
        let answer = self.without_names(&answer);
        self.text.extend(["< ", &answer, "\n"]);
    }

    fn without_names(&self, text: &str) -> String {
        self.named.iter().fold(text.to_owned(), |text, (value, placeholder)| {
            text.replace(value.as_str(), placeholder)
        })
    }

    /// Compares the transcript with the checked-in file.
    pub(super) fn settle(self, name: &str) {
        super::settle(name, &self.text);
    }
}

/// Replaces the text between each `before` and the next unescaped one of `ends` by `placeholder`.
fn blank(text: &str, before: &str, ends: &[char], placeholder: &str) -> String {
    let mut pieces = text.split(before);
    let mut blanked = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let is_end = |&(at, _): &(usize, &str)| !piece[..at].ends_with('\\');
        let end =
            piece.match_indices(ends).find(is_end).expect("an end character follows the value").0;
        blanked.extend([before, placeholder, &piece[end..]]);
    }
    blanked
}
