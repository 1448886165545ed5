//! The wire format: messages, entries and saved state as bytes, and back.
//!
//! ```text
//!   Message  --encode_message-->  01  from to term  kind fields..   --decode_message-->  Message
//!   Entry    --encode_entry---->  01  context  kind data..          --decode_entry---->  Entry
//!            '--- its id stays outside: storage keeps it             id --^
//! ```
//!
//! The page "The wire format" of the book (`book/src/wire.md`) has every byte; a decoder can be written
//! from that page alone. This file has the public functions. `wire/message.rs`, `entry.rs` and `state.rs` have
//! one pair of functions for each type: one writes it, the other reads it. `wire/output.rs` and
//! `input.rs` have the five shapes that everything is made of.
//!
//! # Invariants
//!
//! 1. A value has exactly one encoding. So `decode(encode(x)) == x`, and `encode(decode(b)) == b` for
//!    all bytes `b` that are accepted. Two nodes that write the same entry write the same bytes.
//! 2. No input panics, and decoding does not recurse.
//! 3. Decoding allocates at most 32 bytes for each byte of the input, and 256 more, on a 64-bit machine. A
//!    length or a count is compared with the rest of the input before anything is reserved for it.
//! 4. A payload, a context or a snapshot's data is a slice of the input and no copy. So it keeps the memory of the
//!    whole input for as long as it lives.
//!
//! # Why numbers are varints
//!
//! A number is written in base 128, the low seven bits first (LEB128, the varint of Protocol Buffers).
//! Fixed 64-bit numbers are simpler and have one encoding by themselves. But most numbers of Raft are
//! small, and a heartbeat is sent to each peer of each group all the time: it has 10 bytes instead of 44.
//! The price is one rule: a number is written in as few bytes as possible, and a longer form is refused.
//!
//! # What is not here
//!
//! * Framing and checksums: the transport's, and the log engine's. An input is one whole value. A flipped bit
//!   may make another value, never an accepted input that means the same.
//! * Meaning: node 0, term 0, entries out of order and a missing term are all decoded. `Raft::step`
//!   refuses them in a message, a node that starts refuses them in saved state, and both name what is wrong.

mod message; // the envelope, and each body

mod entry; // an entry: context and payload

mod state; // hard state, members, snapshot

mod input; // what is left of an input

mod output; // where bytes go, or are only counted

use crate::entry::Entry;
use crate::error::WireError;
use crate::message::Message;
use crate::state::{ConfState, HardState, Snapshot};
use crate::types::EntryId;
use bytes::{Bytes, BytesMut};
use input::Input;
use output::{Length, Output};

/// The version that is written, and the only one that is read: the first byte of every encoding.
pub const VERSION: u8 = 1;

/// Appends a message to `to`. Nothing that `to` holds already is changed.
///
/// The caller frames it: a message does not say where it ends. [`message_len`] gives its length before.
pub fn encode_message(message: &Message, to: &mut BytesMut) {
    to.byte(VERSION);
    message::write(to, message);
}

/// Returns the number of bytes that [`encode_message`] appends. Costs a look at each entry, not at its
/// bytes.
pub fn message_len(message: &Message) -> usize {
    let mut length = Length::default();
    length.byte(VERSION);
    message::write(&mut length, message);
    length.bytes()
}

/// Returns the message that these bytes are, all of them.
///
/// Its payloads are slices of `bytes`, and keep the memory of all of it. Copy those that are kept for long.
///
/// # Errors
/// [`WireError`], if the bytes are not exactly one message of [`VERSION`].
pub fn decode_message(bytes: Bytes) -> Result<Message, WireError> {
    whole(bytes, message::read)
}

/// Appends an entry's context and payload to `to`, without its id.
pub fn encode_entry(entry: &Entry, to: &mut BytesMut) {
    to.byte(VERSION);
    entry::write(to, entry);
}

/// Appends what [`encode_entry`] does, but for the bytes of a command, which come last: returns those. A
/// storage that can write an entry in parts need not copy them together first.
pub fn encode_entry_head<'a>(entry: &'a Entry, to: &mut BytesMut) -> &'a [u8] {
    to.byte(VERSION);
    entry::write_head(to, entry)
}

/// Returns the number of bytes that [`encode_entry`] appends.
pub fn entry_len(entry: &Entry) -> usize {
    let mut length = Length::default();
    length.byte(VERSION);
    entry::write(&mut length, entry);
    length.bytes()
}

/// Returns the entry with this id and the context and payload that these bytes are. Both are slices of
/// `bytes`.
///
/// # Errors
/// [`WireError`], if the bytes are not exactly one entry of [`VERSION`].
pub fn decode_entry(id: EntryId, bytes: Bytes) -> Result<Entry, WireError> {
    whole(bytes, |input| Ok(entry::read(input)?.at(id)))
}

/// Appends a snapshot to `to`: the id of its last entry, the members, and the application's data.
pub fn encode_snapshot(snapshot: &Snapshot, to: &mut BytesMut) {
    to.byte(VERSION);
    state::write_snapshot(to, snapshot);
}

/// Returns the snapshot that these bytes are. Its data is a slice of `bytes`, and is not looked at.
///
/// # Errors
/// [`WireError`], if the bytes are not exactly one snapshot of [`VERSION`].
pub fn decode_snapshot(bytes: Bytes) -> Result<Snapshot, WireError> {
    whole(bytes, state::read_snapshot)
}

/// Appends the members of a group to `to`.
pub fn encode_conf_state(conf_state: &ConfState, to: &mut BytesMut) {
    to.byte(VERSION);
    state::write_conf_state(to, conf_state);
}

/// Returns the members that these bytes are.
///
/// # Errors
/// [`WireError`], if the bytes are not exactly one configuration of [`VERSION`].
pub fn decode_conf_state(bytes: Bytes) -> Result<ConfState, WireError> {
    whole(bytes, state::read_conf_state)
}

/// Appends term, vote and commit index to `to`.
pub fn encode_hard_state(hard_state: &HardState, to: &mut BytesMut) {
    to.byte(VERSION);
    state::write_hard_state(to, hard_state);
}

/// Returns the term, vote and commit index that these bytes are.
///
/// # Errors
/// [`WireError`], if the bytes are not exactly one hard state of [`VERSION`].
pub fn decode_hard_state(bytes: Bytes) -> Result<HardState, WireError> {
    whole(bytes, state::read_hard_state)
}

/// Reads a version, then one value, then the end of the input.
fn whole<T>(
    bytes: Bytes,
    read: impl FnOnce(&mut Input) -> Result<T, WireError>,
) -> Result<T, WireError> {
    let mut input = Input::new(bytes);
    let found = input.byte("version")?;
    if found != VERSION {
        return Err(WireError::UnknownVersion { found });
    }
    let value = read(&mut input)?;
    input.finish()?;
    Ok(value)
}
