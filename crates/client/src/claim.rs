//! Whose device a command says it comes from.

use fourauth_protocol::{command::Command, mac_address::MacAddress, username::Username};

/// An account, and the address under which a device is its.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) username: Username,
    pub(crate) mac: MacAddress,
}

impl Claim {
    /// What `command` says of the device that sends it.
    ///
    /// Nothing is said by the commands of an administrator, whose device is none of the account's.
    pub(crate) fn of(command: &Command) -> Option<Self> {
        let (username, mac) = match command {
            Command::Login(login) => (&login.username, login.mac),
            Command::BindDevice(bind) => (&bind.username, bind.mac),
            Command::RevokeDevice(revoke) => (&revoke.username, revoke.mac),
            Command::RecoverTotp(recover) => (&recover.username, recover.mac),
            Command::RecoverPassword(recover) => (&recover.username, recover.mac),
            Command::RecoverFace(recover) => (&recover.username, recover.mac),
            Command::RecoverDevice(recover) => (&recover.username, recover.mac.or(recover.new_mac)),
            Command::ProveDevice(_)
            | Command::Hello(_)
            | Command::Register(_)
            | Command::ConfirmTotp(_)
            | Command::ListDevices(_)
            | Command::ReadAudit(_) => return None,
        };
        Some(Self { username: username.clone(), mac: mac? })
    }

    /// What the server takes the device for once it has `command`, a 150.
    pub(crate) fn proved_by(command: &Command) -> Option<Self> {
        match command {
            Command::ProveDevice(proof) => {
                Some(Self { username: proof.username.clone(), mac: proof.mac? })
            }
            _ => None,
        }
    }
}
