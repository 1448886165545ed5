//! Commands and outcomes as bytes. The header of `command.rs` has the layout.

use super::{
    COMMAND_BYTES_MIN, Command, Compare, Condition, ENTRY_BYTES_MAX, KEY_BYTES_MAX, Origin,
    Outcome, Refusal, RequestId, TXN_LENGTH_MAX, Write,
};
use crate::codec::{CodecError, Input, Length, Output};
use crate::model::region::{Epoch, StoreId, read_epoch, write_epoch};
use bytes::{Bytes, BytesMut};

/// The version of an entry's bytes.
const VERSION: u8 = 1;

impl Command {
    /// Returns how many bytes a command with this write has within an entry.
    pub fn encoded_len(write: &Write) -> usize {
        let mut length = Length::default();
        let origin = Origin { store: StoreId(0), life: 0, incarnation: 0 };
        write_request(&mut length, RequestId { origin, sequence: 0 });
        write_epoch(&mut length, Epoch::default());
        write_write(&mut length, write);
        length.0
    }
}

/// Returns the bytes of an entry that holds these commands, in memory that was reserved at once. What they
/// change may have `limit` bytes together: a command that would change more is refused.
///
/// # Panics
/// If there is no command: such an entry would mean nothing.
pub fn encode_commands(commands: &[Command], limit: usize) -> Bytes {
    assert!(!commands.is_empty(), "an entry holds at least one command");
    let bytes: usize = commands.iter().map(|command| Command::encoded_len(&command.write)).sum();
    let mut to = BytesMut::with_capacity(bytes + 9);
    to.byte(VERSION);
    to.count(limit);
    to.count(commands.len());
    for command in commands {
        write_request(&mut to, command.request);
        write_epoch(&mut to, command.epoch);
        write_write(&mut to, &command.write);
    }
    to.freeze()
}

/// Returns the commands of an entry, and how many bytes they may change. Their keys and values share the
/// memory of `bytes`.
///
/// # Errors
/// [`CodecError`].
pub fn decode_commands(bytes: Bytes) -> Result<(Vec<Command>, usize), CodecError> {
    let mut input = Input::versioned(bytes, VERSION)?;
    let limit = input.u32("the limit")? as usize;
    if limit > ENTRY_BYTES_MAX {
        let (what, bytes, limit) = ("what an entry may change", limit, ENTRY_BYTES_MAX);
        return Err(CodecError::TooLong { what, bytes, limit });
    }
    let commands = input.list("the commands", COMMAND_BYTES_MIN, |input| {
        let (request, epoch) = (read_request(input)?, read_epoch(input)?);
        Ok(Command { request, epoch, write: read_write(input)? })
    })?;
    input.finish()?;
    if commands.is_empty() {
        return Err(CodecError::Empty { what: "the commands" });
    }
    Ok((commands, limit))
}

pub(in crate::model) fn write_request(to: &mut impl Output, request: RequestId) {
    to.u64(request.origin.store.0);
    to.u64(request.origin.life);
    to.u64(request.origin.incarnation);
    to.u64(request.sequence);
}

pub(in crate::model) fn read_request(from: &mut Input) -> Result<RequestId, CodecError> {
    let store = StoreId(from.u64("a request's store")?);
    let life = from.u64("a request's life")?;
    let incarnation = from.u64("a request's incarnation")?;
    let origin = Origin { store, life, incarnation };
    Ok(RequestId { origin, sequence: from.u64("a request's sequence")? })
}

fn write_write(to: &mut impl Output, write: &Write) {
    match write {
        Write::Put { key, value } => {
            to.byte(1);
            to.bytes(key);
            to.bytes(value);
        }
        Write::Delete { key } => {
            to.byte(2);
            to.bytes(key);
        }
        Write::DeleteRange { from, to: end } => {
            to.byte(3);
            to.bytes(from);
            to.byte(u8::from(end.is_some()));
            end.iter().for_each(|end| to.bytes(end));
        }
        Write::Add { key, delta } => {
            to.byte(4);
            to.bytes(key);
            to.u64(*delta as u64);
        }
        Write::Append { key, value } => {
            to.byte(5);
            to.bytes(key);
            to.bytes(value);
        }
        Write::Txn { compares, then, otherwise } => {
            to.byte(6);
            to.count(compares.len());
            compares.iter().for_each(|compare| write_compare(to, compare));
            for branch in [then, otherwise] {
                to.count(branch.len());
                branch.iter().for_each(|write| write_write(to, write));
            }
        }
    }
}

/// Reads a write that may be a transaction.
fn read_write(from: &mut Input) -> Result<Write, CodecError> {
    match from.byte("a write")? {
        6 => Ok(Write::Txn {
            compares: short(from.list("the comparisons", 5, read_compare)?)?,
            then: short(from.list("the writes", 5, read_branch_write)?)?,
            otherwise: short(from.list("the writes", 5, read_branch_write)?)?,
        }),
        kind => read_simple_write(from, kind),
    }
}

