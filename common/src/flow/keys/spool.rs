//! Sorts streams of records in bounded memory: what does not fit goes to a temporary file, as
//! sorted runs, and is merged from there.
//!
//! Knows records; knows no constraint. The file has no name, so nothing of it stays behind.

use super::record::{BYTES, Record};
use crate::fault::{Code, Fault, Result};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// Records that are written or read at once, at the most and at the least.
const BLOCK: usize = 10_000;
const SMALLEST_BLOCK: usize = 170;

/// Records of several streams, added from any thread.
#[derive(Debug)]
pub(super) struct Spool {
    /// Records in memory, at the most.
    limit: usize,
    folder: PathBuf,
    file: OnceLock<File>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Records in memory, by stream.
    buffers: Vec<Vec<Record>>,
    /// How many there are in all.
    held: usize,
    /// Sorted runs in the file, by stream.
    runs: Vec<Vec<Run>>,
    /// Where the next run begins.
    end: u64,
}

impl State {
    /// Takes all records out of memory, with a place in the file for each stream's.
    fn spill(&mut self) -> Vec<(usize, Run, Vec<Record>)> {
        let mut spilled = Vec::new();
        for (stream, buffer) in self.buffers.iter_mut().enumerate() {
            if !buffer.is_empty() {
                let records = std::mem::take(buffer);
                let run = Run {
                    start: self.end,
                    records: records.len() as u64,
                };
                self.end += run.records * BYTES as u64;
                spilled.push((stream, run, records));
            }
        }
        self.held = 0;
        spilled
    }
}

/// A sorted run in the file.
#[derive(Debug, Clone, Copy)]
struct Run {
    start: u64,
    records: u64,
}

