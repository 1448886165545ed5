//! etcd's interaction environment: nodes, one ordered list of what is in flight, and what is printed.
//!
//! ```text
//!   command --> nodes --> Ready, messages --> in flight --> deliver-msgs, stabilize --> nodes
//!                 '--> what etcd prints
//! ```

use crate::command::{Command, Delivery, NodeSetups, Recipient, Writes};
use crate::format::Block;
use crate::in_flight::InFlight;
use crate::layout;
use crate::member::{Member, Thread, Threads, pending_changes, unpromotable};
use crate::verdict::Halt;
use bytes::Bytes;
use raft::{
    ApplyGate, Body, CampaignError, ConfState, Config, EntryId, ForgetLeaderError, Index,
    MemoryStorage, Message, NodeId, Payload, Purpose, RawNode, ReadMode, Snapshot,
    StepDownOnRemoval, Storage, Term,
};

/// How much is printed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
enum Level {
    #[default]
    Debug,
    Info,
    Warn,
    Error,
    Fatal,
    None,
}

/// Every level with its name.
const LEVELS: [(Level, &str); 6] = [
    (Level::Debug, "DEBUG"),
    (Level::Info, "INFO"),
    (Level::Warn, "WARN"),
    (Level::Error, "ERROR"),
    (Level::Fatal, "FATAL"),
    (Level::None, "NONE"),
];

/// How often `stabilize` goes round before it counts as endless; etcd's files need a few dozen.
const ROUNDS_MAX: usize = 10_000;

/// The nodes of a script, and what is in flight between them.
#[derive(Default)]
pub(crate) struct Environment {
    members: Vec<Member>,
    in_flight: Vec<InFlight>,
    level: Level,
    output: String,
}

/// Why a command did not succeed.
enum Trouble {
    /// Something that etcd prints.
    Printed(String),
    /// Something that ends the script.
    Halt(Halt),
}

impl From<Halt> for Trouble {
    fn from(halt: Halt) -> Self {
        Trouble::Halt(halt)
    }
}

impl Environment {
    /// Plays a directive, and returns what etcd would print.
    ///
    /// # Errors
    /// [`Halt`] where the script cannot go on.
    pub(crate) fn play(&mut self, block: &Block) -> Result<String, Halt> {
        self.output.clear();
        match self.perform(Command::read(block)?) {
            Ok(()) => {}
            // An error is printed even where nothing else is.
            Err(Trouble::Printed(words)) => self.output += &words,
            Err(Trouble::Halt(Halt::Malformed { what, .. })) => {
                return Err(Halt::Malformed { line: block.line, what });
            }
        }
        Ok(if self.output.is_empty() { "ok".to_string() } else { self.output.clone() })
    }

    fn perform(&mut self, command: Command) -> Result<(), Trouble> {
        match command {
            Command::AddNodes(setups) => self.add_nodes(&setups),
            Command::Campaign(id) => self.campaign(id),
            Command::Compact(id, index) => self.compact(id, index),
            Command::DeliverMsgs(delivery) => {
                if self.deliver(&delivery)? == 0 {
                    self.print("no messages\n");
                }
                Ok(())
            }
            Command::ProcessReady(ids) => self.each(&ids, "handling Ready", Self::process_ready),
            Command::ProcessAppendThread(ids) => self.each_thread(&ids, Thread::Append),
            Command::ProcessApplyThread(ids) => self.each_thread(&ids, Thread::Apply),
            Command::LogLevel(name) => {
                self.level = level(&name)?;
                Ok(())
            }
            Command::RaftLog(id) => self.raft_log(id),
            Command::RaftState => {
                self.raft_state();
                Ok(())
            }
            Command::SetRandomizedElectionTimeout(id, ticks) => {
                self.member(id)?.node.pin_election_timeout(Some(ticks));
                Ok(())
            }
            Command::Stabilize(ids, name) => {
                let before = self.level;
                if let Some(name) = name {
                    self.level = level(&name)?;
                }
                let done = self.stabilize(&ids);
                self.level = before;
                done
            }
            Command::Status(id) => self.status(id),
            Command::TickElection(id) => self.tick(id, Config::etcd(id).election_ticks),
            Command::TickHeartbeat(id) => self.tick(id, Config::etcd(id).heartbeat_ticks),
            Command::Propose(id, data) => self.propose(id, data),
            Command::ReportUnreachable(ids) => self.report_unreachable(&ids),
            Command::ProposeConfChange(id, change) => self.propose_conf_change(id, change),
            Command::SendSnapshot(from, to) => self.send_snapshot(from, to),
            Command::TransferLeadership(from, to) => self.transfer(from, to),
            Command::ForgetLeader(id) => self.forget_leader(id),
            Command::Breakpoint => Ok(()),
            Command::Unknown => Err(Trouble::Printed("unknown command".to_string())),
        }
    }
}

