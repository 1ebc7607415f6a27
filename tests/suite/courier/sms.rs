//! Text messages, to a server on loopback that checks what Twilio checks.

use super::LATER;
use data_encoding::BASE64;
use fourauth_courier::{Account, Limit, Round, SmsSettings};
use fourauth_protocol::secret::Secret;
use fourauth_store::Event;
use fourauth_tests::{post_office::PostOffice, server::NOON};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};

const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
const TOKEN: &str = "a-token";
const FROM: &str = "+441632960000";

/// A stand-in for Twilio: it accepts a message that is right in every part.
struct Provider {
    settings: SmsSettings,
    /// The status of the next answers, in place of the right one.
    status: Arc<Mutex<Option<&'static str>>>,
    texts: Arc<Mutex<Vec<HashMap<String, String>>>>,
}

impl Provider {
    async fn open() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let base = format!("twilio+http://{}", listener.local_addr().unwrap());
        let (status, texts) = (Arc::default(), Arc::default());
        tokio::spawn({
            let (status, texts) = (Arc::clone(&status), Arc::clone(&texts));
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(serve(stream, Arc::clone(&status), Arc::clone(&texts)));
                }
            }
        });
        let secret = |text: &str| Secret::new(text.to_owned());
        let account = Some(Account { name: secret(ACCOUNT), password: secret(TOKEN) });
        let settings = SmsSettings { route: base.parse().unwrap(), account, from: FROM.to_owned() };
        Self { settings, status, texts }
    }

    fn answer(&self, status: Option<&'static str>) {
        *self.status.lock().unwrap() = status;
    }

    fn texts(&self) -> Vec<HashMap<String, String>> {
        self.texts.lock().unwrap().clone()
    }
}

async fn serve(
    stream: TcpStream,
    status: Arc<Mutex<Option<&'static str>>>,
    texts: Arc<Mutex<Vec<HashMap<String, String>>>>,
) {
    let mut stream = BufReader::new(stream);
    while let Some((head, body)) = request(&mut stream).await {
        let chosen = *status.lock().unwrap();
        let right = judge(&head, &body);
        let said =
            chosen.unwrap_or(if right.is_some() { "201 Created" } else { "400 Bad Request" });
        if let (None, Some(form)) = (chosen, right) {
            texts.lock().unwrap().push(form);
        }
        let answer = format!(
            "HTTP/1.1 {said}\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n"
        );
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
}

/// The head and the body of one request.
async fn request(stream: &mut BufReader<TcpStream>) -> Option<(Vec<String>, String)> {
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        if line.trim().is_empty() {
            break;
        }
        head.push(line.trim().to_owned());
    }
    let length = head.iter().find_map(|line| {
        line.to_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok()
    });
    let mut body = vec![0; length.unwrap_or_default()];
    stream.read_exact(&mut body).await.ok()?;
    Some((head, String::from_utf8(body).ok()?))
}

/// The form, if everything about the request is right.
fn judge(head: &[String], body: &str) -> Option<HashMap<String, String>> {
    let line = format!("POST /2010-04-01/Accounts/{ACCOUNT}/Messages.json HTTP/1.1");
    let login = format!("Basic {}", BASE64.encode(format!("{ACCOUNT}:{TOKEN}").as_bytes()));
    let has = |name: &str, value: &str| {
        head.iter()
            .filter_map(|line| line.split_once(": "))
            .any(|(found, text)| found.eq_ignore_ascii_case(name) && text == value)
    };
    let is_right = head.first() == Some(&line)
        && has("authorization", &login)
        && has("content-type", "application/x-www-form-urlencoded");
    let form: HashMap<_, _> = body
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (key.to_owned(), decoded(value)))
        .collect();
    let is_whole = form.len() == 3 && form.get("From").map(String::as_str) == Some(FROM);
    (is_right && is_whole && form["To"].starts_with('+') && !form["Body"].is_empty())
        .then_some(form)
}

fn decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.bytes());
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).unwrap()
}

/// A database with a notice to Bob, who has a telephone and no mail address.
async fn office(folder: &tempfile::TempDir) -> PostOffice {
    let office = PostOffice::in_folder(folder.path(), NOON).await;
    let bob = office.owner("bob", None, Some("+442079460001")).await;
    office.notify(bob, Event::TotpReplaced).await;
    office
}

#[tokio::test]
async fn an_owner_without_mail_gets_a_text_message() {
    let (folder, provider) = (tempfile::tempdir().unwrap(), Provider::open().await);
    let office = office(&folder).await;
    let mut courier = office.courier(None, Some(provider.settings.clone())).await;
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
        let (folder, provider) = (tempfile::tempdir().unwrap(), Provider::open().await);
        let office = office(&folder).await;
        let mut courier = office.courier(None, Some(provider.settings.clone())).await;
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
    let (folder, provider) = (tempfile::tempdir().unwrap(), Provider::open().await);
    let office = office(&folder).await;
    let mut settings = provider.settings.clone();
    settings.account.as_mut().unwrap().password = Secret::new("another".to_owned());
    let mut courier = office.courier(None, Some(settings)).await;
    assert_eq!(office.round(&mut courier).await.sent, 0);
    assert_eq!(provider.texts().len(), 0);
}

#[tokio::test]
async fn a_block_of_numbers_gets_no_more_than_its_share() {
    let (folder, provider) = (tempfile::tempdir().unwrap(), Provider::open().await);
    let mut office = PostOffice::in_folder(folder.path(), NOON).await;
    office.settings.quotas.block = Limit { short: 3, long: 100 };
    for number in 0..5 {
        let phone = format!("+4420794600{number:02}");
        let owner = office.owner(&format!("bob{number}"), None, Some(&phone)).await;
        office.notify(owner, Event::TotpReplaced).await;
    }
    let carol = office.owner("carol", None, Some("+491701234567")).await;
    office.notify(carol, Event::TotpReplaced).await;
    let mut courier = office.courier(None, Some(provider.settings.clone())).await;
    let round = office.round(&mut courier).await;
    assert_eq!((round.sent, round.retried), (4, 2), "three of the block, and Carol");
    assert_eq!(office.entry(5).await.last_error.as_deref(), Some("block_quota"));
}
