//! Golden scripts: every script under `scripts/` has exactly the output that it expects.
//!
//! ```text
//!   REWRITE=1 cargo test -p testbed --test scripts      writes the actual output into them; read the
//!                                                       difference before you commit it
//! ```

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use std::fs;
use std::path::{Path, PathBuf};
use testbed::script::command::Command;
use testbed::script::{CommandOutput, Interpreter, Script};

/// Returns every script, in order, by its path from the package.
fn scripts() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from("scripts")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the folder is there") {
            let path = entry.expect("it can be listed").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "txt") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn read(path: &Path) -> Script {
    Script::read(path).unwrap_or_else(|why| panic!("{why}"))
}

#[test]
fn every_script_goes_as_it_is_written() {
    let mut differences = String::new();
    for path in scripts() {
        let script = read(&path);
        let today = script.rewritten().unwrap_or_else(|why| panic!("{why}"));
        if std::env::var_os("REWRITE").is_some() {
            fs::write(&path, today).unwrap();
            continue;
        }
        let found = script.differences().unwrap();
        for difference in &found {
            differences += &(difference.text() + "\n");
        }
        let text = fs::read_to_string(&path).unwrap();
        if found.is_empty() && text != today {
            differences += &format!("{}: a command has no output\n", path.display());
        }
    }
    assert!(
        differences.is_empty(),
        "\n\n{differences}\nREWRITE=1 writes the actual output into the scripts.\n"
    );
}

// What a script may look like.

/// Plays a script and returns what came of it, command by command; or what is wrong with it.
fn play(text: &str) -> Result<Vec<Vec<String>>, String> {
    let script = Script::parse("s.txt", text).map_err(|why| why.to_string())?;
    let played = Interpreter::play_all(&script).map_err(|why| why.to_string())?;
    Ok(played.1.iter().map(CommandOutput::lines).collect())
}

#[test]
fn a_first_script_is_only_a_list_of_commands() {
    let played = play("add-nodes 3\ncampaign 1\nstabilize\n").unwrap();
    assert_eq!(played.len(), 3);
    assert!(played[2].contains(&"  n1@1 candidate -> n1@1 leader".to_string()), "{played:?}");
}

#[test]
fn a_script_says_its_title_its_intro_and_its_captions() {
    let text = "# Title\n#\n# First.\n#   picture\n\n# caption\n# more\nadd-nodes 1\n----\nok\n";
    let script = Script::parse("s.txt", text).unwrap();
    assert_eq!((script.title.as_str(), script.intro.as_str()), ("Title", "First.\n  picture"));
    assert_eq!(script.directives[0].caption.as_deref(), Some("caption\nmore"));
    assert_eq!(script.directives[0].expected, Some(vec!["ok".to_string()]));
}

#[test]
fn the_grammar_is_datadrivens() {
    let text = "add-nodes 3 voters=(1, 2,3) \\\n  log=(1@1, 2@1)\n----\n----\nok\n\nmore\n----\n----\n\
                state 1\n----\nn1\n";
    let script = Script::parse("s.txt", text).unwrap();
    let [nodes, state] = script.directives.as_slice() else { panic!("two commands") };
    assert_eq!(nodes.text, "add-nodes 3 voters=(1, 2,3) log=(1@1, 2@1)");
    let values: Vec<_> = nodes.arguments.iter().map(|a| (a.key.as_str(), &a.values)).collect();
    let list = |words: &[&str]| Some(words.iter().map(|word| word.to_string()).collect::<Vec<_>>());
    assert_eq!(values[1], ("voters", &list(&["1", "2", "3"])));
    assert_eq!(values[2], ("log", &list(&["1@1", "2@1"])));
    assert_eq!(nodes.expected, list(&["ok", "", "more"]));
    assert_eq!((state.line, &state.expected), (10, &list(&["n1"])));
}

#[test]
fn rewriting_changes_nothing_but_output() {
    let text = "# Title\n\n\nadd-nodes 1\n----\nold\n\n# why\n\npin 1 3\n\ntick 1 \\\n  3\n";
    let rewritten = Script::parse("s.txt", text).unwrap().rewritten().unwrap();
    let start = "# Title\n\n\nadd-nodes 1\n----\nn1@0 follower   vote -   leader -   last 0@0\n\n\
                 # why\n\npin 1 3\n----\nok\n\ntick 1 \\\n  3\n----\n> tick 3 of n1\n";
    assert!(rewritten.starts_with(start), "{rewritten}");
    let again = Script::parse("s.txt", &rewritten).unwrap();
    assert_eq!(again.rewritten().unwrap(), rewritten);
    assert_eq!(again.differences().unwrap(), []);
}

