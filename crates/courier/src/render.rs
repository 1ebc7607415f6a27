//! From an event to the texts of a message, in the language of the account.
//!
//! The sentences are in `locales`. Their places in a message are in templates, which an operator may
//! replace by files of the same names.

use crate::{failure::Reason, mail::Letter};
use fourauth_locale::{Catalogue, NotAText, Texts, Tongue};
use fourauth_protocol::{
    device::{Binding, DeviceId, DeviceName},
    request_id::RequestId,
    time::UnixMillis,
    username::Username,
};
use fourauth_store::{Event, EventContext, EventDevice, Factor, PasscodeNumber};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context};
use std::{fmt, io::ErrorKind, net::IpAddr, path::Path};

const MAIL_TEXT: &str = "mail.txt";
const MAIL_HTML: &str = "mail.html";
const SMS: &str = "sms.txt";

/// The templates, each with its built-in text.
const TEMPLATES: [(&str, &str); 3] = [
    (MAIL_TEXT, include_str!("../templates/mail.txt")),
    (MAIL_HTML, include_str!("../templates/mail.html")),
    (SMS, include_str!("../templates/sms.txt")),
];

/// The code in samples.
const SAMPLE: &str = "A1B2C3";

/// Longest text message, in characters. Twilio refuses longer ones.
const MAX_SMS_CHARS: usize = 1600;

/// The texts of one notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// For a mail.
    pub letter: Letter,
    /// For a text message.
    pub sms: String,
}

/// Renders notices.
pub struct Renderer {
    issuer: String,
    default: Tongue,
    texts: [(Tongue, Texts); Tongue::ALL.len()],
    templates: Environment<'static>,
}

/// A template cannot be used. The message says which, and why.
#[derive(Debug, thiserror::Error)]
#[error("courier.templates: {name}: {reason}")]
pub struct NotATemplate {
    name: String,
    reason: String,
}

/// A line of the table in a message.
struct Fact {
    label: &'static str,
    value: String,
}

impl Renderer {
    /// Reads the texts, and the templates in `folder`, and renders every event in every language
    /// once, so that no template fails later.
    ///
    /// # Errors
    ///
    /// [`NotATemplate`] if a template cannot be read or rendered.
    pub fn new(issuer: &str, default: Tongue, folder: Option<&Path>) -> Result<Self, NotATemplate> {
        let texts = |tongue| Ok((tongue, Texts::of(Catalogue::Mail, tongue)?));
        let [en, de, ar] = Tongue::ALL.map(texts);
        let broken = |_: NotAText| NotATemplate {
            name: "locales".to_owned(),
            reason: "a text of this program cannot be read".to_owned(),
        };
        let texts = [en.map_err(broken)?, de.map_err(broken)?, ar.map_err(broken)?];
        let renderer =
            Self { issuer: issuer.to_owned(), default, texts, templates: templates(folder)? };
        renderer.try_all()?;
        Ok(renderer)
    }

    /// The language for an account.
    pub(crate) const fn default_tongue(&self) -> Tongue {
        self.default
    }

    /// The name that messages come from.
    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Renders a notice. `code` is that of an [`Event::Passcode`] or an [`Event::ResetCode`].
    ///
    /// # Errors
    ///
    /// [`Reason::UnknownEvent`] for an event of another version, [`Reason::Template`] if a template
    /// fails.
    pub fn render(
        &self,
        event: &Event,
        context: &EventContext,
        code: Option<&str>,
        tongue: Tongue,
    ) -> Result<Rendered, Reason> {
        if matches!(event, Event::Other(_)) {
            return Err(Reason::UnknownEvent);
        }
        self.written(event, context, code, tongue).map_err(|_| Reason::Template)
    }

