//! The queue's decisions, one by one. Then every order in which three callers can come twice each.

use super::{BACKOFF_SYNCS_MAX, Caller, CommitQueue, Turn, Wakeups};
use crate::types::Lsn;
use std::collections::{BTreeSet, VecDeque};

/// A queue, and the last LSN that was appended. Callers are numbers.
struct Stage {
    queue: CommitQueue<u32>,
    appended: u64,
}

impl Stage {
    fn new() -> Stage {
        Stage { queue: CommitQueue::after(Lsn(0)), appended: 0 }
    }

    /// A writer appends, and asks while there is time to wait.
    fn write(&mut self, who: u32) -> Turn {
        self.write_as(who, Caller::Writer, true)
    }

    /// A writer appends, and asks when the time to wait is over.
    fn write_late(&mut self, who: u32) -> Turn {
        self.write_as(who, Caller::Writer, false)
    }

    fn write_as(&mut self, who: u32, caller: Caller, is_in_time: bool) -> Turn {
        self.appended += 1;
        let lsn = Lsn(self.appended);
        self.queue.append(lsn);
        self.queue.ask(&who, caller, lsn, || is_in_time)
    }

    /// The leader's sync returns. It covers all that is appended now, except the last `later`
    /// frames.
    fn finish_all_but(&mut self, later: u64) -> Wakeups<u32> {
        self.queue.finish(Lsn(self.appended - later))
    }
}

fn lead(through: u64) -> Turn {
    Turn::Lead { through: Lsn(through) }
}

fn wakeups(served: &[u32], again: &[u32]) -> Wakeups<u32> {
    Wakeups { served: served.to_vec(), again: again.to_vec() }
}

#[test]
fn one_caller_alone_never_waits() {
    let mut queue = CommitQueue::after(Lsn(0));
    for lsn in (1..=100).map(Lsn) {
        queue.append(lsn);
        let turn = queue.ask(&1, Caller::Writer, lsn, || panic!("no writer is expected"));
        assert_eq!(turn, Turn::Lead { through: lsn });
        assert_eq!(queue.finish(lsn), wakeups(&[], &[]));
    }
}

#[test]
fn a_leader_waits_for_as_many_writers_as_were_served_and_the_last_of_them_leads() {
    let mut stage = Stage::new();
    assert_eq!(stage.write(1), lead(1));
    assert_eq!([stage.write(2), stage.write(3)], [Turn::Sleep; 2]);
    // 1 was served, 2 and 3 wait: three are expected, and 2 is the next leader.
    assert_eq!(stage.finish_all_but(2), wakeups(&[], &[2]));
    assert_eq!(stage.queue.ask(&2, Caller::Writer, Lsn(2), || true), Turn::SleepWithTimeout);
    assert_eq!(stage.write(1), lead(4), "it is the last one expected, so it leads at once");
    assert_eq!(stage.finish_all_but(0), wakeups(&[3, 2], &[]), "in the order in which they came");
    // All three were served: now the first to come is the next leader.
    assert_eq!(stage.write(3), Turn::SleepWithTimeout);
    assert_eq!(stage.write(1), Turn::Sleep, "there is a next leader already");
    assert_eq!(stage.write(2), lead(7));
    assert_eq!(stage.finish_all_but(0), wakeups(&[3, 1], &[]));
    assert_eq!(stage.queue.commit().syncs(), 3, "for seven batches");
}

#[test]
fn when_the_time_is_over_the_next_leader_leads_for_all_that_wait() {
    let mut stage = Stage::new();
    assert_eq!(stage.write(1), lead(1));
    assert_eq!([stage.write(2), stage.write(3)], [Turn::Sleep; 2]);
    assert_eq!(stage.finish_all_but(2), wakeups(&[], &[2]));
    assert_eq!(stage.queue.ask(&2, Caller::Writer, Lsn(2), || true), Turn::SleepWithTimeout);
    assert_eq!(stage.queue.ask(&2, Caller::Writer, Lsn(2), || false), lead(3));
    assert_eq!(stage.finish_all_but(0), wakeups(&[3], &[]));
}

#[test]
fn a_caller_that_comes_after_the_time_is_over_leads_at_once() {
    let mut stage = Stage::new();
    assert_eq!(stage.write(1), lead(1));
    assert_eq!(stage.write(2), Turn::Sleep);
    assert_eq!(stage.finish_all_but(1), wakeups(&[], &[2]));
    assert_eq!(stage.write_late(3), lead(3));
    assert_eq!(stage.finish_all_but(0), wakeups(&[2], &[]));
}

