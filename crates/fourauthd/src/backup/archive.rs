//! The tar archive in a backup (POSIX ustar). Its first file is the manifest.
//!
//! The archive is untrusted. Only files that a backup may hold are created, each once, with the
//! size and the hash in the manifest. Paths in the archive are only compared with known names.

use super::manifest::{self, Entry, Manifest};
use anyhow::{Context as _, bail, ensure};
use sha2::{Digest as _, Sha256};
use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::Path,
};
use tar::{Archive, Builder, EntryType, Header};

/// Bytes hashed and written at a time.
const CHUNK: usize = 64 << 10;

/// Adds a file of `bytes` bytes.
pub(super) fn add<W: Write>(
    archive: &mut Builder<W>,
    name: &str,
    bytes: u64,
    content: impl Read,
) -> anyhow::Result<()> {
    let mut header = Header::new_ustar();
    header.set_entry_type(EntryType::Regular);
    header.set_path(name)?;
    header.set_size(bytes);
    header.set_mode(0o600);
    header.set_mtime(0);
    header.set_cksum();
    archive.append(&header, content).with_context(|| format!("cannot write {name}"))
}

/// Unpacks a backup into `folder`, and checks every file against the manifest.
pub(super) fn extract(from: impl Read, folder: &Path) -> anyhow::Result<Manifest> {
    let mut archive = Archive::new(from);
    // Raw: extended headers, which could announce unlimited names and sizes, then are entries of a
    // kind that is refused.
    let mut entries = archive.entries()?.raw(true);
    let mut first = entries.next().context("the backup is empty")?.context(DAMAGED)?;
    ensure!(name(&first)? == manifest::NAME, "the backup does not begin with its manifest");
    ensure!(first.size() <= manifest::MOST, "the manifest is too large");
    let mut text = String::new();
    first.read_to_string(&mut text).context(DAMAGED)?;
    let manifest = Manifest::parse(&text)?;
    let mut seen = BTreeSet::new();
    for entry in entries {
        let mut entry = entry.context(DAMAGED)?;
        let name = name(&entry)?;
        let expected = manifest
            .entry(&name)
            .context("the backup holds a file that its manifest does not name")?;
        ensure!(seen.insert(name.clone()), "the backup holds {name} twice");
        ensure!(entry.size() == expected.bytes, "{name} has another size than the manifest says");
        write_out(&mut entry, expected, &folder.join(&expected.name))?;
    }
    if let Some(missing) = manifest.file.iter().find(|entry| !seen.contains(&entry.name)) {
        bail!("the backup lacks {}", missing.name);
    }
    // The last chunk of the age stream proves that the file was not truncated.
    io::copy(&mut archive.into_inner(), &mut io::sink()).context(DAMAGED)?;
    Ok(manifest)
}

/// Context of a read error after the file was opened.
const DAMAGED: &str = "the backup is damaged";

/// Name of a regular file. Fails for entries of another kind.
fn name(entry: &tar::Entry<'_, impl Read>) -> anyhow::Result<String> {
    let is_file = entry.header().entry_type() == EntryType::Regular;
    ensure!(is_file, "the backup holds an entry that is not a regular file");
    String::from_utf8(entry.path_bytes().into_owned()).context("a name in the backup is not UTF-8")
}

/// Creates a new file with mode 0600, and checks it against its manifest entry.
fn write_out(from: &mut impl Read, expected: &Entry, path: &Path) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let (bytes, sha256) = copy(from, &mut file)?;
    let is_whole = bytes == expected.bytes && expected.has(&sha256);
    ensure!(is_whole, "{} is not what the manifest says", expected.name);
    Ok(file.sync_all()?)
}

/// Size and SHA-256 of a file.
pub(super) fn digest(path: &Path) -> anyhow::Result<(u64, [u8; 32])> {
    copy(&mut File::open(path)?, &mut io::sink())
}

fn copy(from: &mut impl Read, to: &mut impl Write) -> anyhow::Result<(u64, [u8; 32])> {
    let (mut bytes, mut hash, mut chunk) = (0, Sha256::new(), vec![0; CHUNK]);
    loop {
        let read = from.read(&mut chunk).context(DAMAGED)?;
        let Some(read) = chunk.get(..read).filter(|read| !read.is_empty()) else { break };
        hash.update(read);
        to.write_all(read)?;
        bytes += u64::try_from(read.len())?;
    }
    Ok((bytes, hash.finalize().into()))
}

#[cfg(test)]
mod tests;
