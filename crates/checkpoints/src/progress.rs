//! How far each sink is behind, for operators. The outlets write it, and reading it waits for no
//! sink.

use crate::sink::SinkError;
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// The sinks of one publisher.
#[derive(Debug, Clone, Default)]
pub struct SinkProgress(Arc<[Progress]>);

/// The progress of one sink.
#[derive(Debug, Clone)]
pub(crate) struct Progress {
    /// The address without its secrets.
    sink: Arc<str>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// When the oldest checkpoint was offered that the sink has not taken. `None` if it has all.
    behind_since: Option<Instant>,
    /// The last failure, until a checkpoint is taken.
    error: Option<String>,
}

/// A sink that has not taken the newest checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behind {
    /// The address of the sink without its secrets.
    pub sink: String,
    /// How long the oldest checkpoint that it lacks has waited.
    pub since: Duration,
    /// The last failure. `None` if the sink has not answered yet.
    pub error: Option<String>,
}

impl FromIterator<Progress> for SinkProgress {
    fn from_iter<I: IntoIterator<Item = Progress>>(sinks: I) -> Self {
        Self(sinks.into_iter().collect())
    }
}

impl SinkProgress {
    /// The number of sinks.
    #[must_use]
    pub fn sinks(&self) -> usize {
        self.0.len()
    }

    /// The sinks that lack a checkpoint, in the order of the configuration.
    #[must_use]
    pub fn behind(&self) -> Vec<Behind> {
        self.0.iter().filter_map(Progress::behind).collect()
    }
}

impl Progress {
    pub(crate) fn new(sink: &str) -> Self {
        Self { sink: sink.into(), state: Arc::default() }
    }

    /// A checkpoint waits for the sink.
    pub(crate) fn offered(&self) {
        self.state().behind_since.get_or_insert_with(Instant::now);
    }

    /// The sink has not taken a checkpoint.
    pub(crate) fn failed(&self, error: &SinkError) {
        let mut state = self.state();
        state.behind_since.get_or_insert_with(Instant::now);
        state.error = Some(error.to_string());
    }

    /// The sink has taken a checkpoint. If `newer_waits`, it still lacks one.
    pub(crate) fn taken(&self, newer_waits: bool) {
        let behind_since = newer_waits.then(Instant::now);
        *self.state() = State { behind_since, error: None };
    }

    fn behind(&self) -> Option<Behind> {
        let state = self.state();
        let since = state.behind_since?.elapsed();
        Some(Behind { sink: self.sink.to_string(), since, error: state.error.clone() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn away() -> SinkError {
        SinkError::Away { place: "file:/x".to_owned(), reason: "no such folder".to_owned() }
    }

    #[tokio::test(start_paused = true)]
    async fn a_sink_is_behind_since_the_oldest_checkpoint_it_lacks() {
        let (good, bad) = (Progress::new("file:/y"), Progress::new("file:/x"));
        let all: SinkProgress = [good.clone(), bad.clone()].into_iter().collect();
        assert_eq!((all.sinks(), all.behind()), (2, vec![]));
        for sink in [&good, &bad] {
            sink.offered();
        }
        good.taken(false);
        bad.failed(&away());
        tokio::time::advance(Duration::from_mins(1)).await;
        bad.offered();
        let [behind] = all.behind().try_into().unwrap();
        assert_eq!((behind.sink.as_str(), behind.since), ("file:/x", Duration::from_mins(1)));
        assert_eq!(behind.error, Some(away().to_string()));
        bad.taken(false);
        assert_eq!(all.behind(), []);
    }

    #[tokio::test(start_paused = true)]
    async fn a_newer_checkpoint_that_waits_is_behind_since_now() {
        let sink = Progress::new("file:/x");
        sink.offered();
        tokio::time::advance(Duration::from_mins(1)).await;
        sink.taken(true);
        assert_eq!(sink.behind().map(|behind| behind.since), Some(Duration::ZERO));
    }
}
