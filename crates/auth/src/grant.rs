//! Grants: what the server gives to a peer that has finished one of two steps, and gets back with
//! the next.
//!
//! A grant is 32 bytes that only this server's keyring can make. It says until when it can be used
//! and, by its MAC, for what: the purpose and the context are not in the bytes, so the step that
//! gets it back states both. Nothing is stored when a grant is made. This module makes and checks
//! grants; `Tx::spend_grant` in the store spends one, in the transaction of its use.
//!
//! | bytes | |
//! |---|---|
//! | 0–5 | the time of expiry, in milliseconds of Unix time, big-endian |
//! | 6–15 | random; in a face challenge the first of them is the number of its steps |
//! | 16–31 | the first half of HMAC-SHA-256 over all of this |
//!
//! The text form depends on where a grant is sent, and belongs to the protocol.

pub(crate) mod step;

use crate::mac_key::MacKey;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use fourauth_protocol::{secret::Secret, time::UnixMillis};
use fourauth_store::{AccountId, FamilyId, GrantHolder, GrantId};

/// Length of a grant, in bytes.
pub const GRANT_BYTES: usize = 32;

/// Random bytes of a grant: 80 bits, so that no two grants with one time of expiry are alike.
pub const RANDOM_BYTES: usize = 10;

/// First part of the message, so that a MAC of another kind under the same key is no grant.
const DOMAIN: &[u8] = b"fourauth-grant-v1";

/// First part of the message of a tag.
const OPEN_DOMAIN: &[u8] = b"fourauth-open-grant-v1";

/// First part of the message of a draw.
const DRAW_DOMAIN: &[u8] = b"fourauth-draw-v1";

/// Length of the time of expiry, in bytes.
const EXPIRY_BYTES: usize = 6;

/// Length of the part that the MAC follows.
const ID_BYTES: usize = EXPIRY_BYTES + RANDOM_BYTES;

/// The latest time of expiry that fits, in the year 10889.
const LATEST: i64 = (1 << (8 * EXPIRY_BYTES)) - 1;

/// What a grant may be used for, with the context that it is bound to.
///
/// A grant for one purpose and context is refused for any other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// The nonce of a device proof. Any account may use it: the signature names the account.
    DeviceProof,
    /// A one-time code completes the login of a peer that has proved the password.
    SecondStep(Holder),
    /// A face completes the login of a peer that has proved everything else.
    FaceStep(Holder),
    /// A one-time code confirms the authenticator of a peer that has proved or chosen the password.
    Enrolment(Holder),
    /// A new password for an account whose password was forgotten, as long as no factor of the account
    /// has changed since.
    PasswordReset(Holder),
    /// A face becomes the first one of an account, after the authenticator was confirmed.
    FirstFace(Holder),
    /// A person that an administrator invited chooses a password, at any address.
    Invitation(Holder),
    /// Changes in the console, by the session that has just proved a one-time code again.
    StepUp(Holder, FamilyId),
    /// A browser binds a session to its key, by a signature over the grant. It is for this session and the
    /// address of its login.
    SessionKey(FamilyId, String),
    /// A browser renews the token of a session, by a signature over the grant. It is for this session and
    /// the address that asked.
    SessionRenewal(FamilyId, String),
    /// Frames of a face answer the challenge that the grant names.
    FaceChallenge(Challenged),
    /// Stands for the purposes with a context.
    #[cfg(test)]
    Sample(tests::Sample),
}

/// The account and the peer that a grant is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    account: AccountId,
    context: [u8; 16],
    peer: String,
}

/// The account and the peer that a face challenge is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenged {
    /// The claimed name, which need not be an account.
    pub name: String,
    /// The peer that asked.
    pub asker: Asker,
}

/// The peer that a face challenge was sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asker {
    /// The connection with this number.
    Connection(GrantHolder),
    /// A visitor of a gateway.
    Visitor {
        /// The name of the gateway.
        gateway: String,
        /// The address that it states.
        peer: String,
    },
}

/// A grant, not checked yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant([u8; GRANT_BYTES]);

/// Makes and checks grants.
#[derive(Debug)]
pub struct Grants {
    /// The first one makes grants, and all of them check.
    keys: Vec<MacKey>,
}

/// The reason why a grant is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotValid {
    /// No key of this server made it for that purpose and context.
    #[error("not a grant of this server for this use")]
    Foreign,
    /// Its time is over.
    #[error("the grant has expired")]
    Expired,
}

