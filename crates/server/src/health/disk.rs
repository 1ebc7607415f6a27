//! Whether the disks have room.

use super::Condition;
use fourauth_config::Config;
use fourauth_store::Location;
use std::path::{Path, PathBuf};

/// Bytes in a MiB.
const MIB: u64 = 1 << 20;

/// Less free space than this is a warning: 1 GiB. A row of the audit log takes about 1 KiB with its
/// leaf, so a server that decides a hundred attempts a second fills it in three hours.
pub const LOW: u64 = 1024 * MIB;

/// Less free space than this is a failure: 64 MiB. The journal of SQLite alone may take that much
/// while a backup reads, so writes may fail at any time.
pub const FULL: u64 = 64 * MIB;

/// The folders that need room on their disks: the data folder, and that of the database if it is another one.
#[must_use]
pub fn folders(config: &Config) -> Vec<PathBuf> {
    let mut folders = vec![config.data_dir.clone()];
    if let Location::Sqlite(file) = config.location()
        && let Some(folder) = file.parent().filter(|folder| *folder != config.data_dir)
    {
        folders.push(folder.to_owned());
    }
    folders
}

/// Looks at the free space of every folder.
#[must_use]
pub fn check(folders: &[PathBuf]) -> Condition {
    let conditions = folders.iter().map(|folder| judge(folder, free(folder)));
    conditions.fold(Condition::Ok, Condition::or_worse)
}

/// The free space for this process, in bytes. A local file system answers from memory.
fn free(folder: &Path) -> Result<u64, String> {
    let stat = rustix::fs::statvfs(folder).map_err(|error| error.to_string())?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

fn judge(folder: &Path, free: Result<u64, String>) -> Condition {
    let folder = folder.display();
    match free {
        Err(error) => Condition::Failing(format!("{folder}: cannot read its free space ({error})")),
        Ok(free @ ..FULL) => Condition::Failing(format!(
            "{folder}: {} MiB are free, too few to write safely; free space or enlarge the disk",
            free / MIB
        )),
        Ok(free @ FULL..LOW) => Condition::Warning(format!(
            "{folder}: {} MiB are free; free space or enlarge the disk before {} MiB are reached",
            free / MIB,
            FULL / MIB
        )),
        Ok(_) => Condition::Ok,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_room_is_a_warning_and_less_is_a_failure() {
        for (free, word) in
            [(FULL - 1, "failing"), (FULL, "warning"), (LOW - 1, "warning"), (LOW, "ok")]
        {
            assert_eq!(judge(Path::new("/x"), Ok(free)).word(), word, "{free}");
        }
    }

    #[test]
    fn a_folder_that_is_gone_is_named() {
        let found = check(&[PathBuf::from("/"), PathBuf::from("/no/such/folder")]);
        assert!(found.to_string().contains("/no/such/folder"), "{found}");
        assert_eq!(found.word(), "failing");
    }
}
