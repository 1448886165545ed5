//! Shrinking: the few inputs of a failing run that are enough to fail the same way.
//!
//! ```text
//!   8,000 inputs --cut after the violation--> 5,120 --elections by name, clocks away--> 640
//!                --whole kinds and nodes away--> 90 --ddmin--> 9
//! ```
//!
//! A list of inputs names messages by what they say, so that it keeps its meaning when others are
//! taken out. While searching, a message that nobody sent stands for the oldest of its kind between
//! the same two nodes, if there is one: with an election less, every later message is of an earlier
//! term. What comes out names exactly what is under way, and every input does something.
//!
//! A shorter run counts only if it fails the SAME way. What that means, the caller says by a key,
//! usually the rule that broke and the function that decided; a run that breaks the same rule by
//! another mistake would explain the wrong line.

use crate::cluster::{Cluster, Setup};
use crate::input::{Input, Step};
use crate::invariant::{Rule, Violation};
use crate::sim;
use raft::{Body, Message, NodeId, Note, RoleName};

/// How a list of inputs ended: with a broken rule.
#[derive(Debug)]
pub struct Ending<'a> {
    /// What broke.
    pub violation: &'a Violation,
    /// Every step up to there, with its notes; without those of the calm that follows a run, where it
    /// was liveness that broke.
    pub steps: &'a [Step],
}

impl Ending<'_> {
    /// Returns the note that tells which line decided: of the step that broke the rule, the last one
    /// that the rule is about. Nobody decides that nothing happens, so liveness has none.
    pub fn deciding(&self) -> Option<&Note> {
        if self.violation.rule == Rule::Liveness {
            return None;
        }
        let last = self.steps.last()?;
        let about = |note: &&Note| is_about(self.violation.rule, note);
        last.notes.iter().rev().find(about).or(last.notes.last())
    }
}

/// Returns whether a rule is broken by what this note notes.
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
        Rule::StateMachineSafety => commits,
        Rule::LeaderAppendOnly | Rule::LogMatching => writes,
        Rule::AckMatches => acknowledges,
        Rule::AppliedInOrder | Rule::Liveness => false,
    }
}

/// What shrinking came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shrunk {
    /// The inputs that are left.
    pub inputs: Vec<Input>,
    /// What they break.
    pub violation: Violation,
    /// How many inputs there were.
    pub from: usize,
    /// How many lists were tried.
    pub tries: usize,
}

/// What a list of inputs came to.
struct Replayed {
    violation: Violation,
    steps: Vec<Step>,
}

/// Applies inputs to a new cluster until a rule breaks, then heals it if none did and `calm` asks for
/// it.
fn replay(setup: &Setup, inputs: &[Input], calm: Calm) -> Option<Replayed> {
    let mut cluster = Cluster::new(setup.clone()).listening();
    let mut steps = Vec::with_capacity(inputs.len());
    for input in inputs {
        let mut step = cluster.apply(&meant(input, &cluster));
        let violation = step.violation.take();
        steps.push(step);
        if let Some(violation) = violation {
            return Some(Replayed { violation, steps });
        }
    }
    match calm {
        Calm::Unwanted => None,
        Calm::Follows => {
            let (violation, _) = sim::heal(&mut cluster).err()?;
            Some(Replayed { violation, steps })
        }
    }
}

/// Returns what an input means when inputs before it are gone: the same, or, where nothing under way
/// says just this, the oldest message of the same kind between the same two. (Without an election in
/// the past, every later message is of an earlier term.)
fn meant(input: &Input, cluster: &Cluster) -> Input {
    let flights = cluster.network().flights();
    let like = |message: &Message| {
        let same = |other: &Message| {
            (other.from, other.to) == (message.from, message.to) && sounds_like(other, message)
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
        Input::Ready(_) | Input::Apply(_) => input.clone(),
    }
}

/// Returns whether two messages say the same but for terms and places.
fn sounds_like(one: &Message, other: &Message) -> bool {
    let granted = |message: &Message| matches!(message.body, Body::VoteReply { granted: true });
    one.body.kind() == other.body.kind() && granted(one) == granted(other)
}

/// Whether everything heals after the last input, and a leader must be found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Calm {
    Unwanted,
    Follows,
}