impl Purpose {
    /// The word for the purpose.
    const fn word(&self) -> &'static str {
        match self {
            Self::DeviceProof => "device-proof",
            Self::SecondStep(_) => "second-step",
            Self::FaceStep(_) => "face-step",
            Self::Enrolment(_) => "enrolment",
            Self::PasswordReset(_) => "password-reset",
            Self::FirstFace(_) => "first-face",
            Self::Invitation(_) => "invitation",
            Self::StepUp(..) => "step-up",
            Self::SessionKey(..) => "session-key",
            Self::SessionRenewal(..) => "session-renewal",
            Self::FaceChallenge(_) => "face-challenge",
            #[cfg(test)]
            Self::Sample(_) => "sample",
        }
    }

    /// The word for the purpose and the parts of its context.
    fn parts(&self) -> Vec<&[u8]> {
        let mut parts = vec![self.word().as_bytes()];
        match self {
            Self::DeviceProof => {}
            Self::SecondStep(holder)
            | Self::FaceStep(holder)
            | Self::Enrolment(holder)
            | Self::PasswordReset(holder)
            | Self::FirstFace(holder)
            | Self::Invitation(holder) => {
                parts.extend([&holder.context[..], holder.peer.as_bytes()]);
            }
            Self::StepUp(holder, FamilyId(family)) => {
                parts.extend([&holder.context[..], holder.peer.as_bytes(), family]);
            }
            Self::SessionKey(FamilyId(family), peer)
            | Self::SessionRenewal(FamilyId(family), peer) => {
                parts.extend([family, peer.as_bytes()]);
            }
            Self::FaceChallenge(Challenged { name, asker }) => {
                parts.push(name.as_bytes());
                match asker {
                    Asker::Connection(connection) => {
                        parts.extend([b"connection", &connection.as_bytes()[..]]);
                    }
                    Asker::Visitor { gateway, peer } => {
                        parts.extend([b"visitor", gateway.as_bytes(), peer.as_bytes()]);
                    }
                }
            }
            #[cfg(test)]
            Self::Sample(sample) => parts.extend(sample.parts()),
        }
        parts
    }
}

impl Holder {
    /// The account in its present version, and the whole address of the peer.
    #[must_use]
    pub fn new(account: AccountId, version: i64, peer: String) -> Self {
        let mut context = [0; 16];
        context[..8].copy_from_slice(&account.0.to_be_bytes());
        context[8..].copy_from_slice(&version.to_be_bytes());
        Self { account, context, peer }
    }

    /// The same account, at any address.
    pub(crate) fn anywhere(self) -> Self {
        Self { peer: String::new(), ..self }
    }
}

impl Grant {
    /// Takes the bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; GRANT_BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; GRANT_BYTES] {
        &self.0
    }

    fn expires(&self) -> UnixMillis {
        let expiry = self.0[..EXPIRY_BYTES].iter();
        UnixMillis(expiry.fold(0, |value, byte| value << 8 | i64::from(*byte)))
    }

    /// The first of its random bytes, which a face challenge uses to name its steps.
    pub(crate) const fn choice(&self) -> u8 {
        self.0[EXPIRY_BYTES]
    }

    /// Its identity, by which it is spent.
    pub(crate) fn id(&self) -> GrantId {
        GrantId::new(std::array::from_fn(|index| self.0[index]), self.expires())
    }
}

impl Grants {
    /// Takes the keys. The first one makes grants, and all of them check.
    ///
    /// # Panics
    ///
    /// If there is no key.
    #[must_use]
    pub fn new(keys: &[Secret<[u8; 32]>]) -> Self {
        assert!(!keys.is_empty(), "a keyring has at least one key");
        Self { keys: keys.iter().map(|key| MacKey::new(key.expose())).collect() }
    }

    /// Makes a grant that expires `lifetime_ms` milliseconds after `now`.
    #[must_use]
    pub fn issue(
        &self,
        purpose: &Purpose,
        now: UnixMillis,
        lifetime_ms: i64,
        random: [u8; RANDOM_BYTES],
    ) -> Grant {
        let expires = now.saturating_add_ms(lifetime_ms).0.clamp(0, LATEST);
        let mut grant = [0; GRANT_BYTES];
        grant[..EXPIRY_BYTES].copy_from_slice(&expires.to_be_bytes()[8 - EXPIRY_BYTES..]);
        grant[EXPIRY_BYTES..ID_BYTES].copy_from_slice(&random);
        let mac = mac(&self.keys[0], DOMAIN, purpose, &grant[..ID_BYTES]);
        grant[ID_BYTES..].copy_from_slice(&mac);
        Grant(grant)
    }

    /// Four bytes that only this server's keyring can draw for `what` in the span of time `slot`, and
    /// that are always the same.
    #[must_use]
    pub fn draw(&self, what: &[u8], slot: i64) -> [u8; 4] {
        self.keys[0].short_code([DRAW_DOMAIN, what, &slot.to_be_bytes()])
    }

    /// Proves that this server has opened a grant for `purpose` to its peer. It is not the MAC of the
    /// grant, so that a row of the database does not give the grant away.
    #[must_use]
    pub fn tag(&self, purpose: &Purpose, id: &GrantId) -> [u8; 16] {
        mac(&self.keys[0], OPEN_DOMAIN, purpose, id.as_bytes())
    }

