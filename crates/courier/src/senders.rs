//! The senders that are configured: at most one for mail and one for text messages.

use crate::{
    failure::Reason,
    folder::{self, SmsFolder},
    mail::{self, Letter, Outgoing},
    relay::Relay,
    route::{MailRoute, Security, SmsRoute},
    sms::{SmsSender, Text},
    twilio::Twilio,
};
use fourauth_protocol::{contact::Email, host_port::HostPort, secret::Secret};
use lettre::transport::smtp::{
    authentication::Credentials,
    client::{Certificate, CertificateStore, TlsParameters},
    extension::ClientId,
};
use std::{fs, path::PathBuf, time::Duration};
use tokio::time::timeout;

/// An account with a relay or a provider.
#[derive(Debug, Clone)]
pub struct Account {
    /// Its name.
    pub name: Secret<String>,
    /// Its password or token.
    pub password: Secret<String>,
}

/// The settings of mail.
#[derive(Debug, Clone)]
pub struct MailSettings {
    /// Where it goes.
    pub route: MailRoute,
    /// The sender's address.
    pub from: Email,
    /// The account with the relay, if it wants one.
    pub account: Option<Account>,
    /// A PEM file with the only authorities to trust; otherwise those of this machine.
    pub authorities: Option<PathBuf>,
}

/// The settings of text messages.
#[derive(Debug, Clone)]
pub struct SmsSettings {
    /// Where they go.
    pub route: SmsRoute,
    /// The account with the provider.
    pub account: Option<Account>,
    /// The sender's number, or the id of a messaging service.
    pub from: String,
}

/// A sender cannot be used. The message is for the operator and quotes no secret.
#[derive(Debug, thiserror::Error)]
pub enum NotASender {
    /// The file with authorities cannot be read.
    #[error("courier.mail_ca: cannot read the file ({0})")]
    Authorities(std::io::Error),
    /// The file with authorities has no certificate, or TLS is not available.
    #[error("courier.mail_ca: no certificate in the file, or this machine trusts no authority")]
    Tls,
    /// The account with the provider is missing or has another form.
    #[error("courier.sms_account and courier.sms_token: needed for Twilio, letters and digits")]
    Provider,
}

/// The senders.
#[derive(Debug)]
pub struct Senders {
    mail: Option<Mail>,
    sms: Option<Box<dyn SmsSender>>,
    deadline: Duration,
}

#[derive(Debug)]
struct Mail {
    from: Email,
    to: MailSink,
}

#[derive(Debug)]
enum MailSink {
    Relay(Box<Relay>),
    Folder(PathBuf),
}

impl Senders {
    /// Prepares the senders. Connects to none and makes no folder.
    ///
    /// # Errors
    ///
    /// [`NotASender`] says what to do.
    pub fn open(
        mail: Option<MailSettings>,
        sms: Option<SmsSettings>,
        deadline: Duration,
    ) -> Result<Self, NotASender> {
        let mail = mail.map(|settings| Mail::open(settings, deadline)).transpose()?;
        let sms = sms.map(provider).transpose()?;
        Ok(Self { mail, sms, deadline })
    }

    /// As [`open`](Self::open), with a sender of text messages from the caller.
    #[must_use]
    pub fn with_sms(mut self, sms: Box<dyn SmsSender>) -> Self {
        self.sms = Some(sms);
        self
    }

    pub(crate) const fn has_mail(&self) -> bool {
        self.mail.is_some()
    }

    pub(crate) const fn has_sms(&self) -> bool {
        self.sms.is_some()
    }

    /// The address that mail comes from.
    pub(crate) fn from(&self) -> Option<&Email> {
        self.mail.as_ref().map(|mail| &mail.from)
    }

    /// Sends a mail.
    pub(crate) async fn mail(
        &mut self,
        letter: &Letter,
        outgoing: Outgoing<'_>,
    ) -> Result<(), Reason> {
        let message = mail::compose(letter, outgoing)?;
        match self.mail.as_mut().map(|mail| &mut mail.to) {
            Some(MailSink::Relay(relay)) => relay.send(&message).await,
            Some(MailSink::Folder(folder)) => {
                folder::write(folder, format!("{}.eml", outgoing.id), message.formatted()).await
            }
            None => Err(Reason::NoAddress),
        }
    }

    /// Sends a text message.
    pub(crate) async fn sms(&self, text: &Text<'_>) -> Result<(), Reason> {
        let Some(sms) = &self.sms else { return Err(Reason::NoAddress) };
        timeout(self.deadline, sms.send(text)).await.unwrap_or(Err(Reason::Deadline))
    }

    /// Closes connections.
    pub(crate) async fn close(&mut self) {
        if let Some(Mail { to: MailSink::Relay(relay), .. }) = &mut self.mail {
            relay.close().await;
        }
    }
}

impl Mail {
    fn open(settings: MailSettings, deadline: Duration) -> Result<Self, NotASender> {
        let MailSettings { route, from, account, authorities } = settings;
        let to = match route {
            MailRoute::Folder(folder) => MailSink::Folder(folder),
            MailRoute::Relay(security, place) => {
                let tls = match security {
                    Security::Plain => None,
                    Security::StartTls | Security::Tls => Some(tls(&place, authorities)?),
                };
                let hello = ClientId::Domain(mail::domain(&from).to_owned());
                let login = account.map(|Account { name, password }| {
                    Credentials::new(name.expose().clone(), password.expose().clone())
                });
                let relay = Relay { security, place, hello, login, tls, deadline, open: None };
                MailSink::Relay(Box::new(relay))
            }
        };
        Ok(Self { from, to })
    }
}

fn tls(place: &HostPort, authorities: Option<PathBuf>) -> Result<TlsParameters, NotASender> {
    let mut builder = TlsParameters::builder(place.host.clone());
    if let Some(path) = authorities {
        let pem = fs::read(path).map_err(NotASender::Authorities)?;
        let certificate = Certificate::from_pem(&fourauth_text_file::unmarked_lines(&pem))
            .map_err(|_| NotASender::Tls)?;
        builder =
            builder.certificate_store(CertificateStore::None).add_root_certificate(certificate);
    }
    builder.build().map_err(|_| NotASender::Tls)
}

fn provider(settings: SmsSettings) -> Result<Box<dyn SmsSender>, NotASender> {
    match settings.route {
        SmsRoute::Folder(folder) => Ok(Box::new(SmsFolder(folder))),
        SmsRoute::Twilio(base) => {
            let Account { name, password } = settings.account.ok_or(NotASender::Provider)?;
            let twilio = Twilio::new(&base, name, password, settings.from);
            Ok(Box::new(twilio.ok_or(NotASender::Provider)?))
        }
    }
}
