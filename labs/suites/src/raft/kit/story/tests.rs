//! What cards draw.

use crate::raft::kit::stage::Stage;
use crate::raft::kit::words::{N1, N2, N3, Said, ask, beat};
use testbed::Input;

fn drawn(stage: &Stage) -> Vec<String> {
    let lines = stage.story().draw(None).draw(40);
    // This test ignores the line numbers of the code under test.
    let cut = |line: &String| {
        line.split("  ").filter(|part| !part.contains(".rs")).collect::<Vec<_>>().join("  ")
    };
    lines.iter().map(|line| cut(line).trim_end().to_owned()).collect()
}

#[test]
fn what_is_said_to_all_is_one_row_and_ticks_are_one_row() {
    let mut stage = Stage::new(5);
    stage.ticks(N1, 3);
    stage.campaign(N1);
    stage.answers(N1, 1, &[N3], Said::No);
    assert_eq!(
        drawn(&stage),
        [
            " n1                       n3",
            "  | 3 ticks                |",
            "  | campaigns              |  term 1, vote n1, candidate",
            "  | RequestVote t1 to all  |",
            "  |<- refused t1 ----------|  n3 no",
        ]
    );
}

#[test]
fn what_is_lost_shares_a_row_and_what_changes_nothing_is_not_drawn_again() {
    let mut stage = Stage::new(3);
    stage.campaign(N1);
    stage.apply(Input::Drop(ask(N1, N2, 1)));
    stage.apply(Input::Drop(ask(N1, N3, 1)));
    for _ in 0..4 {
        stage.hear(beat(N3, N2, 1));
        stage.ticks(N2, 2);
    }
    let lines = drawn(&stage);
    assert!(lines[2].contains("RequestVote t1 to all: lost"), "{lines:#?}");
    assert_eq!(lines.iter().filter(|line| line.contains("Heartbeat t1:")).count(), 1, "{lines:#?}");
    assert_eq!(lines.iter().filter(|line| line.contains("8 ticks")).count(), 1, "{lines:#?}");
}

#[test]
fn a_promise_counts_as_said_before_the_disk_has_it_and_only_once() {
    let mut stage = Stage::with_slow_disks(3);
    stage.hear(ask(N2, N1, 1));
    assert_eq!(stage.votes(N1, N2), [Said::Yes]);
    stage.persist(N1);
    assert_eq!(stage.votes(N1, N2), [Said::Yes]);
    stage.restart(N1);
    stage.hear(ask(N2, N1, 1));
    assert_eq!(stage.votes(N1, N2), [Said::Yes, Said::Yes]);
}