// What a script does to nodes.

impl Environment {
    fn add_nodes(&mut self, setups: &NodeSetups) -> Result<(), Trouble> {
        for _ in 0..setups.count {
            let id = NodeId(self.members.len() as u64 + 1);
            let config = setups.config(id);
            let storage = setups.storage()?;
            let node = RawNode::new(&config, storage);
            let mut node = node.map_err(|why| Trouble::Printed(why.to_string()))?;
            if setups.lease_reads {
                // Where reads rest on leases, our nodes take part in no election for an election timeout
                // from their start, because they may have forgotten a leader. etcd's do.
                node.pin_election_timeout(Some(u64::MAX));
                for _ in 0..config.election_ticks {
                    node.tick();
                }
                node.pin_election_timeout(None);
            }
            let threads = match setups.writes {
                Writes::Synchronous => None,
                Writes::Asynchronous => Some(Threads::default()),
            };
            self.members.push(Member::new(node, threads));
        }
        Ok(())
    }

    fn campaign(&mut self, id: NodeId) -> Result<(), Trouble> {
        let member = self.member(id)?;
        let outcome = member.node.campaign();
        member.look();
        match outcome {
            // etcd logs at level DEBUG that a leader is a leader already.
            Ok(()) | Err(CampaignError::AlreadyLeader { .. }) => Ok(()),
            Err(
                why @ (CampaignError::NoTermLeft { .. }
                | CampaignError::LeaderIsAlive { .. }
                | CampaignError::Halted(_)),
            ) => Err(Trouble::Printed(why.to_string())),
            Err(CampaignError::UnappliedChange { .. }) => {
                let term = self.member(id)?.node.status().term;
                let words = pending_changes(id, term);
                self.log(Level::Warn, &words);
                Ok(())
            }
            Err(CampaignError::NotAVoter { us: _ } | CampaignError::Installing) => {
                self.log(Level::Warn, &unpromotable(id));
                Ok(())
            }
        }
    }

    fn tick(&mut self, id: NodeId, ticks: u64) -> Result<(), Trouble> {
        for _ in 0..ticks {
            let member = self.member(id)?;
            member.node.tick();
            for words in member.look() {
                self.log(Level::Warn, &words);
            }
        }
        Ok(())
    }

    fn propose(&mut self, id: NodeId, data: String) -> Result<(), Trouble> {
        let member = self.member(id)?;
        let proposed = member.node.propose(Bytes::new(), Bytes::from(data));
        member.look();
        proposed.map_err(|_| Trouble::Printed("raft proposal dropped".to_string()))
    }

    fn propose_conf_change(&mut self, id: NodeId, change: Payload) -> Result<(), Trouble> {
        let member = self.member(id)?;
        let proposed = member.node.propose_conf_change(Bytes::new(), change);
        member.look();
        proposed.map_err(|_| Trouble::Printed("raft proposal dropped".to_string()))
    }

