//! Tokens of sessions that other software reads, and the keys that verify them (192).

use crate::{
    answer::CommandAnswer, authenticator::Authenticator, error::Error, jwt::JwtKeys,
    received::Received, verified::Verified,
};
use data_encoding::HEXLOWER;
use fourauth_protocol::{
    answer::AnswerBody,
    audience::Audience,
    jwt::{Claims, PublicKey},
    secret::Secret,
};
use fourauth_store::NewSession;
use std::sync::Arc;
use tokio::time::Instant;

/// The answer to 192.
#[derive(Debug)]
pub struct PublicKeys(pub Vec<PublicKey>);

/// The service that a signed token must be for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Service<'a> {
    /// Any: the command only takes away.
    Any,
    /// The service with this name, or the server itself. A service cannot use a token that it got at
    /// another one.
    Named(Option<&'a Audience>),
}

impl CommandAnswer for PublicKeys {
    fn into_body(self) -> AnswerBody {
        let mut body = AnswerBody::default();
        body.keys = Some(self.0);
        body
    }
}

impl Authenticator {
    /// 192: the public keys that verify the tokens of sessions.
    #[must_use]
    pub fn public_keys(&self) -> PublicKeys {
        PublicKeys(self.jwt_keys().public())
    }

    /// A token of a session that is about to open.
    pub(crate) async fn jwt(
        &self,
        verified: &Verified<'_>,
        session: &NewSession,
        audience: Option<&Audience>,
    ) -> Result<Secret<String>, Error> {
        let name = &verified.subject.username;
        let email = self.store.user(name).await?.and_then(|user| user.email);
        let issuer = self.settings.issuer.clone();
        let claims = Claims {
            sub: session.account.0.to_string(),
            preferred_username: name.as_str().to_owned(),
            aud: audience.map_or_else(|| issuer.clone(), |audience| audience.as_str().to_owned()),
            iss: issuer,
            email,
            email_verified: false,
            iat: session.created.0.div_euclid(1000),
            exp: session.expires.0.div_euclid(1000),
            jti: verified.received.id.to_string(),
            sid: HEXLOWER.encode(&session.family.0),
            amr: session.methods.0.clone(),
            level: session.methods.level(),
        };
        Ok(self.jwt_keys().sign(&claims))
    }

    /// The claims of a token that this server signed, for whatever service and time.
    pub(crate) fn signed_claims(&self, text: &str) -> Option<Claims> {
        self.jwt_keys().verify(text)
    }

    /// True if these claims are for this service and have not expired.
    pub(crate) fn is_valid_for(
        &self,
        claims: &Claims,
        service: Service<'_>,
        received: &Received,
    ) -> bool {
        let issuer = &self.settings.issuer;
        let is_for_it = match service {
            Service::Any => true,
            Service::Named(audience) => {
                claims.aud == audience.map_or(issuer.as_str(), Audience::as_str)
            }
        };
        claims.iss == *issuer && is_for_it && received.at.now.0.div_euclid(1000) < claims.exp
    }

    fn jwt_keys(&self) -> Arc<JwtKeys> {
        self.jwt_keys.get(Instant::now(), || JwtKeys::new(&self.store.jwt_seeds()))
    }
}
