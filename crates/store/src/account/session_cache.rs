//! Sessions that were read a moment ago, so that most checks of a token do not ask the database.
//!
//! A session is found by its master token, so only a token that belongs to it finds it, or by the family
//! that a token with a valid MAC or signature names. Any commit
//! of this process empties the cache, so a session that ends here is refused at once. What another
//! process changes is seen after at most [`MAX_AGE`].

use crate::account::session::{FamilyId, MasterToken, Session};
use fourauth_protocol::time::UnixMillis;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// How long after a command a session that was read for it may still be used.
pub(crate) const MAX_AGE: Duration = Duration::from_secs(1);

/// Most sessions in memory, about 8 MiB. A full cache is emptied.
const MOST: usize = 16_384;

/// The sessions, each with the time of its read.
#[derive(Debug, Default)]
pub(crate) struct SessionCache(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    /// The commits of this process when the sessions were read.
    commits: u64,
    sessions: HashMap<Name, (Arc<Session>, Moment)>,
}

/// What a session is found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Name {
    Master(MasterToken),
    Family(FamilyId),
}

/// A time on two clocks. The trusted time may be set back by time servers, and the other one stops
/// while the machine sleeps. A session is young if both say so.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    /// The trusted time when the command arrived, which is before the read.
    pub(crate) arrived: UnixMillis,
    /// The time just before the read.
    pub(crate) read: Instant,
}

impl Moment {
    /// True if this moment is less than [`MAX_AGE`] before `later`, and not after it.
    fn is_just_before(self, later: Self) -> bool {
        let trusted = later.arrived.0.saturating_sub(self.arrived.0);
        let trusted = u64::try_from(trusted).ok().map(Duration::from_millis);
        let counted = later.read.saturating_duration_since(self.read);
        trusted.is_some_and(|age| age < MAX_AGE) && counted < MAX_AGE
    }
}

impl SessionCache {
    /// The session with one of these names, if it was read less than [`MAX_AGE`] ago and
    /// nothing was committed since. `commits` is the number of commits so far.
    pub(crate) fn get(&self, names: &[Name], commits: u64, at: Moment) -> Option<Arc<Session>> {
        let kept = self.kept();
        if kept.commits != commits {
            return None;
        }
        let young = |(session, read): &(Arc<Session>, Moment)| {
            read.is_just_before(at).then(|| Arc::clone(session))
        };
        names.iter().find_map(|name| kept.sessions.get(name).and_then(young))
    }

    /// Keeps a session under a name that was read at `at`, when there were `commits` commits. It is not kept if
    /// the cache holds sessions that were read after a later commit.
    pub(crate) fn put(&self, name: Name, session: Arc<Session>, commits: u64, at: Moment) {
        let mut kept = self.kept();
        if kept.commits > commits {
            return;
        }
        if kept.commits < commits || kept.sessions.len() >= MOST {
            kept.sessions.clear();
            kept.commits = commits;
        }
        kept.sessions.insert(name, (session, at));
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{groups::Groups, id::AccountId, methods::Methods, record::Enrolled};

    const NOON: UnixMillis = UnixMillis(1_795_262_400_000);

    fn session(number: u32) -> Arc<Session> {
        let mut master = [0; 32];
        master[..4].copy_from_slice(&number.to_be_bytes());
        Arc::new(Session {
            master,
            family: FamilyId([0; 16]),
            account: AccountId(1),
            username: "alice".into(),
            email: None,
            groups: Groups::default(),
            expires: NOON,
            ends: NOON,
            renewed: None,
            methods: Methods(Vec::new()),
            enrolled: Enrolled::ALL,
            version: 1,
            attended: NOON,
            is_administrator: false,
            device: None,
            raised: None,
            bound: None,
            peer: String::new(),
        })
    }

    /// A cache with one session, which was read at the returned moment after seven commits.
    fn cache() -> (SessionCache, Arc<Session>, Moment) {
        let (cache, session) = (SessionCache::default(), session(1));
        let at = Moment { arrived: NOON, read: Instant::now() };
        cache.put(Name::Master(session.master), Arc::clone(&session), 7, at);
        (cache, session, at)
    }

    fn later(at: Moment, trusted_ms: i64, counted_ms: u64) -> Moment {
        Moment {
            arrived: at.arrived.saturating_add_ms(trusted_ms),
            read: at.read + Duration::from_millis(counted_ms),
        }
    }

    #[test]
    fn a_session_is_kept_for_less_than_a_second() {
        let (cache, session, at) = cache();
        let get = |at| cache.get(&[Name::Master(session.master)], 7, at).is_some();
        for (trusted_ms, counted_ms, is_found) in [
            (0, 0, true),
            (999, 999, true),
            (1000, 0, false),
            (0, 1000, false),
            // The trusted time was set back.
            (-1, 0, false),
        ] {
            assert_eq!(get(later(at, trusted_ms, counted_ms)), is_found, "{trusted_ms}");
        }
    }

    #[test]
    fn a_commit_empties_the_cache() {
        let (cache, session, at) = cache();
        let get = |commits| cache.get(&[Name::Master(session.master)], commits, at);
        assert_eq!((get(8), get(7)), (None, Some(Arc::clone(&session))));
        cache.put(Name::Master([2; 32]), self::session(2), 8, at);
        assert_eq!((get(8), get(7)), (None, None));
        // It was read before the commit.
        cache.put(Name::Master(session.master), Arc::clone(&session), 7, at);
        assert_eq!((get(8), get(7)), (None, None));
    }

    #[test]
    fn either_name_finds_a_session() {
        let (cache, session, at) = cache();
        let (known, other) = (Name::Master(session.master), Name::Master([9; 32]));
        for names in [[known, other], [other, known]] {
            assert_eq!(cache.get(&names, 7, at).as_ref(), Some(&session));
        }
        assert_eq!(cache.get(&[other, Name::Family(session.family)], 7, at), None);
    }

    #[test]
    fn the_number_of_kept_sessions_is_bounded() {
        let (cache, _, at) = cache();
        for number in 0..u32::try_from(2 * MOST).unwrap() {
            let session = session(number);
            cache.put(Name::Master(session.master), session, 7, at);
        }
        assert!(cache.kept().sessions.len() <= MOST);
    }
}
