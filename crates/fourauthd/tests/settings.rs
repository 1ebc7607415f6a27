//! Tests of the settings of `fourauthd`: refusals, messages, and the environment of child
//! processes.

#![expect(clippy::unwrap_used, reason = "a failed fixture fails its test")]

#[cfg(target_os = "linux")]
#[path = "../../face/tests/face/onnx_library.rs"]
mod onnx_library;
mod support;

#[cfg(target_os = "linux")]
use fourauth_face::Digest;
use std::{
    fs::{self, Permissions},
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt as _,
    process::{Command, Stdio},
};
use support::text;
use tempfile::TempDir;

const CANARY: &str = "Tr0ub4dor-and-3";

/// `fourauthd` in a separate folder, on a free port.
fn fourauthd(folder: &TempDir, arguments: &[&str]) -> Command {
    let mut command = support::fourauthd(folder, arguments);
    command.env("FOURAUTH__LISTEN", "127.0.0.1:0");
    command
}

/// Runs a command. Returns true if it succeeded, and its output.
fn run(command: &mut Command) -> (bool, String) {
    let ran = command.output().unwrap();
    (ran.status.success(), text(&ran))
}

/// Starts a server, does something once it is serving, and kills it as a power failure would. Returns
/// the log until then.
fn serve(command: &mut Command, meanwhile: impl FnOnce(&str)) -> String {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let mut log = String::new();
    let serving = lines.by_ref().find(|line| {
        log += line;
        line.contains("address=")
    });
    // Keep reading: a full pipe would block the log of the server.
    std::thread::spawn(move || lines.for_each(drop));
    let serving = serving.unwrap_or_else(|| panic!("{log}"));
    meanwhile(serving.split("address=").nth(1).unwrap().split_whitespace().next().unwrap());
    child.kill().unwrap();
    child.wait().unwrap();
    log
}

fn start_and_kill(folder: &TempDir) {
    serve(&mut fourauthd(folder, &[]), |_| {});
}

#[test]
#[cfg(target_os = "linux")]
fn onnx_runtime_runs_the_face_networks_or_tract_does() {
    let folder = tempfile::tempdir().unwrap();
    let library = onnx_library::onnx_library();
    let honest = Digest::of(&fs::read(&library).unwrap()).to_string();
    let another = Digest::of(b"another").to_string();
    let fallback = "tract runs the face networks";
    for (sha256, said) in [(&honest, "ONNX Runtime runs the face networks"), (&another, fallback)] {
        let mut server = fourauthd(&folder, &[]);
        server.env("FOURAUTH__FACE__ONNX_RUNTIME", &library);
        server.env("FOURAUTH__FACE__ONNX_RUNTIME_SHA256", sha256);
        let log = serve(&mut server, |_| {});
        assert!(log.contains(said), "{log}");
        // A library that is not loaded is named with the hash that it has.
        assert_eq!(log.contains(fallback), log.contains(&honest), "{log}");
    }
    // Without its hash, a library is not accepted.
    let mut check = fourauthd(&folder, &["config", "check"]);
    check.env("FOURAUTH__FACE__ONNX_RUNTIME", &library);
    let (is_valid, text) = run(&mut check);
    assert!(!is_valid && text.contains("face.onnx_runtime_sha256: must be set"), "{text}");
}

#[test]
fn settings_of_the_face_are_shown_and_weak_ones_named() {
    let folder = tempfile::tempdir().unwrap();
    let said = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = fourauthd(&folder, arguments);
        command.envs(variables.iter().copied());
        let (is_done, text) = run(&mut command);
        assert!(is_done, "{text}");
        text
    };
    let defaults = said(&["config", "show"], &[]);
    assert!(defaults.contains("face.challenge = \"recovery\""), "{defaults}");
    assert!(!defaults.contains("at most 5"), "{defaults}");
    assert!(!said(&["config", "check"], &[]).contains("warning"), "the control");

    let weak = [("FOURAUTH__FACE__LIVENESS", "false"), ("FOURAUTH__FACE__PACK", "nope")];
    let shown = said(&["config", "show"], &weak);
    assert!(shown.contains("at most 5, because face.liveness is off"), "{shown}");
    let checked = said(&["config", "check"], &weak);
    for words in ["face.liveness is off", "face.pack is nope"] {
        assert!(checked.contains(words), "{checked}");
    }
}

#[test]
fn no_error_about_a_setting_quotes_its_value() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("postgres://fourauth:{CANARY}@localhost/fourauth");
    for line in [
        format!("[store]\nurl = {url}\n"),
        format!("[store]\nurl = \"{url}\nmax_mib = 0\n"),
        format!("[store]\nmax_mib = \"{url}\"\n"),
        format!("[auth]\nprofile = \"{url}\"\n"),
        format!("[store]\nurl = \"mysql://u:{CANARY}@h/d\"\n"),
        format!("[store]\nurl = \"{url}?pasword={CANARY}\"\n"),
        format!("[audit]\ncheckpoint_sinks = [\"http://u:{CANARY}@h/\"]\n"),
    ] {
        fs::write(folder.path().join("f.toml"), &line).unwrap();
        let (done, text) = run(&mut fourauthd(&folder, &["--config", "f.toml", "config", "check"]));
        assert!(!done && !text.contains(CANARY), "{line}\n{text}");
    }
    let (done, text) =
        run(fourauthd(&folder, &["config", "check"]).env("FOURAUTH__STORE__URL_FILE", &url));
    assert!(!done && !text.contains(CANARY), "{text}");
    assert!(text.contains("FOURAUTH__STORE__URL_FILE"), "{text}");
}

