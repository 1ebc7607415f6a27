//! Recovery codes, which a person writes down at registration in case a factor is lost.

use crate::secret::Secret;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use zeroize::Zeroizing;

/// Crockford's base32: no letter that could be mistaken for another symbol, and no `U`.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Symbols in a code, five bits each.
const SYMBOLS: usize = 16;

/// Eighty random bits. They cannot be guessed, so a fast hash protects them at rest.
///
/// Shown as four groups of four symbols, `7K3M-9QXT-0B5H-WZ2D`.
#[derive(Clone)]
pub struct RecoveryCode(Secret<[u8; 10]>);

impl RecoveryCode {
    /// Makes a code from ten random bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 10]) -> Self {
        Self(Secret::new(bytes))
    }

    /// Reads sixteen symbols in any case. Spaces and hyphens are ignored. `I` and `L` are read as
    /// one and `O` as zero, as Crockford specifies.
    ///
    /// # Errors
    ///
    /// [`NotARecoveryCode`] for anything else.
    pub fn parse(text: &str) -> Result<Self, NotARecoveryCode> {
        let mut values = Zeroizing::new([0; SYMBOLS]);
        let mut slots = values.iter_mut();
        for symbol in text.bytes().filter(|symbol| !matches!(symbol, b'-' | b' ')) {
            *slots.next().ok_or(NotARecoveryCode)? = value(symbol).ok_or(NotARecoveryCode)?;
        }
        if slots.next().is_some() {
            return Err(NotARecoveryCode);
        }
        let mut bytes = [0; 10];
        for (five, eight) in bytes.chunks_exact_mut(5).zip(values.chunks_exact(8)) {
            let bits = eight.iter().fold(0_u64, |bits, value| bits << 5 | u64::from(*value));
            five.copy_from_slice(&bits.to_be_bytes()[3..]);
        }
        Ok(Self::from_bytes(bytes))
    }

    /// The ten bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 10] {
        self.0.expose()
    }

    /// The code as a person writes it down.
    #[must_use]
    pub fn expose_text(&self) -> Secret<String> {
        let mut text = String::with_capacity(SYMBOLS + 3);
        for five in self.as_bytes().chunks_exact(5) {
            let bits = five.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
            for place in (0..8).rev() {
                if matches!(text.len(), 4 | 9 | 14) {
                    text.push('-');
                }
                let [value, ..] = (bits >> (5 * place)).to_le_bytes();
                text.push(char::from(ALPHABET[usize::from(value & 31)]));
            }
        }
        Secret::new(text)
    }
}

/// The five bits that a symbol stands for.
fn value(symbol: u8) -> Option<u8> {
    let symbol = match symbol.to_ascii_uppercase() {
        b'I' | b'L' => b'1',
        b'O' => b'0',
        other => other,
    };
    (0_u8..).zip(ALPHABET).find_map(|(value, known)| (*known == symbol).then_some(value))
}

/// Hides the code, which may still be valid.
impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode(..)")
    }
}

impl Serialize for RecoveryCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.expose_text().expose())
    }
}

/// The text is not a recovery code. It is not quoted, because it may be a mistyped secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a recovery code is sixteen letters and digits")]
pub struct NotARecoveryCode;

/// Reads a code that may be absent. `None` if the text is not a code.
///
/// A mistyped code gets the same answer as a wrong one: after the first secret, not before.
pub(crate) fn offered<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<RecoveryCode>, D::Error> {
    let text = Option::<Secret<String>>::deserialize(deserializer)?;
    Ok(text.and_then(|text| RecoveryCode::parse(text.expose()).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SHOWN: &str = "00H0-M6F4-SADC-G0YZ";

    fn bytes_of(text: &str) -> Option<[u8; 10]> {
        RecoveryCode::parse(text).ok().map(|code| *code.as_bytes())
    }

    #[test]
    fn case_and_separators_do_not_matter() {
        let bytes = bytes_of(SHOWN).unwrap();
        assert_eq!(RecoveryCode::from_bytes(bytes).expose_text().expose(), SHOWN);
        for text in ["00h0m6f4sadcg0yz", "OOHO M6F4 SADC GOYZ", " 00h0-M6F4SADC--G0YZ "] {
            assert_eq!(bytes_of(text), Some(bytes), "{text:?}");
        }
        assert_eq!(bytes_of(&"iL".repeat(8)), bytes_of(&"1".repeat(16)));
    }

    #[test]
    fn other_texts_are_not_codes() {
        for text in ["", "7K3M", &SHOWN[1..], &format!("{SHOWN}0"), &SHOWN.replace('H', "U"), "é"]
        {
            assert!(bytes_of(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn the_symbols_are_the_bits_in_order() {
        assert_eq!(bytes_of("0000-0000-0000-0001"), Some([0, 0, 0, 0, 0, 0, 0, 0, 0, 1]));
        assert_eq!(bytes_of("G000-0000-0000-0000"), Some([0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
        assert_eq!(bytes_of("zzzz-zzzz-zzzz-zzzz"), Some([0xff; 10]));
    }

    #[test]
    fn a_code_is_not_printed() {
        assert_eq!(format!("{:?}", RecoveryCode::parse(SHOWN)), "Ok(RecoveryCode(..))");
    }

    proptest! {
        #[test]
        fn the_text_form_survives_a_round_trip(bytes in any::<[u8; 10]>()) {
            let code = RecoveryCode::from_bytes(bytes);
            prop_assert_eq!(bytes_of(code.expose_text().expose()), Some(bytes));
            let json = serde_json::to_string(&code).unwrap();
            let mut reader = serde_json::Deserializer::from_str(&json);
            prop_assert_eq!(offered(&mut reader).unwrap().map(|code| *code.as_bytes()), Some(bytes));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,40}") {
            let _parsed = RecoveryCode::parse(&text);
        }
    }
}
