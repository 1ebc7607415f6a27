//! Files and their modes, owners and names on Unix.

use super::*;
use std::{
    fs::Permissions,
    os::{
        fd::AsRawFd as _,
        unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink},
    },
    thread,
};

const SUFFIX: Suffix = *b"a suffix";

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_created_file_is_private_and_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.pem");
    fs::write(folder.path().join("key.pem.0011223344556677.draft"), "half").unwrap();
    create(&path, b"whole", SUFFIX).unwrap();
    assert_eq!(mode(&path), 0o600);

    let again = create(&path, b"another", SUFFIX).unwrap_err();
    assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(fs::read(&path).unwrap(), b"whole");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_replaced_file_is_replaced_completely() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("epoch.toml");
    fs::write(folder.path().join("epoch.toml.0011223344556677.draft"), "half").unwrap();
    for bytes in [b"one".as_slice(), b"other"] {
        replace(&path, bytes, SUFFIX).unwrap();
        assert_eq!(fs::read(&path).unwrap(), bytes);
        assert_eq!(mode(&path), 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

#[test]
fn one_of_many_racing_creators_wins() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.pem");
    let made = thread::scope(|scope| {
        let all: Vec<_> = (0..16_u8)
            .map(|number| {
                let path = &path;
                scope.spawn(move || create(path, &[number; 100], [number; 8]).map(|()| number))
            })
            .collect();
        all.into_iter().map(|one| one.join().unwrap()).collect::<Vec<_>>()
    });
    let (winners, losers): (Vec<_>, Vec<_>) = made.into_iter().partition(Result::is_ok);
    assert_eq!(winners.len(), 1);
    assert_eq!(fs::read(&path).unwrap(), [*winners[0].as_ref().unwrap(); 100]);
    for error in losers {
        assert_eq!(error.unwrap_err().kind(), ErrorKind::AlreadyExists);
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_replaced_or_removed_file_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let (path, kept) = (folder.path().join("epoch.toml"), folder.path().join("kept"));
    for bytes in [b"old".as_slice(), b"new"] {
        replace_and_wipe(&path, bytes, SUFFIX).unwrap();
    }
    assert_eq!(fs::read(&path).unwrap(), b"new");
    // A second name, so that the old file can be read afterwards.
    fs::hard_link(&path, &kept).unwrap();
    replace_and_wipe(&path, b"newest", SUFFIX).unwrap();
    assert_eq!(fs::read(&kept).unwrap(), [0; 3]);

    fs::remove_file(&kept).unwrap();
    fs::hard_link(&path, &kept).unwrap();
    remove_and_wipe(&path).unwrap();
    assert!(!path.exists());
    assert_eq!(fs::read(&kept).unwrap(), [0; 6]);
}

#[test]
fn a_replacement_during_a_read_is_detected() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("epoch.toml");
    create(&path, b"old", SUFFIX).unwrap();
    let file = File::open(&path).unwrap();
    assert!(!is_replaced(&file).unwrap());
    replace_and_wipe(&path, b"new", SUFFIX).unwrap();
    assert!(is_replaced(&file).unwrap());
}

#[test]
fn a_file_that_root_writes_keeps_its_owner() {
    const OWNER: u32 = 4711;

    let folder = tempfile::tempdir().unwrap();
    if chown(folder.path(), Some(OWNER), Some(OWNER)).is_err() {
        eprintln!("SKIPPED: only root can change the owner of a file");
        return;
    }
    let victim = folder.path().join("victim");
    fs::write(&victim, "kept").unwrap();
    for name in ["keyring.lock", "epoch.toml", "epoch-0"] {
        symlink(&victim, folder.path().join(name)).unwrap();
    }
    open_lock(&folder.path().join("keyring.lock"), folder.path()).unwrap();
    replace_and_wipe(&folder.path().join("epoch.toml"), b"new", SUFFIX).unwrap();
    remove_and_wipe(&folder.path().join("epoch-0")).unwrap();
    assert_eq!(fs::read(&victim).unwrap(), b"kept");
    assert_ne!(fs::metadata(&victim).unwrap().uid(), OWNER);

    let path = folder.path().join("keyring.toml");
    let owner = || (fs::metadata(&path).unwrap().uid(), fs::metadata(&path).unwrap().gid());
    create(&path, b"one", SUFFIX).unwrap();
    assert_eq!(owner(), (OWNER, OWNER));
    chown(&path, Some(OWNER + 1), None).unwrap();
    replace(&path, b"two", SUFFIX).unwrap();
    assert_eq!(owner(), (OWNER + 1, OWNER));
}

#[test]
fn a_file_at_a_path_of_the_user_stays_the_users() {
    const OTHER: u32 = 4711;

    let folder = tempfile::tempdir().unwrap();
    let (own, drafts) = (folder.path().join("receipt"), ["receipt.v2.draft", "receipt.x.draft"]);
    for draft in drafts {
        fs::write(folder.path().join(draft), "of the user").unwrap();
    }
    let me = fs::metadata(folder.path()).unwrap().uid();
    create_own(&own, b"one", SUFFIX).unwrap();
    let given = chown(folder.path(), Some(OTHER), None).and(chown(&own, Some(OTHER), None));
    replace_own(&own, b"two", SUFFIX).unwrap();
    assert_eq!((fs::metadata(&own).unwrap().uid(), mode(&own)), (me, 0o600), "{given:?}");
    assert_eq!(fs::read(&own).unwrap(), b"two");
    // The server's writer removes only names that it makes.
    replace(&own, b"three", SUFFIX).unwrap();
    assert!(drafts.iter().all(|draft| folder.path().join(draft).exists()));
}

#[test]
fn a_file_without_a_name_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    create(&path, b"whole", SUFFIX).unwrap();
    let open = File::open(&path).unwrap();
    fs::remove_file(&path).unwrap();
    let unnamed = format!("/dev/fd/{}", open.as_raw_fd());
    assert_eq!(read(Path::new(&unnamed), 100).unwrap().expose(), "whole");
}

#[test]
fn a_file_that_others_can_read_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.pem");
    create(&path, b"whole", SUFFIX).unwrap();
    assert_eq!(read(&path, 100).unwrap().expose(), "whole");
    assert_eq!(read(&path, 3).unwrap().expose(), "who");
    fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(read(&path, 100), Err(Unread::Exposed { mode: 0o640 })));
}

#[test]
fn a_file_that_others_can_change_is_not_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("client.toml");
    fs::write(&path, "\u{feff}pin").unwrap();
    for (mode, is_trusted) in [(0o600, true), (0o644, true), (0o664, false), (0o602, false)] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        assert_eq!(
            read_trusted(&path, 100).is_ok_and(|text| text == "pin"),
            is_trusted,
            "{mode:o}"
        );
    }
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    if chown(&path, Some(4711), None).is_err() {
        eprintln!("SKIPPED: only root can change the owner of a file");
        return;
    }
    let refused = read_trusted(&path, 100);
    assert!(matches!(refused, Err(Untrusted::Foreign { owner: 4711 })), "{refused:?}");
}
