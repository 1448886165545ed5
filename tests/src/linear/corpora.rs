//! The histories that porcupine is tested with: of Jepsen's etcd register, and of a key-value store.
//!
//! ```text
//!   INFO  jepsen.util - 3   :invoke :write  4            process, kind, operation, value
//!   INFO  jepsen.util - 3   :ok     :write  4            :ok, :fail, or :info (nobody knows)
//!
//!   {:process 9, :type :invoke, :f :append, :key "0", :value "x 9 0 y"}
//! ```
//!
//! A time is the number of a line. Columns are split at any white space: some files have tabs, and some do not.

use super::{AppendsInput, RegisterInput, TimedOperation};
use std::collections::BTreeMap;

/// An operation of the register.
type OfRegister = TimedOperation<RegisterInput, Option<i64>>;

/// An operation of the key-value store.
type OfAppends = TimedOperation<AppendsInput, String>;

/// Reads a history of Jepsen's register.
///
/// # Errors
/// The number of the line, and what is wrong with it.
pub fn jepsen(text: &str) -> Result<Vec<OfRegister>, String> {
    let mut history: Vec<OfRegister> = Vec::new();
    let mut open: BTreeMap<u64, usize> = BTreeMap::new();
    for (number, line) in (1..).zip(text.lines()) {
        let Some((_, columns)) = line.split_once(" - ") else { continue };
        let columns: Vec<&str> = columns.split_whitespace().collect();
        let &[client, kind, asked, ref values @ ..] = &columns[..] else { continue };
        let Ok(client) = client.parse() else { continue };
        let wrong = |what: &str| format!("line {number}: {what}: {line}");
        if kind == ":invoke" {
            let input = register_input(asked, values).ok_or_else(|| wrong("no operation"))?;
            open.insert(client, history.len());
            history.push(TimedOperation { client, input, output: None, call: number, end: None });
            continue;
        }
        let place = open.remove(&client).ok_or_else(|| wrong("the process has called nothing"))?;
        let operation = &mut history[place];
        let (end, output) = match (kind, operation.input) {
            (":ok", RegisterInput::Read) => (Some(number), Some(number_in(values))),
            (":ok", RegisterInput::Write(_)) => (Some(number), Some(None)),
            (":ok", RegisterInput::CompareAndSet { .. }) => (Some(number), Some(Some(1))),
            (":fail", RegisterInput::CompareAndSet { .. }) => (Some(number), Some(Some(0))),
            (":fail", RegisterInput::Read) => (Some(number), None),
            (":info", _) => (None, None),
            _ => return Err(wrong("no such end")),
        };
        (operation.end, operation.output) = (end, output);
    }
    Ok(history)
}

fn register_input(asked: &str, values: &[&str]) -> Option<RegisterInput> {
    match asked {
        ":read" => Some(RegisterInput::Read),
        ":write" => number_in(values).map(RegisterInput::Write),
        ":cas" => {
            let (from, to) = (number_in(values)?, number_in(values.get(1..)?)?);
            Some(RegisterInput::CompareAndSet { from, to })
        }
        _ => None,
    }
}

/// Returns the number in the first column, which may stand in brackets; none for `nil`.
fn number_in(values: &[&str]) -> Option<i64> {
    values.first()?.trim_matches(['[', ']']).parse().ok()
}

/// Reads a history of a key-value store.
///
/// # Errors
/// The number of the line, and what is wrong with it.
pub fn key_value(text: &str) -> Result<Vec<OfAppends>, String> {
    let mut history: Vec<OfAppends> = Vec::new();
    let mut open: BTreeMap<u64, usize> = BTreeMap::new();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| line.starts_with('{')) {
        let field = |name: &str| {
            let (_, rest) = line.split_once(name)?;
            let rest = rest.trim_start();
            match rest.strip_prefix('"') {
                Some(quoted) => quoted.split('"').next(),
                None => rest.split([',', '}']).next(),
            }
        };
        let missing = |name: &str| format!("line {number} has no {name}: {line}");
        let get = |name: &'static str| field(name).ok_or_else(|| missing(name));
        let client = get(":process")?.parse().map_err(|_| missing("process number"))?;
        let (key, value) = (get(":key")?.to_owned(), get(":value")?.to_owned());
        if get(":type")? == ":invoke" {
            let input = match get(":f")? {
                ":get" => AppendsInput::Get(key),
                ":put" => AppendsInput::Put(key, value),
                ":append" => AppendsInput::Append(key, value),
                _ => return Err(missing("known operation")),
            };
            open.insert(client, history.len());
            history.push(TimedOperation { client, input, output: None, call: number, end: None });
        } else {
            let place = open.remove(&client).ok_or_else(|| missing("call before its end"))?;
            (history[place].end, history[place].output) = (Some(number), Some(value));
        }
    }
    Ok(history)
}
