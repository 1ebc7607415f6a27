//! The recipe "A portal for a company" of docs/GUIDE.md: its configuration starts a server, and each of its
//! commands for `fourauthd` succeeds there, in the order of the document.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a failed fixture fails its test")]

mod support;

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    process::{Child, Command, Stdio},
};
use support::{fourauthd, text};
use tempfile::TempDir;

/// Margaret, as if she had accepted her invitation. The hash is that of `Tr0ub4dor&3`.
const MARGARET: &str = "id,username,email,phone,password_hash\r\n\
    1,margaret,margaret@example.org,,$2b$04$lRL70mEaKyQOuJOYcelT2uO5cMA8oHSoXIzT8eNxOPdEXTj6s8Q4y\r\n";

/// Commands that the recipe has at least.
const FEWEST: usize = 8;

/// A server that is killed at the end of the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

fn recipe() -> &'static str {
    let guide = include_str!("../../../docs/GUIDE.md");
    guide.split_once("## A portal for a company\n").unwrap().1
}

/// The lines of the blocks with this mark.
fn block(mark: &str) -> Vec<&'static str> {
    let open = format!("```{mark}");
    let mut is_open = false;
    let lines = recipe().lines().map(str::trim).filter(|line| {
        let is_mark = line.starts_with("```");
        if is_mark {
            is_open = *line == open;
        }
        is_open && !is_mark
    });
    lines.collect()
}

/// A text of the recipe with the folders and ports of this test.
fn here(folder: &TempDir, ports: [u16; 2], text: &str) -> String {
    let folder = folder.path().display();
    text.replace("/var/lib/fourauth", &format!("{folder}/data"))
        .replace("/etc/fourauth", &folder.to_string())
        .replace("/backup", &folder.to_string())
        .replace("127.0.0.1:65432", &format!("127.0.0.1:{}", ports[0]))
        .replace("127.0.0.1:8080", &format!("127.0.0.1:{}", ports[1]))
}

fn free_ports() -> [u16; 2] {
    let both = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    both.map(|listener| listener.local_addr().unwrap().port())
}

fn started(mut command: Command) -> Running {
    let mut running =
        Running(command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap());
    let lines = BufReader::new(running.0.stderr.take().unwrap()).lines();
    let mut lines = lines.map(Result::unwrap);
    let mut log = Vec::new();
    let is_ready = lines.by_ref().any(|line| {
        let is_last = line.contains("serving");
        log.push(line);
        is_last
    });
    assert!(is_ready, "{log:#?}");
    // Keep reading: a full pipe would block the log of the server.
    std::thread::spawn(move || lines.for_each(drop));
    running
}

#[test]
fn each_command_of_the_recipe_for_a_company_works() {
    let (folder, ports) = (tempfile::tempdir().unwrap(), free_ports());
    let write = |name: &str, text: &str| {
        let file = folder.path().join(name);
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    };
    write("fourauth.toml", &here(&folder, ports, &block("toml").join("\n")));
    write("passphrase", "nine brass monkeys\n");
    write("users.csv", MARGARET);
    write("mail-password", "a password\n");
    let program = |line: &str| {
        let words = here(&folder, ports, line);
        let words: Vec<_> = words.split_whitespace().collect();
        let mut command = fourauthd(&folder, &words);
        for line in block("sh") {
            let variable = line.strip_prefix("export ").and_then(|it| it.split_once('='));
            variable.map(|(name, value)| command.env(name, here(&folder, ports, value)));
        }
        command
    };
    let run = |line: &str| {
        let ran = program(line).output().unwrap();
        assert!(ran.status.success(), "{line}: {}", text(&ran));
    };
    run("config check");
    let _running = started(program(""));
    run("import otp users.csv");
    let commands = block("sh");
    let commands: Vec<_> =
        commands.iter().filter_map(|line| line.strip_prefix("fourauthd ")).collect();
    assert!(commands.len() >= FEWEST, "{commands:?}");
    commands.into_iter().for_each(run);
}
