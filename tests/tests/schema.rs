//! The schema of traces describes exactly the traces that we write.
//!
//! ```text
//!   golden scripts --> traces --> every line --> trace.schema.json     (checked by a small
//!                                                                       validator, below)
//! ```

use serde_json::{Value, json};
use std::path::Path;
use testbed::script::{Interpreter, Script};

/// Judges values by the words of JSON Schema that our schema uses; any other word is an error.
struct Judge {
    schema: Value,
}

impl Judge {
    fn new() -> Self {
        let text = std::fs::read_to_string("trace.schema.json").expect("the schema is there");
        Judge { schema: serde_json::from_str(&text).expect("the schema is JSON") }
    }

    /// Returns what is wrong with a value, and where.
    fn wrong(&self, schema: &Value, value: &Value, at: &str) -> Vec<String> {
        if *schema == Value::Bool(true) {
            return Vec::new();
        }
        let words = schema.as_object().expect("a schema is true or has words");
        let mut wrong = Vec::new();
        for (word, rule) in words {
            wrong.extend(self.word(word, rule, schema, value, at));
        }
        wrong
    }

    fn word(&self, word: &str, rule: &Value, all: &Value, value: &Value, at: &str) -> Vec<String> {
        let unless = |holds: bool| match holds {
            true => Vec::new(),
            false => vec![format!("{at}: {value} breaks {word} {rule}")],
        };
        let number = || rule.as_u64().expect("a number");
        let each = || rule.as_array().expect("a list");
        match word {
            "$schema" | "$defs" | "title" | "description" => Vec::new(),
            "$ref" => {
                let path = rule.as_str().and_then(|path| path.strip_prefix('#')).expect("a path");
                self.wrong(self.schema.pointer(path).expect("it is defined"), value, at)
            }
            "oneOf" => {
                let holds = |rule: &&Value| self.wrong(rule, value, at).is_empty();
                unless(each().iter().filter(holds).count() == 1)
            }
            "allOf" => each().iter().flat_map(|rule| self.wrong(rule, value, at)).collect(),
            "const" => unless(value == rule),
            "enum" => unless(each().contains(value)),
            "type" => {
                let types = rule.as_array().cloned().unwrap_or_else(|| vec![rule.clone()]);
                unless(types.iter().any(|name| is(value, name.as_str().expect("a name"))))
            }
            "minimum" => unless(value.as_u64().is_none_or(|value| value >= number())),
            "pattern" => unless(
                value.as_str().is_none_or(|text| fits(rule.as_str().expect("a pattern"), text)),
            ),
            "minItems" => unless(value.as_array().is_none_or(|list| list.len() as u64 >= number())),
            "maxItems" => unless(value.as_array().is_none_or(|list| list.len() as u64 <= number())),
            "minProperties" => {
                unless(value.as_object().is_none_or(|map| map.len() as u64 >= number()))
            }
            "maxProperties" => {
                unless(value.as_object().is_none_or(|map| map.len() as u64 <= number()))
            }
            "items" => {
                let items = value.as_array().into_iter().flatten().enumerate();
                items.flat_map(|(i, item)| self.wrong(rule, item, &format!("{at}[{i}]"))).collect()
            }
            "required" => {
                let names = each().iter().map(|name| name.as_str().expect("a name"));
                names
                    .filter(|name| value.is_object() && value.get(name).is_none())
                    .map(|name| format!("{at}: {name} is missing"))
                    .collect()
            }
            "properties" => {
                let rules = rule.as_object().expect("rules by name").iter();
                let there = rules.filter_map(|(name, rule)| Some((name, rule, value.get(name)?)));
                there
                    .flat_map(|(name, rule, value)| {
                        self.wrong(rule, value, &format!("{at}.{name}"))
                    })
                    .collect()
            }
            "additionalProperties" => {
                let known = |name: &&String| {
                    all.get("properties").is_some_and(|known| known.get(name.as_str()).is_some())
                };
                let map = value.as_object().into_iter().flatten();
                map.filter(|(name, _)| !known(name))
                    .flat_map(|(name, value)| {
                        if *rule == Value::Bool(false) {
                            return vec![format!("{at}: there is no {name}")];
                        }
                        self.wrong(rule, value, &format!("{at}.{name}"))
                    })
                    .collect()
            }
            unknown => panic!("this judge does not know {unknown}"),
        }
    }
}

