//! A crash at every operation of a history: what comes back is a prefix of the batches, and holds at least
//! all that a returned sync covers. Nothing of a batch comes back without the rest of it (SK44).

use bytes::Bytes;
use kv::memtable::{Family, KeyRange, Memtable, Options, Sequence, WriteBatch};
use std::collections::BTreeMap;
use storage::{Fate, Fates, Fault, Sector, SimDisk};

type Values = BTreeMap<(Family, Bytes), Bytes>;

fn small() -> Options {
    let wal = storage::Options {
        segment_bytes: 16 << 10,
        max_batch_bytes: 8 << 10,
        ..storage::Options::default()
    };
    Options { wal }
}

/// Keeps, loses and tears by a fixed pattern.
struct Pattern(u64);

impl Fates for Pattern {
    fn sector(&mut self, _: Sector) -> Fate {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(99);
        match self.0 >> 33 & 3 {
            0 => Fate::Kept,
            1 | 2 => Fate::Lost,
            _ => Fate::Torn { with: (self.0 >> 40) as u8 },
        }
    }

    fn keeps_name(&mut self) -> bool {
        self.sector(Sector { file: 0, write: 0, offset: 0, len: 0 }) == Fate::Kept
    }
}

/// Returns batch `number`: it touches two families, and removes what an earlier one has put.
fn batch(number: u64) -> WriteBatch {
    let mut batch = WriteBatch::new();
    batch.put(Family::Default, format!("k{number}"), vec![number as u8; 300]);
    batch.put(Family::Raft, "last", number.to_string());
    if number % 5 == 4 {
        batch.delete(Family::Default, format!("k{}", number - 2));
        batch.delete_range(Family::Default, "k1", Some(format!("k{}", number - 3).into()));
    }
    batch
}

fn held(table: &Memtable<SimDisk>) -> Values {
    let view = table.snapshot();
    let of = |family| {
        let all = view.iter(family, &KeyRange::all());
        all.map(move |(key, value)| ((family, key.clone()), value.clone())).collect::<Vec<_>>()
    };
    Family::ALL.into_iter().flat_map(of).collect()
}

/// Returns what the first batches lead to, by their number.
fn expected(batches: u64) -> Vec<Values> {
    let table = Memtable::open_on(SimDisk::new(1), small()).expect("the disk works");
    let mut states = vec![held(&table)];
    for number in 1..=batches {
        table.write(&batch(number)).expect("the disk works");
        states.push(held(&table));
    }
    states
}

/// Writes a history, and syncs after every third batch. Returns how far it came, and what is durable.
fn run(disk: &SimDisk, batches: u64) -> (Sequence, Sequence) {
    let (mut written, mut durable) = (Sequence(0), Sequence(0));
    let Ok(table) = Memtable::open_on(disk.clone(), small()) else { return (written, durable) };
    for number in 1..=batches {
        match table.write(&batch(number)) {
            Ok(sequence) => written = sequence,
            Err(_) => break,
        }
        if number % 3 == 0 {
            match table.sync() {
                Ok(sequence) => durable = sequence,
                Err(_) => break,
            }
        }
    }
    (written, durable)
}

#[test]
fn a_crash_at_every_operation_leaves_a_prefix_with_all_that_was_synced() {
    const BATCHES: u64 = 60;
    let states = expected(BATCHES);
    let calm = SimDisk::new(1);
    run(&calm, BATCHES);
    let (mut images, operations) = (0, calm.operations());
    for operation in 1..=operations {
        for fault in [Fault::PowerCut, Fault::Fails, Fault::Short] {
            let disk = SimDisk::new(1);
            disk.plan(operation, fault);
            let (written, durable) = run(&disk, BATCHES);
            let after = [
                disk.after_kill(),
                disk.after_power_cut(&mut Pattern(operation)),
                disk.after_power_cut(&mut Pattern(!operation)),
            ];
            for after in after {
                images += 1;
                let place = format!("operation {operation}, {fault:?}");
                let table =
                    Memtable::open_on(after, small()).unwrap_or_else(|e| panic!("{place}: {e}"));
                let back = table.sequence();
                assert!(durable <= back, "{place}: {back} came back, but {durable} was durable");
                // A batch that was refused may be back: it was appended, and the answer was an error.
                assert!(back.0 <= written.0 + 1, "{place}: {back} came back of {written}");
                assert_eq!(held(&table), states[back.0 as usize], "{place}");
                table.write(&batch(back.0 + 1)).unwrap();
                assert_eq!(
                    held(&table),
                    states.get(back.0 as usize + 1).unwrap_or(&held(&table)).clone()
                );
            }
        }
    }
    println!("{images} images of {operations} operations");
    assert!(images > 700, "{images} images are too few");
}

#[test]
fn on_a_full_disk_writes_are_refused_and_reads_go_on() {
    let disk = SimDisk::new(1);
    let table = Memtable::open_on(disk.clone(), small()).unwrap();
    disk.set_free_bytes(Some(0));
    let mut number = 0;
    let error = loop {
        number += 1;
        assert!(number < 1000, "the disk is never full");
        match table.write(&batch(number)) {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert!(error.is_refusal(), "{error}");
    let before = held(&table);
    assert_eq!(table.sequence(), Sequence(number - 1));
    disk.set_free_bytes(None);
    table.write(&batch(number)).unwrap();
    assert_ne!(held(&table), before);
    drop(table);
    assert_eq!(Memtable::open_on(disk, small()).unwrap().sequence(), Sequence(number));
}

#[test]
fn rot_in_the_log_is_refused_with_its_place() {
    let disk = SimDisk::new(1);
    run(&disk, 30);
    let disk = disk.after_kill();
    disk.rot("00000001.log", 4096 + 200, 1);
    let Err(error) = Memtable::open_on(disk, small()) else { panic!("it opened") };
    assert!(error.to_string().contains("segment 1"), "{error}");
}
