//! A dump of MySQL or MariaDB, as `mysqldump` writes it.
//!
//! Only the statements `CREATE TABLE` and `INSERT` of the table `users` are read. All others are
//! skipped, and so are triggers and procedures. Nothing is run.

mod lexer;
mod pieces;

use super::row::{Columns, Row};
use anyhow::{Context as _, ensure};
use lexer::Token;
use pieces::Pieces;
use std::io::BufRead;

/// The table.
const TABLE: &[u8] = b"users";

/// Words that begin an entry of `CREATE TABLE` that is not a column.
const NO_COLUMNS: [&str; 9] =
    ["PRIMARY", "UNIQUE", "KEY", "INDEX", "CONSTRAINT", "FOREIGN", "FULLTEXT", "SPATIAL", "CHECK"];

/// Words between `INSERT` or `REPLACE` and the name of the table.
const MODIFIERS: [&str; 5] = ["LOW_PRIORITY", "DELAYED", "HIGH_PRIORITY", "IGNORE", "INTO"];

/// The rows of the table in a dump.
pub(super) struct DumpRows<R> {
    pieces: Pieces<R>,
    /// The names of the columns in `CREATE TABLE`.
    created: Option<Vec<Vec<u8>>>,
    /// The columns of the `INSERT` that is being read.
    inserted: Option<Columns>,
    /// Number of `USE` statements so far, and their number when the table was found.
    databases: u64,
    found_in: Option<u64>,
}

impl<R: BufRead> DumpRows<R> {
    pub(super) const fn begin(input: R) -> Self {
        let pieces = Pieces::new(input);
        Self { pieces, created: None, inserted: None, databases: 0, found_in: None }
    }

    pub(super) const fn input(&self) -> &R {
        self.pieces.input()
    }

    /// The next row. `None` at the end of the file.
    pub(super) fn next(&mut self) -> anyhow::Result<Option<Row>> {
        loop {
            if let Some(columns) = self.inserted.take() {
                let user = columns.row(self.pieces.row()?);
                self.inserted = self.has_another_row()?.then_some(columns);
                return Ok(Some(user));
            }
            let Some(first) = self.pieces.token()? else { break };
            self.statement(&first)?;
        }
        ensure!(self.found_in.is_some(), "there is no table users in the dump");
        Ok(None)
    }

    /// Reads a statement up to its end, or up to its first row.
    fn statement(&mut self, first: &Token) -> anyhow::Result<()> {
        if first.is_word("CREATE") {
            self.create()
        } else if first.is_word("INSERT") || first.is_word("REPLACE") {
            self.insert()
        } else if first.is_word("DELIMITER") {
            self.pieces.skip_program()
        } else {
            self.databases += u64::from(first.is_word("USE"));
            if *first == Token::Mark(b';') { Ok(()) } else { self.pieces.skip_statement() }
        }
    }

    fn create(&mut self) -> anyhow::Result<()> {
        if !self.pieces.expected()?.is_word("TABLE") {
            return self.pieces.skip_statement();
        }
        let mut first = self.pieces.expected()?;
        if first.is_word("IF") {
            // IF NOT EXISTS
            self.pieces.expected()?;
            self.pieces.expected()?;
            first = self.pieces.expected()?;
        }
        if self.pieces.table(first)? == TABLE {
            self.found()?;
            ensure!(
                self.created.is_none(),
                "line {}: the dump creates the table users twice",
                self.pieces.line()
            );
            self.pieces.open()?;
            self.created = Some(self.definitions()?);
        }
        self.pieces.skip_statement()
    }

    /// The names of the columns in a `CREATE TABLE`, up to its closing parenthesis.
    fn definitions(&mut self) -> anyhow::Result<Vec<Vec<u8>>> {
        let mut names = Vec::new();
        loop {
            let first = self.pieces.expected()?;
            if !NO_COLUMNS.iter().any(|word| first.is_word(word)) {
                names.push(self.pieces.name(first)?);
                self.pieces.refuse_many(&names)?;
            }
            if !self.pieces.skip_definition()? {
                return Ok(names);
            }
        }
    }

    fn insert(&mut self) -> anyhow::Result<()> {
        let mut first = self.pieces.expected()?;
        while MODIFIERS.iter().any(|word| first.is_word(word)) {
            first = self.pieces.expected()?;
        }
        if self.pieces.table(first)? != TABLE {
            return self.pieces.skip_statement();
        }
        self.found()?;
        let line = self.pieces.line();
        let mut next = self.pieces.expected()?;
        let names = if next == Token::Mark(b'(') {
            let names = self.pieces.names()?;
            next = self.pieces.expected()?;
            names
        } else {
            let created = self.created.clone();
            created.context("the dump does not name the columns: make it with --complete-insert")?
        };
        let has_values = next.is_word("VALUES") || next.is_word("VALUE");
        ensure!(has_values, "line {line}: an INSERT of the table users has no VALUES");
        self.inserted = Some(Columns::named(&names)?);
        Ok(())
    }

    /// True if the statement goes on with a row. Otherwise reads up to its end.
    fn has_another_row(&mut self) -> anyhow::Result<bool> {
        match self.pieces.expected()? {
            Token::Mark(b',') => Ok(true),
            Token::Mark(b';') => Ok(false),
            // ON DUPLICATE KEY UPDATE …
            next if next.is_word("ON") => self.pieces.skip_statement().map(|()| false),
            _ => Err(self.pieces.unexpected()),
        }
    }

    /// Notes that the table was found. A second one may be that of another program.
    fn found(&mut self) -> anyhow::Result<()> {
        let found_in = *self.found_in.get_or_insert(self.databases);
        ensure!(
            found_in == self.databases,
            "line {}: more than one database has a table users: dump one database",
            self.pieces.line()
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests;
