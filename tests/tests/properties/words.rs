//! What somebody may write: a script of any bytes is played, or refused by its line.
//!
//! ```text
//!   any text --> Script::parse --> Interpreter --> drawn_runs, or "s.txt, line 7: expected ..."
//!   arguments --> text --> the same arguments
//! ```

use crate::wild::{play, unlucky};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use raft::NodeId;
use std::cell::Cell;
use testbed::script::grammar::Argument;
use testbed::script::{Directive, Interpreter, Script, ScriptError, unparse};
use testbed::strategy::holds;
use testbed::trace::state::NodeState;
use testbed::{Cluster, Input};

/// Words that commands are made of, whole and broken.
fn word() -> impl Strategy<Value = String> {
    let commands = testbed::script::command::NAMES.map(str::to_string).to_vec();
    let pieces = [
        "1",
        "2",
        "n3",
        "all",
        "0",
        "9",
        "99999999999999999999",
        "-1",
        "1->2",
        "3->1",
        "|",
        "=",
        "(",
        ")",
        "term=1",
        "term=4611686018427387904",
        "log=(1@1,2@1)",
        "log=(1@1",
        "n2.log=(1@1)",
        "voters=(1,2)",
        "voters=()",
        "disk=slow",
        "vote-requests=at-once",
        "from=2",
        "type=RequestVote",
        "type=msgapp",
        "drop=(2)",
        "RequestVote",
        "VoteReply",
        "granted",
        "refused",
        "Heartbeat",
        "AppendEntries",
        "prev=1@1",
        "commit=7",
        "transfer",
        "free",
        "none",
        "timeout=5",
        "----",
        "\\",
        "\\\n",
        "#",
        "\n----\n",
        "\n----\n----\n",
    ];
    prop_oneof![
        3 => select(commands),
        4 => select(pieces.to_vec()).prop_map(str::to_string),
        1 => "[ -~]{0,6}",
        1 => any::<String>(),
    ]
}

/// A text: bytes without sense, or lines of words, with a cluster made at the top or not.
fn text() -> impl Strategy<Value = String> {
    let line = vec(word(), 0..6).prop_map(|words| words.join(" "));
    let lines = vec(line, 0..12).prop_map(|lines| lines.join("\n"));
    let head = select(vec!["", "add-nodes 3\n\n", "# A title\n\nadd-nodes 4 disk=slow\n\n"]);
    let script = (head, lines).prop_map(|(head, lines)| head.to_string() + &lines);
    prop_oneof![1 => any::<String>(), 6 => script]
}

/// Checks that an error says where it is.
fn is_located(why: &ScriptError, text: &str) -> Result<(), TestCaseError> {
    let lines = text.lines().count();
    prop_assert_eq!(&why.name, "s.txt");
    prop_assert!(why.line.is_some_and(|line| 1 <= line && line <= lines), "{}", why);
    prop_assert!(!why.what.is_empty() && !why.what.contains('\n'), "{}", why);
    Ok(())
}

#[test]
fn any_text_is_played_or_refused_by_its_line() {
    let (refused, played) = (Cell::new(0), Cell::new(0));
    holds(3000, text(), |text| {
        let script = match Script::parse("s.txt", &text) {
            Ok(script) => script,
            Err(why) => return is_located(&why, &text),
        };
        let mut interpreter = Interpreter::new(&script);
        for directive in &script.directives {
            match interpreter.play(directive) {
                Ok(_) => played.set(played.get() + 1),
                Err(why) => {
                    refused.set(refused.get() + 1);
                    prop_assert_eq!(why.line, Some(directive.line));
                    is_located(&why, &text)?;
                }
            }
        }
        Ok(())
    });
    assert!(played.get() > 1000 && refused.get() > 1000, "{played:?} played, {refused:?} refused");
}

#[test]
fn a_script_that_was_rewritten_says_the_same_and_goes_as_it_is_written() {
    let rewritten = Cell::new(0);
    holds(3000, text(), |text| {
        let Ok(script) = Script::parse("s.txt", &text) else { return Ok(()) };
        let Ok(today) = script.rewritten() else { return Ok(()) };
        let again = Script::parse("s.txt", &today);
        let again = again.map_err(|why| TestCaseError::fail(format!("{why}\n{today}")))?;
        let said = |script: &Script| {
            let said = script.directives.iter();
            said.map(|one| (one.text.clone(), one.arguments.clone())).collect::<Vec<_>>()
        };
        prop_assert_eq!(said(&script), said(&again), "{}", today);
        prop_assert_eq!(again.differences(), Ok(Vec::new()), "{}", today);
        prop_assert_eq!(again.rewritten(), Ok(today));
        rewritten.set(rewritten.get() + u32::from(!script.directives.is_empty()));
        Ok(())
    });
    assert!(rewritten.get() > 100, "{rewritten:?} rewritten");
}

