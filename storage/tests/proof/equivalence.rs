//! Equivalence: the engine and the model, action by action (P1).
//!
//! ```text
//!   action --> engine --> all that it shows --.
//!        '---> model  --> all that it holds --+--> the same, after each
//!   sometimes: killed, closed, or given batches that do not fit
//! ```

use crate::counts::{Row, seeds, tally};
use crate::page;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use storage::{Batch, Entry, EntryId, Error, GroupId, Index, Log, SimDisk, Term};
use testbed::engine::entries::{entry, small};
use testbed::engine::history::{History, LogCall, Mix};
use testbed::engine::model::{HeldGroup, Model};

/// How many actions a history has.
const ACTIONS: usize = 150;

/// Closes or kills a log, and opens it again.
fn reopen(disk: &mut SimDisk, log: Log<SimDisk>, rng: &mut ChaCha8Rng) -> Log<SimDisk> {
    if rng.random() {
        log.close().unwrap();
    } else {
        *disk = disk.after_kill();
    }
    Log::open_on(disk.clone(), small()).unwrap()
}

#[test]
fn the_engine_shows_what_the_model_holds_after_every_action() {
    let mut actions = 0;
    for seed in seeds(150, 5000) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut disk = SimDisk::new(seed);
        let mut log = Log::open_on(disk.clone(), small()).unwrap();
        let history = History::drawn(seed, ACTIONS, &Model::default(), Mix::USUAL);
        let mut state = 0;
        for (nth, action) in history.actions.iter().enumerate() {
            let place = format!("seed {seed}, action {nth}");
            action.perform(&log).unwrap_or_else(|e| panic!("{place}: {action:?}: {e}"));
            state += usize::from(matches!(action, LogCall::Append { .. }));
            let held = &history.states[state];
            if rng.random_ratio(1, 20) {
                log = reopen(&mut disk, log, &mut rng);
            }
            assert_eq!(&Model::of(&log), held, "{place}: {action:?}");
            append_what_does_not_fit(&log, held, &place);
            read_at_random(&log, held, &mut rng, &place);
            actions += 1;
        }
        // And a reader that knows only the format's page reads the same from the files.
        assert_eq!(&page::replay(&page::Segment::all(&disk)), history.states.last().unwrap());
    }
    tally(Row::Actions, actions, 10_000);
}

/// Appends batches that do not fit, and checks that nothing of them is left, not even a part that fits.
fn append_what_does_not_fit(log: &Log<SimDisk>, held: &Model, place: &str) {
    let before = (log.appended_lsn(), log.stats());
    for (group, held) in &held.groups {
        let (base, last) = (held.base.index.0, held.last());
        let gap = entry(last + 2, 1, 5);
        let gone = entry(base, 1, 5);
        let beyond = EntryId::new(last + 1, 1);
        let other_term = EntryId { term: Term(held.base.term.0 + 77), ..held.base };
        let mut batches = [(); 4].map(|()| Batch::new());
        for batch in &mut batches {
            batch.put(*group, b"a part that fits", b"").delete(*group, b"k");
        }
        let [for_gap, for_gone, for_beyond, for_term] = &mut batches;
        for_gap.entries(*group, &[gap]);
        for_gone.entries(*group, &[gone]);
        for_beyond.compact(*group, beyond);
        for_term.compact(*group, other_term);
        for batch in &batches {
            let error = log.append(batch).map(|_| ()).unwrap_err();
            let is_the_batchs = matches!(
                error,
                Error::Gap { .. }
                    | Error::Compacted { .. }
                    | Error::OutOfRange { .. }
                    | Error::Mismatch { .. }
            );
            assert!(is_the_batchs, "{place}: {error}");
        }
    }
    let stranger = GroupId(1000);
    let error = log.append(Batch::new().remove_group(stranger)).map(|_| ()).unwrap_err();
    assert!(matches!(error, Error::UnknownGroup { group } if group == stranger), "{place}");
    assert_eq!((log.appended_lsn(), log.stats()), before, "{place}: a refusal left something");
}

/// Reads a drawn range of a drawn group, under a drawn limit.
fn read_at_random(log: &Log<SimDisk>, held: &Model, rng: &mut ChaCha8Rng, place: &str) {
    let groups: Vec<(&GroupId, &HeldGroup)> = held.groups.iter().collect();
    let Some((group, held)) = groups.get(rng.random_range(0..groups.len().max(1))).copied() else {
        return;
    };
    let (first, last) = (held.base.index.0 + 1, held.last());
    let from = rng.random_range(first..=last + 1);
    let to = rng.random_range(from..=last + 1);
    let limit = rng.random_range(0..500u64);
    let read = log.entries(*group, Index(from)..Index(to), limit).unwrap();
    let wanted = &held.entries[(from - first) as usize..(to - first) as usize];
    let mut fitting: Vec<Entry> = Vec::new();
    let mut bytes = 0;
    for entry in wanted {
        bytes += entry.data.len() as u64;
        if bytes > limit && !fitting.is_empty() {
            break;
        }
        fitting.push(entry.clone());
    }
    assert_eq!(read, fitting, "{place}: {group} {from}..{to} within {limit} bytes");
    assert_eq!(log.term(*group, Index(last + 1)), None, "{place}");
}