    /// True if a key of this server has made this tag.
    #[must_use]
    pub fn is_open(&self, purpose: &Purpose, id: &GrantId, tag: &[u8; 16]) -> bool {
        let matches = |key| {
            let made = mac(key, OPEN_DOMAIN, purpose, id.as_bytes());
            verify_slices_are_equal(&made, tag).is_ok()
        };
        self.keys.iter().fold(false, |found, key| found | matches(key))
    }

    /// Checks a grant for `purpose` at `now`, in a time that does not depend on its bytes.
    ///
    /// # Errors
    ///
    /// [`NotValid`]. Only the maker of an expired grant learns that it was valid before.
    pub fn check(
        &self,
        grant: &Grant,
        purpose: &Purpose,
        now: UnixMillis,
    ) -> Result<GrantId, NotValid> {
        let (made, claimed) = grant.0.split_at(ID_BYTES);
        let matches =
            |key| verify_slices_are_equal(&mac(key, DOMAIN, purpose, made), claimed).is_ok();
        // Every key is tried, so that the time does not tell which one made the grant.
        let is_ours = self.keys.iter().fold(false, |found, key| found | matches(key));
        match (is_ours, grant.expires() > now) {
            (true, true) => Ok(grant.id()),
            (true, false) => Err(NotValid::Expired),
            (false, _) => Err(NotValid::Foreign),
        }
    }
}

