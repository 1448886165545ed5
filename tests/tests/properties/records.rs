//! What is written down: a trace is the run, and a shrunk run fails the same way.
//!
//! ```text
//!   inputs --> Recorder --> text --> parse --> the same trace --> replay --> the same text
//!   inputs that break a rule --> shrink --> fewer, and the same rule
//! ```

use crate::wild::{corrupt, hostile, play, unlucky};
use proptest::prelude::*;
use proptest::sample::Index as Position;
use raft::Message;
use std::cell::Cell;
use testbed::shrink::shrink;
use testbed::strategy::{holds, message};
use testbed::trace::state::NodeState;
use testbed::trace::{self, Recorder};
use testbed::{Cluster, Setup};

#[test]
fn a_trace_reads_back_replays_and_folds() {
    holds(150, hostile().up_to(60), |drawn| {
        let (inputs, _, _) = play(&drawn);
        let run = Recorder::run(drawn.setup.clone(), &inputs);
        let text = run.trace().to_json_lines();
        prop_assert_eq!(&text, &Recorder::run(drawn.setup, &inputs).trace().to_json_lines());

        let read = trace::parse("it", &text).map_err(|why| TestCaseError::fail(why.to_string()))?;
        prop_assert!(read.to_json_lines() == text, "what was read writes something else");
        let again = trace::replay(&read).map_err(|why| TestCaseError::fail(why.to_string()))?;
        prop_assert!(again.trace().to_json_lines() == text, "a replay writes something else");

        let folded = read.states().last().expect("there is always a state to begin with");
        for (id, state) in NodeState::all_of(run.cluster()) {
            prop_assert_eq!(&folded[&id], &state.to_value(), "n{}", id);
        }
        Ok(())
    });
}

#[test]
fn a_message_reads_back_as_it_was_written_under_a_kind_that_the_schema_has() {
    let schema = std::fs::read_to_string("trace.schema.json").expect("the schema is there");
    let schema: serde_json::Value = serde_json::from_str(&schema).expect("the schema is JSON");
    let kinds = schema.pointer("/$defs/message/properties/kind/enum").expect("it lists the kinds");
    let kinds = kinds.as_array().expect("a list");
    holds(2_000, message(), |message| {
        let written = serde_json::to_value(&message).expect("a message has only string keys");
        prop_assert_eq!(&written["kind"], message.body.kind());
        prop_assert!(kinds.contains(&written["kind"]), "the schema lacks {}", written["kind"]);
        let read: Message =
            serde_json::from_value(written).map_err(|why| TestCaseError::fail(why.to_string()))?;
        prop_assert_eq!(read, message);
        Ok(())
    });
}

#[test]
fn a_damaged_trace_is_refused_with_its_line_or_read() {
    let refused = Cell::new(0);
    let damages = (unlucky().up_to(12), any::<Position>(), any::<char>(), 0..3_u8);
    holds(400, damages, |(drawn, place, other, how)| {
        let (inputs, _, _) = play(&drawn);
        let whole = Recorder::run(drawn.setup, &inputs).trace();
        // Without the sources, which fill nearly all of it.
        let mut whole = whole;
        whole.header.sources.clear();
        let mut letters: Vec<char> = whole.to_json_lines().chars().collect();
        let at = place.index(letters.len());
        match how {
            0 => letters.truncate(at),
            1 => letters[at] = other,
            _ => drop(letters.drain(at..(at + 20).min(letters.len()))),
        }
        let text: String = letters.into_iter().collect();
        match trace::parse("it", &text) {
            Ok(read) => drop(trace::replay(&read)),
            Err(why) => {
                let lines = text.lines().count();
                let named = why.line.is_some_and(|line| 1 <= line && line <= lines);
                prop_assert!(named || text.is_empty(), "{why}");
                refused.set(refused.get() + 1);
            }
        }
        Ok(())
    });
    assert!(refused.get() > 100, "{refused:?} refused");
}

/// Returns which rule the inputs break first.
fn broken(setup: &Setup, inputs: &[testbed::Input]) -> Option<testbed::Rule> {
    let mut cluster = Cluster::new(setup.clone());
    inputs.iter().find_map(|input| cluster.apply(input).violation).map(|broken| broken.rule)
}

#[test]
fn what_is_shrunk_breaks_the_same_rule_with_fewer_inputs_that_all_do_something() {
    let shrunk = Cell::new(0);
    holds(150, corrupt().up_to(150), |drawn| {
        let (inputs, _, violation) = play(&drawn);
        let Some(violation) = violation else { return Ok(()) };
        let few = shrink(&drawn.setup, &inputs, 2_000, |footer| footer.violation.rule);
        let few = few.expect("the inputs break a rule");
        prop_assert_eq!(few.violation.rule, violation.rule);
        prop_assert_eq!(broken(&drawn.setup, &few.inputs), Some(violation.rule));
        prop_assert!(few.inputs.len() <= inputs.len() && few.from == inputs.len());
        // The last input is the one that breaks it.
        let (_, before) = few.inputs.split_last().expect("nothing breaks by itself");
        prop_assert_eq!(broken(&drawn.setup, before), None);
        shrunk.set(shrunk.get() + 1);
        Ok(())
    });
    assert!(shrunk.get() > 10, "{shrunk:?} runs were shrunk");
}
