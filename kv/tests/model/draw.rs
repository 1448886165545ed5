//! Any command.

use bytes::Bytes;
use kv::model::{Command, Compare, Condition, Epoch, Origin, RequestId, StoreId, Write};
use proptest::prelude::*;

pub(crate) fn any_bytes() -> impl Strategy<Value = Bytes> {
    proptest::collection::vec(any::<u8>(), 0..12).prop_map(Bytes::from)
}

pub(crate) fn any_request() -> impl Strategy<Value = RequestId> {
    any::<(u64, u64, u64, u64)>().prop_map(|(store, life, incarnation, sequence)| RequestId {
        origin: Origin { store: StoreId(store), life, incarnation },
        sequence,
    })
}

pub(crate) fn any_simple_write(key: BoxedStrategy<Bytes>) -> impl Strategy<Value = Write> {
    prop_oneof![
        (key.clone(), any_bytes()).prop_map(|(key, value)| Write::Put { key, value }),
        key.clone().prop_map(|key| Write::Delete { key }),
        (key.clone(), proptest::option::of(key.clone()))
            .prop_map(|(from, to)| Write::DeleteRange { from, to }),
        (key.clone(), any::<i64>()).prop_map(|(key, delta)| Write::Add { key, delta }),
        (key, any_bytes()).prop_map(|(key, value)| Write::Append { key, value }),
    ]
}

pub(crate) fn any_write(key: BoxedStrategy<Bytes>) -> impl Strategy<Value = Write> {
    let condition = prop_oneof![
        Just(Condition::Exists),
        Just(Condition::Missing),
        any_bytes().prop_map(Condition::Equals),
    ];
    let compare = (key.clone(), condition).prop_map(|(key, condition)| Compare { key, condition });
    let branch = || proptest::collection::vec(any_simple_write(key.clone()), 0..5);
    let txn = (proptest::collection::vec(compare, 0..3), branch(), branch())
        .prop_map(|(compares, then, otherwise)| Write::Txn { compares, then, otherwise });
    prop_oneof![3 => any_simple_write(key), 1 => txn]
}

pub(crate) fn any_command() -> impl Strategy<Value = Command> {
    let epoch = (any::<u64>(), any::<u64>())
        .prop_map(|(version, conf_version)| Epoch { version, conf_version });
    (any_request(), epoch, any_write(any_bytes().boxed()))
        .prop_map(|(request, epoch, write)| Command { request, epoch, write })
}
