//! What Linux reports about another process.

use anyhow::{Context as _, ensure};
use rustix::{
    process::{Pid, Resource, Rlimit, getrlimit, prlimit, setrlimit},
    thread::{CpuSet, sched_setaffinity},
};
use std::{
    fs,
    io::{self, ErrorKind},
    path::PathBuf,
    time::Duration,
};

/// A process, by its id.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Process(pub(crate) Pid);

/// A tick of `utime` and `stime`: `USER_HZ`, which is 100 on every architecture that Linux's ABI
/// names (proc(5)).
const TICK: Duration = Duration::from_millis(10);

impl Process {
    /// The path of a file in its `/proc` folder.
    pub(crate) fn file(self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{name}", self.0.as_raw_nonzero()))
    }

    /// Resident memory in KiB, private and shared. Counted page by page: `VmRSS` may lag by a few
    /// hundred KiB (proc(5)), and is used only if the page counts are not accessible.
    pub(crate) fn resident_kib(self) -> anyhow::Result<f64> {
        self.number("smaps_rollup", "Rss:").or_else(|_| self.number("status", "VmRSS:"))
    }

    /// The highest resident memory since [`Process::forget_peak`], in KiB.
    pub(crate) fn peak_kib(self) -> anyhow::Result<f64> {
        Ok(self.number("status", "VmHWM:")?.max(self.resident_kib()?))
    }

    /// Resets the peak. Without the permission to do so, the peak since the start stays, which is
    /// higher.
    pub(crate) fn forget_peak(self) -> io::Result<()> {
        match fs::write(self.file("clear_refs"), "5") {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(()),
            done => done,
        }
    }

    /// CPU time since its start, in user and kernel mode.
    pub(crate) fn cpu(self) -> anyhow::Result<Duration> {
        let stat = fs::read_to_string(self.file("stat"))?;
        // The process name comes before these fields. It may contain anything, and ends at the last
        // bracket.
        let (_, fields) = stat.rsplit_once(')').context("/proc/PID/stat has no name")?;
        let ticks: u32 = fields
            .split_whitespace()
            .skip(11)
            .take(2)
            .map(str::parse::<u32>)
            .sum::<Result<_, _>>()?;
        Ok(TICK * ticks)
    }

    /// Limits the number of open files from now on. Files that are open stay open.
    pub(crate) fn limit_files(self, files: u32) -> anyhow::Result<()> {
        let files = Some(files.into());
        prlimit(Some(self.0), Resource::Nofile, Rlimit { current: files, maximum: files })?;
        Ok(())
    }

    /// Pins all its current threads to one core.
    pub(crate) fn pin(self, core: usize) -> anyhow::Result<()> {
        for thread in fs::read_dir(self.file("task"))? {
            let name = thread?.file_name();
            let id = name.to_string_lossy().parse().ok().and_then(Pid::from_raw);
            sched_setaffinity(Some(id.context("a thread has no id")?), &only(core))?;
        }
        Ok(())
    }

    fn number(self, file: &str, name: &str) -> anyhow::Result<f64> {
        let text = fs::read_to_string(self.file(file))?;
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let value = line.and_then(|line| line.split_whitespace().next());
        Ok(value.with_context(|| format!("/proc/PID/{file} has no {name}"))?.parse()?)
    }
}

/// This process.
#[cfg(test)]
pub(crate) fn own() -> Process {
    Process(rustix::process::getpid())
}

/// Pins the calling thread to one core.
pub(crate) fn pin_this_thread(core: usize) -> anyhow::Result<()> {
    Ok(sched_setaffinity(None, &only(core))?)
}

fn only(core: usize) -> CpuSet {
    let mut cores = CpuSet::new();
    cores.set(core);
    cores
}

/// Raises the open-file limit of this process and its children to the hard limit, and returns it.
pub(crate) fn raise_file_limit() -> anyhow::Result<u64> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?;
    Ok(limit.maximum.unwrap_or(u64::MAX))
}

/// Fails early if the open-file limit is too low for so many connections. Each is one file here and
/// one in the server, which reserves some for itself.
pub(crate) fn ensure_files(connections: u32) -> anyhow::Result<()> {
    let needed = u64::from(connections) * 9 / 8 + 400;
    let limit = raise_file_limit()?;
    ensure!(
        limit >= needed,
        "{needed} open files are needed, but the hard limit is {limit}; raise it (ulimit -Hn)"
    );
    Ok(())
}

/// Cores that this process may use.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn touched_memory_is_counted() {
        own().forget_peak().unwrap();
        let before = own().resident_kib().unwrap();
        let touched = vec![1_u8; 32 << 20];
        assert!(own().resident_kib().unwrap() - before > 30.0 * 1024.0);
        drop(touched);
        assert!(own().peak_kib().unwrap() - before > 30.0 * 1024.0);
    }

    #[test]
    fn cpu_time_is_counted() {
        let before = own().cpu().unwrap();
        while own().cpu().unwrap() < before + 3 * TICK {}
    }
}
