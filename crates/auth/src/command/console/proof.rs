//! 186: an administrator proves a one-time code again, before changes in the console.

use super::Administrator;
use crate::{
    action::Action,
    answer::CommandAnswer,
    attempt::{
        Audited, Verdict,
        effect::{Change, SideEffects},
    },
    authenticator::Authenticator,
    decision::Denial,
    entropy,
    error::Error,
    offered::Offered,
    received::Received,
};
use fourauth_protocol::{
    answer::AnswerBody, command::ProveAgain, device::DeviceId, grant::GrantToken, time::UnixMillis,
    username::Username,
};

/// How long a proof stays fresh, in milliseconds.
const FRESH_MS: i64 = 5 * 60_000;

/// The answer to 186.
#[derive(Debug)]
pub struct FreshProof {
    /// Stands for the proof in the changes of five minutes.
    pub grant: GrantToken,
    /// When it expires.
    pub expires_at: UnixMillis,
}

impl CommandAnswer for FreshProof {
    fn into_body(self) -> AnswerBody {
        let mut body = AnswerBody::default();
        body.grant = Some(self.grant);
        body.expires_at = Some(self.expires_at);
        body
    }
}

impl Administrator {
    /// The device that the session names, whether or not it is bound to its key.
    fn device(&self) -> Option<DeviceId> {
        self.session.device.as_ref().map(|(id, _)| *id)
    }
}

impl Authenticator {
    /// 186: proves a one-time code again. A wrong one counts like that of a login.
    ///
    /// # Errors
    ///
    /// [`Error`] if the command could not be decided.
    pub async fn prove_again(
        &self,
        received: Received,
        again: ProveAgain,
    ) -> Result<Audited<FreshProof>, Error> {
        let (action, offered) = (Action::ProveAgain, Offered::from(&again));
        let admin = self.administrator(&received, again.session).await?;
        let named = admin.and_then(|admin| {
            let name = Username::parse(&admin.session.username);
            name.map(|name| (admin, name)).map_err(|_| Denial::SignedOut)
        });
        let (admin, name) = match named {
            Ok(named) => named,
            Err(denial) => {
                let attempt = self.open(action, None, received)?;
                return attempt.conclude(&self.store, Verdict::unexamined(denial)).await;
            }
        };
        self.prove(action, received, &name, offered, async |verified| {
            verified.owns(&admin.session)?;
            // The account may have other devices, and another person one of them.
            if admin.device().is_some_and(|id| verified.device.key() != Some(id)) {
                return Err(Denial::Device.into());
            }
            let purpose = admin.purpose(verified.received);
            let now = verified.at();
            let grant = self.grants().issue(&purpose, now, FRESH_MS, entropy::public_bytes());
            let answer = FreshProof {
                grant: GrantToken::from_bytes(*grant.as_bytes()),
                expires_at: now.saturating_add_ms(FRESH_MS),
            };
            Ok((Change::ProveCode, SideEffects::default(), answer))
        })
        .await
    }
}
