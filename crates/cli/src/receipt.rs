//! Receipts: kept after a login, and verified wherever they are shown.

use crate::{
    args::{Options, Output, Shown},
    exit::Exit,
    failure::Failure,
    world::World,
};
use fourauth_client::ReceiptVerifier;
use fourauth_protocol::{
    answer::Answer,
    printable::{PrintableJson, printable},
    receipt::{MAX_BYTES, Receipt},
};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write as _},
    path::Path,
};

/// Writes the receipt of a login that was granted to a file of its owner, in the place of an older
/// one. Nothing is done if none is wanted.
pub(crate) fn keep(answer: &Answer, file: Option<&Path>) -> Result<(), Failure> {
    let Some(path) = file.filter(|_| answer.is_ok()) else { return Ok(()) };
    let Some(receipt) = &answer.gains.receipt else { return Err(Failure::NoReceipt) };
    replace(path, receipt.expose())
        .map_err(|reason| Failure::ReceiptFile { path: path.to_owned(), reason })
}

fn replace(path: &Path, receipt: &str) -> io::Result<()> {
    let beside = path.with_extension("receipt.new");
    // What an interrupted login has left is of no use to anybody.
    let _none = fs::remove_file(&beside);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    writeln!(options.open(&beside)?, "{receipt}")?;
    fs::rename(beside, path)
}

/// Says whether a receipt holds, and what it says. No server is asked.
pub(crate) fn verify(
    shown: &Shown,
    options: &Options,
    world: &mut World<'_>,
) -> Result<Exit, Failure> {
    let text = read(&shown.file, world)
        .map_err(|reason| Failure::ReceiptFile { path: shown.file.clone(), reason })?;
    let now = options.timestamp.unwrap_or_else(world.now);
    let mut verifier = ReceiptVerifier::new(shown.key, &shown.issuer);
    if let Some(audience) = &shown.audience {
        verifier = verifier.for_audience(audience.clone());
    }
    let receipt = verifier.verify(text.trim(), now)?;
    match options.output {
        Output::Json => {
            let json = serde_json::to_string(&receipt).map_err(io::Error::other)?;
            writeln!(world.output, "{}", PrintableJson(&json))?;
        }
        Output::Text => print(&receipt, world.output)?,
    }
    world.output.flush()?;
    Ok(Exit::Ok)
}

/// A little more than any receipt has, so that one which is too long is seen to be so.
fn read(path: &Path, world: &mut World<'_>) -> io::Result<String> {
    let mut text = Vec::new();
    let limit = 2 * MAX_BYTES as u64;
    if path == Path::new("-") {
        world.input.take(limit).read_to_end(&mut text)?;
    } else {
        File::open(path)?.take(limit).read_to_end(&mut text)?;
    }
    // What is not UTF-8 is no receipt, which the verifier says.
    Ok(String::from_utf8_lossy(&text).into_owned())
}

fn print(receipt: &Receipt, out: &mut dyn io::Write) -> io::Result<()> {
    let Receipt { username, account, issuer, device, time, .. } = receipt;
    let methods = serde_json::to_value(&receipt.methods).map_err(io::Error::other)?;
    let methods: Vec<&str> =
        methods.as_array().into_iter().flatten().filter_map(serde_json::Value::as_str).collect();
    let key = device.key_id.map_or_else(|| "no key".to_owned(), |key| format!("key {key}"));
    let error = time.error_ms.map_or_else(|| "?".to_owned(), |error| format!("{error} ms"));
    writeln!(out, "The receipt holds.")?;
    writeln!(out, "Who:      {} (account {})", printable(username.as_str()), printable(account))?;
    writeln!(out, "Says:     {}", printable(issuer))?;
    if let Some(audience) = &receipt.audience {
        writeln!(out, "For:      {}", printable(audience.as_str()))?;
    }
    writeln!(out, "When:     {}, valid until {}", receipt.issued_at, receipt.expires_at)?;
    writeln!(out, "Proved:   {}", methods.join(", "))?;
    writeln!(out, "Device:   {}, {key}", device.mac)?;
    writeln!(out, "Clock:    {} ({error})", printable(&time.state))?;
    writeln!(out, "Request:  {}", receipt.request_id)?;
    writeln!(out, "Audit:    row {}, in a tree of {}", receipt.row, receipt.tree_size)?;
    writeln!(out, "Session:  {}", receipt.session)
}
