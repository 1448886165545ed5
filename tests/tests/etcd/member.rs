//! One node of a script, its two threads, and what waits for them.
//!
//! ```text
//!   synchronous    take a Ready -> write -> apply -> it is durable, it is applied
//!   asynchronous   take a Ready -> append thread: write -> messages -> delivered: it is durable
//!                              '-> apply thread:  apply -> message  -> delivered: it is applied
//! ```
//!
//! etcd's asynchronous mode is a matter of messages: a node's promises to itself, and the end of a
//! write, are messages from its threads that a script delivers. Our node keeps both under a Ready's
//! number. So the messages are labels made from [`RawNode::awaiting`], and the first label of a Ready
//! that is delivered says that the Ready is durable.

use crate::in_flight::{Content, InFlight};
use crate::layout::{self, Fields, Party};
use bytes::Bytes;
use raft::{
    Entry, Event, HardState, Ignored, Index, MemoryStorage, Message, NodeId, Payload, RawNode,
    Ready, ReadyNumber, ReadyRecord, RoleName, Snapshot, StepError, Term,
};
use std::collections::VecDeque;

/// One node of a script.
pub(crate) struct Member {
    /// Its name.
    pub(crate) id: NodeId,
    /// The node.
    pub(crate) node: RawNode<MemoryStorage>,
    /// What its threads have to do; none if it writes and applies at once.
    threads: Option<Threads>,
    /// The last Ready that is known to be durable.
    durable: ReadyNumber,
    /// The term and role it had when it was last looked at.
    phase: (Term, RoleName),
    /// Whom it has made promises to since its last Ready, in order.
    promised: VecDeque<NodeId>,
    /// Term, vote and commit as the last Ready had them.
    hard_state: HardState,
}

/// What waits to be written and to be applied.
#[derive(Default)]
pub(crate) struct Threads {
    append: VecDeque<Work>,
    apply: VecDeque<Work>,
}

/// One of a node's two threads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Thread {
    /// It writes.
    Append,
    /// It applies.
    Apply,
}

/// One thing to write or to apply, and what will be said then.
struct Work {
    /// etcd's message that asks for it.
    head: String,
    hard_state: Option<HardState>,
    snapshot: Option<Snapshot>,
    /// Entries to be written; none for what is applied.
    entries: Vec<Entry>,
    /// Entries to be applied; none for what is written.
    committed: Vec<Entry>,
    answers: Vec<InFlight>,
}

impl Member {
    /// Makes a node; `threads` are there if it is to write asynchronously.
    pub(crate) fn new(mut node: RawNode<MemoryStorage>, threads: Option<Threads>) -> Self {
        node.journal().listen();
        let (id, phase) = (node.status().id, (node.status().term, node.status().role));
        let (durable, promised) = (ReadyNumber(0), VecDeque::new());
        let hard_state = node.hard_state();
        Member { id, node, threads, durable, phase, promised, hard_state }
    }

    /// Looks at what a node has just done: a new term or role ends the wait that a script has fixed. Returns
    /// what etcd's log warns of.
    pub(crate) fn look(&mut self) -> Vec<String> {
        let phase = (self.node.status().term, self.node.status().role);
        if phase != self.phase {
            self.phase = phase;
            // etcd draws a timeout for every new role but this one.
            if phase.1 != RoleName::PreCandidate {
                self.node.pin_election_timeout(None);
            }
        }
        let mut warnings = Vec::new();
        for note in self.node.journal().drain() {
            if let Event::Sent { to, kind: "VoteReply" | "AppendReply" | "PreVoteReply" } =
                note.event
            {
                self.promised.push_back(to);
            } else if let Event::QuorumLost { .. } = note.event {
                let words = "stepped down to follower since quorum is not active";
                warnings.push(format!("{:x} {words}", self.id.0));
            } else if let Event::CampaignPostponed { .. } = note.event {
                warnings.push(pending_changes(self.id, phase.0));
            } else if let Event::MessageIgnored { why: Ignored::CannotLead, .. } = note.event {
                warnings.push(unpromotable(self.id));
            }
        }
        warnings
    }

    /// Takes a Ready and does with it what an owner does. Returns it as etcd shows it, and what it
    /// sends.
    pub(crate) fn take_ready(&mut self) -> (String, Vec<InFlight>) {
        let ready = self.node.ready().expect("memory can be read");
        match self.threads.take() {
            None => self.do_at_once(ready),
            Some(mut threads) => {
                let taken = self.hand_to_threads(ready, &mut threads);
                self.threads = Some(threads);
                taken
            }
        }
    }