    fn written(
        &self,
        event: &Event,
        context: &EventContext,
        code: Option<&str>,
        tongue: Tongue,
    ) -> Result<Rendered, Unwritten> {
        let [english, ..] = &self.texts;
        let (_, texts) = self.texts.iter().find(|(has, _)| *has == tongue).unwrap_or(english);
        let (when, peer) = (shown_time(context.at), context.peer.to_string());
        let (name, factors) = (device_name(event), factors(event, texts)?);
        let (code, until) = (code.unwrap_or_default(), shown_expiry(event));
        let arguments = [
            ("user", context.username.as_str()),
            ("issuer", &self.issuer),
            ("name", &name),
            ("factors", &factors),
            ("code", code),
            ("until", &until),
            ("when", &when),
            ("peer", &peer),
        ];
        let word = event.word();
        let subject = texts.line(&format!("{word}-subject"), &arguments)?;
        let sentence = texts.line(&format!("{word}-text"), &arguments)?;
        let short = [&arguments[..], &[("text", &sentence)]].concat();
        let facts = facts(context, texts)?;
        let values = context! {
            lang => tongue.tag(),
            dir => tongue.direction().as_str(),
            issuer => self.issuer.as_str(),
            event => word,
            subject => subject.as_str(),
            greeting => texts.body("greeting", &arguments)?,
            text => texts.body(&format!("{word}-text"), &arguments)?,
            facts => facts,
            advice => texts.body(advice(event), &arguments)?,
            footer => texts.body("footer", &arguments)?,
            sms => texts.line("sms", &short)?,
        };
        let letter = Letter {
            subject,
            text: self.filled(MAIL_TEXT, &values)?,
            html: self.filled(MAIL_HTML, &values)?,
            tongue,
        };
        let sms = self.filled(SMS, &values)?.trim().chars().take(MAX_SMS_CHARS).collect();
        Ok(Rendered { letter, sms })
    }

    fn filled(&self, template: &'static str, values: &Value) -> Result<String, Unwritten> {
        let failed =
            |error: minijinja::Error| Unwritten { name: template, reason: error.to_string() };
        self.templates.get_template(template).and_then(|it| it.render(values)).map_err(failed)
    }

    /// Renders every event in every language.
    fn try_all(&self) -> Result<(), NotATemplate> {
        for (event, context) in samples() {
            for tongue in Tongue::ALL {
                self.written(&event, &context, Some(SAMPLE), tongue).map_err(|failed| {
                    NotATemplate { name: failed.name.to_owned(), reason: failed.reason }
                })?;
            }
        }
        Ok(())
    }
}

/// A message that cannot be written.
struct Unwritten {
    name: &'static str,
    reason: String,
}

impl From<NotAText> for Unwritten {
    fn from(_: NotAText) -> Self {
        Self { name: "locales", reason: "a text is missing".to_owned() }
    }
}

/// The table in a message.
fn facts(context: &EventContext, texts: &Texts) -> Result<Vec<Value>, Unwritten> {
    let mut facts = vec![
        Fact { label: "label-when", value: shown_time(context.at) },
        Fact { label: "label-from", value: context.peer.to_string() },
    ];
    if let Some(until) = context.settles {
        facts.push(Fact { label: "label-settles", value: shown_time(until) });
    }
    if let Some(via) = &context.via {
        facts.push(Fact { label: "label-gateway", value: via.clone() });
    }
    let device = match &context.device {
        EventDevice::Key { name, .. } => texts.line("device-key", &[("name", name.as_str())])?,
        EventDevice::Address => texts.line("device-address", &[])?,
        EventDevice::Unproven => texts.line("device-unproven", &[])?,
    };
    facts.push(Fact { label: "label-device", value: device });
    facts.push(Fact { label: "label-request", value: context.request.to_string() });
    let shown = facts.into_iter().map(|Fact { label, value }| {
        Ok(context! { label => texts.line(label, &[])?, value => value })
    });
    shown.collect()
}

/// The templates of `folder`, and the built-in ones in place of those that are missing.
fn templates(folder: Option<&Path>) -> Result<Environment<'static>, NotATemplate> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|name| {
        if name == MAIL_HTML { AutoEscape::Html } else { AutoEscape::None }
    });
    for (name, built_in) in TEMPLATES {
        let refused = |reason: String| NotATemplate { name: name.to_owned(), reason };
        let source = match folder.map(|folder| fourauth_text_file::read(&folder.join(name))) {
            None => built_in.to_owned(),
            Some(Err(error)) if error.kind() == ErrorKind::NotFound => built_in.to_owned(),
            Some(read) => read.map_err(|error| refused(error.to_string()))?,
        };
        environment.add_template_owned(name, source).map_err(|error| refused(error.to_string()))?;
    }
    Ok(environment)
}

