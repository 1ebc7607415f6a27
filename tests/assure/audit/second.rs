//! The second verifier: plain Python, written from docs/AUDIT.md alone. One process verifies all
//! logs.

use super::life::Log;
use anyhow::{Context as _, ensure};
use fourauth_audit_verify::{Report, Unreadable};
use fourauth_tests::python;
use serde_json::{Value, json};
use std::{collections::BTreeMap, path::Path, process::Stdio};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

/// The parts of a verifier's report that both verifiers must agree on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) exit: u8,
    pub(super) rows: u64,
    root: Option<String>,
    /// Number of findings of each kind.
    counts: Value,
    /// Each listed finding with its row, position and size, and how often it is listed.
    findings: BTreeMap<[String; 5], u32>,
}

impl Verdict {
    pub(super) fn of(report: &Result<Report, Unreadable>) -> Self {
        match report {
            Ok(report) => {
                let told = serde_json::to_value(report).unwrap_or_default();
                Self::told(&told, report.exit_code())
            }
            Err(_) => Self::told(&Value::Null, 2),
        }
    }

    fn told(report: &Value, exit: u8) -> Self {
        let mut findings = BTreeMap::new();
        for finding in report["findings"].as_array().into_iter().flatten() {
            let key = ["finding", "row", "position", "size", "line"]
                .map(|name| finding[name].to_string());
            *findings.entry(key).or_default() += 1;
        }
        let root = report["root"].as_str().map(str::to_owned);
        let (rows, counts) = (report["rows"].as_u64().unwrap_or(0), report["counts"].clone());
        Self { exit, rows, root, counts, findings }
    }
}

pub(super) struct Second {
    _process: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Second {
    pub(super) fn start() -> anyhow::Result<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/audit_verify.py");
        let mut process = Command::from(python::command())
            .arg(script)
            .arg("--batch")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("cannot run python3; it needs the package `cryptography`")?;
        let input = process.stdin.take().context("python3 has no input pipe")?;
        let output =
            BufReader::new(process.stdout.take().context("python3 has no output pipe")?).lines();
        Ok(Self { _process: process, input, output })
    }

    /// The verdict of the Python verifier on a log.
    pub(super) async fn verify(&mut self, log: &Log) -> anyhow::Result<Verdict> {
        let options = log.options();
        let mut arguments =
            vec![format!("--key={}", options.key), log.database().display().to_string()];
        let keys = options.epoch_keys.iter();
        arguments.extend(keys.map(|key| format!("--epoch-key={}", *key.expose_hex())));
        let files = options.checkpoints.iter();
        arguments.extend(files.map(|file| format!("--checkpoints={}", file.display())));
        arguments.extend(options.accepted.iter().map(|size| format!("--accept-rollback={size}")));
        arguments.extend(options.erasures.iter().map(|row| format!("--accept-erasure={row}")));
        arguments.extend(options.signed_erasures.then(|| "--accept-signed-erasures".to_owned()));
        arguments.extend(options.clock_steps.iter().map(|size| format!("--accept-clock={size}")));
        let late = options.late.iter();
        arguments.extend(late.map(|rows| format!("--accept-late={}-{}", rows.start(), rows.end())));
        self.input.write_all(format!("{}\n", json!(arguments)).as_bytes()).await?;
        self.input.flush().await?;
        let line = self.output.next_line().await?.context("python3 has ended")?;
        let report: Value = serde_json::from_str(&line)?;
        let exit = report["exit"].as_u64().and_then(|exit| exit.try_into().ok());
        ensure!(exit != Some(2) || report["error"].is_string(), "python3 gave no reason: {line}");
        Ok(Verdict::told(&report, exit.context("python3 gave no exit code")?))
    }
}
