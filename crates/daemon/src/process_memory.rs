//! Keeps the memory of the process private: no core dumps, and no access by other processes of the
//! same user.
//!
//! This covers live memory. The allocator wipes freed memory, see `main.rs`. Swap is not covered:
//! use encrypted swap, or none.

use rustix::{
    io,
    process::{Resource, Rlimit, setrlimit},
};

/// Disables core dumps of this process and its children. On Linux, also denies debuggers and
/// `/proc` access to the memory of this process, except for root.
///
/// Both measures are needed. The limit is inherited but has no effect if dumps go into a pipe
/// (core(5)). The attribute has an effect there but is not inherited by other programs (prctl(2),
/// `PR_SET_DUMPABLE`). On other systems only the limit is set.
///
/// # Errors
///
/// Fails if the system refuses, which is not expected: neither call needs a privilege.
pub fn protect() -> io::Result<()> {
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    }
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use rustix::process::{DumpableBehavior, dumpable_behavior, getrlimit};

    #[test]
    fn the_process_leaves_no_core_dump() {
        protect().unwrap();
        assert_eq!(dumpable_behavior(), Ok(DumpableBehavior::NotDumpable));
        assert_eq!(getrlimit(Resource::Core), Rlimit { current: Some(0), maximum: Some(0) });
    }
}