/// What a person should do.
const fn advice(event: &Event) -> &'static str {
    match event {
        Event::TotpReplaced
        | Event::TotpSentAgain
        | Event::PasswordReplaced
        | Event::FaceReplaced
        | Event::FaceEnrolled
        | Event::AuthenticatorRemoved
        | Event::FaceRemoved
        | Event::DeviceReplaced
        | Event::DeviceBound { .. }
        | Event::DeviceRevoked { .. }
        | Event::Other(_) => "advice-change",
        Event::LoginWithSettlingFactor { .. } | Event::PasswordUsedElsewhere => "advice-attempt",
        Event::DeviceAsked { .. } => "advice-asked",
        Event::FaceOutdated => "advice-enrol",
        Event::Passcode { .. } => "advice-passcode",
        Event::ResetCode { .. } => "advice-reset",
    }
}

fn device_name(event: &Event) -> String {
    match event {
        Event::DeviceBound { name }
        | Event::DeviceRevoked { name }
        | Event::DeviceAsked { name } => name.to_string(),
        Event::TotpReplaced
        | Event::TotpSentAgain
        | Event::PasswordReplaced
        | Event::FaceReplaced
        | Event::FaceEnrolled
        | Event::FaceOutdated
        | Event::AuthenticatorRemoved
        | Event::FaceRemoved
        | Event::DeviceReplaced
        | Event::LoginWithSettlingFactor { .. }
        | Event::PasswordUsedElsewhere
        | Event::Passcode { .. }
        | Event::ResetCode { .. }
        | Event::Other(_) => String::new(),
    }
}

fn factors(event: &Event, texts: &Texts) -> Result<String, NotAText> {
    let Event::LoginWithSettlingFactor { factors } = event else { return Ok(String::new()) };
    let names = factors.iter().map(|factor| {
        let key = match factor {
            Factor::Password => "factor-password",
            Factor::Totp => "factor-totp",
            Factor::Face => "factor-face",
            Factor::Device => "factor-device",
        };
        texts.line(key, &[])
    });
    Ok(names.collect::<Result<Vec<_>, _>>()?.join(&texts.line("separator", &[])?))
}

/// When the code of an event expires.
fn shown_expiry(event: &Event) -> String {
    match event {
        Event::Passcode { expires, .. } | Event::ResetCode { expires, .. } => shown_time(*expires),
        _ => String::new(),
    }
}

/// `2026-11-21 12:00 UTC`.
fn shown_time(at: UnixMillis) -> String {
    let text = at.to_string();
    let minutes = text.get(..16).filter(|_| text.as_bytes().get(10) == Some(&b'T'));
    minutes.map_or(text.clone(), |minutes| format!("{} UTC", minutes.replace('T', " ")))
}

/// One event of each kind, and circumstances with every value that a text may use.
fn samples() -> Vec<(Event, EventContext)> {
    let name = DeviceName::parse("laptop");
    let (Ok(name), Ok(username)) = (name, Username::parse("alice")) else { return Vec::new() };
    let at = UnixMillis(1_795_262_400_000);
    let key = EventDevice::Key {
        id: DeviceId::from_bytes([0; 16]),
        name: name.clone(),
        binding: Binding::TlsExporter,
    };
    let events = [
        Event::TotpReplaced,
        Event::TotpSentAgain,
        Event::PasswordReplaced,
        Event::FaceReplaced,
        Event::FaceEnrolled,
        Event::FaceOutdated,
        Event::AuthenticatorRemoved,
        Event::FaceRemoved,
        Event::DeviceReplaced,
        Event::DeviceBound { name: name.clone() },
        Event::DeviceRevoked { name: name.clone() },
        Event::DeviceAsked { name },
        Event::LoginWithSettlingFactor {
            factors: vec![Factor::Password, Factor::Totp, Factor::Face, Factor::Device],
        },
        Event::PasswordUsedElsewhere,
        Event::Passcode {
            number: PasscodeNumber::from_bytes([0; 16]),
            expires: at.saturating_add_ms(180_000),
        },
        Event::ResetCode {
            number: PasscodeNumber::from_bytes([0; 16]),
            expires: at.saturating_add_ms(600_000),
        },
    ];
    let devices = [EventDevice::Address, EventDevice::Unproven, key];
    let context = |(event, device): (Event, EventDevice)| {
        let context = EventContext {
            username: username.clone(),
            peer: IpAddr::from([192, 0, 2, 7]),
            via: Some("portal".to_owned()),
            device,
            request: RequestId::new(at, [0; 10]),
            at,
            settles: Some(at.saturating_add_ms(86_400_000)),
        };
        (event, context)
    };
    events.into_iter().zip(devices.into_iter().cycle()).map(context).collect()
}

impl fmt::Debug for Renderer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renderer").field("default", &self.default).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