    /// Writes, sends, applies, and says so: etcd's synchronous mode.
    fn do_at_once(&mut self, mut ready: Ready) -> (String, Vec<InFlight>) {
        let mut sent = ready.messages().to_vec();
        sent.extend_from_slice(ready.persisted_messages());
        let messages: Vec<_> = sent.into_iter().map(InFlight::between_nodes).collect();
        let must_sync = self.must_sync(&ready);
        let text = layout::ready(&ready, must_sync, &texts(&messages));
        write(&mut self.node, ready.take_snapshot(), ready.entries(), ready.hard_state());
        let (number, applied) = (ready.number(), ready.take_committed_entries());
        self.node.advance_append_async(ready).expect("memory can be read");
        self.apply(&applied);
        self.keep(number);
        if !applied.is_empty() {
            self.node.advance_apply().expect("memory can be read");
        }
        self.promised.clear();
        (text, messages)
    }

    /// Returns whether etcd would sync the write of a Ready: a snapshot alone is no reason for it there.
    fn must_sync(&mut self, ready: &Ready) -> bool {
        let (before, now) = (self.hard_state, ready.hard_state().unwrap_or(self.hard_state));
        self.hard_state = now;
        !ready.entries().is_empty() || (before.term, before.vote) != (now.term, now.vote)
    }

    /// Applies entries as etcd's state machine does: it makes a snapshot after each.
    fn apply(&mut self, entries: &[Entry]) {
        for entry in entries {
            let data = match entry.payload() {
                Payload::Normal(data) => data.clone(),
                Payload::Noop | Payload::Change(_) | Payload::ChangeV2(_) => Bytes::new(),
            };
            if let Some(change) = entry.payload().change()
                && let Ok(conf_state) = self.node.apply_conf_change(change)
            {
                self.node.storage_mut().save_conf_state(conf_state);
            }
            let storage = self.node.storage_mut();
            let mut image = storage.latest_snapshot().data.to_vec();
            image.extend(data);
            let conf_state = storage.conf_state().clone();
            storage.create_snapshot(entry.id.index, conf_state, image.into());
        }
    }

    /// Hands writing and applying to the threads: etcd's asynchronous mode.
    fn hand_to_threads(
        &mut self,
        mut ready: Ready,
        threads: &mut Threads,
    ) -> (String, Vec<InFlight>) {
        let me = Party::Node(self.id);
        let messages: Vec<_> =
            ready.take_messages().into_iter().map(InFlight::between_nodes).collect();
        let mut answers = self.promises(ready.take_persisted_messages());
        let mut shown = texts(&messages);
        let hard_state = ready.hard_state();
        let must_sync = self.must_sync(&ready);
        let snapshot = ready.snapshot().cloned();
        let is_written = hard_state.is_some() || snapshot.is_some();
        if is_written || !(ready.entries().is_empty() && answers.is_empty()) {
            // What else is still being written is recorded again: an earlier record may be void.
            answers.extend(self.node.records().last().and_then(|last| attestation(self.id, last)));
            let entries = ready.entries().to_vec();
            let head = |responses| {
                let asked = hard_state.unwrap_or_default();
                let kind = "MsgStorageAppend";
                let (vote, commit) = (layout::number(asked.vote), asked.commit.0);
                let asked = Fields { kind, term: asked.term.0, vote, commit, ..Fields::default() };
                Fields { entries: &entries, snapshot: snapshot.as_ref(), responses, ..asked }
                    .describe(me, Party::AppendThread)
            };
            shown.push(head(texts(&answers)));
            let head = head(Vec::new());
            let committed = Vec::new();
            threads.append.push_back(Work {
                head,
                hard_state,
                snapshot,
                entries,
                committed,
                answers,
            });
        }
        if let Some(last) = ready.committed_entries().last() {
            let asked = Fields { entries: ready.committed_entries(), ..Fields::default() };
            let done = Fields { kind: "MsgStorageApplyResp", ..asked };
            let text = done.describe(Party::ApplyThread, me);
            let answer = InFlight {
                to: self.id,
                kind: done.kind,
                text,
                content: Content::Applied(last.id.index),
            };
            let asked = Fields { kind: "MsgStorageApply", ..done };
            let head = asked.describe(me, Party::ApplyThread);
            let asked = Fields { responses: vec![answer.text.clone()], ..asked };
            shown.push(asked.describe(me, Party::ApplyThread));
            let (hard_state, snapshot, entries) = (None, None, Vec::new());
            let committed = ready.committed_entries().to_vec();
            let answers = vec![answer];
            threads.apply.push_back(Work {
                head,
                hard_state,
                snapshot,
                entries,
                committed,
                answers,
            });
        }
        let text = layout::ready(&ready, must_sync, &shown);
        self.node.advance_append_async(ready).expect("memory can be read");
        (text, messages)
    }

