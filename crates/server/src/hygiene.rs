//! A process whose memory does not leave it: no core dumps, and no reading by others of its user.
//!
//! It covers what is alive. What has been freed is wiped by the allocator, see `main.rs`. Pages that
//! are swapped out are not seen to: use a swap that is encrypted, or none.

use rustix::{
    io,
    process::{Resource, Rlimit, setrlimit},
};

/// Keeps the memory of this process, and of those it starts, out of core dumps; and, on Linux, this
/// one's from debuggers and `/proc` of everybody but root.
///
/// Both are needed: the limit is inherited but does not hold where dumps go into a pipe (core(5)),
/// and the attribute holds there but is not inherited by other programs (prctl(2),
/// `PR_SET_DUMPABLE`). Elsewhere than on Linux only the limit is set.
///
/// # Errors
///
/// If the system refuses, which it has no reason to: anybody may give up so much.
pub fn keep_memory_private() -> io::Result<()> {
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
    fn nothing_of_the_process_is_dumped() {
        keep_memory_private().unwrap();
        assert_eq!(dumpable_behavior(), Ok(DumpableBehavior::NotDumpable));
        assert_eq!(getrlimit(Resource::Core), Rlimit { current: Some(0), maximum: Some(0) });
    }
}
