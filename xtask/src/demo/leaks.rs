//! What must not be found in the database or in a log that shows everything.

use anyhow::bail;
use std::{fs, path::Path};

/// Searches what a server has left in `folder`.
///
/// # Errors
///
/// If a secret is found, or if the search finds nothing at all, not even what should be there.
pub(crate) fn search(folder: &Path, secrets: &[(&'static str, String)]) -> anyhow::Result<()> {
    let mut searched = Vec::new();
    for name in ["log", "data/fourauth.db", "data/fourauth.db-wal"] {
        searched.extend(fs::read(folder.join(name)).unwrap_or_default());
    }
    if !contains(&searched, "alice") || !contains(&searched, "granted") {
        bail!("the search for leaks does not even find what should be there");
    }
    for (name, secret) in secrets {
        if contains(&searched, secret) {
            bail!("the {name} is in the database or in the log");
        }
    }
    println!(
        "\n{} secrets were looked for in {} KiB of database and trace log; none was found.",
        secrets.len(),
        searched.len() / 1024
    );
    Ok(())
}

fn contains(haystack: &[u8], needle: &str) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle.as_bytes())
}
