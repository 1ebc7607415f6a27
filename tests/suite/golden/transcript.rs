//! A conversation as it is written down: what changes from run to run has a name instead.

use data_encoding::BASE64;
use fourauth_client::Identity;
use fourauth_protocol::{
    command::{Command, ProveDevice},
    device::{Binding, message},
};
use fourauth_tests::{models::picture, persona::Persona, raw::RawConnection, server::TestServer};

/// Pictures that transcripts show. The first two are of one person.
const PICTURES: [&str; 4] = ["obama.jpg", "obama2.jpg", "obama3.jpg", "biden.jpg"];

/// What a server makes up: the text before it, the characters that may follow it, and its name.
const MADE_UP: [(&str, &[char], &str); 12] = [
    ("\"request_id\":\"", &['"'], "<request id>"),
    ("request=", &['"'], "<request id>"),
    ("\"token\":\"", &['"'], "<token>"),
    ("\"receipt\":\"", &['"'], "<receipt>"),
    ("\"receipt_key\":\"", &['"'], "<key>"),
    ("\"qr_png_b64\":\"", &['"'], "<qr>"),
    ("?secret=", &['&', '"'], "<secret>"),
    ("\"software\":\"fourauth ", &['"'], "<version>"),
    // Sums of floats differ in the last digit from one processor to the next.
    ("face=match(", &[')'], "<distance>"),
    ("face=mismatch(", &[')'], "<distance>"),
    ("\"device_nonce\":\"", &['"'], "<nonce>"),
    ("\"recovery_codes\":[", &[']'], "\"<recovery code>\", and nine more"),
];

/// One conversation after the other, with one server at a time.
pub(super) struct Transcript {
    pub(super) server: TestServer,
    connection: RawConnection,
    named: Vec<(String, String)>,
    text: String,
}

impl Transcript {
    /// A conversation that has not begun.
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

    /// The same with somebody who has an account, as all are who are called Alice.
    pub(super) async fn with_alice() -> (Self, Persona) {
        let server = TestServer::start().await;
        let alice = server.enrol("alice", "obama.jpg").await;
        let mut transcript = Self::with(server).await;
        transcript.name_codes(&alice);
        (transcript, alice)
    }

    /// Goes on with another server.
    pub(super) async fn move_to(&mut self, server: TestServer) {
        self.connection = server.raw().await;
        self.server = server;
        self.name_admin();
    }

    /// Goes on a minute later, when the authenticator shows another code.
    pub(super) fn wait_a_minute(&mut self, person: &Persona) {
        self.server.clock().advance_ms(60_000);
        self.name_codes(person);
    }

    /// Writes `placeholder` wherever `text` stands.
    pub(super) fn name(&mut self, text: &str, placeholder: &str) {
        self.named.push((text.to_owned(), placeholder.to_owned()));
    }

    fn name_admin(&mut self) {
        let secret = self.server.admin().expose().clone();
        self.name(&secret, "<admin secret>");
    }

    fn name_codes(&mut self, person: &Persona) {
        let now = self.server.now();
        let [right, wrong] = [person.code(now), person.wrong_code(now)];
        self.name(&format!("\"{}\"", right.as_str()), "\"<code>\"");
        self.name(&format!("\"{}\"", wrong.as_str()), "\"<wrong code>\"");
    }

    /// The proof that this connection comes from the person's device.
    pub(super) fn proof(&mut self, identity: &Identity, person: &Persona) -> Command {
        let message = message(&self.connection.exporter(), &person.username, person.mac);
        let signature = identity.sign(&message);
        self.name(&BASE64.encode(signature.as_bytes()), "<signature>");
        Command::ProveDevice(ProveDevice {
            username: person.username.clone(),
            mac: Some(person.mac),
            device_id: identity.key().id(),
            device_sig: signature,
            binding: Binding::TlsExporter,
        })
    }

    /// Sends a command and writes both sides down.
    pub(super) async fn ask(&mut self, heading: &str, command: Command) {
        let payload = String::from_utf8(command.to_json().expose().clone()).unwrap();
        self.ask_text(heading, &payload).await;
    }

    /// Sends any text as a payload and writes both sides down.
    pub(super) async fn ask_text(&mut self, heading: &str, payload: &str) {
        self.connection.send_payload(payload.as_bytes()).await;
        self.begin(heading, payload);
        self.hear().await;
    }

    /// Sends a header alone, which says that `announced` bytes follow.
    pub(super) async fn announce(&mut self, heading: &str, announced: u32) {
        self.connection.send(&announced.to_be_bytes()).await;
        self.begin(heading, &format!("<header: {announced} bytes follow>"));
        self.hear().await;
    }

    /// The server hangs up, and the next exchange is on a connection of its own.
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
        let answer = MADE_UP
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

    /// Holds what was said against what is checked in.
    pub(super) fn settle(self, name: &str) {
        super::settle(name, &self.text);
    }
}

/// Puts `placeholder` in place of what stands between each `before` and the next of `ends`.
fn blank(text: &str, before: &str, ends: &[char], placeholder: &str) -> String {
    let mut pieces = text.split(before);
    let mut blanked = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let end = piece.find(ends).expect("it ends");
        blanked.extend([before, placeholder, &piece[end..]]);
    }
    blanked
}
