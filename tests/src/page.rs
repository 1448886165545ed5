//! A run as one page: a file that needs no network and no other file.
//!
//! ```text
//!   trace --> window --> diagram.svg   one drawing, which `cargo step svg` prints alone
//!                   '--> JSON          the steps, the states, the sources that decided
//!                                         '--> viewer.js shows one step of them: nodes, logs, source
//! ```
//!
//! Invariants: the page asks nobody for anything, and its own policy forbids it to. Whatever a trace
//! holds, the page shows it as text: nothing of it becomes markup or code. A page never has more than
//! [`STEPS_MAX`] steps; it says which it leaves out, and how the run is played again.

pub mod diagram; // the space-time diagram

use crate::trace::state::merge;
use crate::trace::{Outcome, Trace, TraceStep};
use diagram::{Diagram, escaped};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// The most steps of a page. Of a longer run it has those before the step that it opens on.
pub const STEPS_MAX: u64 = 2_000;

/// How many of these may be behind the step that the page opens on.
const STEPS_AFTER: u64 = 200;

const HTML: &str = include_str!("page/viewer.html");
const CSS: &str = include_str!("page/viewer.css");
const JS: &str = include_str!("page/viewer.js");

impl Trace {
    /// Returns the run as a page that opens on a step, counted from 1; without one, where something went
    /// wrong, or else at the beginning.
    ///
    /// # Errors
    /// The run has no such step: which it has.
    pub fn page(&self, opens_on: Option<u64>) -> Result<String, String> {
        let last = self.steps.len() as u64;
        if let Some(step) = opens_on.filter(|&step| step < 1 || step > last) {
            return Err(format!("there is no step {step}: the run has 1 to {last}"));
        }
        let broken = self.focus();
        let focus = opens_on.or(broken);
        let window = self.window(focus);
        let part = self.cut_to(&window);
        let diagram = Diagram::of(&part, window.clone());
        let title = if self.header.title.is_empty() { "A run" } else { &self.header.title };
        let head = diagram.head();
        let rows = diagram.for_page();
        let data = part.data(&diagram, (focus, broken), last);
        // Each part is put in once, from the left: nothing that a part holds is looked at again.
        let parts = [
            ("TITLE", escaped(title)),
            ("STYLE", diagram::STYLE.to_string() + CSS),
            ("HEAD", head),
            ("ROWS", rows),
            ("DATA", data),
            ("SCRIPT", JS.to_string()),
        ];
        let mut page = String::new();
        let mut rest = HTML;
        for (name, text) in parts {
            let mark = format!("<!--{name}-->");
            let (before, after) = rest.split_once(&mark).expect("viewer.html has each mark once");
            page.push_str(before);
            page.push_str(&text);
            rest = after;
        }
        Ok(page + rest)
    }

    /// Returns a window of the run as a picture that stands alone.
    ///
    /// # Errors
    /// The run has no such steps: which it has.
    pub fn picture(&self, steps: RangeInclusive<u64>) -> Result<String, String> {
        let last = self.steps.len() as u64;
        let (from, to) = (*steps.start(), *steps.end());
        if from < 1 || to > last || from > to {
            return Err(format!("there are no steps {from} to {to}: the run has 1 to {last}"));
        }
        if to - from >= STEPS_MAX {
            let steps = to - from + 1;
            return Err(format!("{steps} steps are too many for a picture: at most {STEPS_MAX}"));
        }
        Ok(Diagram::of(self, steps).picture(&self.header.title))
    }

    /// Notes on a step that a command's output was not what its script expects. The page shows it there.
    pub fn note_difference(&mut self, step: usize, text: &str) {
        let Some(step) = self.steps.get_mut(step.saturating_sub(1)) else { return };
        let said = step.differs.take().map(|said| said + "\n").unwrap_or_default();
        step.differs = Some(said + text.trim_end());
    }

    /// Returns the step where something went wrong: where a test says so, where a rule
    /// broke, where a failed run ended, or where a script expects something else.
    fn focus(&self) -> Option<u64> {
        let first =
            |is_it: fn(&&TraceStep) -> bool| self.steps.iter().find(is_it).map(|it| it.step);
        let footer = self.footer.as_ref();
        let named = footer.and_then(|footer| footer.step);
        let named = named.filter(|&named| self.steps.iter().any(|step| step.step == named));
        let ended_badly = footer.is_some_and(|footer| match footer.outcome {
            Outcome::Done | Outcome::Broken => false,
            Outcome::Failed | Outcome::Crashed => true,
        });
        let last = self.steps.last().map(|step| step.step).filter(|_| ended_badly);
        let broken = first(|step| step.violation.is_some());
        named.or(broken).or(last).or(first(|step| step.differs.is_some()))
    }

    /// Returns the steps that a page has.
    fn window(&self, focus: Option<u64>) -> RangeInclusive<u64> {
        let last = self.steps.len() as u64;
        let to = match focus {
            Some(focus) => last.min(focus + STEPS_AFTER).max(last.min(STEPS_MAX)),
            None => last.min(STEPS_MAX),
        };
        (to + 1).saturating_sub(STEPS_MAX).max(1)..=to
    }

    /// Returns the part of the run with these steps, as if it began there, with the sources that decided
    /// something in it. Messages that were sent before stay known.
    fn cut_to(&self, window: &RangeInclusive<u64>) -> Trace {
        let mut part = Trace { header: self.header.clone(), steps: Vec::new(), footer: None };
        part.footer = self.footer.clone();
        for step in self.steps.iter().take_while(|step| step.step < *window.start()) {
            for (&node, patch) in &step.set {
                merge(part.header.state.entry(node).or_insert(Value::Null), patch);
            }
        }
        let within = self.steps.iter().filter(|step| window.contains(&step.step));
        part.steps = within.cloned().collect();
        let events = part.steps.iter().flat_map(|step| &step.events);
        let files = events.filter_map(|event| event.at.split(':').next());
        let deciding: BTreeSet<String> = files.map(str::to_string).collect();
        part.header.sources.retain(|path, _| deciding.contains(path));
        part
    }

    /// Returns what the viewer reads: JSON that can stand in a page.
    fn data(
        &self,
        diagram: &Diagram<'_>,
        (opens_on, broken): (Option<u64>, Option<u64>),
        steps: u64,
    ) -> String {
        let rows: Vec<_> =
            diagram.rows().iter().map(|row| (*row.steps.start(), *row.steps.end())).collect();
        let data = json!({
            "header": self.header, "steps": self.steps, "footer": self.footer,
            "rows": rows, "opens_on": opens_on, "broken": broken.filter(|step| self.steps.iter().any(|it| it.step == *step)),
            "all_steps": steps,
        });
        // In JSON these stand only in strings, where an escape means the same.
        data.to_string()
            .replace('<', "\\u003c")
            .replace('\u{2028}', "\\u2028")
            .replace('\u{2029}', "\\u2029")
    }
}
