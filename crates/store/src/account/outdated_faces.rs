//! How many faces are of another model pack than the one in use. A template is sealed with the name of
//! its pack in it, so each is opened.

use crate::{
    account::id::{AccountId, TABLE, TEMPLATE},
    engine::driver::Value,
    error::Error,
    store::Store,
};
use fourauth_factors::face::Template;

/// Accounts read at a time. Opening them takes about a millisecond, for which nothing else runs on the
/// thread.
const PAGE: i64 = 64;

/// Accounts with a face.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FaceCount {
    /// All of them.
    pub faces: u64,
    /// Those with a face of another model pack.
    pub outdated: u64,
}

impl Store {
    /// Counts the accounts with a face, and those with a template that `can_compare` refuses. One that no
    /// key opens is not outdated.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub async fn count_faces(
        &self,
        can_compare: impl Fn(&Template) -> bool,
    ) -> Result<FaceCount, Error> {
        const SQL: &str = "SELECT id, face_template_enc FROM users \
                           WHERE has_face = 1 AND id > $1 ORDER BY id LIMIT $2";

        let (mut count, mut after) = (FaceCount::default(), i64::MIN);
        loop {
            let rows = self.rows(SQL, &[Value::Int(after), Value::Int(PAGE)]).await?;
            let Some(last) = rows.last() else { return Ok(count) };
            after = last.int(TABLE, "id")?;
            for row in &rows {
                let place = AccountId(row.int(TABLE, "id")?).place(TEMPLATE);
                let opened = self.sealer.open(place, &row.text(TABLE, TEMPLATE)?).ok();
                let template = opened.and_then(|it| Template::from_bytes(it.expose()).ok());
                count.faces += 1;
                count.outdated += u64::from(template.is_some_and(|it| !can_compare(&it)));
            }
            tokio::task::yield_now().await;
        }
    }
}
