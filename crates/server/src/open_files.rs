//! Open files: as many as the system lets the process have, and connections kept so far below that
//! the database, the keys and the checkpoints can always be opened.

use crate::caps;
use fourauth_config::LimitsConfig;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files for everything but peers' connections: the databases' connections and journals, checkpoints,
/// time servers, what the runtime needs. A server on SQLite that does nothing has 18 open, and one on
/// PostgreSQL takes up to 16 connections.
const RESERVE: usize = 160;

/// Files that no process has; some systems say that there is no limit by a number.
const MOST: usize = 1 << 24;

/// Connections below which a server is of no use.
const FEWEST_CONNECTIONS: usize = 32;

/// The limit of open files is too low to serve anyone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the limit of open files is {limit}, and {needed} are needed; raise it (LimitNOFILE= of systemd, \
     --ulimit nofile= of a container, ulimit -Hn of a shell)"
)]
pub struct TooFewFiles {
    limit: u64,
    needed: usize,
}

/// Raises the soft limit of open files to the hard limit; the limit that holds then, or `None` if
/// there is none. If the system refuses, the limit stays as it is.
#[must_use]
pub fn raise_limit() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "cannot raise the limit of open files to its hard limit");
    }
    getrlimit(Resource::Nofile).current
}

/// The limits of a server that may open so many files: as many connections as fit, and of them
/// startups in proportion.
///
/// # Errors
///
/// [`TooFewFiles`] if that would be fewer than 32 connections, and fewer than are wanted.
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
    let affordable = wanted.min(caps::fitting(for_peers.min(MOST)));
    let fewest = wanted.min(FEWEST_CONNECTIONS);
    if affordable < fewest {
        return Err(TooFewFiles { limit, needed: RESERVE + caps::files_of(fewest) });
    }
    Ok(affordable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_files_for_everything_else() {
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
    fn too_few_files_are_refused_with_the_number_that_is_needed() {
        let refused = affordable(16_384, Some(64)).unwrap_err();
        assert_eq!(refused, TooFewFiles { limit: 64, needed: 260 });
    }

    #[test]
    fn startups_are_lowered_with_the_connections() {
        let fitting = fit(&LimitsConfig::default(), Some(1024)).unwrap();
        assert_eq!((fitting.connections, fitting.startups), (711, 177));
        assert_eq!(fit(&LimitsConfig::default(), Some(65_536)).unwrap(), LimitsConfig::default());
    }

    #[test]
    fn the_soft_limit_is_raised_to_the_hard_limit() {
        assert_eq!(raise_limit(), getrlimit(Resource::Nofile).maximum);
    }
}
