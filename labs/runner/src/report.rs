//! What a suite reports: one line of JSON per test, in the order they ended.
//!
//! ```text
//!   {"test":"aa_quorum_sizes","step":1,"outcome":"not_written","hole":"Majority::needed",...}
//! ```
//!
//! Fields we do not know are passed over, so that an older runner reads a newer suite. A line that
//! is no report is an error with its number, never a verdict.

pub use harness::Outcome;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What one test has to say.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ReportLine {
    /// The test.
    pub test: String,
    /// How it ended.
    pub outcome: Outcome,
    /// The function that is not written yet.
    #[serde(default)]
    pub hole: Option<String>,
    /// The rule that broke.
    #[serde(default)]
    pub rule: Option<String>,
    /// The row of a table test.
    #[serde(default)]
    pub row: Option<u64>,
    /// The seed of a simulation.
    #[serde(default)]
    pub seed: Option<u64>,
    /// How many seeds were run.
    #[serde(default)]
    pub seeds: Option<u64>,
    /// One sentence.
    #[serde(default)]
    pub headline: Option<String>,
    /// The student's own line that decided, `file:line`.
    #[serde(default)]
    pub your_line: Option<String>,
    /// Its function, or the first that the card names.
    #[serde(default)]
    pub function: Option<String>,
    /// The functions that the card names, the likeliest first.
    #[serde(default)]
    pub named: Vec<String>,
    /// The whole card, as plain text.
    #[serde(default)]
    pub card: Option<String>,
    /// Where the trace is.
    #[serde(default)]
    pub trace: Option<String>,
    /// Where its page is.
    #[serde(default)]
    pub page: Option<String>,
}

impl ReportLine {
    /// Returns a verdict that says how a test ended, and nothing else.
    pub fn new(test: &str, outcome: Outcome) -> Self {
        ReportLine {
            test: test.to_owned(),
            outcome,
            hole: None,
            rule: None,
            row: None,
            seed: None,
            seeds: None,
            headline: None,
            your_line: None,
            function: None,
            named: Vec::new(),
            card: None,
            trace: None,
            page: None,
        }
    }
}

impl ReportLine {
    /// Returns where the page of the test is, and the trace of its run.
    pub fn files(&self) -> (Option<&Path>, Option<&Path>) {
        (self.page.as_deref().map(Path::new), self.trace.as_deref().map(Path::new))
    }
}

/// Reads a report. Lines of a step that is still being written do not count yet.
///
/// # Errors
/// The first line that is no report, with its number.
pub fn parse(text: &str) -> Result<Vec<ReportLine>, String> {
    let mut verdicts = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let verdict = serde_json::from_str(line)
            .map_err(|e| format!("line {} of the report is not one: {e}", number + 1))?;
        verdicts.push(verdict);
    }
    Ok(verdicts)
}

/// Reads the report of the last run, if there was one that can still be read.
pub fn last(path: &Path) -> Vec<ReportLine> {
    std::fs::read_to_string(path).ok().and_then(|text| parse(&text).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read_and_a_torn_one_is_named() {
        let line = r#"{"test":"a","step":1,"outcome":"not_written","hole":"X::y","news":[1]}"#;
        let read = parse(line).expect("a report");
        assert_eq!(read[0].outcome, Outcome::NotWritten);
        assert_eq!(read[0].hole.as_deref(), Some("X::y"));
        let torn = format!("{line}\n{}", &line[..20]);
        assert!(parse(&torn).expect_err("torn").starts_with("line 2 of the report"));
    }
}
