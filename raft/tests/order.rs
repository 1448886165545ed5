//! Reading order: what a module uses is declared after it in `src/lib.rs`, so that a reader who goes
//! from top to bottom meets a rule first, and then what the rule is written with.
//!
//! ```text
//!   lib.rs      mod step;                a module uses what comes after it:      step  -> role    good
//!               mod role;                                                        role  -> step    wrong
//!               mod types;               wrong pairs are in EXCEPTIONS, each with its reason
//! ```
//!
//! The sources are read as text: `crate::x::Y`, `crate::{x::Y, Z}` and `use` of either count; comments
//! do not. A name that `lib.rs` re-exports counts for its module.
//!
//! Invariant: EXCEPTIONS holds the wrong pairs of today and no other; it only gets shorter.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};

/// Pairs that break the order: the module, what it uses, and why.
///
/// Take a line out once the test says that its pair breaks the order no more.
const EXCEPTIONS: &[(&str, &str, &str)] = &[];

/// Which modules a module uses, and by which names.
type Uses = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

/// What `lib.rs` says: its modules in order, and the module of each name that it re-exports.
struct Root {
    modules: Vec<String>,
    exports: BTreeMap<String, String>,
}

impl Root {
    fn read(text: &str) -> Self {
        let text = without_comments(text);
        let declared = text.lines().filter_map(|line| {
            let line = line.trim();
            let name = line.strip_prefix("pub ").unwrap_or(line).strip_prefix("mod ")?;
            Some(name.strip_suffix(';')?.to_owned())
        });
        let modules: Vec<String> = declared.collect();
        let mut exports = BTreeMap::new();
        for statement in text.split("pub use ").skip(1) {
            let statement = statement.split(';').next().unwrap_or_default();
            let module = leading_name(statement);
            for name in statement.split(|c: char| !is_of_name(c)).filter(|name| !name.is_empty()) {
                exports.insert(name.to_owned(), module.to_owned());
            }
        }
        Self { modules, exports }
    }

    /// Returns the module that `crate::name` leads to.
    fn module(&self, name: &str) -> Option<&str> {
        let module = self.modules.iter().find(|module| *module == name);
        module.or_else(|| self.exports.get(name)).map(String::as_str)
    }

    fn place(&self, module: &str) -> usize {
        let place = self.modules.iter().position(|name| name == module);
        place.unwrap_or_else(|| panic!("src/lib.rs declares no module {module}"))
    }
}

fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Returns the name that a text begins with.
fn leading_name(text: &str) -> &str {
    let text = text.trim_start();
    &text[..text.find(|c: char| !is_of_name(c)).unwrap_or(text.len())]
}

/// Takes out what follows `//` on each line, and keeps the lines.
fn without_comments(text: &str) -> String {
    let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

/// Returns the length of the group in braces that a text begins with, or 0.
fn group(text: &str) -> usize {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return if at == 0 { 0 } else { at + 1 };
        }
    }
    0
}

/// Returns the paths that follow each `crate::` of a text: one, or those of a group in braces.
fn paths(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, prefix) in text.match_indices("crate::") {
        let rest = &text[at + prefix.len()..];
        let inside = &rest[..group(rest)];
        let mut rest = inside.strip_prefix('{').unwrap_or(rest).trim_start();
        loop {
            let path = rest.find(|c: char| !is_of_name(c) && c != ':').unwrap_or(rest.len());
            let (path, behind) = rest.split_at(path + group(&rest[path..]));
            found.push(path.split_whitespace().collect::<String>());
            // In a group, a comma leads to the next path.
            match behind.trim_start().strip_prefix(',') {
                Some(next) if !inside.is_empty() => rest = next.trim_start(),
                _ => break,
            }
        }
    }
    found.retain(|path| !path.is_empty());
    found
}

/// Returns the Rust files under a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|name| name == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Returns what the modules of a crate use of each other.
fn uses(src: &Path, root: &Root) -> Uses {
    let mut uses = Uses::new();
    for file in files(src) {
        let inside = file.strip_prefix(src).expect("it lies in the folder");
        let first = inside.iter().next().expect("a file has a name").to_string_lossy();
        let module = first.trim_end_matches(".rs");
        // Unit tests may use everything.
        if module == "lib" || inside.ends_with("tests.rs") {
            continue;
        }
        let text = without_comments(&fs::read_to_string(&file).expect("it is text"));
        let beside = inside.iter().count() == 1 && text.contains("use super::");
        assert!(!beside, "{}: write `crate::`, which this test reads", inside.display());
        for path in paths(&text) {
            let name = leading_name(&path);
            let used = root.module(name).unwrap_or_else(|| {
                panic!("{}: crate::{name} is no module and not re-exported", inside.display())
            });
            if used != module {
                let names = uses.entry(module.to_owned()).or_default();
                names.entry(used.to_owned()).or_default().insert(path);
            }
        }
    }
    uses
}

