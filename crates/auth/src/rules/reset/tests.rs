use super::*;
use fourauth_store::AccountId;

const NOW: UnixMillis = UnixMillis(1_740_830_400_000);
const ACTIVE: Standing = Standing::Active(AccountId(1));

fn stored(mac: &str) -> StoredResetCode {
    StoredResetCode {
        version: 3,
        mac: Some(ResetCodeMac::from_text(mac)),
        expires: NOW.saturating_add_ms(1),
        since: NOW,
        tries: 0,
    }
}

#[test]
fn a_code_is_right_until_it_expires_or_five_were_wrong() {
    let offered = ResetCodeMac::from_text("mac");
    let right = |stored: StoredResetCode| is_right(&stored, &offered, 3, NOW);
    assert!(right(stored("mac")));
    assert!(right(StoredResetCode { tries: 4, ..stored("mac") }));
    for wrong in [
        stored("mac2"),
        stored(""),
        StoredResetCode { mac: None, ..stored("mac") },
        StoredResetCode { version: 2, ..stored("mac") },
        StoredResetCode { version: 4, ..stored("mac") },
        StoredResetCode { expires: NOW, ..stored("mac") },
        StoredResetCode { expires: NOW.saturating_add_ms(660_001), ..stored("mac") },
        StoredResetCode { tries: 5, ..stored("mac") },
    ] {
        assert!(!right(wrong.clone()), "{wrong:?}");
    }
}

#[test]
fn tries_come_back_with_a_new_window() {
    for (age_ms, tries, expected) in [
        (0, 4, true),
        (0, 5, false),
        (899_999, 5, false),
        (900_000, 5, true),
        // Another server's clock is a little ahead.
        (-60_000, 5, false),
        // This machine's clock was set back.
        (-60_001, 5, true),
    ] {
        let since = NOW.saturating_add_ms(-age_ms);
        let stored = StoredResetCode { since, tries, ..stored("mac") };
        assert_eq!(has_tries(&stored, NOW), expected, "{stored:?}");
    }
}

#[test]
fn a_code_is_sent_only_if_nothing_prevents_it() {
    let facts = Facts {
        standing: ACTIVE,
        enrolled: Enrolled { face: false, ..Enrolled::ALL },
        channel: Some(Channel::Mail),
        has_tries: true,
        has_room: true,
    };
    let disabled = Standing::Disabled(AccountId(1));
    for (facts, expected) in [
        (facts, "code=sent(mail)"),
        (Facts { enrolled: Enrolled::PASSWORD, ..facts }, "code=sent(mail)"),
        (Facts { channel: Some(Channel::Sms), ..facts }, "code=sent(sms)"),
        (Facts { standing: Standing::Unknown, ..facts }, "code=none(unknown)"),
        (Facts { standing: disabled, ..facts }, "code=none(disabled)"),
        (Facts { enrolled: Enrolled::ALL, ..facts }, "code=none(face)"),
        (Facts { channel: None, ..facts }, "code=none(no_address)"),
        (Facts { has_tries: false, ..facts }, "code=none(tries)"),
        (Facts { has_room: false, ..facts }, "code=none(quota)"),
    ] {
        assert_eq!(facts.outcome().to_string(), expected);
    }
}

#[test]
fn a_new_password_settles_beside_another_factor() {
    let until = Some((Factor::Password, NOW.saturating_add_ms(7)));
    let more = [(true, false), (false, true)];
    for (totp, device) in more {
        let account = Enrolled { totp, device, face: false, key: device };
        assert_eq!(settles(account, NOW, 7), until, "{account:?}");
    }
    assert_eq!(settles(Enrolled::PASSWORD, NOW, 7), None);
}
