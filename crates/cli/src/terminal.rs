//! Prompts on a terminal. They go to standard error, so that answers can be piped.

use crate::environment::{NoReply, Prompt};
use fourauth_protocol::secret::Secret;
use inquire::{InquireError, Password, PasswordDisplayMode, Select, Text};
use std::io::{self, IsTerminal as _, Write as _};

/// The terminal of this process.
#[derive(Debug, Clone, Copy)]
pub struct Terminal;

impl Prompt for Terminal {
    fn text(&mut self, question: &str) -> Result<String, NoReply> {
        Ok(Text::new(question).prompt()?)
    }

    fn secret(&mut self, question: &str, new: bool) -> Result<Secret<String>, NoReply> {
        let prompt = Password::new(question).with_display_mode(PasswordDisplayMode::Masked);
        let prompt = if new { prompt } else { prompt.without_confirmation() };
        Ok(Secret::new(prompt.prompt()?))
    }

    fn choose(&mut self, question: &str, choices: &[&str]) -> Result<usize, NoReply> {
        let menu = Select::new(question, choices.to_vec()).with_page_size(choices.len());
        Ok(menu.raw_prompt()?.index)
    }

    fn pause(&mut self, until: &str) {
        if !(io::stdin().is_terminal() && io::stdout().is_terminal()) {
            return;
        }
        let shown = write!(io::stderr(), "{until}").and_then(|()| io::stderr().flush());
        // Without a line to read there is nothing to wait for.
        let _end = shown.and_then(|()| io::stdin().read_line(&mut String::new()));
    }
}

impl From<InquireError> for NoReply {
    fn from(error: InquireError) -> Self {
        match error {
            InquireError::NotTTY => Self::NoTerminal,
            InquireError::OperationCanceled | InquireError::OperationInterrupted => Self::Cancelled,
            InquireError::IO(error) => Self::Broken(error),
            InquireError::InvalidConfiguration(text) => Self::Broken(io::Error::other(text)),
            InquireError::Custom(error) => Self::Broken(io::Error::other(error.to_string())),
        }
    }
}
