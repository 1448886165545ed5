//! What clients do: begin an operation, make an attempt, see an answer, end it.

use super::client::{ATTEMPTS_MAX, Answer, Asked, Ending, OpenOperation, OperationRecord, Saw};
use super::node::StoreNode;
use super::plan::{MILLISECOND, SECOND};
use super::{Event, Fleet, REGION};
use kv::memtable::Family;
use kv::model::Epoch;
use kv::store::{KvError, ReadCallback, ReadMode, RequestContext, WriteCallback, WriteEvent};
use raft::RoleName;

/// How long an attempt may take, in milliseconds, before its client looks elsewhere.
const ATTEMPT_MS: u64 = 2000;

impl Fleet {
    /// Lets a client go on.
    pub(super) fn client(
        &mut self,
        client: usize,
        operation: u64,
        attempt: u64,
    ) -> Result<(), String> {
        let state = &mut self.clients[client];
        if state.operation != operation {
            return Ok(());
        }
        match &state.open {
            None if self.now >= self.plan.until => return Ok(()),
            None => self.begin(client),
            Some(open) if open.attempt != attempt => return Ok(()),
            Some(open)
                if open.attempt >= ATTEMPTS_MAX || self.now > self.plan.until + 10 * SECOND =>
            {
                let ending = if open.maybe > 0 { Ending::Unknown } else { Ending::NotApplied };
                self.end(client, ending);
                return Ok(());
            }
            Some(_) => {}
        }
        self.attempt(client)
    }

    /// Begins an operation.
    fn begin(&mut self, client: usize) {
        let stores = self.nodes.len();
        let state = &mut self.clients[client];
        let asked = state.draw();
        if state.chance(300) {
            state.leader = state.any(stores); // an old leader may still believe that it leads
        }
        if self.nodes[state.home].kv.is_none() {
            state.home = (0..stores).find(|place| self.nodes[*place].kv.is_some()).unwrap_or(0);
        }
        let numbered = self.nodes[state.home].kv.as_ref();
        let request = match asked {
            Asked::Write(_) => numbered.map(|kv| kv.handle().next_request()),
            Asked::Get { .. } => None,
        };
        state.open = Some(OpenOperation { request, asked, call: self.now, attempt: 0, maybe: 0 });
        self.counts.operations += 1;
    }

    /// Makes one attempt at the open operation.
    fn attempt(&mut self, client: usize) -> Result<(), String> {
        let stores = self.nodes.len();
        let state = &mut self.clients[client];
        let operation = state.operation;
        let open = state.open.as_mut().expect("an operation is open");
        open.attempt += 1;
        let (attempt, asked, request) = (open.attempt, open.asked.clone(), open.request);
        let needs_id = matches!(asked, Asked::Write(_)) && request.is_none();
        let place = state.leader;
        let node = &self.nodes[place];
        let Some(kv) = node.kv.clone().filter(|_| !needs_id) else {
            state.leader = state.any(stores);
            let at = self.now + state.pause_ms(10, 100) * MILLISECOND;
            if needs_id {
                state.open = None; // nobody could number it: it has never begun
                self.counts.operations -= 1;
                self.schedule(at, Event::Client { client, operation, attempt: 0 });
            } else {
                self.schedule(at, Event::Client { client, operation, attempt });
            }
            return Ok(());
        };
        node.set_clock(self.now);
        open_attempt(open, &asked);
        let answers = self.answers.clone();
        let answer = move |result| {
            let answer = Answer { client, operation, attempt, from: place, result };
            answers.lock().expect("one thread").push(answer);
        };
        let epoch = Epoch { version: 1, conf_version: 1 };
        let context = RequestContext { region: REGION, peer: None, epoch, term: None };
        match asked {
            Asked::Write(write) => {
                let request = request.expect("a write has an id");
                let callback = WriteCallback::new(move |event| {
                    if let WriteEvent::Finished(result) = event {
                        answer(result.map(Saw::Outcome));
                    }
                });
                kv.async_write(context, request, write, callback);
            }
            Asked::Get { key, mode } => {
                let callback = ReadCallback::new(move |view| {
                    answer(view.and_then(|view| {
                        Ok(Saw::Value(view.get(Family::Default, &key)?, view.applied()))
                    }));
                });
                let deposed = mode == ReadMode::Lease && self.is_deposed(place);
                self.counts.reads_of_deposed += u64::from(deposed);
                // A read on this thread looks at the clock; a process that stands still reads nothing.
                let mode = if node.is_paused { ReadMode::Quorum } else { mode };
                kv.async_snapshot(context, mode, callback);
            }
        }
        let patience = self.clients[client].pause_ms(100, ATTEMPT_MS) * MILLISECOND;
        self.schedule(self.now + patience, Event::Timeout { client, operation, attempt });
        self.step(place)
    }

