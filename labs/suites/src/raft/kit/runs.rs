//! A run that broke a rule, and how a card explains it.
//!
//! ```text
//!   8,000 events --shrink--> 9 events --play again--> story, deciding line, trace
//! ```
//!
//! A shorter run is taken only if it breaks the same rule in the same function: another mistake would
//! explain the wrong line.

use super::blame::{self, Blame};
use super::chain::Chain;
use super::stage::Stage;
use super::story;
use super::words::N1;
use crate::raft::rule;
use harness::{Failure, Place, Rule, told};
use raft::{Event, NodeId, Note};
use std::cell::RefCell;
use std::collections::BTreeMap;
use testbed::decision::{self, Mistake, WrongDecision};
use testbed::shrink::{self, FailingRun};
use testbed::sim::{self, Simulation};
use testbed::trace::Recorder;
use testbed::{Input, Setup, Step, Violation, cause};

/// How many shorter runs are tried.
const TRIES_MAX: usize = 600;

/// How many steps of a run a card shows.
const STEPS_SHOWN: usize = 12;

/// A run that broke a rule.
pub(crate) struct Broken {
    /// The cluster it began with.
    pub(crate) setup: Setup,
    /// Everything that happened.
    pub(crate) inputs: Vec<Input>,
    /// What broke.
    pub(crate) violation: Violation,
    /// The number it was drawn from, if it was.
    pub(crate) seed: Option<u64>,
}