#[test]
fn a_sync_wakes_the_callers_that_it_served_and_one_more() {
    let mut stage = Stage::new();
    assert_eq!(stage.write(1), lead(1));
    for who in 2..=8 {
        assert_eq!(stage.write(who), Turn::Sleep);
    }
    assert_eq!(stage.finish_all_but(7), wakeups(&[], &[2]), "3 to 8 sleep on");
    assert_eq!(stage.queue.ask(&2, Caller::Writer, Lsn(2), || false), lead(8));
    assert_eq!(stage.write(9), Turn::Sleep);
    assert_eq!(stage.finish_all_but(1), wakeups(&[3, 4, 5, 6, 7, 8], &[9]));
}

#[test]
fn each_wait_that_does_not_help_doubles_the_backoff_up_to_a_limit() {
    // 1 and 2 take turns, and neither of them ever comes back in time.
    let mut stage = Stage::new();
    assert_eq!(stage.write(1), lead(1));
    let (mut without, mut gaps) = (0, Vec::new());
    for who in [2, 1].into_iter().cycle().take(80) {
        assert_eq!(stage.write(who), Turn::Sleep);
        assert_eq!(stage.finish_all_but(1), wakeups(&[], &[who]));
        let lsn = Lsn(stage.appended);
        if stage.queue.ask(&who, Caller::Writer, lsn, || true) == Turn::SleepWithTimeout {
            gaps.push(std::mem::take(&mut without));
            let turn = stage.queue.ask(&who, Caller::Writer, lsn, || false);
            assert_eq!(turn, Turn::Lead { through: lsn });
        } else {
            without += 1;
        }
    }
    assert_eq!(gaps, [0, 1, 2, 4, 8, 16, 16, 16]);
    assert_eq!(gaps.last(), Some(&BACKOFF_SYNCS_MAX));
    // Once they come back in time: after that the backoff starts from the beginning.
    let mut is_back = false;
    let mut gaps = Vec::new();
    for _ in 0..BACKOFF_SYNCS_MAX + 8 {
        assert_eq!(stage.write(2), Turn::Sleep);
        stage.finish_all_but(1);
        let lsn = Lsn(stage.appended);
        let turn = stage.queue.ask(&2, Caller::Writer, lsn, || true);
        if turn != Turn::SleepWithTimeout {
            assert_eq!(turn, Turn::Lead { through: lsn });
            without += 1;
        } else if is_back {
            gaps.push(std::mem::take(&mut without));
            let turn = stage.queue.ask(&2, Caller::Writer, lsn, || false);
            assert_eq!(turn, Turn::Lead { through: lsn });
        } else {
            (is_back, without) = (true, 0);
            assert_eq!(stage.write(1), lead(stage.appended), "no other writer is expected");
        }
    }
    assert_eq!(gaps[..3], [0, 1, 2]);
}

#[test]
fn maintenance_never_waits_for_writers_and_no_leader_waits_for_maintenance() {
    let mut stage = Stage::new();
    assert_eq!(stage.write(1), lead(1));
    assert_eq!(stage.write(2), Turn::Sleep);
    assert_eq!(stage.finish_all_but(1), wakeups(&[], &[2]));
    assert_eq!(stage.write_late(1), lead(3));
    assert_eq!(stage.finish_all_but(0), wakeups(&[2], &[]));
    assert_eq!(stage.write_as(3, Caller::Maintenance, true), lead(4), "two writers are expected");
    assert_eq!(stage.write(2), Turn::Sleep);
    assert_eq!(stage.finish_all_but(1), wakeups(&[], &[2]));
    // One writer waits, and maintenance was served: only the writer is expected.
    assert_eq!(stage.queue.ask(&2, Caller::Writer, Lsn(5), || true), lead(5));
    assert_eq!(stage.write_as(3, Caller::Maintenance, true), Turn::Sleep);
    assert_eq!(stage.finish_all_but(1), wakeups(&[], &[3]));
    assert_eq!(stage.write(2), lead(7), "it does not wait for maintenance, which waits");
    assert_eq!(stage.finish_all_but(0), wakeups(&[3], &[]));
    assert_eq!(stage.write(2), lead(8), "nor for maintenance, which was served");
}

