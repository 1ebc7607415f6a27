//! The store's guarantees. Every case is written once and runs on both databases.

mod fixture;

/// Generates one test per case and database.
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
mod bound_sessions;
mod bystander;
mod census;
mod clock;
mod delivery;
mod devices;
mod erasure;
mod evidence;
mod factors;
mod gateways;
mod grants;
mod groups;
mod guards;
mod invitations;
mod keys;
mod lanes;
mod migrate;
mod more_row_seals;
mod names;
mod notices;
mod passcodes;
mod races;
mod reasons;
mod refusals;
mod resets;
mod rotation;
mod row_seals;
mod runs;
mod schema;
mod writes;
