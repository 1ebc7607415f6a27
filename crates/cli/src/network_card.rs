//! The hardware address of this machine: that of a card which is built in, if there is one.
//!
//! Loopback, bridges, taps, tunnels of a VPN and bonds are no cards: their addresses come and go with
//! the software that makes them.

use fourauth_protocol::mac_address::MacAddress;
#[cfg(any(target_os = "linux", test))]
use std::{fs, path::Path};

/// The address of this machine, if it has one.
#[cfg(target_os = "linux")]
#[must_use]
pub fn address() -> Option<MacAddress> {
    address_in(Path::new("/sys/class/net"))
}

/// The address of this machine, if it has one. Addresses that software has made have the bit for
/// local administration (IEEE 802-2014 §8.4); they are taken last.
#[cfg(not(target_os = "linux"))]
#[must_use]
pub fn address() -> Option<MacAddress> {
    let cards = mac_address::MacAddressIterator::new().ok()?;
    cards
        .filter_map(|card| MacAddress::from_octets(card.bytes()).ok())
        .min_by_key(|address| address.octets()[0] & 0b10)
}

/// The address of the best card in a folder of `/sys/class/net`.
#[cfg(any(target_os = "linux", test))]
fn address_in(folder: &Path) -> Option<MacAddress> {
    let cards = fs::read_dir(folder).ok()?.filter_map(Result::ok);
    let cards = cards.filter_map(|entry| Card::read(&entry.path()));
    cards.min_by_key(|card| (card.rank, card.index)).map(|card| card.address)
}

/// A network interface that may stand for the machine.
#[cfg(any(target_os = "linux", test))]
struct Card {
    rank: Rank,
    index: u32,
    address: MacAddress,
}

/// What kind of card it is, the best first.
#[cfg(any(target_os = "linux", test))]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// Built in, with the address of its maker.
    BuiltIn,
    /// Plugged in, such as that of a dock.
    Plugged,
    /// A card with an address that the system has drawn or set.
    Changed,
    /// The interface of a container, which has no card of its own.
    Virtual,
}

#[cfg(any(target_os = "linux", test))]
impl Card {
    /// `None` for an interface that cannot stand for the machine.
    fn read(folder: &Path) -> Option<Self> {
        /// `ARPHRD_ETHER` of Linux. Loopback and tunnels have other numbers.
        const ETHERNET: &str = "1";

        let value =
            |name| fs::read_to_string(folder.join(name)).ok().map(|it| it.trim().to_owned());
        let has = |name| folder.join(name).exists();
        let is_software = has("bridge") || has("tun_flags") || has("bonding");
        if value("type")? != ETHERNET || is_software {
            return None;
        }
        let rank = match fs::canonicalize(folder.join("device")) {
            // The end of a container's cable.
            Err(_) if has("brport") => return None,
            Err(_) => Rank::Virtual,
            Ok(_) if value("addr_assign_type").is_some_and(|from| from != "0") => Rank::Changed,
            Ok(device) if device.to_string_lossy().contains("/usb") => Rank::Plugged,
            Ok(_) => Rank::BuiltIn,
        };
        let index = value("ifindex")?.parse().ok()?;
        Some(Self { rank, index, address: MacAddress::parse(&value("address")?).ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    const REAL: &str = "00:1b:44:11:3a:b7";
    const OTHER: &str = "02:42:ac:11:00:02";

    /// An interface with this number, type and address.
    fn interface(folder: &Path, index: u32, kind: u32, address: &str) -> PathBuf {
        let path = folder.join(format!("if{index}"));
        fs::create_dir(&path).unwrap();
        for (name, text) in [("ifindex", index.to_string()), ("type", kind.to_string())] {
            fs::write(path.join(name), text + "\n").unwrap();
        }
        fs::write(path.join("address"), address).unwrap();
        path
    }

    fn card(folder: &Path, index: u32, address: &str) -> PathBuf {
        let path = interface(folder, index, 1, address);
        fs::create_dir(path.join("device")).unwrap();
        path
    }

    fn found(folder: &Path) -> Option<String> {
        address_in(folder).map(|address| address.to_string())
    }

    #[test]
    fn bridges_taps_tunnels_and_loopback_are_skipped() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        interface(folder, 1, 772, "00:00:00:00:00:00");
        for (index, part) in [(2, "bridge"), (3, "bonding"), (4, "brport")] {
            fs::create_dir(interface(folder, index, 1, OTHER).join(part)).unwrap();
        }
        fs::write(interface(folder, 5, 1, OTHER).join("tun_flags"), "0x1002").unwrap();
        interface(folder, 6, 65534, OTHER);
        assert_eq!(found(folder), None);
        interface(folder, 7, 1, OTHER);
        assert_eq!(found(folder).as_deref(), Some(OTHER), "of a container");
        card(folder, 8, REAL);
        assert_eq!(found(folder).as_deref(), Some(REAL));
    }

    #[test]
    fn a_card_that_stays_is_taken_first() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        fs::write(card(folder, 1, OTHER).join("addr_assign_type"), "1\n").unwrap();
        assert_eq!(found(folder).as_deref(), Some(OTHER));
        let usb = folder.join("usb3");
        fs::create_dir(&usb).unwrap();
        let dock = interface(folder, 2, 1, "00:1b:44:11:3a:b8");
        std::os::unix::fs::symlink(usb, dock.join("device")).unwrap();
        assert_eq!(found(folder).as_deref(), Some("00:1b:44:11:3a:b8"));
        fs::write(card(folder, 9, REAL).join("addr_assign_type"), "0\n").unwrap();
        assert_eq!(found(folder).as_deref(), Some(REAL));
    }
}
