//! The cores that the two processes run on.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The first two cores that this process may use.
pub(crate) fn two() -> (usize, usize) {
    let allowed = sched_getaffinity(None).expect("the cores of this process");
    let mut cores = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core));
    let two = cores.next().zip(cores.next());
    two.expect("the server and the clients need a core each: allow this process two cores")
}

/// Keeps this thread, and all threads and processes that it starts from now on, on one core.
pub(crate) fn stay_on(core: usize) {
    let mut only = CpuSet::new();
    only.set(core);
    sched_setaffinity(None, &only).expect("a core that this process may use");
}
