//! 144: the proof of one's own sign-in. It can be checked without the audit log and without this server.
//!
//! Only the row that opened a session of the account is proved, and only to a session of at least its
//! level: what the row says, such as the MAC address, is evidence in other commands.

use crate::{
    action::Action,
    answer::CommandAnswer,
    authenticator::Authenticator,
    command::{bearer::Bearer, session},
    decision::Denial,
    error::Error,
    looked_up::LookedUp,
    not_granted::NotGranted,
    received::Received,
};
use fourauth_protocol::{answer::AnswerBody, command::ProveSignIn, time::UnixMillis};
use fourauth_store::{FamilyId, Session};

/// The actions that open a session.
const SIGN_INS: [Action; 5] = [
    Action::Login,
    Action::RedeemPasscode,
    Action::PasswordStep,
    Action::CodeStep,
    Action::FaceStep,
];

/// The answer to 144: the text of the proof.
#[derive(Debug)]
pub struct SignInProof(pub String);

impl CommandAnswer for SignInProof {
    fn into_body(self) -> AnswerBody {
        let mut body = AnswerBody::default();
        body.proof = Some(self.0);
        body
    }
}

impl Authenticator {
    /// 144: proves the sign-in that opened a session of the account.
    ///
    /// # Errors
    ///
    /// [`Error::NotSigned`] if no checkpoint covers the sign-in yet; [`Error`] otherwise if the command
    /// could not be decided.
    pub async fn prove_sign_in(
        &self,
        received: Received,
        prove: ProveSignIn,
    ) -> Result<LookedUp<SignInProof>, Error> {
        let ProveSignIn { token, mac, session: named, .. } = prove;
        let bearer = Bearer { token, mac, level: None };
        self.bear(Action::ProveSignIn, &received, &bearer, async |session| {
            let family = match &named {
                None => session.family,
                Some(id) => session::family(id).ok_or(Denial::NoSuchSession)?,
            };
            let opened = self.opened(session, family, received.at.now).await?;
            let actions = SIGN_INS.map(Action::as_str);
            let row = self.store.sign_in_row(&session.username, opened, actions).await?;
            let row = row.ok_or(Denial::NoSuchSession)?;
            let proof = self.store.row_proof(row).await?.ok_or(Error::NotSigned)?;
            Ok(SignInProof(proof.to_text()))
        })
        .await
    }

    /// When the session of this family was opened, if the one that asks may know about it.
    async fn opened(
        &self,
        session: &Session,
        family: FamilyId,
        now: UnixMillis,
    ) -> Result<UnixMillis, NotGranted> {
        let level = session.methods.level();
        let sessions = self.store.sessions(session.account, now).await?;
        let found = sessions
            .into_iter()
            .find(|other| other.family == family && other.methods.level() <= level);
        Ok(found.ok_or(Denial::NoSuchSession)?.opened)
    }
}