    fn send_snapshot(&mut self, from: NodeId, to: NodeId) -> Result<(), Trouble> {
        let node = &self.member(from)?.node;
        let snapshot = Box::new(node.storage().latest_snapshot().clone());
        let peer = node.progress().find(|(id, _)| *id == to);
        let session = peer.map(|(_, progress)| progress.session()).unwrap_or_default();
        let body = Body::InstallSnapshot { snapshot, session };
        let message = Message { from, to, term: Some(node.status().term), body };
        let message = InFlight::between_nodes(message);
        self.print(&message.text);
        self.in_flight.push(message);
        Ok(())
    }

    fn transfer(&mut self, from: NodeId, to: NodeId) -> Result<(), Trouble> {
        let member = self.member(from)?;
        let _ = member.node.transfer_leader(to);
        member.look();
        Ok(())
    }

    fn forget_leader(&mut self, id: NodeId) -> Result<(), Trouble> {
        let member = self.member(id)?;
        let outcome = member.node.forget_leader();
        member.look();
        if outcome == Err(ForgetLeaderError::LeaseReads) {
            self.log(Level::Error, "ignoring MsgForgetLeader due to ReadOnlyLeaseBased");
        }
        Ok(())
    }

    fn report_unreachable(&mut self, ids: &[NodeId]) -> Result<(), Trouble> {
        let &[on, about] = ids else {
            let words = "must specify exactly two node indexes: node on which to report, and \
                         reported node";
            return Err(Trouble::Printed(words.to_string()));
        };
        self.member(about)?;
        let member = self.member(on)?;
        member.node.report_unreachable(about);
        member.look();
        Ok(())
    }

    fn compact(&mut self, id: NodeId, through: Index) -> Result<(), Trouble> {
        let storage = self.member(id)?.node.storage_mut();
        if storage.first_index().is_ok_and(|first| through < first) {
            let words = "requested index is unavailable due to compaction";
            return Err(Trouble::Printed(words.to_string()));
        }
        let last = storage.last_index().unwrap_or_default();
        if through > last {
            let words = format!("compact {through} is out of bound lastindex({last})");
            return Err(Trouble::Printed(words));
        }
        storage.compact(through);
        self.raft_log(id)
    }
}

// What moves.

impl Environment {
    /// Plays something at each node, under a head if there are several.
    fn each(
        &mut self,
        ids: &[NodeId],
        head: &str,
        one: impl Fn(&mut Self, NodeId) -> Result<(), Trouble>,
    ) -> Result<(), Trouble> {
        for &id in ids {
            if ids.len() > 1 {
                self.print(&format!("> {} {head}\n", id.0));
                self.indented(|stage| one(stage, id))?;
            } else {
                one(self, id)?;
            }
        }
        Ok(())
    }

    fn each_thread(&mut self, ids: &[NodeId], thread: Thread) -> Result<(), Trouble> {
        let head = format!("processing {} thread", thread.name());
        self.each(ids, &head, |stage, id| {
            if stage.member(id)?.has_work(thread) {
                return stage.work(id, thread);
            }
            stage.print(&format!("no {} work to perform", thread.name()));
            Ok(())
        })
    }

    fn process_ready(&mut self, id: NodeId) -> Result<(), Trouble> {
        let member = self.member(id)?;
        let (text, messages) = member.take_ready();
        let warnings = member.look();
        self.print(&text);
        self.in_flight.extend(messages);
        for words in warnings {
            self.log(Level::Warn, &words);
        }
        Ok(())
    }

    fn work(&mut self, id: NodeId, thread: Thread) -> Result<(), Trouble> {
        if let Some((text, answers)) = self.member(id)?.work(thread) {
            self.print(&text);
            self.in_flight.extend(answers);
        }
        Ok(())
    }

