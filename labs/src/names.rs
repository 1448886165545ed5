//! Names: within a package, and within all labs, no two types share one: a search finds one thing.
//!
//! ```text
//!   tests/src/shrink.rs:25        struct Footer --.
//!   tests/src/trace/format.rs:158 struct Footer --'--> "testbed: 2 types are called Footer: .."
//! ```
//!
//! A type is a struct, an enum, a trait, a union or a type alias, public or private, also within a
//! function. Associated types do not count: the trait gives them their name.
//!
//! Invariant: an [`Exception`] lists names that are shared today. One that is not needed any
//! more is a fault, too, so the list only gets shorter.

use crate::course::{Course, Sources, texts};
use std::collections::BTreeMap;

/// What is looked at: a package, or the packages of a folder, and the folders of their sources.
pub const PACKAGES: [(&str, &[&str]); 5] = [
    ("raft", &["raft/src"]),
    ("storage", &["storage/src"]),
    ("kv", &["kv/src"]),
    ("testbed", &["tests/src"]),
    (
        "labs",
        &["labs/src", "labs/runner/src", "labs/harness/src", "labs/suites/src", "labs/step/src"],
    ),
];

/// A name that may stay with several types of a package.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Exception {
    /// The package.
    pub package: &'static str,
    /// The name.
    pub name: &'static str,
    /// Why it stays.
    pub reason: &'static str,
}

/// The exceptions of this course.
pub const EXCEPTIONS: &[Exception] = &[];

/// Where a type is declared.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Declaration {
    file: String,
    line: usize,
    kind: &'static str,
}

/// Returns what is wrong with the names of the course's packages: names that several types share, and
/// exceptions that are not needed any more.
///
/// # Errors
/// A file cannot be read.
pub fn find(course: &Course) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    for (package, folders) in PACKAGES {
        let mut sources = Sources::new();
        for folder in folders {
            sources.extend(texts(&course.root, folder)?);
        }
        found.extend(shared(package, &sources, EXCEPTIONS));
    }
    Ok(found)
}

/// Returns what is wrong with the names of one package.
pub fn shared(package: &str, sources: &Sources, exceptions: &[Exception]) -> Vec<String> {
    let mut found = Vec::new();
    let mut places: BTreeMap<String, Vec<Declaration>> = BTreeMap::new();
    for (file, text) in sources {
        match syn::parse_file(text) {
            Ok(parsed) => items(&parsed.items, file, &mut places),
            Err(e) => found.push(format!("{file}:{}: does not parse: {e}", e.span().start().line)),
        }
    }
    places.retain(|_, places| places.len() > 1);
    for exception in exceptions.iter().filter(|e| e.package == package) {
        if places.remove(exception.name).is_none() {
            let name = exception.name;
            found.push(format!(
                "{package}: no two types are called {name} any more. Take the exception for {name} \
                 out of EXCEPTIONS in labs/src/names.rs."
            ));
        }
    }
    for (name, places) in &places {
        let shown: Vec<String> =
            places.iter().map(|p| format!("{} at {}:{}", p.kind, p.file, p.line)).collect();
        found.push(format!(
            "{package}: {} types are called {name}: {}. Give all but one another name, one that says \
             how it differs.",
            places.len(),
            shown.join(", "),
        ));
    }
    found
}

fn items(list: &[syn::Item], file: &str, found: &mut BTreeMap<String, Vec<Declaration>>) {
    for item in list {
        declared(item, file, found);
        if let syn::Item::Mod(module) = item
            && let Some((_, inside)) = &module.content
        {
            items(inside, file, found);
        } else if let syn::Item::Fn(function) = item {
            inner(&function.block, file, found);
        } else if let syn::Item::Impl(of) = item {
            for item in &of.items {
                if let syn::ImplItem::Fn(method) = item {
                    inner(&method.block, file, found);
                }
            }
        } else if let syn::Item::Trait(of) = item {
            for item in &of.items {
                if let syn::TraitItem::Fn(method) = item
                    && let Some(block) = &method.default
                {
                    inner(block, file, found);
                }
            }
        }
    }
}

/// The types that a function declares for itself.
fn inner(block: &syn::Block, file: &str, found: &mut BTreeMap<String, Vec<Declaration>>) {
    for statement in &block.stmts {
        if let syn::Stmt::Item(item) = statement {
            items(std::slice::from_ref(item), file, found);
        }
    }
}

fn declared(item: &syn::Item, file: &str, found: &mut BTreeMap<String, Vec<Declaration>>) {
    let (kind, name) = if let syn::Item::Struct(of) = item {
        ("struct", &of.ident)
    } else if let syn::Item::Enum(of) = item {
        ("enum", &of.ident)
    } else if let syn::Item::Trait(of) = item {
        ("trait", &of.ident)
    } else if let syn::Item::Union(of) = item {
        ("union", &of.ident)
    } else if let syn::Item::Type(of) = item {
        ("type", &of.ident)
    } else {
        return;
    };
    let place = Declaration { file: file.to_owned(), line: name.span().start().line, kind };
    found.entry(name.to_string()).or_default().push(place);
}