#[test]
fn a_failed_sync_wakes_all_and_no_caller_waits_again() {
    let mut stage = Stage::new();
    assert_eq!(stage.write(1), lead(1));
    assert_eq!([stage.write(2), stage.write(3)], [Turn::Sleep; 2]);
    assert_eq!(stage.queue.finish_failed(), wakeups(&[], &[2, 3]));
    for (who, lsn) in [(2, 2), (3, 3)] {
        let turn = stage.queue.ask(&who, Caller::Writer, Lsn(lsn), || panic!("none is expected"));
        assert_eq!(turn, Turn::GiveUp);
    }
}

#[test]
fn a_failure_elsewhere_wakes_a_leader_that_waits_for_writers() {
    let mut stage = Stage::new();
    assert_eq!(stage.write(1), lead(1));
    assert_eq!([stage.write(2), stage.write(3)], [Turn::Sleep; 2]);
    stage.finish_all_but(2);
    assert_eq!(stage.queue.ask(&2, Caller::Writer, Lsn(2), || true), Turn::SleepWithTimeout);
    assert_eq!(stage.queue.fail(), wakeups(&[], &[3, 2]));
    assert_eq!(stage.queue.ask(&2, Caller::Writer, Lsn(2), || true), Turn::GiveUp);
    // A sync in progress succeeds after all: its frames are durable, and no writer is expected
    // again.
    let mut stage = Stage::new();
    assert_eq!(stage.write(1), lead(1));
    assert_eq!(stage.write(2), Turn::Sleep);
    assert_eq!(stage.queue.fail(), wakeups(&[], &[2]));
    assert_eq!(stage.finish_all_but(1), wakeups(&[], &[]));
    assert_eq!(stage.write(1), Turn::GiveUp);
}

// Every order.

/// Where a caller is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Where {
    /// It waits for nothing.
    Away,
    /// It is awake, and asks next.
    Asks,
    /// It sleeps. The next leader sleeps only until the time is over.
    Sleeps { in_time: bool },
    /// It syncs. Everything up to `covers` was appended when it began, and will be on the platter.
    Syncs { through: u64, covers: u64 },
}

/// What a caller was told. It learns this only when it sleeps, perhaps much later.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Call {
    Durable,
    Again,
}

#[derive(Clone, Debug)]
struct ModelWriter {
    place: Where,
    called: Option<Call>,
    lsn: u64,
    batches_left: u32,
}

/// The queue, the writers, and the disk.
#[derive(Clone, Debug)]
struct Scene {
    queue: CommitQueue<usize>,
    writers: Vec<ModelWriter>,
    appended: u64,
    platter: u64,
    has_failed: bool,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Append,
    Ask { in_time: bool },
    Hear,
    TimeIsOver,
    Return,
    Fail,
}

impl Scene {
    fn steps(&self) -> Vec<(usize, Step)> {
        let mut steps = Vec::new();
        for (who, writer) in self.writers.iter().enumerate() {
            let can: &[Step] = match (writer.place, writer.called) {
                (Where::Away, _) if writer.batches_left > 0 => &[Step::Append],
                (Where::Away, _) => &[],
                (Where::Asks, _) => &[Step::Ask { in_time: true }, Step::Ask { in_time: false }],
                (Where::Sleeps { .. }, Some(_)) => &[Step::Hear],
                (Where::Sleeps { in_time: true }, None) => &[Step::TimeIsOver],
                (Where::Sleeps { in_time: false }, None) => &[],
                (Where::Syncs { .. }, _) if self.has_failed => &[Step::Return],
                (Where::Syncs { .. }, _) => &[Step::Return, Step::Fail],
            };
            steps.extend(can.iter().map(|step| (who, *step)));
        }
        steps
    }