/// Returns the fewest inputs found, in at most `tries_max` tries, that end with the same key; nothing
/// if the given ones end without a broken rule. Where liveness broke, the inputs are those of the
/// time of trouble: the calm follows by itself.
pub fn shrink<K: PartialEq>(
    setup: &Setup,
    inputs: &[Input],
    tries_max: usize,
    key: impl Fn(&Ending<'_>) -> K,
) -> Option<Shrunk> {
    let (calm, first) = match replay(setup, inputs, Calm::Unwanted) {
        Some(first) => (Calm::Unwanted, first),
        None => (Calm::Follows, replay(setup, inputs, Calm::Follows)?),
    };
    let wanted = key(&Ending { violation: &first.violation, steps: &first.steps });
    let fails = |inputs: &[Input]| {
        let found = replay(setup, inputs, calm)?;
        let same = key(&Ending { violation: &found.violation, steps: &found.steps }) == wanted;
        same.then_some(found)
    };
    let mut search = Search { fails, best: Vec::new(), found: first, tries: 1, tries_max };
    search.best = search.found.steps.iter().map(|step| step.input.clone()).collect();
    search.name_elections();
    search.drop_kinds();
    search.drop_nodes(setup);
    search.drop_chunks();
    search.drop_idle();
    search.deliver_once();
    let Search { best, found, tries, .. } = search;
    Some(Shrunk { inputs: best, violation: found.violation, from: inputs.len(), tries })
}

/// The shortest list so far, and the means to find a shorter one.
struct Search<F> {
    fails: F,
    best: Vec<Input>,
    /// What the shortest list came to.
    found: Replayed,
    tries: usize,
    tries_max: usize,
}

impl<F: Fn(&[Input]) -> Option<Replayed>> Search<F> {
    /// Takes these inputs if they fail the same way. What comes after the violation goes.
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

    /// Keeps the inputs that `keep` wants, if the rest still fails.
    fn keep(&mut self, keep: impl Fn(&Input) -> bool) -> bool {
        let rest: Vec<_> = self.best.iter().filter(|input| keep(input)).cloned().collect();
        rest.len() < self.best.len() && self.accept(&rest)
    }

    /// Says outright which node campaigns when, instead of letting clocks run until it does; without
    /// clocks there is much less to say.
    fn name_elections(&mut self) {
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
                Input::Propose { .. } | Input::Ready(_) | Input::Apply(_) => step.input.clone(),
            }
        };
        let named: Vec<_> = self.found.steps.iter().map(named).collect();
        let still = |input: &Input| !matches!(input, Input::Tick(_));
        let without: Vec<_> = named.iter().filter(|input| still(input)).cloned().collect();
        if !self.accept(&without) {
            self.accept(&named);
        }
    }

    /// Takes out everything of one kind at once.
    fn drop_kinds(&mut self) {
        self.keep(|input| !matches!(input, Input::Tick(_)));
        self.keep(|input| !matches!(input, Input::Drop(_)));
        self.keep(|input| !matches!(input, Input::Crash(_) | Input::Restart(_)));
        let links = |input: &Input| {
            matches!(input, Input::Partition(_) | Input::Heal)
                || matches!(input, Input::Cut { .. } | Input::Mend { .. })
        };
        self.keep(|input| !links(input));
        let beat = |input: &Input| match input {
            Input::Deliver(message) | Input::Duplicate(message) => {
                matches!(message.body.kind(), "Heartbeat" | "HeartbeatReply")
            }
            Input::Tick(_) | Input::Campaign(_) | Input::Drop(_) | Input::Post(_) => false,
            Input::Persist(_) | Input::Crash(_) | Input::Restart(_) | Input::Heal => false,
            Input::Cut { .. } | Input::Mend { .. } | Input::Partition(_) => false,
            Input::PinLimit { .. } | Input::FailRead { .. } | Input::Propose { .. } => false,
            Input::Ready(_) | Input::Apply(_) => false,
        };
        self.keep(|input| !beat(input));
    }

    /// Takes out everything that happens to one node.
    fn drop_nodes(&mut self, setup: &Setup) {
        for (config, _) in &setup.nodes {
            self.keep(|input| receiver(input) != Some(config.id));
        }
    }

    /// Takes out one stretch after the other, shorter and shorter ones (Zeller's ddmin, complements
    /// only).
    fn drop_chunks(&mut self) {
        let mut chunk = self.best.len().div_ceil(2);
        while chunk > 0 && self.tries < self.tries_max {
            let mut end = self.best.len();
            let mut shorter = false;
            // From the end: what is late rarely made what is early.
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

    /// Lets a message arrive for good where it need not arrive again.
    fn deliver_once(&mut self) {
        for at in 0..self.best.len() {
            if let Some(Input::Duplicate(message)) = self.best.get(at).cloned() {
                let mut once = self.best.clone();
                once[at] = Input::Deliver(message);
                self.accept(&once);
            }
        }
    }

    /// Takes out what did nothing.
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

/// Returns the node that something happens to.
fn receiver(input: &Input) -> Option<NodeId> {
    match input {
        Input::Tick(id) | Input::Campaign(id) | Input::Persist(id) => Some(*id),
        Input::Crash(id) | Input::Restart(id) | Input::PinLimit { node: id, .. } => Some(*id),
        Input::Propose { node: id, .. } | Input::FailRead { node: id, .. } => Some(*id),
        Input::Ready(id) | Input::Apply(id) => Some(*id),
        Input::Deliver(message) | Input::Drop(message) => Some(message.to),
        Input::Duplicate(message) | Input::Post(message) => Some(message.to),
        Input::Cut { .. } | Input::Mend { .. } | Input::Partition(_) | Input::Heal => None,
    }
}
