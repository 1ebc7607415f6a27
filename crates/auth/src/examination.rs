//! What the checks of one attempt found.

use crate::challenge::Fault;
use fourauth_face::Refusal;
use fourauth_factors::{Finding, Findings, totp};
use fourauth_store::{Channel, GrantId};
use std::fmt;

/// The findings about one attempt.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Examination {
    /// The finding of each check.
    pub(crate) findings: Findings,
    /// The grant that stands for the password, to be spent if everything else matches.
    pub(crate) grant: Option<GrantId>,
    /// The step of the one-time code, to be spent if everything else matches.
    pub(crate) step: Option<totp::Step>,
    /// True if the code was right but already spent.
    pub(crate) is_spent: bool,
    /// The finding about the recovery code, if one was sent.
    pub(crate) recovery_code: Option<Finding>,
    /// The finding about the passcode, if the command needs one.
    pub(crate) passcode: Option<Finding>,
    /// The finding about the code that resets the password, if the command needs one.
    pub(crate) reset_code: Option<Finding>,
    /// What carried the right passcode.
    pub(crate) carried_by: Option<Channel>,
    /// The reason why no picture was usable.
    pub(crate) refusal: Option<Refusal>,
    /// The distance of the face from the template.
    pub(crate) distance: Option<f32>,
    /// The lowest score of the pictures, of how likely a live face is shown.
    pub(crate) live: Option<f32>,
    /// True if the stored face is of another model pack, so that nothing was compared.
    pub(crate) is_face_outdated: bool,
    /// What is wrong with the answer to a face challenge, or that it is right.
    pub(crate) challenge: Option<Result<(), Fault>>,
    /// The proof that the finding about the device is based on.
    pub(crate) device: &'static str,
}

/// The examination of a command that asks for no factor.
impl Default for Examination {
    fn default() -> Self {
        let findings =
            Findings { password: None, face: None, totp: None, device: None, clock: None };
        Self {
            findings,
            grant: None,
            step: None,
            is_spent: false,
            recovery_code: None,
            passcode: None,
            reset_code: None,
            carried_by: None,
            refusal: None,
            distance: None,
            live: None,
            is_face_outdated: false,
            challenge: None,
            device: "",
        }
    }
}

/// For the audit log: `password=match face=mismatch(0.512, live 0.998) totp=match
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
            ("passcode", self.passcode),
            ("reset_code", self.reset_code),
            ("recovery_code", self.recovery_code),
        ];
        let mut divider = "";
        for (name, finding) in named {
            let Some(finding) = finding else { continue };
            write!(f, "{divider}{name}={}", finding.as_str())?;
            divider = " ";
            match name {
                "face" => self.fmt_face(f)?,
                "password" if self.grant.is_some() => f.write_str("(grant)")?,
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
        let challenge = self.challenge.map(|answered| match answered {
            Ok(()) => "challenge: passed".to_owned(),
            Err(Fault::Needed) => "challenge: needed".to_owned(),
            Err(Fault::Stale) => "challenge: stale".to_owned(),
            Err(Fault::Failed(failure)) => format!("challenge: {failure}"),
        });
        let mut notes = Vec::new();
        notes.extend(self.distance.map(|distance| format!("{distance:.3}")));
        notes.extend(self.is_face_outdated.then(|| "stored face of another pack".to_owned()));
        notes.extend(self.refusal.map(|refusal| refusal.to_string()));
        notes.extend(challenge);
        notes.extend(self.live.map(|live| format!("live {live:.3}")));
        if notes.is_empty() { Ok(()) } else { write!(f, "({})", notes.join(", ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fourauth_face::challenge::Failure;

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
            live: Some(0.9981),
            device: "address",
            ..Examination::default()
        };
        assert_eq!(
            examination.to_string(),
            "password=match face=mismatch(0.512, live 0.998) device=missing(address)"
        );
    }

    #[test]
    fn the_audit_log_names_the_step_that_failed() {
        let findings = |face| Findings {
            password: None,
            face: Some(face),
            totp: None,
            device: None,
            clock: None,
        };
        for (face, distance, challenge, text) in [
            (Finding::Match, Some(0.5), Ok(()), "face=match(0.500, challenge: passed)"),
            (
                Finding::Mismatch,
                Some(0.5),
                Err(Fault::Failed(Failure::Step(2))),
                "face=mismatch(0.500, challenge: step 2)",
            ),
            (Finding::Missing, None, Err(Fault::Needed), "face=missing(challenge: needed)"),
            (Finding::Missing, None, Err(Fault::Stale), "face=missing(challenge: stale)"),
        ] {
            let (findings, challenge) = (findings(face), Some(challenge));
            let examination =
                Examination { findings, distance, challenge, ..Examination::default() };
            assert_eq!(examination.to_string(), text);
        }
    }
}
