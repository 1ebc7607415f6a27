//! Whether the SQLite file lies on a file system that other machines share.
//!
//! The write-ahead log of SQLite needs memory that all its processes share, and locks that work. A
//! network file system gives neither reliably (<https://www.sqlite.org/wal.html>, §1), so two processes
//! may damage the file. Not every such system can be recognised: FUSE hides what is behind it.

use fourauth_config::Config;
use fourauth_store::Location;
use std::path::Path;

/// The numbers that file systems have in `statfs(2)` of Linux.
const SHARED: [(u32, &str); 10] = [
    (0x6969, "NFS"),
    (0x517b, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB"),
    (0x0102_1997, "9P"),
    (0x5346_414f, "AFS"),
    (0x6b41_4653, "AFS"),
    (0x00c3_6400, "Ceph"),
    (0x0bd0_0bd0, "Lustre"),
    (0x4750_4653, "GPFS"),
];

/// What an operator should know about the place of the database. `None` if nothing is striking.
#[must_use]
pub fn warning(config: &Config) -> Option<String> {
    let Location::Sqlite(file) = config.location() else { return None };
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let kind = rustix::fs::statfs(folder).ok()?.f_type;
    // The type has 32 or 64 bits, and a sign on some machines.
    judged(folder, u32::try_from(kind & 0xffff_ffff).ok()?)
}

fn judged(folder: &Path, kind: u32) -> Option<String> {
    let (_, name) = SHARED.iter().find(|(number, _)| *number == kind)?;
    Some(format!(
        "the database of SQLite is in {} on {name}, a file system of the network, where locks and shared \
         memory are not reliable: it may be damaged, above all by a second server or a local command on \
         another machine. Put data_dir on a local disk, or set store.url to a PostgreSQL database",
        folder.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_of_the_network_causes_a_warning() {
        let folder = Path::new("/srv/fourauth");
        let said = judged(folder, 0x6969).unwrap();
        assert!(said.contains("/srv/fourauth on NFS") && said.contains("store.url"), "{said}");
        // ext4, XFS, Btrfs, overlayfs, tmpfs and FUSE.
        for local in [0xef53, 0x5846_5342, 0x9123_683e, 0x794c_7630, 0x0102_1994, 0x6573_5546] {
            assert_eq!(judged(folder, local), None);
        }
    }

    #[test]
    fn a_local_folder_and_postgres_cause_no_warning() {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = folder.path().to_owned();
        let mut config = Config { data_dir, ..Config::default() };
        assert_eq!(warning(&config), None);
        config.store.url = "postgres://localhost/d".parse().ok();
        assert_eq!(warning(&config), None);
    }
}
