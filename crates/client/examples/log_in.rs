//! Logs in. The password is the first line of standard input.
//!
//! ```sh
//! cargo run --example log_in -- 127.0.0.1:65432 "$(cat fourauthd.pin)" alice 287082 me.jpg MAC
//! ```

#![expect(clippy::print_stdout, reason = "an example stays short")]

use fourauth_client::{
    Client, Error, Fingerprint, Outcome, ServerAddress, Trust,
    protocol::{
        command::Login, mac_address::MacAddress, one_time_code::OneTimeCode, picture::Picture,
        printable::printable, time::UnixMillis, username::Username,
    },
};
use std::{env, fs, io, time::SystemTime};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [server, pin, username, code, picture, mac] = arguments.as_slice() else {
        return Err("give SERVER FINGERPRINT USERNAME CODE PICTURE MAC".into());
    };
    let mut password = String::new();
    io::stdin().read_line(&mut password)?;

    let client = Client::new(ServerAddress::parse(server)?, Trust::Pin(Fingerprint::parse(pin)?));
    let login = Login::new(Username::parse(username)?, password.trim_end().to_owned())
        .code(OneTimeCode::parse(code)?)
        .pictures([Picture::new(fs::read(picture)?)])
        .device(MacAddress::parse(mac)?)
        .sent_at(now()?);
    println!("{}", log_in(&client, login).await?);
    Ok(())
}

/// Logs in and says how it ended. An answer that was lost is an error, not a denial.
pub(crate) async fn log_in(client: &Client, login: Login) -> Result<String, Error> {
    Ok(match client.ready().await?.login(login).await? {
        Outcome::Granted(session) => match session.expires_at {
            Some(end) => format!("logged in until {end}"),
            None => "logged in".to_owned(),
        },
        Outcome::Refused(refusal) => match refusal.retry_after {
            Some(wait) => format!("{} Wait {} s.", printable(&refusal.message), wait.as_secs()),
            None => printable(&refusal.message),
        },
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "the server compares its clock with that of a client"
)]
fn now() -> Result<UnixMillis, Box<dyn std::error::Error>> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    Ok(UnixMillis(since.as_millis().try_into()?))
}
