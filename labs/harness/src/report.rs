//! How a test ended, as one line of JSON: what the desk, a grader and an editor read.
//!
//! ```text
//!   {"test":"aa_vote_once_per_term","step":5,"outcome":"failed","rule":"one_vote_per_term", ...}
//! ```

use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Mutex;

/// How a test ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Every rule holds.
    Passed,
    /// A rule is broken.
    Failed,
    /// The test called a hole that is not written yet. That is not "wrong".
    NotWritten,
    /// The code under test panicked, did not end, or ended its process.
    Crashed,
}

/// One test's line of the report.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Report {
    /// The test's name.
    pub test: String,
    /// The step of the lab that turns it green.
    pub step: u32,
    /// How it ended.
    pub outcome: Outcome,
    /// The hole that is not written yet: `Core::decide_vote`.
    pub hole: Option<String>,
    /// The id of the broken rule: `one_vote_per_term`.
    pub rule: Option<String>,
    /// The first row of the test's table that fails.
    pub row: Option<u64>,
    /// The first seed that fails.
    pub seed: Option<u64>,
    /// How many seeds a simulation is asked to run here.
    pub seeds: u64,
    /// One sentence.
    pub headline: String,
    /// The line of the student's code that decided: `raft/src/election.rs:84`.
    pub your_line: Option<String>,
    /// The function of that line, or the first that the card names.
    pub function: Option<String>,
    /// The functions that the card names, the likeliest first: `labs bugs` compares them with the edited one.
    pub named: Vec<String>,
    /// The whole card: plain text, at most 80 columns and 40 lines. Empty for a test that passed.
    pub card: String,
    /// Where the trace is.
    pub trace: Option<String>,
    /// Where its page is.
    pub page: Option<String>,
}

/// Where report lines go.
pub(crate) struct ReportFile {
    file: Option<Mutex<File>>,
}

impl ReportFile {
    /// Begins a report, or none.
    ///
    /// # Errors
    /// A sentence naming the file.
    pub(crate) fn create(path: Option<&Path>) -> Result<Self, String> {
        let create = |path: &Path| {
            let file = File::create(path);
            file.map_err(|why| format!("--report {}: cannot write it: {why}", path.display()))
        };
        Ok(ReportFile { file: path.map(create).transpose()?.map(Mutex::new) })
    }

    /// Writes one line, at once and whole.
    ///
    /// # Errors
    /// A sentence: a report with a missing line would look like a test that was not run.
    pub(crate) fn write(&self, report: &Report) -> Result<(), String> {
        let Some(file) = &self.file else { return Ok(()) };
        let mut line = serde_json::to_string(report).map_err(|why| format!("--report: {why}"))?;
        line.push('\n');
        let mut file = file.lock().map_err(|_| "--report: a writer panicked".to_owned())?;
        file.write_all(line.as_bytes()).map_err(|why| format!("--report: cannot write: {why}"))
    }
}
