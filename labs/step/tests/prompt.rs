//! The prompt as somebody sees it who pipes commands into it: golden transcripts, mistakes, and files
//! that are saved and opened again.
//!
//! ```text
//!   transcripts/NAME.txt     what is piped in
//!                            ====
//!                            what comes out
//!
//!   REWRITE=1 cargo test -p step --test prompt    writes what comes out today
//! ```
//!
//! Line numbers of the core, and the code around the line that decided, are left out: they change with
//! every edit.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a run came to.
struct Ran {
    out: String,
    err: String,
    code: i32,
}

/// Returns the folder in which the course lies.
fn course() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn run(arguments: &[&str], input: &str) -> Ran {
    let mut child = Command::new(env!("CARGO_BIN_EXE_step"))
        .args(arguments)
        .current_dir(course())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    // After twenty mistakes the rest is not read.
    let _rest = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes| String::from_utf8(bytes).expect("it speaks text");
    let code = output.status.code().expect("it ends by itself");
    Ran { out: text(output.stdout), err: text(output.stderr), code }
}

/// Takes out what changes with every edit of the core.
fn without_numbers(text: &str) -> String {
    // `      78 | fn ..` goes, `   >  83 | self ..` keeps its code.
    let is_code = |line: &&str| {
        let number = line.split_once(" |").map_or("", |(number, _)| number.trim());
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    };
    let mut lines = Vec::new();
    for line in text.lines().filter(|line| !is_code(line)) {
        if let Some((_, code)) = line.split_once(" | ").filter(|_| line.starts_with("   >")) {
            lines.push(format!("   >      | {code}"));
            continue;
        }
        let mut parts = line.split(".rs:");
        let mut shown = parts.next().unwrap_or_default().to_string();
        for part in parts {
            shown += ".rs:_";
            shown += part.trim_start_matches(|letter: char| letter.is_ascii_digit());
        }
        lines.push(shown);
    }
    lines.join("\n")
}

#[test]
fn what_is_piped_in_comes_out_as_it_is_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect();
    paths.sort();
    let mut differences = String::new();
    for path in &paths {
        let text = fs::read_to_string(path).unwrap();
        let (input, expected) = text.split_once("====\n").expect("a line of ====");
        let ran = run(&[], input);
        let said = format!("{}\nexit {}\n{}", without_numbers(&ran.out), ran.code, ran.err);
        let said = said.trim_end().to_string() + "\n";
        let wide = ran.out.lines().find(|line| line.chars().count() > 80);
        assert_eq!(wide, None, "{}: wider than 80 columns", path.display());
        if std::env::var_os("REWRITE").is_some() {
            fs::write(path, format!("{input}====\n{said}")).unwrap();
        } else if said != expected {
            let at = said.lines().zip(expected.lines()).take_while(|(one, two)| one == two).count();
            let line = |text: &str| text.lines().nth(at).unwrap_or("(the end)").to_string();
            differences += &format!(
                "{}:{}\n  - {}\n  + {}\n",
                path.display(),
                input.lines().count() + 2 + at,
                line(expected),
                line(&said)
            );
        }
    }
    assert!(paths.len() >= 5, "{paths:?}");
    assert!(differences.is_empty(), "\n{differences}REWRITE=1 writes what came of them.\n");
}

#[test]
fn a_mistake_is_reported_with_its_line_and_what_was_expected() {
    for (input, line, expected) in [
        (
            "add-nodes 3\n\n# why\ncampain 1\n",
            4,
            "no command \"campain\"; did you mean campaign or compact?",
        ),
        ("add-nodes 3\ncampaign 9\ncampaign 1\n", 2, "n9 is not in this cluster of n1 to n3"),
        ("next\n", 1, "there are no nodes yet: begin with add-nodes 3, or open a story"),
        ("why\n", 1, "nothing has happened yet"),
        ("diff\n", 1, "nothing has happened yet"),
        ("back\n", 1, "this is the beginning"),
        ("add-nodes 3\ncampaign 1\ngoto 9\n", 3, "there is no step 9: the run has 1 step"),
        ("add-nodes 3\ncampaign 1\nwhy 9\n", 3, "there is no decision 9: the step has"),
        ("add-nodes 3\ndiff 7\n", 2, "there is no step 7"),
        ("add-nodes 3\nadd-nodes 3\n", 2, "the cluster exists already"),
        ("add-nodes 3 \\\n  seed=\\\nx\n", 1, "expected a number for seed"),
        ("save x.txt\n", 1, "there is nothing to save"),
        ("add-nodes 3\nsave Cargo.toml\n", 2, "it is there already"),
        ("add-nodes 3\nsave story\n", 2, "ends in .txt (a script), .jsonl (a trace) or .html"),
        ("add-nodes 3\nsave no/where.txt\n", 2, "no/where.txt cannot be written"),
        ("open frist_election\n", 1, "there is no file frist_election; did you mean"),
        ("open Cargo.toml\n", 1, "Cargo.toml, line 1: there is no command"),
        ("help me\n", 1, "there is no command \"me\""),
        ("add-nodes 3\n----\n", 2, "there is no command \"----\""),
    ] {
        let ran = run(&[], input);
        let begins = format!("error: standard input, line {line}: ");
        assert!(ran.err.starts_with(&begins), "{input:?}: {}", ran.err);
        assert!(ran.err.contains(expected), "{input:?}: {}", ran.err);
        assert_eq!((ran.code, ran.err.lines().count() < 6), (2, true), "{input:?}: {}", ran.err);
    }
}

