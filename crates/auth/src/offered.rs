//! The factors that a peer sent, in one form for all commands.
//!
//! Each command has fields for its own set of factors. [`Offered`] holds any of these sets, so that
//! one function examines them all. `policy.rs` says which of them are required.

use crate::{
    grant::step::{Step, StepGrant},
    limits::LimitedFactors,
    policy::{Factor, Requirement},
};
use fourauth_protocol::{
    challenge::FaceChallenge,
    command::{
        AcceptInvitation, AskForDevice, BindDevice, CodeStep, ConfirmTotp, DecideDevice, EnrolFace,
        FaceStep, Login, PasswordStep, ProveAgain, RaiseSession, RecoverDevice, RecoverFace,
        RecoverPassword, RecoverTotp, RedeemPasscode, RequestPasscode, RevokeDevice, ValidateReset,
    },
    device::DeviceKey,
    mac_address::MacAddress,
    one_time_code::OneTimeCode,
    passcode::Passcode,
    picture::Picture,
    recovery_code::RecoveryCode,
    reset_code::ResetCode,
    secret::Secret,
    time::UnixMillis,
};

/// Factors that a peer sent.
#[derive(Debug, Default)]
pub(crate) struct Offered {
    /// The password, in clear text.
    pub(crate) password: Option<Secret<String>>,
    /// What stands for the password instead; before the face, also for the one-time code.
    pub(crate) password_grant: Option<StepGrant>,
    /// Pictures of the face, taken for this command.
    pub(crate) faces: Vec<Picture>,
    /// The answer to a face challenge, whose frames are in `faces`.
    pub(crate) challenge: Option<FaceChallenge>,
    /// The one-time code from the user's authenticator.
    pub(crate) totp: Option<OneTimeCode>,
    /// The MAC address that the device reports.
    pub(crate) mac: Option<MacAddress>,
    /// The MAC address of a command that does not examine it. It only chooses the lane.
    pub(crate) place_mac: Option<MacAddress>,
    /// The time according to the client's clock.
    pub(crate) clock: Option<UnixMillis>,
    /// A device key to be trusted on first use.
    pub(crate) new_key: Option<DeviceKey>,
    /// The passcode that the server sent.
    pub(crate) passcode: Option<Passcode>,
    /// The code that the server sent to reset the password.
    pub(crate) reset_code: Option<ResetCode>,
    /// Gives trust to an attempt from an unknown device. Always checked, and spent on success.
    pub(crate) recovery_code: Option<RecoveryCode>,
    /// True if the one-time code is sent to confirm its generator. Confirmation keeps its own
    /// watermark of spent codes.
    pub(crate) is_confirmation: bool,
}

impl Offered {
    /// The factors that have separate limits and are examined: those that the command needs, and
    /// those that were sent without need.
    pub(crate) const fn limited_factors(&self, required: Requirement) -> LimitedFactors {
        LimitedFactors {
            totp: self.totp.is_some() || required.needs(Factor::Totp),
            face: !self.faces.is_empty()
                || self.challenge.is_some()
                || required.needs(Factor::Face),
        }
    }
}

/// The pictures to examine: the frames of an answer to a challenge, if there is one.
fn faces<'a>(
    challenge: Option<&FaceChallenge>,
    pictures: impl Iterator<Item = &'a Picture>,
) -> Vec<Picture> {
    match challenge {
        Some(challenge) => challenge.frames.clone(),
        None => pictures.cloned().collect(),
    }
}

impl From<&Login> for Offered {
    fn from(login: &Login) -> Self {
        Self {
            password: Some(login.password.clone()),
            faces: faces(login.challenge.as_ref(), login.faces()),
            challenge: login.challenge.clone(),
            totp: login.totp,
            mac: login.mac,
            clock: login.client_ts_utc,
            new_key: login.device_pubkey,
            recovery_code: login.recovery_code.clone(),
            ..Self::default()
        }
    }
}

impl From<&RequestPasscode> for Offered {
    fn from(request: &RequestPasscode) -> Self {
        let (password, place_mac) = (Some(request.password.clone()), request.mac);
        Self { password, place_mac, ..Self::default() }
    }
}

impl From<&RedeemPasscode> for Offered {
    fn from(redeem: &RedeemPasscode) -> Self {
        let (password, place_mac) = (Some(redeem.password.clone()), redeem.mac);
        Self { password, place_mac, passcode: redeem.passcode, ..Self::default() }
    }
}

impl From<&PasswordStep> for Offered {
    fn from(step: &PasswordStep) -> Self {
        let (password, place_mac) = (Some(step.password.clone()), step.mac);
        Self { password, place_mac, ..Self::default() }
    }
}

impl From<&CodeStep> for Offered {
    fn from(step: &CodeStep) -> Self {
        let grant = StepGrant { step: Step::OneTimeCode, shown: step.grant.clone() };
        let (totp, place_mac) = (step.totp, step.mac);
        Self { password_grant: Some(grant), totp, place_mac, ..Self::default() }
    }
}

