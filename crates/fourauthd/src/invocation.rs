//! When a local command was run, and by which user.

use fourauth_protocol::time::UnixMillis;
use rustix::process::getuid;
use std::{ffi::OsString, fmt};

/// One run of a local command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// Time of the system clock.
    pub now: UnixMillis,
    /// The user that ran it.
    pub caller: Caller,
}

/// A run by an unknown user.
impl From<UnixMillis> for Invocation {
    fn from(now: UnixMillis) -> Self {
        Self { now, caller: Caller::default() }
    }
}

/// The user that started a command, for its rows in the audit log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Caller {
    user: Option<u32>,
    sudo_user: Option<String>,
}

impl Caller {
    /// Longest name of a user that is written down, in bytes.
    const MAX_NAME: usize = 64;

    /// The user of this process, before
    /// [`become_owner`](crate::owner::become_owner) changes it. `sudo_user` is the variable
    /// `SUDO_USER`. Only root can set it as sudo does, so it counts only for root.
    #[must_use]
    pub fn of_process(sudo_user: Option<OsString>) -> Self {
        Self::new(getuid().as_raw(), sudo_user)
    }

    fn new(user: u32, sudo_user: Option<OsString>) -> Self {
        let named = sudo_user.filter(|_| user == 0).and_then(|name| name.into_string().ok());
        let is_plain = |name: &String| {
            (1..=Self::MAX_NAME).contains(&name.len())
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-@".contains(&byte))
        };
        Self { user: Some(user), sudo_user: named.filter(is_plain) }
    }
}

/// ` uid=0 sudo_user=alice`, with a space before each word, or nothing for an unknown user.
impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(user) = self.user {
            write!(f, " uid={user}")?;
        }
        if let Some(name) = &self.sudo_user {
            write!(f, " sudo_user={name}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_root_is_believed_the_name_from_sudo() {
        let said = |user, name: &str| Caller::new(user, Some(name.into())).to_string();
        assert_eq!(said(0, "alice"), " uid=0 sudo_user=alice");
        assert_eq!(said(1000, "alice"), " uid=1000");
        for name in ["", "a b", "a\n", "é", &"a".repeat(65)] {
            assert_eq!(said(0, name), " uid=0");
        }
        assert_eq!(Caller::default().to_string(), "");
    }
}