fn is(value: &Value, name: &str) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        unknown => panic!("there is no type {unknown}"),
    }
}

/// Returns whether a text fits one of the schema's three patterns.
fn fits(pattern: &str, text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    match pattern {
        "^[0-9]+@[0-9]+$" => text.split_once('@').is_some_and(|(i, t)| digits(i) && digits(t)),
        "^([0-9a-f]{2})*$" => {
            text.len().is_multiple_of(2) && text.chars().all(|c| c.is_ascii_hexdigit())
        }
        "^.+:[0-9]+:[0-9]+$" => {
            let mut parts = text.rsplitn(3, ':');
            let ends = parts.next().is_some_and(digits) && parts.next().is_some_and(digits);
            ends && parts.next().is_some_and(|file| !file.is_empty())
        }
        unknown => panic!("this judge does not know the pattern {unknown}"),
    }
}

fn lines_of_every_script() -> Vec<(String, Value)> {
    let mut lines = Vec::new();
    let folders = std::fs::read_dir(Path::new("scripts")).expect("it is there");
    let folders = folders.map(|folder| folder.expect("it can be listed").path());
    for entry in folders.flat_map(|folder| std::fs::read_dir(folder).expect("a folder")) {
        let path = entry.expect("it can be listed").path();
        let (interpreter, _) =
            Interpreter::play_all(&Script::read(&path).expect("it reads")).expect("it plays");
        let text = interpreter.run().expect("it made nodes").trace().to_json_lines();
        for (number, line) in (1..).zip(text.lines()) {
            let value = serde_json::from_str(line).expect("it is JSON");
            lines.push((format!("{}, trace line {number}", path.display()), value));
        }
    }
    lines
}

#[test]
fn every_line_we_write_is_what_the_schema_describes() {
    let judge = Judge::new();
    let kind = |line: &Value| match (line.get("trace"), line.get("end")) {
        (Some(_), _) => "header",
        (None, Some(_)) => "footer",
        (None, None) => "step",
    };
    for (name, line) in lines_of_every_script() {
        let rule = &judge.schema["$defs"][kind(&line)];
        let wrong = judge.wrong(rule, &line, "");
        assert!(wrong.is_empty(), "{name}: {}", wrong.join("\n"));
        assert!(judge.wrong(&judge.schema, &line, "").is_empty(), "{name}: one kind of three");
    }
}

#[test]
fn the_schema_knows_every_field_we_write() {
    let judge = Judge::new();
    let known = |kind: &str, name: &str| {
        let found = judge.schema["$defs"][kind]["properties"].get(name).is_some();
        assert!(found, "trace.schema.json does not describe {kind}.{name}");
    };
    for (_, line) in lines_of_every_script() {
        let kind = match (line.get("trace"), line.get("end")) {
            (Some(_), _) => "header",
            (None, Some(_)) => "footer",
            (None, None) => "step",
        };
        let names = |value: &Value| value.as_object().cloned().unwrap_or_default();
        names(&line).keys().for_each(|name| known(kind, name));
        for setup in names(&line["config"]).values() {
            names(setup).keys().for_each(|name| known("node_setup", name));
            names(&setup["settings"]).keys().for_each(|name| known("settings", name));
        }
        for state in names(&line["state"]).values() {
            names(state).keys().for_each(|name| known("state", name));
        }
        for patch in names(&line["set"]).values() {
            names(patch).keys().for_each(|name| known("state", name));
        }
    }
}

#[test]
fn the_schema_refuses_what_is_no_line_of_a_trace() {
    let judge = Judge::new();
    let good = json!({"step": 1, "clock": 0, "input": {"tick": 1}, "headline": "> n1 ticks"});
    assert!(judge.wrong(&judge.schema, &good, "").is_empty());
    for (name, bad) in [
        ("step", json!(0)),
        ("step", json!("one")),
        ("input", json!({"sleep": 1})),
        ("input", json!({"tick": 1, "crash": 2})),
        ("headline", Value::Null),
        ("gone", json!([{"id": 1, "why": "tired"}])),
        ("events", json!([{"type": "sent"}])),
    ] {
        let mut line = good.clone();
        line[name] = bad;
        assert!(!judge.wrong(&judge.schema, &line, "").is_empty(), "{line}");
    }
}
