//! What happened on a stage: every step, and what was sent in it.
//!
//! ```text
//!   steps  --> the line that decided    election.rs:84
//!          --> a diagram for the card   |<- RequestVote t1 -|  vote n2  election.rs:84
//!          --> a trace, and its page    {"step":1, ...}
//! ```

mod facts; // what a step changed, in a few words
mod picture; // a story as a diagram

use harness::{Diagram, Place, RecordedRun, told};
use raft::{Event, Message};
use testbed::trace::{Recorder, Trace};
use testbed::{Setup, Step};

pub(super) use facts::name;

/// A run: how it began, and everything that happened.
#[derive(Clone)]
pub(super) struct Story {
    setup: Setup,
    seed: Option<u64>,
    moments: Vec<Moment>,
}

/// One thing that happened.
#[derive(Clone)]
struct Moment {
    step: Step,
    /// What was sent for the first time: sent already, or waiting for a disk.
    said: Vec<Message>,
}

impl Story {
    /// Begins a story.
    pub(super) fn of(setup: Setup) -> Self {
        Story { setup, seed: None, moments: Vec::new() }
    }

    /// Says which number it was drawn from.
    pub(super) fn of_seed(&mut self, seed: u64) {
        self.seed = Some(seed);
    }

    /// Returns how many steps there were.
    pub(super) fn len(&self) -> usize {
        self.moments.len()
    }

    /// Returns every step.
    pub(super) fn steps(&self) -> Vec<Step> {
        self.moments.iter().map(|moment| moment.step.clone()).collect()
    }

    /// Returns the run, which ends with what a test found. Its page opens on the step `here`, counted from
    /// 0, and there on the line that decided.
    pub(super) fn run(
        &self,
        title: &str,
        found: &str,
        here: Option<usize>,
        line: Option<&Place>,
    ) -> RecordedRun {
        let mut recorder = self.recorded(title);
        recorder.fail(found, here.map(|at| at as u64 + 1), line.map(Place::to_string));
        let trace = recorder.trace();
        RecordedRun { trace: trace.to_json_lines(), page: page(&trace) }
    }

    /// Plays the story again, and records it.
    pub(super) fn recorded(&self, title: &str) -> Recorder {
        let inputs = self.moments.iter().map(|moment| &moment.step.input);
        let mut recorder = Recorder::new(self.setup.clone()).titled(title, "");
        if let Some(seed) = self.seed {
            recorder = recorder.of_seed(seed);
        }
        inputs.for_each(|input| {
            recorder.apply(input);
        });
        recorder
    }

    /// Adds what happened.
    pub(super) fn push(&mut self, step: Step, said: Vec<Message>) {
        self.moments.push(Moment { step, said });
    }

    /// Returns the line to read, if events such as these decide: the last one of the last
    /// step, or else of the whole story.
    pub(super) fn line(&self, decides: impl Fn(&Event) -> bool) -> Option<Place> {
        let mut notes = self.moments.iter().flat_map(|moment| &moment.step.notes);
        let last = notes.rfind(|note| decides(&note.event));
        let anywhere = || last.map(|note| Place::from(note.at));
        self.last_line(&decides).or_else(anywhere)
    }

    /// Returns the line that decided the last step: its last one, if the step changed anything. Given
    /// code ignores a message that changes nothing.
    pub(super) fn decided_line(&self) -> Option<Place> {
        self.last_line(|event| !matches!(event, Event::Sent { .. } | Event::MessageIgnored { .. }))
    }

    /// Returns the last line of the last step that noted an event such as this.
    pub(super) fn last_line(&self, decides: impl Fn(&Event) -> bool) -> Option<Place> {
        let notes = &self.moments.last()?.step.notes;
        notes.iter().rfind(|note| decides(&note.event)).map(|note| Place::from(note.at))
    }

    /// Counts the events such as this that the last step noted.
    pub(super) fn noted_last(&self, decides: impl Fn(&Event) -> bool) -> usize {
        let last = self.moments.last().map_or(&[][..], |moment| &moment.step.notes);
        last.iter().filter(|note| decides(&note.event)).count()
    }

    /// Draws the story, and points at one of its steps.
    pub(super) fn draw(&self, here: Option<usize>) -> Diagram {
        let all: Vec<usize> = (0..self.moments.len()).collect();
        self.draw_steps(here, &all)
    }

    /// Returns the last step in which something was decided at this line.
    pub(super) fn last_at(&self, line: Option<&Place>) -> Option<usize> {
        self.moments.iter().rposition(|moment| {
            let mut places = moment.step.notes.iter().map(|note| Place::from(note.at));
            places.any(|place| Some(&place) == line)
        })
    }

    /// Draws only these steps, and points at one of them.
    pub(super) fn draw_steps(&self, here: Option<usize>, steps: &[usize]) -> Diagram {
        let moments = steps.iter().filter_map(|&at| self.moments.get(at));
        let moments: Vec<_> =
            moments.map(|moment| (&moment.step, moment.said.as_slice())).collect();
        let here = here.and_then(|here| steps.iter().position(|&at| at == here));
        picture::draw(self.setup.nodes.len(), &moments, here)
    }
}

/// Returns a trace as the harness keeps stories.
pub(super) fn to_tell(trace: &Trace) -> told::ToldStory {
    told::ToldStory { text: trace.text(), trace: trace.to_json_lines(), page: page(trace) }
}

fn page(trace: &Trace) -> String {
    trace.page(None).expect("a page that opens on its own step has it")
}

#[cfg(test)]
mod tests;
