//! `[courier]`

use crate::hidden::Hidden;
use fourauth_courier::{Account, Limit, MailRoute, MailSettings, Quotas, SmsRoute, SmsSettings};
use fourauth_locale::Tongue;
use fourauth_protocol::contact::Email;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Mail and text messages to the owners of accounts.
///
/// Without `mail` and `sms`, notices wait in the database and are deleted after 30 days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CourierConfig {
    /// Where mail goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mail: Option<MailRoute>,
    /// The address that mail comes from. Bounces return to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mail_from: Option<Email>,
    /// The account with the relay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mail_user: Option<Hidden>,
    /// Its password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mail_password: Option<Hidden>,
    /// A PEM file with the only authorities that a relay's certificate may come from. Default: those
    /// of the machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mail_ca: Option<PathBuf>,
    /// Where text messages go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sms: Option<SmsRoute>,
    /// The account with the provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sms_account: Option<Hidden>,
    /// Its token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sms_token: Option<Hidden>,
    /// The number that text messages come from, or the id of a messaging service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sms_from: Option<String>,
    /// A folder with templates that replace the built-in ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub templates: Option<PathBuf>,
    /// The language of accounts that have none, or one without texts.
    pub language: Tongue,
    /// Longest time of one attempt, in seconds. Relays may delay their answers to strangers by
    /// several seconds.
    pub deadline_s: u32,
    /// Attempts until a notice is given up. The waits between 16 attempts add up to 28 hours or more.
    pub attempts: u32,
    /// Messages to one account, and to one address, in 15 minutes. More than one person causes in a
    /// hurry: four recoveries, each with a device and a login.
    pub owner_in_15_min: u32,
    /// The same in a day.
    pub owner_in_a_day: u32,
    /// Passcodes that one source may request in 15 minutes.
    pub passcodes_for_a_source: u32,
    /// Text messages to one block of ten thousand numbers, in an hour.
    pub block_in_an_hour: u32,
    /// The same in a day.
    pub block_in_a_day: u32,
}

impl Default for CourierConfig {
    fn default() -> Self {
        Self {
            mail: None,
            mail_from: None,
            mail_user: None,
            mail_password: None,
            mail_ca: None,
            sms: None,
            sms_account: None,
            sms_token: None,
            sms_from: None,
            templates: None,
            language: Tongue::default(),
            deadline_s: 30,
            attempts: 16,
            owner_in_15_min: 12,
            owner_in_a_day: 40,
            passcodes_for_a_source: 60,
            block_in_an_hour: 30,
            block_in_a_day: 100,
        }
    }
}

impl CourierConfig {
    /// The settings of mail, if it is sent.
    #[must_use]
    pub fn mail(&self) -> Option<MailSettings> {
        Some(MailSettings {
            route: self.mail.clone()?,
            from: self.mail_from.clone()?,
            account: account(self.mail_user.as_ref(), self.mail_password.as_ref()),
            authorities: self.mail_ca.clone(),
        })
    }

    /// The settings of text messages, if they are sent.
    #[must_use]
    pub fn sms(&self) -> Option<SmsSettings> {
        Some(SmsSettings {
            route: self.sms.clone()?,
            account: account(self.sms_account.as_ref(), self.sms_token.as_ref()),
            from: self.sms_from.clone().unwrap_or_default(),
        })
    }

    /// The limits of messages.
    #[must_use]
    pub const fn quotas(&self) -> Quotas {
        Quotas {
            owner: Limit { short: self.owner_in_15_min, long: self.owner_in_a_day },
            block: Limit { short: self.block_in_an_hour, long: self.block_in_a_day },
        }
    }
}

fn account(name: Option<&Hidden>, password: Option<&Hidden>) -> Option<Account> {
    Some(Account { name: name?.secret().clone(), password: password?.secret().clone() })
}
