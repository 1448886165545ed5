//! Identifiers: a hand-out, a hint and the book name only what the sources have.
//!
//! ```text
//!   book/src/2aa.md:478  `leader.progress`    a field called progress          some struct has it
//!                        `Core::on_append`    an item on_append of the type    its impls, variants
//!                        `find_conflict(..)`  a function                       some file has it
//!                        `aa_single_node`     any name with an underscore      a test, a rule, a name
//! ```
//!
//! What stands in backticks is read as tokens. A word without an underscore, a path of a file and a
//! command are left alone: they may be of another language. The type of a variable is not known here,
//! so `x.name` asks only for a field of that name, and `x.name()` for a function.
//!
//! Invariant: a name that was taken away is a fault on every page that still has it.

use crate::course::{Course, Sources, texts};
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet};

/// The folders whose names a page may use.
const FOLDERS: [&str; 10] = [
    "raft/src",
    "raft/tests",
    "storage/src",
    "storage/tests",
    "kv/src",
    "kv/tests",
    "tests/src",
    "tests/tests",
    "tests/outside/src",
    "tests/outside/tests",
];

/// Types and modules of the language's own library, and of its packages: their items are not looked at.
const FOREIGN: [&str; 22] = [
    "Arc", "BTreeMap", "BTreeSet", "Box", "Default", "Duration", "Err", "HashMap", "Iterator",
    "None", "Ok", "Option", "Result", "Rng", "Some", "String", "Vec", "core", "io", "process",
    "std", "u64",
];

/// Functions of the language's own library, which any type may have.
const FOREIGN_FUNCTIONS: &str = "as_ref clear clone cmp collect contains count default drain entry \
    expect extend filter first from get get_or_insert insert into is_empty is_some iter keys last \
    len map max min or_default pop push remove take unwrap values";

fn is_foreign_function(name: &str) -> bool {
    FOREIGN_FUNCTIONS.split_whitespace().any(|known| known == name)
}

/// A name on a page that the sources do not have.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unknown {
    /// What stands in backticks.
    pub span: String,
    /// What is missing.
    pub what: String,
}

/// Every name of some sources.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Known {
    /// Every word that is an identifier.
    words: BTreeSet<String>,
    fields: BTreeSet<String>,
    functions: BTreeSet<String>,
    /// Of every type, its functions, constants, variants and fields.
    items: BTreeMap<String, BTreeSet<String>>,
    /// Types that lend the fields of another: what they have is not known here.
    borrowed: BTreeSet<String>,
    /// Names that are not of Rust: tests, scripts, rules.
    others: BTreeSet<String>,
}

/// Returns every name in the book, in the table of judges (`tests/README.md`) and in the hints that the
/// sources do not have, with its place.
///
/// # Errors
/// A file cannot be read.
pub fn find(course: &Course) -> Result<Vec<String>, String> {
    let mut known = Known::default();
    for folder in FOLDERS {
        known.add(&texts(&course.root, folder)?)?;
    }
    for lab in &course.catalogue.labs {
        known.others.extend(lab.tests().map(|test| test.name.clone()));
        known.others.extend(lab.hints.iter().map(|hint| hint.rule.clone()));
    }
    for (name, _) in crate::course::files(&course.root, "tests/scripts")? {
        let stem = name.rsplit('/').next().unwrap_or(&name).trim_end_matches(".txt");
        known.others.insert(stem.to_owned());
    }
    let mut found = Vec::new();
    let judges = ("tests/README.md".to_owned(), course.root.join("tests/README.md"));
    let book = crate::course::files(&course.root, "book/src")?;
    // The small courses of this program's own tests have no such table.
    let judges = Some(judges).filter(|(_, path)| path.is_file());
    for (name, path) in book.into_iter().chain(judges) {
        if name.ends_with(".md") {
            let text = std::fs::read_to_string(&path)
                .map_err(|why| format!("{}: {why}", path.display()))?;
            found.extend(page(&name, &text, &known));
        }
    }
    for lab in course.catalogue.open() {
        for hint in &lab.hints {
            let unknown = hint.levels.iter().flat_map(|level| known.unknown(level));
            let at = |unknown: Unknown| format!("{}:{}: {}", lab.file, hint.line, unknown.said());
            found.extend(unknown.map(at));
        }
    }
    Ok(found)
}

