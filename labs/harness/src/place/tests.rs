//! Source texts that are hard to read.

use super::*;

/// Asserts where each line that ends in `//= name` lies (`//= -`: in no function).
fn check(source: &str) {
    let mut checked = 0;
    for (at, line) in source.lines().enumerate() {
        if let Some((_, expected)) = line.split_once("//= ") {
            let found = function_at(source, u32::try_from(at).unwrap() + 1);
            assert_eq!(found.as_deref().unwrap_or("-"), expected, "line {}: {line}", at + 1);
            checked += 1;
        }
    }
    assert!(checked > 0);
}

#[test]
fn owners_are_found_behind_generics_traits_and_paths() {
    check(
        r#"
use std::fmt; //= -
impl<S: Storage<Item = Vec<u8>>> Core<S> {
    const X: u8 = 1; //= -
    pub(crate) fn tick(&mut self) -> Turn { //= Core::tick
        if self.a { b() } //= Core::tick
    } //= Core::tick
    fn one_line(&self) {} //= Core::one_line
}
impl fmt::Display for types::NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { //= NodeId::fmt
        Ok(()) //= NodeId::fmt
    }
}
impl<F: Fn(u8) -> Vec<u8>> Rule<F> for Box<dyn Other<F>> where for<'a> F: Copy {
    fn apply(&self) { x() } //= Box::apply
}
trait Storage: Clone + Send {
    fn last(&self) -> u64;
    fn first(&self) -> u64 { //= Storage::first
        1 //= Storage::first
    }
}
fn free() { //= free
    struct Inner { a: u8 } //= free
    impl Inner { fn deep(&self) { y() } } //= Inner::deep
    fn nested() { //= nested
    }
    z(); //= free
}
static Z: u8 = 3; //= -
"#,
    );
}

#[test]
fn braces_that_open_nothing_are_skipped() {
    check(
        r###"
impl Raft {
    fn strings(&self) { //= Raft::strings
        let a = "} fn fake() {"; //= Raft::strings
        let b = r#"}}} " } "#; //= Raft::strings
        let c = '}'; let d = '\''; let e = '{'; //= Raft::strings
        let f = b"}"; let g = br##"}"# }"##; let h = b'}'; //= Raft::strings
        let s = "\\"; let t = "\"}"; //= Raft::strings
        // } a comment
        /* } /* nested } */ } */
        let l: &'static str = x; 'outer: loop { break 'outer } //= Raft::strings
        let unicode = "é}ü"; let ch = 'é'; //= Raft::strings
    } //= Raft::strings
    fn after(&self) { 1 } //= Raft::after
}
"###,
    );
}

#[test]
fn signatures_with_bodies_of_their_own_do_not_mislead() {
    check(
        r#"
impl Majority {
    fn voters(&self) -> impl Iterator<Item = u8> + use<'_> { //= Majority::voters
        let f: fn(u8) -> u8 = g; //= Majority::voters
        self.0.iter().map(|x| { x + 1 }) //= Majority::voters
    }
    fn array<const N: usize>(a: [u8; { 1 + 2 }], b: impl Fn() -> u8) -> [u8; { N; 3 }] { //= Majority::array
        todo!("lab 2aa step 1: {}", 1) //= Majority::array
    }
    #[must_use]
    pub fn long( //= Majority::long
        self, //= Majority::long
    ) -> Result<(), Vec<Box<dyn Fn() -> u8>>> //= Majority::long
    where
        Self: Sized, //= Majority::long
    { //= Majority::long
    }
}
macro_rules! m { ($x:expr) => { fn made() { $x } }; } 
mod tests { fn r#in() {} 
    fn last() {} //= last
}
"#,
    );
}

#[test]
fn a_function_is_found_by_its_path() {
    let text = "impl Votes {\n    fn of(&self) {}\n}\nimpl<S: Storage> Core<S> {\n    /// Not fn of \
                {.\n    fn of(&mut self, a: u8) {\n        \"}\"\n    }\n    fn last() {}\n}\n";
    let found = |path: &str| {
        let found = function_named(text, path)?;
        Some((found.line, &text[found.body?]))
    };
    assert_eq!(found("Core::of"), Some((6, "{\n        \"}\"\n    }")));
    assert_eq!(found("Votes::of"), Some((2, "{}")));
    assert_eq!((found("Raft::of"), found("of")), (None, None));
    // While a student types: a brace too many, and a brace too few.
    let (many, few) =
        (text.replace(") {}\n}", ") {}\n}}"), text.replace("    }\n    fn last", "fn last"));
    let line = |text: &str, path: &str| function_named(text, path).map(|found| found.line);
    assert_eq!([line(&many, "Core::of"), line(&few, "Core::of")], [Some(6), Some(6)]);
    assert_eq!([line(&many, "Core::last"), line(&few, "Core::last")], [Some(9), Some(8)]);
    let one_too_many = text.replace("\"}\"\n    }", "}\n    }\n}");
    assert_eq!(line(&one_too_many, "Core::last"), Some(10));
}

#[test]
fn a_text_that_is_no_rust_ends_without_a_name() {
    for text in ["", "}}}}", "fn", "impl {", "\"", "/*", "'", "r#\"", "fn f(", "fn f() {", "'\\"] {
        assert_eq!(function_at(text, 1), None, "{text}");
    }
}

#[test]
fn paths_begin_at_the_workspace() {
    assert_eq!(tidy("raft/src/quorum.rs"), "raft/src/quorum.rs");
    assert_eq!(tidy("/home/me/raft/src/raft/src/quorum.rs"), "raft/src/quorum.rs");
    assert_eq!(tidy("raft\\src\\log\\unstable.rs"), "raft/src/log/unstable.rs");
    assert_eq!(tidy("./raft/src/log.rs"), "raft/src/log.rs");
    let place = Place { file: "raft/src/log/unstable.rs".into(), line: 7 };
    assert_eq!((place.short().as_str(), place.is_the_students()), ("unstable.rs:7", true));
}

#[test]
fn a_line_of_this_workspace_is_read_from_its_source() {
    let source = std::fs::read_to_string(workspace_root().unwrap().join("raft/src/role.rs"));
    let source = source.unwrap();
    let at = source.lines().position(|line| line.contains("fn hold_election")).unwrap();
    let line = u32::try_from(at).unwrap() + 1;
    let place = Place { file: "raft/src/role.rs".into(), line };
    assert!(place.text().unwrap().contains("fn hold_election"));
    assert_eq!(place.function().as_deref(), Some("Raft::hold_election"));
    let beyond = Place { line: u32::MAX, ..place };
    assert_eq!((beyond.text(), beyond.function()), (None, None));
    let absent = Place { file: "raft/src/absent.rs".into(), line };
    assert_eq!((absent.text(), absent.function()), (None, None));
}
