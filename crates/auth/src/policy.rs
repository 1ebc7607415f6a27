//! Which factors a command needs, as data: by door, kind of command and account.
//!
//! A command is examined against the whole record in any case. The policy says which findings must
//! be there. It stands between admission and judgement, and nothing else knows what is required.

mod factors;

pub use factors::{Factor, Factors};

use crate::action::Action;
use Factor::{Clock, Device, DeviceKey, Face, Passcode, Password, ResetCode, Totp};
use fourauth_factors::Finding;
use fourauth_protocol::level::Level;
use fourauth_store::Enrolled;

/// The way in that a command came through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Door {
    /// A client of this protocol.
    Native,
    /// The portal: a browser behind a gateway.
    Web,
    /// The HTTP API of the two systems that it replaces.
    Http,
    /// The text protocol of the passcode systems.
    Text,
}

impl Door {
    /// The word in audit rows. The native door has none: most commands come through it.
    #[must_use]
    pub(crate) const fn word(self) -> Option<&'static str> {
        match self {
            Self::Native => None,
            Self::Web => Some("web"),
            Self::Http => Some("http"),
            Self::Text => Some("text"),
        }
    }

    /// The word in metrics and traces, where every door has one.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.word() {
            Some(word) => word,
            None => "native",
        }
    }
}

/// What one command must prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requirement {
    /// Each of these.
    pub all: Factors,
    /// At least one of these, unless the set is empty.
    pub any: Factors,
    /// Factors that the account has and that the command cannot take: it is refused when all else is
    /// proved.
    pub beyond: Factors,
    /// True if the face counts only by the answer to a challenge.
    pub challenge: bool,
    /// At least this level. `None` if the factors above say it all.
    pub level: Option<Level>,
}

/// One row of the policy.
struct Rule {
    /// Factors that every account needs.
    all: &'static [Factor],
    /// Factors that an account needs if it has them.
    if_enrolled: &'static [Factor],
    /// Factors that can stand for each other.
    any: &'static [Factor],
    /// Factors that the command cannot take. It is not for accounts that have one of them.
    beyond: &'static [Factor],
    /// The lowest level. Factors that are settling do not count for it.
    level: Option<Level>,
}

/// What an operator can switch on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Optional {
    /// A password and a passcode open a session.
    Passcodes,
    /// A password, and a one-time code if the account has one, open a session in two steps.
    TwoSteps,
    /// A person may register without an administrator.
    SelfRegistration,
    /// A code that the server sends resets a forgotten password.
    Resets,
    /// A recovery that takes a face needs a face challenge.
    ChallengeAtRecovery,
    /// A login that takes a face needs a face challenge.
    ChallengeAtLogin,
    /// The recoveries of 4Auth's client, which knows no challenge, take still pictures.
    StillFaces,
}

/// The policy of this server: what is switched on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Policy(u8);

impl Policy {
    /// The same policy, with this on or off.
    #[must_use]
    pub const fn with(self, optional: Optional, is_on: bool) -> Self {
        let bit = 1 << optional as u8;
        Self(if is_on { self.0 | bit } else { self.0 & !bit })
    }

    /// True if this is switched on.
    pub(crate) const fn has(self, optional: Optional) -> bool {
        self.0 & (1 << optional as u8) != 0
    }

    /// What `action` needs of an account with these factors if it comes through `door`. `None` if
    /// the door does not offer it, or if it is not decided by factors.
    #[must_use]
    pub fn required(self, action: Action, account: Enrolled, door: Door) -> Option<Requirement> {
        let rule = rule(action, door).filter(|_| self.offers(action))?;
        let has = |factor: &&Factor| match factor {
            Factor::Totp => account.totp,
            Factor::Face => account.face,
            Factor::Device => account.device,
            Factor::DeviceKey => account.key,
            Factor::Password | Factor::Clock | Factor::Passcode | Factor::ResetCode => true,
        };
        let enrolled = rule.if_enrolled.iter().filter(has).copied();
        let all: Factors = rule.all.iter().copied().chain(enrolled).collect();
        Some(Requirement {
            all,
            any: rule.any.iter().copied().collect(),
            beyond: rule.beyond.iter().filter(has).copied().collect(),
            challenge: all.contains(Face) && self.challenges(action, door),
            level: rule.level,
        })
    }

