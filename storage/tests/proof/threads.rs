//! Group commit: the rules, stepped by hand; then with threads (P11). Readers beside them (P12), and a
//! collector that moves what they replace.

use crate::history::small;
use crate::model::{Model, entry};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use storage::{Batch, GroupCommit, GroupId, Index, Log, Lsn, Options, SimDisk, SyncRole};

#[test]
fn one_leads_for_all_that_came_and_the_rest_wait() {
    let mut commit = GroupCommit::after(Lsn(0));
    commit.append(Lsn(1));
    assert_eq!(commit.ask(Lsn(1)), SyncRole::Lead { through: Lsn(1) });
    commit.append(Lsn(2));
    commit.append(Lsn(3));
    assert_eq!(commit.ask(Lsn(2)), SyncRole::Wait);
    assert_eq!(commit.ask(Lsn(1)), SyncRole::Wait, "its sync has begun, and has not returned");
    commit.finish(Lsn(1));
    assert_eq!(commit.ask(Lsn(1)), SyncRole::Durable);
    assert_eq!(commit.ask(Lsn(2)), SyncRole::Lead { through: Lsn(3) }, "for the third as well");
    assert_eq!(commit.ask(Lsn(3)), SyncRole::Wait);
    commit.finish(Lsn(3));
    assert_eq!((commit.ask(Lsn(2)), commit.ask(Lsn(3))), (SyncRole::Durable, SyncRole::Durable));
    assert_eq!(commit.syncs(), 2);
}

#[test]
fn what_came_while_a_sync_was_under_way_is_not_its_affair() {
    let mut commit = GroupCommit::after(Lsn(0));
    commit.append(Lsn(1));
    assert_eq!(commit.ask(Lsn(1)), SyncRole::Lead { through: Lsn(1) });
    commit.append(Lsn(2));
    commit.finish(Lsn(1));
    assert_eq!((commit.durable(), commit.appended()), (Lsn(1), Lsn(2)));
    assert_ne!(commit.ask(Lsn(2)), SyncRole::Durable);
}

#[test]
fn after_a_failure_nobody_leads_and_what_is_durable_stays_so() {
    let mut commit = GroupCommit::after(Lsn(4));
    commit.append(Lsn(5));
    assert_eq!(commit.ask(Lsn(5)), SyncRole::Lead { through: Lsn(5) });
    assert_eq!(commit.ask(Lsn(5)), SyncRole::Wait);
    commit.finish_failed();
    assert_eq!(commit.ask(Lsn(5)), SyncRole::Broken);
    assert_eq!(commit.ask(Lsn(4)), SyncRole::Durable);
}

#[test]
fn a_sync_that_had_begun_may_return_after_another_failure() {
    let mut commit = GroupCommit::after(Lsn(0));
    commit.append(Lsn(1));
    assert_eq!(commit.ask(Lsn(1)), SyncRole::Lead { through: Lsn(1) });
    commit.fail();
    assert_eq!(commit.ask(Lsn(1)), SyncRole::Broken);
    commit.finish(Lsn(1));
    assert_eq!(commit.ask(Lsn(1)), SyncRole::Durable);
    commit.append(Lsn(2));
    assert_eq!(commit.ask(Lsn(2)), SyncRole::Broken);
}

#[test]
fn many_threads_write_and_each_finds_its_own_entries() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { segment_bytes: 1 << 16, ..small() };
    let log = Log::open(dir.path(), options.clone()).unwrap();
    let (threads, each) = (8u64, 200u64);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..threads)
            .map(|thread| {
                let log = &log;
                scope.spawn(move || {
                    for index in 1..=each {
                        let entries = [entry(index, thread, 40)];
                        let lsn =
                            log.append(Batch::new().entries(GroupId(thread), &entries)).unwrap();
                        log.sync_to(lsn).unwrap();
                        assert!(log.durable_lsn() >= lsn);
                    }
                })
            })
            .collect();
        scope.spawn(|| {
            let ends = std::time::Instant::now() + std::time::Duration::from_secs(60);
            while !is_over.load(Ordering::Relaxed) && std::time::Instant::now() < ends {
                log.maintain().unwrap();
                log.gc().unwrap();
                for group in log.groups() {
                    if let Some(last) = log.last_index(group).filter(|last| last.0 > 0) {
                        log.entry(group, last).unwrap().unwrap();
                    }
                }
            }
        });
        for writer in writers {
            writer.join().unwrap();
        }
        is_over.store(true, Ordering::Relaxed);
    });
    let stats = log.stats();
    println!("{} appends, {} syncs", threads * each, stats.syncs);
    let held = Model::of(&log);
    drop(log);
    let again = Log::open(dir.path(), options).unwrap();
    assert_eq!(Model::of(&again), held);
    for thread in 0..threads {
        assert_eq!(again.last_index(GroupId(thread)), Some(Index(each)));
    }
}