#[test]
fn a_database_on_another_host_needs_verified_tls() {
    let folder = tempfile::tempdir().unwrap();
    let other = "postgres://u:Tr0ub4dor@db.example.org/d";
    let check = |url: &str, variables: &[(&str, &str)]| {
        let mut command = fourauthd(&folder, &["config", "check"]);
        run(command.env("FOURAUTH__STORE__URL", url).envs(variables.iter().copied()))
    };
    for (url, variables) in [
        (other, [].as_slice()),
        ("postgres://u@db.example.org/d?sslmode=require", &[]),
        ("postgres://u@db.example.org/d?ssl-mode=verify-ca", &[]),
        (other, &[("PGSSLMODE", "require")]),
        ("postgres:///d", &[("PGHOST", "db.example.org")]),
        ("postgres:///d", &[("PGHOSTADDR", "192.0.2.7")]),
    ] {
        let (done, text) = check(url, variables);
        assert!(!done && text.contains("sslmode=verify-full"), "{url} {variables:?}\n{text}");
        assert!(text.contains("store.url") && !text.contains("Tr0ub4dor"), "{text}");
    }
    for (url, variables) in [
        ("postgres://u@db.example.org/d?sslmode=verify-full", [].as_slice()),
        (other, &[("PGSSLMODE", "verify-full")]),
        ("postgres://u@localhost/d", &[]),
        ("postgres:///d", &[("PGHOST", "/var/run/postgresql")]),
    ] {
        let (done, text) = check(url, variables);
        assert!(done, "{url} {variables:?}\n{text}");
    }
    let mut serve = fourauthd(&folder, &[]);
    let (done, text) = run(serve.env("FOURAUTH__STORE__URL", other));
    assert!(!done && text.contains("sslmode=verify-full"), "{text}");
}

#[test]
fn a_deadline_of_zero_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for key in [
        "LIMITS__HANDSHAKE_S",
        "LIMITS__FIRST_FRAME_S",
        "LIMITS__IDLE_S",
        "LIMITS__ANSWER_S",
        "LIMITS__SHUTDOWN_S",
        "LIMITS__MIN_BYTES_PER_S",
        "LIMITS__IN_FLIGHT_MIB",
        "COMPUTE__DEADLINE_MS",
        "AUTH__SESSION_S",
    ] {
        for value in ["0", "4294967295"] {
            let mut check = fourauthd(&folder, &["config", "check"]);
            let (done, text) = run(check.env(format!("FOURAUTH__{key}"), value));
            let name = key.to_lowercase().replace("__", ".");
            assert!(!done && text.contains(&name), "{key}={value}\n{text}");
        }
    }
}

#[test]
fn more_failures_than_nist_allows_cause_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let mut check = fourauthd(&folder, &["config", "check"]);
    let (done, text) = run(check.env("FOURAUTH__ATTEMPTS__UNKNOWN_DEVICE", "71"));
    assert!(done && text.contains("warning") && text.contains("800-63B"), "{text}");
}

#[test]
fn a_command_without_a_server_says_what_to_do() {
    for task in ["keys", "verify"] {
        let folder = tempfile::tempdir().unwrap();
        let (done, text) = run(&mut fourauthd(&folder, &["audit", task]));
        assert!(!done && text.contains("no server has run here yet"), "{text}");
        assert!(!text.contains("restore"), "{text}");
    }
}

#[test]
fn npm_gets_only_the_variables_it_needs() {
    let folder = tempfile::tempdir().unwrap();
    let (npm, seen) = (folder.path().join("npm"), folder.path().join("seen"));
    fs::write(&npm, format!("#!/bin/sh\n/usr/bin/env > {}\nexit 1\n", seen.display())).unwrap();
    fs::set_permissions(&npm, Permissions::from_mode(0o755)).unwrap();
    let mut install = fourauthd(&folder, &["models", "install"]);
    let (done, _) = run(install
        .env("FOURAUTH__FACE__PACKS_DIR", folder.path().join("packs"))
        .env("FOURAUTH__STORE__URL", format!("postgres://u:{CANARY}@localhost/d"))
        .env("PGPASSWORD", CANARY)
        .env("CI_TOKEN", CANARY)
        .env("HOME", "/nonexistent")
        .env("https_proxy", "http://proxy.example.org:3128")
        .env("PATH", folder.path()));
    let seen = fs::read_to_string(seen).unwrap();
    assert!(!done && !seen.contains(CANARY) && !seen.contains("FOURAUTH"), "{seen}");
    for kept in ["PATH=", "HOME=/nonexistent", "https_proxy=http://proxy.example.org:3128"] {
        assert!(seen.contains(kept), "{kept}\n{seen}");
    }
}