impl Broken {
    /// Returns the shortest run found that breaks the same rule in the same function.
    fn shrink(self) -> Self {
        let functions = Functions::default();
        let key = |run: &FailingRun<'_>| {
            (run.violation.rule, run.deciding().and_then(|note| functions.of(note)))
        };
        match shrink::shrink(&self.setup, &self.inputs, TRIES_MAX, key) {
            Some(shrunk) => Broken { inputs: shrunk.inputs, violation: shrunk.violation, ..self },
            None => self,
        }
    }

    /// Shrinks the run and explains it. `faults` says what went wrong around it.
    pub(crate) fn shrunk(self, faults: String) -> Failure {
        let from = self.inputs.len() as u64;
        let shrunk = self.shrink();
        let to = shrunk.inputs.len() as u64;
        shrunk.failure().faults(faults).shrunk(from, to)
    }

    /// Plays the run again, and explains it: the first wrong decision, what led to the broken rule, and
    /// what the nodes that broke it are now.
    pub(crate) fn failure(&self) -> Failure {
        let stage = self.play();
        let steps = stage.steps();
        let failing = FailingRun { violation: &self.violation, steps: &steps };
        let inputs: Vec<Input> = steps.iter().map(|step| step.input.clone()).collect();
        let wrong = decision::first_wrong(&self.setup, &inputs);
        let here = wrong.as_ref().map(|(at, _)| *at);
        let shown = self.steps_shown(&steps, here);
        let failure = Failure::of(&rule_of(self.violation.rule)).because(self.because());
        let failure = failure.expected(expected(&self.violation)).got(self.got(&stage));
        let failure = match &wrong {
            Some((at, wrong)) => {
                let rule = *failure.rule();
                failure.detail(first_wrong(*at, wrong, &steps, &rule))
            }
            None => failure,
        };
        let calm = steps.get(self.inputs.len()..).filter(|_| self.is_about_liveness());
        let chain = calm.map(Chain::of);
        let failure = match &chain {
            Some(chain) => failure.detail(format!("in the calm: {chain}")),
            None => failure,
        };
        let failure = stage.draw_steps_on(failure, here, &shown);
        let blame = match &wrong {
            Some((_, wrong)) => Some(blame_of(wrong)),
            None => match by_rule(self.violation.rule) {
                Some(functions) => Some(Blame::OneOf(functions)),
                None => failing.deciding().map(|note| Blame::Line(Place::from(note.at))),
            },
        };
        match blame.or_else(|| chain.map(|chain| self.blame_for_silence(&stage, &chain))) {
            Some(Blame::Line(place)) => failure.your_line(place),
            Some(Blame::Function(function) | Blame::Decision { function, .. }) => {
                failure.function(function)
            }
            Some(Blame::OneOf(functions)) => failure.one_of(functions),
            None => failure,
        }
    }

    fn is_about_liveness(&self) -> bool {
        self.violation.rule == testbed::Rule::Liveness
    }

    /// Says what broke. What each node believes now is said separately.
    fn because(&self) -> String {
        let text = &self.violation.text;
        match text.split_once(": ").filter(|_| self.is_about_liveness()) {
            Some((since, _)) if since.starts_with("all followed") => {
                let (followed, _) = since.split_once(';').unwrap_or((since, ""));
                format!("{followed}; 5 election timeouts later they do not, and nothing was lost")
            }
            Some((since, _)) => format!("{since}, no leader is followed by all"),
            None => text.clone(),
        }
    }

    /// Says what the nodes that broke the rule did, or are now.
    fn got(&self, stage: &Stage) -> String {
        let Violation { rule, who, term, .. } = &self.violation;
        if let (testbed::Rule::VoteOncePerTerm, [voter, second, first]) = (rule, who.as_slice()) {
            let term = term.map_or_else(String::new, |term| format!(", both in term {term}"));
            return format!("{voter} votes for {first} and for {second}{term}");
        }
        if self.is_about_liveness() {
            return views(stage, who.iter().copied());
        }
        let mut told: Vec<NodeId> = Vec::new();
        who.iter().for_each(|&id| match told.contains(&id) {
            true => {}
            false => told.push(id),
        });
        let say = |&id: &NodeId| {
            format!("{id} {}, its disk: {}", stage.short_standing(id), stage.memory(id))
        };
        told.iter().take(3).map(say).collect::<Vec<_>>().join("; ")
    }

    /// Says where to look when no decision was wrong, and no leader is followed by all.
    fn blame_for_silence(&self, stage: &Stage, chain: &Chain) -> Blame {
        let leaders = stage.cluster().leaders();
        match leaders.iter().min_by_key(|(_, term)| *term) {
            Some(&(outdated, _)) if leaders.len() > 1 => blame::not_deposed(stage, outdated),
            Some(_) | None => Blame::Function(chain.breaks_at()),
        }
    }

    /// Chooses the steps that a card shows: all steps of a short run, and of a long run those that led to
    /// the broken rule. If something failed to happen, no step led to it.
    fn steps_shown(&self, steps: &[Step], first_wrong: Option<usize>) -> Vec<usize> {
        if steps.len() <= STEPS_SHOWN || self.is_about_liveness() {
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
        if self.is_about_liveness()
            && let Err((_, calm)) = sim::heal(&mut stage.cluster().clone())
        {
            calm.into_iter().for_each(|input| stage.apply(input));
        }
        stage
    }
}

/// Says where the run went wrong first.
fn first_wrong(at: usize, wrong: &WrongDecision, steps: &[Step], rule: &Rule) -> String {
    let (event, of) = (at + 1, steps.len());
    let section = Some(wrong.mistake.section()).filter(|section| *section != rule.paper);
    let section = section.map_or_else(String::new, |section| format!("   {section}"));
    format!("first wrong decision, event {event} of {of}: {}{section}", wrong.text)
}

/// Reports a whole run, if a listener wants it.
pub(crate) fn tell(run: &Simulation) {
    told::tell(None, || {
        let seed = run.plan.seed;
        let recorder = Recorder::run(run.setup(), &run.inputs).of_seed(seed);
        story::to_tell(&recorder.titled(format!("seed {seed}"), run.coverage.to_string()).trace())
    });
}

