//! One command of a peer that a gateway states: for as long as it is in progress, it has a share in
//! the limits of its source, as if the peer had connected.

use crate::limits::{
    caps::NewConnection, open_connections::ShareKey, source_limits::SourceLimits, sources::Sources,
};
use std::{net::IpAddr, ops::Deref, sync::Arc};
use tokio::time::Instant;

/// A command in progress. Dropping it ends its share.
#[derive(Debug)]
pub(crate) struct Visit {
    limits: SourceLimits,
    key: ShareKey,
}

impl Sources {
    /// Begins a command of the peer at `address`. `None` if as many commands of its source are in
    /// progress through gateways as it may have connections.
    pub(crate) fn visit(self: &Arc<Self>, address: IpAddr) -> Option<Visit> {
        let (newcomer, is_answerable) = self.newcomer(address, Instant::now());
        let NewConnection { source, is_shared, .. } = newcomer;
        let key = ShareKey { source, is_shared };
        let turns = self.enter_visit(key)?.turns;
        let limits =
            SourceLimits { sources: Arc::clone(self), source, is_shared, is_answerable, turns };
        Some(Visit { limits, key })
    }
}

impl Deref for Visit {
    type Target = SourceLimits;

    fn deref(&self) -> &SourceLimits {
        &self.limits
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.limits.sources.connections().end_visit(self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::conduct::Offence;
    use fourauth_config::LimitsConfig;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    fn sources(change: impl FnOnce(&mut LimitsConfig)) -> Arc<Sources> {
        let mut limits = LimitsConfig { connections_per_source: 2, ..LimitsConfig::default() };
        change(&mut limits);
        Sources::new(&limits)
    }

    #[test]
    fn a_visit_and_a_connection_share_the_permits_of_their_source() {
        let sources = sources(|limits| limits.deciding_per_source = 1);
        let (slot, visit) =
            (sources.admit(HERE, Instant::now()).unwrap(), sources.visit(HERE).unwrap());
        let turn = Arc::clone(&slot.turns).try_acquire_owned().unwrap();
        assert!(Arc::clone(&visit.turns).try_acquire_owned().is_err());
        drop((slot, turn));
        assert!(Arc::clone(&visit.turns).try_acquire_owned().is_ok());
    }

    #[test]
    fn a_source_has_no_more_visits_than_connections() {
        let sources = sources(|_| {});
        let mut visits: Vec<_> = (0..3).map(|_| sources.visit(HERE)).collect();
        assert!(visits.pop().unwrap().is_none());
        assert!(sources.visit(IpAddr::from([192, 0, 2, 2])).is_some());
        visits.pop();
        assert!(sources.visit(HERE).is_some());
    }

    #[test]
    fn a_shared_address_has_any_number_of_visits() {
        let sources = sources(|limits| {
            limits.shared_addresses = vec!["192.0.2.0/24".parse().unwrap()];
        });
        let visits: Vec<_> = (0..100).map(|_| sources.visit(HERE)).collect();
        assert!(visits.iter().all(Option::is_some));
    }

    #[test]
    fn a_penalty_holds_for_visits_and_connections_of_its_source() {
        let sources = sources(|_| {});
        sources.visit(HERE).unwrap().penalise(Offence::Crash);
        assert!(sources.visit(HERE).unwrap().penalty().is_some());
        assert!(sources.admit(HERE, Instant::now()).unwrap().penalty().is_some());
        assert!(sources.visit(IpAddr::from([192, 0, 2, 2])).unwrap().penalty().is_none());
    }

    #[test]
    fn an_ended_visit_leaves_no_state() {
        let sources = sources(|_| {});
        drop(sources.visit(HERE));
        assert!(sources.connections().is_empty());
    }
}
