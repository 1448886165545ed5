//! A value of any type that the codec knows: so that one test covers all five.

use crate::draw;
use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use raft::{ConfState, Entry, EntryId, HardState, Message, Snapshot, WireError, wire};
use std::fmt;

/// What can be encoded by itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Value {
    Message(Message),
    Entry(Entry),
    Snapshot(Snapshot),
    ConfState(ConfState),
    HardState(HardState),
}

/// Which type bytes are read as. An entry's id is not among its bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Type {
    Message,
    Entry(EntryId),
    Snapshot,
    ConfState,
    HardState,
}

impl Type {
    pub(super) const ALL: [Type; 5] = [
        Type::Message,
        Type::Entry(EntryId { term: raft::Term(2), index: raft::Index(5) }),
        Type::Snapshot,
        Type::ConfState,
        Type::HardState,
    ];

    /// Returns the name, as the page and the golden file have it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Type::Message => "message",
            Type::Entry(_) => "entry",
            Type::Snapshot => "snapshot",
            Type::ConfState => "conf_state",
            Type::HardState => "hard_state",
        }
    }

    pub(super) fn decode(self, bytes: Bytes) -> Result<Value, WireError> {
        match self {
            Type::Message => wire::decode_message(bytes).map(Value::Message),
            Type::Entry(id) => wire::decode_entry(id, bytes).map(Value::Entry),
            Type::Snapshot => wire::decode_snapshot(bytes).map(Value::Snapshot),
            Type::ConfState => wire::decode_conf_state(bytes).map(Value::ConfState),
            Type::HardState => wire::decode_hard_state(bytes).map(Value::HardState),
        }
    }
}

impl Value {
    pub(super) fn of_type(&self) -> Type {
        match self {
            Value::Message(_) => Type::Message,
            Value::Entry(entry) => Type::Entry(entry.id),
            Value::Snapshot(_) => Type::Snapshot,
            Value::ConfState(_) => Type::ConfState,
            Value::HardState(_) => Type::HardState,
        }
    }

    /// Appends the encoding to what `to` holds.
    pub(super) fn encode_to(&self, to: &mut BytesMut) {
        match self {
            Value::Message(message) => wire::encode_message(message, to),
            Value::Entry(entry) => {
                let (mut head, begin) = (BytesMut::new(), to.len());
                let data = wire::encode_entry_head(entry, &mut head);
                wire::encode_entry(entry, to);
                assert_eq!([&head, data].concat(), to[begin..], "in two parts, and in one");
            }
            Value::Snapshot(snapshot) => wire::encode_snapshot(snapshot, to),
            Value::ConfState(conf_state) => wire::encode_conf_state(conf_state, to),
            Value::HardState(hard_state) => wire::encode_hard_state(hard_state, to),
        }
    }

    pub(super) fn encode(&self) -> Bytes {
        let mut to = BytesMut::new();
        self.encode_to(&mut to);
        to.freeze()
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Message(message) => write!(f, "{message}"),
            Value::Entry(entry) => {
                write!(f, "{} {:?} {:?}", entry.id, entry.context(), entry.payload())
            }
            Value::Snapshot(snapshot) => write!(f, "{snapshot:?}"),
            Value::ConfState(conf_state) => write!(f, "{conf_state:?}"),
            Value::HardState(hard_state) => write!(f, "{hard_state:?}"),
        }
    }
}

/// Any value: a message mostly.
pub(super) fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        6 => draw::message().prop_map(Value::Message),
        2 => draw::entry().prop_map(Value::Entry),
        1 => draw::snapshot().prop_map(Value::Snapshot),
        1 => draw::conf_state().prop_map(Value::ConfState),
        1 => draw::hard_state().prop_map(Value::HardState),
    ]
}

/// Writes bytes as the golden file and the page do: `01 ac 02`.
pub(super) fn hex(bytes: &[u8]) -> String {
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    pairs.join(" ")
}

/// Reads what [`hex`] writes.
pub(super) fn unhex(text: &str) -> Bytes {
    let byte = |pair| u8::from_str_radix(pair, 16).unwrap_or_else(|_| panic!("{pair} is no byte"));
    text.split_whitespace().map(byte).collect::<Vec<u8>>().into()
}