/// Returns the shortest circle through each module that lies on one, each circle once.
fn circles(uses: &Uses) -> BTreeSet<Vec<String>> {
    let mut found = BTreeSet::new();
    for start in uses.keys() {
        let mut open = VecDeque::from([vec![start.clone()]]);
        let mut seen = BTreeSet::new();
        while let Some(way) = open.pop_front() {
            let Some(next) = way.last().and_then(|last| uses.get(last)) else { continue };
            if next.contains_key(start) {
                let first = way.iter().min().expect("it holds the start");
                let turn = way.iter().position(|module| module == first).unwrap_or_default();
                found.insert([&way[turn..], &way[..turn]].concat());
                break;
            }
            for module in next.keys().filter(|module| seen.insert((*module).clone())) {
                open.push_back([way.clone(), vec![module.clone()]].concat());
            }
        }
    }
    found
}

/// Returns what is wrong: pairs against the order that are no exceptions, and exceptions that are not
/// needed.
fn faults(root: &Root, uses: &Uses, exceptions: &[(&str, &str, &str)]) -> Vec<String> {
    let mut found = Vec::new();
    for (module, used) in uses {
        for (used, names) in used.iter().filter(|(used, _)| root.place(used) < root.place(module)) {
            if !exceptions.iter().any(|(from, to, _)| from == module && to == used) {
                let names = names.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
                found.push(format!("{module} uses {used}, which is declared before it: {names}"));
            }
        }
    }
    for (from, to, _) in exceptions {
        let wrong = uses.get(*from).is_some_and(|used| used.contains_key(*to))
            && root.place(to) < root.place(from);
        if !wrong {
            found.push(format!("{from} -> {to} breaks the order no more: shorten EXCEPTIONS"));
        }
    }
    found
}

/// `cargo test -p raft --test order -- --nocapture` prints the circles.
#[test]
fn a_module_uses_only_what_is_declared_after_it() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let root = Root::read(&fs::read_to_string(src.join("lib.rs")).expect("it is there"));
    let uses = uses(&src, &root);
    let circles = circles(&uses);
    println!("{} circles, the shortest through each module:", circles.len());
    for circle in &circles {
        println!("  {} -> {}", circle.join(" -> "), circle[0]);
    }
    let found = faults(&root, &uses, EXCEPTIONS);
    assert!(
        found.is_empty(),
        "src/lib.rs declares modules in reading order:\n{}",
        found.join("\n")
    );
    for (from, to, reason) in EXCEPTIONS {
        assert!(!reason.is_empty(), "{from} -> {to} needs a reason");
    }
}

#[test]
fn a_pair_against_the_order_is_named_and_an_exception_lasts_no_longer_than_it_breaks_the_order() {
    let root = Root::read("mod a; // first\npub mod b;\nmod c;\npub use b::inner::{X, Y};\n");
    assert_eq!(root.modules, ["a", "b", "c"]);
    let read = |module: &str, text: &str| {
        let mut uses = Uses::new();
        for path in paths(&without_comments(text)) {
            let used = root.module(leading_name(&path)).expect("it is known").to_owned();
            uses.entry(module.to_owned()).or_default().entry(used).or_default().insert(path);
        }
        uses
    };
    let good = read("a", "use crate::{b::Z, c::{P, Q}};\nuse crate::X; // crate::nothing\n");
    assert_eq!(good["a"].keys().collect::<Vec<_>>(), ["b", "c"]);
    assert!(faults(&root, &good, &[]).is_empty());
    let wrong = read("c", "fn f(_: crate::Y) {}");
    assert_eq!(faults(&root, &wrong, &[]), ["c uses b, which is declared before it: Y"]);
    assert!(faults(&root, &wrong, &[("c", "b", "for this test")]).is_empty());
    let stale = faults(&root, &good, &[("c", "b", "for this test")]);
    assert_eq!(stale, ["c -> b breaks the order no more: shorten EXCEPTIONS"]);
    let both = good.into_iter().chain(read("b", "crate::a::F; crate::c::G")).collect();
    assert_eq!(circles(&both), BTreeSet::from([vec!["a".to_owned(), "b".to_owned()]]));
}
