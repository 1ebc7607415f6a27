//! The control: the same migration without a transaction, one statement after the other.

use super::{is_up_to_date, make, plain};
use crate::{
    disk::inquest::{DATABASE, folder},
    report::Figures,
};
use fourauth_tests::old_schema::{Dialect, Past};
use sqlx::{AssertSqlSafe, Connection as _};

/// The version to migrate from.
const VERSION: usize = 1;

pub(super) async fn figures(past: &Past, figures: &mut Figures) -> anyhow::Result<()> {
    let steps = Past::steps(VERSION + 1, Dialect::Sqlite);
    let mut stuck = 0;
    for done in 0..=steps.len() {
        let folder = folder()?;
        let path = folder.path().join(DATABASE);
        let before = make(past, VERSION, &path).await?;
        let mut old = plain(&path).await?;
        for statement in &steps[..done] {
            sqlx::raw_sql(AssertSqlSafe(statement.as_str())).execute(&mut old).await?;
        }
        old.close().await?;
        stuck += u32::from(!is_up_to_date(&path, VERSION, &before).await?);
    }
    figures.note("instants", steps.len() + 1);
    figures.exactly("not_up_to_date", stuck, 0);
    Ok(())
}
