//! Rules: what suites, hints and bugs call a rule is in a catalogue, once.
//!
//! ```text
//!   suites    rule("one_vote_per_term")       no catalogue has it: a card could not be drawn
//!   2aa.toml  id = "one_vote_per_term"        no suite names it: nobody can break it
//!   hints     rule = "one_vote_per_term"      no test ends with it: nobody reads the hint
//!   bugs      symptom = "one_vote_per_term"
//! ```
//!
//! The test bed and the harness have rules of their own: their ids are looked for among the strings of
//! their sources.

use crate::changes::{Changes, Fate};
use crate::course::{Course, texts};
use proc_macro2::{TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet};

/// Where rules are named that no catalogue has.
const OTHERS: [&str; 2] = ["labs/harness/src", "tests/src/invariant"];

/// Returns what does not fit.
///
/// # Errors
/// A source cannot be read.
pub fn mismatches(course: &Course, changes: &Changes) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    let (mut written, mut once) = (BTreeMap::new(), BTreeMap::new());
    for lab in &course.catalogue.labs {
        for rule in &lab.rules {
            let place = format!("{}:{}", lab.file, rule.line);
            // The suites of a layer read each other's catalogues.
            let layer = lab.id.chars().next();
            if let Some(other) = once.insert((layer, rule.id.as_str()), place.clone()) {
                found.push(format!("{place}: rule {} is already written at {other}", rule.id));
            }
            written.insert(rule.id.as_str(), place);
        }
    }
    let (mut strings, mut named) = (BTreeSet::new(), BTreeMap::new());
    for (file, text) in texts(&course.root, "labs/suites/src")? {
        let tokens = text.parse().map_err(|e| format!("{file}: {e}"))?;
        walk(tokens, &mut strings, &mut |id| {
            named.entry(id).or_insert_with(|| file.clone());
        });
    }
    let unknown = named.iter().filter(|(id, _)| !written.contains_key(id.as_str()));
    found.extend(unknown.map(|(id, file)| format!("{file}: no catalogue has the rule `{id}`")));
    let unused = written.iter().filter(|(id, _)| !strings.contains(**id));
    found.extend(unused.map(|(id, place)| format!("{place}: no suite names the rule {id}")));
    for folder in OTHERS {
        for (file, text) in texts(&course.root, folder)? {
            let tokens = text.parse().map_err(|e| format!("{file}: {e}"))?;
            walk(tokens, &mut strings, &mut |_| {});
        }
    }
    for lab in &course.catalogue.labs {
        let hints =
            lab.hints.iter().filter(|hint| hint.rule != "*" && !strings.contains(&hint.rule));
        found.extend(hints.map(|hint| {
            format!("{}:{}: no test ends with the rule {}", lab.file, hint.line, hint.rule)
        }));
    }
    for bug in &changes.bugs {
        if let Fate::Killed { symptom, .. } = &bug.fate
            && !strings.contains(symptom)
        {
            found.push(format!("bug {}: no test ends with the rule {symptom}", bug.id));
        }
    }
    Ok(found)
}

/// Collects every string of some source, and tells of each `rule("id")`.
fn walk(tokens: TokenStream, strings: &mut BTreeSet<String>, named: &mut impl FnMut(String)) {
    let mut is_rule = false;
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                if let (true, [TokenTree::Literal(id), ..]) =
                    (is_rule, &group.stream().into_iter().collect::<Vec<_>>()[..])
                    && let Some(id) = text(&id.to_string())
                {
                    named(id);
                }
                walk(group.stream(), strings, named);
                is_rule = false;
            }
            TokenTree::Literal(literal) => strings.extend(text(&literal.to_string())),
            TokenTree::Ident(ident) => is_rule = ident == "rule",
            TokenTree::Punct(_) => is_rule = false,
        }
    }
}

/// Returns what stands between the quotes of a plain string.
fn text(literal: &str) -> Option<String> {
    literal.strip_prefix('"')?.strip_suffix('"').map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_of_rule_names_its_rule_and_other_strings_do_not() {
        let source = r#"fn f() { x(rule("a"), "b"); if rule.id == "c" { rule(id) } }"#;
        let (mut strings, mut named) = (BTreeSet::new(), Vec::new());
        walk(source.parse().unwrap(), &mut strings, &mut |id| named.push(id));
        assert_eq!(named, ["a"]);
        assert_eq!(strings.into_iter().collect::<Vec<_>>(), ["a", "b", "c"]);
    }
}