    /// True if a face counts for `action` only by the answer to a challenge.
    const fn challenges(self, action: Action, door: Door) -> bool {
        let is_spared = self.has(Optional::StillFaces) && matches!(door, Door::Native);
        match action {
            Action::Login | Action::FaceStep | Action::AskForDevice | Action::RaiseByFace => {
                self.has(Optional::ChallengeAtLogin)
            }
            _ if action.replaces_a_factor() => {
                self.has(Optional::ChallengeAtRecovery) && !is_spared
            }
            _ => false,
        }
    }

    /// True if `door` offers the reset of a forgotten password.
    #[must_use]
    pub const fn offers_reset(self, door: Door) -> bool {
        self.has(Optional::Resets) && !matches!(door, Door::Text)
    }

    /// True unless an operator has not switched it on.
    const fn offers(self, action: Action) -> bool {
        match action {
            Action::RequestPasscode | Action::RedeemPasscode => self.has(Optional::Passcodes),
            Action::PasswordStep
            | Action::CodeStep
            | Action::FaceStep
            | Action::EnrolFace
            | Action::AskForDevice => self.has(Optional::TwoSteps),
            Action::SelfRegister => self.has(Optional::SelfRegistration),
            Action::ValidateReset => self.has(Optional::Resets),
            _ => true,
        }
    }
}

/// The rows. `None`: the door does not offer the command, or something else decides it.
const fn rule(action: Action, door: Door) -> Option<Rule> {
    match (action, door) {
        // The factors that 4Auth documents.
        (Action::Login, Door::Native) => Some(each(&[Password, Totp, Face, Device, Clock])),
        // Accounts of the two systems have a password, and a one-time code if they have set one up.
        (Action::Login, Door::Http) => Some(Rule { if_enrolled: &[Totp], ..each(&[Password]) }),
        // The passcode systems know no face. In a browser it follows in a step of its own.
        (Action::RequestPasscode, Door::Native | Door::Text)
        | (Action::PasswordStep, Door::Web) => Some(each(&[Password])),
        (Action::RedeemPasscode, Door::Native | Door::Text) => Some(each(&[Password, Passcode])),
        // They carry no picture.
        (Action::PasswordStep, Door::Native | Door::Http) => {
            Some(Rule { beyond: &[Face], ..each(&[Password]) })
        }
        (Action::CodeStep, Door::Native | Door::Http) => {
            Some(Rule { beyond: &[Face], ..each(&[Password, Totp]) })
        }
        (
            Action::FaceStep
            | Action::EnrolFace
            | Action::AskForDevice
            | Action::BindDevice
            | Action::RevokeDevice
            | Action::AddAskedDevice
            | Action::RefuseDevice,
            Door::Web,
        ) => of_browsers(action),
        // The invitation stands for the password.
        (Action::AcceptInvitation, Door::Native | Door::Web | Door::Http) => {
            Some(each(&[Password]))
        }
        (Action::ConfirmTotp, Door::Native | Door::Web | Door::Http)
        | (Action::CodeStep, Door::Web) => Some(each(&[Password, Totp])),
        (
            Action::ProveAgain | Action::RaiseSession | Action::RaiseByFace,
            Door::Native | Door::Web | Door::Http,
        ) => of_sessions(action, door),
        // A recovery is as strong at the web door as at the native one.
        (Action::RecoverTotp, Door::Native | Door::Web) => {
            Some(each(&[Password, Face, Device, Clock]))
        }
        (Action::RecoverPassword, Door::Native | Door::Web) => {
            Some(each(&[Totp, Face, Device, Clock]))
        }
        (Action::BindDevice | Action::RevokeDevice, Door::Native)
        | (Action::RecoverFace, Door::Native | Door::Web) => {
            Some(each(&[Password, Totp, Device, Clock]))
        }
        (Action::RecoverDevice, Door::Native | Door::Web) => {
            Some(each(&[Password, Totp, Face, Clock]))
        }
        // The code is the one secret of an account that has forgotten its password.
        (Action::ValidateReset, Door::Native | Door::Web | Door::Http) => Some(each(&[ResetCode])),
        (
            Action::BindDevice
            | Action::RevokeDevice
            | Action::RecoverTotp
            | Action::RecoverPassword
            | Action::RecoverFace
            | Action::RecoverDevice,
            Door::Http,
        )
        | (Action::RequestPasscode | Action::RedeemPasscode, Door::Web | Door::Http)
        | (Action::Login, Door::Web)
        | (
            Action::FaceStep
            | Action::EnrolFace
            | Action::AskForDevice
            | Action::AddAskedDevice
            | Action::RefuseDevice,
            Door::Native | Door::Http,
        )
        | (_, Door::Text)
        // A signature, an administrator's secret, a token or a grant decides these, or nothing.
        | (
            Action::ProveGateway
            | Action::Authorise
            | Action::RenewToken
            | Action::ExchangeToken
            | Action::EndSession
            | Action::ListSessions
            | Action::ProveSignIn
            | Action::BindSession
            | Action::RenewSession
            | Action::SelfRegister
            | Action::Register
            | Action::Invite
            | Action::ListDevices
            | Action::ListAccounts
            | Action::ShowAccount
            | Action::ChangeAccount
            | Action::EraseAccount
            | Action::ListMessages
            | Action::InvitePerson
            | Action::SetGroups
            | Action::ChangeMessage
            | Action::InviteAgain
            | Action::EndAccess
            | Action::ViewAudit
            | Action::ShowState
            | Action::FollowAudit
            | Action::ReadAudit
            | Action::RequestReset
            | Action::ResetPassword,
            _,
        ) => None,
    }
}

