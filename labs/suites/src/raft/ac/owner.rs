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
//! A [`Judge`] checks every Ready. The test plays all other nodes, and lets the power fail.

use super::blame::{BUSY, BUSY_HARD, BUSY_PAGING, BUSY_SOFT, CHECKED, WENT_AHEAD};
use super::judge::{Fault, Judge};
pub(super) use crate::Checked;
use crate::raft::kit::Names;
use crate::raft::kit::{N1, Said, answer, logged, names_of};
use crate::raft::rule;
use harness::{Diagram, Failure, Row, Rule, Verdict, current};
use raft::{
    Config, Entry, HardState, Index, LightReady, MemoryStorage, Message, NodeId, OrderError,
    RawNode, Ready, Term,
};
use std::collections::VecDeque;
use std::fmt::Display;
use std::hash::{Hash, Hasher};
use std::mem;

/// More Readys in a row than any inputs of these tests need.
const READYS_MAX: usize = 200;

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
    busy: Names,
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
        doing("n1 starts");
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
            busy: BUSY,
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

// What an owner does.

impl Owner {
    /// Returns whether anything is ready.
    pub(super) fn has_ready(&self) -> bool {
        doing("has_ready");
        self.node.has_ready()
    }

    /// Takes a Ready, if there is one, and sends what may leave. Its write begins now.
    pub(super) fn take(&mut self) -> Checked<Option<Ready>> {
        if !self.has_ready() {
            return Ok(None);
        }
        doing("ready");
        let mut ready = self.node.ready().expect("memory can be read");
        let what = format!("Ready {}: {}", ready.number(), names_of(ready.entries()));
        self.rows.push(Row::message(N1, "disk", what).note(self.note(&ready)));
        let has_paged = self.to_apply.len() + self.application.len() > 0
            || !ready.committed_entries().is_empty();
        self.busy = match (ready.hard_state(), ready.soft_state()) {
            (Some(_), _) => BUSY_HARD,
            (None, Some(_)) => BUSY_SOFT,
            (None, None) if has_paged => BUSY_PAGING,
            (None, None) => BUSY,
        };
        let judged = self.judge.take(&ready, self.node.storage());
        self.held(judged)?;
        let whole = ready.clone();
        self.send(ready.take_messages());
        self.writes.push_back(ready);
        Ok(Some(whole))
    }

    /// Takes a Ready as [`Owner::take`] does, and reports to the node that it is being written.
    pub(super) fn start(&mut self) -> Checked<Option<Ready>> {
        let ready = self.take()?;
        if let Some(ready) = &ready {
            doing(format!("advance_append_async of Ready {}", ready.number()));
            self.node.advance_append_async(ready.clone()).expect("memory can be read");
        }
        Ok(ready)
    }

    /// Takes every Ready, and starts to write it.
    pub(super) fn start_all(&mut self) -> Checked<Vec<Ready>> {
        let mut taken = Vec::new();
        while let Some(ready) = self.start()? {
            taken.push(ready);
            if taken.len() > READYS_MAX {
                return Err(Box::new(self.never_quiet()));
            }
        }
        Ok(taken)
    }

    /// The oldest write ends: the node learns of it, and the promises leave.
    pub(super) fn persist(&mut self) -> Checked<()> {
        let Some(ready) = self.writes.pop_front() else { return Ok(()) };
        self.save(&ready);
        self.report(&ready)?;
        self.release(ready)
    }

    /// All writes end, one after the other.
    pub(super) fn persist_all(&mut self) -> Checked<()> {
        while self.writing() > 0 {
            self.persist()?;
        }
        Ok(())
    }

    /// All writes end, and only the last is reported to the node.
    pub(super) fn persist_all_at_once(&mut self) -> Checked<()> {
        while let Some(ready) = self.writes.pop_front() {
            self.save(&ready);
            if self.writes.is_empty() {
                self.report(&ready)?;
            }
            self.release(ready)?;
        }
        Ok(())
    }

    /// The application applies what may be applied, and the node learns of it.
    pub(super) fn apply(&mut self) -> Checked<()> {
        while !self.to_apply.is_empty() {
            self.apply_one()?;
        }
        Ok(())
    }

    /// The application applies the next entry, and the node learns of it.
    pub(super) fn apply_one(&mut self) -> Checked<()> {
        let Some(entry) = self.do_apply() else { return Ok(()) };
        doing(format!("advance_apply_to({})", entry.id.index));
        if let Err(why) = self.node.advance_apply_to(entry.id.index) {
            // The owner reports in order. What the node takes for applied beyond that, it counted itself.
            let went_ahead = matches!(why, OrderError::AppliedWentBack { applied, .. } if applied > entry.id.index);
            let (rule, within) = match went_ahead {
                true => (rule("applied_when_the_owner_says"), WENT_AHEAD),
                false => (rule("a_correct_owner_is_believed"), CHECKED),
            };
            let failure = self.broken(rule, within);
            let because = format!("{} was handed out, and is applied: {why}", entry.id);
            return Err(Box::new(failure.because(because)));
        }
        Ok(())
    }

