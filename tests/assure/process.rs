//! What Linux says about a process that is not ours.

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

/// A process, by its number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Process(pub(crate) Pid);

/// A tick of `utime` and `stime`: `USER_HZ`, which is 100 on every architecture that Linux's ABI
/// names (proc(5)).
const TICK: Duration = Duration::from_millis(10);

impl Process {
    /// A file about it.
    pub(crate) fn file(self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{name}", self.0.as_raw_nonzero()))
    }

    /// Memory that is its own or shared and in use now, in KiB. Counted page by page: `VmRSS` may be
    /// behind by a few hundred KiB (proc(5)), and is taken where the pages are nobody's business.
    pub(crate) fn resident_kib(self) -> anyhow::Result<f64> {
        self.number("smaps_rollup", "Rss:").or_else(|_| self.number("status", "VmRSS:"))
    }

    /// The most of it since [`Process::forget_peak`], in KiB.
    pub(crate) fn peak_kib(self) -> anyhow::Result<f64> {
        Ok(self.number("status", "VmHWM:")?.max(self.resident_kib()?))
    }

    /// Lets the peak begin anew from here; or, where nobody but root may, from the start, which is
    /// more.
    pub(crate) fn forget_peak(self) -> io::Result<()> {
        match fs::write(self.file("clear_refs"), "5") {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(()),
            done => done,
        }
    }

    /// Time on a core since its start, its own and the kernel's for it.
    pub(crate) fn cpu(self) -> anyhow::Result<Duration> {
        let stat = fs::read_to_string(self.file("stat"))?;
        // The name before these fields may hold anything, and ends with the last bracket.
        let (_, fields) = stat.rsplit_once(')').context("/proc/PID/stat has no name")?;
        let ticks: u32 = fields
            .split_whitespace()
            .skip(11)
            .take(2)
            .map(str::parse::<u32>)
            .sum::<Result<_, _>>()?;
        Ok(TICK * ticks)
    }

    /// Lets it open no more than so many files from now on. Those that are open stay.
    pub(crate) fn limit_files(self, files: u32) -> anyhow::Result<()> {
        let files = Some(files.into());
        prlimit(Some(self.0), Resource::Nofile, Rlimit { current: files, maximum: files })?;
        Ok(())
    }

    /// Keeps every thread that it has now on one core.
    pub(crate) fn pin(self, core: usize) -> anyhow::Result<()> {
        for thread in fs::read_dir(self.file("task"))? {
            let name = thread?.file_name();
            let id = name.to_string_lossy().parse().ok().and_then(Pid::from_raw);
            sched_setaffinity(Some(id.context("a thread without a number")?), &only(core))?;
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

/// Keeps the thread that calls this on one core.
pub(crate) fn pin_this_thread(core: usize) -> anyhow::Result<()> {
    Ok(sched_setaffinity(None, &only(core))?)
}

fn only(core: usize) -> CpuSet {
    let mut cores = CpuSet::new();
    cores.set(core);
    cores
}

/// Raises the number of files that this process and its children may have as far as it goes.
pub(crate) fn raise_file_limit() -> anyhow::Result<u64> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?;
    Ok(limit.maximum.unwrap_or(u64::MAX))
}

/// Fails early, and with the reason, where a run with so many connections would fail late and without:
/// each is an open file here and one of the server, which keeps some for itself.
pub(crate) fn ensure_files(connections: u32) -> anyhow::Result<()> {
    let needed = u64::from(connections) * 9 / 8 + 400;
    let limit = raise_file_limit()?;
    ensure!(limit >= needed, "needs {needed} files at once; the hard limit is {limit}");
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
    fn what_is_touched_is_seen() {
        own().forget_peak().unwrap();
        let before = own().resident_kib().unwrap();
        let touched = vec![1_u8; 32 << 20];
        assert!(own().resident_kib().unwrap() - before > 30.0 * 1024.0);
        drop(touched);
        assert!(own().peak_kib().unwrap() - before > 30.0 * 1024.0);
    }

    #[test]
    fn work_is_seen() {
        let before = own().cpu().unwrap();
        while own().cpu().unwrap() < before + 3 * TICK {}
    }
}
