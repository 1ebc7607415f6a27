//! Settling factors: factors that were changed recently by an attempt that was not trusted.

use fourauth_factors::{Finding, Findings};
use fourauth_protocol::time::UnixMillis;
use fourauth_store::{Factor, Settling};
use std::fmt;

/// The time at which all factors that the command used have settled.
pub(crate) fn used_settled(findings: Findings, settling: &Settling) -> UnixMillis {
    let used = [
        (findings.password, settling.password),
        (findings.totp, settling.totp),
        (findings.face, settling.face),
        (findings.device, settling.device),
    ];
    let instants = used.into_iter().filter_map(|(finding, until)| finding.map(|_| until));
    instants.max().unwrap_or_default()
}

/// The factors that matched and are still settling. They are valid for a login, but a receipt does
/// not name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "one for each factor")]
pub(crate) struct Unsettled {
    pub(crate) password: bool,
    pub(crate) totp: bool,
    pub(crate) face: bool,
    pub(crate) device: bool,
}

impl Unsettled {
    /// Selects the settling factors of a command that arrived at `at`, from a device with a key
    /// that is trusted from `key_trusted_from` on.
    pub(crate) fn among(
        findings: Findings,
        settling: &Settling,
        key_trusted_from: Option<UnixMillis>,
        at: UnixMillis,
    ) -> Self {
        let is_new = |finding: Option<Finding>, until: UnixMillis| {
            finding.is_some_and(Finding::is_match) && until > at
        };
        let Findings { password, face, totp, device, clock: _ } = findings;
        let is_new_key = key_trusted_from.is_some_and(|from| from > at);
        Self {
            password: is_new(password, settling.password),
            totp: is_new(totp, settling.totp),
            face: is_new(face, settling.face),
            device: is_new(device, settling.device) || is_new_key,
        }
    }

    /// The settling factors, in the order of the audit log.
    pub(crate) fn factors(self) -> Vec<Factor> {
        let Self { password, totp, face, device } = self;
        let all = [
            (password, Factor::Password),
            (totp, Factor::Totp),
            (face, Factor::Face),
            (device, Factor::Device),
        ];
        all.into_iter().filter_map(|(is_new, factor)| is_new.then_some(factor)).collect()
    }
}

/// For the audit log: ` settling=face,device`, or an empty string.
impl fmt::Display for Unsettled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { password, totp, face, device } = *self;
        let named = [(password, "password"), (totp, "totp"), (face, "face"), (device, "device")];
        let mut divider = " settling=";
        for (is_new, name) in named {
            if is_new {
                write!(f, "{divider}{name}")?;
                divider = ",";
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Finding::{Match, Mismatch};

    const NOW: UnixMillis = UnixMillis(1_795_262_400_000);
    const LATER: UnixMillis = UnixMillis(NOW.0 + 1);
    const NONE: Findings =
        Findings { password: None, face: None, totp: None, device: None, clock: None };
    const ALL: Findings = Findings {
        password: Some(Match),
        face: Some(Match),
        totp: Some(Match),
        device: Some(Match),
        clock: Some(Match),
    };

    #[test]
    fn only_factors_that_were_used_delay_a_recovery() {
        let settling = Settling { face: LATER, device: NOW, ..Settling::default() };
        assert_eq!(used_settled(ALL, &settling), LATER);
        assert_eq!(used_settled(Findings { face: None, ..ALL }, &settling), NOW);
        assert_eq!(used_settled(NONE, &settling), UnixMillis(0));
    }

    #[test]
    fn a_factor_is_named_while_it_settles() {
        let all = Settling { password: LATER, totp: LATER, face: LATER, device: LATER };
        for (findings, settling, key, named) in [
            (ALL, Settling::default(), None, ""),
            (ALL, Settling { face: NOW, ..Settling::default() }, Some(NOW), ""),
            (ALL, Settling { face: LATER, ..Settling::default() }, None, " settling=face"),
            (ALL, Settling { device: LATER, ..Settling::default() }, None, " settling=device"),
            (ALL, Settling::default(), Some(LATER), " settling=device"),
            (ALL, all, None, " settling=password,totp,face,device"),
            (
                Findings { face: Some(Mismatch), totp: None, ..ALL },
                all,
                None,
                " settling=password,device",
            ),
            (NONE, all, None, ""),
        ] {
            let unsettled = Unsettled::among(findings, &settling, key, NOW);
            assert_eq!(unsettled.to_string(), named);
            assert_eq!(unsettled.factors().len(), named.split_terminator(',').count());
        }
    }
}
