//! "Did you mean": the nearest of a few names.

/// Returns the name nearest to what was typed, if one is near enough to be meant.
pub fn nearest<'a>(typed: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = typed.to_lowercase();
    names
        .into_iter()
        .map(|name| {
            let lower = name.to_lowercase();
            let contained = wanted.len() >= 4 && lower.contains(&wanted);
            let likeness = strsim::jaro_winkler(&lower, &wanted);
            (if contained { likeness.max(0.9) } else { likeness }, name)
        })
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// Returns an error sentence for a name that is unknown, with the one that was perhaps meant.
pub fn unknown<'a>(kind: &str, typed: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.into_iter().collect();
    match nearest(typed, names.iter().copied()) {
        Some(name) => format!("there is no {kind} {typed:?}. Did you mean {name}?"),
        None => {
            let mut all: Vec<_> = names.into_iter().take(13).collect();
            if all.len() == 13 {
                all[12] = "...";
            }
            format!("there is no {kind} {typed:?}. There are: {}", all.join(", "))
        }
    }
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
    }
}
