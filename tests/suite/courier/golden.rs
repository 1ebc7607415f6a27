//! Every notice as a rendered mail in every language, compared with files.

use crate::checked_in;
use fourauth_courier::Renderer;
use fourauth_locale::Tongue;
use fourauth_protocol::{
    device::{Binding, DeviceId, DeviceName},
    request_id::RequestId,
    username::Username,
};
use fourauth_store::{Event, EventContext, EventDevice, Factor, PasscodeNumber};
use fourauth_tests::server::NOON;
use std::{collections::BTreeSet, fs};

/// One event of each kind. The compiler asks for a new one.
fn events() -> Vec<Event> {
    let name = DeviceName::parse("Zoë's <laptop> & phone").unwrap();
    let every = |event: &Event| match event {
        Event::TotpReplaced
        | Event::TotpSentAgain
        | Event::PasswordReplaced
        | Event::FaceReplaced
        | Event::FaceEnrolled
        | Event::FaceOutdated
        | Event::AuthenticatorRemoved
        | Event::FaceRemoved
        | Event::DeviceReplaced
        | Event::DeviceBound { .. }
        | Event::DeviceRevoked { .. }
        | Event::DeviceAsked { .. }
        | Event::LoginWithSettlingFactor { .. }
        | Event::PasswordUsedElsewhere
        | Event::Passcode { .. }
        | Event::ResetCode { .. }
        | Event::Other(_) => {}
    };
    let events = vec![
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
        Event::LoginWithSettlingFactor { factors: vec![Factor::Password, Factor::Totp] },
        Event::PasswordUsedElsewhere,
        Event::Passcode {
            number: PasscodeNumber::from_bytes([7; 16]),
            expires: NOON.saturating_add_ms(180_000),
        },
        Event::ResetCode {
            number: PasscodeNumber::from_bytes([7; 16]),
            expires: NOON.saturating_add_ms(600_000),
        },
    ];
    events.iter().for_each(every);
    events
}

fn context() -> EventContext {
    EventContext {
        username: Username::parse("alice").unwrap(),
        peer: [192, 0, 2, 7].into(),
        via: Some("portal".to_owned()),
        device: EventDevice::Key {
            id: DeviceId::from_bytes([0xa5; 16]),
            name: DeviceName::parse("laptop").unwrap(),
            binding: Binding::TlsExporter,
        },
        request: RequestId::new(NOON, [7; 10]),
        at: NOON,
        settles: None,
    }
}

#[test]
fn every_notice_is_rendered_in_every_language() {
    let renderer = Renderer::new("4Auth", Tongue::En, None).unwrap();
    let mut texts = BTreeSet::new();
    for tongue in Tongue::ALL {
        let folder = format!("tests/golden/mail/{}", tongue.tag());
        if checked_in::is_updating() {
            fs::create_dir_all(checked_in::path(&folder)).unwrap();
        }
        for event in events() {
            let code = if matches!(event, Event::Passcode { .. }) { "7K2QXA" } else { "005924" };
            let made = renderer.render(&event, &context(), Some(code), tongue).unwrap();
            let word = event.word();
            let subject = format!("Subject: {}\n\n", made.letter.subject);
            let text = format!("{subject}{}\n---\n{}\n", made.letter.text, made.sms);
            checked_in::settle(&format!("{folder}/{word}.txt"), &text);
            checked_in::settle(&format!("{folder}/{word}.html"), &made.letter.html);
            texts.insert(text);
        }
    }
    assert_eq!(texts.len(), 48, "two notices have the same text");
}

#[test]
fn a_mail_says_from_when_a_new_factor_counts() {
    let renderer = Renderer::new("4Auth", Tongue::En, None).unwrap();
    let text = |settles| {
        let context = EventContext { settles, ..context() };
        renderer.render(&Event::FaceReplaced, &context, None, Tongue::En).unwrap().letter.text
    };
    let expected = "Counts fully from: 2026-11-22 12:00 UTC";
    assert!(text(Some(NOON.saturating_add_ms(86_400_000))).contains(expected));
    assert!(!text(None).contains("Counts fully"));
}
