//! What people type, right and wrong.

use super::*;

fn take(line: &str) -> Result<(Options, Vec<String>), String> {
    let (options, rest) = Options::take(line.split_whitespace().map(OsString::from))?;
    Ok((options, rest.iter().map(|a| a.to_string_lossy().into_owned()).collect()))
}

#[test]
fn our_flags_are_taken_out_and_the_others_stay() {
    let (options, rest) =
        take("--seeds 50 aa_vote --report=r.jsonl --exact --traces t --test-threads 2").unwrap();
    assert_eq!(options.seeds, Seeds::Sweep { count: 50, share: 0, of: 1 });
    assert_eq!(options.report, Some("r.jsonl".into()));
    assert_eq!(options.traces, Some("t".into()));
    assert_eq!(options.mode, Mode::Workers);
    assert_eq!(rest, ["aa_vote", "--exact", "--test-threads", "2"]);
}

#[test]
fn a_worker_hears_the_same_seeds() {
    for line in ["", "--seed 7", "--seeds 40 --partition 3/8 --traces x --cpu-limit-ms 9"] {
        let (options, _) = take(line).unwrap();
        let (heard, rest) = Options::take(options.to_worker("t")).unwrap();
        assert_eq!(heard, Options { mode: Mode::Worker { test: "t".into() }, ..options });
        assert!(rest.is_empty());
    }
}

#[test]
fn a_story_is_of_one_seed() {
    let story = |row| Mode::Story(Wish { test: "aa_x".into(), row });
    for (line, mode, seed) in [
        ("--story aa_x", story(None), 0),
        ("--story=aa_x/3 --seed 9", story(Some(3)), 9),
        ("--story aa_x --seeds 50", story(None), 0),
    ] {
        let (options, _) = take(line).unwrap();
        assert_eq!((options.mode, options.seeds), (mode, Seeds::One(seed)));
    }
    let wants =
        "--story wants the whole name of a test, or with a row: aa_single_node/2, not 'x/y'";
    assert_eq!(take("--story x/y").unwrap_err(), wants);
}

#[test]
fn shares_are_a_partition_of_the_seeds() {
    for (count, of) in [(20, 1), (20, 3), (7, 7), (100, 8)] {
        let shares = (0..of).map(|share| Seeds::Sweep { count, share, of });
        let mut all: Vec<u64> = shares.clone().flat_map(Seeds::list).collect();
        all.sort_unstable();
        assert_eq!(all, (0..count).collect::<Vec<_>>());
        assert!(shares.into_iter().all(|s| s.len() == s.list().len() as u64));
    }
}

#[test]
fn a_wrong_flag_gets_a_sentence() {
    let wrong = [
        ("--seeds x", "--seeds wants a number from 1 to 1000000, not 'x'"),
        ("--seeds 0", "--seeds wants a number from 1 to 1000000, not '0'"),
        ("--seeds=1000001", "--seeds wants a number from 1 to 1000000, not '1000001'"),
        ("--seeds", "--seeds wants a number from 1 to 1000000 after it"),
        ("--seed -1", "--seed wants a number from 0 to 18446744073709551615, not '-1'"),
        ("--seed 1 --seeds 2", "give --seed or --seeds, not both"),
        ("--seed 1 --seed 2", "--seed is given twice"),
        ("--seed 1 --partition 1/2", "--seed is one seed: --partition has nothing to divide"),
        (
            "--partition 9/8",
            "--partition wants a share K/N with K from 1 to N, such as 2/8, not '9/8'",
        ),
        ("--partition 8", "--partition wants a share K/N with K from 1 to N, such as 2/8, not '8'"),
        ("--partition 30/40", "--partition 30/40 is an empty share: there are 20 seeds (--seeds)"),
        ("--report=", "--report wants the name of a file, not ''"),
    ];
    for (line, sentence) in wrong {
        assert_eq!(take(line).unwrap_err(), sentence, "{line}");
    }
}
