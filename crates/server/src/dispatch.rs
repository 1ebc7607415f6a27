//! Passes each command to the method that decides it.

use crate::{channel::Nonce, reply::Reply};
use data_encoding::BASE64;
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
    request_id::RequestId,
};
use fourauth_timekeeper::Clock;
use std::sync::Arc;

/// Version of the protocol that this server speaks.
const PROTOCOL: u32 = 1;

/// State that all sessions share.
#[derive(Debug)]
pub struct Context {
    /// Decides commands.
    pub authenticator: Authenticator,
    /// The trusted clock.
    pub clock: Arc<dyn Clock>,
}

impl Context {
    /// Decides one command. `nonce` is the last nonce that was sent on the connection.
    pub async fn dispatch(
        &self,
        received: Received,
        command: Command,
        nonce: Option<Nonce>,
    ) -> Reply {
        let auth = &self.authenticator;
        let id = received.id;
        let decided = match command {
            Command::Hello(_) => return Reply::hello(id, self.server_info(&received, nonce)),
            // The proof is checked with the commands that follow.
            Command::ProveDevice(_) => return Reply::noted(id),
            Command::ProveGateway(proof) => auth.prove_gateway(received, proof).await,
            Command::Login(login) => auth.login(received, login).await,
            Command::Register(register) => auth.register(received, register).await,
            Command::ConfirmTotp(confirm) => auth.confirm_totp(received, confirm).await,
            Command::BindDevice(bind) => auth.bind_device(received, bind).await,
            Command::ListDevices(list) => auth.list_devices(received, list).await,
            Command::RevokeDevice(revoke) => auth.revoke_device(received, revoke).await,
            Command::ReadAudit(read) => auth.read_audit(received, read).await,
            Command::RecoverTotp(recover) => auth.recover_totp(received, recover).await,
            Command::RecoverPassword(recover) => auth.recover_password(received, recover).await,
            Command::RecoverFace(recover) => auth.recover_face(received, recover).await,
            Command::RecoverDevice(recover) => auth.recover_device(received, recover).await,
        };
        reply(id, decided)
    }

    fn server_info(&self, received: &Received, nonce: Option<Nonce>) -> ServerInfo {
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
            device_nonce: nonce.map(|nonce| BASE64.encode(&nonce)),
            receipt_key: Some(self.authenticator.receipt_key().to_string()),
            requires: self.authenticator.requires(),
        }
    }
}

fn reply(id: RequestId, decided: Result<Audited, Error>) -> Reply {
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
            Reply::undecided(id, &error)
        }
    }
}
