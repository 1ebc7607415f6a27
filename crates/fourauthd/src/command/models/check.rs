//! `fourauthd models check`: loads every pack as the server does.

use super::folder_name;
use anyhow::bail;
use fourauth_config::Config;
use fourauth_face::{
    Engine,
    pack::{MANIFEST, Pack},
};
use fourauth_face_pack::is_installable;
use fourauth_server::models;
use std::path::Path;

/// Loads every pack, runs each of its networks once, and prints a line for each.
///
/// # Errors
///
/// If a pack cannot be used, or the pack in use is missing.
pub(super) fn run(config: &Config) -> anyhow::Result<()> {
    let mut faults = 0;
    let mut print = |name: &str, checked: anyhow::Result<String>| match checked {
        Ok(remark) => print_out!("{name}: can be used{remark}"),
        Err(error) => {
            faults += 1;
            print_out!("{name}: cannot be used: {error:#}")
        }
    };
    for found in Pack::installed(&config.packs_dir())? {
        print(&folder_name(&found.folder), usable(&found.folder, config))?;
    }
    if !config.pack_dir().join(MANIFEST).is_file() {
        print(&config.face.pack, Err(missing(config)))?;
    }
    match faults {
        0 => Ok(()),
        1 => bail!("one pack cannot be used"),
        faults => bail!("{faults} packs cannot be used"),
    }
}

/// A remark about a pack that can be used.
fn usable(folder: &Path, config: &Config) -> anyhow::Result<String> {
    let engine = Engine::load(folder)?;
    if folder == config.pack_dir() {
        models::fits(&engine, config)?;
    }
    let name = engine.pack().name();
    Ok(if name == folder_name(folder) {
        String::new()
    } else {
        format!("; its pack.toml has the name {name}, and `face.pack` takes the name of the folder")
    })
}

/// Why the pack in use is missing, and what to do.
fn missing(config: &Config) -> anyhow::Error {
    let folder = config.pack_dir();
    let todo = if is_installable(&config.face.pack) {
        "run `fourauthd models install`"
    } else {
        "put the pack there, or set `face.pack` to another one"
    };
    anyhow::anyhow!("no {MANIFEST} in {}: {todo}", folder.display())
}
