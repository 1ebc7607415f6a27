//! What differs between a terminal and a test: streams, the person, the clock, the machine.

use fourauth_protocol::{
    device::DeviceName, mac_address::MacAddress, secret::Secret, time::UnixMillis,
};
use std::{
    fmt,
    io::{self, BufRead, Write},
    path::PathBuf,
};

/// Everything outside that a command touches, apart from the network and the camera.
pub struct World<'a> {
    /// Where secrets and a picture come from if `-` is given.
    pub input: &'a mut dyn BufRead,
    /// Answers.
    pub output: &'a mut dyn Write,
    /// Everything else: failures and hints.
    pub notes: &'a mut dyn Write,
    /// Who is asked for what was not given.
    pub person: &'a mut dyn Person,
    /// This machine's clock.
    pub now: fn() -> UnixMillis,
    /// The address of this machine's network card, if it has one.
    pub device_address: fn() -> Option<MacAddress>,
    /// What this machine is called, if that can name a device.
    pub host_name: fn() -> Option<DeviceName>,
    /// `client.toml`, whether it exists or not; `None` if this system has no place for it.
    pub settings_file: Option<PathBuf>,
}

impl fmt::Debug for World<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").field("settings_file", &self.settings_file).finish_non_exhaustive()
    }
}

/// Somebody who can be asked.
pub trait Person {
    /// Asks for a text that everybody may read.
    ///
    /// # Errors
    ///
    /// [`NoReply`].
    fn text(&mut self, question: &str) -> Result<String, NoReply>;

    /// Asks for a secret that is not shown while it is typed; twice if `new`, because nobody could
    /// notice a slip.
    ///
    /// # Errors
    ///
    /// [`NoReply`].
    fn secret(&mut self, question: &str, new: bool) -> Result<Secret<String>, NoReply>;

    /// Lets the person choose, and returns the index of the choice.
    ///
    /// # Errors
    ///
    /// [`NoReply`].
    fn choose(&mut self, question: &str, choices: &[&str]) -> Result<usize, NoReply>;
}

/// Why a question has no reply.
#[derive(Debug, thiserror::Error)]
pub enum NoReply {
    /// No terminal: nobody is there.
    #[error("nobody to ask: this is not a terminal")]
    Nobody,
    /// The person pressed Escape or Ctrl-C.
    #[error("cancelled")]
    Cancelled,
    /// The terminal failed.
    #[error("the terminal failed: {0}")]
    Broken(#[from] io::Error),
}
