//! The pieces of a dump that are longer than a token: names, lists, values, and what is skipped.

use super::{
    super::row::{MAX_COLUMNS, MAX_ROW, Value},
    lexer::{Lexer, Token},
};
use anyhow::{Context as _, bail, ensure};
use std::io::BufRead;

/// Longest name, in bytes: 64 characters (MySQL 8.4, identifier length limits).
const MAX_NAME: usize = 256;

/// Reads a dump piece by piece.
pub(super) struct Pieces<R> {
    lexer: Lexer<R>,
    /// A token that was read and not used.
    peeked: Option<Token>,
}

impl<R: BufRead> Pieces<R> {
    pub(super) const fn new(input: R) -> Self {
        Self { lexer: Lexer::new(input), peeked: None }
    }

    pub(super) const fn input(&self) -> &R {
        self.lexer.input()
    }

    /// Number of the line that is being read, from 1.
    pub(super) const fn line(&self) -> u64 {
        self.lexer.line()
    }

    /// The name of a table, perhaps after that of its database.
    pub(super) fn table(&mut self, first: Token) -> anyhow::Result<Vec<u8>> {
        let mut name = self.name(first)?;
        let mut next = self.expected()?;
        while next == Token::Mark(b'.') {
            let after = self.expected()?;
            name = self.name(after)?;
            next = self.expected()?;
        }
        self.peeked = Some(next);
        Ok(name)
    }

    /// A name, with or without quotes. One that is too long is empty: no name that counts.
    pub(super) fn name(&self, token: Token) -> anyhow::Result<Vec<u8>> {
        match token {
            Token::Word(name) | Token::Name(name) | Token::Text(name) => {
                Ok(if name.len() <= MAX_NAME { name } else { Vec::new() })
            }
            Token::Long => Ok(Vec::new()),
            Token::Bits | Token::Mark(_) => Err(self.unexpected()),
        }
    }

    /// A list of names, up to its closing parenthesis.
    pub(super) fn names(&mut self) -> anyhow::Result<Vec<Vec<u8>>> {
        let mut names = Vec::new();
        loop {
            let first = self.expected()?;
            names.push(self.name(first)?);
            self.refuse_many(&names)?;
            if !self.has_more()? {
                return Ok(names);
            }
        }
    }

    pub(super) fn refuse_many(&self, names: &[Vec<u8>]) -> anyhow::Result<()> {
        let line = self.lexer.line();
        ensure!(names.len() <= MAX_COLUMNS, "line {line}: there are over {MAX_COLUMNS} columns");
        Ok(())
    }

    /// The values of a row.
    pub(super) fn row(&mut self) -> anyhow::Result<Vec<Value>> {
        let (begins, mut values) = (self.lexer.offset(), Vec::new());
        self.open()?;
        let first = self.expected()?;
        if first == Token::Mark(b')') {
            return Ok(values);
        }
        self.peeked = Some(first);
        loop {
            values.push(self.value()?);
            let has_more = self.has_more()?;
            let line = self.lexer.line();
            let is_bounded = self.lexer.offset() - begins <= MAX_ROW as u64;
            ensure!(is_bounded, "line {line}: the row is longer than {MAX_ROW} bytes");
            if !has_more {
                return Ok(values);
            }
        }
    }

    fn value(&mut self) -> anyhow::Result<Value> {
        match self.expected()? {
            Token::Text(text) => Ok(Value::Text(text)),
            Token::Bits => Ok(Value::Odd),
            Token::Mark(b'-' | b'+') => self.expected().map(|_| Value::Odd),
            Token::Word(word) if word.eq_ignore_ascii_case(b"NULL") => Ok(Value::Null),
            // The name of a character set, such as `_binary`.
            Token::Word(word) if word.starts_with(b"_") => match self.expected()? {
                Token::Text(text) => Ok(Value::Text(text)),
                _ => Err(self.unexpected()),
            },
            Token::Word(word) => Ok(Value::Text(word)),
            Token::Long => {
                bail!("line {}: the row is longer than {MAX_ROW} bytes", self.lexer.line())
            }
            Token::Name(_) | Token::Mark(_) => Err(self.unexpected()),
        }
    }

    /// True after a comma, false at the closing parenthesis.
    fn has_more(&mut self) -> anyhow::Result<bool> {
        match self.expected()? {
            Token::Mark(b',') => Ok(true),
            Token::Mark(b')') => Ok(false),
            _ => Err(self.unexpected()),
        }
    }

    /// Skips the rest of a definition. `false` if it was the last one.
    pub(super) fn skip_definition(&mut self) -> anyhow::Result<bool> {
        let mut depth = 0_u64;
        loop {
            match self.expected()? {
                Token::Mark(b'(') => depth += 1,
                Token::Mark(b')') if depth > 0 => depth -= 1,
                Token::Mark(b')') => return Ok(false),
                Token::Mark(b',') if depth == 0 => return Ok(true),
                _ => {}
            }
        }
    }

    pub(super) fn open(&mut self) -> anyhow::Result<()> {
        if self.expected()? == Token::Mark(b'(') { Ok(()) } else { Err(self.unexpected()) }
    }

    pub(super) fn skip_statement(&mut self) -> anyhow::Result<()> {
        while self.token()?.is_some_and(|token| token != Token::Mark(b';')) {}
        Ok(())
    }

    /// Skips statements with another delimiter, which have semicolons within: triggers and procedures.
    /// The word `DELIMITER` was read.
    pub(super) fn skip_program(&mut self) -> anyhow::Result<()> {
        while !self.is_usual_delimiter()? {
            while !self.expected()?.is_word("DELIMITER") {}
        }
        Ok(())
    }

    /// True if one semicolon follows. `mysqldump` uses two as the other delimiter.
    fn is_usual_delimiter(&mut self) -> anyhow::Result<bool> {
        if self.expected()? != Token::Mark(b';') {
            return Ok(false);
        }
        let next = self.token()?;
        let is_usual = next != Some(Token::Mark(b';'));
        if is_usual {
            self.peeked = next;
        }
        Ok(is_usual)
    }

    /// The next token, where the file may not end.
    pub(super) fn expected(&mut self) -> anyhow::Result<Token> {
        self.token()?.context("the file ends within a statement: it is not complete")
    }

    pub(super) fn token(&mut self) -> anyhow::Result<Option<Token>> {
        match self.peeked.take() {
            Some(token) => Ok(Some(token)),
            None => self.lexer.next(),
        }
    }

    pub(super) fn unexpected(&self) -> anyhow::Error {
        anyhow::anyhow!("line {}: this is not as mysqldump writes it", self.lexer.line())
    }
}
