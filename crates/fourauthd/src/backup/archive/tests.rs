//! Hostile and damaged archives.

use super::{super::contents::KEYRING, *};
use fourauth_protocol::time::UnixMillis;
use proptest::prelude::*;
use tempfile::TempDir;

const KEYS: &[u8] = b"pepper and keys";

fn manifest() -> String {
    let entries = [(KEYRING, KEYS), ("tls/cert.pem", b"PEM")];
    let file = entries
        .map(|(name, bytes)| Entry::new(name, bytes.len() as u64, Sha256::digest(bytes).as_slice()))
        .to_vec();
    Manifest::new(UnixMillis(0), None, file).to_toml().unwrap()
}

/// An archive of the manifest and these files.
fn backup(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = Builder::new(Vec::new());
    let manifest = manifest();
    let all = std::iter::once((manifest::NAME, manifest.as_bytes())).chain(files.iter().copied());
    for (name, bytes) in all {
        add(&mut archive, name, bytes.len() as u64, bytes).unwrap();
    }
    archive.into_inner().unwrap()
}

const WHOLE: [(&str, &[u8]); 2] = [(KEYRING, KEYS), ("tls/cert.pem", b"PEM")];

fn extracted(bytes: &[u8]) -> (TempDir, anyhow::Result<Manifest>) {
    let folder = tempfile::tempdir().unwrap();
    let into = folder.path().join("scratch");
    fs::create_dir(&into).unwrap();
    let manifest = extract(bytes, &into);
    (folder, manifest)
}

fn refused(bytes: &[u8]) -> String {
    let (folder, manifest) = extracted(bytes);
    let entries = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(entries, 1, "nothing is written outside the scratch folder");
    format!("{:#}", manifest.unwrap_err())
}

#[test]
fn a_backup_is_read_as_it_was_written() {
    let (folder, manifest) = extracted(&backup(&WHOLE));
    assert_eq!(manifest.unwrap().file.len(), 2);
    assert_eq!(fs::read(folder.path().join("scratch/keyring.toml")).unwrap(), KEYS);
    assert_eq!(fs::read(folder.path().join("scratch/tls/cert.pem")).unwrap(), b"PEM");
}

#[test]
fn an_archive_that_differs_from_its_manifest_is_refused() {
    for (files, reason) in [
        (&[WHOLE[0]][..], "lacks tls/cert.pem"),
        (&[WHOLE[0], WHOLE[1], WHOLE[1]], "twice"),
        (&[WHOLE[0], WHOLE[1], ("tls/key.pem", b"PEM")], "does not name"),
        (&[(KEYRING, b"pepper and more"), WHOLE[1]], "not what the manifest says"),
        (&[(KEYRING, b"pepper"), WHOLE[1]], "another size"),
    ] {
        assert!(refused(&backup(files)).contains(reason), "{reason}");
    }
    assert!(refused(b"").contains("empty"));
    let mut archive = Builder::new(Vec::new());
    add(&mut archive, KEYRING, KEYS.len() as u64, KEYS).unwrap();
    assert!(refused(&archive.into_inner().unwrap()).contains("begin with its manifest"));
}

#[test]
fn no_path_leads_out_and_no_link_is_followed() {
    for (kind, path) in [
        (EntryType::Regular, "../escaped"),
        (EntryType::Regular, "/tmp/escaped"),
        (EntryType::Regular, "tls/../../escaped"),
        (EntryType::Symlink, "tls/cert.pem"),
        (EntryType::Link, "tls/cert.pem"),
        (EntryType::Directory, "tls/cert.pem"),
        (EntryType::Fifo, "tls/cert.pem"),
        (EntryType::GNULongName, "tls/cert.pem"),
        (EntryType::XHeader, "tls/cert.pem"),
    ] {
        let mut header = Header::new_ustar();
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        header.set_entry_type(kind);
        header.set_size(0);
        header.set_link_name("/etc/passwd").unwrap();
        header.set_cksum();
        let mut archive = Builder::new(Vec::new());
        let manifest = manifest();
        add(&mut archive, manifest::NAME, manifest.len() as u64, manifest.as_bytes()).unwrap();
        archive.append(&header, io::empty()).unwrap();
        let reason = refused(&archive.into_inner().unwrap());
        assert!(reason.contains("regular file") || reason.contains("does not name"), "{reason}");
    }
}

#[test]
fn a_size_that_a_header_announces_is_not_allocated() {
    let mut header = Header::new_ustar();
    header.set_path(manifest::NAME).unwrap();
    header.set_size(u64::MAX >> 1);
    header.set_entry_type(EntryType::Regular);
    header.set_cksum();
    assert!(refused(header.as_bytes()).contains("too large"));
}

proptest! {
    #[test]
    fn damage_is_refused_and_never_panics(
        at in 0_usize..6000, to in any::<u8>(), cut in 0_usize..6000,
    ) {
        let whole = backup(&WHOLE);
        let mut changed = whole.clone();
        if let Some(byte) = changed.get_mut(at) {
            *byte = to;
        }
        // Some bytes of a header have no effect, such as the owner. If the archive is accepted, its
        // files must be unchanged.
        for bytes in [&changed[..], &whole[..cut.min(whole.len())]] {
            let (folder, manifest) = extracted(bytes);
            if manifest.is_ok() {
                let path = folder.path().join("scratch/keyring.toml");
                prop_assert_eq!(fs::read(path).unwrap(), KEYS);
            }
        }
    }
}