#[test]
fn a_difference_names_the_line_and_shows_both_sides() {
    let text =
        "add-nodes 1\n\ncampaign 1\n----\nn1@0 follower -> n1@1 candidate\nn1 votes for n2\n";
    let differences = Script::parse("s.txt", text).unwrap().differences().unwrap();
    let text = differences[0].text();
    assert!(text.starts_with("s.txt:6\n    campaign 1\n"), "{text}");
    assert!(text.contains("\n  - n1 votes for n2\n  + n1 votes for n1\n"), "{text}");
}

#[test]
fn etcds_spellings_mean_the_same() {
    let ours = "add-nodes 3 log=(1@1,2@1) term=0 commit=2 election-ticks=3\ncampaign 1\ndeliver 2\n\
                drop 3\ndeliver 1\ntick 1\npin 2 5\ntick 2 3\nstate\n";
    let etcds = "add-nodes 3 voters=(1,2,3) index=2 election-ticks=3\ncampaign 1\n\
                 deliver-msgs 2 drop=(3) type=MsgVote\ndeliver-msgs drop=(7)\ndeliver-msgs 1\n\
                 tick-heartbeat 1\nset-randomized-election-timeout 2 timeout=5\n\
                 tick-election 2\nraft-state\n";
    let ours = play(ours).unwrap();
    let why = play(etcds).unwrap_err();
    assert_eq!(why, "s.txt, line 4: n7 is not in this cluster of n1 to n3");
    let etcds = play(&etcds.replace("deliver-msgs drop=(7)\n", "log-level info\n")).unwrap();
    assert_eq!(ours.last(), etcds.last());
    assert!(ours.last().unwrap()[1].contains("timer 3/5"), "{ours:?}");
}

#[test]
fn one_of_several_messages_is_picked_by_its_place() {
    let script = "add-nodes 3\ncampaign 1\ncampaign 1\ndrop 2 nth=2\nmessages\ndeliver nth=9\n\
                  deliver type=RequestVote nth=2\nmessages\n";
    let played = play(script).unwrap();
    let [before, none, picked, after] = &played[4..] else { panic!("eight commands") };
    let ask = |to, term| format!("n1->n{to} RequestVote t{term} last=0@0");
    assert_eq!(before, &[ask(2, 1), ask(3, 1), ask(3, 2)]);
    assert_eq!(none, &["no messages"]);
    assert_eq!(picked[0], format!("> {}", ask(3, 1)));
    assert_eq!(after[..2], [ask(2, 1), ask(3, 2)]);
}

#[test]
fn a_proposal_is_the_rest_of_its_line() {
    let text = "add-nodes 1\ncampaign 1\npropose 1 x=1 and (y, z)=2\n";
    let script = Script::parse("s.txt", text).unwrap();
    let command = Command::parse("s.txt", &script.directives[2]).unwrap();
    let data = bytes::Bytes::from_static(b"x=1 and (y, z)=2");
    assert_eq!(command, Command::Propose { id: raft::NodeId(1), data });
    Interpreter::play_all(&script).unwrap();
}

#[test]
fn a_muted_script_says_only_ok() {
    let played =
        play("log-level none\nadd-nodes 3\ncampaign 1\nlog-level info\nstate 1\n").unwrap();
    assert_eq!(played[2], ["ok"]);
    assert!(played[4][0].starts_with("n1@1 candidate"), "{played:?}");
}

