//! Everything that differs between a terminal and a test: streams, prompts, clock and machine.

use crate::args::Variable;
use fourauth_protocol::{
    device::DeviceName, mac_address::MacAddress, secret::Secret, time::UnixMillis,
};
use std::{
    fmt,
    io::{self, BufRead, Write},
    path::PathBuf,
};

/// The environment of a command, apart from the network and the camera.
pub struct Environment<'a> {
    /// Standard input, for secrets or a picture if `-` is given.
    pub input: &'a mut dyn BufRead,
    /// Standard output, for answers.
    pub output: &'a mut dyn Write,
    /// Standard error, for failures and hints.
    pub notes: &'a mut dyn Write,
    /// Answers prompts for values that were not given.
    pub prompt: &'a mut dyn Prompt,
    /// This machine's clock.
    pub now: fn() -> UnixMillis,
    /// Looks for the address of a network card of this machine. Commands use the one that was found
    /// first.
    pub device_address: fn() -> Option<MacAddress>,
    /// This machine's host name, if it is a valid device name.
    pub host_name: fn() -> Option<DeviceName>,
    /// The environment variables, for what no option sets.
    pub variable: Variable,
    /// The path of `client.toml`, which may not exist. `None` if this system has no place for it.
    pub settings_file: Option<PathBuf>,
}

impl fmt::Debug for Environment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("settings_file", &self.settings_file)
            .finish_non_exhaustive()
    }
}

/// Asks for values that were not given.
pub trait Prompt {
    /// Asks for a text and shows it while it is typed.
    ///
    /// # Errors
    ///
    /// [`NoReply`].
    fn text(&mut self, question: &str) -> Result<String, NoReply>;

    /// Asks for a secret, which is not shown while it is typed. Asks twice if `new`, because a
    /// typing error would not be noticed otherwise.
    ///
    /// # Errors
    ///
    /// [`NoReply`].
    fn secret(&mut self, question: &str, new: bool) -> Result<Secret<String>, NoReply>;

    /// Asks for a choice and returns its index.
    ///
    /// # Errors
    ///
    /// [`NoReply`].
    fn choose(&mut self, question: &str, choices: &[&str]) -> Result<usize, NoReply>;

    /// Waits until the person has seen what was printed, so that it is not scrolled away by what
    /// follows. Does not wait if input or output is no terminal.
    fn pause(&mut self, until: &str);
}

/// Why a prompt has no reply.
#[derive(Debug, thiserror::Error)]
pub enum NoReply {
    /// There is no terminal.
    #[error("cannot ask: this is not a terminal")]
    NoTerminal,
    /// The person pressed Escape or Ctrl-C.
    #[error("cancelled")]
    Cancelled,
    /// The terminal failed.
    #[error("the terminal failed: {0}")]
    Broken(#[from] io::Error),
}
