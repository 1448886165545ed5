//! A node and an owner that keeps the contract: it writes, then sends the promises, then applies.
//!
//! ```text
//!      n2        n1        disk
//!       |-append->|          |
//!       |         |-- w1 --->|     Ready 1: write 1@1       take()
//!       |         |<-- w1 ---|     durable                  persist()
//!       |<- ack --|          |     promises leave
//!       |         |          |     applies 1@1              apply()
//! ```
//!
//! A [`Judge`] checks every Ready. The test plays all other nodes, and lets the power fail. What an owner
//! does is in `driving`, what a card shows of it in `cards`.

mod cards; // what a card shows, and which functions it names
mod driving; // what an owner does

use super::judge::Judge;
pub(super) use crate::Checked;
use crate::raft::kit::{N1, Names, Said, answer, logged};
use harness::{Row, current};
use raft::{
    Config, Entry, EntryId, HardState, Index, MemoryStorage, Message, NodeId, RawNode, Ready, Term,
};
use std::collections::VecDeque;
use std::hash::{Hash, Hasher};

/// A node, its disk, its application, and what happened to them.
#[derive(Clone)]
pub(super) struct Owner {
    config: Config,
    node: RawNode<MemoryStorage>,
    judge: Judge,
    /// What was taken and is being written, oldest first.
    writes: VecDeque<Ready>,
    /// What is durable and not applied, in order.
    to_apply: VecDeque<Entry>,
    /// What the application has applied: it survives a crash.
    application: Vec<Entry>,
    /// What has left, in order.
    sent: Vec<Message>,
    rows: Vec<Row>,
    row: Option<(u64, String)>,
    /// Whether the node was ever told that a write has ended. Only cards ask for it.
    reported: bool,
    /// Where to look if it goes on as with the last Ready. Only cards ask for it.
    repeats: Names,
    /// Whether the record of the last Ready names the end of the log. Only cards ask for it.
    names_end: bool,
    /// Whether a record ever held a promise of the node to itself. Only cards ask for it.
    kept_promise: bool,
}

/// Writes a message in short: `VoteReply t1 granted`.
pub(super) fn label(message: &Message) -> String {
    let text = message.to_string();
    text.split_once(' ').map_or(text.clone(), |(_, said)| said.to_owned())
}

/// Returns the usual settings of n1.
pub(super) fn settings() -> Config {
    Config::new(N1)
}

/// Returns an empty disk in a group of this many.
pub(super) fn group(size: u64) -> MemoryStorage {
    MemoryStorage::with_voters((1..=size).map(NodeId))
}

/// Returns a disk of n1, of three, that holds entries of these terms, and a state.
pub(super) fn disk(terms: &[u64], term: u64, vote: Option<NodeId>, commit: u64) -> MemoryStorage {
    let mut disk = group(3);
    disk.append(logged(terms));
    disk.save(HardState { term: Term(term), vote, commit: Index(commit) });
    disk
}

/// Records what the node is about to do: a card about an endless loop shows it too.
fn doing(what: impl Into<String>) {
    current::doing(what.into());
}

// Starting.

impl Owner {
    /// Starts n1 with these settings and this disk.
    ///
    /// # Panics
    /// If it refuses to start.
    pub(super) fn of(config: Config, disk: MemoryStorage) -> Self {
        current::doing_within("n1 starts".to_owned(), &["Config::check_restart"]);
        let judge = Judge::new(&disk, config.applied);
        let node = RawNode::new(&config, disk).expect("n1 starts from what was saved");
        Owner {
            config,
            node,
            judge,
            writes: VecDeque::new(),
            to_apply: VecDeque::new(),
            application: Vec::new(),
            sent: Vec::new(),
            rows: Vec::new(),
            row: None,
            reported: false,
            repeats: &[],
            names_end: true,
            kept_promise: false,
        }
    }

