//! The rules that cards name, read from the catalogue.
//!
//! ```text
//!   catalog/2aa.toml, [[rules]]  --compiled into the suite-->  rule("one_vote_per_term")
//!      id, title, paper, so_what                                --> the first line of a card
//! ```
//!
//! `labs check` compares: each id that a suite names is in a catalogue, once, and each rule of a
//! catalogue is named.

use crate::failure::Rule;
use serde::Deserialize;
use std::sync::OnceLock;

/// The rules of some labs. They are read when the first one is asked for.
pub struct Rules {
    catalogues: &'static [&'static str],
    read: OnceLock<Vec<Rule>>,
}

/// The part of a catalogue that is read here.
#[derive(Deserialize)]
struct RulesFile {
    rules: Vec<RuleText>,
}

/// A rule as it is written.
#[derive(Deserialize)]
struct RuleText {
    id: String,
    title: String,
    #[serde(default)]
    paper: String,
    #[serde(default)]
    so_what: String,
}

impl Rules {
    /// The rules in the texts of these catalogues.
    pub const fn new(catalogues: &'static [&'static str]) -> Self {
        Rules { catalogues, read: OnceLock::new() }
    }

    /// Returns the rule with this id.
    ///
    /// # Panics
    /// If no catalogue has it, or a text is no catalogue: a mistake of a suite's author, which
    /// `labs check` reports.
    pub fn get(&'static self, id: &str) -> &'static Rule {
        let rules = self.read.get_or_init(|| {
            let catalogues = self.catalogues.iter();
            let read = catalogues.map(|text| toml::from_str(text).expect("a catalogue with rules"));
            read.flat_map(|catalogue: RulesFile| catalogue.rules).map(RuleText::keep).collect()
        });
        let rule = rules.iter().find(|rule| rule.id == id);
        rule.unwrap_or_else(|| panic!("no catalogue has the rule `{id}`"))
    }
}

impl RuleText {
    /// Keeps a rule until the process ends: it is read once.
    fn keep(self) -> Rule {
        let keep = |text: String| -> &'static str { text.leak() };
        let RuleText { id, title, paper, so_what } = self;
        Rule { id: keep(id), title: keep(title), paper: keep(paper), so_what: keep(so_what) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "
        id = \"0xx\"
        [[rules]]
        id = \"one\"
        title = \"ONE\"
        paper = \"§5\"
        so_what = \"two\"
        [[rules]]
        id = \"bare\"
        title = \"BARE\"
    ";
    static RULES: Rules = Rules::new(&[TEXT]);

    #[test]
    fn a_rule_is_found_by_its_id() {
        assert_eq!(*RULES.get("one"), Rule::new("one", "ONE", "§5", "two"));
        assert_eq!(*RULES.get("bare"), Rule::new("bare", "BARE", "", ""));
    }

    #[test]
    #[should_panic(expected = "no catalogue has the rule `two`")]
    fn an_unknown_id_is_named() {
        RULES.get("two");
    }
}