    /// Returns whether a store believes to lead while another leads in a later term.
    fn is_deposed(&self, place: usize) -> bool {
        let leads_in = |place: &StoreNode| {
            let status = place.store.as_ref()?.peer(REGION)?;
            (status.role == RoleName::Leader).then_some(status.term)
        };
        let term = leads_in(&self.nodes[place]);
        term.is_some() && self.nodes.iter().filter_map(leads_in).max() > term
    }

    /// Lets clients see the answers that have come.
    pub(super) fn take_answers(&mut self) {
        let answers = std::mem::take(&mut *self.answers.lock().expect("one thread"));
        for answer in answers {
            self.hash.words([5, answer.client as u64, answer.operation, answer.attempt]);
            self.answer(answer);
        }
    }

    fn answer(&mut self, answer: Answer) {
        let Answer { client, operation, attempt, from, result } = answer;
        let stores = self.nodes.len();
        let state = &mut self.clients[client];
        if state.operation != operation {
            return;
        }
        let Some(open) = state.open.as_mut() else { return };
        let error = match result {
            Ok(saw) => {
                if open.attempt > 1 && matches!(saw, Saw::Outcome(_)) {
                    self.counts.answered_after_retry += 1;
                }
                return self.end(client, Ending::Saw(saw));
            }
            Err(error) => error,
        };
        if error.proves_not_applied() && matches!(open.asked, Asked::Write(_)) {
            open.maybe -= 1;
        }
        if attempt != open.attempt {
            return; // an earlier attempt
        }
        if let KvError::NotLeader { leader: Some(leader), .. } = &error {
            state.leader = leader.store.0 as usize - 1;
        } else if error == KvError::Undetermined {
            self.counts.undetermined += 1;
            if state.chance(500) {
                return self.end(client, Ending::Unknown);
            }
        } else {
            state.leader = (from + 1) % stores;
        }
        // Looks elsewhere now, as if the attempt had timed out.
        let at = self.now + state.pause_ms(1, 100) * MILLISECOND;
        self.schedule(at, Event::Client { client, operation, attempt });
    }

    /// Ends the open operation, and lets the client go on later.
    pub(super) fn end(&mut self, client: usize, ending: Ending) {
        let state = &mut self.clients[client];
        let OpenOperation { request, asked, call, .. } =
            state.open.take().expect("an operation is open");
        state.operation += 1;
        let operation = state.operation;
        let is_write = matches!(asked, Asked::Write(_));
        match &ending {
            Ending::Saw(_) if is_write => self.counts.acknowledged_writes += 1,
            Ending::Saw(_) => self.counts.reads += 1,
            Ending::Unknown if is_write => self.counts.unknown_writes += 1,
            Ending::NotApplied | Ending::Unknown => {}
        }
        self.counts.writes += u64::from(is_write);
        self.history.push(OperationRecord { client, request, asked, call, end: self.now, ending });
        let at = self.now + self.clients[client].pause_ms(20, 300) * MILLISECOND;
        self.schedule(at, Event::Client { client, operation, attempt: 0 });
    }
}

/// Counts an attempt of a write as one that may have been applied, until it proves that it was not.
fn open_attempt(open: &mut OpenOperation, asked: &Asked) {
    if matches!(asked, Asked::Write(_)) {
        open.maybe += 1;
    }
}
