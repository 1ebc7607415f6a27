//! The migrations of the schema, compiled in, with the same numbers and names for both databases.
//!
//! An applied migration is compared by hash and never changes. A database with a migration that
//! this program does not have is not touched.

use crate::error::{Cause, Error, OpenError};
use sqlx::{
    SqlSafeStr as _,
    migrate::{AppliedMigration, Migrate, MigrateError, Migration, MigrationType, Migrator},
};

/// Number, name and statements.
type Step = (i64, &'static str, &'static str);

pub(super) const SQLITE: &[Step] = &[
    (1, "accounts", include_str!("../../../../../migrations/sqlite/0001_accounts.sql")),
    (
        2,
        "devices_and_limits",
        include_str!("../../../../../migrations/sqlite/0002_devices_and_limits.sql"),
    ),
    (3, "clock", include_str!("../../../../../migrations/sqlite/0003_clock.sql")),
    (4, "evidence", include_str!("../../../../../migrations/sqlite/0004_evidence.sql")),
    (5, "consents", include_str!("../../../../../migrations/sqlite/0005_consents.sql")),
    (6, "lanes", include_str!("../../../../../migrations/sqlite/0006_lanes.sql")),
    (
        7,
        "refusals_by_name",
        include_str!("../../../../../migrations/sqlite/0007_refusals_by_name.sql"),
    ),
    (8, "server_run", include_str!("../../../../../migrations/sqlite/0008_server_run.sql")),
    (9, "gateways", include_str!("../../../../../migrations/sqlite/0009_gateways.sql")),
    (
        10,
        "grants_and_notices",
        include_str!("../../../../../migrations/sqlite/0010_grants_and_notices.sql"),
    ),
    (
        11,
        "enrolled_factors",
        include_str!("../../../../../migrations/sqlite/0011_enrolled_factors.sql"),
    ),
    (12, "delivery", include_str!("../../../../../migrations/sqlite/0012_delivery.sql")),
    (13, "sessions", include_str!("../../../../../migrations/sqlite/0013_sessions.sql")),
    (14, "passcodes", include_str!("../../../../../migrations/sqlite/0014_passcodes.sql")),
    (15, "session_ends", include_str!("../../../../../migrations/sqlite/0015_session_ends.sql")),
    (16, "open_grants", include_str!("../../../../../migrations/sqlite/0016_open_grants.sql")),
    (17, "reset_codes", include_str!("../../../../../migrations/sqlite/0017_reset_codes.sql")),
    (18, "groups", include_str!("../../../../../migrations/sqlite/0018_groups.sql")),
    (19, "names", include_str!("../../../../../migrations/sqlite/0019_names.sql")),
    (20, "console", include_str!("../../../../../migrations/sqlite/0020_console.sql")),
    (
        21,
        "bound_sessions",
        include_str!("../../../../../migrations/sqlite/0021_bound_sessions.sql"),
    ),
    (22, "row_seals", include_str!("../../../../../migrations/sqlite/0022_row_seals.sql")),
    (
        23,
        "device_requests",
        include_str!("../../../../../migrations/sqlite/0023_device_requests.sql"),
    ),
    (24, "invitations", include_str!("../../../../../migrations/sqlite/0024_invitations.sql")),
    (
        25,
        "raised_sessions",
        include_str!("../../../../../migrations/sqlite/0025_raised_sessions.sql"),
    ),
    (
        26,
        "more_row_seals",
        include_str!("../../../../../migrations/sqlite/0026_more_row_seals.sql"),
    ),
];

