//! Search for secrets in the database and in the trace log.

use anyhow::bail;
use std::{fs, path::Path};

/// Searches the files that a server has left in `folder`. Fails if it finds a secret, or if it does
/// not find text that must be there.
pub(crate) fn search(folder: &Path, secrets: &[(&'static str, String)]) -> anyhow::Result<()> {
    let mut searched = Vec::new();
    for name in ["log", "data/fourauth.db", "data/fourauth.db-wal"] {
        searched.extend(fs::read(folder.join(name)).unwrap_or_default());
    }
    if !contains(&searched, "alice") || !contains(&searched, "granted") {
        bail!("the search for secrets does not find `alice` and `granted`, which must be there");
    }
    for (name, secret) in secrets {
        if contains(&searched, secret) {
            bail!("the {name} is in the database or in the trace log");
        }
    }
    println!(
        "\nSearched {} KiB of database and trace log for {} secrets; found none.",
        searched.len() / 1024,
        secrets.len()
    );
    Ok(())
}

fn contains(haystack: &[u8], needle: &str) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle.as_bytes())
}