    /// The application applies the next entry. The node does not learn of it.
    pub(super) fn do_apply(&mut self) -> Option<Entry> {
        let entry = self.to_apply.pop_front()?;
        self.rows.push(Row::at(N1, format!("applies {}", entry.id)));
        self.application.push(entry.clone());
        Some(entry)
    }

    /// Takes one Ready, writes it and applies what it holds, all before anything else happens, and
    /// reports that in one call.
    pub(super) fn advance(&mut self) -> Checked<Option<Ready>> {
        let Some(ready) = self.take()? else { return Ok(None) };
        self.advance_with(&ready)?;
        Ok(Some(ready))
    }

    /// Does so until nothing is ready.
    pub(super) fn advance_all(&mut self) -> Checked<()> {
        for _ in 0..READYS_MAX {
            if self.advance()?.is_none() {
                return Ok(());
            }
        }
        Err(Box::new(self.never_quiet()))
    }

    /// Does the same as [`Owner::advance`] with a Ready that was just taken.
    pub(super) fn advance_with(&mut self, ready: &Ready) -> Checked<()> {
        self.advance_slowly(ready)?;
        while self.do_apply().is_some() {}
        doing("advance_apply");
        self.node.advance_apply().expect("memory can be read");
        Ok(())
    }

    /// The same, but the application takes its time with what the LightReady holds.
    pub(super) fn advance_slowly(&mut self, ready: &Ready) -> Checked<()> {
        self.writes.pop_back();
        self.save(ready);
        self.release(ready.clone())?;
        while self.do_apply().is_some() {}
        doing(format!("advance of Ready {}", ready.number()));
        self.reported = true;
        let light = self.node.advance(ready.clone()).expect("memory can be read");
        self.take_light(light)
    }

    /// Takes every Ready, writes and applies it, until nothing is ready.
    pub(super) fn settle(&mut self) -> Checked<()> {
        for _ in 0..READYS_MAX {
            if self.start()?.is_none() && self.writes.is_empty() && self.to_apply.is_empty() {
                return Ok(());
            }
            self.persist()?;
            self.apply()?;
        }
        Err(Box::new(self.never_quiet()))
    }

    /// Loses power: what is not durable is lost. Starts again from what is durable.
    pub(super) fn restart(&mut self) -> Checked<()> {
        self.rows.push(Row::at(N1, "loses power"));
        let applied = self.application.last().map_or(self.config.applied, |entry| entry.id.index);
        let config = Config { applied, ..self.config.clone() };
        let disk = self.disk().clone();
        if let Err(why) = RawNode::new(&config, disk.clone()) {
            let rule = rule("a_possible_memory_is_accepted");
            let failure = self.broken(rule, &["Config::check_restart"]);
            let because = format!("n1 loses power, and does not start again: {why}");
            return Err(Box::new(failure.because(because).expected("it starts").got("it refuses")));
        }
        let judge = self.judge.after_a_crash(&disk, applied);
        let reborn = Owner { judge, ..Owner::of(config, disk) };
        let (application, sent) = (mem::take(&mut self.application), mem::take(&mut self.sent));
        let (rows, row) = (mem::take(&mut self.rows), self.row.take());
        *self = Owner { application, sent, rows, row, ..reborn };
        self.rows.push(Row::at(N1, format!("starts, applied {applied}")));
        Ok(())
    }

    /// A write ends on the disk. The node does not learn of it.
    fn save(&mut self, ready: &Ready) {
        let disk = self.node.storage_mut();
        disk.append(ready.entries());
        if let Some(hard_state) = ready.hard_state() {
            disk.save(hard_state);
        }
        self.rows.push(Row::message("disk", N1, format!("durable {}", ready.number())));
    }

    /// The node learns that a write has ended.
    fn report(&mut self, ready: &Ready) -> Checked<()> {
        doing(format!("on_persist_ready({})", ready.number()));
        self.reported = true;
        let heard = self.node.on_persist_ready(ready.number());
        heard.map_err(|why| Box::new(self.refused(ready, &why.to_string())))
    }

    /// What had to wait for a write leaves, and may be applied.
    fn release(&mut self, mut ready: Ready) -> Checked<()> {
        let judged = self.judge.leave(ready.persisted_messages(), self.node.storage());
        self.held(judged)?;
        self.send(ready.take_persisted_messages());
        self.to_apply.extend(ready.take_committed_entries());
        Ok(())
    }

