//! Verifies the receipt of a login, without a connection to the server. The receipt is the first
//! line of standard input.
//!
//! ```sh
//! cargo run --example verify_receipt -- ed25519:… 4Auth-Authentication door < receipt
//! ```

#![expect(clippy::print_stdout, reason = "an example stays short")]

use fourauth_client::{
    ReceiptError, ReceiptVerifier,
    protocol::{
        audience::Audience,
        receipt::{Method, VerifyingKey},
        time::UnixMillis,
    },
};
use std::{env, io, time::SystemTime};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [key, issuer, audience] = arguments.as_slice() else {
        return Err("give KEY ISSUER AUDIENCE".into());
    };
    let mut receipt = String::new();
    io::stdin().read_line(&mut receipt)?;

    let verifier = ReceiptVerifier::new(VerifyingKey::parse(key)?, issuer.as_str())
        .for_audience(Audience::parse(audience)?);
    println!("{}", visitor(&verifier, receipt.trim(), now()?)?);
    Ok(())
}

/// The user that the receipt is about, and whether their face was seen.
pub(crate) fn visitor(
    verifier: &ReceiptVerifier,
    receipt: &str,
    now: UnixMillis,
) -> Result<String, ReceiptError> {
    let receipt = verifier.verify(receipt, now)?;
    let seen = if receipt.methods.contains(&Method::Face) { "seen" } else { "not seen" };
    Ok(format!("{} until {}, face {seen}", receipt.username, receipt.expires_at))
}

#[expect(clippy::disallowed_methods, reason = "a receipt is valid until a time")]
fn now() -> Result<UnixMillis, Box<dyn std::error::Error>> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    Ok(UnixMillis(since.as_millis().try_into()?))
}