    /// Delivers or drops, and returns how many messages.
    fn deliver(&mut self, delivery: &Delivery) -> Result<usize, Trouble> {
        let mut count = 0;
        for recipient in &delivery.to {
            let (to, is_dropped) = match *recipient {
                Recipient::Delivered(to) => (to, false),
                Recipient::Dropped(to) => (to, true),
            };
            let kind = delivery.kind.as_deref();
            let is_meant = |message: &InFlight| {
                message.to == to
                    && !(is_dropped && message.is_local())
                    && kind.is_none_or(|kind| kind == message.kind)
            };
            let all = std::mem::take(&mut self.in_flight);
            let (meant, rest) = all.into_iter().partition(is_meant);
            self.in_flight = rest;
            let meant: Vec<InFlight> = meant;
            for message in meant {
                count += 1;
                if is_dropped {
                    self.print(&format!("dropped: {}\n", message.text));
                    continue;
                }
                self.print(&format!("{}\n", message.text));
                let member = self.member(to)?;
                let refused = member.deliver(message.content);
                for words in member.look() {
                    self.log(Level::Warn, &words);
                }
                if let Some(words) = refused {
                    self.print(&format!("{words}\n"));
                }
            }
        }
        Ok(count)
    }

    /// Does all there is to do, in etcd's order: every node's Ready, every node's messages, every
    /// node's writes, every node's applying; then again, until nothing is left.
    fn stabilize(&mut self, ids: &[NodeId]) -> Result<(), Trouble> {
        let ids: Vec<NodeId> = match ids {
            [] => self.members.iter().map(|member| member.id).collect(),
            some => some.to_vec(),
        };
        for _ in 0..ROUNDS_MAX {
            if !self.go_round(&ids)? {
                return Ok(());
            }
        }
        let what = format!("stabilize: nothing comes to rest in {ROUNDS_MAX} rounds");
        Err(Halt::Malformed { line: 0, what }.into())
    }

    /// Goes round once, and returns whether there was anything to do.
    fn go_round(&mut self, ids: &[NodeId]) -> Result<bool, Trouble> {
        let mut is_busy = false;
        for &id in ids {
            if self.member(id)?.node.has_ready() {
                is_busy = true;
                self.print(&format!("> {} handling Ready\n", id.0));
                self.indented(|stage| stage.process_ready(id))?;
            }
        }
        for &id in ids {
            if self.in_flight.iter().any(|message| message.to == id) {
                is_busy = true;
                self.print(&format!("> {} receiving messages\n", id.0));
                let delivery = Delivery { to: vec![Recipient::Delivered(id)], kind: None };
                self.indented(|stage| stage.deliver(&delivery).map(|_| ()))?;
            }
        }
        for thread in [Thread::Append, Thread::Apply] {
            for &id in ids {
                if self.member(id)?.has_work(thread) {
                    is_busy = true;
                    self.print(&format!("> {} processing {} thread\n", id.0, thread.name()));
                    while self.member(id)?.has_work(thread) {
                        self.indented(|stage| stage.work(id, thread))?;
                    }
                }
            }
        }
        Ok(is_busy)
    }
}

// What is shown.

impl Environment {
    fn raft_log(&mut self, id: NodeId) -> Result<(), Trouble> {
        let storage = self.member(id)?.node.storage();
        let read = || {
            let (first, last) = (storage.first_index()?, storage.last_index()?);
            Ok((first, last, storage.entries(first, last + 1, None, Purpose::Check)?))
        };
        let read: Result<_, raft::StorageError> = read();
        let (first, last, entries) = read.map_err(|why| Trouble::Printed(why.to_string()))?;
        let text = match last < first {
            true => format!("log is empty: first index={first}, last index={last}"),
            false => layout::entries(&entries),
        };
        self.print(&text);
        Ok(())
    }

    fn raft_state(&mut self) {
        let mut text = String::new();
        for member in &self.members {
            let now = member.node.status();
            let voter = if now.voters.contains(now.id) { "(Voter)" } else { "(Non-Voter)" };
            let (id, role) = (now.id.0, layout::role(now.role));
            let leader = layout::number(now.leader);
            text += &format!("{id}: {role} {voter} Term:{} Lead:{leader}\n", now.term);
        }
        self.print(&text);
    }

