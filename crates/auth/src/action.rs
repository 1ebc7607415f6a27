//! The kinds of commands, and how they differ.
//!
//! Each kind has one row of `Traits`, so that a new command does not compile before every
//! difference is decided. The texts of denials that all commands share are in `attempt/messages.rs`.

/// The kind of command, by its name in the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// 100
    Login,
    /// 110
    RequestPasscode,
    /// 120
    RedeemPasscode,
    /// 130
    Authorise,
    /// 130, if the token has expired
    RenewToken,
    /// 132
    ExchangeToken,
    /// 140
    EndSession,
    /// 142
    ListSessions,
    /// 144
    ProveSignIn,
    /// 152
    ProveGateway,
    /// 160
    SelfRegister,
    /// 162
    AcceptInvitation,
    /// 170
    PasswordStep,
    /// 180
    CodeStep,
    /// 182
    FaceStep,
    /// 184
    EnrolFace,
    /// 186
    ProveAgain,
    /// 188
    BindSession,
    /// 189
    RenewSession,
    /// 200
    Register,
    /// 202
    Invite,
    /// 210
    ConfirmTotp,
    /// 220
    BindDevice,
    /// 222
    ListDevices,
    /// 224
    RevokeDevice,
    /// 230
    ListAccounts,
    /// 232
    ShowAccount,
    /// 234
    ChangeAccount,
    /// 236
    EraseAccount,
    /// 238
    EndAccess,
    /// 240
    ReadAudit,
    /// 242
    ViewAudit,
    /// 244
    ShowState,
    /// 246
    ListMessages,
    /// 248
    FollowAudit,
    /// 250
    InvitePerson,
    /// 252
    SetGroups,
    /// 254
    ChangeMessage,
    /// 256
    AskForDevice,
    /// 257, if it adds the browser
    AddAskedDevice,
    /// 257, if it refuses the browser
    RefuseDevice,
    /// 258
    InviteAgain,
    /// 259, without a face
    RaiseSession,
    /// 259, with a face
    RaiseByFace,
    /// 300
    RecoverTotp,
    /// 310
    RecoverPassword,
    /// 320
    RecoverFace,
    /// 330
    RecoverDevice,
    /// 340
    RequestReset,
    /// 350
    ValidateReset,
    /// 360
    ResetPassword,
}

/// How one kind of command differs from the others.
struct Traits {
    word: &'static str,
    can_wait: bool,
    replaces_a_factor: bool,
    forgives: bool,
    granted: &'static str,
    denied: &'static str,
}

/// The text for a wrong first secret if the command has no text of its own.
const INVALID: &str = "Invalid credentials.";

impl Action {
    /// The last one of the enum.
    const NEWEST: Self = Self::ResetPassword;

    /// The position in [`ACTIONS`].
    pub(crate) const fn index(self) -> usize {
        self as usize
    }

