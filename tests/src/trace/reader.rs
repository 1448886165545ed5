//! Reads a trace. The file may be damaged, cut off, from a newer release, or no trace at all.
//!
//! ```text
//!   bytes --> lines --> JSON --> Header, TraceSteps, Footer --> consistent? --> Trace
//!                 '--------- every error names the file, the line, and what was expected
//! ```

use crate::trace::format::{FORMAT, Footer, Header, Trace, TraceStep, VERSION};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The longest trace that is read, in bytes.
pub const SIZE_BYTES_MAX: u64 = 256 << 20;

/// What is wrong with a trace.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TraceError {
    /// Which file, or what else it came from.
    pub name: String,
    /// Which line, from 1; none where it is the whole file.
    pub line: Option<usize>,
    /// What was found, and what was expected.
    pub what: String,
}

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}, line {line}: {}", self.name, self.what),
            None => write!(f, "{}: {}", self.name, self.what),
        }
    }
}

impl std::error::Error for TraceError {}

/// Reads a trace from a file.
///
/// # Errors
/// [`TraceError`] names the line and what was expected there.
pub fn read(path: &Path) -> Result<Trace, TraceError> {
    let name = path.display().to_string();
    let wrong = |what: String| TraceError { name: name.clone(), line: None, what };
    let file = File::open(path).map_err(|why| wrong(format!("cannot be opened: {why}")))?;
    let mut bytes = Vec::new();
    let read = file.take(SIZE_BYTES_MAX + 1).read_to_end(&mut bytes);
    read.map_err(|why| wrong(format!("cannot be read: {why}")))?;
    if bytes.len() as u64 > SIZE_BYTES_MAX {
        let limit = SIZE_BYTES_MAX >> 20;
        return Err(wrong(format!("is larger than {limit} MiB, the longest trace that is read")));
    }
    let text = String::from_utf8(bytes).map_err(|why| {
        let at = why.utf8_error().valid_up_to();
        wrong(format!("is not text: byte {at} is not UTF-8"))
    })?;
    parse(&name, &text)
}

/// Reads a trace from its text. Errors name `name` as its source.
///
/// # Errors
/// As [`read`].
pub fn parse(name: &str, text: &str) -> Result<Trace, TraceError> {
    Reading { name, whole: text.ends_with('\n'), lines: text.lines().count() }.trace(text)
}

/// The state of the reader.
struct Reading<'a> {
    name: &'a str,
    /// Whether the last line is complete.
    whole: bool,
    lines: usize,
}

impl Reading<'_> {
    fn wrong(&self, line: usize, what: impl Into<String>) -> TraceError {
        TraceError { name: self.name.to_string(), line: Some(line), what: what.into() }
    }

    fn trace(&self, text: &str) -> Result<Trace, TraceError> {
        let mut lines = (1..).zip(text.lines());
        let Some((_, first)) = lines.next() else {
            return Err(TraceError { line: None, ..self.wrong(1, "is empty, not a trace") });
        };
        let header = self.header(first)?;
        let mut trace = Trace { header, steps: Vec::new(), footer: None };
        for (number, line) in lines {
            if trace.footer.is_some() {
                return Err(self.wrong(number, "expected nothing after the line that ends a trace"));
            }
            let value: Value = self.json(number, line)?;
            if value.get("end").is_some() {
                let footer: Footer = self.shape(number, "the last line of a trace", value)?;
                if footer.steps != trace.steps.len() as u64 {
                    let (says, are) = (footer.steps, trace.steps.len());
                    let what = format!("says that the trace has {says} steps; it has {are}");
                    return Err(self.wrong(number, what));
                }
                trace.footer = Some(footer);
            } else {
                let step: TraceStep = self.shape(number, "a step", value)?;
                self.check(number, &trace, &step)?;
                trace.steps.push(step);
            }
        }
        Ok(trace)
    }

    fn header(&self, line: &str) -> Result<Header, TraceError> {
        let value: Value = self.json(1, line)?;
        if value.get("trace").and_then(Value::as_str) != Some(FORMAT) {
            let what = format!("is not a trace: expected a first line with \"trace\":\"{FORMAT}\"");
            return Err(self.wrong(1, what));
        }
        match value.get("version").and_then(Value::as_u64) {
            Some(VERSION) => {}
            Some(newer) if newer > VERSION => {
                let what = format!(
                    "is a trace of version {newer}, from a newer release; this one reads version \
                     {VERSION}"
                );
                return Err(self.wrong(1, what));
            }
            Some(older) => {
                let what = format!(
                    "is a trace of version {older}, from an older release; this one reads version \
                     {VERSION}"
                );
                return Err(self.wrong(1, what));
            }
            None => {
                return Err(self.wrong(1, format!("expected \"version\":{VERSION}")));
            }
        }
        let header: Header = self.shape(1, "the first line of a trace", value)?;
        let listed = |node: &u64| header.nodes.contains(node);
        let same = header.config.len() == header.nodes.len() && header.config.keys().all(listed);
        if !same || header.nodes.is_empty() || !header.state.keys().all(listed) {
            let what = "expected the same nodes, at least one, in nodes, config and state";
            return Err(self.wrong(1, what));
        }
        Ok(header)
    }

    /// Checks that a step fits the header and the steps before it.
    fn check(&self, number: usize, trace: &Trace, step: &TraceStep) -> Result<(), TraceError> {
        let expected = trace.steps.len() as u64 + 1;
        if step.step != expected {
            let what = format!("expected step {expected}, found step {}", step.step);
            return Err(self.wrong(number, what));
        }
        let mut named = step.node.iter().chain(step.set.keys());
        if let Some(stranger) = named.find(|&node| !trace.header.nodes.contains(node)) {
            return Err(self
                .wrong(number, format!("names n{stranger}, which is not a node of this cluster")));
        }
        let pointed = step.facts.iter().filter_map(|fact| fact.event);
        if let Some(beyond) = pointed.into_iter().find(|&event| event >= step.events.len()) {
            let events = step.events.len();
            let what = format!("a fact points at event {beyond}; the step has {events}");
            return Err(self.wrong(number, what));
        }
        Ok(())
    }

    fn json(&self, number: usize, line: &str) -> Result<Value, TraceError> {
        serde_json::from_str(line).map_err(|why| {
            let cut_off = number == self.lines && !self.whole;
            let what = if cut_off {
                format!("ends in the middle: the trace was cut off ({why})")
            } else {
                format!("expected a JSON value: {why}")
            };
            self.wrong(number, what)
        })
    }

    fn shape<T: DeserializeOwned>(
        &self,
        number: usize,
        what: &str,
        value: Value,
    ) -> Result<T, TraceError> {
        serde_json::from_value(value)
            .map_err(|why| self.wrong(number, format!("expected {what}: {why}")))
    }
}