pub(super) const POSTGRES: &[Step] = &[
    (1, "accounts", include_str!("../../../../../migrations/postgres/0001_accounts.sql")),
    (
        2,
        "devices_and_limits",
        include_str!("../../../../../migrations/postgres/0002_devices_and_limits.sql"),
    ),
    (3, "clock", include_str!("../../../../../migrations/postgres/0003_clock.sql")),
    (4, "evidence", include_str!("../../../../../migrations/postgres/0004_evidence.sql")),
    (5, "consents", include_str!("../../../../../migrations/postgres/0005_consents.sql")),
    (6, "lanes", include_str!("../../../../../migrations/postgres/0006_lanes.sql")),
    (
        7,
        "refusals_by_name",
        include_str!("../../../../../migrations/postgres/0007_refusals_by_name.sql"),
    ),
    (8, "server_run", include_str!("../../../../../migrations/postgres/0008_server_run.sql")),
    (9, "gateways", include_str!("../../../../../migrations/postgres/0009_gateways.sql")),
    (
        10,
        "grants_and_notices",
        include_str!("../../../../../migrations/postgres/0010_grants_and_notices.sql"),
    ),
    (
        11,
        "enrolled_factors",
        include_str!("../../../../../migrations/postgres/0011_enrolled_factors.sql"),
    ),
    (12, "delivery", include_str!("../../../../../migrations/postgres/0012_delivery.sql")),
    (13, "sessions", include_str!("../../../../../migrations/postgres/0013_sessions.sql")),
    (14, "passcodes", include_str!("../../../../../migrations/postgres/0014_passcodes.sql")),
    (15, "session_ends", include_str!("../../../../../migrations/postgres/0015_session_ends.sql")),
    (16, "open_grants", include_str!("../../../../../migrations/postgres/0016_open_grants.sql")),
    (17, "reset_codes", include_str!("../../../../../migrations/postgres/0017_reset_codes.sql")),
    (18, "groups", include_str!("../../../../../migrations/postgres/0018_groups.sql")),
    (19, "names", include_str!("../../../../../migrations/postgres/0019_names.sql")),
    (20, "console", include_str!("../../../../../migrations/postgres/0020_console.sql")),
    (
        21,
        "bound_sessions",
        include_str!("../../../../../migrations/postgres/0021_bound_sessions.sql"),
    ),
    (22, "row_seals", include_str!("../../../../../migrations/postgres/0022_row_seals.sql")),
    (
        23,
        "device_requests",
        include_str!("../../../../../migrations/postgres/0023_device_requests.sql"),
    ),
    (24, "invitations", include_str!("../../../../../migrations/postgres/0024_invitations.sql")),
    (
        25,
        "raised_sessions",
        include_str!("../../../../../migrations/postgres/0025_raised_sessions.sql"),
    ),
    (
        26,
        "more_row_seals",
        include_str!("../../../../../migrations/postgres/0026_more_row_seals.sql"),
    ),
];

/// The table that lists the applied migrations.
pub(super) const TABLE: &str = "_sqlx_migrations";

/// Applies missing migrations.
pub(super) async fn run<C: Migrate>(steps: &[Step], database: &mut C) -> Result<(), OpenError> {
    let migrator = Migrator::with_migrations(compiled(steps));
    // `Migrator::run` does the same, but its trait makes the future not `Send`.
    let ran = migrator.run_direct(None, database, false).await;
    ran.map_err(|error| refusal(error, newest(steps)))
}

/// Compares the applied migrations with those of this program, and changes nothing.
pub(super) async fn check<C: Migrate>(steps: &[Step], database: &mut C) -> Result<(), OpenError> {
    let newest = newest(steps);
    let applied = database.list_applied_migrations(TABLE).await;
    let applied = applied.map_err(|error| refusal(error, newest))?;
    let compiled = compiled(steps);
    for AppliedMigration { version, checksum } in &applied {
        match compiled.iter().find(|migration| migration.version == *version) {
            Some(known) if known.checksum == *checksum => {}
            Some(_) => return Err(OpenError::ChangedSchema { version: *version }),
            None => return Err(refusal(MigrateError::VersionMissing(*version), newest)),
        }
    }
    if applied.len() < compiled.len() { Err(OpenError::OlderSchema) } else { Ok(()) }
}

fn compiled(steps: &[Step]) -> Vec<Migration> {
    let migration = |&(version, name, sql): &Step| {
        Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    steps.iter().map(migration).collect()
}

fn newest(steps: &[Step]) -> i64 {
    steps.iter().map(|step| step.0).max().unwrap_or(0)
}

fn refusal(error: MigrateError, newest: i64) -> OpenError {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
            Error::from(error).into()
        }
        MigrateError::VersionMissing(version) if version > newest => {
            OpenError::NewerSchema { version }
        }
        MigrateError::VersionMissing(version) | MigrateError::VersionMismatch(version) => {
            OpenError::ChangedSchema { version }
        }
        // The rest are usage errors that a compiled-in list cannot cause.
        _ => Error::Unavailable(Cause::Driver).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_databases_have_the_same_steps() {
        let outline =
            |steps: &[Step]| steps.iter().map(|step| (step.0, step.1)).collect::<Vec<_>>();
        assert_eq!(outline(SQLITE), outline(POSTGRES));
        assert!(SQLITE.iter().map(|step| step.0).eq((1..).take(SQLITE.len())), "a gap");
    }
}
