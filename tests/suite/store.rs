//! The store's promises. Every case is written once and runs on both databases.

mod fixture;

/// Makes a test of each case for each database.
macro_rules! on_both_databases {
    ($($case:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::$case(crate::store::fixture::Database::sqlite()).await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::$case(crate::store::fixture::Database::postgres().await).await;
            })*
        }
    };
}

mod accounts;
mod audit;
mod bystander;
mod clock;
mod devices;
mod erasure;
mod evidence;
mod factors;
mod guards;
mod keys;
mod lanes;
mod migrate;
mod races;
mod refusals;
mod rotation;
mod runs;
mod schema;
mod writes;
