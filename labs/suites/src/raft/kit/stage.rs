//! A stage: a cluster in which the test plays some of the peers, and everything that happened on it.
//!
//! ```text
//!   stage.hear(ask(N2, N1, 1))   -->  Post, Deliver  -->  Bare  -->  Step, and what n1 sent
//!   stage.votes(N1, N2)          <--  what n1 answered n2, sent already or waiting for its disk
//!   stage.broken(&ONE_VOTE)      -->  a failure that shows the whole story
//! ```
//!
//! Everything is an [`Input`], so a failure leaves a trace that plays it again. Tests look at the
//! messages, the disk and the ticks, and at what every Raft node has: term, vote, role.

pub(super) mod logs; // what can be seen of its logs
mod sight; // what can be seen of it

use super::blame::{self, Blame};
use super::story::{self, Story};
use super::words::{Said, answer};
use harness::{Failure, Place, Rule, told};
use raft::{Event, Message, NodeId, Term};
use std::collections::BTreeMap;
use testbed::{Cluster, Input, Setup, Step};

/// Longer than any wait that the tests ask for, in ticks: a node that has not acted after it never will.
pub(crate) const NEVER: u64 = 400;

/// A cluster, and what happened to it.
pub(crate) struct Stage {
    cluster: Cluster,
    story: Story,
    row: Option<(u64, String)>,
    /// What each node sent: `from` and `to` are in the message.
    said: Vec<Message>,
    /// Each node's term and vote before the last thing happened.
    before: BTreeMap<NodeId, (Term, Option<NodeId>)>,
}

impl Drop for Stage {
    /// Reports the last row. Not after a panic: what panicked once would panic again.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.tell();
        }
    }
}

/// Says a term and a vote: `term 5, vote n2`.
pub(crate) fn remembers(term: u64, vote: Option<NodeId>) -> String {
    format!("term {term}, vote {}", name_or_none(vote))
}

/// Says a node's name, or `none`.
pub(crate) fn name_or_none(id: Option<NodeId>) -> String {
    id.map_or_else(|| "none".to_owned(), |id| id.to_string())
}

// Setting a stage.

impl Stage {
    /// Sets a stage.
    pub(crate) fn of(setup: Setup) -> Self {
        let cluster = Cluster::new(setup.clone()).listening();
        let (story, said, before) = (Story::of(setup), Vec::new(), BTreeMap::new());
        Stage { cluster, story, row: None, said, before }
    }

    /// Sets a stage for n1, n2, ... whose writes are durable at once.
    pub(crate) fn new(size: u64) -> Self {
        Stage::of(Setup::new(size, 0))
    }

    /// Sets a stage on which nothing is durable until [`Stage::persist`]: a candidate asks, and its own
    /// vote is not counted yet.
    pub(crate) fn with_slow_disks(size: u64) -> Self {
        Stage::of(Setup::new(size, 0).with_slow_disks())
    }

    /// Says which number the run on it was drawn from.
    pub(crate) fn of_seed(mut self, seed: u64) -> Self {
        self.story.of_seed(seed);
        self
    }

    /// Says which row of a test this is.
    pub(crate) fn row(mut self, number: u64, title: &str) -> Self {
        self.tell();
        self.row = Some((number, title.to_owned()));
        self
    }
}

// What happens.

impl Stage {
    /// Reports everything so far as a row of a table, if a listener wants it.
    pub(crate) fn tell_as(&self, number: u64, title: &str) {
        told::tell(Some(number), || story::to_tell(&self.story.recorded(title).trace()));
    }

    /// Reports the row that ends here, if a listener wants it.
    fn tell(&self) {
        if let Some((number, title)) = &self.row {
            self.tell_as(*number, title);
        }
    }

