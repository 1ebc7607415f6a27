//! The kinds of commands, by their names in the audit log.

/// The kind of command, by its name in the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// 100
    Login,
    /// 200
    Register,
    /// 210
    ConfirmTotp,
    /// 220
    BindDevice,
    /// 222
    ListDevices,
    /// 224
    RevokeDevice,
    /// 240
    ReadAudit,
    /// 300
    RecoverTotp,
    /// 310
    RecoverPassword,
    /// 320
    RecoverFace,
    /// 330
    RecoverDevice,
}

impl Action {
    /// The word for the `action` column.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Register => "register",
            Self::ConfirmTotp => "confirm_totp",
            Self::BindDevice => "bind_device",
            Self::ListDevices => "list_devices",
            Self::RevokeDevice => "revoke_device",
            Self::ReadAudit => "read_audit",
            Self::RecoverTotp => "recover_totp",
            Self::RecoverPassword => "recover_password",
            Self::RecoverFace => "recover_face",
            Self::RecoverDevice => "recover_mac",
        }
    }

    /// True if the command neither grants access nor takes it away, so that it can be refused while
    /// the database is full.
    #[must_use]
    pub const fn can_wait(self) -> bool {
        match self {
            Self::Register
            | Self::ConfirmTotp
            | Self::BindDevice
            | Self::ListDevices
            | Self::ReadAudit => true,
            Self::Login
            | Self::RevokeDevice
            | Self::RecoverTotp
            | Self::RecoverPassword
            | Self::RecoverFace
            | Self::RecoverDevice => false,
        }
    }

    /// True for the recovery commands.
    #[must_use]
    pub const fn replaces_a_factor(self) -> bool {
        match self {
            Self::RecoverTotp | Self::RecoverPassword | Self::RecoverFace | Self::RecoverDevice => {
                true
            }
            Self::Login
            | Self::Register
            | Self::ConfirmTotp
            | Self::BindDevice
            | Self::ListDevices
            | Self::RevokeDevice
            | Self::ReadAudit => false,
        }
    }
}