    /// Returns what may be said once the last Ready is durable: promises to others and to ourselves,
    /// in the order in which they were made.
    fn promises(&mut self, to_others: Vec<Message>) -> Vec<InFlight> {
        let Some(record) = self.node.records().last() else { return Vec::new() };
        let (number, me) = (record.number(), self.id);
        let mut own = record.own.iter();
        let mut to_others = to_others.into_iter();
        let mut answers = Vec::new();
        for to in self.promised.drain(..) {
            match to == me {
                true => answers.extend(own.next().map(|m| label(me, number, m))),
                false => answers.extend(to_others.next().map(InFlight::between_nodes)),
            }
        }
        answers
    }

    /// Returns whether a thread has something to do.
    pub(crate) fn has_work(&self, thread: Thread) -> bool {
        self.threads.as_ref().is_some_and(|threads| !threads.of(thread).is_empty())
    }

    /// Does the first thing that waits for a thread. Returns what etcd shows of it, and what is said
    /// then; nothing if nothing waits.
    pub(crate) fn work(&mut self, thread: Thread) -> Option<(String, Vec<InFlight>)> {
        let work = self.threads.as_mut()?.of_mut(thread).pop_front()?;
        write(&mut self.node, work.snapshot, &work.entries, work.hard_state);
        self.apply(&work.committed);
        let mut text = format!("Processing:\n{}\nResponses:\n", work.head);
        for answer in &work.answers {
            text += &answer.text;
            text.push('\n');
        }
        Some((text, work.answers))
    }

    /// Takes a message. Returns what etcd prints if it is not taken.
    pub(crate) fn deliver(&mut self, content: Content) -> Option<String> {
        match content {
            Content::Message(m) => {
                let why = self.node.step(m).err()?;
                Some(if let StepError::ProposalDropped(_) = why {
                    "raft proposal dropped".to_string()
                } else if let StepError::ReplyFromStranger { .. } = why {
                    "raft: cannot step as peer not found".to_string()
                } else {
                    format!("{why}, which etcd has no words for")
                })
            }
            Content::Durable(number) => {
                self.keep(number);
                None
            }
            Content::Applied(index) => self.apply_to(index),
        }
    }

    /// Says that a Ready is durable, unless that was said.
    fn keep(&mut self, number: ReadyNumber) {
        if number > self.durable {
            self.durable = number;
            self.node.on_persist_ready(number).expect("it was taken, and not durable yet");
        }
    }

    fn apply_to(&mut self, index: Index) -> Option<String> {
        self.node.advance_apply_to(index).err().map(|why| why.to_string())
    }
}

impl Threads {
    fn of(&self, thread: Thread) -> &VecDeque<Work> {
        match thread {
            Thread::Append => &self.append,
            Thread::Apply => &self.apply,
        }
    }

    fn of_mut(&mut self, thread: Thread) -> &mut VecDeque<Work> {
        match thread {
            Thread::Append => &mut self.append,
            Thread::Apply => &mut self.apply,
        }
    }
}

impl Thread {
    /// Returns its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Thread::Append => "append",
            Thread::Apply => "apply",
        }
    }
}

/// Says as etcd does that a node cannot lead.
pub(crate) fn unpromotable(id: NodeId) -> String {
    format!("{:x} is unpromotable and can not campaign", id.0)
}

/// Says as etcd does that a node has to apply changes of the group before it campaigns.
pub(crate) fn pending_changes(id: NodeId, term: Term) -> String {
    let words = "since there are still pending configuration changes to apply";
    format!("{:x} cannot campaign at term {term} {words}", id.0)
}

/// Installs a snapshot, writes entries, then the hard state: together, and the entries no later.
fn write(
    node: &mut RawNode<MemoryStorage>,
    snapshot: Option<Snapshot>,
    entries: &[Entry],
    hard_state: Option<HardState>,
) {
    if let Some(snapshot) = snapshot {
        node.storage_mut().install_snapshot(snapshot);
    }
    node.storage_mut().append(entries);
    if let Some(hard_state) = hard_state {
        node.storage_mut().save(hard_state);
    }
}

/// Returns a promise to ourselves as a message: delivered, it says that its Ready is durable.
fn label(me: NodeId, number: ReadyNumber, m: &Message) -> InFlight {
    let (kind, text) = (layout::kind(&m.body), layout::message(m));
    InFlight { to: me, kind, text, content: Content::Durable(number) }
}

/// Returns what a write attests of the log, as a message.
fn attestation(me: NodeId, record: &ReadyRecord) -> Option<InFlight> {
    let kind = "MsgStorageAppendResp";
    let fields = Fields { kind, term: record.term.0, log: record.last?, ..Fields::default() };
    let text = fields.describe(Party::AppendThread, Party::Node(me));
    Some(InFlight { to: me, kind, text, content: Content::Durable(record.number()) })
}

fn texts(messages: &[InFlight]) -> Vec<String> {
    messages.iter().map(|message| message.text.clone()).collect()
}
