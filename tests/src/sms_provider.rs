//! A stand-in for Twilio on loopback. It checks what Twilio checks, and keeps the messages.

use data_encoding::BASE64;
use fourauth_config::Config;
use fourauth_courier::{Account, SmsSettings};
use fourauth_protocol::secret::Secret;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    sync::watch,
};

const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
const TOKEN: &str = "a-token";
const FROM: &str = "+441632960000";

/// A message: the fields `To`, `From` and `Body`.
pub type Text = HashMap<String, String>;

/// A provider that accepts a message that is right in every part. It serves as long as its runtime.
#[derive(Debug)]
pub struct SmsProvider {
    settings: SmsSettings,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The status of the next answers, in place of the right one.
    status: Mutex<Option<&'static str>>,
    texts: watch::Sender<Vec<Text>>,
}

impl SmsProvider {
    /// Starts it.
    ///
    /// # Panics
    ///
    /// If there is no free port.
    pub async fn open() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let base = format!("twilio+http://{}", listener.local_addr().expect("an address"));
        let state = Arc::<State>::default();
        let serving = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&serving)));
            }
        });
        let [name, password] = [ACCOUNT, TOKEN].map(|text| Secret::new(text.to_owned()));
        let settings = SmsSettings {
            route: base.parse().expect("a route"),
            account: Some(Account { name, password }),
            from: FROM.to_owned(),
        };
        Self { settings, state }
    }

    /// The settings that reach it.
    #[must_use]
    pub fn settings(&self) -> SmsSettings {
        self.settings.clone()
    }

    /// Lets a server send its text messages here.
    pub fn receive(&self, config: &mut Config) {
        let courier = &mut config.courier;
        courier.sms = Some(self.settings.route.clone());
        courier.sms_account = Some(ACCOUNT.to_owned().into());
        courier.sms_token = Some(TOKEN.to_owned().into());
        courier.sms_from = Some(FROM.to_owned());
    }

    /// Gives this status from now on, or again the right one.
    pub fn answer(&self, status: Option<&'static str>) {
        *self.state.status.lock().unwrap_or_else(PoisonError::into_inner) = status;
    }

    /// The messages that were accepted, in their order.
    #[must_use]
    pub fn texts(&self) -> Vec<Text> {
        self.state.texts.borrow().clone()
    }

    /// Waits for the first message in which `read` finds something.
    ///
    /// # Panics
    ///
    /// Never: the provider keeps its messages.
    pub async fn first<T>(&self, read: impl Fn(&Text) -> Option<T>) -> T {
        let mut texts = self.state.texts.subscribe();
        loop {
            if let Some(found) = texts.borrow_and_update().iter().find_map(&read) {
                return found;
            }
            texts.changed().await.expect("the provider is there");
        }
    }
}

async fn serve(stream: TcpStream, state: Arc<State>) {
    let mut stream = BufReader::new(stream);
    while let Some((head, body)) = request(&mut stream).await {
        let chosen = *state.status.lock().unwrap_or_else(PoisonError::into_inner);
        let right = judge(&head, &body);
        let said =
            chosen.unwrap_or(if right.is_some() { "201 Created" } else { "400 Bad Request" });
        if let (None, Some(text)) = (chosen, right) {
            state.texts.send_modify(|texts| texts.push(text));
        }
        let answer = format!(
            "HTTP/1.1 {said}\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n"
        );
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
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

/// The message, if everything about the request is right.
fn judge(head: &[String], body: &str) -> Option<Text> {
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
    let pairs = body.split('&').filter_map(|pair| pair.split_once('='));
    let form: Text =
        pairs.map(|(key, value)| Some((key.to_owned(), decoded(value)?))).collect::<Option<_>>()?;
    let is_whole = form.len() == 3 && form.get("From").map(String::as_str) == Some(FROM);
    let has_text = form.get("To")?.starts_with('+') && !form.get("Body")?.is_empty();
    (is_right && is_whole && has_text).then_some(form)
}

/// A value of `application/x-www-form-urlencoded`.
fn decoded(text: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::new(), text.bytes());
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}