/// The rows of commands as browsers send them. A browser has no MAC address to compare, but a key.
const fn of_browsers(action: Action) -> Option<Rule> {
    let level = Some(Level::Two);
    match action {
        Action::FaceStep => {
            Some(Rule { if_enrolled: &[Totp, DeviceKey], level, ..each(&[Password, Face]) })
        }
        // The grant of 210 stands for both. A face is replaced by a recovery.
        Action::EnrolFace => {
            Some(Rule { if_enrolled: &[DeviceKey], beyond: &[Face], ..each(&[Password, Totp]) })
        }
        // Everything but the key, which a device of the account is to confirm.
        Action::AskForDevice => {
            Some(Rule { if_enrolled: &[Totp], level, ..each(&[Password, Face]) })
        }
        Action::BindDevice
        | Action::RevokeDevice
        | Action::AddAskedDevice
        | Action::RefuseDevice => Some(each(&[Password, Totp, DeviceKey])),
        _ => None,
    }
}

/// The rows of the commands that a session stands behind: before a change in the console, and for a higher level.
/// They need a fresh code, and the key if the account has one.
const fn of_sessions(action: Action, door: Door) -> Option<Rule> {
    match action {
        _ if matches!(door, Door::Http) => None,
        Action::ProveAgain | Action::RaiseSession => {
            Some(Rule { if_enrolled: &[DeviceKey], ..each(&[Totp]) })
        }
        Action::RaiseByFace => Some(Rule { if_enrolled: &[DeviceKey], ..each(&[Totp, Face]) }),
        _ => None,
    }
}

const fn each(all: &'static [Factor]) -> Rule {
    Rule { all, if_enrolled: &[], any: &[], beyond: &[], level: None }
}

