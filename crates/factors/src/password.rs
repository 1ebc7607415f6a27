//! Passwords: Argon2id with a pepper (RFC 9106), stored as PHC strings, and the bcrypt hashes of
//! imported accounts until their first login.
//!
//! <https://www.rfc-editor.org/rfc/rfc9106>

mod cost;
mod text;

pub use cost::Cost;
pub use text::normalised;

use crate::{Finding, password_rule::NewPassword};
use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{Output, ParamsString, PasswordHash, Salt},
};
use fourauth_protocol::secret::Secret;
use std::ops::RangeInclusive;
use subtle::ConstantTimeEq as _;

/// Bytes of a salt (RFC 9106 §3.1 recommends 16).
pub const SALT_BYTES: usize = 16;

/// Bytes of a tag.
const TAG_BYTES: usize = 32;

/// Bytes of a password that bcrypt reads.
const BCRYPT_READS: usize = 72;

/// bcrypt costs accepted from an import. bcrypt has no lower cost than 4. A cost of 14 takes about
/// two seconds, and a manipulated row must not be able to ask for 31, which takes days.
const BCRYPT_COSTS: RangeInclusive<u32> = 4..=14;

/// A key that is mixed into every hash and kept outside the database (RFC 9106 §3.1 calls it K).
pub type Pepper = Secret<[u8; 32]>;

/// The matrix that Argon2 fills. It is reused between hashes, because a new allocation costs a
/// fifth of the work.
#[derive(Default)]
pub struct Memory(Vec<Block>);

impl Memory {
    fn of(&mut self, params: &Params) -> &mut [Block] {
        let needed = params.block_count();
        if self.0.len() < needed {
            self.0.resize(needed, Block::default());
        }
        &mut self.0[..needed]
    }
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Memory({} blocks)", self.0.len())
    }
}

/// A stored password.
#[derive(Debug, Clone)]
pub struct Hash {
    stored: Secret<String>,
    scheme: Scheme,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Argon2id(Cost),
    Bcrypt,
}

impl Hash {
    /// Accepts an Argon2id PHC string or a bcrypt hash.
    ///
    /// # Errors
    ///
    /// [`NotAHash`] if the text is neither, or if the check would be so expensive that it stalls
    /// the server. The text is validated here, so that [`check`] cannot fail.
    pub fn parse(stored: String) -> Result<Self, NotAHash> {
        let stored = Secret::new(stored);
        let scheme = if stored.expose().starts_with("$2") {
            bcrypt_scheme(stored.expose())?
        } else {
            argon2_scheme(stored.expose())?
        };
        Ok(Self { stored, scheme })
    }

    /// Hashes `password`. This takes as long as `cost` says; call it from a thread that may block.
    ///
    /// # Errors
    ///
    /// [`NotAHash`] if `cost` is outside the limits of RFC 9106 §3.1.
    pub fn create(
        password: &NewPassword,
        salt: [u8; SALT_BYTES],
        cost: Cost,
        pepper: &Pepper,
        memory: &mut Memory,
    ) -> Result<Self, NotAHash> {
        let params = cost.params()?;
        let tag = tag(password.as_str().as_bytes(), &salt, &params, pepper, memory)?;
        let phc = PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(&params).map_err(|_| NotAHash)?,
            salt: Some(Salt::new(&salt).map_err(|_| NotAHash)?),
            hash: Some(Output::new(tag.expose()).map_err(|_| NotAHash)?),
        };
        Ok(Self { stored: Secret::new(phc.to_string()), scheme: Scheme::Argon2id(cost) })
    }

    /// The stored form.
    #[must_use]
    pub const fn as_stored(&self) -> &Secret<String> {
        &self.stored
    }

    /// True if the scheme or cost is not today's. The hash is then replaced at the next login with
    /// the right password.
    #[must_use]
    pub fn is_outdated(&self, today: Cost) -> bool {
        self.scheme != Scheme::Argon2id(today)
    }

    /// True if a match proves the whole of `password`. Otherwise a new hash of it would demand
    /// characters that were never checked and may be mistyped.
    #[must_use]
    pub fn reads_all_of(&self, password: &Secret<String>) -> bool {
        match self.scheme {
            Scheme::Argon2id(_) => true,
            Scheme::Bcrypt => password.expose().len() <= BCRYPT_READS && !has_nul(password),
        }
    }
}

fn bcrypt_scheme(stored: &str) -> Result<Scheme, NotAHash> {
    let parts: bcrypt::HashParts = stored.parse().map_err(|_| NotAHash)?;
    if !BCRYPT_COSTS.contains(&parts.get_cost()) {
        return Err(NotAHash);
    }
    Ok(Scheme::Bcrypt)
}

