//! Words in answers that newer servers may extend: enums that keep a word which they do not know.
//!
//! On the wire each of them is a string. A known word is always its variant, never `Other`, if it
//! is read or converted with `From`.

/// Defines an enum of words with `Other` for all further words.
macro_rules! words {
    ($(#[$of:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$of])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$doc])* $variant,)*
            /// A word of a newer server, which this version does not know. Escape it before display.
            Other(String),
        }

        impl $name {
            /// The word on the wire.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)*
                    Self::Other(word) => word,
                }
            }
        }

        impl From<&str> for $name {
            fn from(word: &str) -> Self {
                match word {
                    $($word => Self::$variant,)*
                    other => Self::Other(other.to_owned()),
                }
            }
        }

        impl From<String> for $name {
            fn from(word: String) -> Self {
                Self::from(word.as_str())
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, word: &str) -> bool {
                self.as_str() == word
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, word: &&str) -> bool {
                self.as_str() == *word
            }
        }

        /// The word as it is: escape it before display if it comes from a peer.
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                <String as serde::Deserialize>::deserialize(deserializer).map(Self::from)
            }
        }

        /// A string: the list of words is not closed.
        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                String::json_schema(generator)
            }
        }
    };
}

words! {
    /// How well a server knows the time.
    TimeState {
        /// Most of its time sources agreed recently.
        Synced = "synced",
        /// They agreed earlier, and the error is still bounded.
        Holdover = "holdover",
        /// The clock of the machine, which the operator trusts.
        Local = "local",
        /// The time is not known well enough to decide.
        Denied = "denied",
    }
}

words! {
    /// What a server requires beyond the protocol.
    Requirement {
        /// A recovery code in the commands 300 to 330.
        RecoveryCode = "recovery_code",
        /// The key of a device.
        DeviceKey = "device_key",
    }
}

words! {
    /// One thing that a face challenge asks a person to do. Left and right are the person's own.
    ChallengeStep {
        /// Turn the head to the left.
        Left = "left",
        /// Turn the head to the right.
        Right = "right",
        /// Open the mouth and hold the head still.
        Mouth = "mouth",
    }
}

words! {
    /// Which commands need a face challenge.
    ChallengeUse {
        /// No command.
        Off = "off",
        /// The recoveries that take a face: 300, 310 and 330.
        Recovery = "recovery",
        /// The recoveries, and every login that takes a face.
        Always = "always",
    }
}

words! {
    /// How the key of a device was bound to an account.
    BoundBy {
        /// It was part of the registration.
        Registration = "registration",
        /// By the first login of an account without a key.
        FirstLogin = "first_login",
        /// From another device of the account.
        Device = "device",
        /// In the place of a lost device.
        Recovery = "recovery",
    }
}

words! {
    /// The action of an audit row. The commands and the server's own actions have a variant; a
    /// local command of an operator is [`Action::Other`].
    Action {
        /// 100.
        Login = "login",
        /// 110.
        RequestPasscode = "request_passcode",
        /// 120.
        RedeemPasscode = "redeem_passcode",
        /// 130, summarised as [`Action::SessionUse`] unless the token was renewed.
        Authorise = "authorise",
        /// A renewed token.
        RenewToken = "renew_token",
        /// 132, summarised as [`Action::SessionUse`].
        ExchangeToken = "exchange_token",
        /// 140.
        EndSession = "end_session",
        /// 142.
        ListSessions = "list_sessions",
        /// 144.
        ProveSignIn = "prove_sign_in",
        /// 152.
        ProveGateway = "prove_gateway",
        /// 160.
        SelfRegister = "self_register",
        /// 162.
        AcceptInvitation = "accept_invitation",
        /// 170.
        PasswordStep = "password_step",
        /// 180.
        CodeStep = "code_step",
        /// 182.
        FaceStep = "face_step",
        /// 184.
        EnrolFace = "enrol_face",
        /// 186.
        ProveAgain = "prove_again",
        /// 188.
        BindSession = "bind_session",
        /// 189.
        RenewSession = "renew_session",
        /// 200.
        Register = "register",
        /// 202.
        Invite = "invite",
        /// 210.
        ConfirmTotp = "confirm_totp",
        /// 220.
        BindDevice = "bind_device",
        /// 222.
        ListDevices = "list_devices",
        /// 224.
        RevokeDevice = "revoke_device",
        /// 230.
        ListAccounts = "list_accounts",
        /// 232.
        ShowAccount = "show_account",
        /// 234.
        ChangeAccount = "change_account",
        /// 236.
        EraseAccount = "erase_account",
        /// 238.
        EndAccess = "end_access",
        /// 240.
        ReadAudit = "read_audit",
        /// 242.
        ViewAudit = "view_audit",
        /// 244.
        ShowState = "show_state",
        /// 246.
        ListMessages = "list_messages",
        /// 248, summarised as [`Action::SessionUse`].
        FollowAudit = "follow_audit",
        /// 250.
        InvitePerson = "invite_person",
        /// 252.
        SetGroups = "set_groups",
        /// 254.
        ChangeMessage = "change_message",
        /// 256.
        AskForDevice = "ask_for_device",
        /// 257, if it adds the browser.
        AddAskedDevice = "add_asked_device",
        /// 257, if it refuses the browser.
        RefuseDevice = "refuse_device",
        /// 258.
        InviteAgain = "invite_again",
        /// 259, without a face.
        RaiseSession = "raise_session",
        /// 259, with a face.
        RaiseByFace = "raise_by_face",
        /// 300.
        RecoverTotp = "recover_totp",
        /// 310.
        RecoverPassword = "recover_password",
        /// 320.
        RecoverFace = "recover_face",
        /// 330.
        RecoverDevice = "recover_mac",
        /// 340.
        RequestReset = "request_reset",
        /// 350.
        ValidateReset = "validate_reset",
        /// 360.
        ResetPassword = "reset_password",
        /// Frames of one connection that were not commands.
        Protocol = "protocol",
        /// Refused commands of one source, summarised.
        Limited = "limited",
        /// Uses of one session in an hour, summarised.
        SessionUse = "session_use",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_word_is_kept_and_a_known_one_is_its_variant() {
        for (word, state) in [
            ("synced", TimeState::Synced),
            ("denied", TimeState::Denied),
            ("quantum", TimeState::Other("quantum".into())),
            ("", TimeState::Other(String::new())),
        ] {
            let text = serde_json::to_string(word).unwrap();
            assert_eq!(serde_json::from_str::<TimeState>(&text).unwrap(), state);
            assert_eq!(serde_json::to_string(&state).unwrap(), text);
            assert_eq!((state.as_str(), state.to_string()), (word, word.to_owned()));
        }
    }
}