    fn take(&mut self, who: usize, step: Step) {
        match step {
            Step::Append => {
                self.appended += 1;
                self.queue.append(Lsn(self.appended));
                let batches_left = self.writers[who].batches_left - 1;
                let (place, called, lsn) = (Where::Asks, None, self.appended);
                self.writers[who] = ModelWriter { place, called, lsn, batches_left };
            }
            Step::Ask { in_time } => self.ask(who, in_time),
            Step::TimeIsOver => self.ask(who, false),
            Step::Hear => match self.writers[who].called.take() {
                Some(Call::Durable) => self.go(who),
                Some(Call::Again) | None => self.writers[who].place = Where::Asks,
            },
            Step::Return => {
                let Where::Syncs { through, covers } = self.writers[who].place else {
                    unreachable!("it syncs")
                };
                self.platter = self.platter.max(covers);
                self.writers[who].place = Where::Asks;
                let wakeups = self.queue.finish(Lsn(through));
                assert!(wakeups.again.len() <= 1, "{wakeups:?}");
                self.call(wakeups);
            }
            Step::Fail => {
                self.has_failed = true;
                self.writers[who].place = Where::Away;
                let wakeups = self.queue.finish_failed();
                assert!(wakeups.served.is_empty());
                self.call(wakeups);
                let is_missed = |writer: &ModelWriter| {
                    matches!(writer.place, Where::Sleeps { .. }) && writer.called.is_none()
                };
                assert!(!self.writers.iter().any(is_missed), "an error wakes all: {self:?}");
            }
        }
    }

    fn ask(&mut self, who: usize, in_time: bool) {
        let is_syncing = |writer: &ModelWriter| matches!(writer.place, Where::Syncs { .. });
        let is_anybody_syncing = self.writers.iter().any(is_syncing);
        let lsn = self.writers[who].lsn;
        match self.queue.ask(&who, Caller::Writer, Lsn(lsn), || in_time) {
            Turn::Go => self.go(who),
            Turn::GiveUp => {
                assert!(self.has_failed, "{self:?}");
                self.writers[who].place = Where::Away;
            }
            Turn::Lead { through } => {
                assert!(!is_anybody_syncing && !self.has_failed && through.0 >= lsn, "{self:?}");
                let covers = self.appended;
                self.writers[who].place = Where::Syncs { through: through.0, covers };
            }
            Turn::Sleep => self.writers[who].place = Where::Sleeps { in_time: false },
            Turn::SleepWithTimeout => {
                assert!(in_time && !is_anybody_syncing, "no wait is due here: {self:?}");
                self.writers[who].place = Where::Sleeps { in_time: true };
            }
        }
    }

    /// A writer is told that its batch is durable. The batch must be on the platter.
    fn go(&mut self, who: usize) {
        assert!(self.writers[who].lsn <= self.platter, "told too early: {self:?}");
        self.writers[who].place = Where::Away;
    }

    /// Wakes writers. Some of them may be awake already.
    fn call(&mut self, wakeups: Wakeups<usize>) {
        let served = wakeups.served.into_iter().map(|who| (who, Call::Durable));
        for (who, call) in served.chain(wakeups.again.into_iter().map(|who| (who, Call::Again))) {
            let writer = &mut self.writers[who];
            assert!(matches!(writer.place, Where::Sleeps { .. } | Where::Asks), "{writer:?}");
            writer.called = Some(call);
        }
    }

    /// Checks that, if a writer sleeps, some writer can take a step other than an append.
    fn check(&self, steps: &[(usize, Step)]) {
        let sleeps = |writer: &ModelWriter| matches!(writer.place, Where::Sleeps { .. });
        let mut others = steps.iter().filter(|(_, step)| !matches!(step, Step::Append));
        let is_anybody_lost = self.writers.iter().any(sleeps) && others.next().is_none();
        assert!(!is_anybody_lost, "no writer will wake them: {self:?}");
    }
}

#[test]
fn no_order_of_three_writers_loses_one_or_tells_one_too_early() {
    let away = ModelWriter { place: Where::Away, called: None, lsn: 0, batches_left: 2 };
    let (queue, writers) = (CommitQueue::after(Lsn(0)), vec![away; 3]);
    let first = Scene { queue, writers, appended: 0, platter: 0, has_failed: false };
    let mut seen = BTreeSet::from([format!("{first:?}")]);
    let mut due = VecDeque::from([first]);
    let (mut ends, mut waits) = (0, 0);
    while let Some(scene) = due.pop_front() {
        let steps = scene.steps();
        scene.check(&steps);
        ends += u64::from(steps.is_empty() && !scene.has_failed);
        for (who, step) in steps {
            waits += u64::from(matches!(step, Step::TimeIsOver));
            let mut next = scene.clone();
            next.take(who, step);
            if seen.insert(format!("{next:?}")) {
                due.push_back(next);
            }
        }
    }
    println!("{} scenes, {ends} ends, {waits} times over", seen.len());
    assert!(ends > 0 && waits > 0, "{ends} ends, {waits} waits for writers");
}
