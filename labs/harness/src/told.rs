//! Stories that a test records: what happened in each of its rows, also if the test passes.
//!
//! ```text
//!   cargo test -p suites --test lab_2aa -- --story aa_vote_once_per_term/2
//!     row 2  a second candidate asks in the same term
//!     n2->n1 RequestVote t1 last=0@0 arrives.
//!       n1 ... (election.rs:92)
//! ```
//!
//! A test reports its stories as it runs; they are built only if a listener asks for them. Stories never
//! decide a verdict.

use crate::options::Seeds;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Which stories are asked for: `TEST` or `TEST/ROW`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Wish {
    /// The test.
    pub(crate) test: String,
    /// The row, if not all of them.
    pub(crate) row: Option<u64>,
}

impl Wish {
    /// Reads `TEST` or `TEST/ROW`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (test, row) = match text.split_once('/') {
            Some((test, row)) => (test, Some(row.parse().ok()?)),
            None => (text, None),
        };
        (!test.is_empty()).then(|| Wish { test: test.to_owned(), row })
    }

    /// Returns the seeds to run, if none was given: a story is about one run.
    pub(crate) fn seeds(asked: Seeds) -> Seeds {
        match asked {
            Seeds::One(seed) => Seeds::One(seed),
            Seeds::Sweep { .. } => Seeds::One(0),
        }
    }
}

/// A story: what happened, for a reader, and as the lines of a trace file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ToldStory {
    /// The story as plain text.
    pub text: String,
    /// The same as a trace, which `cargo step` shows.
    pub trace: String,
    /// The same as a page.
    pub page: String,
}

/// A story, and the row that it belongs to.
struct Told {
    row: Option<u64>,
    story: ToldStory,
}

/// What was recorded, if a listener asks.
static TOLD: Mutex<Option<Vec<Told>>> = Mutex::new(None);

fn with<R>(change: impl FnOnce(&mut Option<Vec<Told>>) -> R) -> R {
    change(&mut TOLD.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Begins to record.
pub(crate) fn listen() {
    with(|told| *told = Some(Vec::new()));
}

/// Records what happened in a row, or in a test without rows. `make` is called only if stories are
/// recorded.
pub fn tell(row: Option<u64>, make: impl FnOnce() -> ToldStory) {
    if with(|told| told.is_some()) {
        let story = make();
        with(|told| told.get_or_insert_default().push(Told { row, story }));
    }
}

/// Returns the stories asked for as text, and leaves each as a trace and as a page where traces go.
///
/// # Errors
/// A sentence: there is no such row, or a trace cannot be written.
pub(crate) fn read_out(wish: &Wish, traces: &Path) -> Result<String, String> {
    let told = with(Option::take).unwrap_or_default();
    let rows: BTreeSet<u64> = told.iter().filter_map(|t| t.row).collect();
    let rows: Vec<String> = rows.iter().map(u64::to_string).collect();
    let wanted = |t: &&Told| wish.row.is_none() || t.row == wish.row;
    let mut text = String::new();
    for Told { row, story } in told.iter().filter(wanted) {
        let name = row.map_or_else(|| wish.test.clone(), |row| format!("{}-{row}", wish.test));
        let write = |extension: &str, text: &str| {
            let path = traces.join(format!("{name}.{extension}"));
            let written =
                std::fs::create_dir_all(traces).and_then(|()| std::fs::write(&path, text));
            written.map_err(|why| format!("{}: cannot write it: {why}", path.display()))?;
            Ok::<_, String>(path.display().to_string())
        };
        let (trace, page) = (write("jsonl", &story.trace)?, write("html", &story.page)?);
        if let Some(row) = row {
            text.push_str(&format!("row {row}  "));
        }
        let told = story.text.trim_end();
        text.push_str(&format!("{told}\n  trace   {trace}\n  page    {page}\n\n"));
    }
    match (text.is_empty(), wish.row) {
        (false, _) => Ok(text),
        (true, None) => Err(format!("{}: its rows are numbers, there is no story", wish.test)),
        (true, Some(row)) if rows.is_empty() => {
            Err(format!("{}/{row}: the rows of this test are numbers, not stories", wish.test))
        }
        (true, Some(row)) => {
            Err(format!("{}/{row}: no such row; there are {}", wish.test, rows.join(" ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_names_a_test_and_perhaps_a_row() {
        let wish = |test: &str, row| Some(Wish { test: test.to_owned(), row });
        assert_eq!(Wish::parse("aa_x"), wish("aa_x", None));
        assert_eq!(Wish::parse("aa_x/3"), wish("aa_x", Some(3)));
        assert_eq!((Wish::parse(""), Wish::parse("/3"), Wish::parse("aa_x/y")), (None, None, None));
    }
}
