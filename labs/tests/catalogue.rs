//! Every mistake in a catalogue names its file, its line, and what was expected.

use runner::catalogue::Catalogue;
use std::collections::BTreeMap;

const GOOD: &str = r#"id = "x"
title = "A lab"
points = 2
hours = 1
status = "open"
suite = "lab_x"
chapter = "x.md"
[[steps]]
number = 1
title = "One"
minutes = 10
anchor = "step-1"
green = "good"
holes = [
    { file = "raft/src/a.rs", path = "A::f", lines = 1 },
]
tests = [
    { name = "one", points = 1.5 },
    { name = "two", points = 0.5 },
]
[[hints]]
test = "one"
rule = "*"
levels = ["a", "b", "c"]
"#;

fn said(files: &[(&str, &str)]) -> String {
    let files: BTreeMap<String, String> =
        files.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect();
    match Catalogue::parse(&files) {
        Ok(_) => String::new(),
        Err(mistakes) => runner::place::lines(&mistakes),
    }
}

#[test]
fn a_good_one_is_read() {
    assert_eq!(said(&[("x.toml", GOOD)]), "");
}

#[test]
fn mistakes_name_file_line_and_what_was_expected() {
    for (from, to, expected) in [
        ("hours = 1\n", "", "x.toml:1: missing field `hours`"),
        ("hours = 1", "hours = \"long\"", "x.toml:4: invalid type: string \"long\""),
        ("hours = 1", "hour = 1", "x.toml:4: unknown field `hour`, expected"),
        ("status = \"open\"", "status = \"soon\"", "x.toml:5: unknown variant `soon`, expected"),
        ("points = 1.5", "points = 1.3", "x.toml:18: 1.3 points: expected halves"),
        ("points = 1.5", "points = 1", "x.toml:1: the tests add up to 1.5 points, the lab says 2"),
        ("points = 0.5", "points = 0", "x.toml:19: test two is worth nothing"),
        ("\"two\"", "\"one\"", "x.toml:19: test one is already listed at x.toml:18"),
        ("number = 1", "number = 2", "x.toml:15: step 2 is where step 1 is expected"),
        ("hours = 1", "hours = 1\ndepends = [\"y\"]", "x.toml:1: depends on lab y"),
        ("test = \"one\"", "test = \"on\"", "x.toml:21: hint for test on, which"),
        ("rule = \"*\"", "rule = \"not_written\"", "x.toml:21: rule not_written needs hole"),
        ("rule = \"*\"", "rule = \"r\"\nhole = \"A::f\"", "x.toml:21: only a hint with"),
        (
            "rule = \"*\"",
            "rule = \"not_written\"\nhole = \"A::g\"",
            "x.toml:21: hint for A::g, which this lab does not cut",
        ),
        ("\"b\", ", "", "x.toml:21: a question, a pointer, pseudo-code: expected 3 levels, not 2"),
        ("lines = 1", "lines = 1, before = \"true\"", "must be in braces"),
        ("suite = \"lab_x\"\n", "", "x.toml:1: an open lab needs suite"),
        ("points = 2\n", "", "x.toml:1: an open lab needs points, the sum of its tests"),
        (
            "minutes = 10\n",
            "",
            "x.toml:14: step 1 of an open lab needs minutes: only a later lab may",
        ),
        ("anchor = \"step-1\"\n", "", "x.toml:14: step 1 of an open lab needs anchor = \"...\""),
        ("green = \"good\"\n", "", "x.toml:14: step 1 of an open lab needs green = \"...\""),
        ("id = \"x\"", "id = ", "x.toml:1: "),
    ] {
        let text = GOOD.replacen(from, to, 1);
        assert_ne!(text, GOOD, "{from}");
        let said = said(&[("x.toml", &text)]);
        assert!(said.contains(expected), "{to}: expected {expected}\n got {said}");
    }
}

#[test]
fn labs_must_fit_together() {
    let other =
        |text: &str| GOOD.replace("\"x\"", "\"y\"").replace("one", text).replace("two", "z");
    let y = other("q");
    let found = said(&[("x.toml", GOOD), ("y.toml", &y)]);
    assert!(found.contains("y.toml:15: A::f is already cut at x.toml:15: one lab each"), "{found}");
    let again = said(&[("x.toml", GOOD), ("y.toml", GOOD)]);
    assert!(again.contains("lab x is also described in x.toml"), "{again}");
    let free = |text: &str| text.replace("A::f", "B::f");
    let depends = |text: &str, on: &str| {
        text.replacen("hours = 1", &format!("hours = 1\ndepends = [\"{on}\"]"), 1)
    };
    let circle = [depends(GOOD, "y"), depends(&free(&y), "x")];
    let found = said(&[("x.toml", &circle[0]), ("y.toml", &circle[1])]);
    assert!(found.contains("depend on each other"), "{found}");
    let later = free(&y).replace("\"open\"", "\"later\"");
    let found = said(&[("x.toml", GOOD), ("y.toml", &later)]);
    assert!(found.contains("y.toml:15: B::f belongs to a later lab: expected an inert"), "{found}");
}

/// All that the file of a lab must say while the lab is still to come.
const LATER: &str = r#"id = "z"
title = "A later lab"
hours = 1
depends = ["x"]
status = "later"
[[steps]]
number = 1
title = "One"
holes = [
    { file = "raft/src/z.rs", path = "Z::f", lines = 1, before = "{}" },
]
"#;

#[test]
fn a_later_lab_may_leave_out_what_only_students_and_tests_see() {
    assert_eq!(said(&[("x.toml", GOOD), ("z.toml", LATER)]), "");
    let open = LATER.replace("\"later\"", "\"open\"");
    let found = said(&[("x.toml", GOOD), ("z.toml", &open)]);
    for expected in ["points", "suite", "chapter", "minutes", "anchor", "green"] {
        assert!(found.contains(&format!(" needs {expected}")), "{expected}: {found}");
    }
    assert!(found.contains("z.toml:10: step 1 has no test"), "{found}");
    for (from, to, expected) in [
        ("title = \"A later lab\"\n", "", "z.toml:1: missing field `title`"),
        ("hours = 1\n", "", "z.toml:1: missing field `hours`"),
        ("number = 1\n", "", "missing field `number`"),
        ("title = \"One\"\n", "", "missing field `title`"),
        (", lines = 1", "", "missing field `lines`"),
        (", before = \"{}\"", "", "z.toml:10: Z::f belongs to a later lab: expected an inert body"),
        ("depends = [\"x\"]", "depends = [\"w\"]", "z.toml:1: depends on lab w"),
        ("\"Z::f\"", "\"Z::f\", line = 3", "unknown field `line`"),
        ("raft/src/z.rs\", path = \"Z::f", "raft/src/a.rs\", path = \"A::f", "A::f is already cut"),
    ] {
        let text = LATER.replacen(from, to, 1);
        assert_ne!(text, LATER, "{from}");
        let found = said(&[("x.toml", GOOD), ("z.toml", &text)]);
        assert!(found.contains(expected), "{from}: expected {expected}\n got {found}");
    }
    let empty = LATER.split("holes = [").next().expect("a part");
    let found = said(&[("x.toml", GOOD), ("z.toml", empty)]);
    assert!(found.contains("z.toml:1: step 1 names no function, and has no test"), "{found}");
}
