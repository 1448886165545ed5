//! Group commit: the rules, step by step; then with threads (P11). Also readers beside writers (P12), and a
//! collector that moves records while writers replace them.

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use storage::{Batch, GroupCommit, GroupId, Index, Log, Lsn, Options, SimDisk, SyncRole};
use testbed::engine::entries::{entry, small};
use testbed::engine::model::Model;

#[test]
fn one_caller_leads_for_all_appended_batches_and_the_others_wait() {
    let mut commit = GroupCommit::after(Lsn(0));
    commit.append(Lsn(1));
    assert_eq!(commit.ask(Lsn(1)), SyncRole::Lead { through: Lsn(1) });
    commit.append(Lsn(2));
    commit.append(Lsn(3));
    assert_eq!(commit.ask(Lsn(2)), SyncRole::Wait);
    assert_eq!(commit.ask(Lsn(1)), SyncRole::Wait, "its sync has begun, but has not finished");
    commit.finish(Lsn(1));
    assert_eq!(commit.ask(Lsn(1)), SyncRole::Durable);
    assert_eq!(
        commit.ask(Lsn(2)),
        SyncRole::Lead { through: Lsn(3) },
        "the sync covers the third too"
    );
    assert_eq!(commit.ask(Lsn(3)), SyncRole::Wait);
    commit.finish(Lsn(3));
    assert_eq!((commit.ask(Lsn(2)), commit.ask(Lsn(3))), (SyncRole::Durable, SyncRole::Durable));
    assert_eq!(commit.syncs(), 2);
}

#[test]
fn a_batch_appended_during_a_sync_is_not_covered_by_it() {
    let mut commit = GroupCommit::after(Lsn(0));
    commit.append(Lsn(1));
    assert_eq!(commit.ask(Lsn(1)), SyncRole::Lead { through: Lsn(1) });
    commit.append(Lsn(2));
    commit.finish(Lsn(1));
    assert_eq!((commit.durable(), commit.appended()), (Lsn(1), Lsn(2)));
    assert_ne!(commit.ask(Lsn(2)), SyncRole::Durable);
}

#[test]
fn after_a_failure_no_caller_leads_and_durable_batches_stay_durable() {
    let mut commit = GroupCommit::after(Lsn(4));
    commit.append(Lsn(5));
    assert_eq!(commit.ask(Lsn(5)), SyncRole::Lead { through: Lsn(5) });
    assert_eq!(commit.ask(Lsn(5)), SyncRole::Wait);
    commit.finish_failed();
    assert_eq!(commit.ask(Lsn(5)), SyncRole::Broken);
    assert_eq!(commit.ask(Lsn(4)), SyncRole::Durable);
}

#[test]
fn a_sync_in_progress_may_finish_after_another_failure() {
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
fn every_waiting_caller_wakes_when_the_disk_fails() {
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
                    // The whole suffix changes at once, or none of it.
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
                log.gc().unwrap(); // entries that are read may be moved, and their file may become the spare
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

/// Frees the waiting writers when the collector ends, also if it panics.
struct LastTurn<'a>(&'a Turns);

impl Drop for LastTurn<'_> {
    fn drop(&mut self) {
        self.0.is_last.store(true, Ordering::Relaxed);
    }
}

/// How many keys and entries each writer replaces.
const REPLACED: u64 = 24;

/// Replaces keys and entries of a group, batch by batch. After every eighth batch, checks that the log holds
/// the newest ones: a collector must not have written older ones behind them.
fn replace_and_check(log: &Log<SimDisk>, group: GroupId, batches: u64, turns: &Turns) {
    let mut rng = ChaCha8Rng::seed_from_u64(group.0);
    let mut keys = vec![0; REPLACED as usize];
    let mut terms = Vec::new();
    for batch in 1..=batches {
        let key = rng.random_range(0..keys.len());
        // All entries from here on are replaced. Mostly few, so that the others grow old.
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
fn a_replaced_record_stays_replaced_although_a_collector_moves_records() {
    let disk = SimDisk::new(1);
    let log = Log::open_on(disk.clone(), small()).unwrap();
    let (is_over, turns) = (AtomicBool::new(false), Turns::default());
    let moved: u64 = std::thread::scope(|scope| {
        let writers = [1, 2, 3].map(|group| {
            let (log, turns) = (&log, &turns);
            scope.spawn(move || replace_and_check(log, GroupId(group), 3000, turns))
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
    assert!(moved > 100, "only {moved} items moved: too few to race with");
    assert_eq!(Model::of(&Log::open_on(disk.after_kill(), small()).unwrap()), Model::of(&log));
}
