//! All of etcd's files, and what became of each.

use crate::confchange::Group;
use crate::quorum;
use crate::verdict::{Outcome, Verdict, judge, judge_script};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// What became of every file.
pub(crate) struct Table {
    rows: Vec<Row>,
}

/// What became of one file.
struct Row {
    /// The file, from the folder that was named.
    name: String,
    verdict: Verdict,
}

impl Table {
    /// Runs every file below `folder`, which is a checkout of etcd-io/raft or looks like one.
    ///
    /// # Errors
    /// Says what cannot be read, or that there is nothing to run.
    pub(crate) fn of(folder: &Path) -> Result<Table, String> {
        let mut rows = Vec::new();
        for script in texts(&folder.join("testdata"))? {
            rows.push(Row::of(folder, &script, judge_script)?);
        }
        if rows.is_empty() {
            let folder = folder.display();
            return Err(format!(
                "{folder} has no testdata/*.txt: it is no checkout of etcd-io/raft"
            ));
        }
        for place in ["quorum", "quorum/testdata"] {
            for table in texts(&folder.join(place))? {
                rows.push(Row::of(folder, &table, |text| judge(text, quorum::play))?);
            }
        }
        for place in ["confchange", "confchange/testdata"] {
            for table in texts(&folder.join(place))? {
                let mut group = Group::default();
                rows.push(Row::of(folder, &table, |text| judge(text, |block| group.play(block)))?);
            }
        }
        Ok(Table { rows })
    }

    /// Returns the rows that are not as they ought to be.
    pub(crate) fn failures(&self) -> Vec<String> {
        let wrong = self.rows.iter().filter(|row| row.is_wrong());
        wrong.map(Row::to_string).collect()
    }
}

impl Row {
    fn of(folder: &Path, file: &Path, judge: impl FnOnce(&str) -> Verdict) -> Result<Row, String> {
        let text = fs::read_to_string(file);
        let text = text.map_err(|why| format!("{} cannot be read: {why}", file.display()))?;
        let name = file.strip_prefix(folder).unwrap_or(file).display().to_string();
        Ok(Row { name, verdict: judge(&text) })
    }

    fn is_wrong(&self) -> bool {
        self.verdict.outcome != Outcome::Passed
    }
}

/// Returns the text files in a folder, in order; none if it is not there.
fn texts(folder: &Path) -> Result<Vec<PathBuf>, String> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let wrong = |why| format!("{} cannot be listed: {why}", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(wrong)? {
        let path = entry.map_err(wrong)?.path();
        if path.extension().is_some_and(|kind| kind == "txt") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for row in &self.rows {
            writeln!(f, "{row}")?;
        }
        let wrong = self.rows.iter().filter(|row| row.is_wrong()).count();
        let passed = self.rows.len() - wrong;
        let lines: usize = self.rows.iter().map(|row| row.verdict.lines).sum();
        write!(f, "{} files: {passed} passed, {wrong} differ; ", self.rows.len())?;
        writeln!(f, "{lines} lines compared and found equal")
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Verdict { outcome, lines } = &self.verdict;
        write!(f, "{:<60} {lines:>4} lines  {outcome}", self.name)
    }
}
