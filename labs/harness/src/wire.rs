//! How a worker reports to its suite: lines on standard output that carry a secret.
//!
//! ```text
//!   whatever the student prints
//!   raftwright <nonce> <message>.<part>/<parts> {"verdict": ...
//!   raftwright <nonce> <message>.<part>/<parts> ... }
//! ```
//!
//! The student's code may print anything. It does not know the nonce, which came on standard input and
//! is only in the worker's memory. A message is cut into short parts, so that the operating system writes
//! each part in one piece (512 bytes: the minimum of any POSIX pipe). Each part has its own line breaks:
//! a thread that prints without end cannot break a verdict into pieces.
//!
//! Invariant: reading uses bounded memory, whatever the worker writes, and never stops early.

use crate::report::Report;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

const MARK: &str = "raftwright";
/// The most bytes of one part, line breaks included.
const PART_BYTES_MAX: usize = 512;
const CARGO_BYTES: usize = 384;
/// The most bytes of a whole message: a card is 40 lines of 80 columns.
const MESSAGE_BYTES_MAX: usize = 256 * 1024;
/// How much of a printed line is kept.
const PRINTED_LINE_BYTES_MAX: usize = 400;
/// How many printed lines are kept.
const PRINTED_LINES_MAX: usize = 200;

/// What a worker reports.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) enum WorkerWord {
    /// What the test is about to do: reported in its second run, in case no verdict follows.
    Doing {
        /// In words; may be empty.
        what: String,
        /// The functions that this leads to, of those that students write.
        within: Vec<String>,
        /// The seed that is running.
        seed: Option<u64>,
    },
    /// The first panic, at once: the process may not live to say more.
    Panicked(Report),
    /// How the test ended. The last report.
    Verdict(Report),
}

/// A secret of 128 bits.
pub(crate) fn nonce() -> String {
    use std::hash::{BuildHasher, RandomState};
    let half = || RandomState::new().hash_one(std::process::id());
    format!("{:016x}{:016x}", half(), half())
}

/// The worker's end.
pub(crate) struct Speaker {
    nonce: String,
    to: Mutex<(File, u64)>,
}

impl Speaker {
    /// Reports to `to`; `nonce` proves who it is.
    pub(crate) fn new(nonce: String, to: File) -> Self {
        Speaker { nonce, to: Mutex::new((to, 0)) }
    }

    /// Sends a report. If the reader is gone, nothing is lost.
    pub(crate) fn say(&self, word: &WorkerWord) {
        let Ok(text) = serde_json::to_vec(word) else { return };
        let mut to = self.to.lock().unwrap_or_else(PoisonError::into_inner);
        to.1 += 1;
        let parts: Vec<&[u8]> = text.chunks(CARGO_BYTES).collect();
        for (at, part) in parts.iter().enumerate() {
            let head = format!("\n{MARK} {} {}.{}/{} ", self.nonce, to.1, at + 1, parts.len());
            let line = [head.as_bytes(), part, b"\n"].concat();
            debug_assert!(line.len() <= PART_BYTES_MAX, "a part is written in one piece");
            if to.0.write_all(&line).is_err() {
                return;
            }
        }
    }
}

/// The suite's end: separates reports from prints.
pub(crate) struct Listener {
    prefix: Vec<u8>,
    line: Vec<u8>,
    /// Bytes of this line that were thrown away.
    lost: bool,
    parts: BTreeMap<u64, Vec<u8>>,
    printed: Printed,
}

impl Listener {
    /// Reads from the worker that knows `nonce`; without one, only prints.
    pub(crate) fn new(nonce: Option<&str>) -> Self {
        let prefix = nonce.map(|nonce| format!("{MARK} {nonce} ").into_bytes()).unwrap_or_default();
        let (line, parts, printed) = (Vec::new(), BTreeMap::new(), Printed::default());
        Listener { prefix, line, lost: false, parts, printed }
    }

    /// Takes some bytes; returns the reports that are complete now.
    pub(crate) fn hear(&mut self, bytes: &[u8]) -> Vec<WorkerWord> {
        let mut words = Vec::new();
        for &byte in bytes {
            if byte == b'\n' {
                words.extend(self.end_line());
            } else if self.line.len() < PART_BYTES_MAX {
                self.line.push(byte);
            } else {
                self.lost = true;
            }
        }
        words
    }

    /// Ends with what was printed.
    pub(crate) fn finish(mut self) -> Printed {
        // An unfinished line is a print: a part of a report ends with its line break.
        self.prefix.clear();
        self.end_line();
        self.printed
    }

    fn end_line(&mut self) -> Option<WorkerWord> {
        let line = std::mem::take(&mut self.line);
        let lost = std::mem::take(&mut self.lost);
        if !self.prefix.is_empty() && line.starts_with(&self.prefix) {
            return self.take_part(&line[self.prefix.len()..]);
        }
        if !line.is_empty() {
            self.printed.push(&line, lost);
        }
        None
    }

    /// Puts parts together. A worker with the nonce numbers its parts correctly; a broken report is dropped.
    fn take_part(&mut self, text: &[u8]) -> Option<WorkerWord> {
        let space = text.iter().position(|&b| b == b' ')?;
        let (message, part) = std::str::from_utf8(&text[..space]).ok()?.split_once('.')?;
        let (part, parts) = part.split_once('/')?;
        let message: u64 = message.parse().ok()?;
        let whole = self.parts.entry(message).or_default();
        if whole.len() <= MESSAGE_BYTES_MAX {
            whole.extend_from_slice(&text[space + 1..]);
        }
        if part != parts {
            return None;
        }
        let whole = self.parts.remove(&message)?;
        serde_json::from_slice(&whole).ok()
    }
}

/// What the student's code printed: the last lines, and how many there were.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Printed {
    last: VecDeque<String>,
    lines: u64,
}

impl Printed {
    fn push(&mut self, line: &[u8], lost: bool) {
        let shown = &line[..line.len().min(PRINTED_LINE_BYTES_MAX)];
        let mut text = String::from_utf8_lossy(shown).into_owned();
        if lost || shown.len() < line.len() {
            text.push_str(" ...");
        }
        if self.last.len() == PRINTED_LINES_MAX {
            self.last.pop_front();
        }
        self.last.push_back(text);
        self.lines += 1;
    }

    /// Leaves out lines that the student's code did not print on purpose.
    pub(crate) fn without(mut self, is_noise: impl Fn(&str) -> bool) -> Self {
        let before = self.last.len();
        self.last.retain(|line| !is_noise(line));
        self.lines -= (before - self.last.len()) as u64;
        self
    }

    /// Adds what was printed elsewhere.
    pub(crate) fn and(mut self, other: Printed) -> Printed {
        self.last.extend(other.last);
        self.lines += other.lines;
        self
    }

    /// Returns how many lines there were.
    pub(crate) fn lines(&self) -> u64 {
        self.lines
    }

    /// Returns the last lines, in order.
    pub(crate) fn last(&self) -> impl DoubleEndedIterator<Item = &str> + ExactSizeIterator {
        self.last.iter().map(String::as_str)
    }
}

#[cfg(test)]
mod tests;