/// Returns the unknown names of a page, with their lines. Fenced blocks are not looked at: code of the
/// sources in them is compared elsewhere.
pub fn page(name: &str, text: &str, known: &Known) -> Vec<String> {
    let mut fenced = false;
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        if !fenced && !fence {
            let unknown = known.unknown(line).into_iter();
            found.extend(unknown.map(|u| format!("{name}:{}: {}", number + 1, u.said())));
        }
    }
    found
}

impl Unknown {
    fn said(&self) -> String {
        format!("`{}`: {}", self.span, self.what)
    }
}

impl Known {
    /// Adds the names of some files.
    ///
    /// # Errors
    /// One does not parse.
    pub fn add(&mut self, sources: &Sources) -> Result<(), String> {
        for (file, text) in sources {
            let tokens: TokenStream = text.parse().map_err(|e| format!("{file}: {e}"))?;
            self.words(tokens);
            let parsed = syn::parse_file(text).map_err(|e| format!("{file}: {e}"))?;
            self.list(&parsed.items);
            let stem = file.rsplit('/').next().unwrap_or(file).trim_end_matches(".rs");
            self.others.insert(stem.to_owned());
        }
        Ok(())
    }

    fn words(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Ident(word) => {
                    self.words.insert(word.to_string());
                }
                TokenTree::Group(group) => self.words(group.stream()),
                // The rule of an assertion, the key of a script: names, as texts.
                TokenTree::Literal(text) => {
                    let text = text.to_string();
                    let name = text.trim_matches('"').trim_end_matches(".txt");
                    self.others.insert(name.rsplit('/').next().unwrap_or(name).to_owned());
                }
                TokenTree::Punct(_) => {}
            }
        }
    }

    fn list(&mut self, items: &[syn::Item]) {
        for item in items {
            if let syn::Item::Struct(of) = item {
                self.fields(&of.fields);
                let fields = of.fields.iter().filter_map(|field| field.ident.as_ref());
                let fields = fields.map(ToString::to_string);
                self.items.entry(of.ident.to_string()).or_default().extend(fields);
            } else if let syn::Item::Enum(of) = item {
                for variant in &of.variants {
                    self.fields(&variant.fields);
                    self.item(&of.ident, &variant.ident);
                }
            } else if let syn::Item::Fn(of) = item {
                self.functions.insert(of.sig.ident.to_string());
            } else if let syn::Item::Trait(of) = item {
                self.of_trait(of);
            } else if let syn::Item::Impl(of) = item {
                self.of_impl(of);
            } else if let syn::Item::Mod(of) = item
                && let Some((_, inside)) = &of.content
            {
                self.list(inside);
            }
        }
    }

    fn of_trait(&mut self, of: &syn::ItemTrait) {
        for item in &of.items {
            if let syn::TraitItem::Fn(function) = item {
                self.item(&of.ident, &function.sig.ident);
                self.functions.insert(function.sig.ident.to_string());
            } else if let syn::TraitItem::Const(constant) = item {
                self.item(&of.ident, &constant.ident);
            }
        }
    }

    fn of_impl(&mut self, of: &syn::ItemImpl) {
        let syn::Type::Path(path) = &*of.self_ty else { return };
        let Some(last) = path.path.segments.last() else { return };
        let is_deref = |name: &syn::PathSegment| name.ident == "Deref";
        if of.trait_.as_ref().is_some_and(|(name, _)| name.segments.last().is_some_and(is_deref)) {
            self.borrowed.insert(last.ident.to_string());
        }
        for item in &of.items {
            if let syn::ImplItem::Fn(function) = item {
                self.item(&last.ident, &function.sig.ident);
                self.functions.insert(function.sig.ident.to_string());
            } else if let syn::ImplItem::Const(constant) = item {
                self.item(&last.ident, &constant.ident);
            }
        }
    }

    fn fields(&mut self, fields: &syn::Fields) {
        self.fields.extend(fields.iter().filter_map(|f| f.ident.as_ref()).map(ToString::to_string));
    }

    fn item(&mut self, of: &syn::Ident, item: &syn::Ident) {
        self.items.entry(of.to_string()).or_default().insert(item.to_string());
    }

    /// Returns the unknown names of a line of prose.
    pub fn unknown(&self, line: &str) -> Vec<Unknown> {
        let spans = line.split('`').skip(1).step_by(2);
        let missing = |span: &str| {
            let what = self.missing(span)?;
            Some(Unknown { span: span.to_owned(), what })
        };
        spans.filter_map(missing).collect()
    }

    /// Returns what is missing of what stands in backticks.
    fn missing(&self, span: &str) -> Option<String> {
        let other = span.contains(['/', '<', '$', '\\', '"', '%', '@']) || span.starts_with('-');
        let is_file = [".rs", ".toml", ".txt", ".md", ".jsonl", ".json", ".log", ".yml", ".go"]
            .iter()
            .any(|end| span.ends_with(end));
        // Of a word that is followed by another, nobody knows the language.
        let prose = span.split(' ').collect::<Vec<_>>().windows(2).any(|two| {
            let letters = |word: &str| word.chars().all(|c| c.is_alphanumeric() || c == '-');
            two.iter().all(|word| letters(word))
        });
        if other || is_file || prose {
            return None;
        }
        let prefix = span.trim_end_matches(['.', '*']);
        if prefix.ends_with('_') && prefix.chars().all(|c| c.is_alphanumeric() || c == '_') {
            return (!self.begins(prefix)).then(|| format!("no name begins with {prefix}"));
        }
        let tokens: TokenStream = span.parse().ok()?;
        self.check(&tokens.into_iter().collect::<Vec<_>>())
    }

    fn check(&self, tokens: &[TokenTree]) -> Option<String> {
        let is = |at: usize, mark: char| matches!(tokens.get(at), Some(TokenTree::Punct(p)) if p.as_char() == mark);
        let word = |at: usize| match tokens.get(at) {
            Some(TokenTree::Ident(word)) => Some(word.to_string()),
            _ => None,
        };
        for (at, token) in tokens.iter().enumerate() {
            if let TokenTree::Group(group) = token {
                let inside: Vec<_> = group.stream().into_iter().collect();
                if let Some(what) = self.check(&inside) {
                    return Some(what);
                }
            }
            let Some(name) = word(at) else { continue };
            let called = matches!(tokens.get(at + 1),
                Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis);
            let before = at.checked_sub(1);
            let range = at >= 2 && is(at - 1, '.') && is(at - 2, '.');
            let fault = if before.is_some_and(|b| is(b, '.')) && !range {
                let of = at.checked_sub(2).and_then(word);
                if let Some(fault) = of.and_then(|of| self.field_of(&of, &name)) {
                    return Some(fault);
                }
                self.member(&name, called)
            } else if at >= 3 && is(at - 1, ':') && is(at - 2, ':') {
                word(at - 3).and_then(|of| self.item_of(&of, &name))
            } else if is(at + 1, ':') && is(at + 2, ':') {
                self.head(&name)
            } else {
                self.alone(&name, called)
            };
            if fault.is_some() {
                return fault;
            }
        }
        None
    }

    fn member(&self, name: &str, called: bool) -> Option<String> {
        if called {
            let known = self.functions.contains(name) || is_foreign_function(name);
            return (!known).then(|| format!("no function is called {name}"));
        }
        (!self.fields.contains(name)).then(|| match self.functions.contains(name) {
            true => format!("no field is called {name}; there is a function {name}()"),
            false => format!("no field is called {name}"),
        })
    }

    fn item_of(&self, of: &str, name: &str) -> Option<String> {
        if FOREIGN.contains(&of) || is_foreign_function(name) {
            return None;
        }
        match self.items.get(of) {
            Some(items) => (!items.contains(name)).then(|| format!("{of} has no item {name}")),
            None => (!self.words.contains(name)).then(|| format!("nothing is called {name}")),
        }
    }

    /// What the type of a variable lacks, where the variable is called as a type of ours is.
    fn field_of(&self, of: &str, name: &str) -> Option<String> {
        let (first, rest) = of.split_at_checked(1)?;
        let of = first.to_uppercase() + rest;
        let items = self.items.get(&of).filter(|_| !self.borrowed.contains(&of))?;
        let known = items.contains(name) || is_foreign_function(name);
        (!known).then(|| format!("{of} has no field and no function {name}"))
    }

    fn head(&self, name: &str) -> Option<String> {
        let known = self.words.contains(name) || FOREIGN.contains(&name);
        (!known).then(|| format!("no type or module is called {name}"))
    }

    fn alone(&self, name: &str, called: bool) -> Option<String> {
        if !name.contains('_') && !called {
            return None;
        }
        let known = self.words.contains(name)
            || self.others.contains(name)
            || FOREIGN.contains(&name)
            || is_foreign_function(name);
        (!known).then(|| format!("nothing is called {name}"))
    }

    /// Returns whether some name begins so: `aa_sim_*` and `fig2_..` are for several.
    fn begins(&self, prefix: &str) -> bool {
        self.words.iter().chain(&self.others).any(|name| name.starts_with(prefix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "\
        pub struct Core { log: Log } pub struct Facts { pub term: u64 }\n\
        impl Deref for Core { type Target = Facts; fn deref(&self) -> &Facts { &self.facts } }\n\
        pub struct Leader { pub progress: u8 } impl Progress { pub fn matched(&self) -> u8 { 1 } }\n\
        impl Core { fn bcast_heartbeat(&mut self) {} } pub struct Progress { next: u8 }\n\
        pub enum Role { Follower, Leader(u8) } fn judge() { say(\"one_vote_per_term\"); }\n";

    fn known() -> Known {
        let mut known = Known::default();
        known.add(&[("raft/src/core.rs".to_owned(), SOURCE.to_owned())].into()).expect("it parses");
        known
    }

    #[test]
    fn a_name_that_is_gone_is_found_in_every_shape() {
        for (line, what) in [
            (
                "the lesser of `leader.matched` and ours",
                "Leader has no field and no function matched",
            ),
            ("`progress.matched() + other.acked`", "no field is called acked"),
            (
                "`x.matched` is the last",
                "no field is called matched; there is a function matched()",
            ),
            ("see `Core::broadcast`", "Core has no item broadcast"),
            ("`Nowhere::at_all`", "no type or module is called Nowhere"),
            ("`Role::Leader(Core::gone(..))`", "Core has no item gone"),
            ("`send_beat(to)`", "nothing is called send_beat"),
            ("`two_votes_per_term`", "nothing is called two_votes_per_term"),
            ("`one_seat_*`", "no name begins with one_seat_"),
        ] {
            let found = known().unknown(line);
            assert_eq!(found.len(), 1, "{line}: {found:?}");
            assert_eq!(found[0].what, what, "{line}");
        }
    }

    #[test]
    fn what_is_there_and_what_is_no_rust_is_left_alone() {
        for line in [
            "`leader.progress`, `progress.matched()`, `Core::bcast_heartbeat`, `Facts::term`",
            "`core.term`: the core lends its facts. `Role::Leader(Vec::new())`, `0..below`",
            "`raft/src/gone.rs`, `gone.rs`, `cargo labs test`, `--seeds 20`, `one_vote_per_*`",
            "`one_vote_per_term`, no `word` of another language, `Option<Gone>`",
        ] {
            assert_eq!(known().unknown(line), [], "{line}");
        }
        let text = "```rust\n`gone_at_all`\n```\n`gone_at_all`\n";
        assert_eq!(
            page("p.md", text, &known()),
            ["p.md:4: `gone_at_all`: nothing is called gone_at_all"]
        );
    }
}
