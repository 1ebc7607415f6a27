//! Reads the file of the HTTP OTP system, within bounds.
//!
//! It is read twice: once before any change, for its hash and for faults that end the import, and once
//! for the accounts.

use super::{csv::CsvRows, dump::DumpRows, row::Row};
use anyhow::{Context as _, ensure};
use clap::ValueEnum;
use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};
use std::{
    fs::{self, File},
    io::{self, BufRead as _, BufReader, Read},
    path::{Path, PathBuf},
};

/// Largest file, in bytes.
const MAX_FILE: u64 = 1 << 30;

/// Most rows. The names and addresses of all earlier ones are in memory, as hashes.
const MAX_ROWS: u64 = 10_000_000;

/// Bytes that are read at once.
const CHUNK: usize = 64 << 10;

/// First words of an SQL statement in a dump.
const STATEMENTS: [&str; 9] =
    ["CREATE", "INSERT", "REPLACE", "DROP", "SET", "LOCK", "USE", "START", "BEGIN"];

/// The formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Comma-separated values (RFC 4180) with a header line.
    Csv,
    /// SQL statements that mysqldump has written.
    Mysql,
}

/// A file that was read once, without a fault.
#[derive(Debug)]
pub(super) struct Source {
    path: PathBuf,
    format: Option<Format>,
    /// SHA-256 of the file in hexadecimal. Identifies the file.
    digest: String,
}

impl Source {
    /// Reads the whole file.
    pub(super) fn open(path: &Path, format: Option<Format>) -> anyhow::Result<Self> {
        let named = || format!("cannot read {}", path.display());
        let about = fs::metadata(path).with_context(named)?;
        // Opening a pipe could wait for ever, and it cannot be read twice.
        ensure!(about.is_file(), "{} is not a regular file", path.display());
        ensure!(about.len() <= MAX_FILE, "{} is larger than {MAX_FILE} bytes", path.display());
        let mut source = Self { path: path.to_owned(), format, digest: String::new() };
        let mut rows = source.rows()?;
        while rows.take()?.is_some() {}
        source.digest = rows.digest();
        Ok(source)
    }

    /// SHA-256 of the file in hexadecimal.
    pub(super) fn digest(&self) -> &str {
        &self.digest
    }

    /// Reads the file again.
    pub(super) fn rows(&self) -> anyhow::Result<Rows<'_>> {
        let named = || format!("cannot read {}", self.path.display());
        let file = File::open(&self.path).with_context(named)?;
        let reader = Reader::begin(file, self.format).with_context(named)?;
        Ok(Rows { source: self, reader, count: 0 })
    }
}

/// The rows of a file, in their order.
pub(super) struct Rows<'a> {
    source: &'a Source,
    reader: Reader,
    count: u64,
}

impl Rows<'_> {
    /// The next row and its number, from 1.
    pub(super) fn next(&mut self) -> anyhow::Result<Option<(u64, Row)>> {
        let row = self.take()?;
        if row.is_none() {
            let is_same = self.digest() == self.source.digest;
            ensure!(is_same, "{} was changed during the import", self.source.path.display());
        }
        Ok(row)
    }

    fn take(&mut self) -> anyhow::Result<Option<(u64, Row)>> {
        let named = || format!("cannot read {}", self.source.path.display());
        let row = match &mut self.reader {
            Reader::Csv(rows) => rows.next(),
            Reader::Mysql(rows) => rows.next(),
        };
        let Some(row) = row.with_context(named)? else { return Ok(None) };
        self.count += 1;
        ensure!(self.count <= MAX_ROWS, "{} has over {MAX_ROWS} rows", self.source.path.display());
        Ok(Some((self.count, row)))
    }

    /// SHA-256 of what was read.
    fn digest(&self) -> String {
        let input = match &self.reader {
            Reader::Csv(rows) => rows.input(),
            Reader::Mysql(rows) => rows.input(),
        };
        HEXLOWER.encode(&input.get_ref().digest.clone().finalize())
    }
}

type Input = BufReader<Hashing<File>>;

enum Reader {
    Csv(CsvRows<Input>),
    Mysql(DumpRows<Input>),
}

impl Reader {
    fn begin(file: File, format: Option<Format>) -> anyhow::Result<Self> {
        let hashing = Hashing { input: file, digest: Sha256::new(), left: MAX_FILE };
        let mut input = BufReader::with_capacity(CHUNK, hashing);
        fourauth_text_file::refuse_utf_16(input.fill_buf()?)?;
        fourauth_text_file::skip_mark(&mut input)?;
        let format = match format {
            Some(format) => format,
            None => Format::of(input.fill_buf()?),
        };
        Ok(match format {
            Format::Csv => Self::Csv(CsvRows::begin(input)?),
            Format::Mysql => Self::Mysql(DumpRows::begin(input)),
        })
    }
}

impl Format {
    /// The format of a file that begins with `start`: a dump begins with a comment or a statement.
    fn of(start: &[u8]) -> Self {
        let start = start.trim_ascii_start();
        let is_comment = [&b"--"[..], b"/*", b"#"].iter().any(|mark| start.starts_with(mark));
        let first = start.split(u8::is_ascii_whitespace).next().unwrap_or_default();
        let is_word = |word: &str| first.eq_ignore_ascii_case(word.as_bytes());
        let has_more = start.len() > first.len();
        let is_dump = is_comment || (has_more && STATEMENTS.iter().any(|word| is_word(word)));
        if is_dump { Self::Mysql } else { Self::Csv }
    }
}

/// Hashes what is read, and ends with an error at a size.
struct Hashing<R> {
    input: R,
    digest: Sha256,
    left: u64,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        let too_large = || io::Error::other(format!("the file is larger than {MAX_FILE} bytes"));
        self.left = self.left.checked_sub(count as u64).ok_or_else(too_large)?;
        self.digest.update(&buffer[..count]);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dump_is_recognised_by_its_beginning() {
        for start in [
            "-- MySQL dump 10.13",
            "/*M!999999\\- enable the sandbox mode */",
            "\n# phpMyAdmin",
            "insert into users values",
            "CREATE\nTABLE",
        ] {
            assert_eq!(Format::of(start.as_bytes()), Format::Mysql, "{start}");
        }
        for start in ["", "id,username", "set,username", "use", "\"-- a\",username", "- a"] {
            assert_eq!(Format::of(start.as_bytes()), Format::Csv, "{start}");
        }
    }

    #[test]
    fn reading_ends_with_an_error_at_the_size_limit() {
        let read = |left| {
            let mut hashing = Hashing { input: &b"12345"[..], digest: Sha256::new(), left };
            hashing.read_to_end(&mut Vec::new()).map_err(|error| error.to_string())
        };
        assert_eq!(read(5), Ok(5));
        assert_eq!(read(4), Err("the file is larger than 1073741824 bytes".to_owned()));
    }
}
