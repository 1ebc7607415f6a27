//! A CSV file (RFC 4180) with a header line.
//!
//! <https://www.rfc-editor.org/rfc/rfc4180>

use super::row::{Columns, MAX_COLUMNS, MAX_ROW, Row, Value};
use anyhow::{Context as _, bail, ensure};
use csv_core::{ReadRecordResult, Reader};
use std::io::BufRead;

/// The rows of a CSV file.
pub(super) struct CsvRows<R> {
    input: R,
    records: Records,
    columns: Columns,
}

impl<R: BufRead> CsvRows<R> {
    /// Reads the header line.
    pub(super) fn begin(mut input: R) -> anyhow::Result<Self> {
        let mut records = Records::new();
        ensure!(records.read(&mut input)?, "the file is empty");
        let names: Vec<_> = records.fields().map(<[u8]>::to_vec).collect();
        let columns = Columns::named(&names).context(
            "the first line must name the columns username, email, phone and password_hash, with \
             commas between them",
        )?;
        Ok(Self { input, records, columns })
    }

    pub(super) const fn input(&self) -> &R {
        &self.input
    }

    /// The next row. `None` at the end of the file.
    pub(super) fn next(&mut self) -> anyhow::Result<Option<Row>> {
        if !self.records.read(&mut self.input)? {
            return Ok(None);
        }
        Ok(Some(self.columns.row(self.records.fields().map(value).collect())))
    }
}

/// A field. MySQL writes `\N` for a value that is missing.
fn value(field: &[u8]) -> Value {
    if field.is_empty() || field == b"\\N" { Value::Null } else { Value::Text(field.to_vec()) }
}

/// Reads records into buffers of a fixed size.
struct Records {
    reader: Box<Reader>,
    /// The text of the fields, one after the other.
    text: Vec<u8>,
    /// Where each field ends in the text.
    ends: Vec<usize>,
    fields: usize,
    /// Number of records so far, with the header.
    count: u64,
    /// True after an odd number of quotation marks. In RFC 4180 each one has its counterpart.
    in_quotes: bool,
}

impl Records {
    fn new() -> Self {
        // A buffer that is full counts as too small, even if nothing more would follow.
        let (text, ends) = (vec![0; MAX_ROW + 1], vec![0; MAX_COLUMNS + 1]);
        Self { reader: Box::new(Reader::new()), text, ends, fields: 0, count: 0, in_quotes: false }
    }

    /// Reads a record. `false` at the end of the file.
    fn read(&mut self, input: &mut impl BufRead) -> anyhow::Result<bool> {
        let mut filled = 0;
        self.fields = 0;
        loop {
            let chunk = input.fill_buf()?;
            let (text, ends) = (&mut self.text[filled..], &mut self.ends[self.fields..]);
            let (result, read, written, ended) = self.reader.read_record(chunk, text, ends);
            self.in_quotes ^= chunk[..read].iter().fold(false, |odd, byte| odd ^ (*byte == b'"'));
            input.consume(read);
            filled += written;
            self.fields += ended;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::Record => {
                    self.count += 1;
                    return Ok(true);
                }
                ReadRecordResult::OutputFull => {
                    bail!("row {} is longer than {MAX_ROW} bytes", self.count)
                }
                ReadRecordResult::OutputEndsFull => {
                    bail!("row {} has more than {MAX_COLUMNS} fields", self.count)
                }
                ReadRecordResult::End => {
                    ensure!(!self.in_quotes, "a quotation mark in the file has no counterpart");
                    return Ok(false);
                }
            }
        }
    }

    /// The fields of the last record.
    fn fields(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let ends = self.ends[..self.fields].iter();
        starts.zip(ends).map(|(start, end)| &self.text[start..*end])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::BufReader;

    const HEADER: &str = "username,email,phone,password_hash\r\n";

    fn rows(file: &[u8]) -> anyhow::Result<Vec<Row>> {
        // A small buffer, so that rows span several of them.
        let mut rows = CsvRows::begin(BufReader::with_capacity(7, file))?;
        std::iter::from_fn(|| rows.next().transpose()).collect()
    }

    fn refused(file: &str) -> String {
        format!("{:#}", rows(file.as_bytes()).unwrap_err())
    }

    fn quoted(text: &str) -> String {
        format!("\"{}\"", text.replace('"', "\"\""))
    }

    #[test]
    fn fields_may_hold_commas_quotes_and_line_breaks() {
        let file = format!("{HEADER}\"a,\"\"b\r\nc\",\"\",\\N,hash\r\n\r\nd,NULL,,hash");
        let users = rows(file.as_bytes()).unwrap();
        let [Ok(first), Ok(second)] = users.as_slice() else { panic!("{users:?}") };
        assert_eq!(first.username.as_deref(), Some("a,\"b\r\nc"));
        assert_eq!(second.username.as_deref(), Some("d"));
        for user in [first, second] {
            assert_eq!((&user.email, &user.phone), (&None, &None));
        }
    }

    #[test]
    fn a_row_with_a_wrong_number_of_fields_ends_no_other() {
        let users = rows(format!("{HEADER}a,b\nc,,,hash\nd,,,hash,e\n").as_bytes()).unwrap();
        assert_eq!(users.iter().map(Result::is_ok).collect::<Vec<_>>(), [false, true, false]);
    }

    #[test]
    fn a_file_that_is_no_table_of_users_is_refused() {
        assert_eq!(refused(""), "the file is empty");
        assert!(refused("name;email\n").ends_with(": there is no column username"));
        let file = format!("{HEADER}\"alice,b,c,d\n");
        assert_eq!(refused(&file), "a quotation mark in the file has no counterpart");
    }

    #[test]
    fn a_row_that_is_too_long_ends_the_import() {
        let file = format!("{HEADER}\"{}\",,,hash\n", "a".repeat(MAX_ROW));
        assert_eq!(refused(&file), "row 1 is longer than 65536 bytes");
        let file = format!("{HEADER}{}\n", ",".repeat(MAX_COLUMNS + 1));
        assert_eq!(refused(&file), "row 1 has more than 4096 fields");
        let file = format!("{HEADER}{},,,hash\n", "a".repeat(MAX_ROW - 4));
        assert_eq!(rows(file.as_bytes()).unwrap().len(), 1);
    }

    proptest! {
        #[test]
        fn any_name_is_read_as_it_was_written(name in "[^\\x00]{1,40}") {
            prop_assume!(name != "\\N");
            let file = format!("{HEADER}{},,,hash\r\n", quoted(&name));
            let users = rows(file.as_bytes()).unwrap();
            let user = users[0].as_ref().unwrap();
            prop_assert_eq!(user.username.as_deref(), Some(name.as_str()));
        }

        #[test]
        fn no_file_causes_a_panic(file in prop::collection::vec(
            prop::sample::select(b"a,\"\r\n\\;\xef\xbb\xbf\0".to_vec()), 0..200,
        )) {
            let _rows = rows(&[HEADER.as_bytes(), &file].concat());
        }
    }
}