/// The first half of the MAC of a purpose with its context.
fn mac(
    key: &MacKey,
    domain: &[u8],
    purpose: &Purpose,
    made: &[u8],
) -> [u8; GRANT_BYTES - ID_BYTES] {
    key.short_code([domain].into_iter().chain(purpose.parts()).chain([made]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: UnixMillis = UnixMillis(1_740_830_400_000);
    const MINUTE_MS: i64 = 60_000;

    /// The context of a later purpose, such as the account of a pending login.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Sample {
        word: Vec<u8>,
        username: Vec<u8>,
        source: Vec<u8>,
    }

    impl Sample {
        pub(super) fn parts(&self) -> Vec<&[u8]> {
            vec![&self.word, &self.username, &self.source]
        }
    }

    fn grants(keys: &[u8]) -> Grants {
        let keys: Vec<_> = keys.iter().map(|byte| Secret::new([*byte; 32])).collect();
        Grants::new(&keys)
    }

    fn sample(word: &str, username: &str, source: &str) -> Purpose {
        let [word, username, source] = [word, username, source].map(|it| it.as_bytes().to_vec());
        Purpose::Sample(Sample { word, username, source })
    }

    fn issue(grants: &Grants, purpose: &Purpose) -> Grant {
        grants.issue(purpose, NOW, MINUTE_MS, [7; RANDOM_BYTES])
    }

    #[test]
    fn a_grant_is_valid_until_it_expires() {
        let grants = grants(&[1]);
        let grant = issue(&grants, &Purpose::DeviceProof);
        for (later, expected) in [
            (0, Ok(grant.id())),
            (MINUTE_MS - 1, Ok(grant.id())),
            (MINUTE_MS, Err(NotValid::Expired)),
            (i64::MAX, Err(NotValid::Expired)),
        ] {
            let now = NOW.saturating_add_ms(later);
            assert_eq!(grants.check(&grant, &Purpose::DeviceProof, now), expected, "{later}");
        }
        assert_eq!(grant.id().expires(), NOW.saturating_add_ms(MINUTE_MS));
    }

    #[test]
    fn a_grant_of_another_keyring_is_refused() {
        let (ours, theirs) = (grants(&[1, 2]), grants(&[3]));
        let grant = issue(&theirs, &Purpose::DeviceProof);
        let checked = ours.check(&grant, &Purpose::DeviceProof, NOW);
        assert_eq!(checked, Err(NotValid::Foreign));
        assert!(theirs.check(&grant, &Purpose::DeviceProof, NOW).is_ok());
    }

    #[test]
    fn a_rotated_key_still_checks_and_a_removed_one_does_not() {
        let grant = issue(&grants(&[1]), &Purpose::DeviceProof);
        let check = |keys| grants(keys).check(&grant, &Purpose::DeviceProof, NOW).is_ok();
        assert!(check(&[2, 1]));
        assert!(!check(&[2]));
        let of_the_first = issue(&grants(&[2, 1]), &Purpose::DeviceProof);
        assert_eq!(of_the_first, issue(&grants(&[2]), &Purpose::DeviceProof));
    }

    #[test]
    fn a_grant_for_another_purpose_or_context_is_refused() {
        let grants = grants(&[1]);
        let purpose = sample("sample", "alice", "192.0.2.7");
        let grant = issue(&grants, &purpose);
        assert!(grants.check(&grant, &purpose, NOW).is_ok());
        for other in [
            Purpose::DeviceProof,
            sample("another", "alice", "192.0.2.7"),
            sample("sample", "bob", "192.0.2.7"),
            sample("sample", "alice", "192.0.2.8"),
            sample("sample", "alice1", "92.0.2.7"),
            sample("sample", "", "alice192.0.2.7"),
        ] {
            assert_eq!(grants.check(&grant, &other, NOW), Err(NotValid::Foreign), "{other:?}");
        }
    }

    #[test]
    fn a_grant_is_bound_to_account_version_and_peer() {
        let grants = grants(&[1]);
        let holder = |account, version, peer: &str| {
            Holder::new(AccountId(account), version, peer.to_owned())
        };
        let purpose = Purpose::SecondStep(holder(1, 2, "192.0.2.7"));
        let grant = issue(&grants, &purpose);
        let tag = grants.tag(&purpose, &grant.id());
        assert!(grants.check(&grant, &purpose, NOW).is_ok());
        assert!(grants.is_open(&purpose, &grant.id(), &tag));
        assert_ne!(tag, grant.as_bytes()[ID_BYTES..], "the row gives the grant away");
        for other in [
            Purpose::FaceStep(holder(1, 2, "192.0.2.7")),
            Purpose::Enrolment(holder(1, 2, "192.0.2.7")),
            Purpose::FirstFace(holder(1, 2, "192.0.2.7")),
            Purpose::Invitation(holder(1, 2, "192.0.2.7")),
            Purpose::PasswordReset(holder(1, 2, "192.0.2.7")),
            Purpose::SecondStep(holder(2, 2, "192.0.2.7")),
            Purpose::SecondStep(holder(1, 3, "192.0.2.7")),
            Purpose::SecondStep(holder(1, 2, "192.0.2.8")),
        ] {
            assert_eq!(grants.check(&grant, &other, NOW), Err(NotValid::Foreign), "{other:?}");
            assert!(!grants.is_open(&other, &grant.id(), &tag), "{other:?}");
        }
    }

    #[test]
    fn a_time_that_does_not_fit_is_clamped() {
        let grants = grants(&[1]);
        for (now, lifetime, expires) in
            [(i64::MAX, 1, LATEST), (LATEST, 1, LATEST), (-9, 1, 0), (0, LATEST, LATEST)]
        {
            let purpose = Purpose::DeviceProof;
            let grant = grants.issue(&purpose, UnixMillis(now), lifetime, [0; RANDOM_BYTES]);
            assert_eq!(grant.expires(), UnixMillis(expires));
        }
    }

    proptest! {
        #[test]
        fn a_grant_changed_in_any_bit_is_refused(
            random in any::<[u8; RANDOM_BYTES]>(),
            byte in 0..GRANT_BYTES,
            bit in 0_u8..8,
        ) {
            let grants = grants(&[1, 2]);
            let grant = grants.issue(&Purpose::DeviceProof, NOW, MINUTE_MS, random);
            let mut changed = *grant.as_bytes();
            changed[byte] ^= 1 << bit;
            let changed = Grant::from_bytes(changed);
            prop_assert_eq!(
                grants.check(&changed, &Purpose::DeviceProof, NOW),
                Err(NotValid::Foreign)
            );
        }

        #[test]
        fn random_bytes_are_no_grant(bytes in any::<[u8; GRANT_BYTES]>()) {
            let grant = Grant::from_bytes(bytes);
            let checked = grants(&[1]).check(&grant, &Purpose::DeviceProof, UnixMillis(0));
            prop_assert_eq!(checked, Err(NotValid::Foreign));
        }

        #[test]
        fn a_grant_is_valid_only_for_what_it_was_made_for(
            made in any::<(Vec<u8>, Vec<u8>, Vec<u8>)>(),
            used in any::<(Vec<u8>, Vec<u8>, Vec<u8>)>(),
        ) {
            let purpose = |(word, username, source)| {
                Purpose::Sample(Sample { word, username, source })
            };
            let (made, used, grants) = (purpose(made), purpose(used), grants(&[1]));
            let grant = issue(&grants, &made);
            prop_assert!(grants.check(&grant, &made, NOW).is_ok());
            prop_assert_eq!(grants.check(&grant, &used, NOW).is_ok(), made == used);
        }

        #[test]
        fn two_grants_differ_by_their_random_bytes(
            one in any::<[u8; RANDOM_BYTES]>(),
            other in any::<[u8; RANDOM_BYTES]>(),
        ) {
            let grants = grants(&[1]);
            let [one_id, other_id] = [one, other]
                .map(|random| grants.issue(&Purpose::DeviceProof, NOW, MINUTE_MS, random).id());
            prop_assert_eq!(one_id == other_id, one == other);
        }
    }
}
