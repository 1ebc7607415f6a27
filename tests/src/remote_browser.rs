//! Firefox and `WebKitGTK`, driven by the protocols that they bring themselves, to run a script on a page.
//!
//! Firefox speaks Marionette: JSON after its length in decimals and a colon, over TCP. `WebKitGTK` has a
//! driver for `WebDriver` (W3C), which is JSON over HTTP.

use crate::web::free_port;
use serde_json::{Value, json};
use std::{
    fs,
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};
use tokio::time::{Instant, sleep};

/// How long a browser may take to start, and a script to end.
const PATIENCE: Duration = Duration::from_mins(2);

/// Where Debian's package has the browser of `WebKitGTK`.
const MINI_BROWSER: &str = "webkit2gtk-4.1/MiniBrowser";

/// Firefox with a profile of its own.
#[derive(Debug)]
pub struct Firefox {
    program: Child,
    connection: TcpStream,
    sent: u32,
}

/// `WebKitGTK`. What its pages keep is gone when it ends.
#[derive(Debug)]
pub struct WebKit {
    driver: Child,
    http: reqwest::Client,
    session: String,
}

impl Firefox {
    /// Starts it with this profile, which is made if it does not exist.
    ///
    /// # Panics
    ///
    /// If it is missing or does not start; `cargo xtask test` installs it.
    pub async fn launch(profile: &Path) -> Self {
        let port_file = profile.join("MarionetteActivePort");
        fs::create_dir_all(profile).expect("a folder");
        // Port 0 is any free one, which it writes into a file.
        fs::write(profile.join("user.js"), "user_pref(\"marionette.port\", 0);\n").expect("a file");
        let _absent = fs::remove_file(&port_file);
        let program = Command::new("firefox-esr")
            .args(["--headless", "--no-remote", "--marionette", "--profile"])
            .arg(profile)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Firefox runs");
        let port =
            wait_for("Firefox", || fs::read_to_string(&port_file).ok()?.trim().parse().ok()).await;
        let connection =
            wait_for("Firefox", || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()).await;
        connection.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let mut firefox = Self { program, connection, sent: 0 };
        let _greeting = firefox.receive();
        let script = PATIENCE.as_millis();
        let timeouts = json!({ "script": script, "pageLoad": script });
        firefox.ask(
            "WebDriver:NewSession",
            &json!({ "acceptInsecureCerts": true, "timeouts": timeouts }),
        );
        firefox
    }

    /// Opens a page.
    pub fn go(&mut self, url: &str) {
        self.ask("WebDriver:Navigate", &json!({ "url": url }));
    }

    /// Runs a script, whose last argument is a function that takes the result.
    pub fn run(&mut self, script: &str, arguments: &Value) -> Value {
        let run = json!({ "script": script, "args": arguments });
        self.ask("WebDriver:ExecuteAsyncScript", &run)["value"].clone()
    }

    /// Ends it. Its profile stays.
    ///
    /// # Panics
    ///
    /// If it does not end.
    pub fn close(mut self) {
        self.ask("Marionette:Quit", &json!({ "flags": ["eForceQuit"] }));
        self.program.wait().expect("it ends");
    }

    fn ask(&mut self, name: &str, parameters: &Value) -> Value {
        self.sent += 1;
        let command = json!([0, self.sent, name, parameters]).to_string();
        write!(self.connection, "{}:{command}", command.len()).expect("Firefox reads");
        let answer = self.receive();
        assert!(answer[2].is_null(), "{name}: {}", answer[2]);
        answer[3].clone()
    }

    fn receive(&mut self) -> Value {
        let mut byte = [0];
        let mut length = 0;
        loop {
            self.connection.read_exact(&mut byte).expect("Firefox answers");
            match byte[0] {
                digit @ b'0'..=b'9' => length = length * 10 + usize::from(digit - b'0'),
                _ => break,
            }
        }
        let mut text = vec![0; length];
        self.connection.read_exact(&mut text).expect("Firefox answers");
        serde_json::from_slice(&text).expect("JSON")
    }
}

impl WebKit {
    /// Starts it.
    ///
    /// # Panics
    ///
    /// If it is missing or does not start; `cargo xtask test` installs it.
    pub async fn launch() -> Self {
        let port = free_port();
        let driver = Command::new("xvfb-run")
            .args(["-a", "WebKitWebDriver", &format!("--port={port}")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("xvfb-run runs");
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().expect("HTTP");
        wait_for("WebKitWebDriver", || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()).await;
        let session = format!("http://127.0.0.1:{port}/session");
        let mut webkit = Self { driver, http, session };
        let browser = json!({ "binary": mini_browser(), "args": ["--automation"] });
        let wanted = json!({ "acceptInsecureCerts": true, "webkitgtk:browserOptions": browser });
        let begun = webkit.ask("", &json!({ "capabilities": { "alwaysMatch": wanted } })).await;
        let id = begun["sessionId"].as_str().expect("a session").to_owned();
        webkit.session = format!("{}/{id}", webkit.session);
        webkit
    }

    /// Opens a page.
    pub async fn go(&self, url: &str) {
        self.ask("/url", &json!({ "url": url })).await;
    }

    /// As [`Firefox::run`].
    pub async fn run(&self, script: &str, arguments: &Value) -> Value {
        self.ask("/execute/async", &json!({ "script": script, "args": arguments })).await
    }

    async fn ask(&self, path: &str, body: &Value) -> Value {
        let url = format!("{}{path}", self.session);
        let sent = self.http.post(url).body(body.to_string()).send().await;
        let text = sent.expect("the driver answers").text().await.expect("an answer");
        let answer: Value = serde_json::from_str(&text).expect("JSON");
        assert!(answer["value"]["error"].is_null(), "{path}: {answer}");
        answer["value"].clone()
    }

    /// Ends it.
    pub async fn close(self) {
        let _ended = self.http.delete(&self.session).send().await;
    }
}

impl Drop for Firefox {
    fn drop(&mut self) {
        let _gone = self.program.kill();
        let _gone = self.program.wait();
    }
}

impl Drop for WebKit {
    fn drop(&mut self) {
        let _gone = self.driver.kill();
        let _gone = self.driver.wait();
    }
}

/// The browser of `WebKitGTK`, in the folder of this machine's libraries.
fn mini_browser() -> String {
    let folders = fs::read_dir("/usr/lib").expect("a folder").flatten();
    let found = folders.map(|folder| folder.path().join(MINI_BROWSER)).find(|path| path.exists());
    found.expect("WebKitGTK is installed").display().to_string()
}

async fn wait_for<T>(what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = ready() {
            return found;
        }
        assert!(Instant::now() < end, "{what} does not start");
        sleep(Duration::from_millis(50)).await;
    }
}