    /// The word for the `action` column.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.traits().word
    }

    /// True if the command neither grants access nor takes it away, so that it can be refused while
    /// the database is full.
    #[must_use]
    pub const fn can_wait(self) -> bool {
        self.traits().can_wait
    }

    /// True for the recovery commands.
    #[must_use]
    pub(crate) const fn replaces_a_factor(self) -> bool {
        self.traits().replaces_a_factor
    }

    /// True if a success forgives earlier offences of its source: it spends a one-time code, and its
    /// account was made by an administrator. Everyone can have any number of other accounts.
    #[must_use]
    pub const fn forgives(self) -> bool {
        self.traits().forgives
    }

    /// True if every answer is held back like a denial, because its time must not tell whether the
    /// account exists.
    #[must_use]
    pub const fn answers_late(self) -> bool {
        matches!(self, Self::RequestReset)
    }

    /// The text for a granted command.
    pub(crate) const fn granted_text(self) -> &'static str {
        self.traits().granted
    }

    /// The text for every failure before the first secret is verified.
    pub(crate) const fn denied_text(self) -> &'static str {
        self.traits().denied
    }

    const fn traits(self) -> Traits {
        match self {
            Self::Login => LOGIN,
            Self::RequestPasscode => REQUEST_PASSCODE,
            Self::RedeemPasscode => REDEEM_PASSCODE,
            Self::Authorise => AUTHORISE,
            Self::RenewToken => RENEW_TOKEN,
            Self::ExchangeToken => EXCHANGE_TOKEN,
            Self::EndSession => END_SESSION,
            Self::ListSessions => LIST_SESSIONS,
            Self::ProveSignIn => PROVE_SIGN_IN,
            Self::ProveGateway => PROVE_GATEWAY,
            Self::SelfRegister => SELF_REGISTER,
            Self::AcceptInvitation => ACCEPT_INVITATION,
            Self::PasswordStep => PASSWORD_STEP,
            Self::CodeStep => CODE_STEP,
            Self::FaceStep => FACE_STEP,
            Self::EnrolFace => ENROL_FACE,
            Self::ProveAgain => PROVE_AGAIN,
            Self::BindSession => BIND_SESSION,
            Self::RenewSession => RENEW_SESSION,
            Self::Register => REGISTER,
            Self::Invite => INVITE,
            Self::ConfirmTotp => CONFIRM_TOTP,
            Self::BindDevice => BIND_DEVICE,
            Self::ListDevices => LIST_DEVICES,
            Self::RevokeDevice => REVOKE_DEVICE,
            Self::ListAccounts => LIST_ACCOUNTS,
            Self::ShowAccount => SHOW_ACCOUNT,
            Self::ChangeAccount => CHANGE_ACCOUNT,
            Self::EraseAccount => ERASE_ACCOUNT,
            Self::EndAccess => END_ACCESS,
            Self::ReadAudit => READ_AUDIT,
            Self::ViewAudit => VIEW_AUDIT,
            Self::ShowState => SHOW_STATE,
            Self::ListMessages => LIST_MESSAGES,
            Self::FollowAudit => FOLLOW_AUDIT,
            Self::InvitePerson => INVITE_PERSON,
            Self::SetGroups => SET_GROUPS,
            Self::ChangeMessage => CHANGE_MESSAGE,
            Self::AskForDevice => ASK_FOR_DEVICE,
            Self::AddAskedDevice => ADD_ASKED_DEVICE,
            Self::RefuseDevice => REFUSE_DEVICE,
            Self::InviteAgain => INVITE_AGAIN,
            Self::RaiseSession => RAISE_SESSION,
            Self::RaiseByFace => RAISE_BY_FACE,
            Self::RecoverTotp => RECOVER_TOTP,
            Self::RecoverPassword => RECOVER_PASSWORD,
            Self::RecoverFace => RECOVER_FACE,
            Self::RecoverDevice => RECOVER_DEVICE,
            Self::RequestReset => REQUEST_RESET,
            Self::ValidateReset => VALIDATE_RESET,
            Self::ResetPassword => RESET_PASSWORD,
        }
    }
}

const LOGIN: Traits = Traits {
    word: "login",
    can_wait: false,
    replaces_a_factor: false,
    forgives: true,
    granted: "Login successful.",
    denied: "Invalid username or password.",
};

const REQUEST_PASSCODE: Traits = Traits {
    word: "request_passcode",
    can_wait: true,
    replaces_a_factor: false,
    forgives: false,
    // The text that the passcode systems document.
    granted: "Passcode is sent",
    denied: INVALID,
};

const REDEEM_PASSCODE: Traits = Traits {
    word: "redeem_passcode",
    can_wait: false,
    replaces_a_factor: false,
    forgives: false,
    granted: "Login successful.",
    denied: INVALID,
};

const AUTHORISE: Traits = Traits {
    word: "authorise",
    can_wait: false,
    replaces_a_factor: false,
    forgives: false,
    granted: "authorized",
    denied: "unauthorized",
};

const RENEW_TOKEN: Traits = Traits { word: "renew_token", granted: "renew", ..AUTHORISE };

const EXCHANGE_TOKEN: Traits = Traits {
    word: "exchange_token",
    can_wait: false,
    replaces_a_factor: false,
    forgives: false,
    granted: "Token exchanged.",
    denied: "unauthorized",
};

const END_SESSION: Traits = Traits {
    word: "end_session",
    can_wait: false,
    replaces_a_factor: false,
    forgives: false,
    granted: "Session ended.",
    denied: INVALID,
};

const LIST_SESSIONS: Traits = Traits {
    word: "list_sessions",
    can_wait: false,
    replaces_a_factor: false,
    forgives: false,
    granted: "Sessions.",
    denied: INVALID,
};

const PROVE_SIGN_IN: Traits = Traits {
    word: "prove_sign_in",
    can_wait: false,
    replaces_a_factor: false,
    forgives: false,
    granted: "Proof of a sign-in.",
    denied: INVALID,
};

const PROVE_GATEWAY: Traits = Traits {
    word: "prove_gateway",
    can_wait: false,
    replaces_a_factor: false,
    forgives: false,
    granted: "Gateway proved.",
    denied: INVALID,
};

const SELF_REGISTER: Traits = Traits {
    word: "self_register",
    can_wait: true,
    replaces_a_factor: false,
    forgives: false,
    granted: "User registered successfully.",
    denied: INVALID,
};

const ACCEPT_INVITATION: Traits = Traits {
    word: "accept_invitation",
    granted: "Invitation accepted. Scan the QR code.",
    ..SELF_REGISTER
};