/// Returns a rule of the test bed as cards know rules.
pub(crate) fn rule_of(rule: testbed::Rule) -> Rule {
    Rule { id: rule.id(), title: rule.title(), paper: rule.section(), so_what: rule.so_what() }
}

/// Says what a correct node does.
fn expected(violation: &Violation) -> String {
    let who = |at: usize| violation.who.get(at).map_or_else(|| "it".to_owned(), NodeId::to_string);
    let term = violation.term.map_or_else(|| "a term".to_owned(), |term| format!("term {term}"));
    match violation.rule {
        testbed::Rule::TermMonotone => format!("{} is in the latest term it was ever in", who(0)),
        testbed::Rule::PersistBeforeSend => format!("{} writes first, and then sends", who(0)),
        testbed::Rule::VoteOncePerTerm => format!("{} votes for one node in {term}", who(0)),
        testbed::Rule::LeaderHasQuorum => format!("{} does not lead {term}", who(0)),
        testbed::Rule::ElectionSafety => format!("one leader in {term}"),
        testbed::Rule::Liveness => "one leader, followed by all to the end".to_owned(),
        testbed::Rule::AppliedByAll => "the same last entry, applied by all".to_owned(),
        testbed::Rule::CommitMonotone => format!("{} never knows less than before", who(0)),
        testbed::Rule::CommitWithinLog => "a commit index within the log".to_owned(),
        testbed::Rule::LeaderAppendOnly => format!("{} adds to its log, and no more", who(0)),
        testbed::Rule::LogMatching => "the same entries before the same entry".to_owned(),
        testbed::Rule::AckMatches => format!("{} says how far the two logs agree", who(0)),
        testbed::Rule::CommitOnQuorum => "on more than half of the disks first".to_owned(),
        testbed::Rule::CommitInTwoGroups => "in two commit groups first".to_owned(),
        testbed::Rule::StateMachineSafety => "the entry that was committed there".to_owned(),
        testbed::Rule::LeaderCompleteness => format!("{} does not lead {term}", who(0)),
        testbed::Rule::AppliedInOrder => "the next committed entry".to_owned(),
        testbed::Rule::LinearizableRead => "an index that was committed when it began".to_owned(),
        testbed::Rule::ReadEndsOnce => "one end for each read".to_owned(),
    }
}

/// Says what nodes are, and which leader they follow.
pub(crate) fn views(stage: &Stage, who: impl Iterator<Item = NodeId>) -> String {
    who.map(|id| stage.view(id)).collect::<Vec<_>>().join("; ")
}

/// Says where a wrong decision was made: its line. If one function decides and another acts on it: the
/// function that decides.
fn blame_of(wrong: &WrongDecision) -> Blame {
    let line_or = |function| Blame::line_or(wrong.at.map(Place::from), function);
    match wrong.mistake {
        Mistake::MissesTerm => Blame::Function("Raft::update_term"),
        Mistake::VotesTwice => Blame::Function("Core::decide_vote"),
        Mistake::VotesForShorterLog => Blame::OneOf(&["Log::is_up_to_date", "Core::decide_vote"]),
        Mistake::IgnoresLeader => Blame::Function("Raft::recognize_leader"),
        Mistake::KeepsOldVote | Mistake::KeepsOldLeader | Mistake::KeepsRole => {
            line_or("Raft::become_follower")
        }
        Mistake::ForgetsVote | Mistake::WaitsForNothing => line_or("Core::on_request_vote"),
        Mistake::CampaignsWithoutOwnVote => line_or("Raft::become_candidate"),
        Mistake::CountsWhatWasNotGiven => {
            Blame::OneOf(&["Core::on_vote_reply", "Raft::update_term"])
        }
        Mistake::LeadsWithoutQuorum => line_or("Core::on_vote_reply"),
        Mistake::SpeaksAsLeader => line_or("Core::tick_heartbeat"),
        Mistake::AsksWithAnotherLog => line_or("Raft::ask_for_votes"),
        Mistake::StampsAnotherTerm => line_or("Core::append_own"),
        Mistake::SendsWhatItHasNot => Blame::Function("Core::send_append"),
        Mistake::TellsTooMuch => line_or("Core::bcast_heartbeat"),
        Mistake::TakesWithoutMatch => {
            Blame::OneOf(&["Log::maybe_append", "Core::on_append", "Log::term"])
        }
        Mistake::RemovesWhatAgrees => Blame::OneOf(TAKEN),
        Mistake::KeepsWhatFollowed => Blame::Function("Log::append"),
        Mistake::CommitsUnchecked => line_or("Core::on_append"),
        Mistake::CountsWhatWasNotSaid => line_or("Core::on_matched"),
        Mistake::CountsOldTerm => line_or("Core::commit_by_counting"),
        Mistake::CountsTooFew => Blame::OneOf(COUNTED),
    }
}

