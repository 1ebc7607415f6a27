//! Base tokens: what a login gives to its client, and what the client shows with later commands.
//! Check tokens are made from them, each for one service that can only check it.
//!
//! The text is a prefix and 48 characters: 256 random bits and a checksum, in base64url. Prefix and
//! checksum let scanners find a token in a place where it does not belong, without asking a server.

use crate::secret::Secret;
use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest as _, Sha256};

/// The prefix of tokens, unless an operator has chosen another one.
pub const PREFIX: &str = "fourauth_";

/// The prefix of check tokens. No base token has a dot.
pub const CHECK_PREFIX: &str = "fourauth_check.";

/// Longest prefix, in bytes.
pub const MAX_PREFIX_BYTES: usize = 64;

/// Random bytes of a token.
pub const TOKEN_BYTES: usize = 32;

/// Bytes of the checksum.
const CHECKSUM_BYTES: usize = 4;

/// Characters after the prefix.
const TEXT_CHARS: usize = (TOKEN_BYTES + CHECKSUM_BYTES) * 4 / 3;

/// First part of what the checksum covers, so that it is no hash of something else.
const DOMAIN: &[u8] = b"fourauth-token-v1";

/// A token as it is on the way between client and server. The server stores none.
#[derive(Debug, Clone)]
pub struct BaseToken(Secret<[u8; TOKEN_BYTES]>);

/// The text is not a token: it is too short, too long, mistyped or cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a token")]
pub struct NotAToken;

impl BaseToken {
    /// Takes the random bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; TOKEN_BYTES]) -> Self {
        Self(Secret::new(bytes))
    }

    /// The random bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &Secret<[u8; TOKEN_BYTES]> {
        &self.0
    }

    /// Reads a token with any prefix that ends in `_`, or without one.
    ///
    /// # Errors
    ///
    /// [`NotAToken`]
    pub fn parse(text: &str) -> Result<Self, NotAToken> {
        let start = text.len().checked_sub(TEXT_CHARS).ok_or(NotAToken)?;
        let (prefix, text) = text.split_at_checked(start).ok_or(NotAToken)?;
        if !prefix.is_empty() && (prefix.len() > MAX_PREFIX_BYTES || !prefix.ends_with('_')) {
            return Err(NotAToken);
        }
        let bytes = Secret::new(BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| NotAToken)?);
        let (token, sum) = bytes.expose().split_first_chunk().ok_or(NotAToken)?;
        if sum != checksum(token) {
            return Err(NotAToken);
        }
        Ok(Self::from_bytes(*token))
    }

    /// The text with this prefix.
    #[must_use]
    pub fn text(&self, prefix: &str) -> Secret<String> {
        let bytes = Secret::new([&self.0.expose()[..], &checksum(self.0.expose())].concat());
        Secret::new(format!("{prefix}{}", BASE64URL_NOPAD.encode(bytes.expose())))
    }
}

fn checksum(token: &[u8; TOKEN_BYTES]) -> [u8; CHECKSUM_BYTES] {
    let digest = Sha256::new_with_prefix(DOMAIN).chain_update(token).finalize();
    std::array::from_fn(|index| digest[index])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_token_has_a_prefix_and_48_characters() {
        let text = BaseToken::from_bytes([7; TOKEN_BYTES]).text(PREFIX);
        assert_eq!(text.expose().len(), PREFIX.len() + 48);
        assert!(text.expose().starts_with("fourauth_BwcHBwcH"));
        assert!(!format!("{:?}", BaseToken::from_bytes([7; TOKEN_BYTES])).contains('7'));
    }

    #[test]
    fn a_token_is_read_with_and_without_a_prefix() {
        let token = BaseToken::from_bytes([0xfb; TOKEN_BYTES]);
        for prefix in ["", "fourauth_", "pythonizer_", "𝔄𝔴𝔣𝔢𝔯_𝔥𝔢𝔩𝔩𝔴𝔞𝔩𝔩_"]
        {
            let read = BaseToken::parse(token.text(prefix).expose()).unwrap();
            assert_eq!(read.as_bytes().expose(), &[0xfb; TOKEN_BYTES], "{prefix}");
        }
        let bare = token.text("");
        for wrong in [
            format!("prefix{}", bare.expose()),
            format!("{}_{}", "x".repeat(MAX_PREFIX_BYTES), bare.expose()),
            format!("{} ", bare.expose()),
            format!("ℓ{}", &bare.expose()[1..]),
            bare.expose()[1..].to_owned(),
            String::new(),
        ] {
            assert_eq!(BaseToken::parse(&wrong).unwrap_err(), NotAToken, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn every_token_survives_its_text(bytes in any::<[u8; TOKEN_BYTES]>()) {
            let text = BaseToken::from_bytes(bytes).text(PREFIX);
            let read = BaseToken::parse(text.expose()).unwrap();
            prop_assert_eq!(read.as_bytes().expose(), &bytes);
        }

        #[test]
        fn one_changed_character_is_noticed(
            bytes in any::<[u8; TOKEN_BYTES]>(),
            place in 0..TEXT_CHARS,
            letter in "[A-Za-z0-9_-]",
        ) {
            let text = BaseToken::from_bytes(bytes).text("");
            let mut changed = text.expose().clone();
            changed.replace_range(place..=place, &letter);
            prop_assert_eq!(BaseToken::parse(&changed).is_ok(), changed == *text.expose());
        }

        #[test]
        fn no_text_breaks_the_reader(text in "\\PC{0,120}") {
            let _result = BaseToken::parse(&text);
        }
    }
}