impl From<&ProveAgain> for Offered {
    fn from(again: &ProveAgain) -> Self {
        Self { totp: again.totp, place_mac: again.session.mac, ..Self::default() }
    }
}

impl From<&FaceStep> for Offered {
    fn from(step: &FaceStep) -> Self {
        let grant = StepGrant { step: Step::Face, shown: Some(step.grant.clone()) };
        Self {
            password_grant: Some(grant),
            faces: faces(step.challenge.as_ref(), step.faces.iter()),
            challenge: step.challenge.clone(),
            new_key: step.device_pubkey,
            ..Self::default()
        }
    }
}

impl From<&AskForDevice> for Offered {
    fn from(ask: &AskForDevice) -> Self {
        let grant = StepGrant { step: Step::Face, shown: Some(ask.grant.clone()) };
        Self {
            password_grant: Some(grant),
            faces: faces(ask.challenge.as_ref(), ask.faces.iter()),
            challenge: ask.challenge.clone(),
            new_key: Some(ask.device_pubkey),
            ..Self::default()
        }
    }
}

impl From<&DecideDevice> for Offered {
    fn from(decide: &DecideDevice) -> Self {
        let (password, totp) = (Some(decide.password.clone()), decide.totp);
        Self { password, totp, ..Self::default() }
    }
}

impl From<&RaiseSession> for Offered {
    fn from(raise: &RaiseSession) -> Self {
        Self {
            password: raise.password.clone(),
            faces: faces(raise.challenge.as_ref(), raise.faces.iter()),
            challenge: raise.challenge.clone(),
            totp: raise.totp,
            place_mac: raise.mac,
            ..Self::default()
        }
    }
}

impl From<&AcceptInvitation> for Offered {
    fn from(accept: &AcceptInvitation) -> Self {
        let grant = StepGrant { step: Step::Invitation, shown: Some(accept.grant.clone()) };
        Self { password_grant: Some(grant), ..Self::default() }
    }
}

impl From<&EnrolFace> for Offered {
    fn from(enrol: &EnrolFace) -> Self {
        let grant = StepGrant { step: Step::FirstFace, shown: Some(enrol.grant.clone()) };
        Self { password_grant: Some(grant), new_key: enrol.device_pubkey, ..Self::default() }
    }
}

impl From<&ConfirmTotp> for Offered {
    fn from(confirm: &ConfirmTotp) -> Self {
        let grant = || StepGrant { step: Step::Enrolment, shown: confirm.grant.clone() };
        Self {
            password: confirm.password.clone(),
            password_grant: confirm.password.is_none().then(grant),
            totp: confirm.totp,
            is_confirmation: true,
            ..Self::default()
        }
    }
}

impl From<&RecoverTotp> for Offered {
    fn from(recover: &RecoverTotp) -> Self {
        Self {
            password: Some(recover.password.clone()),
            faces: faces(recover.challenge.as_ref(), recover.faces()),
            challenge: recover.challenge.clone(),
            mac: recover.mac,
            clock: recover.client_ts_utc,
            recovery_code: recover.recovery_code.clone(),
            ..Self::default()
        }
    }
}

impl From<&RecoverPassword> for Offered {
    fn from(recover: &RecoverPassword) -> Self {
        Self {
            faces: faces(recover.challenge.as_ref(), recover.faces()),
            challenge: recover.challenge.clone(),
            totp: recover.totp,
            mac: recover.mac,
            clock: recover.client_ts_utc,
            recovery_code: recover.recovery_code.clone(),
            ..Self::default()
        }
    }
}

impl From<&RecoverFace> for Offered {
    fn from(recover: &RecoverFace) -> Self {
        Self {
            password: Some(recover.password.clone()),
            totp: recover.totp,
            mac: recover.mac,
            clock: recover.client_ts_utc,
            recovery_code: recover.recovery_code.clone(),
            ..Self::default()
        }
    }
}

impl From<&RecoverDevice> for Offered {
    fn from(recover: &RecoverDevice) -> Self {
        Self {
            password: Some(recover.password.clone()),
            faces: faces(recover.challenge.as_ref(), recover.faces()),
            challenge: recover.challenge.clone(),
            totp: recover.totp,
            clock: recover.client_ts_utc,
            recovery_code: recover.recovery_code.clone(),
            ..Self::default()
        }
    }
}

impl From<&ValidateReset> for Offered {
    fn from(validate: &ValidateReset) -> Self {
        Self { reset_code: validate.otp, place_mac: validate.mac, ..Self::default() }
    }
}

impl From<&BindDevice> for Offered {
    fn from(bind: &BindDevice) -> Self {
        Self {
            password: Some(bind.password.clone()),
            totp: bind.totp,
            mac: bind.mac,
            clock: bind.client_ts_utc,
            ..Self::default()
        }
    }
}

impl From<&RevokeDevice> for Offered {
    fn from(revoke: &RevokeDevice) -> Self {
        Self {
            password: Some(revoke.password.clone()),
            totp: revoke.totp,
            mac: revoke.mac,
            clock: revoke.client_ts_utc,
            ..Self::default()
        }
    }
}
