//! The second judge against histories whose verdicts are known, and against all orders.
//!
//! ```text
//!   PORCUPINE_TESTDATA=<jepsen/etcd_NNN.log, kv/*.txt> cargo test -p testbed --test linear
//! ```

mod corpora; // porcupine's histories: verdicts, operations, steps

mod known; // histories that people know, and the fleet's

mod orders; // small histories, judged by all orders as well

mod possible; // histories that did happen: none is illegal

mod limits; // steps, memory, fingerprints

mod written; // histories as text

mod pictures; // counterexamples: minimised, explained, drawn

use testbed::linear::*;

/// A history of a register.
type History = Vec<TimedOperation<RegisterInput, Option<i64>>>;

const REGISTER: Register = Register { first: None };

/// No limit but memory.
const EXACT: Limits =
    Limits { steps_max: u64::MAX, bytes_max: 1 << 30, remember: Remember::Exactly };

/// The same, with fingerprints.
const PRINTS: Limits = Limits { remember: Remember::Fingerprints, ..EXACT };

/// Memory for nothing but the order so far.
const NO_MEMORY: Limits = Limits { bytes_max: 0, ..EXACT };

fn judge(history: &History) -> Judgement {
    check(&REGISTER, history, &EXACT).judgement
}

fn operation(
    client: u64,
    input: RegisterInput,
    output: Option<Option<i64>>,
    (call, end): (u64, Option<u64>),
) -> TimedOperation<RegisterInput, Option<i64>> {
    TimedOperation { client, input, output, call, end }
}

fn write(
    client: u64,
    value: i64,
    call: u64,
    end: u64,
) -> TimedOperation<RegisterInput, Option<i64>> {
    operation(client, RegisterInput::Write(value), Some(None), (call, Some(end)))
}

fn read(
    client: u64,
    value: i64,
    call: u64,
    end: u64,
) -> TimedOperation<RegisterInput, Option<i64>> {
    operation(client, RegisterInput::Read, Some(Some(value)), (call, Some(end)))
}

/// Returns an operation that is still under way.
fn pending(
    client: u64,
    input: RegisterInput,
    call: u64,
) -> TimedOperation<RegisterInput, Option<i64>> {
    operation(client, input, None, (call, None))
}
