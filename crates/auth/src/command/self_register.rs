//! 160: a person registers an account without an administrator.
//!
//! The account has a password, and one-time codes once the first one is confirmed. It has no face and
//! no device, so it opens sessions of level 2 at most.

use crate::{
    action::Action,
    answer::CommandAnswer,
    attempt::{
        Audited, Verdict,
        effect::{Effect, NewAccount},
    },
    authenticator::{Authenticator, FIRST_EPOCH, unassigned_address},
    compute::Requester,
    decision::Denial,
    entropy,
    error::Error,
    grant::{
        Holder,
        step::{IssuedGrant, Step},
    },
    not_granted::{NotGranted, decided},
    policy::Optional,
    provisioning::NewAuthenticator,
    received::Received,
    rules::pace,
};
use fourauth_factors::password::Hash;
use fourauth_protocol::{
    answer::AnswerBody,
    command::{Identifier, SelfRegister},
    contact::{Email, Phone},
    grant::GrantToken,
    time::UnixMillis,
    username::Username,
};
use fourauth_store::{
    self as store, AccountId, Enrolled, FIRST_VERSION, Lane, NewUser, RequestedBy, Target,
};

/// The answer to 160.
#[derive(Debug)]
pub struct SelfRegistered {
    /// The secret for the authenticator, if one was asked for.
    pub authenticator: Option<NewAuthenticator>,
    /// Stands for the password in 210.
    pub grant: Option<GrantToken>,
}

impl CommandAnswer for SelfRegistered {
    fn into_body(self) -> AnswerBody {
        let mut body = self.authenticator.map(CommandAnswer::into_body).unwrap_or_default();
        body.grant = self.grant;
        body
    }
}

impl Authenticator {
    /// Adds an account if the server offers it and the account's data are valid.
    ///
    /// # Errors
    ///
    /// [`Error`] if the command could not be decided.
    pub async fn self_register(
        &self,
        received: Received,
        register: SelfRegister,
    ) -> Result<Audited<SelfRegistered>, Error> {
        let name = register.account.label();
        let attempt = self.open(Action::SelfRegister, Some(&name), received.clone())?;
        let outcome = decided(self.newcomer(&received, name, register).await)?;
        attempt.conclude(&self.store, Verdict::new(outcome, String::new())).await
    }

    /// Refuses names of a new account for which its person could be taken for another one.
    pub(super) async fn is_free(
        &self,
        name: &Username,
        account: &Identifier,
    ) -> Result<(), NotGranted> {
        if !is_own(name, account) {
            return Err(Denial::NameTaken.into());
        }
        self.is_no_name_of_another(name, account).await
    }

    /// Refuses an address that is the name of another account. Its owner would be taken for this person.
    async fn is_no_name_of_another(
        &self,
        name: &Username,
        account: &Identifier,
    ) -> Result<(), NotGranted> {
        let addresses = [account.email().map(Email::as_str), account.phone().map(Phone::as_str)];
        for address in addresses.into_iter().flatten().filter(|it| *it != name.as_str()) {
            let Ok(as_name) = Username::parse(address) else { continue };
            if self.store.is_name_taken(&as_name).await? {
                return Err(Denial::ContactTaken.into());
            }
        }
        Ok(())
    }

    /// Counts a registration, whatever comes of it. A source may have three in a minute; one that other
    /// clients share has no limit of its own.
    async fn count_registration(&self, received: &Received) -> Result<(), NotGranted> {
        if received.is_shared_address {
            return Ok(());
        }
        let (at, source) = (received.at.now, received.source().to_string());
        let by = RequestedBy { named: Target::registrations_from(&source), source: None };
        let minute = pace::minute(at);
        let third_last = self.store.third_last_request(by, minute).await?;
        pace::may_request(third_last, at)?;
        let counted: Result<_, store::Error> =
            self.store.write(move |tx| Box::pin(tx.count_request(by, at, minute))).await;
        if counted? { Ok(()) } else { Err(Denial::Limited(pace::WHOLE_MINUTE).into()) }
    }

    async fn newcomer(
        &self,
        received: &Received,
        username: Username,
        register: SelfRegister,
    ) -> Result<(Effect, SelfRegistered), NotGranted> {
        if let Some(limited) = received.limited() {
            return Err(limited.into());
        }
        if !self.policy.has(Optional::SelfRegistration) {
            return Err(Denial::NotOffered.into());
        }
        self.count_registration(received).await?;
        self.is_free(&username, &register.account).await?;
        let rule = self.settings.password_rule;
        let password =
            rule.accept(&register.password, username.as_str()).map_err(Denial::NewPassword)?;
        let by = Requester::admitted(received, Lane::Unknown);
        let password = self.hasher.create(password, by).await?;
        let id = AccountId(entropy::positive_i64());
        let proposed = register.totp.map(|_| Self::new_key());
        let issued = proposed.as_ref().map(|_| {
            let holder = Holder::new(id, FIRST_VERSION, received.origin.peer.to_string());
            self.step_grant_of(Step::Enrolment, holder, received, register.open_grant)
        });
        let authenticator = proposed.as_ref().map(|key| self.provisioning(key, &username));
        let (grant, opened) = issued.map(|IssuedGrant { token, open, .. }| (token, open)).unzip();
        let email = register.account.email().cloned();
        let phone = register.account.phone().cloned();
        let created = received.at.now;
        let user = NewUser { email, phone, ..self.bare_account(id, username, password, created) };
        let account = NewAccount {
            user,
            device: None,
            codes: Vec::new(),
            consent: None,
            proposed,
            opened: opened.flatten(),
            invited: None,
        };
        Ok((Effect::Account(Box::new(account)), SelfRegistered { authenticator, grant }))
    }

    /// An account with a password only. The factors that it does not have get random values, which match
    /// nothing.
    pub(super) fn bare_account(
        &self,
        id: AccountId,
        username: Username,
        password: Hash,
        created: UnixMillis,
    ) -> NewUser {
        NewUser {
            id,
            enrolled: Enrolled::PASSWORD,
            password,
            totp: Self::new_key(),
            template: self.faces.decoy(id, FIRST_EPOCH),
            face_epoch: FIRST_EPOCH,
            image: None,
            mac: unassigned_address(),
            username,
            email: None,
            phone: None,
            must_change: false,
            created,
        }
    }
}

/// True unless the name looks like an address that the account does not have. Its person could be
/// taken for the owner of that address.
fn is_own(name: &Username, account: &Identifier) -> bool {
    let as_email = Email::parse(name.as_str()).ok();
    let is_phone = Phone::parse(name.as_str()).is_ok();
    let own_email = account.email() == as_email.as_ref();
    let own_phone = account.phone().is_some_and(|own| own.as_str() == name.as_str());
    (as_email.is_none() || own_email) && (!is_phone || own_phone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_address_of_another_person() {
        let account = |name: &str| {
            let name = Username::parse(name).unwrap();
            let email = Email::parse("alice@mail.example").ok();
            let phone = Phone::parse("+4930123456").ok();
            (name.clone(), Identifier::of(Some(name), email, phone).unwrap())
        };
        for (name, expected) in [
            ("alice", true),
            ("alice@home", true),
            ("alice@mail.example", true),
            ("Alice@Mail.Example", true),
            ("+4930123456", true),
            ("bob@mail.example", false),
            ("+4930123457", false),
            // It would be read as the number.
            ("+49 30 123456", false),
        ] {
            let (name, account) = account(name);
            assert_eq!(is_own(&name, &account), expected, "{name}");
        }
    }
}