/// Where to look if a follower took entries wrongly.
const TAKEN: &[&str] = &["Log::find_conflict", "Log::maybe_append", "Log::append"];
/// Where to look if a leader committed too much.
const COUNTED: &[&str] =
    &["Majority::committed_index", "Core::commit_by_counting", "Core::on_matched"];

/// Returns where to look if a rule about logs broke and no decision is known to be wrong: the line that
/// noted the last event need not have decided anything. Other rules break where they are noted.
fn by_rule(rule: testbed::Rule) -> Option<&'static [&'static str]> {
    match rule {
        testbed::Rule::LogMatching | testbed::Rule::LeaderAppendOnly => Some(TAKEN),
        testbed::Rule::LeaderCompleteness | testbed::Rule::StateMachineSafety => {
            Some(&["Log::find_conflict", "Log::maybe_append", "Log::is_up_to_date"])
        }
        testbed::Rule::AckMatches => {
            Some(&["Core::on_append", "Log::maybe_append", "Log::find_conflict"])
        }
        testbed::Rule::CommitOnQuorum | testbed::Rule::CommitInTwoGroups => Some(COUNTED),
        testbed::Rule::AppliedByAll => {
            Some(&["RawNode::take_committed", "Applying::hand_out", "RawNode::on_persist_record"])
        }
        testbed::Rule::CommitMonotone
        | testbed::Rule::CommitWithinLog
        | testbed::Rule::AppliedInOrder
        | testbed::Rule::LinearizableRead
        | testbed::Rule::ReadEndsOnce
        | testbed::Rule::TermMonotone
        | testbed::Rule::PersistBeforeSend
        | testbed::Rule::VoteOncePerTerm
        | testbed::Rule::LeaderHasQuorum
        | testbed::Rule::ElectionSafety
        | testbed::Rule::Liveness => None,
    }
}

/// Says that a test showed nothing, because no node led. Shows the simplest election, if that is not won
/// either, or else what happened in a run.
pub(crate) fn uncovered(because: String, run: Option<&Simulation>) -> Failure {
    let failure = Failure::of(rule("coverage")).because(because);
    let mut stage = Stage::new(3);
    stage.campaign(N1);
    stage.settle();
    if !stage.leads(N1) {
        let failure = failure.detail("the simplest election: n1 campaigns, everything arrives:");
        return match blame::not_elected(&stage, N1) {
            Blame::Line(place) => stage.draw_on(failure, Some(&place)).your_line(place),
            Blame::Function(function) => stage.draw_on(failure, None).function(function),
            Blame::Decision { function, acted } => {
                stage.draw_on(failure, Some(&acted)).function(function)
            }
            Blame::OneOf(functions) => stage.draw_on(failure, None).one_of(functions),
        };
    }
    match run.map(|run| Chain::of(&run.replay())) {
        Some(chain) => {
            failure.detail(format!("in the first such run: {chain}")).function(chain.breaks_at())
        }
        None => failure,
    }
}

/// Which function a line is in; each is looked up once.
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
