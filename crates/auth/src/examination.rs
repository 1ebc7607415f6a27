//! Evidence and record in, findings out. Every check runs, at the same cost.
//!
//! Nothing here distinguishes a decoy from an account. The password is hashed and the pictures are
//! examined concurrently; the cheap comparisons follow.

use crate::{
    authenticator::Authenticator, compute::Requester, device::DeviceContext, error::Error,
    faces::finding_of, offered::Offered, profile::Profile,
};
use fourauth_face::Refusal;
use fourauth_factors::{Finding, Findings, clock, totp};
use fourauth_protocol::{device::DeviceKey, picture::Picture, secret::Secret, time::UnixMillis};
use fourauth_store::Subject;
use std::fmt;

/// The findings about one attempt.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Examination {
    /// The finding of each check.
    pub findings: Findings,
    /// The step of the one-time code, to be spent if everything else matches.
    pub step: Option<totp::Step>,
    /// True if the code was right but already spent.
    pub is_spent: bool,
    /// The finding about the recovery code, if one was sent.
    pub recovery_code: Option<Finding>,
    /// The reason why no picture was usable.
    pub refusal: Option<Refusal>,
    /// The distance of the face from the template.
    pub distance: Option<f32>,
    /// The proof that the finding about the device is based on.
    pub device: &'static str,
}

/// The examination of a command that asks for no factor.
impl Default for Examination {
    fn default() -> Self {
        let findings =
            Findings { password: None, face: None, totp: None, device: None, clock: None };
        Self {
            findings,
            step: None,
            is_spent: false,
            recovery_code: None,
            refusal: None,
            distance: None,
            device: "",
        }
    }
}

/// For the audit log: `password=match face=mismatch(0.512) totp=match
/// device=match(key,tls-exporter)`.
impl fmt::Display for Examination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Findings { password, face, totp, device, clock } = self.findings;
        let named = [
            ("password", password),
            ("face", face),
            ("totp", totp),
            ("device", device),
            ("clock", clock),
            ("recovery_code", self.recovery_code),
        ];
        let mut divider = "";
        for (name, finding) in named {
            let Some(finding) = finding else { continue };
            write!(f, "{divider}{name}={}", finding.as_str())?;
            divider = " ";
            match name {
                "face" => self.fmt_face(f)?,
                "device" => write!(f, "({})", self.device)?,
                "totp" if self.is_spent => f.write_str("(spent)")?,
                _ => {}
            }
        }
        Ok(())
    }
}

impl Examination {
    fn fmt_face(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.distance, self.refusal) {
            (Some(distance), _) => write!(f, "({distance:.3})"),
            (None, Some(refusal)) => write!(f, "({refusal})"),
            (None, None) => Ok(()),
        }
    }
}

/// The finding about the pictures.
struct FaceFinding {
    finding: Option<Finding>,
    refusal: Option<Refusal>,
    distance: Option<f32>,
}

impl Authenticator {
    /// Examines evidence against a record, at the time the evidence arrived.
    pub(crate) async fn examine(
        &self,
        subject: &Subject,
        device: &DeviceContext,
        offered: Offered,
        recovery_code: Option<Finding>,
        at: UnixMillis,
        by: Requester,
    ) -> Result<Examination, Error> {
        let (password, face) = tokio::try_join!(
            self.examine_password(subject, offered.password, by),
            self.examine_face(subject, offered.faces, by),
        )?;
        let needs_key = self.needs_key(subject, device, offered.new_key.as_ref(), at);
        let right =
            offered.totp.flatten().and_then(|code| totp::matching_step(&subject.totp, code, at));
        let step = right.filter(|step| *step > subject.newest_spent(offered.is_confirmation));
        let is_spent = right.is_some() && step.is_none();
        let findings = Findings {
            password,
            face: face.finding,
            totp: offered.totp.map(|code| match (code, step) {
                (None, _) => Finding::Missing,
                (Some(_), None) => Finding::Mismatch,
                (Some(_), Some(_)) => Finding::Match,
            }),
            device: offered.mac.map(|mac| device.check(subject, mac, needs_key)),
            clock: offered.clock.map(|client| clock::check(client, at)),
        };
        let (refusal, distance, device) = (face.refusal, face.distance, device.rests_on());
        Ok(Examination { findings, step, is_spent, recovery_code, refusal, distance, device })
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
        if subject.keyed {
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
        by: Requester,
    ) -> Result<Option<Finding>, Error> {
        let asked = offered.is_some();
        // A command that asks for no password costs a hash as well: guesses at another factor must
        // not be cheaper than guesses at passwords.
        let offered = offered.unwrap_or_default();
        let finding = self.hasher.check(subject.password.clone(), offered, by).await?;
        Ok(asked.then_some(finding))
    }

    async fn examine_face(
        &self,
        subject: &Subject,
        offered: Option<Vec<Picture>>,
        by: Requester,
    ) -> Result<FaceFinding, Error> {
        let Some(pictures) = offered else {
            return Ok(FaceFinding { finding: None, refusal: None, distance: None });
        };
        Ok(match self.faces.probe(pictures, by).await? {
            Err(refusal) => FaceFinding {
                finding: Some(finding_of(refusal)),
                refusal: Some(refusal),
                distance: None,
            },
            Ok(likeness) => {
                let comparison = self.faces.compare(&likeness, subject);
                FaceFinding {
                    finding: Some(comparison.finding()),
                    refusal: None,
                    distance: comparison.distance,
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_audit_log_names_each_factor_that_was_asked_for() {
        let examination = Examination {
            findings: Findings {
                password: Some(Finding::Match),
                face: Some(Finding::Mismatch),
                totp: None,
                device: Some(Finding::Missing),
                clock: None,
            },
            distance: Some(0.5123),
            device: "address",
            ..Examination::default()
        };
        assert_eq!(
            examination.to_string(),
            "password=match face=mismatch(0.512) device=missing(address)"
        );
    }
}
