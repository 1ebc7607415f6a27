//! `/account/devices/revoke`: revokes a device, with the password, a one-time code and the key of this browser (224).

use super::{devices, to_sign_in};
use crate::{
    call::Call,
    compat::Digits,
    cookies::Cookie,
    portal::{
        Session, complaint,
        done::done,
        fault::Fault,
        page::{Camera, page},
        see,
        sign_in::{hello, proof_of, refused, send},
        words::Words,
    },
    problem::Problem,
    query::{self, Kind, Parameter},
    route::Outcome,
    status,
};
use askama::Template;
use fourauth_protocol::{
    answer::{Answer, DeviceRow},
    command::{Command, ListSessions, RevokeDevice},
    device::DeviceName,
    one_time_code::OneTimeCode,
    secret::Secret,
};
use hyper::StatusCode;
use serde::Deserialize;

static PARAMETERS: [Parameter; 1] = [Parameter { name: "device", kind: Kind::Text }];

#[derive(Deserialize)]
struct RevokeForm {
    #[serde(default)]
    device: String,
    #[serde(default)]
    password: Secret<String>,
    #[serde(default)]
    otp: Digits,
    /// The proof of this browser, which a script adds.
    #[serde(default)]
    proof: String,
}

#[derive(Template)]
#[template(path = "account_revoke.html")]
struct RevokePage<'a> {
    words: Words<'a>,
    complaint: Option<String>,
    fault: Fault,
    username: &'a str,
    device: &'a str,
    nonce: &'a str,
    /// The keys of what the person should know before.
    warnings: Vec<&'static str>,
}

/// The page about one device, again after a refusal.
struct Visit<'a> {
    call: &'a Call,
    session: Session,
    device: DeviceName,
}

pub(in crate::portal) async fn form(call: Call) -> Outcome {
    let values = query::read(call.query.as_deref(), &PARAMETERS)?;
    let Some(session) = Session::of(&call).await? else { return Ok(to_sign_in()) };
    let Ok(device) = DeviceName::parse(query::text(&values, "device")) else {
        return Ok(see("/account"));
    };
    let visit = Visit { call: &call, session, device };
    visit.page(StatusCode::OK, None, Fault::default()).await
}

pub(in crate::portal) async fn revoke(call: Call) -> Outcome {
    call.check_origin()?;
    let RevokeForm { device, password, otp, proof } = call.read()?;
    let Some(session) = Session::of(&call).await? else { return Ok(to_sign_in()) };
    let Ok(device) = DeviceName::parse(&device) else { return Ok(see("/account")) };
    let words = call.words()?;
    let visit = Visit { call: &call, session, device };
    if password.expose().is_empty() {
        let fault = Fault::at("password", words.say("fault-password"));
        return visit.page(StatusCode::BAD_REQUEST, None, fault).await;
    }
    let username = visit.session.body.username.clone().ok_or_else(Problem::incomplete)?;
    let mut revoke = RevokeDevice::new(username, password, visit.device.clone());
    revoke.totp = OneTimeCode::parse(otp.without_spaces().expose()).ok();
    let answer = send(&call, proof_of(&proof), Command::RevokeDevice(revoke)).await?;
    if !answer.is_ok() {
        return visit.refused(&answer, &words).await;
    }
    let mut response = done(words, "revoke-title", "revoke-done")?;
    Cookie::Session.clear(&mut response);
    Ok(response)
}

impl Visit<'_> {
    async fn refused(&self, answer: &Answer, words: &Words<'_>) -> Outcome {
        let (complaint, fault) = complaint::of_proof(answer, words);
        let page = self.page(status::of(answer.code), complaint, fault).await?;
        Ok(refused(answer, page))
    }

    /// What the person should know before: that the device is the only one, or that it is this browser.
    async fn warnings(&self) -> Result<Vec<&'static str>, Problem> {
        let own = devices(self.call, &self.session).await?;
        let devices = own.map(|own| own.bound).unwrap_or_default();
        let names = |row: &DeviceRow| row.name == self.device.as_str();
        let is_only = devices.len() == 1 && devices.iter().all(names);
        let list = Command::ListSessions(ListSessions::new(self.session.token.clone()));
        let sessions = self.call.send(list).await?.body.sessions.unwrap_or_default();
        let current = sessions.into_iter().find(|row| row.current).and_then(|row| row.device);
        let is_this = current.as_deref() == Some(self.device.as_str());
        let warnings = [(is_only, "revoke-only"), (is_this, "revoke-this")];
        Ok(warnings.into_iter().filter_map(|(is_so, key)| is_so.then_some(key)).collect())
    }

    async fn page(&self, status: StatusCode, complaint: Option<String>, fault: Fault) -> Outcome {
        let nonce = hello(self.call).await?.and_then(|server| server.device_nonce);
        let username = self.session.body.username.as_ref().ok_or_else(Problem::incomplete)?;
        let warnings = self.warnings().await?;
        let revoke = RevokePage {
            words: self.call.words()?,
            complaint,
            fault,
            username: username.as_str(),
            device: self.device.as_str(),
            nonce: nonce.as_deref().unwrap_or_default(),
            warnings,
        };
        let mut response = page(status, &revoke, Camera::Forbidden)?;
        self.session.keep(&mut response);
        Ok(response)
    }
}
