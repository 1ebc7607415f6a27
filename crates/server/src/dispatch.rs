//! Passes each command to the method that decides it.

use crate::reply::Reply;
use fourauth_auth::{
    action::Action,
    answer::CommandAnswer,
    attempt::Audited,
    authenticator::{Authenticator, PICTURES_AT_ENROLMENT, PICTURES_AT_LOGIN},
    command::Authorisation,
    decision::Denial,
    error::Error,
    looked_up::LookedUp,
    received::Received,
};
use fourauth_factors::clock::MAX_SKEW_SECONDS;
use fourauth_protocol::{
    answer::ServerInfo,
    command::Command,
    device::DeviceNonce,
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
        nonce: Option<DeviceNonce>,
    ) -> Reply {
        let auth = &self.authenticator;
        let id = received.id;
        match command {
            Command::Hello(_) => Reply::hello(id, self.server_info(&received, nonce)),
            // The proof is checked with the commands that follow.
            Command::ProveDevice(_) => Reply::noted(id),
            Command::ProveGateway(proof) => reply(id, auth.prove_gateway(received, proof).await),
            Command::Login(login) => reply(id, auth.login(received, login).await),
            Command::RequestPasscode(request) => {
                reply(id, auth.request_passcode(received, request).await)
            }
            Command::RedeemPasscode(redeem) => {
                reply(id, auth.redeem_passcode(received, redeem).await)
            }
            Command::Authorise(authorise) => {
                authorisation(id, auth.authorise(received, authorise).await)
            }
            Command::EndSession(end) => reply(id, auth.end_session(received, end).await),
            Command::ListSessions(list) => looked_up(id, auth.list_sessions(received, list).await),
            Command::Register(register) => reply(id, auth.register(received, register).await),
            Command::ConfirmTotp(confirm) => reply(id, auth.confirm_totp(received, confirm).await),
            Command::BindDevice(bind) => reply(id, auth.bind_device(received, bind).await),
            Command::ListDevices(list) => looked_up(id, auth.list_devices(received, list).await),
            Command::RevokeDevice(revoke) => reply(id, auth.revoke_device(received, revoke).await),
            Command::ReadAudit(read) => reply(id, auth.read_audit(received, read).await),
            Command::RecoverTotp(recover) => reply(id, auth.recover_totp(received, recover).await),
            Command::RecoverPassword(recover) => {
                reply(id, auth.recover_password(received, recover).await)
            }
            Command::RecoverFace(recover) => reply(id, auth.recover_face(received, recover).await),
            Command::RecoverDevice(recover) => {
                reply(id, auth.recover_device(received, recover).await)
            }
        }
    }

    fn server_info(&self, received: &Received, nonce: Option<DeviceNonce>) -> ServerInfo {
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
            device_nonce: nonce.map(|nonce| nonce.to_string()),
            receipt_key: Some(self.authenticator.receipt_key().to_string()),
            requires: self.authenticator.requires(),
        }
    }
}

fn reply<A: CommandAnswer>(id: RequestId, decided: Result<Audited<A>, Error>) -> Reply {
    match decided {
        Ok(audited) => {
            log(audited.action(), audited.outcome().err());
            audited.into()
        }
        Err(error) => undecided(id, &error),
    }
}

fn looked_up<A: CommandAnswer>(id: RequestId, decided: Result<LookedUp<A>, Error>) -> Reply {
    match decided {
        Ok(looked_up) => {
            log(looked_up.action(), looked_up.outcome().err());
            looked_up.into()
        }
        Err(error) => undecided(id, &error),
    }
}

fn authorisation(id: RequestId, decided: Result<Authorisation, Error>) -> Reply {
    match decided {
        Ok(Authorisation::LookedUp(outcome)) => looked_up(id, Ok(outcome)),
        Ok(Authorisation::Audited(outcome)) => reply(id, Ok(outcome)),
        Err(error) => undecided(id, &error),
    }
}

fn log(action: Action, denial: Option<Denial>) {
    let action = action.as_str();
    match denial {
        None => tracing::info!(action, "granted"),
        Some(denial) => tracing::info!(action, ?denial, "denied"),
    }
}

fn undecided(id: RequestId, error: &Error) -> Reply {
    tracing::error!(error = error as &dyn std::error::Error, "undecided");
    Reply::undecided(id, error)
}
