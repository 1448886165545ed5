//! A node's state, as a trace writes it, in words: one line of it, or what changed.
//!
//! ```text
//!   {"term":1,"vote":2,"disk":{"durable":{"term":1}}}   -->   term 1, vote n2, ...
//!   before, after                                       -->   n2  term   0 -> 1
//! ```

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use testbed::trace::{Kind, Line};

/// Facts whose value is a node's id.
const NAMES: [&str; 2] = ["vote", "leader"];

/// Returns every fact of a value under its name; nested facts have a name with dots.
pub(crate) fn flat(value: &Value) -> Vec<(String, String)> {
    let mut facts = Vec::new();
    flatten("", value, &mut facts);
    facts
}

fn flatten(name: &str, value: &Value, facts: &mut Vec<(String, String)>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let name = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                flatten(&name, value, facts);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            facts.push((name.to_string(), word(name, value)));
        }
    }
}

/// Writes one value: an id as `n2`, nothing as `-`, `true` as `yes`.
fn word(name: &str, value: &Value) -> String {
    let last = name.rsplit('.').next().unwrap_or(name);
    match value {
        Value::Null => "-".to_string(),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_string(),
        Value::Number(number) if NAMES.contains(&last) => format!("n{number}"),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(values) => {
            // A timer without a pinned timeout is `[3, null]`; a log's entry `[1, "x=1"]`, or `[1, ""]`.
            let join = if values.iter().any(Value::is_string) { " " } else { "/" };
            let there = values.iter().filter(|value| !value.is_null());
            let words = there.map(|value| word("", value)).filter(|word| !word.is_empty());
            words.collect::<Vec<_>>().join(join)
        }
        Value::Object(_) => String::new(),
    }
}

/// Returns a node's state in one line: its role first, then the rest, without default values.
pub(crate) fn line(state: &Value) -> String {
    let facts = flat(state);
    let value = |name: &str| facts.iter().find(|(it, _)| it == name).map(|(_, value)| value);
    let first = ["role", "term", "vote", "leader", "log.last", "commit", "timer"];
    let mut words: Vec<String> = Vec::new();
    for name in first {
        match (name, value(name)) {
            ("role", Some(role)) => words.push(role.clone()),
            ("vote", None) if value("role").is_some() => words.push("no vote".to_string()),
            ("log.last", Some(last)) => words.push(format!("last {last}")),
            (_, Some(value)) => words.push(format!("{name} {value}")),
            (_, None) => {}
        }
    }
    if words.is_empty() {
        words.push("down".to_string());
    }
    let votes =
        facts.iter().filter_map(|(name, value)| Some((name.strip_prefix("votes.")?, value)));
    words.extend(votes.map(|(voter, value)| format!("n{voter} said {value}")));
    words.join(", ")
}

/// Says what differs between two states of a cluster.
pub(crate) fn difference(before: &BTreeMap<u64, Value>, after: &BTreeMap<u64, Value>) -> Vec<Line> {
    let mut lines = Vec::new();
    let facts = |states: &BTreeMap<u64, Value>, node: u64| -> BTreeMap<String, String> {
        states.get(&node).map(flat).unwrap_or_default().into_iter().collect()
    };
    for &node in after.keys() {
        let (was, is) = (facts(before, node), facts(after, node));
        // A node that is down knows nothing: that needs no lines of its own.
        let down = is.get("up").is_some_and(|up| up == "no");
        let is_told = |name: &&&String| !down || name.as_str() == "up" || name.starts_with("disk.");
        let names: BTreeSet<_> = was.keys().chain(is.keys()).collect();
        for name in names.iter().filter(is_told).copied() {
            let (was, is) = (was.get(name), is.get(name));
            if was != is {
                let word = |value: Option<&String>| value.map_or("-", String::as_str).to_string();
                let change = format!("{} -> {}", word(was), word(is));
                lines.push(Line {
                    kind: Kind::Fact,
                    text: format!("  {:<4} {name:<18} {change}", format!("n{node}")),
                });
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_state_is_one_line_and_a_change_is_one_line_each() {
        let before = json!({"up": true, "role": "follower", "term": 1, "log": {"last": "2@1"}});
        let after = json!({"up": true, "role": "candidate", "term": 2, "vote": 3,
                           "log": {"last": "2@1"}, "votes": {"3": true}});
        assert_eq!(line(&before), "follower, term 1, no vote, last 2@1");
        assert_eq!(line(&after), "candidate, term 2, vote n3, last 2@1, n3 said yes");
        assert_eq!(line(&json!({"up": false})), "down");
        let lines = difference(&[(3, before)].into(), &[(3, after)].into());
        let texts: Vec<_> = lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(
            texts,
            [
                "  n3   role               follower -> candidate",
                "  n3   term               1 -> 2",
                "  n3   vote               - -> n3",
                "  n3   votes.3            - -> yes",
            ]
        );
    }
}