    fn status(&mut self, id: NodeId) -> Result<(), Trouble> {
        let node = &self.member(id)?.node;
        let learners = &node.status().conf_state.learners;
        let line = |(id, progress)| layout::progress(id, progress, learners.contains(&id)) + "\n";
        let text: String = node.progress().map(line).collect();
        self.print(&text);
        Ok(())
    }

    /// Prints, unless nothing is to be printed.
    fn print(&mut self, text: &str) {
        if self.level < Level::None {
            self.output += text;
        }
    }

    /// Prints a line of etcd's log.
    fn log(&mut self, level: Level, words: &str) {
        let name = LEVELS.iter().find(|(other, _)| *other == level).map_or("", |(_, name)| name);
        if level >= self.level {
            self.print(&format!("{name} {words}\n"));
        }
    }

    /// Indents what is printed meanwhile.
    fn indented(
        &mut self,
        one: impl FnOnce(&mut Self) -> Result<(), Trouble>,
    ) -> Result<(), Trouble> {
        let before = std::mem::take(&mut self.output);
        let done = one(self);
        let inner = std::mem::replace(&mut self.output, before);
        for line in inner.lines() {
            self.output += &format!("  {line}\n");
        }
        done
    }

    fn member(&mut self, id: NodeId) -> Result<&mut Member, Trouble> {
        let count = self.members.len();
        let place = usize::try_from(id.0 - 1).ok();
        place.and_then(|place| self.members.get_mut(place)).ok_or_else(|| {
            let what = format!("there is no node {}: {count} have been added", id.0);
            Halt::Malformed { line: 0, what }.into()
        })
    }
}

impl NodeSetups {
    /// Returns the settings of a new node.
    fn config(&self, id: NodeId) -> Config {
        let stub = Config::etcd(id);
        let apply_gate = match self.writes {
            Writes::Synchronous => stub.apply_gate,
            Writes::Asynchronous => ApplyGate::Durable,
        };
        Config {
            applied: self.index.unwrap_or_default(),
            apply_gate,
            max_applying_bytes: self.max_applying_bytes.filter(|&max| max > 0),
            max_inflight_messages: self.inflight.unwrap_or(stub.max_inflight_messages),
            check_changes: !self.unchecked_changes,
            step_down_on_removal: match self.step_down_on_removal {
                true => StepDownOnRemoval::AtOnce,
                false => StepDownOnRemoval::Never,
            },
            pre_vote: self.pre_vote,
            check_quorum: self.check_quorum || self.lease_reads,
            read_mode: match self.lease_reads {
                true => ReadMode::Lease(stub.election_ticks - 1),
                false => stub.read_mode,
            },
            ..stub
        }
    }

    /// Returns the storage of a new node: empty, or a snapshot of term 1 if anything is said of one.
    fn storage(&self) -> Result<MemoryStorage, Trouble> {
        let is_empty = self.voters.is_empty() && self.learners.is_empty();
        if is_empty && self.index.is_none() && self.content.is_empty() {
            return Ok(MemoryStorage::default());
        }
        let index = self.index.filter(|&index| index > Index(1)).ok_or_else(|| {
            Trouble::Printed("index must be specified as > 1 due to bootstrap".to_string())
        })?;
        let voters = self.voters.iter().copied().collect();
        let learners = self.learners.iter().copied().collect();
        Ok(MemoryStorage::with_snapshot(Snapshot {
            id: EntryId { term: Term(1), index },
            conf_state: ConfState { voters, learners, ..ConfState::default() },
            data: Bytes::copy_from_slice(self.content.as_bytes()),
        }))
    }
}

/// Returns the level of this name, large or small.
fn level(name: &str) -> Result<Level, Trouble> {
    let found = LEVELS.iter().find(|(_, known)| known.eq_ignore_ascii_case(name));
    found.map(|&(level, _)| level).ok_or_else(|| {
        let words = "log levels must be either of [DEBUG INFO WARN ERROR FATAL NONE]";
        Trouble::Printed(words.to_string())
    })
}