const PASSWORD_STEP: Traits = Traits {
    word: "password_step",
    can_wait: false,
    replaces_a_factor: false,
    forgives: false,
    // What follows is in the row of the next command, or of this one: a session.
    granted: "Password correct.",
    denied: INVALID,
};

const CODE_STEP: Traits = Traits {
    word: "code_step",
    can_wait: false,
    replaces_a_factor: false,
    forgives: false,
    granted: "One-time code correct.",
    denied: INVALID,
};

const FACE_STEP: Traits = Traits { word: "face_step", granted: "Login successful.", ..CODE_STEP };

const ENROL_FACE: Traits = Traits {
    word: "enrol_face",
    can_wait: true,
    replaces_a_factor: false,
    forgives: false,
    granted: "Face enrolled.",
    denied: INVALID,
};

const PROVE_AGAIN: Traits = Traits {
    word: "prove_again",
    can_wait: false,
    replaces_a_factor: false,
    forgives: true,
    granted: "One-time code correct.",
    denied: "TOTP verification failed.",
};

const BIND_SESSION: Traits = Traits {
    word: "bind_session",
    can_wait: false,
    replaces_a_factor: false,
    forgives: false,
    granted: "Session bound.",
    denied: INVALID,
};

const RENEW_SESSION: Traits =
    Traits { word: "renew_session", granted: "Session renewed.", ..BIND_SESSION };

const REGISTER: Traits = Traits {
    word: "register",
    can_wait: true,
    replaces_a_factor: false,
    forgives: false,
    granted: "User registered successfully. Scan the QR code.",
    denied: INVALID,
};

const INVITE: Traits = Traits { word: "invite", granted: "Invitation created.", ..REGISTER };

const CONFIRM_TOTP: Traits = Traits {
    word: "confirm_totp",
    can_wait: true,
    replaces_a_factor: false,
    forgives: false,
    granted: "TOTP confirmed.",
    denied: INVALID,
};

const BIND_DEVICE: Traits = Traits {
    word: "bind_device",
    can_wait: true,
    replaces_a_factor: false,
    forgives: true,
    granted: "Device bound.",
    denied: INVALID,
};

const LIST_DEVICES: Traits = Traits {
    word: "list_devices",
    can_wait: false,
    replaces_a_factor: false,
    forgives: false,
    granted: "Devices.",
    denied: INVALID,
};

const REVOKE_DEVICE: Traits = Traits {
    word: "revoke_device",
    can_wait: false,
    replaces_a_factor: false,
    forgives: true,
    granted: "Device revoked.",
    denied: INVALID,
};

const ASK_FOR_DEVICE: Traits = Traits {
    word: "ask_for_device",
    can_wait: true,
    replaces_a_factor: false,
    forgives: false,
    granted: "Request noted. Confirm it on a device of the account.",
    denied: INVALID,
};

const ADD_ASKED_DEVICE: Traits = Traits { word: "add_asked_device", ..BIND_DEVICE };

const REFUSE_DEVICE: Traits =
    Traits { word: "refuse_device", granted: "Device refused.", ..REVOKE_DEVICE };

const LIST_ACCOUNTS: Traits = Traits {
    word: "list_accounts",
    can_wait: true,
    replaces_a_factor: false,
    forgives: false,
    granted: "Accounts.",
    denied: INVALID,
};

const SHOW_ACCOUNT: Traits = Traits { word: "show_account", granted: "Account.", ..LIST_ACCOUNTS };

const CHANGE_ACCOUNT: Traits = Traits {
    word: "change_account",
    can_wait: false,
    replaces_a_factor: false,
    forgives: false,
    granted: "Account changed.",
    denied: INVALID,
};

const ERASE_ACCOUNT: Traits =
    Traits { word: "erase_account", granted: "Account erased.", ..CHANGE_ACCOUNT };

const END_ACCESS: Traits =
    Traits { word: "end_access", granted: "Access ended.", ..CHANGE_ACCOUNT };

const READ_AUDIT: Traits = Traits {
    word: "read_audit",
    can_wait: true,
    replaces_a_factor: false,
    forgives: false,
    granted: "Audit log.",
    denied: INVALID,
};

const VIEW_AUDIT: Traits = Traits {
    word: "view_audit",
    can_wait: true,
    replaces_a_factor: false,
    forgives: false,
    granted: "Audit log.",
    denied: INVALID,
};

const SHOW_STATE: Traits =
    Traits { word: "show_state", granted: "State of the server.", ..LIST_ACCOUNTS };

const LIST_MESSAGES: Traits =
    Traits { word: "list_messages", granted: "Messages.", ..LIST_ACCOUNTS };

