//! The addresses of an account of a passcode system.

use super::account::Unfit;
use fourauth_protocol::{
    contact::{Email, Phone},
    mac_address::MacAddress,
};
use fourauth_store::Channel;

/// The addresses of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Contact {
    pub(super) email: Option<Email>,
    pub(super) phone: Option<Phone>,
    pub(super) mac: Option<MacAddress>,
}

impl Contact {
    /// Parses what is there.
    pub(super) fn read(
        email: Option<&str>,
        phone: Option<&str>,
        mac: Option<&str>,
    ) -> Result<Self, Unfit> {
        let email = email.map(Email::parse).transpose().map_err(|_| Unfit::Email)?;
        let phone = phone.map(Phone::parse).transpose().map_err(|_| Unfit::Phone)?;
        let mac = mac.map(MacAddress::parse).transpose().map_err(|_| Unfit::Mac)?;
        Ok(Self { email, phone, mac })
    }

    /// The mail address, else the telephone number, else the MAC address.
    pub(super) fn name(&self) -> Option<String> {
        let address =
            self.email.as_ref().map(Email::as_str).or(self.phone.as_ref().map(Phone::as_str));
        address.map(str::to_owned).or(self.mac.map(|mac| mac.to_string()))
    }

    /// The addresses that belong to one account. Several people may share a device, so its address is
    /// one only if there is no other.
    pub(super) fn keys(&self) -> Vec<String> {
        let email = self.email.as_ref().map(|email| email.as_str().to_owned());
        let phone = self.phone.as_ref().map(|phone| phone.as_str().to_owned());
        let addresses: Vec<_> = email.into_iter().chain(phone).collect();
        if addresses.is_empty() { self.name().into_iter().collect() } else { addresses }
    }

    /// What carries a passcode to the owner. `None` without an address for messages.
    pub(super) fn channel(&self) -> Option<Channel> {
        let by_sms = self.phone.as_ref().map(|_| Channel::Sms);
        self.email.as_ref().map(|_| Channel::Mail).or(by_sms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMAIL: Option<&str> = Some("a@b.example");
    const MAC: Option<&str> = Some("00-1B-44-11-3A-B7");

    #[test]
    fn a_shared_device_belongs_to_no_account() {
        let keys = |email, mac| Contact::read(email, None, mac).unwrap().keys();
        assert_eq!(keys(EMAIL, MAC), ["a@b.example"]);
        assert_eq!(keys(None, MAC), ["00:1b:44:11:3a:b7"]);
    }
}
