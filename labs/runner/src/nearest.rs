//! "Did you mean": the nearest of a few names.

use crate::screen::hang;
use testbed::spelling;

/// Returns the name nearest to what was typed, if one is near enough to be meant.
pub fn nearest<'a>(typed: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    spelling::nearest(typed, names).first().copied()
}

/// The most names that are listed for somebody to choose from.
const LISTED: usize = 12;

/// Returns an error sentence for a name that is unknown, with the one that was perhaps meant; else
/// with some that there are, within the columns of a terminal.
pub fn unknown<'a>(kind: &str, typed: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.into_iter().collect();
    let said = format!("there is no {kind} {:?}.", shortened(typed));
    match nearest(typed, names.iter().copied()) {
        Some(name) => hang("", &format!("{said} Did you mean {name}?")),
        None => format!("{}\n{}", hang("", &said), hang("  There are: ", &list(&names))),
    }
}

/// Returns names with commas between them, and how many more there are.
pub fn list(names: &[&str]) -> String {
    let mut text = names.iter().copied().take(LISTED).collect::<Vec<_>>().join(", ");
    if names.len() > LISTED {
        text += &format!(", and {} more", names.len() - LISTED);
    }
    text
}

/// Returns what was typed, cut where nobody reads on.
fn shortened(typed: &str) -> String {
    if typed.chars().count() <= 40 {
        return typed.to_owned();
    }
    typed.chars().take(37).collect::<String>() + "..."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_name_and_nonsense_finds_none() {
        let names = ["aa_quorum_sizes", "aa_single_node", "2aa"];
        assert_eq!(nearest("aa_quorum_size", names), Some("aa_quorum_sizes"));
        assert_eq!(nearest("single_node", names), Some("aa_single_node"));
        assert_eq!(nearest("zzzz", names), None);
        assert!(unknown("test", "zzzz", names).contains("There are: aa_quorum_sizes"));
        let many: Vec<String> = (0..45).map(|n| format!("aa_a_test_with_a_name_{n}")).collect();
        let said = unknown("lab, step or test", &"z".repeat(300), many.iter().map(String::as_str));
        assert!(said.ends_with("and 33 more"), "{said}");
        assert!(said.lines().all(|line| line.chars().count() <= crate::screen::WIDTH), "{said}");
    }
}