#[test]
fn a_start_reports_that_the_previous_run_was_killed() {
    let folder = tempfile::tempdir().unwrap();
    start_and_kill(&folder);
    start_and_kill(&folder);
    let (done, text) = run(&mut fourauthd(&folder, &["audit", "--action", "server_start"]));
    assert!(done && text.contains("did not stop in order"), "{text}");
    let (done, text) = run(&mut fourauthd(&folder, &["audit", "--action", "server_stop"]));
    assert!(done && !text.contains("Stopped"), "{text}");
}

#[test]
fn no_command_opens_a_database_that_others_can_read() {
    let folder = tempfile::tempdir().unwrap();
    start_and_kill(&folder);
    let data = folder.path().join("data");
    for name in ["fourauth.db", "fourauth.db-wal", "keyring.toml", "tls/key.pem"] {
        let path = data.join(name);
        assert!(path.exists(), "{name}");
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        let (done, text) = run(&mut fourauthd(&folder, &["user", "list"]));
        assert!(!done && text.contains(name) && text.contains("chmod 600"), "{name}: {text}");
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    }
    let (done, text) = run(&mut fourauthd(&folder, &["user", "list"]));
    assert!(done, "{text}");
}

#[test]
fn a_data_folder_may_have_any_name() {
    let to = "age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa";
    for name in ["a ?b=c#d%20e '; --", "file:x?mode=memory", "what?"] {
        let folder = tempfile::tempdir().unwrap();
        let odd = |arguments: &[&str]| {
            let mut command = fourauthd(&folder, arguments);
            command.env("FOURAUTH__DATA_DIR", name);
            command
        };
        serve(&mut odd(&[]), |address| {
            for arguments in [
                &["healthcheck"][..],
                &["config", "check"],
                &["user", "list"],
                &["admin", "add", "margaret"],
                &["audit", "verify"],
                &["backup", "create", "one.age", "--recipient", to],
            ] {
                let (done, said) = run(odd(arguments).env("FOURAUTH__LISTEN", address));
                assert!(done, "{name} {arguments:?}: {said}");
            }
        });
        assert!(folder.path().join(name).join("fourauth.db").exists(), "{name}");
        let url = format!("sqlite:{name}/fourauth.db");
        let (done, said) = run(odd(&["admin", "list"]).env("FOURAUTH__STORE__URL", url));
        assert!(done && said.contains("margaret"), "{name}: {said}");
        let entries = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(entries, 2, "{name}: the data folder and the backup, and nothing else");
    }
}

#[test]
fn a_start_says_which_folder_is_used_and_if_it_is_new() {
    let folder = tempfile::tempdir().unwrap();
    let here = |arguments: &[&str]| {
        let mut command = fourauthd(&folder, arguments);
        command.env("FOURAUTH__DATA_DIR", "data");
        command
    };
    let absolute = folder.path().canonicalize().unwrap().join("data");
    let absolute = absolute.to_str().unwrap();
    let (_, said) = run(&mut here(&["user", "list"]));
    assert!(said.contains(absolute) && said.contains("start `fourauthd` once"), "{said}");
    for words in ["a new installation begins", "the installation in this data folder goes on"] {
        let log = serve(&mut here(&[]), |_| {});
        assert!(log.contains(words) && log.contains(absolute), "{log}");
    }
}

#[test]
fn a_variable_names_the_configuration_of_every_command() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("one.toml"), "\u{feff}[auth]\nissuer = 'One'\n").unwrap();
    fs::write(folder.path().join("two.toml"), "[auth]\nissuer = 'Two'\n").unwrap();
    let shown = |variable: &str, arguments: &[&str]| {
        let show = [arguments, &["config", "show"]].concat();
        run(fourauthd(&folder, &show).env("FOURAUTH_CONFIG", variable)).1
    };
    assert!(shown("one.toml", &[]).contains("auth.issuer = \"One\""));
    assert!(shown("one.toml", &["--config", "two.toml"]).contains("auth.issuer = \"Two\""));
    assert!(shown("", &[]).contains("auth.issuer = \"4Auth-Authentication\""));
    // Every command reads it, and says which file and which variable.
    for command in [
        &["user", "list"][..],
        &["healthcheck"],
        &["models", "list"],
        &["audit", "verify"],
        &["backup", "verify", "x", "--identity", "i"],
        &[],
    ] {
        let ran = run(fourauthd(&folder, command).env("FOURAUTH_CONFIG", "missing.toml"));
        let (done, said) = ran;
        assert!(!done && said.contains("FOURAUTH_CONFIG: cannot read missing.toml"), "{said}");
    }
}

#[test]
fn an_issuer_without_room_in_a_qr_code_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (issuer, is_accepted) in [("田".repeat(40), true), ("田".repeat(256), false)] {
        let mut command = fourauthd(&folder, &["config", "check"]);
        let (done, said) = run(command.env("FOURAUTH__AUTH__ISSUER", issuer));
        assert_eq!(done, is_accepted, "{said}");
        assert!(done || said.contains("auth.issuer") && said.contains("QR code"), "{said}");
    }
}
