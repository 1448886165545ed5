//! Commands: what clients ask a region to do, and what each led to.
//!
//! ```text
//!   entry = version | limit | count | command*    command = request, epoch, write
//!           '-- how many bytes the entry's changes may have
//!
//!   write   1 put     key value                   4 add     key, 8 bytes (signed)
//!           2 delete  key                         5 append  key value
//!           3 delete range  from, optional to     6 txn     compares, then, otherwise
//! ```
//!
//! A command is evaluated when its entry is applied, on every replica alike. Kinds from 64 on are kept
//! for the region's own commands: to compact, to split, to change its peers.

mod bytes_of; // their bytes

pub use bytes_of::{decode_commands, encode_commands};
pub(super) use bytes_of::{read_key, read_outcome, read_request, write_outcome, write_request};

use super::region::{Epoch, StoreId};
use bytes::Bytes;
use std::fmt;

/// The longest entry, in bytes. A frame of the raft log holds 16 MiB.
pub const ENTRY_BYTES_MAX: usize = 8 << 20;

/// The shortest that the longest entry of a store may be, in bytes: room for a few small commands.
pub const ENTRY_BYTES_MIN: usize = 1 << 10;

/// The length of the shortest command, in bytes: one that deletes the empty key.
pub(super) const COMMAND_BYTES_MIN: usize = 53;

/// The longest key, in bytes.
pub const KEY_BYTES_MAX: usize = 64 << 10;

/// The most comparisons of a transaction, and the most writes of each of its branches. etcd's limit is the
/// same.
pub const TXN_LENGTH_MAX: usize = 128;

/// One start of one store: who has numbered a request.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Origin {
    /// The store.
    pub store: StoreId,
    /// Which life of the store it is: a number that was drawn at its bootstrap. A store that has lost its
    /// disks, and was bootstrapped again under its old number, has another one.
    pub life: u64,
    /// Which start of this life it is, from 1: it grows by one at each start.
    pub incarnation: u64,
}

/// The id of a request. A request that is repeated keeps its id, and is run once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RequestId {
    /// Who has numbered it.
    pub origin: Origin,
    /// Its number, from 1.
    pub sequence: u64,
}

/// A command of a client.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Command {
    /// The request that it serves.
    pub request: RequestId,
    /// The region's epoch, as the client knew it.
    pub epoch: Epoch,
    /// What it does.
    pub write: Write,
}

/// What a command does.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Write {
    /// Sets the value of a key.
    Put {
        /// The key.
        key: Bytes,
        /// The value.
        value: Bytes,
    },
    /// Removes a key. The key need not exist.
    Delete {
        /// The key.
        key: Bytes,
    },
    /// Removes the keys of `from..to`, within the region.
    DeleteRange {
        /// The first key that is removed.
        from: Bytes,
        /// The first key after `from` that stays; none if there is no end.
        to: Option<Bytes>,
    },
    /// Adds to a number that is written as decimal text. A missing key is 0.
    Add {
        /// The key.
        key: Bytes,
        /// What is added.
        delta: i64,
    },
    /// Appends to a value. A missing key is empty.
    Append {
        /// The key.
        key: Bytes,
        /// What is appended.
        value: Bytes,
    },
    /// Does `then` if all comparisons hold, else `otherwise`: all of it, or nothing.
    Txn {
        /// What must hold.
        compares: Vec<Compare>,
        /// What is done if it holds. Never a `Txn`.
        then: Vec<Write>,
        /// What is done if it does not. Never a `Txn`.
        otherwise: Vec<Write>,
    },
}

/// A comparison of a transaction.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Compare {
    /// The key.
    pub key: Bytes,
    /// What must hold.
    pub condition: Condition,
}

/// What a key must be.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Condition {
    /// It exists.
    Exists,
    /// It does not exist.
    Missing,
    /// It has this value.
    Equals(Bytes),
}

