//! An entry: the proposer's mark (`context`), and the payload (§5.3, §6).
//!
//! ```text
//!   entry     context:bytes  payload                      the id is before it, or in storage
//!   payload   1 Noop | 2 Normal bytes | 3 Change change | 4 ChangeV2 transition changes
//!   change    1 AddVoter | 2 AddLearner | 3 Remove, then the node
//! ```
//!
//! Invariant: the numbers of kinds are never used again for something else. A log keeps entries for
//! years.

use super::input::Input;
use super::output::Output;
use crate::entry::{ChangeKind, ConfChange, ConfChangeV2, Entry, Payload, Transition};
use crate::error::WireError;
use crate::types::{EntryId, Index, NodeId, Term};

/// The shortest entry of a list: index, term, an empty context, and Noop, a byte each.
const ENTRY_BYTES_MIN: usize = 4;

/// The shortest change: its kind, and a node.
const CHANGE_BYTES_MIN: usize = 2;

/// Writes context and payload.
pub(super) fn write(to: &mut impl Output, entry: &Entry) {
    to.bytes_with_length(entry.context());
    write_payload(to, entry.payload());
}

/// Writes context and payload, but for a command's own bytes, which come last: returns those.
pub(super) fn write_head<'a>(to: &mut impl Output, entry: &'a Entry) -> &'a [u8] {
    to.bytes_with_length(entry.context());
    match entry.payload() {
        Payload::Normal(data) => {
            to.byte(2);
            to.count(data.len());
            data
        }
        other @ (Payload::Noop | Payload::Change(_) | Payload::ChangeV2(_)) => {
            write_payload(to, other);
            &[]
        }
    }
}

/// Reads context and payload: an entry without an id.
pub(super) fn read(from: &mut Input) -> Result<Entry, WireError> {
    let context = from.bytes("context")?;
    Ok(Entry::marked(context, read_payload(from)?))
}

/// Writes entries with their ids.
pub(super) fn write_list(to: &mut impl Output, entries: &[Entry]) {
    to.count(entries.len());
    for entry in entries {
        write_id(to, entry.id);
        write(to, entry);
    }
}

/// Reads entries with their ids. Whether they follow one another is for `step` to judge.
pub(super) fn read_list(from: &mut Input) -> Result<Vec<Entry>, WireError> {
    let count = from.count("entries", ENTRY_BYTES_MIN)?;
    let mut entries = Vec::with_capacity(count);
    for _ in 0..count {
        let id = read_id(from, "entry")?;
        entries.push(read(from)?.at(id));
    }
    Ok(entries)
}

/// Writes an entry's id: the index first, as in `5@2`.
pub(super) fn write_id(to: &mut impl Output, id: EntryId) {
    to.number(id.index.0);
    to.number(id.term.0);
}

/// Reads an entry's id.
pub(super) fn read_id(from: &mut Input, what: &'static str) -> Result<EntryId, WireError> {
    let index = Index(from.number(what)?);
    let term = Term(from.number(what)?);
    Ok(EntryId { term, index })
}

/// Writes whether there is an entry, and its id.
pub(super) fn write_optional_id(to: &mut impl Output, id: Option<EntryId>) {
    to.flag(id.is_some());
    if let Some(id) = id {
        write_id(to, id);
    }
}

/// Reads an entry's id, if there is one.
pub(super) fn read_optional_id(
    from: &mut Input,
    what: &'static str,
) -> Result<Option<EntryId>, WireError> {
    if from.flag(what)? { read_id(from, what).map(Some) } else { Ok(None) }
}

fn write_payload(to: &mut impl Output, payload: &Payload) {
    match payload {
        Payload::Noop => to.byte(1),
        Payload::Normal(data) => {
            to.byte(2);
            to.bytes_with_length(data);
        }
        Payload::Change(change) => {
            to.byte(3);
            write_change(to, change);
        }
        Payload::ChangeV2(ConfChangeV2 { transition, changes }) => {
            to.byte(4);
            to.byte(match transition {
                Transition::Auto => 1,
                Transition::Implicit => 2,
                Transition::Explicit => 3,
            });
            to.count(changes.len());
            changes.iter().for_each(|change| write_change(to, change));
        }
    }
}

fn read_payload(from: &mut Input) -> Result<Payload, WireError> {
    match from.byte("payload")? {
        1 => Ok(Payload::Noop),
        2 => Ok(Payload::Normal(from.bytes("data")?)),
        3 => Ok(Payload::Change(read_change(from)?)),
        4 => Ok(Payload::ChangeV2(read_changes(from)?)),
        found => Err(from.unknown_kind("payload", found)),
    }
}

fn read_changes(from: &mut Input) -> Result<ConfChangeV2, WireError> {
    let transition = match from.byte("transition")? {
        1 => Transition::Auto,
        2 => Transition::Implicit,
        3 => Transition::Explicit,
        found => return Err(from.unknown_kind("transition", found)),
    };
    let count = from.count("changes", CHANGE_BYTES_MIN)?;
    let mut changes = Vec::with_capacity(count);
    for _ in 0..count {
        changes.push(read_change(from)?);
    }
    Ok(ConfChangeV2 { transition, changes })
}

fn write_change(to: &mut impl Output, change: &ConfChange) {
    let ConfChange { kind, node } = change;
    to.byte(match kind {
        ChangeKind::AddVoter => 1,
        ChangeKind::AddLearner => 2,
        ChangeKind::Remove => 3,
    });
    to.number(node.0);
}

fn read_change(from: &mut Input) -> Result<ConfChange, WireError> {
    let kind = match from.byte("change")? {
        1 => ChangeKind::AddVoter,
        2 => ChangeKind::AddLearner,
        3 => ChangeKind::Remove,
        found => return Err(from.unknown_kind("change", found)),
    };
    Ok(ConfChange { kind, node: NodeId(from.number("node")?) })
}
