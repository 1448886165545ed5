//! What must hold between the labs of a catalogue, beyond each file being well formed.
//!
//! ```text
//!   points of a lab = sum over its tests        a test, a function, a step number: one place each
//!   a hint names tests and holes that exist     a lab depends on labs that exist, without a circle
//! ```
//!
//! What only students and tests see, a lab may leave out while it is still to come:
//!
//! ```text
//!   status = "later"   id, title, hours, depends; steps with number, title, holes; each hole with before
//!   status = "open"    these, without the duty of before; and points, suite, chapter; of each step
//!                      minutes, anchor, green, tests; rules and hints (the desk looks for both)
//! ```

use crate::catalogue::{Lab, Mistake, Status, Step};
use crate::points::Points;
use std::collections::BTreeMap;

/// Returns everything that does not fit together.
pub fn mistakes(labs: &[Lab]) -> Vec<Mistake> {
    let mut found = Vec::new();
    let mut tests = BTreeMap::new();
    let mut holes = BTreeMap::new();
    let mut ids = BTreeMap::new();
    for lab in labs {
        let mut at = |line: usize, what: String| {
            found.push(Mistake { file: lab.file.clone(), line, what });
        };
        if let Some(other) = ids.insert(&lab.id, &lab.file) {
            at(
                1,
                format!("lab {} is also described in {other}: expected an id of its own", lab.id),
            );
        }
        for (index, step) in lab.steps.iter().enumerate() {
            let expected = index + 1;
            let line = step.holes.first().map(|h| h.line).or(step.tests.first().map(|t| t.line));
            let line = line.unwrap_or(1);
            if step.number as usize != expected {
                at(line, format!("step {} is where step {expected} is expected", step.number));
            }
            if lab.status == Status::Open && step.tests.is_empty() {
                at(line, format!("step {} has no test: nothing would turn it green", step.number));
            }
            if lab.status == Status::Later && step.holes.is_empty() && step.tests.is_empty() {
                at(line, format!("step {} names no function, and has no test", step.number));
            }
            for field in left_out(step) {
                if lab.status == Status::Open {
                    let what = format!("step {} of an open lab needs {field}", step.number);
                    at(line, format!("{what}: only a later lab may leave it out"));
                }
            }
            for test in &step.tests {
                if let Some(other) = tests.insert(&test.name, format!("{}:{}", lab.file, test.line))
                {
                    at(test.line, format!("test {} is already listed at {other}", test.name));
                }
                if test.points == Points::default() {
                    at(
                        test.line,
                        format!("test {} is worth nothing: expected 0.5 or more", test.name),
                    );
                }
            }
            for hole in &step.holes {
                let place = format!("{}:{}", lab.file, hole.line);
                if let Some(other) = holes.insert((&hole.file, &hole.path), place) {
                    at(hole.line, format!("{} is already cut at {other}: one lab each", hole.path));
                }
                if lab.status == Status::Later && hole.before.is_none() {
                    let what = "belongs to a later lab: expected an inert body, before = \"{}\"";
                    at(hole.line, format!("{} {what}", hole.path));
                }
                if let Some(body) = hole.before.as_deref().filter(|body| !braced(body)) {
                    let what = "the inert body must be in braces, such as \"{ true }\", not";
                    at(hole.line, format!("{}: {what} {body:?}", hole.path));
                }
            }
        }
        let sum: Points = lab.tests().map(|t| t.points).sum();
        if lab.status == Status::Open && sum != lab.points {
            at(1, format!("the tests add up to {sum} points, the lab says {}", lab.points));
        }
        if lab.status == Status::Open && lab.points == Points::default() {
            at(1, "an open lab needs points, the sum of its tests".into());
        }
        if lab.status == Status::Open && lab.suite.is_none() {
            at(1, "an open lab needs suite = \"...\", the test target of package suites".into());
        }
        if lab.status == Status::Open && lab.chapter.is_none() {
            at(1, "an open lab needs chapter = \"...\", its hand-out".into());
        }
        for other in &lab.depends {
            let there = labs.iter().find(|l| l.id == *other);
            if there.is_none() {
                at(1, format!("depends on lab {other}, which no file describes"));
            } else if lab.status == Status::Open && there.is_some_and(|l| l.status == Status::Later)
            {
                at(1, format!("lab {} is open and depends on {other}, which is not", lab.id));
            } else if reaches(labs, other, &lab.id, 0) {
                at(1, format!("lab {} and lab {other} depend on each other", lab.id));
            }
        }
        for hint in &lab.hints {
            if hint.test != "*" && lab.test(&hint.test).is_none() {
                at(hint.line, format!("hint for test {}, which this lab does not have", hint.test));
            }
            let mut paths = lab.steps.iter().flat_map(|s| &s.holes).map(|h| &h.path);
            match (&hint.hole, hint.rule == "not_written") {
                (Some(hole), true) if !paths.any(|path| path == hole) => {
                    at(hint.line, format!("hint for {hole}, which this lab does not cut"));
                }
                (Some(_), false) => {
                    at(hint.line, "only a hint with rule = \"not_written\" names a hole".into());
                }
                (None, true) => at(hint.line, "rule not_written needs hole = \"...\"".into()),
                (Some(_), true) | (None, false) => {}
            }
            if hint.levels.len() != 3 {
                let what = "a question, a pointer, pseudo-code: expected 3 levels, not";
                at(hint.line, format!("{what} {}", hint.levels.len()));
            }
        }
    }
    found
}

/// Returns the fields that a step leaves out, among those that only students see.
fn left_out(step: &Step) -> impl Iterator<Item = &'static str> {
    let fields = [
        ("minutes", step.minutes == 0),
        ("anchor = \"...\", its section in the hand-out", step.anchor.is_empty()),
        ("green = \"...\", what is said when it turns green", step.green.is_empty()),
    ];
    fields.into_iter().filter(|(_, is_left_out)| *is_left_out).map(|(field, _)| field)
}

fn braced(body: &str) -> bool {
    body.starts_with('{') && body.ends_with('}')
}

/// Returns whether lab `from` depends on `to`, at most as deep as there are labs.
fn reaches(labs: &[Lab], from: &str, to: &str, depth: usize) -> bool {
    let Some(lab) = labs.iter().find(|l| l.id == from) else { return false };
    depth <= labs.len()
        && lab.depends.iter().any(|next| next == to || reaches(labs, next, to, depth + 1))
}
