//! Standard output of local commands. Every command writes through this file, and a text that does
//! not arrive is an error.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Write as _},
    os::{
        fd::AsFd as _,
        unix::fs::{FileTypeExt as _, MetadataExt as _},
    },
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

/// Writes a text that is shown only once, like [`write_line`].
///
/// Fails if standard output is the null device, which takes everything and shows nothing. A program
/// that is started with a closed standard output has that device as well: its runtime opens it.
pub(crate) fn write_once(text: &str) -> Result<(), OutputError> {
    if is_null().map_err(OutputError)? {
        let lost = "it is closed or the null device, and this text is shown only once";
        return Err(OutputError(io::Error::other(lost)));
    }
    write_line(text)
}

fn is_null() -> io::Result<bool> {
    let out = File::from(io::stdout().as_fd().try_clone_to_owned()?).metadata()?;
    let null = fs::metadata("/dev/null")?;
    Ok(out.file_type().is_char_device() && out.rdev() == null.rdev())
}

/// Writes a text and its newline to standard error. If it cannot be written, only the exit code is left.
pub fn write_note(text: &str) {
    let _unread = writeln!(io::stderr().lock(), "{text}");
}