impl Spool {
    /// For `streams` streams, in about `budget` bytes; what does not fit goes to `folder`.
    pub(super) fn new(streams: usize, budget: usize, folder: PathBuf) -> Self {
        Spool {
            // A vector that grows may have room for twice what it holds.
            limit: std::cmp::max(budget / BYTES / 2, 1),
            folder,
            file: OnceLock::new(),
            state: Mutex::new(State {
                buffers: vec![Vec::new(); streams],
                held: 0,
                runs: vec![Vec::new(); streams],
                end: 0,
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The state is consistent whenever the lock is free, also after a panic elsewhere.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds records to a stream. When there are too many, all that are in memory become runs: so
    /// streams that get no more leave, and the runs of others stay long.
    pub(super) fn add(&self, stream: usize, records: &[Record]) -> Result<()> {
        let mut state = self.state();
        state.buffers[stream].extend_from_slice(records);
        state.held += records.len();
        if state.held <= self.limit {
            return Ok(());
        }
        let spilled = state.spill();
        // Others go on while this one sorts and writes.
        drop(state);
        for (stream, run, records) in spilled {
            self.write(run, records)?;
            self.state().runs[stream].push(run);
        }
        Ok(())
    }

    fn write(&self, run: Run, mut records: Vec<Record>) -> Result<()> {
        records.sort_unstable();
        let file = self.file()?;
        let mut block = Vec::with_capacity(BLOCK * BYTES);
        let mut at = run.start;
        for records in records.chunks(BLOCK) {
            block.clear();
            for record in records {
                block.extend_from_slice(&record.to_bytes());
            }
            file.write_all_at(&block, at).map_err(|cause| {
                Fault::new(Code::Spool, "cannot write a temporary file")
                    .at(self.folder.display())
                    .because(cause)
            })?;
            at += block.len() as u64;
        }
        Ok(())
    }

    fn file(&self) -> Result<&File> {
        if let Some(file) = self.file.get() {
            return Ok(file);
        }
        let file = tempfile::tempfile_in(&self.folder).map_err(|cause| {
            Fault::new(Code::Spool, "cannot create a temporary file")
                .at(self.folder.display())
                .because(cause)
        })?;
        // When two threads come here at once, one of two empty files is let go.
        Ok(self.file.get_or_init(|| file))
    }

    /// No more records will come: sorts what is in memory.
    pub(super) fn sort(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        for buffer in &mut state.buffers {
            buffer.sort_unstable();
        }
    }

    /// The records of one stream in order; `sort` was called before.
    pub(super) fn sorted(&mut self, streams: &[usize]) -> Result<Vec<Sorted<'_>>> {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        let runs: usize = streams.iter().map(|stream| state.runs[*stream].len()).sum();
        let share = self.limit / std::cmp::max(runs, 1);
        let block = share.clamp(SMALLEST_BLOCK, BLOCK) as u64;
        let state = &*state;
        let merged = streams.iter().map(|stream| {
            let memory = Source::Memory(state.buffers[*stream].iter());
            // Without a file there are no runs.
            let files = self.file.get().into_iter();
            let on_disk = files.flat_map(|file| {
                state.runs[*stream].iter().map(move |run| {
                    Source::Disk(RunReader {
                        file,
                        run: *run,
                        block,
                        bytes: Vec::new(),
                        at: 0,
                    })
                })
            });
            Sorted::new(std::iter::once(memory).chain(on_disk).collect())
        });
        merged.collect()
    }

    /// How many runs are in the file.
    #[cfg(test)]
    pub(super) fn runs(&self) -> usize {
        self.state().runs.iter().map(Vec::len).sum()
    }
}

/// A sorted sequence of records.
#[derive(Debug)]
enum Source<'a> {
    Memory(std::slice::Iter<'a, Record>),
    Disk(RunReader<'a>),
}

impl Source<'_> {
    fn next(&mut self) -> Result<Option<Record>> {
        match self {
            Source::Memory(records) => Ok(records.next().copied()),
            Source::Disk(run) => run.next(),
        }
    }
}

/// Reads a run block by block.
#[derive(Debug)]
struct RunReader<'a> {
    file: &'a File,
    /// What has not been read yet.
    run: Run,
    /// Records to read at once.
    block: u64,
    bytes: Vec<u8>,
    at: usize,
}

impl RunReader<'_> {
    fn next(&mut self) -> Result<Option<Record>> {
        if self.at == self.bytes.len() && !self.read()? {
            return Ok(None);
        }
        let record = self.bytes[self.at..].first_chunk().map(Record::from_bytes);
        self.at += BYTES;
        Ok(record)
    }

    /// Reads the next block; false at the end of the run.
    fn read(&mut self) -> Result<bool> {
        let records = std::cmp::min(self.run.records, self.block);
        let length = records * BYTES as u64;
        self.bytes.resize(usize::try_from(length).unwrap_or(0), 0);
        self.file
            .read_exact_at(&mut self.bytes, self.run.start)
            .map_err(|cause| {
                Fault::new(Code::Spool, "cannot read a temporary file").because(cause)
            })?;
        self.run.start += length;
        self.run.records -= records;
        self.at = 0;
        Ok(records > 0)
    }
}

/// Merges sorted sequences into one.
#[derive(Debug)]
pub(super) struct Sorted<'a> {
    sources: Vec<Source<'a>>,
    /// The next record of each source that has one.
    heads: BinaryHeap<Reverse<(Record, usize)>>,
}

impl<'a> Sorted<'a> {
    fn new(mut sources: Vec<Source<'a>>) -> Result<Self> {
        let mut heads = BinaryHeap::with_capacity(sources.len());
        for (number, source) in sources.iter_mut().enumerate() {
            if let Some(record) = source.next()? {
                heads.push(Reverse((record, number)));
            }
        }
        Ok(Sorted { sources, heads })
    }

    /// The next record, in order of key and row.
    pub(super) fn next(&mut self) -> Result<Option<Record>> {
        let Some(mut head) = self.heads.peek_mut() else {
            return Ok(None);
        };
        let Reverse((record, number)) = *head;
        match self.sources[number].next()? {
            Some(following) => *head = Reverse((following, number)),
            None => {
                std::collections::binary_heap::PeekMut::pop(head);
            }
        }
        Ok(Some(record))
    }
}
