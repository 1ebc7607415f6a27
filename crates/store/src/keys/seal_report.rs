//! Opens every sealed value to check that it opens. Used to verify backups.

use crate::{
    account::id::{AccountId, IMAGE, TABLE, TEMPLATE, TOTP},
    engine::driver::Value,
    error::Error,
    store::Store,
};

/// Accounts read at a time. Some have pictures, so the number is small.
const PAGE: i64 = 64;

/// Result of opening every sealed value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SealReport {
    /// Number of sealed values.
    pub values: u64,
    /// Number of these that no key of the keyring opens in their place.
    pub unopened: u64,
}

impl Store {
    /// Opens every sealed value.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails. A value that does not open is counted, not an error.
    pub async fn check_sealed_values(&self) -> Result<SealReport, Error> {
        const SQL: &str = "SELECT id, totp_secret_enc, face_template_enc, face_image_enc \
                           FROM users WHERE id > $1 ORDER BY id LIMIT $2";

        let (mut found, mut after) = (SealReport::default(), i64::MIN);
        loop {
            let rows = self.rows(SQL, &[Value::Int(after), Value::Int(PAGE)]).await?;
            let Some(last) = rows.last() else { return Ok(found) };
            after = last.int(TABLE, "id")?;
            for row in &rows {
                let account = AccountId(row.int(TABLE, "id")?);
                for column in [TOTP, TEMPLATE, IMAGE] {
                    let Some(sealed) = row.text_or_null(TABLE, column)? else { continue };
                    let opens = self.sealer.open(account.place(column), &sealed).is_ok();
                    found.values += 1;
                    found.unopened += u64::from(!opens);
                }
            }
        }
    }
}
