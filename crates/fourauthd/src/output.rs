//! Standard output of local commands. Every command writes through this file, and a text that does
//! not arrive is an error.

use std::{
    io::{self, ErrorKind, Write as _},
    process::ExitCode,
};

/// Exit code if the reader of standard output closed the pipe: that of a program that SIGPIPE ends.
const CLOSED: u8 = 128 + 13;

/// A text could not be written to standard output.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to standard output")]
pub struct OutputError(#[source] io::Error);

impl OutputError {
    /// The exit code to end with in silence, if a command failed because its reader has seen enough,
    /// as `head` does.
    #[must_use]
    pub fn silent_end(failed: &anyhow::Error) -> Option<ExitCode> {
        let is_closed = |cause: &Self| cause.0.kind() == ErrorKind::BrokenPipe;
        let cause = failed.chain().find_map(|cause| cause.downcast_ref::<Self>());
        cause.is_some_and(is_closed).then(|| ExitCode::from(CLOSED))
    }
}

/// Writes a text and its newline, and waits until the operating system has taken both.
pub(crate) fn write_line(text: &str) -> Result<(), OutputError> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).map_err(OutputError)
}

/// Writes a text and its newline to standard error. If it cannot be written, only the exit code is left.
pub fn write_note(text: &str) {
    let _unread = writeln!(io::stderr().lock(), "{text}");
}
