//! Prompts on a terminal. They go to standard error, so that answers can be piped.

use crate::environment::{NoReply, Prompt};
use fourauth_protocol::secret::Secret;
use inquire::{InquireError, Password, PasswordDisplayMode, Select, Text};

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
        Ok(Select::new(question, choices.to_vec()).raw_prompt()?.index)
    }
}

impl From<InquireError> for NoReply {
    fn from(error: InquireError) -> Self {
        match error {
            InquireError::NotTTY => Self::NoTerminal,
            InquireError::OperationCanceled | InquireError::OperationInterrupted => Self::Cancelled,
            InquireError::IO(error) => Self::Broken(error),
            InquireError::InvalidConfiguration(text) => Self::Broken(std::io::Error::other(text)),
            InquireError::Custom(error) => Self::Broken(std::io::Error::other(error.to_string())),
        }
    }
}