/// An argument as a script may have it.
fn argument() -> impl Strategy<Value = Argument> {
    let values = prop_oneof![
        "[a-z0-9@.|>-]{1,5}".prop_map(|value| vec![value]),
        vec("[a-z0-9@.]{1,5}", 0..4),
    ];
    let parts = ("[a-z0-9][a-z0-9.>|-]{0,8}", proptest::option::of(values));
    parts.prop_map(|(key, values)| Argument { key, values })
}

fn written(argument: &Argument) -> String {
    let key = &argument.key;
    match argument.values.as_deref() {
        None => key.clone(),
        Some([value]) => format!("{key}={value}"),
        Some(values) => format!("{key}=({})", values.join(", ")),
    }
}

#[test]
fn arguments_are_read_as_they_were_written() {
    let directives = ("[a-z][a-z-]{0,8}", vec(argument(), 0..6));
    holds(2000, directives, |(command, arguments)| {
        let words: Vec<_> = arguments.iter().map(written).collect();
        let line = format!("{command} {}", words.join(" "));
        let read = Directive::parse("s.txt", &line);
        let read = read.map_err(|why| TestCaseError::fail(why.to_string()))?;
        prop_assert_eq!(read.command, command);
        prop_assert_eq!(read.arguments, arguments);
        Ok(())
    });
}

/// Returns whether an input names strangers, a message that no node sent, or groups that are
/// none.
fn is_nonsense(input: &Input, cluster: &Cluster) -> bool {
    let strange = |id: &NodeId| cluster.disk(*id).is_none();
    match input {
        Input::Tick(id) | Input::Campaign(id) | Input::Persist(id) => strange(id),
        Input::Crash(id) | Input::Restart(id) | Input::PinLimit { node: id, .. } => strange(id),
        Input::Propose { node: id, .. } | Input::FailRead { node: id, .. } => strange(id),
        Input::Ready(id) | Input::Apply(id) | Input::Read { node: id, .. } => strange(id),
        Input::Ask { node: id, .. } => strange(id),
        Input::Deliver(message) | Input::Drop(message) | Input::Duplicate(message) => {
            cluster.network().find(message).is_none() || strange(&message.to)
        }
        Input::Cut { from, to } | Input::Mend { from, to } => strange(from) || strange(to),
        Input::Partition(groups) => {
            let named = groups.concat();
            let twice = (1..named.len()).any(|at| named[..at].contains(&named[at]));
            groups.len() < 2
                || groups.iter().any(Vec::is_empty)
                || twice
                || named.iter().any(strange)
        }
        Input::Heal | Input::Post(_) => false,
    }
}

#[test]
fn what_happened_is_said_in_commands_that_let_it_happen_again() {
    let said = Cell::new(0);
    holds(200, unlucky().up_to(120), |drawn| {
        let (inputs, _, _) = play(&drawn);
        let mut text =
            unparse::cluster(&drawn.setup).expect("clusters of the usual kind have words");
        let mut cluster = Cluster::new(drawn.setup.clone());
        for input in &inputs {
            let Some(command) = unparse::command(input, &cluster) else {
                prop_assert!(is_nonsense(input, &cluster), "no words for {:?}", input);
                continue;
            };
            said.set(said.get() + 1);
            cluster.apply(input);
            text = text + "\n" + &command;
        }
        let script = Script::parse("s.txt", &text);
        let script = script.map_err(|why| TestCaseError::fail(why.to_string()))?;
        let (interpreter, _) =
            Interpreter::play_all(&script).map_err(|why| TestCaseError::fail(why.to_string()))?;
        let again = interpreter.run().expect("it begins with add-nodes").cluster();
        prop_assert_eq!(again.network().flights(), cluster.network().flights(), "{}", text);
        prop_assert!(NodeState::all_of(again) == NodeState::all_of(&cluster), "{text}");
        // Back in time, and forward again the same way.
        let steps = interpreter.run().expect("as above").steps().len();
        let half =
            interpreter.after(steps / 2).map_err(|why| TestCaseError::fail(why.to_string()))?;
        let (whole, half) =
            (interpreter.run().expect("as above"), half.run().expect("as above").clone());
        prop_assert_eq!(&whole.steps()[..steps / 2], half.steps());
        Ok(())
    });
    assert!(said.get() > 5000, "only {said:?} inputs had words");
}
