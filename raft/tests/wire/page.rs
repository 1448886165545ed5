//! A decoder that knows nothing but the page of the book: is the page enough?
//!
//! ```text
//!   book/src/wire.md    | `id` | `index:index term:term` |      a table of values
//!                       | 8 | Heartbeat | `commit:index .. ` |  a table of kinds
//!        '--> Page::read --> Page::decode(bytes) --> facts      the same as the code's, or both refuse
//! ```
//!
//! `REWRITE=1 cargo test -p raft --test wire` writes the page's worked example; read it before you commit.

use crate::golden::samples;
use crate::value::{Type, Value, any_value, hex};
use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use raft::*;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The number types of the page, and what the code calls them.
const NUMBERS: [(&str, &str); 7] = [
    ("node", "NodeId"),
    ("term", "Term"),
    ("index", "Index"),
    ("session", "Session"),
    ("token", "ReadToken"),
    ("attempt", "ReadAttempt"),
    ("priority", "Priority"),
];

/// A field: `term:term?`.
#[derive(Clone, Debug)]
struct Field {
    name: String,
    of_type: String,
}

/// The page's tables.
#[derive(Debug, Default)]
struct Page {
    values: BTreeMap<String, Vec<Field>>,
    kinds: BTreeMap<String, BTreeMap<u8, (String, Vec<Field>)>>,
}

/// A field that was decoded: which bytes, and what they say.
#[derive(Clone, Debug)]
struct Decoded {
    bytes: Vec<u8>,
    depth: usize,
    name: String,
    says: Says,
}

#[derive(Clone, Debug)]
enum Says {
    Number(&'static str, u64),
    Flag(bool),
    Bytes(Bytes),
    Kind(String),
    /// An optional field is absent, or a list or set begins with this count.
    Count(u64),
    Absent,
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../book/src/wire.md")
}

fn fields(cell: &str) -> Vec<Field> {
    let field = |text: &str| {
        let (name, of_type) = text.split_once(':').unwrap_or_else(|| panic!("{text}: no type"));
        Field { name: name.to_owned(), of_type: of_type.to_owned() }
    };
    cell.trim_matches('`').split_whitespace().map(field).collect()
}

impl Page {
    fn read() -> Self {
        let text = fs::read_to_string(path()).expect("the page is there");
        let (mut page, mut table) = (Page::default(), String::new());
        for line in text.lines() {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            match cells[..] {
                ["", "kind", name, "fields", ""] => table = name.trim_matches('`').to_owned(),
                ["", "value", "fields", ""] => table = "value".to_owned(),
                ["", name, list, ""] if table == "value" && name.starts_with('`') => {
                    page.values.insert(name.trim_matches('`').to_owned(), fields(list));
                }
                ["", number, name, list, ""] if number.parse::<u8>().is_ok() => {
                    let number = number.parse().expect("it was just parsed");
                    let kinds = page.kinds.entry(table.clone()).or_default();
                    let before = kinds.insert(number, (name.to_owned(), fields(list)));
                    assert!(before.is_none(), "{table} has the number {number} twice");
                }
                [""] => table.clear(),
                _ => {}
            }
        }
        page
    }

    /// Decodes a value that stands alone. None, if the page says that the bytes are to be refused.
    fn decode(&self, of_type: &str, bytes: &[u8]) -> Option<Vec<Decoded>> {
        let mut walk = Walk { page: self, bytes, at: 0, decoded: Vec::new() };
        let version = walk.byte()?;
        walk.note(0, 0, "version", Says::Number("", version.into()));
        walk.field(0, &Field { name: String::new(), of_type: of_type.to_owned() })?;
        (version == 1 && walk.at == bytes.len()).then_some(walk.decoded)
    }

    fn has_field(&self, name: &str) -> bool {
        let of_kinds = self.kinds.values().flat_map(BTreeMap::values).map(|(_, fields)| fields);
        self.values.values().chain(of_kinds).flatten().any(|field| field.name == name)
    }

    /// Returns the name of the first field of a kind.
    fn first_field(&self, kind: &str) -> Option<&str> {
        let mut kinds = self.kinds.values().flat_map(BTreeMap::values);
        let (_, fields) = kinds.find(|(name, _)| name == kind)?;
        Some(fields.first().map_or("", |field| &field.name))
    }
}

/// An input on its way through the page's tables.
struct Walk<'a> {
    page: &'a Page,
    bytes: &'a [u8],
    at: usize,
    decoded: Vec<Decoded>,
}

