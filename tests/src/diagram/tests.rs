use super::diagram;
use crate::{Cluster, Input, Setup, Step};
use raft::NodeId;

/// Plays an election of three nodes in which one question is lost and one node crashes.
fn election() -> Vec<Step> {
    let mut cluster = Cluster::new(Setup::new(3, 0)).listening();
    let mut steps = vec![cluster.apply(&Input::Campaign(NodeId(1)))];
    let lost = cluster.network().flights()[1].message.clone();
    steps.push(cluster.apply(&Input::Drop(lost)));
    steps.push(cluster.apply(&Input::Crash(NodeId(3))));
    steps.extend(cluster.stabilize());
    steps
}

/// Leaves the lines of source out, which change with every edit.
fn without_lines(lines: &[String]) -> Vec<String> {
    let cut = |line: &String| match line.find(".rs:") {
        Some(at) => line[..line[..at].rfind("  ").unwrap_or(at)].to_string(),
        None => line.clone(),
    };
    lines.iter().map(cut).collect()
}

#[test]
fn an_election_is_drawn_with_what_arrives_what_is_lost_and_what_it_leads_to() {
    let drawn = without_lines(&diagram(&election(), 80));
    let expected = [
        " n1                  n2                  n3",
        "  * campaigns         |                   |   n1@1 candidate",
        "  |-------------------+ RequestVote t1 x  |",
        "  |                   |                   X loses power",
        "  |- RequestVote t1 ->|                   |   n2 votes for n1",
        "  |<--- granted t1 ---|                   |   n1@1 leader",
        "  | AppendEntries t1 >|                   |   n2 follows n1",
        "  |-------------------+ AppendEntries -x  |",
        "  |<- AppendReply t1 -|                   |   n1 commit 0 -> 1",
        "  | AppendEntries t1 >|                   |   n2 commit 0 -> 1",
        "  |<- AppendReply t1 -|                   |",
    ];
    assert_eq!(drawn, expected, "\n{}", drawn.join("\n"));
}

#[test]
fn no_line_is_wider_than_asked_for() {
    for size in 1..=7 {
        let mut cluster = Cluster::new(Setup::new(size, 0)).listening();
        let mut steps = vec![cluster.apply(&Input::Campaign(NodeId(1)))];
        steps.extend(cluster.stabilize());
        for width in [1, 20, 40, 60, 80, 100] {
            for line in diagram(&steps, width) {
                assert!(line.chars().count() <= width.max(2), "{size} nodes, {width}: {line}");
            }
        }
    }
}

#[test]
fn nothing_is_drawn_of_nothing() {
    assert_eq!(diagram(&[], 80), [""]);
}
