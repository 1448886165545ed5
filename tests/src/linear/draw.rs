//! A history as a picture: a row a client, time from left to right.
//!
//! ```text
//!   client 1   [1: write(1) -> ok]
//!   client 2                        [2: write(2) -> ok]
//!   client 3                                              [!: read -> 1]
//!   n2                           * leads term 3
//! ```
//!
//! Only the order of calls and ends is drawn, and not how long anything took. Below the operations there is
//! room for what else happened: messages, faults, leaders. A picture that would be too wide shows numbers, and a
//! list below it says what they mean.

use super::{Counterexample, Specification, TimedOperation};
use std::collections::BTreeMap;

/// The widest picture that has the operations' texts within it, in characters.
const WIDTH_MAX: usize = 140;

/// Something that happened beside the operations.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Annotation {
    /// When, on the clock of the history.
    pub time: u64,
    /// The name of its row.
    pub lane: String,
    /// What happened.
    pub text: String,
}

/// A moment: a time, and whether an operation ends there. Calls and annotations come before.
type Tick = (u64, bool);

/// An operation as a box.
struct Block {
    client: u64,
    from: Tick,
    to: Option<Tick>,
    text: String,
}

/// A row: its name, and texts at columns.
type PictureRow = (String, Vec<(usize, String)>);

/// Draws a history; with a counterexample, only the part that is illegal, and why it is. Annotations are
/// drawn below.
pub fn draw<S: Specification>(
    specification: &S,
    history: &[TimedOperation<S::Input, S::Output>],
    why: Option<&Counterexample>,
    annotations: &[Annotation],
) -> String {
    let all: Vec<usize> = (0..history.len()).collect();
    let places = why.map_or(&all, |why| &why.places);
    let describe = |place: usize| {
        let it = &history[place];
        specification.describe(&it.input, it.output.as_ref())
    };
    let block = |place: usize, text: String| {
        let it = &history[place];
        Block { client: it.client, from: (it.call, false), to: it.end.map(|end| (end, true)), text }
    };
    let mark = |place: usize| why.map_or(String::new(), |why| format!("{}: ", mark(why, place)));
    let texts = places.iter().map(|&place| block(place, mark(place) + &describe(place)));
    let mut picture = picture(&texts.collect::<Vec<_>>(), annotations);
    if picture.lines().any(|line| line.chars().count() > WIDTH_MAX) {
        let numbered = |&place: &usize| block(place, format!("{}#{}", mark(place), place + 1));
        let list = places.iter().map(|&place| format!("#{:<4} {}\n", place + 1, describe(place)));
        picture = self::picture(&places.iter().map(numbered).collect::<Vec<_>>(), annotations);
        picture = picture + "\n" + &list.collect::<String>();
    }
    picture + &why.map_or(String::new(), |why| legend(specification, history, why))
}

/// Returns what stands in front of an operation: its number in the longest order, or why it has none.
fn mark(why: &Counterexample, place: usize) -> String {
    match why.order.iter().position(|other| *other == place) {
        Some(at) => (at + 1).to_string(),
        None if place == why.blocked => "!".to_owned(),
        None => "-".to_owned(),
    }
}

/// Returns what the marks mean, and the state behind the longest order.
fn legend<S: Specification>(
    specification: &S,
    history: &[TimedOperation<S::Input, S::Output>],
    why: &Counterexample,
) -> String {
    let follow = |state: S::State, place: &usize| {
        let it = &history[*place];
        specification.step(&state, &it.input, it.output.as_ref())
    };
    let state = why.order.iter().try_fold(specification.first(), follow);
    let behind = state.map_or(String::new(), |state| format!(" The state behind it: {state:?}."));
    let order = match why.order.len() {
        0 => "No operation can be first.".to_owned(),
        last => format!("1 to {last}: the longest order that is possible.{behind}"),
    };
    format!(
        "\n{order}\n!: ends, and cannot have happened.  -: not in that order.  ~>: has not returned.\n"
    )
}

/// Returns the rows of blocks and annotations.
fn picture(blocks: &[Block], annotations: &[Annotation]) -> String {
    let columns = columns(blocks, annotations);
    let right = columns.values().max().map_or(0, |column| column + 2);
    let mut clients: BTreeMap<u64, Vec<(usize, String)>> = BTreeMap::new();
    for block in blocks {
        let from = columns[&block.from];
        let text = match block.to {
            // An end before its call: a history may claim even that.
            Some(to) if columns[&to] <= from => format!("]{}[", block.text),
            Some(to) => format!("[{:-<1$}]", block.text, columns[&to] - from - 1),
            None => format!("[{:~<1$}~>", block.text, right.saturating_sub(from)),
        };
        clients.entry(block.client).or_default().push((from, text));
    }
    let mut lanes: BTreeMap<&str, Vec<(usize, String)>> = BTreeMap::new();
    for it in annotations {
        let text = format!("* {}", it.text);
        lanes.entry(&it.lane).or_default().push((columns[&(it.time, false)], text));
    }
    let clients = clients.into_iter().map(|(client, texts)| (format!("client {client}"), texts));
    let lanes = lanes.into_iter().map(|(lane, texts)| (lane.to_owned(), texts));
    let rows: Vec<PictureRow> = clients.chain(lanes).collect();
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0) + 3;
    rows.into_iter().map(|(name, texts)| lines(&name, width, texts)).collect()
}

/// Returns one row, in as many lines as it takes for no text to overlap another.
fn lines(name: &str, width: usize, mut texts: Vec<(usize, String)>) -> String {
    texts.sort();
    let mut lines: Vec<String> = Vec::new();
    for (from, text) in texts {
        let from = width + from;
        let free = lines.iter_mut().find(|line| line.chars().count() < from);
        let line = match free {
            Some(line) => line,
            None => {
                let name = if lines.is_empty() { name } else { "" };
                lines.push(format!("{name:<0$}", width - 1));
                lines.last_mut().expect("it was pushed")
            }
        };
        *line = format!("{line:<from$}{text}");
    }
    lines.into_iter().map(|line| line + "\n").collect()
}

/// Gives each moment a column: in the order of time, with room for the texts.
fn columns(blocks: &[Block], annotations: &[Annotation]) -> BTreeMap<Tick, usize> {
    let mut begins: BTreeMap<Tick, Vec<(Tick, usize)>> = BTreeMap::new();
    for it in annotations {
        begins.entry((it.time, false)).or_default();
    }
    for block in blocks {
        begins.entry(block.from).or_default();
        if let Some(to) = block.to {
            begins.entry(to).or_default().push((block.from, block.text.chars().count()));
        }
    }
    let mut columns: BTreeMap<Tick, usize> = BTreeMap::new();
    let mut column = 0;
    for (tick, begins) in begins {
        for (from, width) in begins {
            let begin = columns.get(&from).copied().unwrap_or(column);
            column = column.max(begin + width + 1);
        }
        columns.insert(tick, column);
        column += 2;
    }
    columns
}
