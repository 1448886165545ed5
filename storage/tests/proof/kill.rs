//! A real process writes to a real directory, and is killed meanwhile: nothing that it acknowledged is
//! missing afterwards. A kill leaves the page cache as it is. So this test shows that the engine works on a
//! real file system, and says nothing about power cuts: `crash` does that.

use crate::counts::{Row, rounds, tally};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::{env, thread, time};
use storage::{Batch, EntryId, GroupId, Index, Log, Options};
use testbed::engine::entries::{entry, small};

/// The environment variable that names the child's directory.
const DIR: &str = "STORAGE_KILL_DIR";

/// Options that begin a new segment every few dozen batches.
fn options() -> Options {
    Options { segment_bytes: 1 << 15, max_batch_bytes: 1 << 13, ..small() }
}

/// As the child: writes until it is killed, and prints each durable entry. Otherwise does nothing.
#[test]
fn child() {
    let Some(dir) = env::var_os(DIR) else { return };
    let log = Log::open(dir, options()).unwrap();
    let groups = [GroupId(1), GroupId(2)];
    let mut next = groups.map(|group| log.last_index(group).map_or(1, |last| last.0 + 1));
    for round in 0u64.. {
        let (group, index) = (groups[(round % 2) as usize], &mut next[(round % 2) as usize]);
        let len = (round * 37 % 700) as usize;
        let mut batch = Batch::new();
        batch.entries(group, &[entry(*index, 1, len)]).put(group, b"last", &index.to_le_bytes());
        if *index > 50 {
            batch.compact(group, EntryId::new(*index - 50, 1));
        }
        log.write(&batch).unwrap();
        println!("durable {} {index}", group.0);
        *index += 1;
        if round % 40 == 0 {
            log.gc().unwrap();
        }
    }
}

#[test]
fn a_killed_writer_loses_nothing_it_acknowledged() {
    let rounds = rounds(100, 1000);
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged = [0u64; 3];
    let mut total = 0;
    for round in 0..rounds {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "kill::child", "--nocapture"])
            .env(DIR, dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (sender, acknowledgements) = mpsc::channel();
        let reader = thread::spawn(move || {
            let lines = lines.map_while(Result::ok).filter(|line| line.starts_with("durable "));
            let lines = lines.inspect(|_| sender.send(()).unwrap_or_default());
            lines.collect::<Vec<_>>()
        });
        // Every second child has acknowledged something before it is killed, even on a slow machine. The
        // others are killed at any moment, within recovery if they are slow.
        if round % 2 == 0 {
            acknowledgements.recv().expect("the writer died before it acknowledged anything");
        }
        thread::sleep(time::Duration::from_millis(10 + round * 13 % 50));
        child.kill().unwrap();
        child.wait().unwrap();
        for line in reader.join().unwrap() {
            // The last line may have been cut by the kill; a shorter number is still a true one.
            let mut words = line.split(' ').skip(1).map_while(|word| word.parse::<u64>().ok());
            if let (Some(group @ 1..=2), Some(index)) = (words.next(), words.next()) {
                acknowledged[group as usize] = acknowledged[group as usize].max(index);
                total += 1;
            }
        }
        let log = Log::open(dir.path(), options()).unwrap();
        for group in 1..=2 {
            let last = log.last_index(GroupId(group)).unwrap_or_default().0;
            let told = acknowledged[group as usize];
            assert!(
                last >= told,
                "round {round}: g{group} ends at {last}, but {told} was acknowledged"
            );
            if last > 0 {
                let stored = log.get(GroupId(group), b"last").unwrap();
                assert_eq!(stored[..], last.to_le_bytes(), "round {round}: a batch was torn");
                let first = log.first_index(GroupId(group)).unwrap();
                log.entries(GroupId(group), first..Index(last + 1), u64::MAX).unwrap();
            }
        }
    }
    tally(Row::Kills, rounds, 100);
    tally(Row::Acknowledged, total, rounds / 2);
}