/// Checks that a list of a transaction is not too long.
fn short<T>(list: Vec<T>) -> Result<Vec<T>, CodecError> {
    let (count, limit) = (list.len(), TXN_LENGTH_MAX);
    if count > limit {
        Err(CodecError::TooMany { what: "a transaction", count, limit })
    } else {
        Ok(list)
    }
}

/// Reads a write of a transaction's branch: no transaction.
fn read_branch_write(from: &mut Input) -> Result<Write, CodecError> {
    let kind = from.byte("a write")?;
    read_simple_write(from, kind)
}

fn read_simple_write(from: &mut Input, kind: u8) -> Result<Write, CodecError> {
    if !(1..=5).contains(&kind) {
        return Err(CodecError::UnknownKind { what: "a write", found: kind });
    }
    let key = read_key(from)?;
    Ok(match kind {
        1 => Write::Put { key, value: read_value(from)? },
        2 => Write::Delete { key },
        3 => Write::DeleteRange { from: key, to: from.optional("the end of a range", read_key)? },
        4 => Write::Add { key, delta: from.u64("a number")? as i64 },
        _ => Write::Append { key, value: read_value(from)? },
    })
}

fn write_compare(to: &mut impl Output, compare: &Compare) {
    match &compare.condition {
        Condition::Exists => to.byte(1),
        Condition::Missing => to.byte(2),
        Condition::Equals(_) => to.byte(3),
    }
    to.bytes(&compare.key);
    if let Condition::Equals(value) = &compare.condition {
        to.bytes(value);
    }
}

fn read_compare(from: &mut Input) -> Result<Compare, CodecError> {
    let kind = from.byte("a comparison")?;
    let key = read_key(from)?;
    let condition = match kind {
        1 => Condition::Exists,
        2 => Condition::Missing,
        3 => Condition::Equals(read_value(from)?),
        found => return Err(CodecError::UnknownKind { what: "a comparison", found }),
    };
    Ok(Compare { key, condition })
}

pub(in crate::model) fn read_key(from: &mut Input) -> Result<Bytes, CodecError> {
    from.bytes(KEY_BYTES_MAX, "a key")
}

fn read_value(from: &mut Input) -> Result<Bytes, CodecError> {
    from.bytes(ENTRY_BYTES_MAX, "a value")
}

// Outcomes: the window of recent requests keeps them.

pub(in crate::model) fn write_outcome(to: &mut impl Output, outcome: &Outcome) {
    match outcome {
        Outcome::Done => to.byte(1),
        Outcome::Number(number) => {
            to.byte(2);
            to.u64(*number as u64);
        }
        Outcome::Length(length) => {
            to.byte(3);
            to.u64(*length);
        }
        Outcome::Txn { succeeded, results } => {
            to.byte(if *succeeded { 4 } else { 5 });
            to.count(results.len());
            results.iter().for_each(|result| write_outcome(to, result));
        }
        Outcome::Refused(refusal) => write_refusal(to, refusal),
        Outcome::Undetermined => to.byte(6),
    }
}

/// Reads an outcome that may be a transaction's.
pub(in crate::model) fn read_outcome(from: &mut Input) -> Result<Outcome, CodecError> {
    match from.byte("an outcome")? {
        kind @ (4 | 5) => {
            let results = from.list("the results", 1, |from| {
                let kind = from.byte("a result")?;
                read_simple_outcome(from, kind)
            })?;
            Ok(Outcome::Txn { succeeded: kind == 4, results })
        }
        kind => read_simple_outcome(from, kind),
    }
}

fn read_simple_outcome(from: &mut Input, kind: u8) -> Result<Outcome, CodecError> {
    Ok(match kind {
        1 => Outcome::Done,
        2 => Outcome::Number(from.u64("a number")? as i64),
        3 => Outcome::Length(from.u64("a length")?),
        6 => Outcome::Undetermined,
        kind => Outcome::Refused(read_refusal(from, kind)?),
    })
}

fn write_refusal(to: &mut impl Output, refusal: &Refusal) {
    match refusal {
        Refusal::NotANumber => to.byte(16),
        Refusal::OutOfRange => to.byte(17),
        Refusal::TooLong { bytes } => {
            to.byte(18);
            to.u64(*bytes);
        }
        Refusal::KeyNotInRegion => to.byte(19),
        Refusal::EpochNotMatch { asked } => {
            to.byte(20);
            write_epoch(to, *asked);
        }
    }
}

fn read_refusal(from: &mut Input, kind: u8) -> Result<Refusal, CodecError> {
    Ok(match kind {
        16 => Refusal::NotANumber,
        17 => Refusal::OutOfRange,
        18 => Refusal::TooLong { bytes: from.u64("a length")? },
        19 => Refusal::KeyNotInRegion,
        20 => Refusal::EpochNotMatch { asked: read_epoch(from)? },
        found => return Err(CodecError::UnknownKind { what: "an outcome", found }),
    })
}