fn argon2_scheme(stored: &str) -> Result<Scheme, NotAHash> {
    let phc = PasswordHash::new(stored).map_err(|_| NotAHash)?;
    let params = Params::try_from(&phc).map_err(|_| NotAHash)?;
    let cost = Cost { memory_kib: params.m_cost(), passes: params.t_cost() };
    let is_ours = phc.algorithm == Algorithm::Argon2id.ident()
        && phc.version == Some(Version::V0x13.into())
        && phc.salt.is_some()
        && phc.hash.is_some_and(|tag| tag.len() == TAG_BYTES)
        && params.p_cost() == 1;
    if !is_ours {
        return Err(NotAHash);
    }
    cost.checked().map(Scheme::Argon2id)
}

/// Compares a password with a stored hash.
///
/// This takes as long as the hash's cost says, tens of milliseconds; call it from a thread that may
/// block.
#[must_use]
pub fn check(
    hash: &Hash,
    password: &Secret<String>,
    pepper: &Pepper,
    memory: &mut Memory,
) -> Finding {
    let matches = match hash.scheme {
        Scheme::Argon2id(cost) => check_argon2id(hash, cost, password, pepper, memory),
        Scheme::Bcrypt => check_bcrypt(hash, password),
    };
    Finding::from_match(matches)
}

fn check_argon2id(
    hash: &Hash,
    cost: Cost,
    password: &Secret<String>,
    pepper: &Pepper,
    memory: &mut Memory,
) -> bool {
    // `parse` accepts only hashes with a salt and a tag. If one were missing, nothing would match.
    let Ok(phc) = PasswordHash::new(hash.stored.expose()) else { return false };
    let (Some(salt), Some(expected), Ok(params)) = (phc.salt, phc.hash, cost.params()) else {
        return false;
    };
    // A password that is too long takes the same time as a wrong one.
    let text = text::normalised(password);
    let bytes = text.as_ref().map_or(&[][..], |text| text.expose().as_bytes());
    let tag = tag(bytes, salt.as_ref(), &params, pepper, memory);
    text.is_some() && tag.is_ok_and(|tag| tag.expose().ct_eq(expected.as_bytes()).into())
}

/// bcrypt reads 72 bytes. The system that made these hashes accepted longer passwords and ignored
/// the rest, so this does the same.
///
/// A password with U+0000 never matches: bcrypt repeats a short password with a NUL at its end, so
/// `x` and `x\0x` have the same hash.
fn check_bcrypt(hash: &Hash, password: &Secret<String>) -> bool {
    let is_bounded = text::normalised(password).is_some() && !has_nul(password);
    let text = if is_bounded { password.expose().as_str() } else { "" };
    is_bounded & bcrypt::verify(text, hash.stored.expose()).unwrap_or(false)
}

fn has_nul(password: &Secret<String>) -> bool {
    password.expose().contains('\0')
}

fn tag(
    password: &[u8],
    salt: &[u8],
    params: &Params,
    pepper: &Pepper,
    memory: &mut Memory,
) -> Result<Secret<[u8; TAG_BYTES]>, NotAHash> {
    let argon2 = Argon2::new_with_secret(
        pepper.expose(),
        Algorithm::Argon2id,
        Version::V0x13,
        params.clone(),
    )
    .map_err(|_| NotAHash)?;
    let mut tag = [0; TAG_BYTES];
    argon2
        .hash_password_into_with_memory(password, salt, &mut tag, memory.of(params))
        .map_err(|_| NotAHash)?;
    Ok(Secret::new(tag))
}

