//! Passes each command to the method that decides it.

use crate::{decide::request_span, monitor::Monitor, reply::Reply};
use fourauth_auth::{
    action::Action,
    answer::CommandAnswer,
    attempt::Audited,
    authenticator::{Authenticator, PICTURES_AT_ENROLMENT},
    command::{Authorisation, Surroundings},
    decision::Denial,
    error::Error,
    looked_up::LookedUp,
    origin::Origin,
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

/// Name and version of this server.
const SOFTWARE: &str = concat!("fourauth ", env!("CARGO_PKG_VERSION"));

/// State that all sessions share.
#[derive(Debug)]
pub struct Context {
    /// Decides commands.
    pub authenticator: Authenticator,
    /// The trusted clock.
    pub clock: Arc<dyn Clock>,
    /// How the server is.
    pub(crate) monitor: Arc<Monitor>,
}

impl Context {
    /// Decides a command for which nothing has to be waited for: the check of a token that was checked a
    /// moment ago. `None` if [`dispatch`](Self::dispatch) has to decide.
    pub(crate) fn dispatch_at_once(&self, received: &Received, command: &Command) -> Option<Reply> {
        let Command::Authorise(authorise) = command else { return None };
        let valid = self.authenticator.authorise_at_once(received, authorise)?;
        Some(looked_up(received.id, &received.origin, Ok(valid)))
    }

    /// Decides one command. `nonce` is the last nonce that was sent on the connection.
    pub async fn dispatch(
        &self,
        received: Box<Received>,
        command: Box<Command>,
        nonce: Option<DeviceNonce>,
    ) -> Reply {
        let auth = &self.authenticator;
        let received = *received;
        let (id, origin) = (received.id, received.origin.clone());
        match *command {
            Command::Hello(_) => Reply::hello(id, self.server_info(&received, nonce)),
            Command::GetKeys(_) => Reply::keys(id, auth.public_keys()),
            // The proof is checked with the commands that follow.
            Command::ProveDevice(_) => Reply::noted(id),
            Command::BeginFaceChallenge(begin) => {
                Reply::challenge(id, auth.begin_face_challenge(&received, &begin))
            }
            Command::Authorise(authorise) => {
                authorisation(id, &origin, auth.authorise(received, authorise).await)
            }
            Command::RenewSession(renew) => {
                let renewing = Box::pin(auth.renew_session(received, renew));
                authorisation(id, &origin, renewing.await)
            }
            Command::ExchangeToken(exchange) => {
                looked_up(id, &origin, auth.exchange_token(received, exchange).await)
            }
            Command::ListSessions(list) => {
                looked_up(id, &origin, auth.list_sessions(received, list).await)
            }
            Command::ProveSignIn(prove) => {
                looked_up(id, &origin, auth.prove_sign_in(received, prove).await)
            }
            Command::ListDevices(list) => {
                looked_up(id, &origin, auth.list_devices(received, list).await)
            }
            Command::ProveGateway(proof) => slow(id, auth.prove_gateway(received, proof)).await,
            Command::Login(login) => slow(id, auth.login(received, login)).await,
            Command::RequestPasscode(request) => {
                slow(id, auth.request_passcode(received, request)).await
            }
            Command::RedeemPasscode(redeem) => {
                slow(id, auth.redeem_passcode(received, redeem)).await
            }
            Command::SelfRegister(register) => {
                slow(id, auth.self_register(received, register)).await
            }
            Command::Invite(invite) => slow(id, auth.invite(received, invite)).await,
            Command::AcceptInvitation(accept) => {
                slow(id, auth.accept_invitation(received, accept)).await
            }
            Command::EnrolFace(enrol) => slow(id, auth.enrol_face(received, enrol)).await,
            Command::PasswordStep(step) => slow(id, auth.password_step(received, step)).await,
            Command::CodeStep(step) => slow(id, auth.code_step(received, step)).await,
            Command::FaceStep(step) => slow(id, auth.face_step(received, step)).await,
            Command::ProveAgain(again) => slow(id, auth.prove_again(received, again)).await,
            Command::BindSession(bind) => slow(id, auth.bind_session(received, bind)).await,
            Command::RaiseSession(raise) => slow(id, auth.raise_session(received, raise)).await,
            Command::EndSession(end) => slow(id, auth.end_session(received, end)).await,
            Command::Register(register) => slow(id, auth.register(received, register)).await,
            Command::ConfirmTotp(confirm) => slow(id, auth.confirm_totp(received, confirm)).await,
            Command::BindDevice(bind) => slow(id, auth.bind_device(received, bind)).await,
            Command::RevokeDevice(revoke) => slow(id, auth.revoke_device(received, revoke)).await,
            Command::AskForDevice(ask) => slow(id, auth.ask_for_device(received, ask)).await,
            Command::DecideDevice(decide) => slow(id, auth.decide_device(received, decide)).await,
            Command::ListAccounts(list) => slow(id, auth.list_accounts(received, list)).await,
            Command::ShowAccount(show) => slow(id, auth.show_account(received, show)).await,
            Command::ChangeAccount(change) => slow(id, auth.change_account(received, change)).await,
            Command::EraseAccount(erase) => slow(id, auth.erase_account(received, erase)).await,
            Command::ListMessages(list) => slow(id, auth.list_messages(received, list)).await,
            Command::InvitePerson(invite) => slow(id, auth.invite_person(received, invite)).await,
            Command::SetGroups(set) => slow(id, auth.set_groups(received, set)).await,
            Command::ChangeMessage(change) => slow(id, auth.change_message(received, change)).await,
            Command::InviteAgain(invite) => slow(id, auth.invite_again(received, invite)).await,
            Command::EndAccess(end) => slow(id, auth.end_access(received, end)).await,
            Command::ViewAudit(view) => slow(id, auth.view_audit(received, view)).await,
            Command::ShowState(show) => {
                let state = async || self.surroundings().await;
                slow(id, auth.show_state(received, show, state)).await
            }
            Command::FollowAudit(follow) => {
                looked_up(id, &origin, auth.follow_audit(received, follow).await)
            }
            Command::ReadAudit(read) => slow(id, auth.read_audit(received, read)).await,
            Command::RecoverTotp(recover) => slow(id, auth.recover_totp(received, recover)).await,
            Command::RecoverPassword(recover) => {
                slow(id, auth.recover_password(received, recover)).await
            }
            Command::RecoverFace(recover) => slow(id, auth.recover_face(received, recover)).await,
            Command::RecoverDevice(recover) => {
                slow(id, auth.recover_device(received, recover)).await
            }
            Command::RequestReset(request) => slow(id, auth.request_reset(received, request)).await,
            Command::ValidateReset(validate) => {
                slow(id, auth.validate_reset(received, validate)).await
            }
            Command::ResetPassword(reset) => slow(id, auth.reset_password(received, reset)).await,
        }
    }

    /// What only the server knows about its state.
    async fn surroundings(&self) -> Surroundings {
        Surroundings { software: SOFTWARE.to_owned(), ..self.monitor.surroundings().await }
    }

    fn server_info(&self, received: &Received, nonce: Option<DeviceNonce>) -> ServerInfo {
        ServerInfo {
            protocol: PROTOCOL,
            software: SOFTWARE.into(),
            max_frame: MAX_PAYLOAD as u64,
            max_frame_without_picture: MAX_PAYLOAD_WITHOUT_PICTURE as u64,
            pictures_at_enrolment: PICTURES_AT_ENROLMENT,
            pictures_at_login: self.authenticator.pictures_at_login(),
            max_skew_seconds: MAX_SKEW_SECONDS,
            server_ts_utc: received.at.now,
            time: received.at.state.as_str().into(),
            device_nonce: nonce.map(|nonce| nonce.to_string()),
            receipt_key: Some(self.authenticator.receipt_key().to_string()),
            requires: self.authenticator.requires(),
            face_challenge: Some(self.authenticator.face_challenge()),
            self_registration: self.authenticator.offers_registration(),
        }
    }
}

/// Decides a slow command. Its future is put on the heap at once, so that the future of a quick one
/// is small.
fn slow<A: CommandAnswer>(
    id: RequestId,
    deciding: impl Future<Output = Result<Audited<A>, Error>>,
) -> impl Future<Output = Reply> {
    let deciding = Box::pin(deciding);
    async move { reply(id, deciding.await) }
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

/// The reply to a command that only reads. What it grants is counted and logged only at `debug`, so
/// there is no span unless something is logged.
fn looked_up<A: CommandAnswer>(
    id: RequestId,
    origin: &Origin,
    decided: Result<LookedUp<A>, Error>,
) -> Reply {
    match decided {
        Ok(looked_up) => {
            let (action, denial) = (looked_up.action(), looked_up.outcome().err());
            if denial.is_some() {
                request_span(id, origin).in_scope(|| log(action, denial));
            } else {
                tracing::debug!(%id, peer = %origin.peer, action = action.as_str(), "granted");
            }
            looked_up.into()
        }
        Err(error) => request_span(id, origin).in_scope(|| undecided(id, &error)),
    }
}

fn authorisation<A: CommandAnswer>(
    id: RequestId,
    origin: &Origin,
    decided: Result<Authorisation<A>, Error>,
) -> Reply {
    match decided {
        Ok(Authorisation::LookedUp(outcome)) => looked_up(id, origin, Ok(outcome)),
        Ok(Authorisation::Audited(outcome)) => {
            request_span(id, origin).in_scope(|| reply(id, Ok(outcome)))
        }
        Err(error) => request_span(id, origin).in_scope(|| undecided(id, &error)),
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
    match error {
        // A client asked within the second after its sign-in, and asks again.
        Error::NotSigned => tracing::info!("not signed yet"),
        error => tracing::error!(error = error as &dyn std::error::Error, "undecided"),
    }
    Reply::undecided(id, error)
}