    /// Lets one thing happen.
    pub(crate) fn apply(&mut self, input: Input) {
        let promised = |stage: &Stage| -> Vec<Message> {
            let disks = stage.cluster.ids().filter_map(|id| stage.cluster.disk(id));
            let writes = disks.flat_map(|disk| disk.pending());
            writes.flat_map(|write| write.promised.iter().cloned()).collect()
        };
        let before = promised(self);
        let nodes = self.cluster.ids().filter_map(|id| self.cluster.node(id));
        let votes = nodes.map(|node| node.inspect()).map(|node| (node.id, (node.term, node.vote)));
        self.before = votes.collect();
        let functions = blame::leads_to(&input, &self.cluster);
        harness::current::doing_within(story::name(&input), &functions);
        let step = self.cluster.apply(&input);
        let mut fresh = Vec::new();
        if !matches!(input, Input::Post(_)) {
            fresh.extend(step.sent.iter().map(|flight| flight.message.clone()));
        }
        fresh.extend(promised(self));
        // What waited before was sent before.
        for old in before {
            if let Some(at) = fresh.iter().position(|message| *message == old) {
                fresh.remove(at);
            }
        }
        self.said.extend(fresh.iter().cloned());
        self.story.push(step, fresh);
    }

    /// A peer that the test plays sends a message, and it arrives.
    pub(crate) fn hear(&mut self, message: Message) {
        self.apply(Input::Post(message.clone()));
        self.apply(Input::Deliver(message));
    }

    /// Peers that the test plays answer a candidate in `term`.
    pub(crate) fn answers(&mut self, candidate: NodeId, term: u64, voters: &[NodeId], said: Said) {
        voters.iter().for_each(|&voter| self.hear(answer(voter, candidate, term, said)));
    }

    /// A node is told to hold an election.
    pub(crate) fn campaign(&mut self, id: NodeId) {
        self.apply(Input::Campaign(id));
    }

    /// Ticks pass at one node.
    pub(crate) fn ticks(&mut self, id: NodeId, ticks: u64) {
        (0..ticks).for_each(|_| self.apply(Input::Tick(id)));
    }

    /// Everything that waits at a node's disk becomes durable.
    pub(crate) fn persist(&mut self, id: NodeId) {
        while self.cluster.disk(id).is_some_and(|disk| disk.pending().len() > 0) {
            self.apply(Input::Persist(id));
        }
    }

    /// A node loses power and starts again.
    pub(crate) fn restart(&mut self, id: NodeId) {
        self.apply(Input::Crash(id));
        self.apply(Input::Restart(id));
    }

    /// Everything in flight arrives, with what it causes, until all nodes are quiet.
    ///
    /// # Panics
    /// After 10,000 messages.
    pub(crate) fn settle(&mut self) {
        for _ in 0..10_000 {
            let Some(flight) = self.cluster.network().flights().first() else { return };
            self.apply(Input::Deliver(flight.message.clone()));
        }
        panic!("10,000 messages have arrived, and the nodes still send");
    }

    /// One tick passes at every node that is up; all messages arrive before the next node's tick.
    pub(crate) fn round(&mut self) {
        let ids: Vec<NodeId> = self.cluster.ids().collect();
        for id in ids {
            if self.role(id).is_some() {
                self.apply(Input::Tick(id));
                self.settle();
            }
        }
    }

    /// Ticks a node until it asks for votes. Returns how many ticks that took; none if it never does.
    pub(crate) fn ticks_until_it_asks(&mut self, id: NodeId) -> Option<u64> {
        let asked = self.asked(id).len();
        (1..=NEVER).find(|_| {
            self.ticks(id, 1);
            self.asked(id).len() > asked
        })
    }

    /// Forgets what was sent so far: the test looks at what comes after.
    pub(crate) fn forget_words(&mut self) {
        self.said.clear();
    }
}

// What a card needs.

impl Stage {
    /// Returns a failure that shows the story and names the line that decided the last step, or else
    /// `function`.
    pub(crate) fn broken(&self, rule: &Rule, function: &str) -> Failure {
        self.broken_at(self.decided_line(), rule, function)
    }

