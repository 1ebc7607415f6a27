//! Searches bytes, and the memory of a process as Linux shows it to the process's owner.

use crate::process::Process;
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::ErrorKind,
    ops::Range,
    os::unix::fs::FileExt as _,
};

/// Bytes read at once.
const CHUNK: usize = 1 << 20;

/// Values to search for, and how often each was found. Several traces may share a name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Search {
    traces: Vec<Trace>,
    /// Bytes searched.
    pub(crate) searched: usize,
}

#[derive(Debug, Clone)]
struct Trace {
    name: &'static str,
    bytes: Vec<u8>,
    found: u32,
}

impl Search {
    /// Adds a value. It needs at least two bytes, and enough to be unlikely by chance.
    pub(crate) fn add(&mut self, name: &'static str, bytes: impl Into<Vec<u8>>) {
        self.traces.push(Trace { name, bytes: bytes.into(), found: 0 });
    }

    /// Number of values searched for.
    pub(crate) const fn len(&self) -> usize {
        self.traces.len()
    }

    /// The same search, with nothing found yet.
    pub(crate) fn anew(&self) -> Self {
        let traces = self.traces.iter().map(|trace| Trace { found: 0, ..trace.clone() }).collect();
        Self { traces, searched: 0 }
    }

    /// Total number of finds.
    pub(crate) fn found(&self) -> u32 {
        self.traces.iter().map(|trace| trace.found).sum()
    }

    /// Number of finds by name.
    pub(crate) fn names(&self) -> BTreeMap<&'static str, u32> {
        let mut names = BTreeMap::new();
        for trace in self.traces.iter().filter(|trace| trace.found > 0) {
            *names.entry(trace.name).or_default() += trace.found;
        }
        names
    }

    /// Searches `bytes`.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.begun_before(bytes, bytes.len());
    }

    /// Searches for values that begin in the first `end` bytes.
    fn begun_before(&mut self, bytes: &[u8], end: usize) {
        let mut begins = vec![false; 1 << 16];
        for pair in self.traces.iter().filter_map(|trace| trace.bytes.first_chunk()) {
            begins[usize::from(u16::from_be_bytes(*pair))] = true;
        }
        for (at, pair) in bytes.windows(2).enumerate().take(end) {
            if !begins[usize::from(pair[0]) << 8 | usize::from(pair[1])] {
                continue;
            }
            for trace in &mut self.traces {
                trace.found += u32::from(bytes[at..].starts_with(&trace.bytes));
            }
        }
        self.searched += end.min(bytes.len());
    }

    /// Searches all writable memory of a process. Returns false if the system denies access.
    pub(crate) fn memory(&mut self, process: Process) -> anyhow::Result<bool> {
        let memory = match File::open(process.file("mem")) {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => return Ok(false),
            opened => opened?,
        };
        for region in regions(&fs::read_to_string(process.file("maps"))?) {
            self.region(&memory, region);
        }
        Ok(true)
    }

    fn region(&mut self, memory: &File, region: Range<u64>) {
        let longest = self.traces.iter().map(|trace| trace.bytes.len()).max().unwrap_or(0);
        let mut chunk = vec![0; CHUNK + longest];
        let mut at = region.start;
        while at < region.end {
            let wanted = usize::try_from(region.end - at).map_or(CHUNK, |rest| rest.min(CHUNK));
            // Unmapped regions and the kernel's own pages cannot be read.
            let Ok(count) = memory.read_at(&mut chunk, at) else { return };
            if count == 0 {
                return;
            }
            let looked_at = count.min(wanted);
            self.begun_before(&chunk[..count], looked_at);
            at += looked_at as u64;
        }
    }
}

/// The writable regions in `/proc/PID/maps` (proc(5)).
fn regions(maps: &str) -> impl Iterator<Item = Range<u64>> {
    maps.lines().filter_map(|line| {
        let mut fields = line.split_whitespace();
        let (range, rights) = (fields.next()?, fields.next()?);
        let (start, end) = range.split_once('-')?;
        let address = |text| u64::from_str_radix(text, 16).ok();
        rights.starts_with("rw").then_some(address(start)?..address(end)?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process;

    #[test]
    fn a_value_in_memory_is_found() {
        let kept: Vec<u8> = (0..64_u8).map(|index| index.wrapping_mul(37) ^ 0x5a).collect();
        let mut search = Search::default();
        search.add("kept", kept.clone());
        assert!(search.memory(process::own()).unwrap());
        assert!(search.found() >= 1 && search.searched > 1 << 20);
        assert_eq!(search.names().get("kept"), Some(&search.found()));
        assert_eq!(search.anew().found(), 0);
        drop(kept);
    }

    #[test]
    fn every_occurrence_counts_even_at_the_end() {
        let mut search = Search::default();
        search.add("a", *b"aa");
        search.bytes(b"aaaa baa");
        assert_eq!(search.found(), 4);
    }
}
