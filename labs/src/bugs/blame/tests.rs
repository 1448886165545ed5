//! Proves the counting of what cards name.

use super::*;
use crate::bugs::BugVerdict;
use crate::changes::{Edit, Fate};
use crate::course::Course;
use std::path::Path;

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn found(edited: &[&str], named: &[&str]) -> BlameRank {
    BlameResult::of(names(edited), &names(named)).found
}

#[test]
fn a_function_is_first_in_a_short_list_or_not_named() {
    assert_eq!(found(&["a"], &["a"]), BlameRank::First);
    assert_eq!(found(&["a"], &["a", "b", "c", "d"]), BlameRank::First);
    assert_eq!(found(&["a"], &["b", "c", "a"]), BlameRank::InList);
    assert_eq!(found(&["a"], &["b", "c", "d", "a"]), BlameRank::NotNamed, "a list of four");
    assert_eq!(found(&["a"], &["b"]), BlameRank::NotNamed);
    assert_eq!(found(&["a"], &[]), BlameRank::NotNamed);
    assert_eq!(found(&["a", "b"], &["b"]), BlameRank::First, "either of two edited holes");
}

#[test]
fn only_a_bug_whose_first_edit_lies_in_a_hole_of_its_lab_counts() {
    let course = Course::find(Path::new(env!("CARGO_MANIFEST_DIR"))).expect("the course");
    let lab = course.catalogue.lab("2ab").expect("lab 2ab");
    let log = "raft/src/log.rs";
    let hole = (log, "Log::append");
    let second = (log, "Log::term");
    let kept = (log, "Log::snapshot");
    let elsewhere = ("raft/src/election.rs", "Log::append");
    let edited = |edits: &[(&str, &str)]| {
        let edit = |&(file, function): &(&str, &str)| Edit {
            file: file.into(),
            function: function.into(),
            find: String::new(),
            replace: String::new(),
        };
        let (id, lab_id) = ("X".to_owned(), lab.id.clone());
        let fate = Fate::Killed { killer: String::new(), symptom: String::new() };
        let edits = edits.iter().map(edit).collect();
        edited_holes(lab, &Bug { id, lab: lab_id, title: String::new(), fate, hunt: None, edits })
    };
    assert_eq!(edited(&[hole]), Some(names(&["Log::append"])));
    assert_eq!(edited(&[hole, hole, second]), Some(names(&["Log::append", "Log::term"])));
    assert_eq!(edited(&[hole, kept]), Some(names(&["Log::append"])));
    assert_eq!(edited(&[kept, hole]), None);
    assert_eq!(edited(&[elsewhere]), None, "the same name in another file is no hole");
    assert_eq!(edited(&[]), None);
}

#[test]
fn a_function_of_a_later_step_is_noted_as_unwritten() {
    let course = Course::find(Path::new(env!("CARGO_MANIFEST_DIR"))).expect("the course");
    let lab = course.catalogue.lab("2ab").expect("lab 2ab");
    let named = names(&["Core::on_append", "Log::append", "Core::decide_vote"]);
    let at = |step| BlameResult::of(names(&["Log::append"]), &named).at_step(lab, step).unwritten;
    assert_eq!(at(1), names(&["Core::on_append", "Log::append"]));
    assert_eq!(at(2), names(&["Core::on_append"]));
    assert_eq!(at(5), names(&[]));
}

#[test]
fn each_lab_is_counted_and_bugs_outside_holes_are_not() {
    let bug = |lab: &str, blame: Option<BlameResult>| BugProof {
        id: "X".into(),
        lab: lab.into(),
        title: String::new(),
        killer: None,
        verdict: BugVerdict::Killed,
        seeds: None,
        red: vec![],
        reason: None,
        blame,
    };
    let named = |list: &[&str]| Some(BlameResult::of(names(&["a"]), &names(list)));
    let bugs = [
        bug("2aa", named(&["a"])),
        bug("2ab", named(&["b"])),
        bug("2ab", None),
        bug("2ab", named(&["b", "a"])),
        bug("2ab", named(&["a", "b"])),
    ];
    let counted = tallies(&bugs);
    let tally = |lab: &str, of, first, in_list| {
        let lab = lab.into();
        Tally { lab, of, first, in_list, unwritten: 0 }
    };
    assert_eq!(counted, [tally("2aa", 1, 1, 0), tally("2ab", 3, 1, 1)]);
    let said = counted[1].to_string();
    assert!(said.contains("of 3 bugs"), "{said}");
    assert!(
        said.contains("first in 1 (33 %), in a list of 3 in 1 (together 66 %), not in 1"),
        "{said}"
    );
    assert_eq!(tallies(&[bug("2aa", None)]), []);

    let mut ahead = named(&["a"]).expect("a blame");
    ahead.unwritten = names(&["a"]);
    let counted = tallies(&[bug("2aa", Some(ahead))]);
    assert_eq!(counted[0].unwritten, 1);
    assert!(counted[0].to_string().ends_with("; 1 name a function of a later step"));
}
