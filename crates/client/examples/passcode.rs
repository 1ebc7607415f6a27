//! Logs in with a passcode that the server sends by mail or as a text message, and checks and ends the
//! session. The password is the first line of standard input, and the passcode the second.
//!
//! ```sh
//! cargo run --example passcode -- 127.0.0.1:65432 "$(cat fourauthd.pin)" alice@example.org
//! ```

#![expect(clippy::print_stdout, reason = "an example stays short")]

use fourauth_client::{
    Client, Error, Fingerprint, LoggedIn, Outcome, Refusal, ServerAddress, Session, Trust,
    protocol::{
        command::{Identifier, RedeemPasscode, RequestPasscode},
        contact::Email,
        passcode::Passcode,
        printable::printable,
        secret::Secret,
    },
};
use std::{env, io};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [server, pin, email] = arguments.as_slice() else {
        return Err("give SERVER FINGERPRINT EMAIL".into());
    };
    let client = Client::new(ServerAddress::parse(server)?, Trust::Pin(Fingerprint::parse(pin)?));
    let account = Identifier::from(Email::parse(email)?);
    let password = line()?;

    let request = RequestPasscode::new(account.clone(), password.clone());
    if let Some(refusal) = client.ready().await?.request_passcode(request).await?.refused() {
        return Err(printable(&refusal.message).into());
    }
    println!("a passcode was sent; type it");
    let passcode = Passcode::parse(line()?.expose())?;
    let redeem = RedeemPasscode::new(account, password, passcode);
    for line in visit(&client, redeem).await? {
        println!("{}", printable(&line));
    }
    Ok(())
}

fn line() -> io::Result<Secret<String>> {
    let mut text = String::new();
    io::stdin().read_line(&mut text)?;
    Ok(Secret::new(text.trim_end().to_owned()))
}

/// Redeems a passcode, asks the server for the account of the session, and ends it.
pub(crate) async fn visit(client: &Client, redeem: RedeemPasscode) -> Result<Vec<String>, Error> {
    let account = redeem.account.username().cloned();
    let mac = redeem.mac;
    let token = match client.ready().await?.redeem_passcode(redeem).await? {
        Outcome::Granted(LoggedIn { token: Some(token), .. }) => token,
        Outcome::Granted(_) => return Ok(vec!["the server gives no tokens".to_owned()]),
        Outcome::Refused(refusal) => return Ok(vec![refused(&refusal)]),
    };
    // The session takes over the new token when the server renews it.
    let mut session = Session::with_token(client.clone(), account, mac, token);
    let mut lines = vec![match session.authorise(None).await? {
        Outcome::Granted(valid) => format!("logged in as {}", valid.username),
        Outcome::Refused(refusal) => refused(&refusal),
    }];
    if session.end().await?.is_granted() {
        lines.push("logged out".to_owned());
    }
    Ok(lines)
}

fn refused(refusal: &Refusal) -> String {
    match refusal.retry_after {
        Some(wait) => format!("{} Wait {} s.", refusal.message, wait.as_secs()),
        None => refusal.message.clone(),
    }
}
