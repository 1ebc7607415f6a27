//! Receipts: saves them after a login, and verifies them.

use crate::{
    args::{Options, Output, VerifyArgs},
    entropy,
    environment::Environment,
    exit::Exit,
    failure::Failure,
};
use fourauth_client::ReceiptVerifier;
use fourauth_private_file as private_file;
use fourauth_protocol::{
    answer::Answer,
    printable::{PrintableJson, printable},
    receipt::{MAX_BYTES, Receipt},
};
use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};
use zeroize::Zeroizing;

/// Writes the receipt of a granted login to a private file, replacing an older one. Does nothing
/// without a file.
pub(crate) fn keep(answer: &Answer, file: Option<&Path>) -> Result<(), Failure> {
    let Some(path) = file.filter(|_| answer.is_ok()) else { return Ok(()) };
    let Some(receipt) = &answer.body.receipt else { return Err(Failure::NoReceipt) };
    replace(path, receipt.expose())
        .map_err(|reason| Failure::ReceiptFile { path: path.to_owned(), reason })
}

fn replace(path: &Path, receipt: &str) -> io::Result<()> {
    let line = Zeroizing::new(format!("{receipt}\n"));
    private_file::replace_own(path, line.as_bytes(), entropy::suffix()?)
}

/// Verifies a receipt and prints its claims. Contacts no server.
pub(crate) fn verify(
    args: &VerifyArgs,
    options: &Options,
    environment: &mut Environment<'_>,
) -> Result<Exit, Failure> {
    let text = read(&args.file, environment)
        .map_err(|reason| Failure::ReceiptFile { path: args.file.clone(), reason })?;
    let now = options.timestamp.unwrap_or_else(environment.now);
    let mut verifier = ReceiptVerifier::new(args.key, &args.issuer);
    if let Some(audience) = &args.audience {
        verifier = verifier.for_audience(audience.clone());
    }
    let receipt = verifier.verify(text.trim(), now)?;
    match options.output {
        Output::Json => {
            let json = serde_json::to_string(&receipt).map_err(io::Error::other)?;
            writeln!(environment.output, "{}", PrintableJson(&json))?;
        }
        Output::Text => print(&receipt, environment.output)?,
    }
    environment.output.flush()?;
    Ok(Exit::Ok)
}

/// Reads up to twice the length of the longest receipt, so that the verifier sees a longer one.
fn read(path: &Path, environment: &mut Environment<'_>) -> io::Result<String> {
    let mut text = Vec::new();
    let limit = 2 * MAX_BYTES as u64;
    if path == Path::new("-") {
        environment.input.take(limit).read_to_end(&mut text)?;
    } else {
        File::open(path)?.take(limit).read_to_end(&mut text)?;
    }
    // The verifier refuses text that is not UTF-8.
    Ok(String::from_utf8_lossy(fourauth_text_file::unmarked_bytes(&text)).into_owned())
}

fn print(receipt: &Receipt, out: &mut dyn io::Write) -> io::Result<()> {
    let Receipt { username, account, issuer, device, time, .. } = receipt;
    let methods = serde_json::to_value(&receipt.methods).map_err(io::Error::other)?;
    let methods: Vec<&str> =
        methods.as_array().into_iter().flatten().filter_map(serde_json::Value::as_str).collect();
    let key = device.key_id.map_or_else(|| "no key".to_owned(), |key| format!("key {key}"));
    let error = time.error_ms.map_or_else(|| "?".to_owned(), |error| format!("{error} ms"));
    writeln!(out, "The receipt is valid.")?;
    writeln!(out, "User:     {} (account {})", printable(username.as_str()), printable(account))?;
    writeln!(out, "Issuer:   {}", printable(issuer))?;
    if let Some(audience) = &receipt.audience {
        writeln!(out, "Audience: {}", printable(audience.as_str()))?;
    }
    writeln!(out, "Login:    {}, valid until {}", receipt.issued_at, receipt.expires_at)?;
    writeln!(out, "Methods:  {}", methods.join(", "))?;
    writeln!(out, "Device:   {}, {key}", device.mac)?;
    writeln!(out, "Clock:    {} ({error})", printable(time.state.as_str()))?;
    writeln!(out, "Request:  {}", receipt.request_id)?;
    writeln!(out, "Audit:    row {}, in a tree of {}", receipt.row, receipt.tree_size)?;
    writeln!(out, "Session:  {}", receipt.session)
}
