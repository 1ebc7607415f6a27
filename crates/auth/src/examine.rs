//! Evidence and record in, findings out. Every check runs, at the same cost.
//!
//! Nothing here distinguishes a decoy from an account. The password is hashed and the pictures are
//! examined concurrently; the cheap comparisons follow.

use crate::{
    authenticator::Authenticator,
    challenge::{FaceRequirement, Shown},
    compute::Requester,
    device::DeviceContext,
    error::Error,
    examination::Examination,
    grant::step,
    offered::Offered,
    policy::{Factor, Requirement},
    profile::Profile,
    rules::{passcode, reset},
};
use fourauth_factors::{Finding, Findings, clock, totp};
use fourauth_protocol::{
    device::DeviceKey, passcode::Passcode, reset_code::ResetCode, secret::Secret, time::UnixMillis,
};
use fourauth_store::{Channel, GrantId, Subject, TotpStage};

/// The circumstances of one examination, apart from what was offered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Circumstances {
    /// The factors that the command needs.
    pub(crate) required: Requirement,
    /// The finding about the recovery code, which has chosen the lane.
    pub(crate) recovery_code: Option<Finding>,
    /// The valid grant that stands for the password.
    pub(crate) grant: Option<GrantId>,
    /// The face challenge that the command came with.
    pub(crate) challenge: Shown,
    /// The time at which the command arrived.
    pub(crate) at: UnixMillis,
    /// The source that slow work is charged to.
    pub(crate) by: Requester,
}

impl Authenticator {
    /// Examines the offered factors against a record, at the time they arrived.
    pub(crate) async fn examine(
        &self,
        subject: &Subject,
        device: &DeviceContext,
        offered: Offered,
        circumstances: Circumstances,
    ) -> Result<Examination, Error> {
        let Circumstances { required, recovery_code, grant, challenge, at, by } = circumstances;
        let of_face =
            FaceRequirement { face: required.needs(Factor::Face), challenge: required.challenge };
        let by_grant = offered.password_grant.as_ref().map(|_| step::finding(grant));
        // Such a grant is made only after the code, if the account has codes.
        let stands_for_code =
            offered.password_grant.is_some_and(|it| it.step.stands_for_the_code());
        let code_by_grant = by_grant.filter(|_| stands_for_code && subject.enrolled.totp);
        let (password, face) = tokio::try_join!(
            self.examine_password(subject, offered.password, by_grant, by),
            self.examine_face(subject, offered.faces, challenge, of_face, by),
        )?;
        let needs_key = self.needs_key(subject, device, offered.new_key.as_ref(), at);
        let is_proposed = subject.totp_stage == TotpStage::Proposed;
        let has_codes = subject.enrolled.totp || (offered.is_confirmation && is_proposed);
        let code = offered.totp.filter(|_| has_codes);
        let right = code.and_then(|code| totp::matching_step(&subject.totp, code, at));
        let step = right.filter(|step| *step > subject.newest_spent(offered.is_confirmation));
        let is_spent = right.is_some() && step.is_none();
        let findings = Findings {
            password: required.finding(Factor::Password, password),
            face: face.finding,
            totp: required.finding(
                Factor::Totp,
                offered.totp.map(|_| Finding::from_match(step.is_some())).or(code_by_grant),
            ),
            device: if required.needs(Factor::DeviceKey) {
                Some(device.check_key())
            } else {
                let checked = offered.mac.map(|mac| device.check(subject, mac, needs_key));
                required.finding(Factor::Device, checked)
            },
            clock: required
                .finding(Factor::Clock, offered.clock.map(|client| clock::check(Some(client), at))),
        };
        let (passcode, carried_by) =
            self.examine_passcode(subject, offered.passcode, required, at).await?;
        let reset_code = self.examine_reset_code(subject, offered.reset_code, required, at).await?;
        Ok(Examination {
            findings,
            grant,
            step,
            is_spent,
            recovery_code,
            passcode,
            reset_code,
            carried_by,
            refusal: face.refusal,
            distance: face.distance,
            challenge: face.challenge,
            live: face.live,
            is_face_outdated: face.is_outdated,
            device: device.rests_on(),
        })
    }

    /// Checks the passcode, if the command needs one. A decoy has none, at the same cost.
    async fn examine_passcode(
        &self,
        subject: &Subject,
        offered: Option<Passcode>,
        required: Requirement,
        at: UnixMillis,
    ) -> Result<(Option<Finding>, Option<Channel>), Error> {
        if !required.needs(Factor::Passcode) {
            return Ok((None, None));
        }
        let stored = self.store.passcode(subject.account).await?;
        let Some(offered) = offered else { return Ok((Some(Finding::Missing), None)) };
        let mac = self.store.passcode_mac(subject.account, &offered);
        let right = stored.filter(|stored| passcode::is_right(stored, &mac, at));
        let carried_by = right.map(|stored| stored.channel);
        Ok((Some(Finding::from_match(carried_by.is_some())), carried_by))
    }

    /// Checks the code that resets the password, if the command needs one. A decoy has none, at the
    /// same cost.
    async fn examine_reset_code(
        &self,
        subject: &Subject,
        offered: Option<ResetCode>,
        required: Requirement,
        at: UnixMillis,
    ) -> Result<Option<Finding>, Error> {
        if !required.needs(Factor::ResetCode) {
            return Ok(None);
        }
        let stored = self.store.reset_record(subject.account).await?.code;
        let Some(offered) = offered else { return Ok(Some(Finding::Missing)) };
        let mac = self.store.reset_code_mac(subject.account, &offered);
        let is_right = reset::is_right(&stored, &mac, subject.version, at);
        Ok(Some(Finding::from_match(is_right && reset::may_reset(subject))))
    }

    /// Checks the recovery code, if one was sent. This happens before the limits, because the
    /// result decides the lane; eighty random bits cannot be guessed.
    pub(crate) async fn examine_recovery_code(
        &self,
        subject: &Subject,
        offered: &Offered,
    ) -> Result<Option<Finding>, Error> {
        let Some(code) = &offered.recovery_code else { return Ok(None) };
        let is_right = self.store.has_recovery_code(subject.account, code).await?;
        Ok(Some(Finding::from_match(is_right)))
    }

    /// True if a MAC address alone does not identify the device.
    fn needs_key(
        &self,
        subject: &Subject,
        device: &DeviceContext,
        new: Option<&DeviceKey>,
        at: UnixMillis,
    ) -> bool {
        if subject.enrolled.key {
            return !self.settings.mac_only;
        }
        let brings_one = self.settings.trust_on_first_use
            && subject.settling.last() <= at
            && new.is_some_and(|key| device.holds(key, &subject.username));
        match self.settings.profile {
            Profile::Secure => false,
            Profile::Strict => !brings_one,
        }
    }

    async fn examine_password(
        &self,
        subject: &Subject,
        offered: Option<Secret<String>>,
        by_grant: Option<Finding>,
        by: Requester,
    ) -> Result<Option<Finding>, Error> {
        if by_grant.is_some_and(Finding::is_match) {
            return Ok(by_grant);
        }
        let asked = offered.is_some();
        // A command that asks for no password costs a hash as well: guesses at another factor must
        // not be cheaper than guesses at passwords.
        let offered = offered.unwrap_or_default();
        let finding = self.hasher.check(subject.password.clone(), offered, by).await?;
        Ok(by_grant.or_else(|| asked.then_some(finding)))
    }
}
