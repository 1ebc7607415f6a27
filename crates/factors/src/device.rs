//! Checks of the device: its MAC address, and the signature of its key.
//!
//! A MAC address is a label that is easy to copy; only the key proves a device. This module does
//! not decide which of the two an account needs.

use crate::Finding;
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use fourauth_protocol::{
    device::{DeviceKey, DeviceSignature},
    mac_address::MacAddress,
};
use subtle::ConstantTimeEq as _;

/// Compares the address in the command with the bound one.
#[must_use]
pub fn check(offered: Option<MacAddress>, bound: MacAddress) -> Finding {
    offered.map_or(Finding::Missing, |offered| {
        Finding::from_match(offered.octets().ct_eq(&bound.octets()).into())
    })
}

/// True if `signature` is a valid signature of `message` under `key` (Ed25519, RFC 8032 §5.1.7).
///
/// It takes about 50 µs. None of the inputs is secret, so the time need not be constant.
#[must_use]
pub fn is_signed(key: &DeviceKey, message: &[u8], signature: &DeviceSignature) -> bool {
    UnparsedPublicKey::new(&ED25519, key.as_bytes()).verify(message, signature.as_bytes()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::HEXLOWER;
    use proptest::prelude::*;

    /// RFC 8032 §7.1, tests 1 to 3: public key, message, signature.
    const VECTORS: [[&str; 3]; 3] = [
        [
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ],
        [
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ],
        [
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ],
    ];

    fn vector([key, message, signature]: [&str; 3]) -> (DeviceKey, Vec<u8>, DeviceSignature) {
        let bytes = |text: &str| HEXLOWER.decode(text.as_bytes()).unwrap();
        let key = DeviceKey::from_bytes(bytes(key).try_into().unwrap()).unwrap();
        let signature = DeviceSignature::from_bytes(bytes(signature).try_into().unwrap());
        (key, bytes(message), signature)
    }

    #[test]
    fn agrees_with_the_signatures_of_rfc_8032() {
        for (key, message, signature) in VECTORS.map(vector) {
            assert!(is_signed(&key, &message, &signature), "{key}");
        }
    }

    #[test]
    fn a_signature_is_valid_for_one_message_and_one_key() {
        let [(key, message, signature), (other, ..), _] = VECTORS.map(vector);
        assert!(!is_signed(&other, &message, &signature));
        assert!(!is_signed(&key, b"x", &signature));
        let not_a_point = DeviceKey::from_bytes([0x02; 32]).unwrap();
        assert!(!is_signed(&not_a_point, &message, &signature));
    }

    proptest! {
        #[test]
        fn no_bit_of_a_signature_may_differ(byte in 0_usize..64, bit in 0_u32..8) {
            let (key, message, signature) = vector(VECTORS[1]);
            let mut bytes = *signature.as_bytes();
            bytes[byte] ^= 1 << bit;
            prop_assert!(!is_signed(&key, &message, &DeviceSignature::from_bytes(bytes)));
        }
    }

    #[test]
    fn only_the_bound_address_matches() {
        let bound = MacAddress::parse("00:1b:44:11:3a:b7").unwrap();
        let other = MacAddress::parse("00:1b:44:11:3a:b8").unwrap();
        assert_eq!(check(Some(bound), bound), Finding::Match);
        assert_eq!(check(Some(other), bound), Finding::Mismatch);
        assert_eq!(check(None, bound), Finding::Missing);
    }
}
