//! porcupine's histories: verdicts, how many operations there are, and how many steps they take.
//!
//! Steps are the same on every machine, so they are compared exactly: a search that is as right and slower
//! fails here. What porcupine takes was measured once, where this table has a figure.

use crate::{EXACT, PRINTS, REGISTER};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use testbed::linear::*;

/// Names the folder of porcupine's histories.
const VARIABLE: &str = "PORCUPINE_TESTDATA";

/// The histories of Jepsen's register that are linearizable; all others are not.
const LINEARIZABLE: [u32; 23] =
    [2, 5, 7, 18, 25, 31, 38, 45, 48, 49, 51, 53, 56, 67, 75, 76, 80, 87, 92, 98, 100, 101, 102];

/// Histories of the register: their operations, and their steps.
const STEPS: [(u32, usize, u64); 50] = [
    (0, 85, 1_263),
    (1, 86, 1_764),
    (2, 77, 1_177_309),
    (3, 87, 583),
    (4, 85, 116),
    (5, 79, 808),
    (6, 83, 749),
    (7, 81, 887_001),
    (8, 84, 152),
    (9, 84, 439),
    (10, 84, 165),
    (11, 83, 815),
    (12, 81, 169),
    (13, 85, 104),
    (14, 81, 95),
    (15, 85, 456),
    (16, 82, 72),
    (17, 83, 155),
    (18, 83, 3_019),
    (19, 84, 1_617),
    (20, 84, 439),
    (21, 87, 115),
    (22, 79, 139),
    (23, 85, 511),
    (24, 82, 398),
    (25, 85, 290),
    (26, 84, 291),
    (27, 85, 248),
    (28, 83, 359),
    (29, 90, 714),
    (30, 84, 118),
    (31, 81, 120),
    (32, 88, 188),
    (33, 85, 278),
    (34, 82, 223),
    (35, 84, 63),
    (36, 81, 146),
    (37, 84, 778),
    (38, 87, 216),
    (39, 79, 275),
    (40, 83, 94_590),
    (41, 86, 84),
    (42, 83, 333),
    (43, 85, 69),
    (44, 82, 1_470),
    (45, 84, 105),
    (46, 87, 83),
    (47, 82, 573),
    (48, 80, 389),
    (49, 84, 145),
];

/// What porcupine takes for history 2, and for all 102.
const PORCUPINES_STEPS: (u64, u64) = (1_177_310, 3_301_715);

/// Histories of the key-value store: their operations, and their steps.
const KEY_VALUE: [(&str, usize, u64); 6] = [
    ("c01-ok", 58, 58),
    ("c01-bad", 38, 37),
    ("c10-ok", 337, 1_127),
    ("c10-bad", 405, 45),
    ("c50-ok", 1_712, 741_945),
    ("c50-bad", 2_024, 54_691),
];

fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os(VARIABLE).map(PathBuf::from);
    if folder.is_none() {
        println!("SKIPPED: {VARIABLE} names no folder of histories");
    }
    folder
}

/// Returns the file of a history of the register: porcupine keeps them in `test_data/jepsen`.
fn of_register(folder: &Path, number: u32) -> PathBuf {
    let kept = if folder.join("jepsen").is_dir() { "jepsen" } else { "etcd" };
    folder.join(format!("{kept}/etcd_{number:03}.log"))
}

#[test]
fn every_history_of_jepsens_register_has_porcupines_verdict() {
    let Some(folder) = corpus() else { return };
    let (mut histories, mut operations, mut steps) = (0, 0, 0);
    for number in (0..=102).filter(|number| *number != 95) {
        let path = of_register(&folder, number);
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let history = jepsen(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        for limits in [PRINTS, EXACT] {
            let checked = check(&REGISTER, &history, &limits);
            let is_linearizable = checked.judgement == Judgement::Linearizable;
            assert_eq!(is_linearizable, LINEARIZABLE.contains(&number), "{}", path.display());
            if let Some((_, operations, steps)) = STEPS.iter().find(|row| row.0 == number) {
                let found = (history.len(), checked.steps);
                assert_eq!(found, (*operations, *steps), "{}: {limits:?}", path.display());
            }
            steps += if limits == EXACT { checked.steps } else { 0 };
        }
        histories += 1;
        operations += history.len();
    }
    println!("{histories} histories, {operations} operations, {steps} steps");
    assert!(histories >= 50, "{} holds only {histories} histories", folder.display());
    if histories == 102 {
        assert_eq!(operations, 8_523);
        assert!(steps <= PORCUPINES_STEPS.1 * 105 / 100, "{steps} steps");
    }
}

#[test]
fn the_steps_are_porcupines() {
    let row = STEPS.iter().find(|row| row.0 == 2).expect("it is in the table");
    assert!(row.2 <= PORCUPINES_STEPS.0 * 105 / 100);
}

#[test]
fn every_key_value_history_has_porcupines_verdict() {
    let Some(folder) = corpus() else { return };
    let mut histories = 0;
    for (name, operations, steps) in KEY_VALUE {
        let path = folder.join(format!("kv/{name}.txt"));
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let history = key_value(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(history.len(), operations, "{name}");
        for limits in [PRINTS, EXACT] {
            let checked = check(&Appends, &history, &limits);
            println!("{name}: {:?}, {} steps", checked.judgement, checked.steps);
            let is_linearizable = checked.judgement == Judgement::Linearizable;
            assert_eq!(is_linearizable, name.ends_with("ok"), "{name}");
            // In which order the parts are searched is ours to choose; one bad part more or less is no mistake.
            assert!(checked.steps <= steps * 105 / 100, "{name}: {} steps", checked.steps);
        }
        histories += 1;
    }
    assert!(histories >= 4, "{} holds only {histories} histories", folder.display());
}

/// One key of the stores that fail in porcupine's corpus, minimised: what a reader is shown.
#[test]
fn a_bad_history_becomes_a_picture() {
    let Some(folder) = corpus() else { return };
    let text = std::fs::read_to_string(folder.join("kv/c10-bad.txt")).expect("it is there");
    let history = key_value(&text).expect("it is well formed");
    let fewest = minimise(&Appends, &history, &EXACT);
    let why = explain(&Appends, &fewest, &EXACT).expect("it is illegal");
    let mut shown = String::new();
    writeln!(shown, "{} of {} operations", fewest.len(), history.len()).expect("memory");
    shown += &draw(&Appends, &fewest, Some(&why), &[]);
    println!("{shown}");
    assert!(fewest.len() <= 12, "{shown}");
    assert!(shown.contains("!: "), "{shown}");
}

#[test]
#[ignore = "prints wall time, which depends on the machine"]
fn how_long_the_corpora_take() {
    let Some(folder) = corpus() else { return };
    for limits in [EXACT, PRINTS] {
        let mut seconds = 0.0;
        for number in 0..=102 {
            let path = of_register(&folder, number);
            let Ok(text) = std::fs::read_to_string(&path) else { continue };
            let history = jepsen(&text).expect("it is well formed");
            let begin = std::time::Instant::now();
            check(&REGISTER, &history, &limits);
            seconds += begin.elapsed().as_secs_f64();
        }
        println!("register, {:?}: {:.0} ms", limits.remember, 1e3 * seconds);
        for (name, ..) in KEY_VALUE {
            let path = folder.join(format!("kv/{name}.txt"));
            let Ok(text) = std::fs::read_to_string(&path) else { continue };
            let history = key_value(&text).expect("it is well formed");
            let begin = std::time::Instant::now();
            check(&Appends, &history, &limits);
            println!("{name}, {:?}: {:?}", limits.remember, begin.elapsed());
        }
    }
}