impl Walk<'_> {
    fn note(&mut self, from: usize, depth: usize, name: &str, says: Says) {
        let bytes = self.bytes[from..self.at].to_vec();
        self.decoded.push(Decoded { bytes, depth, name: name.to_owned(), says });
    }

    fn byte(&mut self) -> Option<u8> {
        self.at += 1;
        self.bytes.get(self.at - 1).copied()
    }

    /// "Each byte holds seven bits, and its highest bit says whether another byte follows."
    fn number(&mut self) -> Option<u64> {
        let from = self.at;
        while self.byte()? >= 0x80 {}
        let digits = &self.bytes[from..self.at];
        let sum = |sum: u128, digit: &u8| sum << 7 | u128::from(digit & 0x7f);
        let is_shortest = digits.len() == 1 || digits.last() != Some(&0);
        let number = (digits.len() <= 10).then(|| digits.iter().rev().fold(0, sum))?;
        u64::try_from(number).ok().filter(|_| is_shortest)
    }

    fn flag(&mut self) -> Option<bool> {
        [Some(0), Some(1)].iter().position(|flag| *flag == self.bytes.get(self.at).copied())?;
        Some(self.byte()? == 1)
    }

    fn field(&mut self, depth: usize, field: &Field) -> Option<()> {
        let Field { name, of_type } = field;
        let from = self.at;
        if let Some(inner) = of_type.strip_suffix('?') {
            if !self.flag()? {
                self.note(from, depth, name, Says::Absent);
                return Some(());
            }
            let Some(rust) = number_type(inner) else {
                let field = Field { name: name.clone(), of_type: inner.to_owned() };
                return self.field(depth, &field);
            };
            let number = self.number()?;
            self.note(from, depth, name, Says::Number(rust, number));
            return Some(());
        }
        if of_type == "nodes" || of_type.ends_with('*') {
            return self.list(depth, field);
        }
        if let Some(rust) = number_type(of_type) {
            let number = self.number()?;
            self.note(from, depth, name, Says::Number(rust, number));
        } else if of_type == "flag" {
            let is_set = self.flag()?;
            self.note(from, depth, name, Says::Flag(is_set));
        } else if of_type == "bytes" {
            let length = usize::try_from(self.number()?).ok()?;
            let begin = self.at;
            let bytes = self.bytes.get(begin..begin.checked_add(length)?)?;
            self.at += length;
            self.note(from, depth, name, Says::Bytes(Bytes::copy_from_slice(bytes)));
        } else if let Some(kinds) = self.page.kinds.get(of_type) {
            let number = self.byte()?;
            let (kind, fields) = kinds.get(&number)?;
            self.note(from, depth, name, Says::Kind(kind.clone()));
            fields.iter().try_for_each(|field| self.field(depth + 1, field))?;
        } else {
            let value = self.page.values.get(of_type);
            let fields = value.unwrap_or_else(|| panic!("the page does not say what {of_type} is"));
            // `prev` is an id: its fields are `prev.index` and `prev.term`.
            let parent = name.rsplit('.').next().filter(|parent| !parent.is_empty());
            for inner in fields {
                let name = parent.map(|parent| format!("{parent}.{}", inner.name));
                let name = name.unwrap_or_else(|| inner.name.clone());
                self.field(depth, &Field { name, of_type: inner.of_type.clone() })?;
            }
        }
        Some(())
    }

    fn list(&mut self, depth: usize, field: &Field) -> Option<()> {
        let (from, is_set) = (self.at, field.of_type == "nodes");
        let of_type = if is_set { "node" } else { field.of_type.trim_end_matches('*') };
        let count = self.number()?;
        self.note(from, depth, &field.name, Says::Count(count));
        let mut before = None;
        for _ in 0..count {
            let item = Field { name: field.name.clone(), of_type: of_type.to_owned() };
            self.field(depth + 1, &item)?;
            if is_set {
                let Some(Says::Number(_, node)) = self.decoded.last().map(|last| &last.says) else {
                    panic!("a node is a number");
                };
                let is_ascending = before < Some(*node);
                before = is_ascending.then_some(Some(*node))?;
            }
        }
        Some(())
    }
}

fn number_type(of_type: &str) -> Option<&'static str> {
    NUMBERS.iter().find(|(page, _)| *page == of_type).map(|(_, rust)| *rust)
}

/// Returns what the page's decoder has found, each fact as one line, sorted.
fn facts(decoded: &[Decoded]) -> Vec<String> {
    let fact = |Decoded { name, says, .. }: &Decoded| {
        let name = name.rsplit('.').next().unwrap_or_default();
        match says {
            Says::Number("", _) | Says::Count(_) | Says::Absent => None,
            Says::Number(of_type, number) => Some(format!("{name} {of_type}({number})")),
            Says::Flag(is_set) => Some(format!("{name} {is_set}")),
            Says::Bytes(bytes) => Some(format!("{name} {bytes:?}")),
            Says::Kind(kind) => Some(kind.clone()),
        }
    };
    let mut facts: Vec<String> = decoded.iter().filter_map(fact).collect();
    facts.sort();
    facts
}