#[test]
fn every_waiter_wakes_when_the_disk_fails() {
    let disk = SimDisk::new(1);
    let log = Log::open_on(disk.clone(), small()).unwrap();
    for operation in 1..200 {
        if operation % 2 == 0 {
            disk.plan(disk.operations() + 60 + operation, storage::Fault::Fails);
        }
    }
    let outcomes: BTreeMap<u64, String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|thread| {
                let log = &log;
                scope.spawn(move || {
                    let group = GroupId(thread);
                    for index in 1.. {
                        if let Err(e) =
                            log.write(Batch::new().entries(group, &[entry(index, 1, 9)]))
                        {
                            return (thread, e.to_string());
                        }
                    }
                    unreachable!("the disk fails before entries run out")
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(outcomes.len(), 4, "{outcomes:?}");
    assert_eq!(disk.syncs_after_failure(), 0);
}

#[test]
fn a_reader_beside_a_writer_sees_the_old_entries_or_the_new_ones() {
    let group = GroupId(1);
    let len_in = |term: u64| 20 + (term * 7 % 90) as usize;
    let entries = |from: u64, term: u64| -> Vec<_> {
        (from..=10).map(|index| entry(index, term, len_in(term))).collect()
    };
    let log = Log::open_on(SimDisk::new(1), small()).unwrap();
    log.append(Batch::new().entries(group, &entries(1, 1))).unwrap();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut newest = 0;
                while !is_over.load(Ordering::Relaxed) {
                    // All of the suffix changes at once, or none of it.
                    let read = log.entries(group, Index(5)..Index(11), u64::MAX).unwrap();
                    let term = read[0].id.term.0;
                    assert_eq!(read, entries(5, term));
                    assert!(term >= newest, "{term} is seen after {newest}");
                    newest = term;
                    let one = log.entry(group, Index(7)).unwrap().unwrap();
                    assert_eq!(one, entry(7, one.id.term.0, len_in(one.id.term.0)));
                }
            });
        }
        for term in 2..=4000 {
            log.append(Batch::new().entries(group, &entries(5, term))).unwrap();
            if term % 50 == 0 {
                log.gc().unwrap(); // what is read may be moved, and its file be the next spare
            }
        }
        is_over.store(true, Ordering::Relaxed);
    });
    assert_eq!(log.entries(group, Index(5)..Index(11), u64::MAX).unwrap(), entries(5, 4000));
}

/// A collector's turns, which writers wait for.
#[derive(Default)]
struct Turns {
    count: AtomicU64,
    is_last: AtomicBool,
}

impl Turns {
    /// Waits for the end of a turn, if there is still one to come.
    fn wait_for_next(&self) {
        let seen = self.count.load(Ordering::Relaxed);
        while self.count.load(Ordering::Relaxed) == seen && !self.is_last.load(Ordering::Relaxed) {
            std::thread::yield_now();
        }
    }
}

/// Lets nobody wait for a collector that has gone, if it panicked, too.
struct LastTurn<'a>(&'a Turns);

impl Drop for LastTurn<'_> {
    fn drop(&mut self) {
        self.0.is_last.store(true, Ordering::Relaxed);
    }
}

/// How many keys and entries each writer replaces.
const REPLACED: u64 = 24;

/// Replaces keys and entries of a group, one batch after the other, and looks now and then that what it has
/// written is what is there: a collector must not have written an older one behind it.
fn replace_and_look(log: &Log<SimDisk>, group: GroupId, batches: u64, turns: &Turns) {
    let mut rng = ChaCha8Rng::seed_from_u64(group.0);
    let mut keys = vec![0; REPLACED as usize];
    let mut terms = Vec::new();
    for batch in 1..=batches {
        let key = rng.random_range(0..keys.len());
        // From here on all entries are replaced; mostly few of them, so that the others grow old.
        let first = match terms.len() as u64 {
            held if held < REPLACED => held + 1,
            _ if rng.random_ratio(1, 20) => rng.random_range(1..=REPLACED),
            _ => REPLACED,
        };
        let entries: Vec<_> =
            (first..=REPLACED.min(first + 11)).map(|index| entry(index, batch, 60)).collect();
        let mut frame = Batch::new();
        frame.put(group, &[key as u8], &batch.to_le_bytes()).entries(group, &entries);
        log.append(&frame).unwrap();
        keys[key] = batch;
        terms.truncate(first as usize - 1);
        terms.extend(entries.iter().map(|entry| entry.id.term.0));
        // The writer's lock is not fair: without this the collector would hardly ever get it.
        turns.wait_for_next();
        if batch % 8 != 0 {
            continue;
        }

        for (key, batch) in keys.iter().enumerate().filter(|(_, batch)| **batch > 0) {
            let value = log.get(group, &[key as u8]);
            assert_eq!(value.as_deref(), Some(&batch.to_le_bytes()[..]), "{group}: key {key}");
        }
        let held = log.entries(group, Index(1)..Index(terms.len() as u64 + 1), u64::MAX).unwrap();
        for (index, (held, term)) in (1..).zip(held.iter().zip(&terms)) {
            assert_eq!(*held, entry(index, *term, 60), "{group}: after batch {batch}");
        }
    }
}

#[test]
fn what_a_writer_replaces_stays_replaced_though_a_collector_was_moving_it() {
    let disk = SimDisk::new(1);
    let log = Log::open_on(disk.clone(), small()).unwrap();
    let (is_over, turns) = (AtomicBool::new(false), Turns::default());
    let moved: u64 = std::thread::scope(|scope| {
        let writers = [1, 2, 3].map(|group| {
            let (log, turns) = (&log, &turns);
            scope.spawn(move || replace_and_look(log, GroupId(group), 3000, turns))
        });
        let collector = scope.spawn(|| {
            let _last = LastTurn(&turns);
            let mut moved = 0;
            while !is_over.load(Ordering::Relaxed) {
                moved += log.gc().unwrap().moved_items;
                turns.count.fetch_add(1, Ordering::Relaxed);
            }
            moved
        });
        let outcomes = writers.map(|writer| writer.join());
        is_over.store(true, Ordering::Relaxed);
        let moved = collector.join().unwrap();
        outcomes.into_iter().for_each(|outcome| outcome.unwrap());
        moved
    });
    println!("{moved} items moved beside three writers");
    assert!(moved > 100, "{moved} items moved: nothing to race with");
    assert_eq!(Model::of(&Log::open_on(disk.after_kill(), small()).unwrap()), Model::of(&log));
}
