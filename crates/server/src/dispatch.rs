//! From a command to the method that decides it.

use crate::reply::Reply;
use fourauth_auth::{
    attempt::Audited,
    authenticator::{Authenticator, PICTURES_AT_ENROLMENT, PICTURES_AT_LOGIN},
    error::Error,
    received::Received,
};
use fourauth_factors::clock::MAX_SKEW_SECONDS;
use fourauth_protocol::{
    answer::ServerInfo,
    command::Command,
    frame::{MAX_PAYLOAD, MAX_PAYLOAD_WITHOUT_PICTURE},
};
use fourauth_timekeeper::Clock;
use std::sync::Arc;

/// Version of the protocol that this server speaks.
const PROTOCOL: u32 = 1;

/// What every session shares.
#[derive(Debug)]
pub struct Context {
    /// Decides.
    pub authenticator: Authenticator,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
}

impl Context {
    /// Has one command decided.
    pub async fn dispatch(&self, received: Received, command: Command) -> Reply {
        let auth = &self.authenticator;
        match command {
            Command::Hello(_) => Reply::hello(received.id, server_info(received)),
            Command::Login(login) => reply(received, auth.login(received, login).await),
            Command::Register(register) => reply(received, auth.register(received, register).await),
            Command::ConfirmTotp(confirm) => {
                reply(received, auth.confirm_totp(received, confirm).await)
            }
            Command::ReadAudit(read) => reply(received, auth.read_audit(received, read).await),
            Command::RecoverTotp(recover) => {
                reply(received, auth.recover_totp(received, recover).await)
            }
            Command::RecoverPassword(recover) => {
                reply(received, auth.recover_password(received, recover).await)
            }
            Command::RecoverFace(recover) => {
                reply(received, auth.recover_face(received, recover).await)
            }
            Command::RecoverDevice(recover) => {
                reply(received, auth.recover_device(received, recover).await)
            }
        }
    }
}

fn reply(received: Received, decided: Result<Audited, Error>) -> Reply {
    match decided {
        Ok(audited) => {
            let action = audited.action().as_str();
            match audited.outcome() {
                Ok(_) => tracing::info!(action, "granted"),
                Err(denial) => tracing::info!(action, ?denial, "denied"),
            }
            audited.into()
        }
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "undecided");
            Reply::undecided(received.id, &error)
        }
    }
}

fn server_info(received: Received) -> ServerInfo {
    ServerInfo {
        protocol: PROTOCOL,
        software: concat!("fourauth ", env!("CARGO_PKG_VERSION")).into(),
        max_frame: MAX_PAYLOAD as u64,
        max_frame_without_picture: MAX_PAYLOAD_WITHOUT_PICTURE as u64,
        pictures_at_enrolment: PICTURES_AT_ENROLMENT,
        pictures_at_login: PICTURES_AT_LOGIN,
        max_skew_seconds: MAX_SKEW_SECONDS,
        server_ts_utc: received.at.now,
        time: received.at.state.as_str().into(),
    }
}