/// Returns the same facts of the value that the code decodes, from its `Debug` text.
fn facts_of(page: &Page, value: &Value) -> Vec<String> {
    let text = match value {
        Value::Entry(entry) => {
            format!("context: {:?}, payload: {:?}", entry.context(), entry.payload())
        }
        Value::Message(message) => format!("{message:?}"),
        Value::Snapshot(snapshot) => format!("{snapshot:?}"),
        Value::ConfState(conf_state) => format!("{conf_state:?}"),
        Value::HardState(hard_state) => format!("{hard_state:?}"),
    };
    let (mut rest, mut name, mut facts) = (&text[..], String::new(), Vec::new());
    while !rest.is_empty() {
        if rest.starts_with("b\"") {
            let quoted = rest.as_bytes();
            let mut end = 2;
            while quoted[end] != b'"' {
                end += if quoted[end] == b'\\' { 2 } else { 1 };
            }
            facts.push(format!("{name} {}", &rest[..=end]));
            rest = &rest[end + 1..];
            continue;
        }
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let (word, behind) = rest.split_at(end.unwrap_or(rest.len()));
        if word.is_empty() {
            rest = &rest[1..];
            continue;
        }
        rest = behind;
        if NUMBERS.iter().any(|(_, rust)| *rust == word) {
            let end = behind.find(')').expect("a number in brackets");
            facts.push(format!("{name} {word}{}", &behind[..=end]));
            rest = &behind[end + 1..];
        } else if behind.starts_with(':') {
            name = word.to_owned();
        } else if word == "true" || word == "false" {
            facts.push(format!("{name} {word}"));
        } else if let Some(first) = page.first_field(word) {
            facts.push(word.to_owned());
            if behind.starts_with('(') {
                name = first.to_owned();
            }
        }
    }
    facts.sort();
    facts
}

/// Returns whether the page's decoder accepts these bytes.
pub(super) fn accepts(of_type: Type, bytes: &Bytes) -> bool {
    Page::read().decode(of_type.name(), bytes).is_some()
}

/// Returns the field that an error names.
fn what(error: WireError) -> Option<&'static str> {
    match error {
        WireError::UnknownVersion { .. } | WireError::TrailingBytes { .. } => None,
        WireError::Truncated { what: "version", .. } => None,
        WireError::UnknownKind { what, .. }
        | WireError::Truncated { what, .. }
        | WireError::CountTooLarge { what, .. }
        | WireError::NumberTooLarge { what, .. }
        | WireError::NotShortest { what, .. }
        | WireError::NotAFlag { what, .. }
        | WireError::NotAscending { what, .. } => Some(what),
    }
}

/// Compares both decoders on these bytes.
#[track_caller]
fn compare(page: &Page, of_type: Type, bytes: &Bytes) -> bool {
    let by_page = page.decode(of_type.name(), bytes);
    match (of_type.decode(bytes.clone()), by_page) {
        (Ok(value), Some(decoded)) => {
            assert_eq!(facts(&decoded), facts_of(page, &value), "{}", hex(bytes));
            true
        }
        (Err(why), None) => {
            let is_known = what(why).is_none_or(|what| page.has_field(what));
            assert!(is_known, "the page has no field with the name in: {why}");
            false
        }
        (by_code, by_page) => {
            panic!("{}: {by_code:?} by the code, {by_page:?} by the page", hex(bytes))
        }
    }
}

#[test]
fn a_decoder_written_from_the_page_reads_what_the_code_writes() {
    let page = Page::read();
    for sample in samples() {
        assert!(compare(&page, sample.of_type(), &sample.encode()), "{sample}");
    }
    let facts = facts_of(&page, &samples()[4]);
    let wanted = [
        "RequestVote",
        "from NodeId(1)",
        "index Index(5)",
        "priority Priority(0)",
        "term Term(2)",
        "term Term(3)",
        "to NodeId(2)",
        "transfer true",
    ];
    assert_eq!(facts, wanted, "n1->n2 RequestVote t3 last=5@2 transfer");
}

