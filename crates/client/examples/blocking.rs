//! Logs in without an async runtime. The password is the first line of standard input.
//!
//! ```sh
//! cargo run --example blocking --features blocking -- \
//!     127.0.0.1:65432 "$(cat fourauthd.pin)" alice 287082 me.jpg MAC
//! ```

#![expect(clippy::print_stdout, reason = "an example stays short")]

use fourauth_client::{
    Error, Fingerprint, Outcome, ServerAddress, Trust,
    blocking::Client,
    protocol::{
        command::{ListDevices, Login},
        mac_address::MacAddress,
        one_time_code::OneTimeCode,
        picture::Picture,
        printable::printable,
        time::UnixMillis,
        username::Username,
    },
};
use std::{env, fs, io, time::SystemTime};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [server, pin, username, code, picture, mac] = arguments.as_slice() else {
        return Err("give SERVER FINGERPRINT USERNAME CODE PICTURE MAC".into());
    };
    let mut password = String::new();
    io::stdin().read_line(&mut password)?;

    let client = Client::new(ServerAddress::parse(server)?, Trust::Pin(Fingerprint::parse(pin)?))?;
    let login = Login::new(Username::parse(username)?, password.trim_end().to_owned())
        .code(OneTimeCode::parse(code)?)
        .pictures([Picture::new(fs::read(picture)?)])
        .device(MacAddress::parse(mac)?)
        .sent_at(now()?);
    for line in visit(&client, login)? {
        println!("{}", printable(&line));
    }
    Ok(())
}

/// Logs in, and lists the devices of the account if the server issued a token.
pub(crate) fn visit(client: &Client, login: Login) -> Result<Vec<String>, Error> {
    let session = match client.login(login)? {
        Outcome::Granted(session) => session,
        Outcome::Refused(refusal) => return Ok(vec![refusal.message]),
    };
    let mut lines = vec!["logged in".to_owned()];
    if let Some(token) = session.token
        && let Some(devices) = client.list_devices(ListDevices::new(token))?.granted()
    {
        lines.extend(devices.into_iter().map(|device| format!("device {}", device.name)));
    }
    Ok(lines)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the server compares its clock with that of a client"
)]
fn now() -> Result<UnixMillis, Box<dyn std::error::Error>> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    Ok(UnixMillis(since.as_millis().try_into()?))
}
