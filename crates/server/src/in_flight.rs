//! Bytes that have arrived and are not answered yet: of a source, and of all of them.

use crate::config::LimitsConfig;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes that one permit stands for.
const UNIT: usize = 1024;

/// What everybody may hold together, and each source alone.
#[derive(Debug)]
pub struct Budgets {
    everybodys: Arc<Semaphore>,
    of_a_source: usize,
}

/// What the connections of one source may hold, within what everybody may.
#[derive(Debug, Clone)]
pub struct Budget {
    own: Arc<Semaphore>,
    everybodys: Arc<Semaphore>,
}

/// Bytes in flight, given back when dropped.
#[derive(Debug, Default)]
pub struct Held {
    bytes: usize,
    permits: Option<(OwnedSemaphorePermit, OwnedSemaphorePermit)>,
}

impl From<&LimitsConfig> for Budgets {
    fn from(limits: &LimitsConfig) -> Self {
        let units = |mib: u32| (mib as usize * 1024 * 1024 / UNIT).min(Semaphore::MAX_PERMITS);
        Self {
            everybodys: Arc::new(Semaphore::new(units(limits.in_flight_mib))),
            of_a_source: units(limits.in_flight_mib_per_source),
        }
    }
}

impl Budgets {
    /// For one more source.
    #[must_use]
    pub fn one_more(&self) -> Budget {
        Budget {
            own: Arc::new(Semaphore::new(self.of_a_source)),
            everybodys: Arc::clone(&self.everybodys),
        }
    }
}

impl Budgets {
    /// For a shared address, which is bound only by what all sources may hold together.
    #[must_use]
    pub fn unshared(&self) -> Budget {
        Budget {
            own: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
            everybodys: Arc::clone(&self.everybodys),
        }
    }
}

impl Budget {
    /// Waits until `held` may hold `bytes` more, first of the source's share, then of everybody's.
    ///
    /// Each caller waits with a deadline of its own and gives up what it holds when that passes.
    pub async fn hold(&self, held: &mut Held, bytes: usize) {
        let before = held.bytes.div_ceil(UNIT);
        held.bytes += bytes;
        let more = held.bytes.div_ceil(UNIT) - before;
        let units = u32::try_from(more).unwrap_or(u32::MAX);
        let own = Arc::clone(&self.own).acquire_many_owned(units).await;
        let everybodys = Arc::clone(&self.everybodys).acquire_many_owned(units).await;
        // Neither semaphore is ever closed.
        let (Ok(own), Ok(everybodys)) = (own, everybodys) else { return };
        match &mut held.permits {
            Some((mine, all)) => {
                mine.merge(own);
                all.merge(everybodys);
            }
            none => *none = Some((own, everybodys)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::timeout;

    const MIB: usize = 1024 * 1024;
    const SOON: Duration = Duration::from_secs(1);

    fn budgets() -> Budgets {
        Budgets::from(&LimitsConfig {
            in_flight_mib: 2,
            in_flight_mib_per_source: 1,
            ..LimitsConfig::default()
        })
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_in_flight_are_bounded_a_source_and_come_back() {
        let budgets = budgets();
        let (greedy, other) = (budgets.one_more(), budgets.one_more());
        let (mut full, mut more) = (Held::default(), Held::default());
        greedy.hold(&mut full, MIB).await;
        assert!(timeout(SOON, greedy.hold(&mut more, 1)).await.is_err());
        assert!(timeout(SOON, other.hold(&mut more, MIB)).await.is_ok());
        drop(full);
        let mut again = Held::default();
        assert!(timeout(SOON, greedy.hold(&mut again, MIB)).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn all_sources_together_hold_no_more_than_everybodys() {
        let budgets = budgets();
        let sources = [budgets.one_more(), budgets.one_more(), budgets.one_more()];
        let (mut first, mut second, mut third) =
            (Held::default(), Held::default(), Held::default());
        sources[0].hold(&mut first, MIB).await;
        sources[1].hold(&mut second, MIB).await;
        assert!(timeout(SOON, sources[2].hold(&mut third, 1)).await.is_err());
        drop(first);
        assert!(timeout(SOON, sources[2].hold(&mut third, 1)).await.is_ok());
    }
}
