//! A test environment: files, standard input and prepared replies to prompts.

use crate::server::Server;
use clap::Parser as _;
use fourauth_cli::{
    args::Cli,
    environment::{Environment, NoReply, Prompt},
    exit::Exit,
    run,
};
use fourauth_protocol::{
    device::DeviceName, mac_address::MacAddress, secret::Secret, time::UnixMillis,
};
use image::{ImageFormat, Rgb, RgbImage};
use serde_json::{Value, json};
use std::{
    cell::RefCell,
    collections::VecDeque,
    fs,
    io::{self, Cursor, ErrorKind, Write},
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    rc::Rc,
};
use tempfile::TempDir;

pub(crate) const MAC: &str = "00:1b:44:11:3a:b7";

/// The output and the exit code of a command.
#[derive(Debug)]
pub(crate) struct Printed {
    pub(crate) exit: Exit,
    pub(crate) output: String,
    pub(crate) notes: String,
}

pub(crate) struct Desk {
    pub(crate) folder: TempDir,
    pub(crate) input: Vec<u8>,
    pub(crate) replies: Replies,
    pub(crate) device_address: fn() -> Option<MacAddress>,
    /// The error of standard output, if it takes nothing.
    pub(crate) output_fails: Option<ErrorKind>,
}

/// Standard output that takes nothing.
struct Refusing(ErrorKind);

impl Write for Refusing {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Replies in order. If they run out, there is no terminal.
#[derive(Default)]
pub(crate) struct Replies(pub(crate) VecDeque<&'static str>, Screen);

impl Desk {
    /// With a password, a one-time code, an administrator's secret and two pictures.
    pub(crate) fn new() -> Self {
        let desk = Self {
            folder: tempfile::tempdir().unwrap(),
            input: Vec::new(),
            replies: Replies::default(),
            device_address: || MacAddress::parse(MAC).ok(),
            output_fails: None,
        };
        desk.put("password", b"Tr0ub4dor&3\n");
        desk.put("new-password", b"C0rrect.horse\n");
        desk.put("totp", b"287 082\n");
        desk.put("admin", b"s3tup\n");
        desk.put("a.png", &picture(1));
        desk.put("b.png", &picture(2));
        desk
    }

    pub(crate) fn put(&self, name: &str, bytes: &[u8]) {
        fs::write(self.file(name), bytes).unwrap();
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a command line, where an argument `@name` is a file of this desk.
    pub(crate) async fn types(&mut self, line: &str) -> Printed {
        let line = line.replace(" @", &format!(" {}/", self.folder.path().display()));
        let cli = Cli::try_parse_from(line.split_whitespace()).unwrap();
        let (mut output, mut notes) = (self.replies.1.clone(), Vec::new());
        let mut refusing = self.output_fails.map(Refusing);
        let exit = run(
            cli,
            &mut Environment {
                input: &mut Cursor::new(&self.input),
                output: refusing.as_mut().map_or(&mut output as &mut dyn Write, |it| it),
                notes: &mut notes,
                prompt: &mut self.replies,
                now: || UnixMillis(1_740_830_400_000),
                device_address: self.device_address,
                host_name: || DeviceName::parse("desk").ok(),
                variable: |_| None,
                settings_file: Some(self.folder.path().join("client.toml")),
            },
        )
        .await;
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Printed { exit, output: text(self.replies.1.take()), notes: text(notes) }
    }

    /// The kept session, if there is one.
    pub(crate) fn kept(&self) -> Option<Value> {
        let text = fs::read_to_string(self.file("session.json")).ok()?;
        Some(serde_json::from_str(&text).unwrap())
    }

    /// Fails unless the session with the token `t0k` of `alice` is kept in a private file, with its
    /// server.
    pub(crate) fn must_keep_its_session(&self) {
        let mut kept = self.kept().unwrap();
        assert!(kept.as_object_mut().unwrap().remove("server").is_some());
        assert_eq!(kept, json!({"username": "alice", "mac": MAC, "token": "t0k"}));
        let mode = fs::metadata(self.file("session.json")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    /// Lets the kept session be one of `server`, which stands for the server that opened it.
    pub(crate) fn moves_its_session_to(&self, server: &Server) {
        let mut session = self.kept().unwrap();
        session["server"] = server.address.clone().into();
        self.put("session.json", session.to_string().as_bytes());
    }

    /// Runs a command line with the address and pin of `server`.
    pub(crate) async fn asks(&mut self, server: &Server, line: &str) -> Printed {
        let line = format!("fourauth {line} --server {} --pin {}", server.address, server.pin);
        Box::pin(self.types(&line)).await
    }
}

/// What is printed, with the character for a new page at each pause.
#[derive(Clone, Default)]
pub(crate) struct Screen(Rc<RefCell<Vec<u8>>>);

impl Screen {
    fn end_page(&self) {
        self.0.borrow_mut().push(b'\x0c');
    }

    fn take(&self) -> Vec<u8> {
        self.0.take()
    }
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Replies {
    fn next(&mut self) -> Result<&'static str, NoReply> {
        self.0.pop_front().ok_or(NoReply::NoTerminal)
    }
}

impl Prompt for Replies {
    fn text(&mut self, _: &str) -> Result<String, NoReply> {
        self.next().map(str::to_owned)
    }

    fn secret(&mut self, _: &str, _: bool) -> Result<Secret<String>, NoReply> {
        self.next().map(|reply| Secret::new(reply.to_owned()))
    }

    fn choose(&mut self, _: &str, choices: &[&str]) -> Result<usize, NoReply> {
        let reply = self.next()?;
        Ok(choices.iter().position(|choice| choice.starts_with(reply)).unwrap())
    }

    fn pause(&mut self, _: &str) {
        self.1.end_page();
    }
}

/// A small PNG.
pub(crate) fn picture(brightness: u8) -> Vec<u8> {
    let mut png = Vec::new();
    RgbImage::from_pixel(8, 8, Rgb([brightness; 3]))
        .write_to(&mut Cursor::new(&mut png), ImageFormat::Png)
        .unwrap();
    png
}
