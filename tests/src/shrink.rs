//! Shrinking: finds few inputs of a failing run that still fail in the same way.
//!
//! ```text
//!   8,000 inputs --cut after the violation--> 5,120 --campaigns instead of ticks--> 640
//!                --remove whole kinds and nodes--> 90 --ddmin--> 9
//! ```
//!
//! Inputs name messages by their contents, so a list keeps its meaning when some inputs are removed.
//! During the search a message that is not in flight means the oldest message of its kind between
//! the same two nodes. For without one of the elections, all later messages have a lower term. The result
//! names only messages that are really in flight, and each of its inputs has an effect.
//!
//! A shorter run is accepted only if it fails in the SAME way. The caller defines this by a key, usually
//! the broken rule and the function that decided. A run that breaks the same rule by another mistake
//! would explain the wrong line.

use crate::cluster::{Cluster, Setup};
use crate::input::{Input, Step};
use crate::invariant::{Rule, Violation};
use crate::property::Verdict;
use crate::run::Run;
use crate::sim;
use raft::{Body, Message, NodeId, Note, RoleName};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A run that broke a rule.
#[derive(Debug)]
pub struct FailingRun<'a> {
    /// The broken rule.
    pub violation: &'a Violation,
    /// Every step up to there, with its notes. If it is about what must happen in the end, the steps of the healing phase are not
    /// included.
    pub steps: &'a [Step],
}

impl FailingRun<'_> {
    /// Returns the note with the line that decided: in the step that broke the rule, the last note that the
    /// rule is about. `None` for what must happen in the end, because no line decides that nothing happens.
    pub fn deciding(&self) -> Option<&Note> {
        if matches!(self.violation.rule, Rule::Liveness | Rule::AppliedByAll) {
            return None;
        }
        let last = self.steps.last()?;
        let about = |note: &&Note| is_about(self.violation.rule, note);
        last.notes.iter().rev().find(about).or(last.notes.last())
    }
}

/// Returns whether a rule is about the event of a note.
fn is_about(rule: Rule, note: &Note) -> bool {
    use raft::Event;
    let votes =
        matches!(note.event, Event::VoteGranted { .. } | Event::VoteChanged { to: Some(_), .. });
    let acknowledges = matches!(note.event, Event::Sent { kind: "AppendReply", .. });
    let commits = matches!(note.event, Event::CommitAdvanced { .. });
    let writes = matches!(note.event, Event::LogTruncated { .. } | Event::EntriesAppended { .. });
    match rule {
        Rule::VoteOncePerTerm => votes,
        Rule::PersistBeforeSend => votes || acknowledges,
        Rule::LeaderHasQuorum | Rule::ElectionSafety | Rule::LeaderCompleteness => {
            matches!(note.event, Event::RoleChangeAsked { next: RoleName::Leader })
        }
        Rule::TermMonotone => matches!(note.event, Event::TermEntered { .. }),
        Rule::CommitMonotone | Rule::CommitWithinLog | Rule::CommitOnQuorum => commits,
        Rule::CommitInTwoGroups | Rule::StateMachineSafety => commits,
        Rule::LeaderAppendOnly | Rule::LogMatching => writes,
        Rule::AckMatches => acknowledges,
        Rule::LinearizableRead => matches!(note.event, Event::ReadRoundConfirmed { .. }),
        Rule::AppliedInOrder | Rule::ReadEndsOnce | Rule::Liveness | Rule::AppliedByAll => false,
    }
}

/// The result of shrinking.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shrunk {
    /// The remaining inputs.
    pub inputs: Vec<Input>,
    /// The rule that they break.
    pub violation: Violation,
    /// The number of inputs before.
    pub from: usize,
    /// The number of lists that were tried.
    pub tries: usize,
}

/// A list of inputs that fails: why, and every step until then.
struct Replayed<W> {
    why: W,
    steps: Vec<Step>,
}

