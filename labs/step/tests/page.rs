//! `cargo step html` and `cargo step svg` as somebody types them: what they write, what they say, and what
//! they refuse.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Runs the program in a folder, with the scripts of the course within reach.
fn step(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_step"));
    command.args(arguments).current_dir(folder).env("NO_COLOR", "1").output().expect("it starts")
}

fn course() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Writes a script into a folder.
fn script(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("mine.txt");
    std::fs::write(&path, text).expect("written");
    path
}

fn said(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_script_becomes_a_page_and_a_picture_named_after_it() {
    let folder = tempfile::tempdir().unwrap();
    script(folder.path(), "# Mine\nadd-nodes 3\ncampaign 1\nstabilize\n");
    let (code, out, err) = said(&step(folder.path(), &["html", "mine.txt"]));
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    assert!(out.ends_with(" steps, in mine.html.\n"), "{out}");
    let page = std::fs::read_to_string(folder.path().join("mine.html")).unwrap();
    assert!(page.contains("<title>Mine</title>") && page.ends_with("</html>\n"));
    let (code, out, err) = said(&step(folder.path(), &["svg", "mine.txt", "--to", "4"]));
    assert_eq!((code, err.as_str(), out.as_str()), (Some(0), "", "Steps 1 to 4, in mine.svg.\n"));
    let picture = std::fs::read_to_string(folder.path().join("mine.svg")).unwrap();
    assert!(picture.starts_with("<svg xmlns=") && picture.contains("<title>Mine</title>"));
    // The same again: the same bytes.
    step(folder.path(), &["svg", "mine.txt", "--to", "4", "-o", "deep/er/again.svg"]);
    let again = std::fs::read_to_string(folder.path().join("deep/er/again.svg")).unwrap();
    assert_eq!(again, picture);
}

#[test]
fn a_trace_becomes_the_same_page() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let name = "first_election";
    assert!(step(&course(), &["html", name, "-o", &at("a.html")]).status.success());
    assert!(step(&course(), &[name, "--trace", &at("a.jsonl")]).status.success());
    assert!(step(&course(), &["html", &at("a.jsonl"), "-o", &at("b.html")]).status.success());
    let read = |name: &str| std::fs::read_to_string(at(name)).unwrap();
    assert!(read("a.html") == read("b.html"), "the pages differ");
}

#[test]
fn what_a_script_expects_and_does_not_get_is_on_the_page() {
    let folder = tempfile::tempdir().unwrap();
    script(folder.path(), "add-nodes 3\n\ncampaign 1\n----\n> n1 is told to sing\n");
    let (code, out, _) = said(&step(folder.path(), &["html", "mine.txt"]));
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("Not as the script says:") && out.contains("mine.txt:5"), "{out}");
    let page = std::fs::read_to_string(folder.path().join("mine.html")).unwrap();
    assert!(page.contains("\"opens_on\":1"), "it opens where the output differs");
    assert!(page.contains("- > n1 is told to sing"), "the page says what was expected");
}

#[test]
fn a_broken_rule_fails_and_the_page_opens_on_it() {
    let folder = tempfile::tempdir().unwrap();
    let lies = "add-nodes 3\ncampaign 1\ncampaign 2\npost 3->1 VoteReply term=1 granted\n\
                post 3->2 VoteReply term=1 granted\ndeliver 1 from=3\ndeliver 2 from=3\n";
    script(folder.path(), lies);
    assert_eq!(said(&step(folder.path(), &["html", "mine.txt"])).0, Some(1));
    let page = std::fs::read_to_string(folder.path().join("mine.html")).unwrap();
    assert!(page.contains("\"opens_on\":6") && page.contains("\"broken\":6"), "two lead in step 6");
}

#[test]
fn what_cannot_be_written_or_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    script(here, "add-nodes 3\ncampaign 1\n");
    step(here, &["mine.txt", "--trace", "whole.jsonl"]);
    let whole = std::fs::read_to_string(here.join("whole.jsonl")).unwrap();
    std::fs::write(here.join("cut.jsonl"), &whole[..whole.len() - 9]).unwrap();
    std::fs::write(here.join("newer.jsonl"), whole.replacen("\"version\":2", "\"version\":9", 1))
        .unwrap();
    std::fs::write(here.join("empty.txt"), "# nothing\n").unwrap();
    std::fs::write(here.join("wrong.txt"), "add-nodes 3\ncampain 1\n").unwrap();
    for (arguments, expected) in [
        (vec!["html", "cut.jsonl"], "cut.jsonl, line 3: ends in the middle: the trace was cut off"),
        (vec!["html", "newer.jsonl"], "newer.jsonl, line 1: "),
        (vec!["html", "empty.txt"], "the script made no nodes: it begins with add-nodes 3"),
        (vec!["html", "wrong.txt"], "wrong.txt, line 2: there is no command \"campain\""),
        (vec!["html", "no_such"], "there is no file no_such"),
        (vec!["html", "mine.txt", "-o", "mine.txt/x.html"], "mine.txt/x.html cannot be written: "),
        (vec!["html", "mine.txt", "--from", "2"], "there is no step 2: the run has 1 to 1"),
        (vec!["svg", "mine.txt", "--from", "0"], "there are no steps 0 to 1: the run has 1 to 1"),
        (vec!["svg", "mine.txt", "--to", "7"], "there are no steps 1 to 7: the run has 1 to 1"),
    ] {
        let (code, out, err) = said(&step(here, &arguments));
        assert_eq!(code, Some(2), "{arguments:?}: {out}{err}");
        assert!(err.contains(expected), "{arguments:?}: {err}");
    }
    // Fields that a later release has added are passed over.
    let more = whole.replacen("{\"trace\"", "{\"mood\":\"<b>good\",\"trace\"", 1);
    std::fs::write(here.join("more.jsonl"), more).unwrap();
    assert_eq!(said(&step(here, &["html", "more.jsonl"])).0, Some(0));
}