/// The text is not a hash that this server checks, or Argon2 does not accept the cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a password hash of a scheme and cost that this server checks")]
pub struct NotAHash;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::password_rule::PasswordRule;

    const CHEAP: Cost = Cost { memory_kib: 64, passes: 1 };
    const PEPPER: Pepper = Pepper::new([7; 32]);

    fn hash(text: &str) -> Hash {
        let password = PasswordRule::default().accept(&Secret::new(text.into()), "alice").unwrap();
        Hash::create(&password, [1; SALT_BYTES], CHEAP, &PEPPER, &mut Memory::default()).unwrap()
    }

    fn finding(hash: &Hash, text: &str, pepper: &Pepper) -> Finding {
        check(hash, &Secret::new(text.into()), pepper, &mut Memory::default())
    }

    /// RFC 9106 §5.3, which also has a secret (the pepper) and associated data.
    #[test]
    fn argon2id_agrees_with_rfc_9106() {
        let params = argon2::ParamsBuilder::new()
            .m_cost(32)
            .t_cost(3)
            .p_cost(4)
            .data(argon2::AssociatedData::new(&[4; 12]).unwrap())
            .build()
            .unwrap();
        let argon2 =
            Argon2::new_with_secret(&[3; 8], Algorithm::Argon2id, Version::V0x13, params).unwrap();
        let mut tag = [0; 32];
        argon2.hash_password_into(&[1; 32], &[2; 16], &mut tag).unwrap();
        assert_eq!(
            tag,
            [
                0x0d, 0x64, 0x0d, 0xf5, 0x8d, 0x78, 0x76, 0x6c, 0x08, 0xc0, 0x37, 0xa3, 0x4a, 0x8b,
                0x53, 0xc9, 0xd0, 0x1e, 0xf0, 0x45, 0x2d, 0x75, 0xb6, 0x5e, 0xb5, 0x25, 0x20, 0xe9,
                0x6b, 0x01, 0xe6, 0x59,
            ]
        );
    }

    #[test]
    fn only_the_right_password_with_the_right_pepper_matches() {
        let stored = Hash::parse(hash("correct Horse").as_stored().expose().clone()).unwrap();
        assert_eq!(finding(&stored, "correct Horse", &PEPPER), Finding::Match);
        assert_eq!(finding(&stored, "correct horse", &PEPPER), Finding::Mismatch);
        assert_eq!(finding(&stored, "", &PEPPER), Finding::Mismatch);
        assert_eq!(finding(&stored, "correct Horse", &Pepper::new([8; 32])), Finding::Mismatch);
    }

    #[test]
    fn two_spellings_of_one_text_are_one_password() {
        let composed = hash("Crème brûlée 7");
        assert_eq!(
            finding(&composed, "Cre\u{300}me bru\u{302}le\u{301}e 7", &PEPPER),
            Finding::Match
        );
    }

    #[test]
    fn every_password_that_is_accepted_matches_its_hash() {
        // 256 characters, which are 1244 bytes as they were typed.
        let longest = format!("gorseddau{}", "e\u{323}\u{302}".repeat(247));
        assert_eq!(finding(&hash(&longest), &longest, &PEPPER), Finding::Match);
    }

    #[test]
    fn a_very_long_password_never_matches() {
        let stored = hash("correct Horse");
        assert_eq!(finding(&stored, &"x".repeat(1_000_000), &PEPPER), Finding::Mismatch);
    }

    #[test]
    fn memory_is_reused_for_hashes_of_other_costs() {
        let mut memory = Memory::default();
        let password = Secret::new("correct Horse".to_owned());
        let new = PasswordRule::default().accept(&password, "alice").unwrap();
        for cost in
            [Cost { memory_kib: 256, passes: 1 }, CHEAP, Cost { memory_kib: 128, passes: 2 }]
        {
            let hash = Hash::create(&new, [1; SALT_BYTES], cost, &PEPPER, &mut memory).unwrap();
            assert_eq!(check(&hash, &password, &PEPPER, &mut memory), Finding::Match, "{cost:?}");
        }
    }

    /// Made with bcrypt 4.2 for Python: `bcrypt.hashpw(b"Tr0ub4dor&3", bcrypt.gensalt(4))`.
    const IMPORTED: &str = "$2b$04$lRL70mEaKyQOuJOYcelT2uO5cMA8oHSoXIzT8eNxOPdEXTj6s8Q4y";

    #[test]
    fn an_imported_bcrypt_hash_is_checked_and_outdated() {
        let imported = Hash::parse(IMPORTED.into()).unwrap();
        assert_eq!(finding(&imported, "Tr0ub4dor&3", &PEPPER), Finding::Match);
        assert_eq!(finding(&imported, "Tr0ub4dor&4", &PEPPER), Finding::Mismatch);
        let repeated = "Tr0ub4dor&3\0Tr0ub4dor&3";
        assert!(bcrypt::verify(repeated, IMPORTED).unwrap(), "bcrypt itself takes both");
        assert_eq!(finding(&imported, repeated, &PEPPER), Finding::Mismatch);
        assert!(imported.is_outdated(Cost::default()));
        assert!(!hash("correct Horse").is_outdated(CHEAP));
        assert!(hash("correct Horse").is_outdated(Cost::default()));
    }

    /// Made with bcrypt 4.2 for Python: `bcrypt.hashpw(b"x" * 72, bcrypt.gensalt(4))`.
    const LONG_IMPORTED: &str = "$2b$04$qvjBXzdfvb0hMPwnxXVLSuvvPSH5YUdy5us/.6keVy8Bn2mKsbKXm";

    #[test]
    fn a_bcrypt_hash_does_not_prove_what_follows_72_bytes() {
        let imported = Hash::parse(LONG_IMPORTED.into()).unwrap();
        for (length, proved) in [(72, true), (73, false)] {
            let password = Secret::new("x".repeat(length));
            assert_eq!(finding(&imported, password.expose(), &PEPPER), Finding::Match);
            assert_eq!(imported.reads_all_of(&password), proved, "{length}");
        }
        assert!(hash("correct Horse").reads_all_of(&Secret::new("x".repeat(200))));
    }

    #[test]
    fn hashes_that_are_too_expensive_or_unknown_are_refused() {
        let expensive = hash("correct Horse").as_stored().expose().replace("m=64", "m=2000000");
        let other = hash("correct Horse").as_stored().expose().replace("argon2id", "argon2i");
        let [lowest, highest] = ["$00$", "$31$"].map(|cost| IMPORTED.replace("$04$", cost));
        for text in [expensive.as_str(), &other, &lowest, &highest, "", "plain", "$2b$"] {
            assert_eq!(Hash::parse(text.to_owned()).unwrap_err(), NotAHash, "{text}");
        }
    }
}