    /// Starts n1 in a group of three, with a disk that holds this term and nothing else.
    pub(super) fn in_term(term: u64) -> Self {
        Owner::of(settings(), disk(&[], term, None, 0))
    }

    /// Starts n1 in a group of this many, with an empty disk.
    pub(super) fn new(size: u64) -> Self {
        Owner::of(settings(), group(size))
    }

    /// Says which row of a test this is.
    pub(super) fn row(mut self, number: u64, title: &str) -> Self {
        self.row = Some((number, title.to_owned()));
        self
    }
}

// What happens to the node.

impl Owner {
    /// A message arrives.
    pub(super) fn hear(&mut self, message: Message) {
        doing(format!("{message} arrives"));
        self.judge.hear(&message);
        self.rows.push(Row::message(message.from, message.to, label(&message)));
        if let Err(why) = self.node.step(message) {
            self.rows.push(Row::at(N1, format!("refuses: {why}")));
        }
    }

    /// The node is told to hold an election.
    pub(super) fn campaign(&mut self) {
        self.act("campaigns".to_owned());
        let _ = self.node.campaign();
    }

    /// A client proposes. Returns whether the node took it.
    pub(super) fn propose(&mut self, text: &str) -> bool {
        self.act(format!("is proposed \"{text}\""));
        let data = bytes::Bytes::from(text.as_bytes().to_vec());
        self.node.propose(bytes::Bytes::new(), data).is_ok()
    }

    /// Ticks pass.
    pub(super) fn ticks(&mut self, ticks: u64) {
        self.act(format!("waits {ticks} ticks"));
        (0..ticks).for_each(|_| {
            self.node.tick();
        });
    }

    /// Records what happens to n1 next.
    fn act(&mut self, what: String) {
        doing(format!("n1 {what}"));
        self.rows.push(Row::at(N1, what));
    }

    /// n1 becomes leader of the next term, elected by the others: its own vote may not count yet.
    pub(super) fn elect_by(&mut self, voters: &[NodeId]) {
        self.campaign();
        let term = self.node.status().term.0;
        voters.iter().for_each(|&voter| self.hear(answer(voter, N1, term, Said::Yes)));
    }
}

// What a test can see.

impl Owner {
    /// Returns everything that decides what can happen from here.
    pub(super) fn hash_to(&self, state: &mut impl Hasher) {
        (&self.node, &self.judge, &self.to_apply, &self.application).hash(state);
        for ready in &self.writes {
            (ready.hard_state(), ready.entries(), ready.persisted_messages()).hash(state);
            ready.committed_entries().hash(state);
        }
    }

    /// Forgets what a card would draw.
    pub(super) fn forget_story(&mut self) {
        self.rows.clear();
        self.sent.clear();
    }

    /// Returns the node, for calls that only this test makes.
    pub(super) fn node(&mut self) -> &mut RawNode<MemoryStorage> {
        &mut self.node
    }

    /// Returns the disk.
    pub(super) fn disk(&self) -> &MemoryStorage {
        self.node.storage()
    }

    /// Returns what was handed out to be saved last.
    pub(super) fn told(&self) -> HardState {
        self.judge.told()
    }

    /// Returns the last entry of the log, if the node does not count it as durable.
    pub(super) fn not_durable(&self) -> Option<EntryId> {
        self.node.raft().unstable_last()
    }

    /// Returns what has left, in order.
    pub(super) fn sent(&self) -> &[Message] {
        &self.sent
    }

    /// Counts the writes in progress.
    pub(super) fn writing(&self) -> usize {
        self.writes.len()
    }

    /// Returns what the application has applied.
    pub(super) fn application(&self) -> &[Entry] {
        &self.application
    }

    /// Returns the last entry that the application has applied.
    pub(super) fn applied(&self) -> Index {
        self.application.last().map_or(Index(0), |entry| entry.id.index)
    }

    /// Returns what waits to be applied.
    pub(super) fn waiting(&self) -> impl Iterator<Item = &Entry> {
        self.to_apply.iter()
    }
}