/// Applies inputs to a new cluster until a rule breaks. If none breaks, it runs the healing phase if `healing`
/// says so.
fn replay(setup: &Setup, inputs: &[Input], healing: Healing) -> Option<Replayed<Violation>> {
    let mut cluster = Cluster::new(setup.clone()).listening();
    let mut steps = Vec::with_capacity(inputs.len());
    for input in inputs {
        let mut step = cluster.apply(&resolved(input, &cluster));
        let violation = step.violation.take();
        steps.push(step);
        if let Some(violation) = violation {
            return Some(Replayed { why: violation, steps });
        }
    }
    match healing {
        Healing::No => None,
        Healing::Yes => {
            let (violation, _) = sim::heal(&mut cluster).err()?;
            Some(Replayed { why: violation, steps })
        }
    }
}

/// Returns what an input means after earlier inputs were removed. If its message is not in flight, the
/// oldest message of the same kind between the same two nodes takes its place. (Without one of the
/// elections, all later messages have a lower term.)
pub(crate) fn resolved(input: &Input, cluster: &Cluster) -> Input {
    let flights = cluster.network().flights();
    let like = |message: &Message| {
        let same = |other: &Message| {
            (other.from, other.to) == (message.from, message.to) && is_similar(other, message)
        };
        let exact = flights.iter().any(|flight| flight.message == *message);
        let near = flights.iter().map(|flight| &flight.message).find(|other| same(other));
        near.filter(|_| !exact).unwrap_or(message).clone()
    };
    match input {
        Input::Deliver(message) => Input::Deliver(like(message)),
        Input::Duplicate(message) => Input::Duplicate(like(message)),
        Input::Drop(message) => Input::Drop(like(message)),
        Input::Tick(_) | Input::Campaign(_) | Input::Post(_) | Input::Persist(_) => input.clone(),
        Input::Crash(_) | Input::Restart(_) | Input::Heal => input.clone(),
        Input::Cut { .. } | Input::Mend { .. } | Input::Partition(_) => input.clone(),
        Input::PinLimit { .. } | Input::FailRead { .. } | Input::Propose { .. } => input.clone(),
        Input::Ready(_) | Input::Apply(_) | Input::Read { .. } => input.clone(),
        Input::Ask { .. } => input.clone(),
    }
}

/// Returns whether two messages differ only in terms and indexes.
fn is_similar(one: &Message, other: &Message) -> bool {
    let granted = |message: &Message| matches!(message.body, Body::VoteReply { granted: true, .. });
    one.body.kind() == other.body.kind() && granted(one) == granted(other)
}

/// Whether the healing phase follows after the last input.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Healing {
    No,
    Yes,
}

