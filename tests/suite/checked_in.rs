//! Checked-in files that a test can generate. The test compares them with what it generates, so
//! that documentation cannot become outdated. `FOURAUTH_UPDATE=1` rewrites them instead.

use std::{env, fs, path::PathBuf};

/// True if the caller wants the files rewritten.
#[expect(clippy::disallowed_methods, reason = "the caller chooses between comparing and rewriting")]
pub(crate) fn is_updating() -> bool {
    env::var("FOURAUTH_UPDATE").is_ok_and(|text| text == "1")
}

/// A file or folder of the repository.
pub(crate) fn path(relative: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(relative)
}

/// The checked-in text; empty if the file does not exist.
pub(crate) fn read(relative: &str) -> String {
    fs::read_to_string(path(relative)).unwrap_or_default()
}

/// Compares the file with `made`, or rewrites it.
pub(crate) fn settle(relative: &str, made: &str) {
    let kept = read(relative);
    if kept == made {
        return;
    }
    if is_updating() {
        fs::write(path(relative), made).unwrap();
        return;
    }
    let differs = kept.lines().zip(made.lines()).position(|(kept, made)| kept != made);
    let line = differs.unwrap_or(kept.lines().count().min(made.lines().count()));
    let [kept, made] = [&*kept, made].map(|text| text.lines().nth(line).unwrap_or("(the end)"));
    panic!(
        "{relative}, line {}, is outdated; FOURAUTH_UPDATE=1 rewrites it\nkept: {kept}\nmade: \
         {made}",
        line + 1
    );
}
