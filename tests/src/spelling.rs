//! "Did you mean": the names that are most similar to a wrong one.
//!
//! ```text
//!   campain --> campaign         delivr --> deliver, deliver-msgs         single --> aa_single_node
//! ```
//!
//! Scripts, the prompt and the desk's commands ask here.

use strsim::osa_distance;

/// Returns the names that are similar to a word, at most three, the most similar first: up to a third of
/// its letters are wrong, or swapped with their neighbours; or it begins a name, or four of its letters or
/// more are part of one. Of two letters none may be wrong: too many names would be near. Capital letters do not
/// count.
pub fn nearest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let word = word.to_lowercase();
    let letters = word.chars().count();
    let limit = if letters < 3 { 0 } else { letters.div_ceil(3) };
    let mut near: Vec<(usize, &str)> = names
        .into_iter()
        .map(|name| (name.to_lowercase(), name))
        .filter_map(|(lower, name)| {
            let far = osa_distance(&word, &lower);
            let begins = word.len() >= 3 && lower.starts_with(&word);
            let is_part = word.len() >= 4 && lower.contains(&word);
            (far <= limit || begins || is_part).then_some((far, name))
        })
        .collect();
    near.sort();
    near.dedup();
    near.into_iter().take(3).map(|(_, name)| name).collect()
}

/// Returns the end of an error message that offers similar names; empty if there are none.
pub fn did_you_mean<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    match nearest(word, names).as_slice() {
        [] => String::new(),
        near => format!("; did you mean {}?", near.join(" or ")),
    }
}
