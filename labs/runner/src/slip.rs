//! Slips that the compiler finds and explains in its own words: what they mean in this course.
//!
//! ```text
//!   error[E0594]: cannot assign to data in dereference of `Core<S>`
//!     |         self.term = term;
//!   FACTS CHANGE THROUGH THE LEDGER
//!     instead   self.enter_term(term)     raft/src/ledger.rs:152
//! ```

use crate::place::CourseFolder;
use crate::screen::{BOLD, RED, hang, paint};
use anstream::adapter::strip_str;

/// The only file that writes the facts every role has.
const LEDGER: &str = "raft/src/ledger.rs";

/// A fact, the ledger's function that changes it, and how it is called.
const FACTS: [(&str, &str, &str); 7] = [
    ("term", "enter_term", "self.enter_term(term)"),
    ("vote", "vote_for", "self.vote_for(Some(candidate))"),
    ("leader", "follow", "self.follow(Some(leader))"),
    ("timer", "reset_timer", "self.reset_timer()"),
    ("commit", "commit_to", "self.commit_to(index)"),
    ("applied", "applied_to", "self.applied_to(index)"),
    ("log", "append", "self.append(entries)"),
];

/// Prints a card for a slip that we know, under what the compiler said of it.
pub fn explain(place: &CourseFolder, rendered: &str) {
    let plain = strip_str(rendered).to_string();
    let Some(facts) = outside_the_ledger(&plain) else { return };
    let ledger = std::fs::read_to_string(place.root.join(LEDGER)).unwrap_or_default();
    anstream::println!("{} {}", paint(RED, "x"), paint(BOLD, "FACTS CHANGE THROUGH THE LEDGER"));
    let why = "term, vote, leader, timer and log can be read anywhere, and written in one file only: \
               so every change is noted with the line that asked for it, and a card can show yours";
    anstream::println!("{}", hang("  so what  ", why));
    for (number, (_, function, call)) in facts.iter().enumerate() {
        let first = if number == 0 { "instead" } else { "" };
        let line = ledger.lines().position(|line| line.contains(&format!("fn {function}(")));
        let at = line.map_or_else(|| LEDGER.to_owned(), |line| format!("{LEDGER}:{}", line + 1));
        anstream::println!("  {first:<8} {call:<34} {at}");
    }
    if facts.is_empty() {
        anstream::println!(
            "{}",
            hang("  instead  ", "call the function of the ledger that does it")
        );
    }
    anstream::println!("  read     {LEDGER}   (in Raft's own methods: self.core.enter_term(..))");
}

/// Returns the facts that the compiler names, if it complains of one written outside the ledger.
fn outside_the_ledger(plain: &str) -> Option<Vec<(&'static str, &'static str, &'static str)>> {
    let errors = plain.split("error").filter(|error| {
        let first = error.lines().next().unwrap_or_default();
        let dereferenced = first.contains("data in dereference of `") && first.contains("Core<");
        dereferenced || first.contains("field `facts` of struct `") && first.contains("private")
    });
    let errors: Vec<_> = errors.collect();
    if errors.is_empty() {
        return None;
    }
    let named = |fact: &str| {
        let written = |line: &str| {
            let code = line.split_once('|').map_or("", |(_, code)| code);
            code.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.'))
                .any(|path| path.split('.').skip(1).any(|word| word == fact))
        };
        errors.iter().any(|error| error.lines().any(written))
    };
    Some(FACTS.into_iter().filter(|(fact, _, _)| named(fact)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "\
error[E0594]: cannot assign to data in dereference of `Core<S>`
  --> raft/src/election.rs:92:9
   |
92 |         self.term = ask.term;
   |         ^^^^^^^^^^^^^^^^^^^^ cannot assign
   |
   = help: trait `DerefMut` is required to modify through a dereference

error: could not compile `raft` (lib) due to 1 previous error
";

    #[test]
    fn a_fact_written_outside_the_ledger_is_named() {
        let facts = outside_the_ledger(SAID).expect("known");
        assert_eq!(facts.iter().map(|f| f.0).collect::<Vec<_>>(), ["term"]);
        let timer = SAID.replace("self.term = ask.term", "self.core.timer.elapsed_ticks = 0");
        let facts = outside_the_ledger(&timer).expect("known");
        assert_eq!(facts[0].0, "timer");
        let lent =
            SAID.replace("assign to", "borrow").replace("Core<S>`", "ledger::Core<S>` as mutable");
        assert!(outside_the_ledger(&lent).is_some());
        assert_eq!(outside_the_ledger("error[E0308]: mismatched types\n1 | self.term"), None);
    }

    #[test]
    fn the_ledger_has_every_function_that_is_named() {
        let ledger = include_str!("../../../raft/src/ledger.rs");
        for (fact, function, call) in FACTS {
            assert!(ledger.contains(&format!("fn {function}(&mut self")), "{fact}: {call}");
            assert!(call.contains(&format!(".{function}(")));
        }
    }
}
