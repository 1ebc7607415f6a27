use super::*;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair,
    PKCS_ECDSA_P256_SHA256, generate_simple_self_signed,
};
use std::fs;
use tempfile::TempDir;

/// A chain of three and the key of its leaf, as an authority issues them.
struct Issued {
    leaf: String,
    intermediate: String,
    root: String,
    key: KeyPair,
}

fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn new_key() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap()
}

fn issued() -> Issued {
    let root = CertifiedIssuer::self_signed(authority("root"), new_key()).unwrap();
    let middle = CertifiedIssuer::signed_by(authority("middle"), new_key(), &root).unwrap();
    let key = new_key();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let leaf = params.signed_by(&key, &middle).unwrap();
    Issued { leaf: leaf.pem(), intermediate: middle.pem(), root: root.pem(), key }
}

/// Loads these files, and returns the certificate or the words.
fn loaded(chain: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Result<Arc<Certificate>, String> {
    let folder = TempDir::new().unwrap();
    let [chain_file, key_file] = ["cert.pem", "key.pem"].map(|name| folder.path().join(name));
    fs::write(&chain_file, chain).unwrap();
    fs::write(&key_file, key).unwrap();
    Certificate::load(&chain_file, &key_file).map_err(|error| error.to_string())
}

fn remark(chain: &str, key: &KeyPair) -> Option<String> {
    let certificate = loaded(chain, key.serialize_pem()).unwrap();
    chain::remark(&certificate.current.load().cert)
}

#[test]
fn tls_1_2_needs_ems_and_early_data_is_off() {
    let made = generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    for version in [TlsVersion::V1_2, TlsVersion::V1_3] {
        let key = made.signing_key.serialize_pem();
        let certificate = loaded(made.cert.pem(), key).unwrap();
        let config = server_config(certificate, version, &[b"fourauth/1"]).unwrap();
        assert!(config.require_ems, "TLS 1.2 without RFC 7627 lets a proof be passed on");
        assert_eq!(config.max_early_data_size, 0, "early data can be sent again");
    }
}

#[test]
fn a_byte_order_mark_skips_no_certificate() {
    let Issued { leaf, intermediate, key, .. } = issued();
    let plain = loaded(leaf.clone() + &intermediate, key.serialize_pem()).unwrap();
    let marked = format!("\u{feff}{leaf}\u{feff}{intermediate}");
    let marked = loaded(marked, format!("\u{feff}{}", key.serialize_pem())).unwrap();
    assert_eq!(plain.current.load().cert, marked.current.load().cert);
    // Control: without the mark's removal, the parser finds one certificate.
    let text = format!("\u{feff}{leaf}{intermediate}");
    let skipped =
        <CertificateDer<'_> as rustls_pki_types::pem::PemObject>::pem_slice_iter(text.as_bytes());
    assert_eq!(skipped.count(), 1);
}

#[test]
fn each_unusable_pair_is_told_in_words() {
    let Issued { leaf, intermediate, root, key } = issued();
    let (other, pem) = (new_key().serialize_pem(), key.serialize_pem());
    let encrypted = pem.replace("PRIVATE", "ENCRYPTED PRIVATE");
    let older = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n\
                 -----END RSA PRIVATE KEY-----\n";
    let cut = leaf.trim_end().trim_end_matches('-');
    let whole = leaf.clone() + &intermediate;
    for (chain, key, words) in [
        (whole.clone(), encrypted.as_str(), "is encrypted"),
        (whole.clone(), older, "is encrypted"),
        (whole.clone(), &other, "must come from the same renewal"),
        (intermediate.clone() + &root + &leaf, &pem, "belongs to certificate 3"),
        (pem.clone(), &leaf, "holds no certificate, but what belongs into the other file"),
        (whole.clone(), &leaf, "holds no private key, but what belongs into the other file"),
        (String::new(), &pem, "holds no certificate"),
        (whole.clone(), "", "holds no private key"),
        (format!("{intermediate}{cut}"), &pem, "it has no END line"),
        (format!(" {leaf}{intermediate}"), &pem, "beginning of a line"),
        (leaf.replace("MII", "M!!"), &pem, "line 1: this block of PEM cannot be read (it is not"),
    ] {
        let refused = loaded(&chain, key).unwrap_err();
        assert!(refused.contains(words), "{words}: {refused}");
        assert!(refused.contains(".pem"), "{refused}");
    }
    for bytes in [&b"0\x82\x01\x00"[..], b"\xff\xfe-\0"] {
        let refused = loaded(bytes, &pem).unwrap_err();
        assert!(refused.contains("openssl") || refused.contains("UTF-16"), "{refused}");
    }
    assert!(loaded(whole, pem).is_ok(), "the control");
}

#[test]
fn a_block_that_cannot_be_read_is_named_by_its_line() {
    let Issued { leaf, intermediate, key, .. } = issued();
    let damaged = intermediate.replace("MII", "M!!");
    let refused = loaded(leaf.clone() + &damaged, key.serialize_pem()).unwrap_err();
    let line = leaf.lines().count() + 1;
    assert!(refused.contains(&format!("line {line}:")), "{refused}");
}

#[test]
fn a_chain_that_clients_may_refuse_causes_a_remark() {
    let Issued { leaf, intermediate, root, key } = issued();
    let whole = leaf.clone() + &intermediate;
    assert_eq!(remark(&whole, &key), None);
    assert_eq!(remark(&(whole + &root), &key), None);
    let alone = remark(&leaf, &key).unwrap();
    assert!(alone.contains("fullchain.pem") && alone.contains("CN=middle"), "{alone}");
    let mixed = remark(&(leaf + &root + &intermediate), &key).unwrap();
    assert!(mixed.contains("certificate 2 did not issue certificate 1"), "{mixed}");
    let own = generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    assert_eq!(remark(&own.cert.pem(), &own.signing_key), None);
}

#[test]
fn a_failed_reload_keeps_the_certificate_in_use() {
    let Issued { leaf, intermediate, key, .. } = issued();
    let folder = TempDir::new().unwrap();
    let [chain_file, key_file] = ["cert.pem", "key.pem"].map(|name| folder.path().join(name));
    fs::write(&chain_file, leaf + &intermediate).unwrap();
    fs::write(&key_file, key.serialize_pem()).unwrap();
    let certificate = Certificate::load(&chain_file, &key_file).unwrap();
    let before = certificate.leaf();
    assert_eq!(leaf_of(&chain_file).unwrap(), before);
    fs::write(&key_file, key.serialize_pem().replace("PRIVATE", "ENCRYPTED PRIVATE")).unwrap();
    assert!(certificate.reload().is_err());
    assert_eq!(certificate.leaf(), before);
}
