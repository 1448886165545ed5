//! What an owner does, in the order of the contract: take, write, report, send, apply; and lose power.
//!
//! ```text
//!   take --> save --> report --> release --> apply
//!    |        |         |           |          '-- the application, then the node, learns of it
//!    |        |         |           '-- promises leave, committed entries wait to be applied
//!    |        |         '-- on_persist_ready, or advance
//!    |        '-- the disk holds it
//!    '-- messages leave at once
//! ```
//!
//! Invariant: the judge sees every Ready before anything of it leaves.

use super::super::blame::{BUSY_HARD, BUSY_SOFT, CHECKED, NUMBERED, SKIPPED, WENT_AHEAD};
use super::{Checked, Owner, doing, label};
use crate::raft::kit::{N1, names_of};
use crate::raft::rule;
use harness::{Row, current};
use raft::{Config, Entry, LightReady, Message, OrderError, RawNode, Ready};
use std::mem;

/// More Readys in a row than any inputs of these tests need.
pub(super) const READYS_MAX: usize = 200;

impl Owner {
    /// Returns whether anything is ready.
    pub(crate) fn has_ready(&self) -> bool {
        doing("has_ready");
        self.node.has_ready()
    }

    /// Takes a Ready, if there is one, and sends what may leave. Its write begins now.
    pub(crate) fn take(&mut self) -> Checked<Option<Ready>> {
        if !self.has_ready() {
            return Ok(None);
        }
        doing("ready");
        let mut ready = self.node.ready().expect("memory can be read");
        let what = format!("Ready {}: {}", ready.number(), names_of(ready.entries()));
        self.rows.push(Row::message(N1, "disk", what).note(self.note(&ready)));
        self.repeats = match (ready.hard_state(), ready.soft_state()) {
            (Some(_), _) => BUSY_HARD,
            (None, Some(_)) => BUSY_SOFT,
            (None, None) => &[],
        };
        if let Some(record) = self.node.records().last() {
            self.names_end = record.last == self.not_durable();
            self.kept_promise |= !record.own.is_empty();
        }
        let judged = self.judge.take(&ready, self.node.storage());
        judged.map_err(|fault| self.misapplied(fault, ready.committed_entries()))?;
        let whole = ready.clone();
        self.send(ready.take_messages());
        self.writes.push_back(ready);
        Ok(Some(whole))
    }

    /// Takes a Ready as [`Owner::take`] does, and reports to the node that it is being written.
    pub(crate) fn start(&mut self) -> Checked<Option<Ready>> {
        let ready = self.take()?;
        if let Some(ready) = &ready {
            self.must_be_recorded("every_ready_is_recorded", NUMBERED)?;
            doing(format!("advance_append_async of Ready {}", ready.number()));
            self.node.advance_append_async(ready.clone()).expect("memory can be read");
        }
        Ok(ready)
    }

    /// Takes every Ready, and starts to write it.
    pub(crate) fn start_all(&mut self) -> Checked<Vec<Ready>> {
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
    pub(crate) fn persist(&mut self) -> Checked<()> {
        let Some(ready) = self.writes.pop_front() else { return Ok(()) };
        self.save(&ready);
        self.report(&ready)?;
        self.release(ready)
    }

    /// All writes end, one after the other.
    pub(crate) fn persist_all(&mut self) -> Checked<()> {
        while self.writing() > 0 {
            self.persist()?;
        }
        Ok(())
    }

    /// All writes end, and only the last is reported to the node.
    pub(crate) fn persist_all_at_once(&mut self) -> Checked<()> {
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
    pub(crate) fn apply(&mut self) -> Checked<()> {
        while !self.to_apply.is_empty() {
            self.apply_one()?;
        }
        Ok(())
    }

    /// The application applies what may be applied, and the node learns of it all at once.
    pub(crate) fn apply_at_once(&mut self) -> Checked<()> {
        while self.to_apply.len() > 1 {
            self.do_apply();
        }
        self.apply_one()
    }

    /// The application applies the next entry, and the node learns of it.
    pub(crate) fn apply_one(&mut self) -> Checked<()> {
        let Some(entry) = self.do_apply() else { return Ok(()) };
        doing(format!("advance_apply_to({})", entry.id.index));
        if let Err(why) = self.node.advance_apply_to(entry.id.index) {
            // The owner reports in order. What the node takes for applied beyond that, it counted itself.
            let is_ahead = matches!(why, OrderError::AppliedWentBack { applied, .. } if applied > entry.id.index);
            // And what it was handed, it got: a node that knows of less has lost count.
            let lost_count = matches!(why, OrderError::AppliedNotHandedOut { handed_out, .. } if handed_out < self.judge.applied());
            let (rule, within) = match (is_ahead, lost_count) {
                (true, _) => (rule("applied_when_the_owner_says"), WENT_AHEAD),
                (false, true) => (rule("a_correct_owner_is_believed"), SKIPPED),
                (false, false) => (rule("a_correct_owner_is_believed"), CHECKED),
            };
            let failure = self.broken(rule, within);
            let because = format!("{} was handed out, and is applied: {why}", entry.id);
            return Err(Box::new(failure.because(because)));
        }
        Ok(())
    }

    /// The application applies the next entry. The node does not learn of it.
    pub(crate) fn do_apply(&mut self) -> Option<Entry> {
        let entry = self.to_apply.pop_front()?;
        self.rows.push(Row::at(N1, format!("applies {}", entry.id)));
        self.application.push(entry.clone());
        Some(entry)
    }

    /// Takes one Ready, writes it and applies what it holds, all before anything else happens, and
    /// reports that in one call.
    pub(crate) fn advance(&mut self) -> Checked<Option<Ready>> {
        let Some(ready) = self.take()? else { return Ok(None) };
        self.advance_with(&ready)?;
        Ok(Some(ready))
    }

    /// Does so until nothing is ready.
    pub(crate) fn advance_all(&mut self) -> Checked<()> {
        for _ in 0..READYS_MAX {
            if self.advance()?.is_none() {
                return Ok(());
            }
        }
        Err(Box::new(self.never_quiet()))
    }

    /// Does the same as [`Owner::advance`] with a Ready that was just taken.
    pub(crate) fn advance_with(&mut self, ready: &Ready) -> Checked<()> {
        self.advance_slowly(ready)?;
        while self.do_apply().is_some() {}
        doing("advance_apply");
        self.node.advance_apply().expect("memory can be read");
        Ok(())
    }

    /// The same, but the application takes its time with what the LightReady holds.
    pub(crate) fn advance_slowly(&mut self, ready: &Ready) -> Checked<()> {
        self.must_be_recorded("every_ready_is_recorded", NUMBERED)?;
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
    pub(crate) fn settle(&mut self) -> Checked<()> {
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
    pub(crate) fn restart(&mut self) -> Checked<()> {
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
        let what = format!("on_persist_ready({})", ready.number());
        current::doing_within(what, &["RawNode::durable_by"]);
        self.reported = true;
        let heard = self.node.on_persist_ready(ready.number());
        heard.map_err(|why| Box::new(self.refused(ready, &why)))?;
        self.must_be_recorded("writes_end_in_order", &["RawNode::durable_by"])
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
