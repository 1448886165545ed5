//! One build holds the reference and every change; the reference keeps its lines.

use labs::changes::Edit;
use labs::course::Sources;
use labs::weave::Arms;
use std::process::Command;

const LIB: &str = "\
//! A fixture.
pub struct Count(pub u32);
impl Count {
    pub fn more(&mut self, by: u32) -> u32 {
        // The sum.
        self.0 += by;
        self.0
    }
    #[track_caller]
    pub fn line(&self) -> u32 {
        std::panic::Location::caller().line()
    }
}
pub fn here() -> u32 {
    Count(0).line()
}
";

fn edit(function: &str, find: &str, replace: &str) -> Edit {
    let [function, find, replace] = [function, find, replace].map(str::to_owned);
    Edit { file: "x/src/lib.rs".into(), function, find, replace }
}

fn sources() -> Sources {
    [("x/src/lib.rs".to_owned(), LIB.to_owned())].into()
}

#[test]
fn each_number_runs_its_own_body_and_says_so() {
    let sources = sources();
    let mut arms = Arms::default();
    let twice = [
        edit("Count::more", "+= by", "+= 2 * by"),
        edit("Count::more", "        self.0\n", "        self.0 // \"after\"\n            + 100\n"),
    ];
    arms.change(1, &sources, &twice).expect("two edits of one body");
    let minus = [edit("Count::more", "+=", "-="), edit("here", "Count(0)", "Count(1)")];
    arms.change(2, &sources, &minus).expect("two bodies");
    let woven = arms.weave(&sources).expect("woven");
    let text = &woven["x/src/lib.rs"];
    for (number, line) in LIB.lines().enumerate() {
        let there = text.lines().nth(number).expect("a line");
        assert!(there.contains(line.trim_end_matches('}').trim()), "{number}: {line}\n{there}");
    }

    let folder = tempfile::tempdir().expect("a folder");
    let main = "fn main() { let mut c = Count(10); println!(\"{} {}\", c.more(5), here()); }";
    let file = folder.path().join("main.rs");
    std::fs::write(&file, format!("{}\n{main}\n", text.replacen("//!", "//", 1))).expect("written");
    let program = folder.path().join("program");
    let compiled = Command::new("rustc")
        .args(["--edition", "2024", "--cap-lints", "allow", "-o"])
        .args([&program, &file])
        .status();
    assert!(compiled.expect("rustc").success(), "{text}");
    for (number, expected, reached) in
        [("0", "15 15", false), ("1", "120 15", true), ("2", "5 16", true), ("", "15 15", false)]
    {
        let report = folder.path().join(format!("reached-{number}"));
        let mut run = Command::new(&program);
        run.env("RAFTWRIGHT_REACHED", &report).env_remove("RAFTWRIGHT_CHANGE");
        if !number.is_empty() {
            run.env("RAFTWRIGHT_CHANGE", number);
        }
        let out = run.output().expect("it runs");
        assert_eq!(String::from_utf8_lossy(&out.stdout).trim(), expected, "change {number}");
        assert_eq!(report.exists(), reached, "change {number}");
    }
}

#[test]
fn an_edit_that_does_not_stand_there_once_is_refused() {
    let sources = sources();
    let refused = |edit: Edit| Arms::default().change(1, &sources, &[edit]).expect_err("refused");
    assert!(refused(edit("Count::more", "nowhere", "")).contains("does not occur there once"));
    assert!(refused(edit("Count::more", "self.0", "")).contains("does not occur there once"));
    assert!(refused(edit("Count::less", "self", "")).contains("no function Count::less"));
    let mut arms = Arms::default();
    let broken = edit("here", "Count(0)", "Count(0");
    arms.change(1, &sources, &[broken]).expect("text is text");
    let said = arms.weave(&sources).expect_err("no Rust");
    assert!(said.contains("x/src/lib.rs here: an edited body is no Rust"), "{said}");
}
