//! Registers an account, as an administrator. The administrator's secret is the first line of
//! standard input, the first password of the account is the second.
//!
//! ```sh
//! cargo run --example register -- 127.0.0.1:65432 "$(cat fourauthd.pin)" alice MAC 1.jpg 2.jpg
//! ```

#![expect(clippy::print_stdout, reason = "an example stays short")]

use fourauth_client::{
    Client, Error, Fingerprint, Outcome, Refusal, Registered, ServerAddress, Trust,
    protocol::{
        command::Register, mac_address::MacAddress, picture::Picture, printable::printable,
        username::Username,
    },
};
use std::{env, fs, io};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [server, pin, username, mac, pictures @ ..] = arguments.as_slice() else {
        return Err("give SERVER FINGERPRINT USERNAME MAC PICTURE…".into());
    };
    let mut lines = io::stdin().lines();
    let mut line = || lines.next().unwrap_or_else(|| Err(io::ErrorKind::UnexpectedEof.into()));
    let (admin_secret, password) = (line()?, line()?);
    let pictures: Vec<Vec<u8>> = pictures.iter().map(fs::read).collect::<Result<_, _>>()?;

    let client = Client::new(ServerAddress::parse(server)?, Trust::Pin(Fingerprint::parse(pin)?));
    let register = Register::new(admin_secret, Username::parse(username)?, password)
        .device(MacAddress::parse(mac)?)
        .pictures(pictures.into_iter().map(Picture::new));
    match register_account(&client, register).await? {
        Ok(registered) => show(&registered),
        Err(refusal) => println!("{}", printable(&refusal.message)),
    }
    Ok(())
}

/// Registers an account. What it returns is shown once: the server cannot show it again.
pub(crate) async fn register_account(
    client: &Client,
    register: Register,
) -> Result<Result<Registered, Refusal>, Error> {
    Ok(match client.ready().await?.register(register).await? {
        Outcome::Granted(registered) => Ok(registered),
        Outcome::Refused(refusal) => Err(refusal),
    })
}

fn show(registered: &Registered) {
    println!("authenticator: {}", printable(registered.authenticator.provisioning_uri.expose()));
    for code in &registered.recovery_codes {
        println!("recovery code: {}", printable(code.expose()));
    }
}