impl Requirement {
    /// The finding about a factor that was examined, or [`Finding::Missing`] about a required one that
    /// was not sent.
    pub(crate) fn finding(self, factor: Factor, examined: Option<Finding>) -> Option<Finding> {
        examined.or_else(|| self.needs(factor).then_some(Finding::Missing))
    }

    /// The factors that are still needed after these have been proved, or nothing if it is met.
    pub(crate) fn unmet(self, proved: Factors) -> Factors {
        let missing = self.all.without(proved);
        if missing.is_empty() && !self.any.is_empty() && !self.any.meets(proved) {
            return self.any;
        }
        if missing.is_empty() { self.beyond } else { missing }
    }

    /// True if the command cannot succeed without this factor.
    #[must_use]
    pub const fn needs(self, factor: Factor) -> bool {
        self.all.contains(factor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::ACTIONS;
    use Finding::Mismatch;

    const DOORS: [Door; 4] = [Door::Native, Door::Web, Door::Http, Door::Text];
    const FACTORS: [Factor; 8] =
        [Password, Totp, Face, Device, DeviceKey, Clock, Passcode, ResetCode];

    const ALL: Policy = Policy(u8::MAX);

    fn accounts() -> impl Iterator<Item = Enrolled> {
        (0_u8..16).map(|bits| Enrolled {
            totp: bits & 1 != 0,
            face: bits & 2 != 0,
            device: bits & 4 != 0,
            key: bits & 8 != 0,
        })
    }

    fn subsets() -> impl Iterator<Item = Factors> {
        (0..=u8::MAX).map(Factors::from_bits)
    }

    /// The rule of a login in words of its own, to compare the table with.
    fn may_log_in(door: Door, account: Enrolled, proved: Factors) -> bool {
        let has = |factor| proved.contains(factor);
        match door {
            Door::Native => [Password, Totp, Face, Device, Clock].into_iter().all(has),
            Door::Http => has(Password) && (has(Totp) || !account.totp),
            Door::Web | Door::Text => false,
        }
    }

    #[test]
    fn a_login_needs_what_its_door_and_account_say() {
        for door in DOORS {
            for account in accounts() {
                let required = ALL.required(Action::Login, account, door);
                for proved in subsets() {
                    let is_met = required.is_some_and(|all| all.unmet(proved).is_empty());
                    assert_eq!(is_met, may_log_in(door, account, proved), "{door:?} {proved:?}");
                }
            }
        }
    }

    #[test]
    fn no_door_grants_anything_without_a_secret() {
        for door in DOORS {
            for account in accounts() {
                for action in ACTIONS {
                    let Some(required) = ALL.required(action, account, door) else {
                        continue;
                    };
                    let without: Factors = [Face, Device, Clock].into_iter().collect();
                    assert!(!required.unmet(without).is_empty(), "{action:?} {door:?} {account:?}");
                }
            }
        }
    }

    #[test]
    fn a_command_that_changes_a_factor_needs_a_second_one() {
        for door in DOORS {
            for account in accounts() {
                for action in ACTIONS.into_iter().filter(|action| changes_a_factor(*action)) {
                    let Some(required) = ALL.required(action, account, door) else {
                        continue;
                    };
                    for one in FACTORS {
                        let proved = [one, Clock].into_iter().collect();
                        assert!(!required.unmet(proved).is_empty(), "{action:?} {door:?}");
                    }
                }
            }
        }
    }

    /// A login, a passcode, the steps, and a code for a grant, for a session or before a change in the console
    /// change none, and an invited person has none yet.
    fn changes_a_factor(action: Action) -> bool {
        use Action::{
            AcceptInvitation, CodeStep, FaceStep, Login, PasswordStep, ProveAgain, RaiseByFace,
            RaiseSession, RedeemPasscode, RequestPasscode, ValidateReset,
        };
        let is_sign_in = matches!(action, Login | PasswordStep | CodeStep | FaceStep);
        let is_message = matches!(action, RequestPasscode | RedeemPasscode | ValidateReset);
        let is_of_a_session = matches!(action, ProveAgain | RaiseSession | RaiseByFace);
        !is_sign_in && !is_message && !is_of_a_session && action != AcceptInvitation
    }

    #[test]
    fn weaker_logins_are_offered_only_where_they_are_on() {
        for (actions, doors) in [
            ([Action::RequestPasscode, Action::RedeemPasscode], [Door::Native, Door::Text]),
            ([Action::PasswordStep, Action::CodeStep], [Door::Native, Door::Http]),
        ] {
            for (action, door) in actions.into_iter().zip(doors) {
                let offered =
                    |policy: Policy| policy.required(action, Enrolled::PASSWORD, door).is_some();
                assert_eq!([offered(ALL), offered(Policy::default())], [true, false], "{action:?}");
            }
        }
        assert!(ALL.required(Action::PasswordStep, Enrolled::PASSWORD, Door::Text).is_none());
        assert!(ALL.required(Action::RedeemPasscode, Enrolled::PASSWORD, Door::Http).is_none());
    }

    #[test]
    fn an_account_with_a_face_does_not_sign_in_by_two_steps() {
        for account in accounts() {
            for (action, proved) in
                [(Action::PasswordStep, &[Password][..]), (Action::CodeStep, &[Password, Totp])]
            {
                let required = ALL.required(action, account, Door::Http).unwrap();
                let unmet = required.unmet(proved.iter().copied().collect());
                assert_eq!(unmet.contains(Face), account.face, "{action:?} {account:?}");
                assert_eq!(unmet.is_empty(), !account.face, "{action:?} {account:?}");
            }
        }
    }

    #[test]
    fn a_browser_shows_every_factor_of_the_account() {
        for account in accounts() {
            let required = ALL.required(Action::FaceStep, account, Door::Web).unwrap();
            for proved in subsets() {
                let has = |factor| proved.contains(factor);
                let has_enrolled = (has(Totp) || !account.totp) && (has(DeviceKey) || !account.key);
                let expected = has(Password) && has(Face) && has_enrolled;
                assert_eq!(required.unmet(proved).is_empty(), expected, "{account:?} {proved:?}");
            }
        }
        for door in [Door::Native, Door::Http, Door::Text] {
            assert_eq!(ALL.required(Action::FaceStep, Enrolled::ALL, door), None);
        }
    }

    #[test]
    fn a_passcode_is_redeemed_with_the_password_only() {
        let policy = ALL;
        let required = policy.required(Action::RedeemPasscode, Enrolled::ALL, Door::Text).unwrap();
        for proved in subsets() {
            let has = |factor| proved.contains(factor);
            let is_met = required.unmet(proved).is_empty();
            assert_eq!(is_met, has(Password) && has(Passcode), "{proved:?}");
        }
    }

    #[test]
    fn a_code_resets_a_password_only_where_that_is_on() {
        for door in DOORS {
            for resets in [true, false] {
                let policy = ALL.with(Optional::Resets, resets);
                let required = policy.required(Action::ValidateReset, Enrolled::ALL, door);
                let expected = resets && door != Door::Text;
                assert_eq!(required.is_some(), expected, "{door:?}");
                assert_eq!(policy.offers_reset(door), expected, "{door:?}");
                let Some(required) = required else { continue };
                for proved in subsets() {
                    let is_met = required.unmet(proved).is_empty();
                    assert_eq!(is_met, proved.contains(ResetCode), "{proved:?}");
                }
            }
        }
    }

    #[test]
    fn a_factor_that_was_not_sent_is_a_finding_only_if_needed() {
        let required = ALL.required(Action::RecoverTotp, Enrolled::ALL, Door::Native).unwrap();
        assert_eq!(required.finding(Face, None), Some(Finding::Missing));
        assert_eq!(required.finding(Totp, None), None);
        assert_eq!(required.finding(Totp, Some(Mismatch)), Some(Mismatch));
    }
}
