//! A history as a picture: a row a client, time from left to right.
//!
//! ```text
//!   client 1   [- Write(1): None -----]
//!   client 2                [- Read: Some(1) -]
//!   client 3                                    [- Read: None -]   <-- fits nowhere
//! ```
//!
//! Only the order of calls and ends is drawn, and not how long anything took.

use super::TimedOperation;
use std::collections::BTreeMap;
use std::fmt::Debug;

/// Draws a history. `blocked` is the place of the operation that fits nowhere.
pub fn draw<I: Debug, O: Debug>(
    history: &[TimedOperation<I, O>],
    blocked: Option<usize>,
) -> String {
    let texts: Vec<String> = history.iter().map(label).collect();
    let columns = columns(history, &texts);
    let mut rows: BTreeMap<u64, String> = BTreeMap::new();
    for (place, operation) in history.iter().enumerate() {
        let row = rows.entry(operation.client).or_default();
        let from = columns[&(operation.call, false)];
        let to = operation.end.map_or(from + texts[place].len() + 5, |end| columns[&(end, true)]);
        let inside = (to - from).saturating_sub(1);
        let end = if operation.end.is_some() { "]" } else { "..." };
        *row = format!("{row:<from$}[{:-<inside$}{end}", format!("- {} ", texts[place]));
        if blocked == Some(place) {
            row.push_str("   <-- fits nowhere");
        }
    }
    rows.iter().map(|(client, row)| format!("client {client:<4}{row}\n")).collect()
}

fn label<I: Debug, O: Debug>(operation: &TimedOperation<I, O>) -> String {
    match &operation.output {
        Some(output) => format!("{:?}: {output:?}", operation.input),
        None => format!("{:?}: ?", operation.input),
    }
}

/// Gives each call and each end a column: in the order of time, with room for the texts between them.
fn columns<I, O>(
    history: &[TimedOperation<I, O>],
    texts: &[String],
) -> BTreeMap<(u64, bool), usize> {
    let mut events: BTreeMap<(u64, bool), Vec<usize>> = BTreeMap::new();
    for (place, operation) in history.iter().enumerate() {
        events.entry((operation.call, false)).or_default().push(place);
        if let Some(end) = operation.end {
            events.entry((end, true)).or_default().push(place);
        }
    }
    let mut columns: BTreeMap<(u64, bool), usize> = BTreeMap::new();
    let mut column = 0;
    for (event, places) in events {
        for place in places.into_iter().filter(|_| event.1) {
            let begin = columns[&(history[place].call, false)];
            column = column.max(begin + texts[place].len() + 5);
        }
        columns.insert(event, column);
        column += 2;
    }
    columns
}
