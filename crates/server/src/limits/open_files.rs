//! The limit on open files. It is raised as far as the system allows, and the number of connections
//! is kept below it, so that the database, the keys and the checkpoints can always be opened.

use crate::limits::caps;
use fourauth_config::LimitsConfig;

/// Files reserved for everything except connections of peers: database connections and journals,
/// checkpoints, time servers, the runtime. An idle server on SQLite has 18 files open, and one on
/// PostgreSQL uses up to 16 connections.
const RESERVE: usize = 160;

/// A number of files above any real limit. Some systems use a large number for "no limit".
const MAX_FILES: usize = 1 << 24;

/// The smallest useful number of connections.
const MIN_CONNECTIONS: usize = 32;

/// The limit on open files is too low for a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the limit on open files is {limit}, but {needed} are needed; raise it (LimitNOFILE= in \
     systemd, --ulimit nofile= for a container, ulimit -Hn in a shell)"
)]
pub struct TooFewFiles {
    limit: u64,
    needed: usize,
}

/// Lowers the limits on connections and startups, in proportion, to what `files` open files allow.
///
/// # Errors
///
/// [`TooFewFiles`] if neither 32 connections nor the configured number fit.
pub fn fit(limits: &LimitsConfig, files: Option<u64>) -> Result<LimitsConfig, TooFewFiles> {
    let (wanted, limits) = (limits.connections, limits.clone());
    let connections = affordable(wanted, files)?;
    let startups = if connections < wanted {
        (limits.startups.saturating_mul(connections) / wanted).max(1)
    } else {
        limits.startups
    };
    Ok(LimitsConfig { connections, startups, ..limits })
}

fn affordable(wanted: usize, limit: Option<u64>) -> Result<usize, TooFewFiles> {
    let Some(limit) = limit else { return Ok(wanted) };
    let for_peers = usize::try_from(limit).unwrap_or(usize::MAX).saturating_sub(RESERVE);
    let affordable = wanted.min(caps::fitting(for_peers.min(MAX_FILES)));
    let fewest = wanted.min(MIN_CONNECTIONS);
    if affordable < fewest {
        return Err(TooFewFiles { limit, needed: RESERVE + caps::files_of(fewest) });
    }
    Ok(affordable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_enough_open_files_for_the_rest() {
        for (wanted, limit, expected) in [
            (16_384, None, Some(16_384)),
            (16_384, Some(u64::MAX), Some(16_384)),
            (16_384, Some(65_536), Some(16_384)),
            (16_384, Some(18_656), Some(16_384)),
            (16_384, Some(18_655), Some(16_383)),
            (16_384, Some(1024), Some(711)),
            (16_384, Some(260), Some(32)),
            (16_384, Some(259), None),
            (16_384, Some(64), None),
            (10, Some(236), Some(10)),
            (10, Some(64), None),
        ] {
            assert_eq!(affordable(wanted, limit).ok(), expected, "{wanted} {limit:?}");
        }
    }

    #[test]
    fn too_few_files_are_refused_with_the_number_needed() {
        let refused = affordable(16_384, Some(64)).unwrap_err();
        assert_eq!(refused, TooFewFiles { limit: 64, needed: 260 });
    }

    #[test]
    fn startups_are_lowered_with_the_connections() {
        let fitting = fit(&LimitsConfig::default(), Some(1024)).unwrap();
        assert_eq!((fitting.connections, fitting.startups), (711, 177));
        assert_eq!(fit(&LimitsConfig::default(), Some(65_536)).unwrap(), LimitsConfig::default());
    }
}
