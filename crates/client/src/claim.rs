//! The account and device that a command claims to come from.

use fourauth_protocol::{command::Command, mac_address::MacAddress, username::Username};

/// An account, and the address of one of its devices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) username: Username,
    pub(crate) mac: MacAddress,
}

impl Claim {
    /// The claim that `command` makes about the device that sends it.
    ///
    /// Administrator commands make no claim: they come from a device that is not the account's.
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
            | Command::ProveGateway(_)
            | Command::Hello(_)
            | Command::Register(_)
            | Command::ConfirmTotp(_)
            | Command::ListDevices(_)
            | Command::ReadAudit(_) => return None,
        };
        Some(Self { username: username.clone(), mac: mac? })
    }

    /// The claim that the server holds for this connection after `command`, if it is a 150.
    pub(crate) fn proved_by(command: &Command) -> Option<Self> {
        match command {
            Command::ProveDevice(proof) => {
                Some(Self { username: proof.username.clone(), mac: proof.mac? })
            }
            _ => None,
        }
    }
}
