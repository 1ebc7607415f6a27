//! Check tokens: what one service checks with 130, and what is of no other use.
//!
//! A check token is made from the token of a session (132) and ends with that session. Nothing is stored
//! when it is made. The service is not in the token: a MAC covers it, so the one that checks states its
//! name. It is bound to no address, because a proxy that checks it may see another one than the server
//! did; so it lives for ten minutes only.
//!
//! | bytes | |
//! |---|---|
//! | 0–15 | the family of the session |
//! | 16–21 | the time of expiry, in milliseconds of Unix time, big-endian |
//! | 22–27 | the time at which the session was last raised (259) before it was made, in the same form; 0 if it never was |
//! | 28–43 | the first half of HMAC-SHA-256 over all of this and the service, each part after its length |

use crate::mac_key::MacKey;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use data_encoding::BASE64URL_NOPAD;
use fourauth_protocol::{
    audience::Audience, secret::Secret, time::UnixMillis, token::CHECK_PREFIX,
};
use fourauth_store::FamilyId;

/// How long a check token can be used, in milliseconds.
pub(crate) const LIFETIME_MS: i64 = 600_000;

/// First part of the message, so that a MAC of another kind under the same key is no check token.
const DOMAIN: &[u8] = b"fourauth-check-token-v1";

const FAMILY_BYTES: usize = 16;
const TIME_BYTES: usize = 6;
const MAC_BYTES: usize = 16;

/// The latest time that fits, in the year 10889.
const LATEST: i64 = (1 << (8 * TIME_BYTES)) - 1;

/// What a check token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CheckToken {
    /// The session.
    pub(crate) family: FamilyId,
    /// The time from which on it is refused.
    pub(crate) expires: UnixMillis,
    /// The time at which the session was last raised before the token was made. After another raise it is
    /// refused, so that it gains no level.
    pub(crate) raised: Option<UnixMillis>,
}

impl CheckToken {
    /// True if the text claims to be a check token.
    pub(crate) fn is_claimed(text: &str) -> bool {
        text.starts_with(CHECK_PREFIX)
    }

    /// The text for a service.
    pub(crate) fn text(&self, key: &MacKey, service: &Audience) -> Secret<String> {
        let (expires, raised) = (written(self.expires), written(self.raised.unwrap_or_default()));
        let said = [&self.family.0[..], &expires[..], &raised[..]].concat();
        let bytes = [&said[..], &mac(key, &said, service)].concat();
        Secret::new(format!("{CHECK_PREFIX}{}", BASE64URL_NOPAD.encode(&bytes)))
    }

    /// Reads a text that `service` shows. `None` if the key did not make it for that service. It may have
    /// expired.
    pub(crate) fn read(text: &str, key: &MacKey, service: &Audience) -> Option<Self> {
        let bytes = BASE64URL_NOPAD.decode(text.strip_prefix(CHECK_PREFIX)?.as_bytes()).ok()?;
        let (said, shown) = bytes.split_at_checked(FAMILY_BYTES + 2 * TIME_BYTES)?;
        verify_slices_are_equal(&mac(key, said, service), shown).ok()?;
        let (family, times) = said.split_first_chunk()?;
        let (expires, raised) = times.split_at(TIME_BYTES);
        let raised = read_time(raised);
        Some(Self {
            family: FamilyId(*family),
            expires: read_time(expires),
            raised: (raised > UnixMillis(0)).then_some(raised),
        })
    }
}

/// The last bytes of a time, big-endian.
fn written(time: UnixMillis) -> [u8; TIME_BYTES] {
    let [_, _, last @ ..] = time.0.clamp(0, LATEST).to_be_bytes();
    last
}

fn read_time(bytes: &[u8]) -> UnixMillis {
    UnixMillis(bytes.iter().fold(0, |sum, byte| sum << 8 | i64::from(*byte)))
}

fn mac(key: &MacKey, said: &[u8], service: &Audience) -> [u8; MAC_BYTES] {
    key.short_code([DOMAIN, said, service.as_str().as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(byte: u8) -> MacKey {
        MacKey::new(&[byte; 32])
    }

    fn service(name: &str) -> Audience {
        Audience::parse(name).unwrap()
    }

    const TOKEN: CheckToken = CheckToken {
        family: FamilyId([7; 16]),
        expires: UnixMillis(1_795_262_400_000),
        raised: Some(UnixMillis(1_795_262_000_000)),
    };

    #[test]
    fn only_its_service_can_read_it() {
        let text = TOKEN.text(&key(1), &service("wiki"));
        assert!(CheckToken::is_claimed(text.expose()) && text.expose().len() == 74);
        let read = |key, name| CheckToken::read(text.expose(), &key, &service(name));
        assert_eq!(read(key(1), "wiki"), Some(TOKEN));
        assert_eq!(read(key(1), "wik"), None);
        assert_eq!(read(key(2), "wiki"), None);
        let never = CheckToken { raised: None, ..TOKEN };
        let text = never.text(&key(1), &service("wiki"));
        assert_eq!(CheckToken::read(text.expose(), &key(1), &service("wiki")), Some(never));
    }

    proptest! {
        #[test]
        fn a_changed_character_is_noticed(place in 0..59_usize, letter in "[A-Za-z0-9_-]") {
            let text = TOKEN.text(&key(1), &service("wiki"));
            let mut changed = text.expose().clone();
            let place = CHECK_PREFIX.len() + place;
            changed.replace_range(place..=place, &letter);
            let read = CheckToken::read(&changed, &key(1), &service("wiki"));
            prop_assert_eq!(read.is_some(), changed == *text.expose());
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "(fourauth_check\\.)?\\PC{0,80}") {
            let _read = CheckToken::read(&text, &key(1), &service("wiki"));
        }
    }
}
