//! A hundred connections spend one grant at the same moment, on either database.

use crate::{
    races::{AT_ONCE, Rounds},
    report::Figures,
    setup::{Defence, Setup},
};
use anyhow::Context as _;
use fourauth_protocol::secret::Secret;
use fourauth_store::{Error, GrantHolder, GrantId, Keyring, Location, RANDOM_BYTES, Store};
use fourauth_tests::{postgres, server::NOON};
use sqlx::{AssertSqlSafe, Executor as _, PgPool, SqlitePool};
use std::sync::Arc;
use tokio::{sync::Barrier, task::JoinSet};

/// The statement of the control: that of the store without its `WHERE`.
const WITHOUT_CONDITION: &str = "INSERT INTO spent_grants (id, holder, expires) \
     VALUES ({id}, {holder}, 0) ON CONFLICT (id) DO UPDATE SET holder = excluded.holder";

/// One of the two databases, opened by the store.
struct Database {
    store: Arc<Store>,
    plain: Plain,
}

/// A connection without the store.
#[derive(Clone)]
enum Plain {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// Plays the rounds on both databases.
pub(crate) async fn figures(
    setup: &Setup,
    defence: Defence,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let file = format!("sqlite:{}", folder.path().join("fourauth.db").display());
    let cluster = postgres::cluster().database().await;
    for (name, url) in [("sqlite", file), ("postgres", cluster)] {
        let (database, mut rounds) = (Database::open(&url).await?, Rounds::default());
        for round in 0..setup.count(100, 5) {
            rounds.count(database.winners(round, defence).await?);
        }
        rounds.report(figures, &format!("grant_{name}"));
        database.store.close().await;
    }
    Ok(())
}

impl Database {
    async fn open(url: &str) -> anyhow::Result<Self> {
        let keyring = Arc::new(Keyring::generate(&Secret::new([1; RANDOM_BYTES]), NOON));
        let location = Location::parse(url)?;
        let store = Arc::new(Store::open(&location, keyring).await?);
        let plain = match &location {
            Location::Sqlite(_) => Plain::Sqlite(SqlitePool::connect(url).await?),
            Location::Postgres(_) => Plain::Postgres(PgPool::connect(url).await?),
        };
        Ok(Self { store, plain })
    }

    /// The number of holders that one grant accepts.
    async fn winners(&self, round: u32, defence: Defence) -> anyhow::Result<u32> {
        let barrier = Arc::new(Barrier::new(usize::try_from(AT_ONCE)?));
        let mut holders = JoinSet::new();
        for holder in 0..AT_ONCE {
            let (store, plain) = (Arc::clone(&self.store), self.plain.clone());
            let barrier = Arc::clone(&barrier);
            holders.spawn(async move {
                barrier.wait().await;
                match defence {
                    Defence::On => spend(&store, round, holder).await,
                    Defence::Off => plain.spend(round, holder).await,
                }
            });
        }
        let mut winners = 0;
        while let Some(used) = holders.join_next().await {
            winners += u32::from(used.context("a holder ended early")??);
        }
        Ok(winners)
    }
}

fn wide(number: u32) -> [u8; 16] {
    u128::from(number).to_be_bytes()
}

async fn spend(store: &Store, round: u32, holder: u32) -> anyhow::Result<bool> {
    let (grant, holder) = (GrantId::new(wide(round), NOON), GrantHolder::new(wide(holder)));
    let spent: Result<bool, Error> =
        store.write(move |tx| Box::pin(async move { tx.spend_grant(grant, holder).await })).await;
    Ok(spent?)
}

impl Plain {
    async fn spend(&self, round: u32, holder: u32) -> anyhow::Result<bool> {
        let literal = |number: u32| {
            let hex = format!("{number:032x}");
            match self {
                Self::Sqlite(_) => format!("x'{hex}'"),
                Self::Postgres(_) => format!("'\\x{hex}'"),
            }
        };
        let sql = WITHOUT_CONDITION
            .replace("{id}", &literal(round))
            .replace("{holder}", &literal(holder));
        let sql = AssertSqlSafe(sql);
        let changed = match self {
            Self::Sqlite(pool) => pool.execute(sql).await?.rows_affected(),
            Self::Postgres(pool) => pool.execute(sql).await?.rows_affected(),
        };
        Ok(changed == 1)
    }
}