/// What a command led to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It was done.
    Done,
    /// The number after an `Add`.
    Number(i64),
    /// The length of the value after an `Append`, in bytes.
    Length(u64),
    /// A transaction was done.
    Txn {
        /// Whether all comparisons held.
        succeeded: bool,
        /// What the writes of the branch led to.
        results: Vec<Outcome>,
    },
    /// It was refused, and nothing was changed.
    Refused(Refusal),
    /// It is a repetition of a request so old that nobody remembers it: it was run, or not. It was not run
    /// now.
    Undetermined,
}

/// Why a command was refused when it was applied.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// A value is not a decimal number of 64 bits.
    NotANumber,
    /// A sum does not fit 64 bits.
    OutOfRange,
    /// What the command changes is too long: alone, or together with what its entry has changed before.
    TooLong {
        /// The length of the changes.
        bytes: u64,
    },
    /// The region does not hold a key.
    KeyNotInRegion,
    /// The region's range has changed since the client looked.
    EpochNotMatch {
        /// The epoch of the command.
        asked: Epoch,
    },
}

/// Why a write cannot be a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InvalidWrite {
    /// A key is too long.
    KeyTooLong {
        /// Its length.
        bytes: usize,
    },
    /// A transaction within a transaction.
    NestedTxn,
    /// A transaction with too many comparisons, or too many writes in a branch.
    TxnTooLong {
        /// How many.
        count: usize,
    },
}

/// Returns how many bytes the changes of an entry take in a batch at most, if neither the entry nor its
/// limit is longer than `entry_bytes`.
///
/// The limit counts each change as it is in a batch, but for a removed range with an end: it takes 10 bytes
/// besides its keys, and is counted with 9. In the entry it takes 10 at least.
pub fn changes_bytes_max(entry_bytes: usize) -> usize {
    entry_bytes + entry_bytes / 10
}

impl Write {
    /// Checks what no length of bytes tells: a command that fails this could be committed, and no store
    /// could read it then.
    ///
    /// # Errors
    /// [`InvalidWrite`].
    pub fn check(&self) -> Result<(), InvalidWrite> {
        let Write::Txn { compares, then, otherwise } = self else { return self.check_simple() };
        for count in [compares.len(), then.len(), otherwise.len()] {
            if count > TXN_LENGTH_MAX {
                return Err(InvalidWrite::TxnTooLong { count });
            }
        }
        compares.iter().try_for_each(|compare| check_key(&compare.key))?;
        then.iter().chain(otherwise).try_for_each(Write::check_simple)
    }

    fn check_simple(&self) -> Result<(), InvalidWrite> {
        match self {
            Write::Put { key, .. }
            | Write::Delete { key }
            | Write::Add { key, .. }
            | Write::Append { key, .. } => check_key(key),
            Write::DeleteRange { from, to } => {
                check_key(from)?;
                to.as_ref().map_or(Ok(()), check_key)
            }
            Write::Txn { .. } => Err(InvalidWrite::NestedTxn),
        }
    }
}

fn check_key(key: &Bytes) -> Result<(), InvalidWrite> {
    let bytes = key.len();
    if bytes > KEY_BYTES_MAX { Err(InvalidWrite::KeyTooLong { bytes }) } else { Ok(()) }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:x}.{}", self.store, self.life, self.incarnation)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.origin, self.sequence)
    }
}

impl fmt::Display for InvalidWrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InvalidWrite::KeyTooLong { bytes } => {
                write!(f, "a key has {bytes} bytes, but the limit is {KEY_BYTES_MAX}")
            }
            InvalidWrite::NestedTxn => write!(f, "a transaction is within a transaction"),
            InvalidWrite::TxnTooLong { count } => {
                write!(f, "a transaction has {count} parts, but the limit is {TXN_LENGTH_MAX}")
            }
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::NotANumber => write!(f, "the value is not a number"),
            Refusal::OutOfRange => write!(f, "the sum does not fit 64 bits"),
            Refusal::TooLong { bytes } => write!(f, "{bytes} bytes would be changed: too many"),
            Refusal::KeyNotInRegion => write!(f, "the region does not hold the key"),
            Refusal::EpochNotMatch { asked } => write!(f, "the region's epoch is not {asked}"),
        }
    }
}