#[test]
fn a_decoder_written_from_the_page_refuses_what_the_code_refuses() {
    let page = Page::read();
    let damage = vec((any::<proptest::sample::Index>(), any::<u8>(), 0..3_u8), 0..3);
    crate::holds::holds(4096, (any_value(), damage), |(value, damage)| {
        let mut bytes = value.encode().to_vec();
        for (place, byte, how) in damage {
            let place = place.index(bytes.len() + 1);
            match how {
                0 => bytes.insert(place, byte),
                1 => bytes.truncate(place),
                _ if place < bytes.len() => bytes[place] = byte,
                _ => {}
            }
        }
        compare(&page, value.of_type(), &bytes.into());
        Ok(())
    });
}

/// Returns the worked example as the page shows it.
fn example(page: &Page) -> String {
    let id = |index, term| EntryId { index: Index(index), term: Term(term) };
    let body = Body::AppendEntries {
        prev: id(5, 2),
        entries: vec![Entry::unplaced(Payload::Normal("x=1".into())).at(id(6, 3))],
        commit: Index(4),
        session: Session(0),
    };
    let message = Message { from: NodeId(1), to: NodeId(2), term: Some(Term(3)), body };
    let bytes = Value::Message(message).encode();
    let decoded = page.decode("message", &bytes).expect("the page knows messages");
    let line = |Decoded { bytes, depth, name, says }: &Decoded| {
        let says = match says {
            Says::Number(_, number) => number.to_string(),
            Says::Flag(is_set) => is_set.to_string(),
            Says::Bytes(bytes) => format!("length {}, {bytes:?}", bytes.len()),
            Says::Kind(kind) => kind.clone(),
            Says::Count(count) => format!("count {count}"),
            Says::Absent => "absent".to_owned(),
        };
        let name = format!("{}{name}", "  ".repeat(*depth));
        format!("   {:14}{name:18}{says}\n", hex(bytes))
    };
    decoded.iter().map(line).collect()
}

#[test]
fn the_worked_example_of_the_page_is_what_the_code_writes() {
    let text = fs::read_to_string(path()).expect("the page is there");
    let opening = "<!-- wire: example -->\n```text\n";
    let (before, rest) = text.split_once(opening).expect("the page has the example");
    let (shown, behind) = rest.split_once("```").expect("the example ends");
    let today = example(&Page::read());
    if std::env::var_os("REWRITE").is_some() {
        fs::write(path(), format!("{before}{opening}{today}```{behind}")).expect("it is written");
        return;
    }
    assert_eq!(shown, today, "REWRITE=1 writes it");
}

#[test]
fn the_numbers_of_the_page_are_written_as_it_says() {
    let text = fs::read_to_string(path()).expect("the page is there");
    let line = text.lines().find(|line| line.starts_with("   0 = 00")).expect("the examples");
    let examples: Vec<&str> = line.split("   ").filter(|part| part.contains('=')).collect();
    assert_eq!(examples.len(), 5, "{line}");
    for example in examples {
        let (number, bytes) = example.trim().split_once(" = ").expect("a number and its bytes");
        let number = if number == "2^64 - 1" { Ok(u64::MAX) } else { number.parse() };
        let term = Term(number.expect("a number"));
        let written = Value::HardState(HardState { term, ..HardState::default() }).encode();
        // Version before it; no vote and commit 0 behind it.
        assert_eq!(hex(&written[1..written.len() - 2]), bytes, "{example}");
    }
}

#[test]
fn the_sizes_of_the_page_are_those_of_the_code() {
    let entry = Entry::unplaced(Payload::Normal(vec![7; 100].into()));
    let entry = entry.at(EntryId { index: Index(1_000_000), term: Term(7) });
    let message = |body| Message { from: NodeId(1), to: NodeId(2), term: Some(Term(3)), body };
    let append = |entries| {
        let (index, term) = (Index(5), Term(2));
        let (prev, commit, session) = (EntryId { index, term }, Index(4), Session(0));
        wire::message_len(&message(Body::AppendEntries { prev, entries, commit, session }))
    };
    let heartbeat = Body::Heartbeat { commit: Index(300), token: None, session: Session(0) };
    let sizes = [
        ("a heartbeat", wire::message_len(&message(heartbeat))),
        ("an append without", append(vec![])),
        ("an entry in", append(vec![entry.clone()]) - append(vec![])),
        ("the same entry", wire::entry_len(&entry)),
    ];
    let text = fs::read_to_string(path()).expect("the page is there");
    for (row, size) in sizes {
        let row = format!("| {row}");
        let line = text.lines().find(|line| line.starts_with(&row)).expect("the row is there");
        assert!(line.ends_with(&format!("| {size} |")), "{line}: {size} bytes");
    }
    // Version, kind and two flags have a byte; from, to, term, commit and session would have eight.
    assert!(text.contains(&format!("the heartbeat would have {}.", 4 + 5 * 8)));
}
