//! A run that broke a rule, and how a card explains it.
//!
//! ```text
//!   8,000 events --shrink--> 9 events --play again--> story, deciding line, trace
//! ```
//!
//! A shorter run is taken only if it breaks the same rule in the same function: another mistake would
//! explain the wrong line.

use super::stage::Stage;
use crate::{Failure, Place, Rule, told};
use raft::{Event, NodeId, Note};
use std::cell::RefCell;
use std::collections::BTreeMap;
use testbed::decision::{self, Wrong};
use testbed::shrink::{self, Ending};
use testbed::sim::{self, Run};
use testbed::trace::Recorder;
use testbed::{Input, Setup, Step, Violation, cause};

/// How many shorter runs are tried.
const TRIES_MAX: usize = 600;

/// How many steps of a run a card shows.
const STEPS_SHOWN: usize = 12;

/// A run that broke a rule.
pub(super) struct Broken {
    /// The cluster it began with.
    pub(super) setup: Setup,
    /// Everything that happened.
    pub(super) inputs: Vec<Input>,
    /// What broke.
    pub(super) violation: Violation,
    /// The number it was drawn from, if it was.
    pub(super) seed: Option<u64>,
}

impl Broken {
    /// Returns the shortest run found that breaks the same rule in the same function.
    pub(super) fn shrink(self) -> Self {
        let functions = Functions::default();
        let key = |ending: &Ending<'_>| {
            (ending.violation.rule, ending.deciding().and_then(|note| functions.of(note)))
        };
        match shrink::shrink(&self.setup, &self.inputs, TRIES_MAX, key) {
            Some(shrunk) => Broken { inputs: shrunk.inputs, violation: shrunk.violation, ..self },
            None => self,
        }
    }

    /// Plays the run again, and explains it: the first wrong decision, what led to the broken rule, and
    /// what those who broke it are now.
    pub(super) fn failure(&self) -> Failure {
        let stage = self.play();
        let Violation { rule, who, text, .. } = &self.violation;
        let steps = stage.steps();
        let ending = Ending { violation: &self.violation, steps: &steps };
        let inputs: Vec<Input> = steps.iter().map(|step| step.input.clone()).collect();
        let wrong = decision::first_wrong(&self.setup, &inputs);
        let decided = wrong.as_ref().and_then(|(_, wrong)| wrong.at);
        let decided = decided.or(ending.deciding().map(|note| note.at));
        let place = decided.map(Place::from);
        let here = wrong.as_ref().map(|(at, _)| *at);
        let shown = self.steps_shown(&steps, here);
        let failure = Failure::of(&self::rule(*rule)).because(text.clone());
        let failure = failure.expected(expected(&self.violation)).got(standing(&stage, who));
        let failure = match &wrong {
            Some((at, wrong)) => failure.detail(first_wrong(*at, wrong, &steps)),
            None => failure,
        };
        let failure = stage.draw_steps_on(failure, here, &shown);
        match place {
            Some(place) => failure.your_line(place),
            None => failure,
        }
    }

    /// Chooses the steps that a card shows: all of a short run, and of a long one those that led to the
    /// broken rule. What does not happen, nothing led to.
    fn steps_shown(&self, steps: &[Step], first_wrong: Option<usize>) -> Vec<usize> {
        if steps.len() <= STEPS_SHOWN || self.violation.rule == testbed::Rule::Liveness {
            return (0..steps.len()).collect();
        }
        let causes = cause::slice(steps, &self.violation, STEPS_SHOWN);
        let is_quiet_tick =
            |step: &Step| matches!(step.input, Input::Tick(_)) && step.notes.is_empty();
        let is_shown = |&at: &usize| {
            causes.contains(&at) || Some(at) == first_wrong || is_quiet_tick(&steps[at])
        };
        (0..steps.len()).filter(is_shown).collect()
    }

    /// Plays the run again. Where nothing happened that should have, everything heals after it.
    fn play(&self) -> Stage {
        let mut stage = Stage::of(self.setup.clone());
        if let Some(seed) = self.seed {
            stage = stage.of_seed(seed);
        }
        self.inputs.iter().for_each(|input| stage.apply(input.clone()));
        if self.violation.rule == testbed::Rule::Liveness
            && let Err((_, calm)) = sim::heal(&mut stage.cluster().clone())
        {
            calm.into_iter().for_each(|input| stage.apply(input));
        }
        stage
    }
}

/// Says where the run went wrong first.
fn first_wrong(at: usize, wrong: &Wrong, steps: &[Step]) -> String {
    let (event, of) = (at + 1, steps.len());
    let section = wrong.mistake.section();
    format!("first wrong decision, event {event} of {of}: {}   {section}", wrong.text)
}

/// Tells a whole run, if somebody listens.
pub(super) fn tell(run: &Run) {
    told::tell(None, || {
        let seed = run.plan.seed;
        let recorder = Recorder::run(run.setup(), &run.inputs).of_seed(seed);
        recorder.titled(format!("seed {seed}"), run.coverage.to_string()).trace()
    });
}

/// Returns a rule of the test bed as cards know rules.
pub(super) fn rule(rule: testbed::Rule) -> Rule {
    Rule { id: rule.id(), title: rule.title(), paper: rule.section(), so_what: rule.so_what() }
}

/// Says what a correct node does.
fn expected(violation: &Violation) -> String {
    let who = |at: usize| violation.who.get(at).map_or_else(|| "it".to_owned(), NodeId::to_string);
    let term = violation.term.map_or_else(|| "a term".to_owned(), |term| format!("term {term}"));
    match violation.rule {
        testbed::Rule::TermMonotone => format!("{} is in the latest term it was ever in", who(0)),
        testbed::Rule::PersistBeforeSend => format!("{} writes first, and then speaks", who(0)),
        testbed::Rule::VoteOncePerTerm => format!("{} votes for one node in {term}", who(0)),
        testbed::Rule::LeaderHasQuorum => format!("{} does not lead {term}", who(0)),
        testbed::Rule::ElectionSafety => format!("one leader in {term}"),
        testbed::Rule::Liveness => "one leader, followed by all".to_owned(),
        testbed::Rule::CommitMonotone
        | testbed::Rule::CommitWithinLog
        | testbed::Rule::LeaderAppendOnly
        | testbed::Rule::LogMatching
        | testbed::Rule::AckMatches
        | testbed::Rule::CommitOnQuorum
        | testbed::Rule::AppliedInOrder
        | testbed::Rule::StateMachineSafety
        | testbed::Rule::LeaderCompleteness => "logs that only grow, and agree".to_owned(),
    }
}

/// Says what those who broke a rule are now.
fn standing(stage: &Stage, who: &[NodeId]) -> String {
    let say = |&id: &NodeId| format!("{id} {} ({})", stage.standing(id), stage.memory(id));
    who.iter().take(3).map(say).collect::<Vec<_>>().join("; ")
}

/// Which function a line lies in, each looked up once.
#[derive(Default)]
struct Functions(RefCell<BTreeMap<Place, Option<String>>>);

impl Functions {
    fn of(&self, note: &Note) -> Option<String> {
        let Note { event, at } = note;
        if let Event::Sent { .. } = event {
            return None;
        }
        let place = Place::from(*at);
        let mut known = self.0.borrow_mut();
        known.entry(place).or_insert_with_key(Place::function).clone()
    }
}
