//! Cuts an SQL dump into tokens. Comments are skipped, also those that MySQL would run (`/*! … */`).
//!
//! <https://dev.mysql.com/doc/refman/8.4/en/string-literals.html>

use super::super::row::MAX_ROW;
use anyhow::{bail, ensure};
use data_encoding::HEXLOWER_PERMISSIVE;
use std::io::BufRead;

/// A piece of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A keyword, a number, or a name without quotes.
    Word(Vec<u8>),
    /// A name in backquotes.
    Name(Vec<u8>),
    /// The value of a string or of a hexadecimal literal.
    Text(Vec<u8>),
    /// A bit literal.
    Bits,
    /// Any of these that is longer than a row may be. Its content is not kept.
    Long,
    /// Any other byte.
    Mark(u8),
}

impl Token {
    /// True for this keyword, in any case.
    pub(super) fn is_word(&self, word: &str) -> bool {
        matches!(self, Self::Word(text) if text.eq_ignore_ascii_case(word.as_bytes()))
    }
}

/// Reads tokens. Holds at most one of them.
pub(super) struct Lexer<R> {
    input: R,
    /// Number of the line, from 1.
    line: u64,
    /// Bytes read so far.
    offset: u64,
}

impl<R: BufRead> Lexer<R> {
    pub(super) const fn new(input: R) -> Self {
        Self { input, line: 1, offset: 0 }
    }

    pub(super) const fn input(&self) -> &R {
        &self.input
    }

    pub(super) const fn line(&self) -> u64 {
        self.line
    }

    pub(super) const fn offset(&self) -> u64 {
        self.offset
    }

    /// The next token. `None` at the end of the file.
    pub(super) fn next(&mut self) -> anyhow::Result<Option<Token>> {
        while let Some(byte) = self.take()? {
            match byte {
                b if b.is_ascii_whitespace() => {}
                b'#' => self.skip_line()?,
                b'-' if self.peek()? == Some(b'-') => self.skip_line()?,
                b'/' if self.peek()? == Some(b'*') => self.skip_comment()?,
                b'`' => return self.quoted(byte, false).map(|name| Some(name.into_name())),
                b'\'' | b'"' => return self.quoted(byte, true).map(|text| Some(text.into_text())),
                b if is_part_of_a_word(b) => return self.word(b).map(Some),
                b => return Ok(Some(Token::Mark(b))),
            }
        }
        Ok(None)
    }

    /// A word that begins with `first`, or the literal that it introduces.
    fn word(&mut self, first: u8) -> anyhow::Result<Token> {
        let mut word = Bounded::default();
        word.push(first);
        while let Some(byte) = self.peek()?.filter(|byte| word.continues_with(*byte)) {
            self.take()?;
            word.push(byte);
        }
        match (word.bytes.as_slice(), self.peek()?) {
            (b"x" | b"X", Some(b'\'')) => {
                self.take()?;
                self.quoted(b'\'', false)?.into_hex(self.line)
            }
            (b"b" | b"B", Some(b'\'')) => {
                self.take()?;
                self.quoted(b'\'', false).map(|_| Token::Bits)
            }
            ([b'0', b'x', ..], _) => word.without_prefix(2).into_hex(self.line),
            ([b'0', b'b', ..], _) => Ok(Token::Bits),
            _ => Ok(word.into_word()),
        }
    }

    /// The content of quotes, up to the closing one. A doubled quote stands for one.
    fn quoted(&mut self, quote: u8, has_escapes: bool) -> anyhow::Result<Bounded> {
        let (begins, mut content) = (self.line, Bounded::default());
        loop {
            let byte = match self.take()? {
                None => bail!("line {begins}: quotes that begin here do not end"),
                Some(b'\\') if has_escapes => {
                    let Some(escaped) = self.take()? else { continue };
                    content.push_escaped(escaped);
                    continue;
                }
                Some(byte) => byte,
            };
            if byte == quote {
                if self.peek()? != Some(quote) {
                    return Ok(content);
                }
                self.take()?;
            }
            content.push(byte);
        }
    }

    fn skip_line(&mut self) -> anyhow::Result<()> {
        while self.take()?.is_some_and(|byte| byte != b'\n') {}
        Ok(())
    }

    fn skip_comment(&mut self) -> anyhow::Result<()> {
        let begins = self.line;
        self.take()?;
        loop {
            match self.take()? {
                None => bail!("line {begins}: a comment that begins here does not end"),
                Some(b'*') if self.peek()? == Some(b'/') => return self.take().map(|_| ()),
                Some(_) => {}
            }
        }
    }

    fn peek(&mut self) -> anyhow::Result<Option<u8>> {
        Ok(self.input.fill_buf()?.first().copied())
    }

    fn take(&mut self) -> anyhow::Result<Option<u8>> {
        let byte = self.peek()?;
        if let Some(byte) = byte {
            self.input.consume(1);
            self.offset += 1;
            self.line += u64::from(byte == b'\n');
        }
        Ok(byte)
    }
}

/// True for a byte of a keyword, a number or a name. A point belongs to a number only.
const fn is_part_of_a_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | 0x80..)
}

/// The bytes of a token, up to the length of a row.
#[derive(Debug, Default)]
struct Bounded {
    bytes: Vec<u8>,
    is_long: bool,
}

impl Bounded {
    fn push(&mut self, byte: u8) {
        if self.bytes.len() < MAX_ROW {
            self.bytes.push(byte);
        } else {
            self.is_long = true;
        }
    }

    /// Adds the byte that an escape sequence stands for. `\%` and `\_` stand for themselves.
    fn push_escaped(&mut self, escaped: u8) {
        match escaped {
            b'0' => self.push(0),
            b'b' => self.push(0x08),
            b'n' => self.push(b'\n'),
            b'r' => self.push(b'\r'),
            b't' => self.push(b'\t'),
            b'Z' => self.push(0x1a),
            b'%' | b'_' => {
                self.push(b'\\');
                self.push(escaped);
            }
            other => self.push(other),
        }
    }

    /// True if a word goes on with `byte`: numbers may have a point and a signed exponent.
    fn continues_with(&self, byte: u8) -> bool {
        let is_number = self.bytes[0].is_ascii_digit() && self.bytes.get(1) != Some(&b'x');
        let in_exponent = matches!(self.bytes.last(), Some(b'e' | b'E'));
        is_part_of_a_word(byte)
            || is_number && (byte == b'.' || in_exponent && matches!(byte, b'+' | b'-'))
    }

    fn without_prefix(mut self, length: usize) -> Self {
        self.bytes.drain(..length);
        self
    }

    fn into_word(self) -> Token {
        if self.is_long { Token::Long } else { Token::Word(self.bytes) }
    }

    fn into_name(self) -> Token {
        if self.is_long { Token::Long } else { Token::Name(self.bytes) }
    }

    fn into_text(self) -> Token {
        if self.is_long { Token::Long } else { Token::Text(self.bytes) }
    }

    fn into_hex(self, line: u64) -> anyhow::Result<Token> {
        if self.is_long {
            return Ok(Token::Long);
        }
        let bytes = HEXLOWER_PERMISSIVE.decode(&self.bytes);
        ensure!(bytes.is_ok(), "line {line}: a hexadecimal literal is not valid");
        Ok(Token::Text(bytes.unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests;