const FOLLOW_AUDIT: Traits = Traits {
    word: "follow_audit",
    can_wait: false,
    replaces_a_factor: false,
    forgives: false,
    granted: "New rows.",
    denied: INVALID,
};

const INVITE_PERSON: Traits =
    Traits { word: "invite_person", granted: "Invitation made.", ..CHANGE_ACCOUNT };

const SET_GROUPS: Traits = Traits { word: "set_groups", granted: "Groups set.", ..CHANGE_ACCOUNT };

const CHANGE_MESSAGE: Traits =
    Traits { word: "change_message", granted: "Message changed.", ..CHANGE_ACCOUNT };

const INVITE_AGAIN: Traits =
    Traits { word: "invite_again", granted: "Invitation replaced.", ..CHANGE_ACCOUNT };

const RAISE_SESSION: Traits = Traits {
    word: "raise_session",
    can_wait: false,
    replaces_a_factor: false,
    forgives: false,
    granted: "Session raised.",
    denied: INVALID,
};

const RAISE_BY_FACE: Traits = Traits { word: "raise_by_face", ..RAISE_SESSION };

const RECOVER_TOTP: Traits = Traits {
    word: "recover_totp",
    can_wait: false,
    replaces_a_factor: true,
    forgives: false,
    granted: "TOTP secret reset. Scan the new QR code.",
    denied: INVALID,
};

const RECOVER_PASSWORD: Traits = Traits {
    word: "recover_password",
    can_wait: false,
    replaces_a_factor: true,
    forgives: true,
    granted: "Password reset successful.",
    denied: "TOTP verification failed.",
};

const RECOVER_FACE: Traits = Traits {
    word: "recover_face",
    can_wait: false,
    replaces_a_factor: true,
    forgives: true,
    granted: "Face re-enrolled successfully.",
    denied: INVALID,
};

const RECOVER_DEVICE: Traits = Traits {
    word: "recover_mac",
    can_wait: false,
    replaces_a_factor: true,
    forgives: true,
    granted: "MAC address updated successfully.",
    denied: INVALID,
};

// The texts that the HTTP OTP system documents.

const REQUEST_RESET: Traits = Traits {
    word: "request_reset",
    can_wait: true,
    replaces_a_factor: false,
    forgives: false,
    granted: "OTP sent successfully",
    denied: INVALID,
};

const VALIDATE_RESET: Traits = Traits {
    word: "validate_reset",
    can_wait: false,
    replaces_a_factor: false,
    forgives: false,
    granted: "OTP verified. Proceed to reset password.",
    denied: "Invalid or expired OTP",
};

const RESET_PASSWORD: Traits = Traits {
    word: "reset_password",
    can_wait: false,
    replaces_a_factor: true,
    forgives: false,
    granted: "Password reset successful",
    denied: "Invalid or expired OTP",
};

/// Every action, in the order of the enum.
pub(crate) const ACTIONS: [Action; Action::NEWEST as usize + 1] = [
    Action::Login,
    Action::RequestPasscode,
    Action::RedeemPasscode,
    Action::Authorise,
    Action::RenewToken,
    Action::ExchangeToken,
    Action::EndSession,
    Action::ListSessions,
    Action::ProveSignIn,
    Action::ProveGateway,
    Action::SelfRegister,
    Action::AcceptInvitation,
    Action::PasswordStep,
    Action::CodeStep,
    Action::FaceStep,
    Action::EnrolFace,
    Action::ProveAgain,
    Action::BindSession,
    Action::RenewSession,
    Action::Register,
    Action::Invite,
    Action::ConfirmTotp,
    Action::BindDevice,
    Action::ListDevices,
    Action::RevokeDevice,
    Action::ListAccounts,
    Action::ShowAccount,
    Action::ChangeAccount,
    Action::EraseAccount,
    Action::EndAccess,
    Action::ReadAudit,
    Action::ViewAudit,
    Action::ShowState,
    Action::ListMessages,
    Action::FollowAudit,
    Action::InvitePerson,
    Action::SetGroups,
    Action::ChangeMessage,
    Action::AskForDevice,
    Action::AddAskedDevice,
    Action::RefuseDevice,
    Action::InviteAgain,
    Action::RaiseSession,
    Action::RaiseByFace,
    Action::RecoverTotp,
    Action::RecoverPassword,
    Action::RecoverFace,
    Action::RecoverDevice,
    Action::RequestReset,
    Action::ValidateReset,
    Action::ResetPassword,
];

#[cfg(test)]
mod tests {
    use super::*;
    use fourauth_protocol::words;

    #[test]
    fn clients_know_the_word_of_every_action() {
        for action in ACTIONS {
            let word = words::Action::from(action.as_str());
            assert!(!matches!(word, words::Action::Other(_)), "{action:?}");
        }
    }
}