#[test]
fn what_is_wrong_with_a_script_is_said_with_its_line_and_what_was_expected() {
    for (text, expected) in [
        ("campain 1", "line 1: there is no command \"campain\"; did you mean campaign or compact?"),
        ("campaign 1", "line 1: there are no nodes yet: begin with add-nodes"),
        ("add-nodes", "line 1: expected how many nodes there are after add-nodes"),
        ("add-nodes 0", "line 1: expected 1 to 20 nodes, found 0"),
        ("add-nodes 9999999999", "line 1: expected 1 to 20 nodes, found 9999999999"),
        ("add-nodes three", "expected a number for how many nodes there are, found \"three\""),
        ("add-nodes 3 voterz=(1)", "takes no voterz= here; did you mean voters or vote?"),
        ("add-nodes 3 voters=(1", "line 1: expected ) to close voters=(1"),
        ("add-nodes 3 voters=(1)x", "expected a space after voters=(...), found \"x\""),
        ("add-nodes 3 log=(2@1)", "expected index 1 next in n1's log, found 2@1"),
        (
            "add-nodes 3 log=(1@2,2@1)",
            "expected terms in n1's log that start at 1 and never decrease, found 2@1",
        ),
        ("add-nodes 3 index=99999999999", "expected an index of at most 1000"),
        ("add-nodes 3 election-ticks=1", "n1 cannot start: "),
        ("add-nodes 3 term=9999999999999999999", "n1 cannot start: "),
        ("add-nodes 3 disk=fast", "expected disk=instant or disk=slow, found disk=fast"),
        ("add-nodes 3 seed=1 seed=2", "seed= is given twice"),
        ("add-nodes 3\nadd-nodes 3", "line 2: the cluster exists already"),
        ("add-nodes 3\ntick 4", "line 2: n4 is not in this cluster of n1 to n3"),
        ("add-nodes 3\ntick 1 0", "expected 1 to 10000 ticks, found 0"),
        ("add-nodes 3\ntick all 99999999999", "expected 1 to 10000 ticks"),
        ("add-nodes 3\ntick", "expected a node, or all, after tick"),
        ("add-nodes 3\ncampaign n0", "expected a node, n1 to n99, found \"n0\""),
        ("add-nodes 3\ncampaign 1 2", "campaign takes no 2 here"),
        ("add-nodes 3\ndeliver 2 type=Vote", "expected a kind of message, found \"Vote\""),
        ("add-nodes 3\npropose 1", "expected a command to propose after the node, such as x=1"),
        ("add-nodes 3\ndeliver nth=0", "expected nth= to count from 1, found nth=0"),
        ("add-nodes 3\nset-priority 1", "expected a priority after set-priority"),
        ("add-nodes 3\nset-priority 1 high", "expected a number for the priority, found \"high\""),
        ("add-nodes 3\nset-window 1 2", "expected how many appends, such as appends=4"),
        ("add-nodes 3\nset-commit-groups 1 groups=(1-1)", "expected a node and its group"),
        ("add-nodes 3\ncut 1-2", "expected a link such as 1->2, found \"1-2\""),
        ("add-nodes 3\npartition 1 2 3", "expected groups of nodes such as 1 2 | 3 4 5"),
        ("add-nodes 3\npartition 1 | 1", "n1 is in two groups"),
        ("add-nodes 3\npost 2->1 VoteReply granted", "expected term=, which every VoteReply"),
        ("add-nodes 3\npost 2->1 VoteReply term=1", "expected granted or refused"),
        ("add-nodes 3\npost 2->1 Propose term=1", "post cannot make a Propose"),
        ("add-nodes 3\npost 2->1 Heartbeat term=-1", "expected a number for term, found \"-1\""),
        ("----", "line 1: expected a command, found ---- without a command above it"),
        ("add-nodes 3\ncampaign 1\n----\nok", "line 1: expected ---- below add-nodes"),
        (
            "add-nodes 3\n----\n----\nok\n",
            "line 2: expected two ---- lines at the end of the output",
        ),
        (
            "add-nodes 20 heartbeat-ticks=1 election-ticks=2\ncampaign 1\ndeliver\ndeliver 1\n\
          tick 1 300",
            "more than 5000 messages are in flight",
        ),
    ] {
        let why = play(text).expect_err(text);
        assert!(why.contains(expected), "{text:?}\n  said      {why}\n  expected  {expected}");
        assert!(why.starts_with("s.txt"), "{why}");
    }
}

#[test]
fn a_damaged_script_is_refused_or_played_and_never_panics() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let words = [
        "add-nodes 3",
        "campaign",
        "tick",
        "all",
        "1",
        "2->1",
        "|",
        "=",
        "(",
        ")",
        "----",
        "\\\n",
        "#",
        "99999999999999999999",
        "term=",
        "log=(1@1",
        "1@",
        "drop=(",
        "voters=()",
        "pin",
        "0",
        "\n\n",
        "post 1->2 RequestVote term=4611686018427387904",
        "deliver",
        "crash 1",
        "restart 1",
        "n",
        "persist",
        "disk=slow",
        "duplicate",
        "\u{e9}",
        "partition 1 | 2",
        "stabilize",
        "free",
    ];
    let (mut refused, mut played) = (0, 0);
    for number in 0..3000 {
        let mut text = String::from(if number % 2 == 0 { "add-nodes 3\n" } else { "" });
        for _ in 0..rng.random_range(1..12) {
            text += words[rng.random_range(0..words.len())];
            text += ["", " ", "\n", "\n"][rng.random_range(0..4)];
        }
        match play(&text) {
            Ok(_) => played += 1,
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 100 && played > 20, "{refused} refused, {played} played");
}
