//! The database under the server of a test.

use fourauth_config::Config;
use fourauth_tests::{postgres, server::TestServer};
use sqlx::{AssertSqlSafe, Executor as _, PgPool, Row as _, SqlitePool};

/// The kind of the database, and its URL if it is not a file of the server.
pub(super) enum Database {
    Sqlite,
    Postgresql(String),
}

impl Database {
    /// An empty database of PostgreSQL.
    pub(super) async fn postgresql() -> Self {
        Self::Postgresql(postgres::cluster().database().await)
    }

    /// Its name in the answer to 244.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgresql(_) => "postgresql",
        }
    }

    /// Makes a server use it.
    pub(super) fn configure(&self, config: &mut Config) {
        if let Self::Postgresql(url) = self {
            config.store.url = Some(url.parse().unwrap());
        }
    }

    /// Runs a statement without the store.
    pub(super) async fn execute(&self, server: &TestServer, sql: String) {
        let sql = AssertSqlSafe(sql);
        match self {
            Self::Sqlite => file(server).await.execute(sql).await.map(drop).unwrap(),
            Self::Postgresql(url) => {
                PgPool::connect(url).await.unwrap().execute(sql).await.map(drop).unwrap();
            }
        }
    }

    /// The number in the first column of the first row.
    pub(super) async fn number(&self, server: &TestServer, sql: &'static str) -> i64 {
        match self {
            Self::Sqlite => file(server).await.fetch_one(sql).await.unwrap().get(0),
            Self::Postgresql(url) => {
                PgPool::connect(url).await.unwrap().fetch_one(sql).await.unwrap().get(0)
            }
        }
    }
}

async fn file(server: &TestServer) -> SqlitePool {
    let file = server.folder().join("data/fourauth.db");
    SqlitePool::connect(&format!("sqlite:{}", file.display())).await.unwrap()
}