#[test]
fn after_a_mistake_the_session_goes_on_and_ends_with_its_exit_code() {
    let ran = run(&[], "add-nodes 3\ncampain 1\ncampaign 9\ncampaign 1\nnext 2\n");
    assert!(ran.err.contains("line 2: there is no command \"campain\""), "{}", ran.err);
    assert!(ran.err.contains("line 3: "), "{}", ran.err);
    assert!(ran.out.contains("n1@0 follower -> n1@1 candidate"), "{}", ran.out);
    assert!(ran.out.contains("n3 votes for n1"), "{}", ran.out);
    assert_eq!(ran.code, 2);
    let ran = run(&[], &"nosuch\n".repeat(1000));
    assert_eq!((ran.code, ran.err.lines().count()), (2, 21), "{}", ran.err);
    assert!(ran.err.ends_with("20 lines were wrong; the rest is not read\n"), "{}", ran.err);
}

#[test]
fn next_with_a_number_is_next_that_many_times_as_its_help_says() {
    let told = |input: &str| {
        let out = run(&[], &format!("open first_election\n{input}")).out;
        let shown = out.lines().filter(|line| !line.starts_with("next"));
        shown.filter(|line| !line.is_empty()).map(str::to_string).collect::<Vec<_>>()
    };
    let four = told("next 4\n");
    assert_eq!(four, told(&"next\n".repeat(4)));
    let place = "step 31 of 45; nothing came of the 27 before it";
    assert_eq!(four.last().map(String::as_str), Some(place));
    let help = run(&[], "help next\n").out;
    assert!(help.contains("next step in which something happens"), "{help}");
}

#[test]
fn a_line_without_end_or_sense_is_refused() {
    let ran = run(&[], &"x".repeat(1 << 20));
    assert!(ran.err.contains("line 1: is longer than 65536 bytes"), "{}", ran.err);
    assert_eq!(ran.code, 2);
    let ran = run(&[], "");
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "", ""));
}

/// A run with a choice in it: n2 dies in the middle of what `stabilize` would have done.
const RUN: &str = "add-nodes 3 disk=slow\n# n1 campaigns.\ncampaign 1\nstabilize\ngoto 4\ncrash 2\n\
                   tick all 2\nnext 4\n";

#[test]
fn what_was_saved_tells_the_same_and_opens_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let (script, trace) = (file("it.txt"), file("it.jsonl"));
    let ran = run(&[], &format!("{RUN}save {script}\nsave {trace}\nsave {script}\nstate\n"));
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    let (_, state) = ran.out.rsplit_once("\nstate\n").expect("the last command");

    let told = run(&[&script], "");
    assert_eq!(told.code, 0, "{}", told.err);
    assert!(told.out.contains("all went as the script says"), "{}", told.out);
    assert!(told.out.contains("n1 campaigns."), "{}", told.out);
    assert_eq!(run(&[&trace], "").code, 0);

    // Opened, it is at the beginning; at its end every node is as it was.
    let steps = told.out.lines().last().and_then(|line| line.split(' ').next()).unwrap();
    for path in [&script, &trace] {
        let again = run(&["--prompt", path], &format!("goto {steps}\nstate\n"));
        assert_eq!((again.code, again.err.as_str()), (0, ""), "{path}: {}", again.out);
        let (_, at_the_end) = again.out.rsplit_once("\nstate\n").expect("the last command");
        assert_eq!(at_the_end, state, "{path}");
    }
}

#[test]
fn a_broken_rule_is_told_and_fails() {
    let lies = "add-nodes 3\ncampaign 1\ncampaign 2\npost 3->1 VoteReply term=1 granted\n\
                post 3->2 VoteReply term=1 granted\ndeliver 1 from=3\ndeliver 2 from=3\n";
    let ran = run(&[], lies);
    assert!(ran.out.contains("*** BROKEN: AT MOST ONE LEADER PER TERM"), "{}", ran.out);
    assert_eq!(ran.code, 1);
}
