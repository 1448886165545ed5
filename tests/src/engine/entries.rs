//! Entries whose bytes are their ids, and options for a small log.
//!
//! ```text
//!   run(5, &[2, 2, 3])      5@2 6@2 7@3; the bytes of each are its id: "5@2;"
//!   entry(5, 2, 10)         5@2, of 10 bytes: "5@2;5@2;5@"
//! ```

use storage::{Entry, EntryId, Options};

/// Returns an entry id: `at(3, 2)` is 3@2.
pub fn at(index: u64, term: u64) -> EntryId {
    EntryId::new(index, term)
}

/// Returns an entry of `len` bytes: its id, again and again.
pub fn entry(index: u64, term: u64, len: usize) -> Entry {
    let id = at(index, term);
    let name = format!("{id};").into_bytes();
    Entry { id, data: name.into_iter().cycle().take(len).collect() }
}

/// Returns the entry whose bytes are its id, once.
pub fn short(index: u64, term: u64) -> Entry {
    entry(index, term, format!("{};", at(index, term)).len())
}

/// Returns such entries of these terms, the first of them at `first`.
pub fn run(first: u64, terms: &[u64]) -> Vec<Entry> {
    (first..).zip(terms).map(|(index, &term)| short(index, term)).collect()
}

/// Says which entries these are: `5@2 6@2`; an entry with other bytes than its own is marked.
pub fn names(entries: &[Entry]) -> String {
    let own = |held: &Entry| entry(held.id.index.0, held.id.term.0, held.data.len());
    let name = |held: &Entry| match *held == own(held) {
        true => held.id.to_string(),
        false => format!("{}(other bytes)", held.id),
    };
    let names: Vec<String> = entries.iter().map(name).collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(" ") }
}

/// Options with which a small log has many segments, and all of its garbage is worth collecting.
pub fn small() -> Options {
    Options {
        segment_bytes: 8192,
        max_batch_bytes: 2048,
        collect_above_bytes: 0,
        lagging_group_bytes: 1 << 20,
        force_above_bytes: 0,
        ..Options::default()
    }
}