/// Returns the shortest list of inputs with the same key that is found in at most `tries_max` tries. `None`
/// if the given inputs break no rule. If liveness broke, pass only the inputs of the fault phase: the
/// healing phase follows by itself.
pub fn shrink<K: PartialEq>(
    setup: &Setup,
    inputs: &[Input],
    tries_max: usize,
    key: impl Fn(&FailingRun<'_>) -> K,
) -> Option<Shrunk> {
    let from = inputs.len();
    let (healing, first) = match replay(setup, inputs, Healing::No) {
        Some(first) => (Healing::No, first),
        None => (Healing::Yes, replay(setup, inputs, Healing::Yes)?),
    };
    let wanted = key(&FailingRun { violation: &first.why, steps: &first.steps });
    let fails = |inputs: &[Input]| {
        let found = replay(setup, inputs, healing)?;
        let same = key(&FailingRun { violation: &found.why, steps: &found.steps }) == wanted;
        same.then_some(found)
    };
    let found = Search::run(setup, first, tries_max, fails);
    let (inputs, violation) = (found.best, found.found.why);
    Some(Shrunk { inputs, violation, from, tries: found.tries })
}

/// Returns few inputs that break a property, found in at most `tries_max` tries. `None` if the given inputs
/// break it no more.
pub(crate) fn shrink_property(
    setup: &Setup,
    inputs: &[Input],
    tries_max: usize,
    property: fn(&Run) -> Verdict,
) -> Option<Vec<Input>> {
    let fails = |inputs: &[Input]| {
        let (mut cluster, mut run) =
            (Cluster::new(setup.clone()).listening(), Run::new(setup.clone()));
        let mut steps = Vec::with_capacity(inputs.len());
        // What a panic ends is judged up to there.
        let _panic = catch_unwind(AssertUnwindSafe(|| {
            for input in inputs {
                let step = cluster.apply(&resolved(input, &cluster));
                run.record(&step, &cluster);
                steps.push(step);
            }
        }));
        let Verdict::Broken { at, .. } = property(&run) else { return None };
        steps.truncate(usize::try_from(at).unwrap_or(usize::MAX));
        Some(Replayed { why: (), steps })
    };
    let first = fails(inputs)?;
    Some(Search::run(setup, first, tries_max, fails).best)
}

/// The search: the shortest list so far, and how to test another one.
struct Search<W, F> {
    fails: F,
    best: Vec<Input>,
    /// The result of the shortest list.
    found: Replayed<W>,
    tries: usize,
    tries_max: usize,
}

impl<W, F: Fn(&[Input]) -> Option<Replayed<W>>> Search<W, F> {
    /// Searches, beginning with a list that fails.
    fn run(setup: &Setup, first: Replayed<W>, tries_max: usize, fails: F) -> Self {
        let best = first.steps.iter().map(|step| step.input.clone()).collect();
        let mut search = Search { fails, best, found: first, tries: 1, tries_max };
        search.replace_ticks();
        search.drop_kinds();
        search.drop_nodes(setup);
        search.keep_last((4..20).map(|power| 1 << power));
        search.drop_chunks();
        if search.keep_last(1..) {
            search.drop_chunks();
        }
        search.drop_idle();
        search.deliver_once();
        search
    }

    /// Accepts these inputs if they fail in the same way. Inputs after the violation are removed.
    fn accept(&mut self, inputs: &[Input]) -> bool {
        if self.tries >= self.tries_max {
            return false;
        }
        self.tries += 1;
        let Some(found) = (self.fails)(inputs) else { return false };
        self.best = found.steps.iter().map(|step| step.input.clone()).collect();
        self.found = found;
        true
    }

    /// Keeps only the inputs for which `keep` returns true, if they still fail.
    fn keep(&mut self, keep: impl Fn(&Input) -> bool) -> bool {
        let rest: Vec<_> = self.best.iter().filter(|input| keep(input)).cloned().collect();
        rest.len() < self.best.len() && self.accept(&rest)
    }

    /// Replaces the tick that starts an election by a campaign, and removes all other ticks.
    fn replace_ticks(&mut self) {
        let named = |step: &Step| {
            let campaigns = |note: &Note| {
                matches!(note.event, raft::Event::RoleEntered { to: RoleName::Candidate, .. })
            };
            match step.input {
                Input::Tick(id) if step.notes.iter().any(campaigns) => Input::Campaign(id),
                Input::Tick(_) | Input::Campaign(_) | Input::Deliver(_) => step.input.clone(),
                Input::Drop(_) | Input::Duplicate(_) | Input::Post(_) => step.input.clone(),
                Input::Persist(_) | Input::Crash(_) | Input::Restart(_) => step.input.clone(),
                Input::Cut { .. } | Input::Mend { .. } | Input::Partition(_) => step.input.clone(),
                Input::Heal | Input::PinLimit { .. } | Input::FailRead { .. } => step.input.clone(),
                Input::Propose { .. } | Input::Read { .. } => step.input.clone(),
                Input::Ready(_) | Input::Apply(_) | Input::Ask { .. } => step.input.clone(),
            }
        };
        let named: Vec<_> = self.found.steps.iter().map(named).collect();
        let still = |input: &Input| !matches!(input, Input::Tick(_));
        let without: Vec<_> = named.iter().filter(|input| still(input)).cloned().collect();
        if !self.accept(&without) {
            self.accept(&named);
        }
    }

    /// Removes all inputs of one kind at once.
    fn drop_kinds(&mut self) {
        self.keep(|input| !matches!(input, Input::Tick(_)));
        self.keep(|input| !matches!(input, Input::Drop(_)));
        self.keep(|input| !matches!(input, Input::Crash(_) | Input::Restart(_)));
        let links = |input: &Input| {
            matches!(input, Input::Partition(_) | Input::Heal)
                || matches!(input, Input::Cut { .. } | Input::Mend { .. })
        };
        self.keep(|input| !links(input));
        self.keep(|input| !matches!(input, Input::Propose { .. }));
        self.keep(|input| !matches!(input, Input::Read { .. }));
        self.keep(|input| !matches!(input, Input::Ask { .. }));
        let is_heartbeat = |input: &Input| match input {
            Input::Deliver(message) | Input::Duplicate(message) => {
                matches!(message.body.kind(), "Heartbeat" | "HeartbeatReply")
            }
            Input::Tick(_) | Input::Campaign(_) | Input::Drop(_) | Input::Post(_) => false,
            Input::Persist(_) | Input::Crash(_) | Input::Restart(_) | Input::Heal => false,
            Input::Cut { .. } | Input::Mend { .. } | Input::Partition(_) => false,
            Input::PinLimit { .. } | Input::FailRead { .. } | Input::Propose { .. } => false,
            Input::Ready(_) | Input::Apply(_) | Input::Read { .. } | Input::Ask { .. } => false,
        };
        self.keep(|input| !is_heartbeat(input));
    }

    /// Removes all inputs of one node at once.
    fn drop_nodes(&mut self, setup: &Setup) {
        for (config, _) in &setup.nodes {
            self.keep(|input| receiver(input) != Some(config.id));
        }
    }

    /// Removes one chunk after the other, with smaller and smaller chunks (Zeller's ddmin, complements
    /// only).
    fn drop_chunks(&mut self) {
        let mut chunk = self.best.len().div_ceil(2);
        while chunk > 0 && self.tries < self.tries_max {
            let mut end = self.best.len();
            let mut shorter = false;
            // From the end, because late inputs are rarely needed by early ones.
            while end > 0 {
                let start = end.saturating_sub(chunk);
                let mut rest = self.best[..start].to_vec();
                rest.extend_from_slice(&self.best[end.min(self.best.len())..]);
                shorter |= self.accept(&rest);
                end = start.min(self.best.len());
            }
            chunk = if chunk > 1 { chunk / 2 } else { usize::from(shorter) };
        }
    }

    /// Keeps only the last inputs: as many as the first of these counts that fails. Two candidates of one term,
    /// say, need each of the many elections before: without one of them, their terms differ. Without all of
    /// them they are equal again.
    fn keep_last(&mut self, counts: impl IntoIterator<Item = usize>) -> bool {
        let all = self.best.clone();
        let mut fewer = counts.into_iter().take_while(|&count| count < all.len());
        fewer.any(|count| self.accept(&all[all.len() - count..]))
    }

    /// Replaces duplications by deliveries if the message need not arrive again.
    fn deliver_once(&mut self) {
        for at in 0..self.best.len() {
            if let Some(Input::Duplicate(message)) = self.best.get(at).cloned() {
                let mut once = self.best.clone();
                once[at] = Input::Deliver(message);
                self.accept(&once);
            }
        }
    }

    /// Removes inputs without an effect.
    fn drop_idle(&mut self) {
        let idle =
            |step: &Step| step.refused.is_some() && step.sent.is_empty() && step.notes.is_empty();
        let steps = self.found.steps.iter();
        let rest: Vec<_> = steps.filter(|step| !idle(step)).map(|s| s.input.clone()).collect();
        if rest.len() < self.best.len() {
            self.accept(&rest);
        }
    }
}

/// Returns the node of an input, if it has one.
fn receiver(input: &Input) -> Option<NodeId> {
    match input {
        Input::Tick(id) | Input::Campaign(id) | Input::Persist(id) => Some(*id),
        Input::Crash(id) | Input::Restart(id) | Input::PinLimit { node: id, .. } => Some(*id),
        Input::Propose { node: id, .. } | Input::FailRead { node: id, .. } => Some(*id),
        Input::Ready(id) | Input::Apply(id) | Input::Read { node: id, .. } => Some(*id),
        Input::Ask { node: id, .. } => Some(*id),
        Input::Deliver(message) | Input::Drop(message) => Some(message.to),
        Input::Duplicate(message) | Input::Post(message) => Some(message.to),
        Input::Cut { .. } | Input::Mend { .. } | Input::Partition(_) | Input::Heal => None,
    }
}
