//! What a search remembers: states by number, what operations lead to, and which configurations it has seen.
//!
//! ```text
//!   state 0 "absent"     (state 0, operation 3) -> state 1       configuration: the operations that have
//!   state 1 "7"          (state 0, operation 4) -> impossible    happened, and the state behind them
//! ```
//!
//! All of it is a memory of work that was done, and none of it decides. A search that forgets does the work
//! again, and ends with the same verdict.

use crate::fingerprint::Fingerprint;
use std::collections::HashMap;
use std::hash::Hash;
use std::rc::Rc;

/// The number of a state.
pub(super) type StateNumber = u32;

/// The bytes of a state's number, of its place in the map, and of what an allocator adds.
const BYTES_PER_STATE: usize = 96;

/// The states that were met, and their numbers.
pub(super) struct States<S> {
    values: Vec<Rc<S>>,
    numbers: HashMap<Rc<S>, StateNumber>,
    bytes: usize,
}

impl<S: Eq + Hash> States<S> {
    /// Returns an empty collection.
    pub(super) fn new() -> States<S> {
        States { values: Vec::new(), numbers: HashMap::new(), bytes: 0 }
    }

    /// Returns a state.
    pub(super) fn get(&self, number: StateNumber) -> &Rc<S> {
        &self.values[number as usize]
    }

    /// Returns the number of a state, which is a new one if the state is. `bytes` is its size.
    pub(super) fn number_of(&mut self, state: Rc<S>, bytes: impl Fn(&S) -> usize) -> StateNumber {
        if let Some(number) = self.numbers.get(&state) {
            return *number;
        }
        let number = StateNumber::try_from(self.values.len()).expect("memory for fewer states");
        self.bytes += BYTES_PER_STATE + bytes(&state);
        self.values.push(state.clone());
        self.numbers.insert(state, number);
        number
    }

    /// Returns how many bytes the states take, about.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

/// A table of rows of words: a key each, and what belongs to it. The first word of a row is not 0.
///
/// All rows are in one array. A row is looked for from the place that the hash of its key names.
pub(super) struct RowTable {
    words: Vec<u64>,
    width: usize,
    key_words: usize,
    rows: usize,
}

/// How many rows a table has room for at first.
const ROWS_MIN: usize = 64;

impl RowTable {
    /// Returns an empty table. Of each row of `width` words, the first `key_words` are the key.
    pub(super) fn new(width: usize, key_words: usize) -> RowTable {
        RowTable { words: vec![0; ROWS_MIN * width], width, key_words, rows: 0 }
    }

    /// Returns where a key's row begins, or where it would begin.
    pub(super) fn find(&self, key: &[u64]) -> Result<usize, usize> {
        let places = self.words.len() / self.width;
        let mut place = hash(key) as usize & (places - 1);
        loop {
            let at = place * self.width;
            if self.words[at] == 0 {
                return Err(at);
            }
            if self.words[at..at + self.key_words] == *key {
                return Ok(at);
            }
            place = (place + 1) & (places - 1);
        }
    }

    /// Returns a word of the row that begins at `at`.
    pub(super) fn word(&self, at: usize, word: usize) -> u64 {
        self.words[at + word]
    }

    /// Puts a row where [`RowTable::find`] said that it would begin.
    pub(super) fn put(&mut self, at: usize, row: &[u64]) {
        self.words[at..at + self.width].copy_from_slice(row);
        self.rows += 1;
        if self.is_full() {
            self.grow();
        }
    }

    /// Returns whether a table with one row more is doubled.
    pub(super) fn is_almost_full(&self) -> bool {
        4 * (self.rows + 1) * self.width > 3 * self.words.len()
    }

    fn is_full(&self) -> bool {
        4 * self.rows * self.width > 3 * self.words.len()
    }

    fn grow(&mut self) {
        let larger = vec![0; 2 * self.words.len()];
        let old = std::mem::replace(&mut self.words, larger);
        for row in old.chunks_exact(self.width).filter(|row| row[0] != 0) {
            let at = self.find(&row[..self.key_words]).expect_err("each key has one row");
            self.words[at..at + self.width].copy_from_slice(row);
        }
    }

    /// Returns how many bytes it takes.
    pub(super) fn bytes(&self) -> usize {
        size_of::<u64>() * self.words.len()
    }

    /// Returns how many bytes it takes while one row more is put: a table that is doubled is there twice.
    pub(super) fn bytes_with_one_more(&self) -> usize {
        self.bytes() * if self.is_almost_full() { 3 } else { 1 }
    }
}

/// Returns a hash of some words. Only the speed depends on it.
fn hash(words: &[u64]) -> u64 {
    let fold = |hash: u64, word: &u64| {
        let mixed = (hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed ^ (mixed >> 29)
    };
    let hash = words.iter().fold(0x243f_6a88_85a3_08d3, fold).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash ^ (hash >> 32)
}

/// The fingerprint of a configuration: that of a set of operations, and of a state.
///
/// ```text
///   {1, 3} and state 2:   operation 1 ^ operation 3 ^ state 2      one ^ adds an operation or removes it
/// ```
///
/// Two configurations with one fingerprint make a search skip one of them: it may call a history illegal
/// that is not. Among m configurations this has a probability of about m² / 2¹²⁹.
pub(super) struct SetPrint {
    operations: Vec<u128>,
    states: Vec<u128>,
    set: u128,
}

impl SetPrint {
    /// Returns the fingerprint of no operation, out of so many.
    pub(super) fn new(count: usize) -> SetPrint {
        let operations = (0..count as u64).map(|operation| print_of(1, operation)).collect();
        SetPrint { operations, states: Vec::new(), set: 0 }
    }

    /// Adds an operation that is not in the set, or removes one that is.
    pub(super) fn toggle(&mut self, operation: u32) {
        self.set ^= self.operations[operation as usize];
    }

    /// Returns the fingerprint of the set and a state, as a row of which the first word is not 0.
    pub(super) fn with(&mut self, state: StateNumber) -> [u64; 2] {
        while self.states.len() <= state as usize {
            self.states.push(print_of(2, self.states.len() as u64));
        }
        let print = self.set ^ self.states[state as usize];
        [((print >> 64) as u64).max(1), print as u64]
    }
}

fn print_of(purpose: u64, number: u64) -> u128 {
    // Two words: a purpose alone would only be mixed into the number.
    let mut print = Fingerprint::new(0);
    print.words([purpose, number]);
    print.wide()
}