    fn take_light(&mut self, mut light: LightReady) -> Checked<()> {
        let judged = self.judge.light(&light, self.node.storage());
        self.held(judged)?;
        if let Some(commit) = light.commit_index() {
            self.node.storage_mut().save_commit(commit);
        }
        self.send(light.take_messages());
        self.to_apply.extend(light.take_committed_entries());
        Ok(())
    }

    fn send(&mut self, messages: Vec<Message>) {
        for message in &messages {
            self.rows.push(Row::message(message.from, message.to, label(message)));
        }
        self.sent.extend(messages);
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

    /// Returns the judge.
    pub(super) fn judge(&self) -> &Judge {
        &self.judge
    }

    /// Returns what has left, in order.
    pub(super) fn sent(&self) -> &[Message] {
        &self.sent
    }

    /// Returns whether the node was ever told that a write has ended.
    pub(super) fn has_reports(&self) -> bool {
        self.reported
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

    /// Writes what a Ready holds besides its entries.
    fn note(&self, ready: &Ready) -> String {
        let hard = ready.hard_state().map(|hard| {
            let vote = hard.vote.map_or_else(String::new, |vote| format!(" vote {vote}"));
            format!("t{}{vote} commit {}", hard.term, hard.commit)
        });
        let committed = Some(ready.committed_entries()).filter(|entries| !entries.is_empty());
        let apply = committed.map(|entries| format!("apply {}", names_of(entries)));
        hard.into_iter().chain(apply).collect::<Vec<_>>().join(", ")
    }
}

// What a card needs.

impl Owner {
    /// Returns a failure that shows what happened, and names the functions to read, the likeliest first:
    /// those of the test's step, then earlier ones.
    pub(super) fn broken(&self, rule: &Rule, within: &[&str]) -> Failure {
        let mut diagram = Diagram::new(["n3", "n2", "n1", "disk"]);
        self.rows.iter().cloned().for_each(|row| diagram.push(row));
        // What was never told of the end of a write did nothing.
        let told_of_writes = ["RawNode::on_persist_record", "RawNode::push_record"];
        let did = |path: &&&str| self.reported || !told_of_writes.contains(*path);
        let within: Vec<&str> = within.iter().filter(did).copied().collect();
        let failure = Failure::of(rule).diagram(diagram).one_of(&within);
        match &self.row {
            Some((number, title)) => failure.row(*number, title),
            None => failure,
        }
    }

    /// Fails, with [`Owner::broken`], unless `got` is what is wanted.
    pub(super) fn must_be(
        &self,
        rule: &Rule,
        within: &[&str],
        because: &str,
        want: impl Display,
        got: impl Display,
    ) -> Verdict {
        let (want, got) = (want.to_string(), got.to_string());
        if got == want {
            return Ok(());
        }
        self.broken(rule, within).because(because).expected(want).got(got).fail()
    }

    /// Lets each read of a call fail in turn, in copies of this node: the call must say so, and nothing may
    /// be ready afterwards.
    pub(super) fn every_read_fails(
        &self,
        name: &str,
        within: &[&str],
        call: impl Fn(&mut RawNode<MemoryStorage>) -> Result<(), String>,
    ) -> Verdict {
        for read in 0.. {
            let mut node = self.node.clone();
            node.storage_mut().fail_read(read);
            doing(format!("{name}, and read {read} of storage fails"));
            let said = call(&mut node);
            if node.storage().reads_before_failure().is_some() {
                break;
            }
            let because = match (said, node.has_ready()) {
                (Err(_), false) => continue,
                (Err(_), true) => "the node has halted, and has_ready is true",
                (Ok(()), _) => "a read has failed, and the owner is not told",
            };
            let failure = self.broken(rule("after_a_failed_read_nothing"), within);
            let because = format!("{name} reads storage, read {}: {because}", read + 1);
            return failure.because(because).expected("a Halt, and then no Ready").fail();
        }
        Ok(())
    }

    /// Returns the failure of a node that refuses the report of a write that has ended.
    fn refused(&self, ready: &Ready, why: &str) -> Failure {
        let within = &["RawNode::durable_by", "RawNode::push_record"];
        let failure = self.broken(rule("a_correct_owner_is_believed"), within);
        failure.because(format!(
            "Ready {}'s write has ended, and the node refuses the report: {why}",
            ready.number()
        ))
    }

    /// Returns the failure of a node that always has something ready.
    fn never_quiet(&self) -> Failure {
        let failure = self.broken(rule("quiet_when_all_is_done"), self.busy);
        failure
            .because(format!("{READYS_MAX} Readys were taken, and has_ready is still true"))
            .expected("after a few Readys, has_ready is false")
            .got("it stays true")
    }

    /// Makes a failure of what the judge saw.
    fn held(&self, judged: Result<(), Fault>) -> Checked<()> {
        judged.map_err(|Fault { rule, because, within }| {
            Box::new(self.broken(&rule, within).because(format!("n1: {because}")))
        })
    }
}
