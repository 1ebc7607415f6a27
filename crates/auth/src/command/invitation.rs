//! 202, 250, 258 and 162: an administrator invites a person, and the person accepts.
//!
//! The account exists from the invitation on, so that its name is taken. It has a random password, which
//! is in no place, until the person chooses one.

use crate::{
    action::Action,
    answer::CommandAnswer,
    attempt::{
        Audited,
        effect::{Change, Effect, NewAccount, SideEffects},
    },
    authenticator::Authenticator,
    command::proof::GrantedChange,
    compute::Requester,
    decision::Denial,
    entropy,
    error::Error,
    grant::{Holder, step::Step},
    not_granted::NotGranted,
    offered::Offered,
    provisioning::NewAuthenticator,
    received::Received,
    verified::Verified,
};
use data_encoding::BASE64;
use fourauth_factors::password_rule::NewPassword;
use fourauth_protocol::{
    answer::AnswerBody,
    command::{AcceptInvitation, Identifier, Invite},
    contact::{Email, Phone},
    grant::GrantToken,
    secret::Secret,
    time::UnixMillis,
    username::Username,
};
use fourauth_store::{AccountId, FIRST_VERSION, NewUser};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// Bytes of the password that no person knows.
const RANDOM_BYTES: usize = 32;

/// The person that an administrator invites.
#[derive(Debug)]
pub(super) struct Invitee {
    pub(super) username: Username,
    pub(super) email: Option<Email>,
    pub(super) phone: Option<Phone>,
}

/// The answer to 202, 250 and 258.
#[derive(Debug)]
pub struct Invited {
    /// The invitation, for the person alone.
    pub grant: GrantToken,
    /// The page of the portal that takes it, if there is a portal.
    pub url: Option<Secret<String>>,
    /// When it expires.
    pub expires: UnixMillis,
}

/// The answer to 162.
#[derive(Debug)]
pub struct Joined {
    /// The secret for the authenticator.
    pub authenticator: NewAuthenticator,
    /// Stands for the password in 210.
    pub grant: GrantToken,
    /// When it expires.
    pub expires: UnixMillis,
}

impl CommandAnswer for Invited {
    fn into_body(self) -> AnswerBody {
        let mut body = AnswerBody::default();
        body.grant = Some(self.grant);
        body.expires_at = Some(self.expires);
        body.invitation_url = self.url;
        body
    }
}

impl CommandAnswer for Joined {
    fn into_body(self) -> AnswerBody {
        let mut body = self.authenticator.into_body();
        body.grant = Some(self.grant);
        body.expires_at = Some(self.expires);
        body
    }
}

impl Authenticator {
    /// 202: adds an account for a person, if the administrator's secret is right.
    ///
    /// # Errors
    ///
    /// [`Error`] if the command could not be decided.
    pub async fn invite(
        &self,
        received: Received,
        invite: Invite,
    ) -> Result<Audited<Invited>, Error> {
        let (name, secret) = (invite.username.clone(), invite.admin_secret.clone());
        let Invite { username, email, phone, .. } = invite;
        let guest = Invitee { username, email, phone };
        self.as_admin(Action::Invite, received, Some(&name), secret, async |received, _admin| {
            let (account, invited) = self.invitation(received, guest).await?;
            Ok((Effect::Account(account), invited))
        })
        .await
    }

    /// The new account, and the invitation to it.
    pub(super) async fn invitation(
        &self,
        received: &Received,
        guest: Invitee,
    ) -> Result<(Box<NewAccount>, Invited), NotGranted> {
        let id = AccountId(entropy::positive_i64());
        let random = BASE64.encode(entropy::secret_bytes(RANDOM_BYTES).expose());
        let password = NewPassword::in_use(&Secret::new(random)).ok_or(Denial::Credentials)?;
        let password = self.hasher.create(password, Requester::proven(received)).await?;
        let Invitee { username, email, phone } = guest;
        let account = Identifier::of(Some(username.clone()), email.clone(), phone.clone());
        let account = account.map_err(|_| Denial::NameTaken)?;
        self.is_free(&username, &account).await?;
        let invited = self.link(&username, (id, FIRST_VERSION), received);
        let bare = self.bare_account(id, username, password, received.at.now);
        let user = NewUser { email, phone, must_change: true, ..bare };
        let account = NewAccount {
            user,
            device: None,
            codes: Vec::new(),
            consent: None,
            proposed: None,
            opened: None,
            invited: Some(invited.expires),
        };
        Ok((Box::new(account), invited))
    }

    /// The invitation that opens an account in this version.
    pub(super) fn link(
        &self,
        username: &Username,
        (id, version): (AccountId, i64),
        received: &Received,
    ) -> Invited {
        let name = utf8_percent_encode(username.as_str(), NON_ALPHANUMERIC).to_string();
        let holder = Holder::new(id, version, String::new());
        let issued = self.step_grant_of(Step::Invitation, holder, received, false);
        let (grant, expires) = (issued.token, issued.expires);
        let url = self.settings.portal.as_ref().map(|origin| {
            let invitation = grant.text();
            let invitation = invitation.expose();
            Secret::new(format!("{origin}/invitation?name={name}&invitation={invitation}"))
        });
        Invited { grant, url, expires }
    }

    /// 162: the password that an invited person has chosen.
    ///
    /// # Errors
    ///
    /// [`Error`] if the command could not be decided.
    pub async fn accept_invitation(
        &self,
        received: Received,
        accept: AcceptInvitation,
    ) -> Result<Audited<Joined>, Error> {
        let offered = Offered::from(&accept);
        let name = &accept.username;
        self.prove(Action::AcceptInvitation, received, name, offered, async |verified| {
            self.joined(verified, &accept).await
        })
        .await
    }

    async fn joined(
        &self,
        verified: &Verified<'_>,
        accept: &AcceptInvitation,
    ) -> Result<GrantedChange<Joined>, NotGranted> {
        let Verified { subject, received, .. } = verified;
        let rule = self.settings.password_rule;
        let accepted = rule.accept(&accept.password, subject.username.as_str());
        let password = accepted.map_err(Denial::NewPassword)?;
        let hash = self.hasher.create(password, verified.requester()).await?;
        let key = Self::new_key();
        // The password raises the version.
        let peer = received.origin.peer.to_string();
        let holder = Holder::new(subject.account, subject.version + 1, peer);
        let issued = self.step_grant_of(Step::Enrolment, holder, received, false);
        let joined = Joined {
            authenticator: self.provisioning(&key, &subject.username),
            grant: issued.token,
            expires: issued.expires,
        };
        Ok((Change::Join(hash, key), SideEffects::default(), joined))
    }
}