    /// Returns a failure that shows the story and says where to look.
    pub(crate) fn blamed(&self, rule: &Rule, blame: Blame) -> Failure {
        match blame {
            Blame::Line(place) => self.broken_at(Some(place), rule, ""),
            Blame::Function(function) => self.missing(rule, function),
            Blame::Decision { function, acted } => {
                self.draw_on(self.missing(rule, function), Some(&acted))
            }
            Blame::OneOf(functions) => self.missing(rule, "").one_of(functions),
        }
    }

    /// Returns a failure that shows the story, points at the last event such as this, and names these
    /// functions, the likeliest first: the event shows what was decided, not where.
    pub(crate) fn broken_in(
        &self,
        rule: &Rule,
        functions: &[&str],
        shows: impl Fn(&Event) -> bool,
    ) -> Failure {
        let noted = self.line(shows);
        self.draw_on(self.missing(rule, ""), noted.as_ref()).one_of(functions)
    }

    /// Returns the same with the last line that noted an event such as this.
    pub(crate) fn broken_by(
        &self,
        rule: &Rule,
        function: &str,
        decides: fn(&Event) -> bool,
    ) -> Failure {
        self.broken_at(self.line(decides), rule, function)
    }

    /// Returns a failure that shows the story and names this line, or else `function`.
    pub(crate) fn broken_at(&self, place: Option<Place>, rule: &Rule, function: &str) -> Failure {
        let failure = self.draw_on(Failure::of(rule), place.as_ref());
        let failure = match place {
            Some(place) => failure.your_line(place),
            None => failure.function(function),
        };
        match &self.row {
            Some((number, title)) => failure.row(*number, title),
            None => failure,
        }
    }

    /// Returns a failure that shows the story and names no line: something did not happen, and
    /// `function` is where it should have.
    pub(crate) fn missing(&self, rule: &Rule, function: &str) -> Failure {
        self.broken_at(None, rule, function)
    }

    /// Adds the story to a failure: as a diagram that points at what was decided at `here`, and as a
    /// run.
    pub(crate) fn draw_on(&self, failure: Failure, here: Option<&Place>) -> Failure {
        let found = failure.headline();
        let title = self.row.as_ref().map_or(failure.rule().title, |(_, title)| title);
        let at = self.story.last_at(here);
        let run = self.story.run(title, &found, at, here);
        failure.diagram(self.story.draw(at)).run(run)
    }

    /// Adds only these steps of the story as a diagram that points at one of them, and the whole of it
    /// as a run.
    pub(crate) fn draw_steps_on(
        &self,
        failure: Failure,
        here: Option<usize>,
        steps: &[usize],
    ) -> Failure {
        let run = self.story.run(failure.rule().title, &failure.headline(), here, None);
        failure.diagram(self.story.draw_steps(here, steps)).run(run)
    }

    /// Returns the story.
    #[cfg(test)]
    pub(super) fn story(&self) -> &Story {
        &self.story
    }

    /// Returns every step that was taken.
    pub(crate) fn steps(&self) -> Vec<Step> {
        self.story.steps()
    }

    /// Returns how many steps were taken.
    pub(crate) fn steps_taken(&self) -> usize {
        self.story.len()
    }

    /// Returns the line to read, if events such as these decide.
    pub(crate) fn line(&self, decides: impl Fn(&Event) -> bool) -> Option<Place> {
        self.story.line(decides)
    }

    /// Returns the line that decided the last step.
    pub(crate) fn decided_line(&self) -> Option<Place> {
        self.story.decided_line()
    }

    /// Counts the events such as this that the last step noted.
    pub(crate) fn noted_last(&self, decides: impl Fn(&Event) -> bool) -> usize {
        self.story.noted_last(decides)
    }

    /// Returns the last line of the last step that noted an event such as this.
    pub(crate) fn last_line(&self, decides: impl Fn(&Event) -> bool) -> Option<Place> {
        self.story.last_line(decides)
    }
}
