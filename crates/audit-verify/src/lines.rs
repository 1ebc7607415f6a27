//! Reads lines of bounded length from a file.

use crate::unreadable::Unreadable;
use std::{
    borrow::Cow,
    fs::File,
    io::{BufRead as _, BufReader, ErrorKind, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
};

/// Longest line that is read, in bytes.
pub(crate) const MAX_LINE: u64 = 16 * 1024 * 1024;

/// Bytes read at once.
const BUFFER: usize = 256 * 1024;

/// A file, read line by line.
#[derive(Debug)]
pub(crate) struct Lines {
    path: PathBuf,
    reader: BufReader<File>,
    line: Vec<u8>,
    /// Number of lines read.
    pub(crate) number: u64,
    /// Byte offset of the next line.
    pub(crate) offset: u64,
    /// True if the last line that [`Self::next_lossily`] read certainly had its newline.
    pub(crate) is_whole: bool,
}

impl Lines {
    pub(crate) fn open(path: &Path) -> Result<Self, Unreadable> {
        let file = File::open(path).map_err(|source| Unreadable::file(path, source))?;
        let mut reader = BufReader::with_capacity(BUFFER, file);
        let skipped = fourauth_text_file::skip_mark(&mut reader);
        let offset = skipped.map_err(|source| Unreadable::file(path, source))? as u64;
        Ok(Self {
            path: path.to_owned(),
            reader,
            line: Vec::new(),
            number: 0,
            offset,
            is_whole: true,
        })
    }

    /// Continues at the position of another reader of the same file.
    pub(crate) fn skip_to(&mut self, offset: u64, number: u64) -> Result<(), Unreadable> {
        let moved = self.reader.seek(SeekFrom::Start(offset));
        moved.map_err(|source| Unreadable::file(&self.path, source))?;
        (self.offset, self.number) = (offset, number);
        Ok(())
    }

    /// The next line, including its newline; `None` at the end of the file.
    ///
    /// # Errors
    ///
    /// [`Unreadable`] if reading fails, or if the line is not UTF-8 or reaches [`MAX_LINE`].
    pub(crate) fn next(&mut self) -> Result<Option<&str>, Unreadable> {
        let read = self.read()?;
        let text = str::from_utf8(&self.line);
        let text = text.map_err(|_| Unreadable::file(&self.path, ErrorKind::InvalidData.into()))?;
        Ok((read > 0).then_some(text))
    }

    /// Like [`Self::next`], for a file that other programs also write to.
    ///
    /// Replaces bytes that are not UTF-8, and drops the byte order mark of a line, because such a file
    /// may be joined from several. Truncates a line of [`MAX_LINE`] bytes or more, without a
    /// newline.
    ///
    /// # Errors
    ///
    /// [`Unreadable`] if reading fails.
    pub(crate) fn next_lossily(&mut self) -> Result<Option<Cow<'_, str>>, Unreadable> {
        let read = self.read_bounded()?;
        self.is_whole = self.line.last() == Some(&b'\n');
        if read == MAX_LINE && self.line.pop() != Some(b'\n') {
            let skipped = self.reader.skip_until(b'\n');
            self.offset += skipped.map_err(|source| Unreadable::file(&self.path, source))? as u64;
            let left = self.reader.fill_buf();
            let left = left.map_err(|source| Unreadable::file(&self.path, source))?;
            self.is_whole = !left.is_empty();
        }
        // That of the first line was skipped with the file's.
        let is_first = self.number == 1;
        let line =
            if is_first { &self.line } else { fourauth_text_file::unmarked_bytes(&self.line) };
        Ok((read > 0).then(|| String::from_utf8_lossy(line)))
    }

    fn read(&mut self) -> Result<u64, Unreadable> {
        match self.read_bounded()? {
            MAX_LINE => Err(Unreadable::file(&self.path, ErrorKind::FileTooLarge.into())),
            read => Ok(read),
        }
    }

    fn read_bounded(&mut self) -> Result<u64, Unreadable> {
        self.line.clear();
        let mut bounded = self.reader.by_ref().take(MAX_LINE);
        let read = bounded.read_until(b'\n', &mut self.line);
        let read = read.map_err(|source| Unreadable::file(&self.path, source))? as u64;
        self.number += 1;
        self.offset += read;
        Ok(read)
    }
}
