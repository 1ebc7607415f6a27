//! The address that this device gives itself. It is chosen once and kept in a file: the cards of a
//! machine change with docks and virtual machines, and some systems draw their addresses.

use crate::{entropy, environment::Environment, session};
use fourauth_private_file as private_file;
use fourauth_protocol::mac_address::MacAddress;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The file, next to `client.toml`.
const FILE: &str = "device.address";

/// The kept address, or else that of the last login or of a network card, which is kept from
/// then on.
pub(crate) fn own(environment: &Environment<'_>) -> Option<MacAddress> {
    let path = path(environment);
    if let Some(kept) = path.as_deref().and_then(read) {
        return Some(kept);
    }
    let address = session::last_address(environment).or_else(|| (environment.device_address)())?;
    // If it cannot be kept, the next command chooses again, mostly the same.
    let _not_kept = path.map(|path| write(&path, address));
    Some(address)
}

fn path(environment: &Environment<'_>) -> Option<PathBuf> {
    Some(environment.settings_file.as_ref()?.with_file_name(FILE))
}

fn read(path: &Path) -> Option<MacAddress> {
    MacAddress::parse(&fs::read_to_string(path).ok()?).ok()
}

fn write(path: &Path, address: MacAddress) -> io::Result<()> {
    path.parent().map_or(Ok(()), private_file::create_folder)?;
    private_file::replace_own(path, format!("{address}\n").as_bytes(), entropy::suffix()?)
}
