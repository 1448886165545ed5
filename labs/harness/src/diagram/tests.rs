//! Pictures, and data that is too large for them.

use super::*;

fn drawn(diagram: &Diagram, expected: &str) {
    let lines = diagram.draw(16);
    assert_eq!(lines, expected.lines().skip(1).collect::<Vec<_>>(), "\n{}\n", lines.join("\n"));
}

#[test]
fn arrows_go_both_ways_across_lanes_and_get_lost() {
    let diagram = Diagram::new(["n1", "n2", "n3"])
        .row(Row::message("n2", "n1", "ask").note("vote none -> n2"))
        .row(Row::message("n1", "n3", "granted"))
        .row(Row::message("n3", "n1", "beat t1"))
        .row(Row::lost("n1", "n2", "beat"))
        .row(Row::lost("n2", "n1", "beat"))
        .row(Row::message("n9", "n1", "from a stranger"));
    drawn(
        &diagram,
        "
 n1        n2      n3
  |<- ask --|       |          vote none -> n2
  |- granted ------>|
  |<- beat t1 ------|
  |- beat -X|       |
  |X- beat -|       |
  | n9 -> n1: from a stranger
",
    );
}

#[test]
fn what_leads_up_to_the_row_pointed_at_is_kept() {
    let mut diagram = Diagram::new(["n1", "n2"]);
    for n in 0..30 {
        let row = Row::at("n2", format!("event {n}")).tick(n);
        diagram.push(if n == 20 { row.here() } else { row });
    }
    let lines = diagram.draw(8);
    assert_eq!(lines.len(), 8);
    assert_eq!(lines[1].trim(), "... 16 more");
    assert!(lines[6].contains("event 20") && lines[6].ends_with("<-- here"), "{lines:#?}");
    assert_eq!(lines[7].trim(), "... 9 more");
}

#[test]
fn a_node_without_a_part_takes_no_room() {
    let diagram = Diagram::new(["n1", "n2", "n3"]).row(Row::at("n2", "crashes"));
    drawn(
        &diagram,
        "
 n2
  | crashes
",
    );
}

#[test]
fn words_that_do_not_fit_their_arrows_stand_beside_them_whole() {
    let long = "term 12, vote n1 -> n4, candidate, and more than any line of a card can hold";
    let diagram = Diagram::new(["n1", "n2", "n3", "n4", "n5"])
        .row(Row::message("n1", "n5", "RequestVote t11").note("vote n1"))
        .row(Row::message("n4", "n2", "HeartbeatReply t11"))
        .row(Row::at("n4", "campaigns").note(long))
        .row(Row::lost("n3", "n1", "Heartbeat t11").here());
    drawn(
        &diagram,
        "
 n1   n2   n3   n4   n5
  |----+----+----+--->|   RequestVote t11: vote n1
  |    |<---+----|    |   HeartbeatReply t11
  |    |    |    *    |   campaigns: term 12, vote n1 -> n4, candidate, and
  |    |    |    |    |     more than any line of a card can hold
  |X---+----|    |    |   Heartbeat t11, lost  <-- here
",
    );
}

/// Rows that take several lines leave room for fewer of them; the one pointed at stays.
#[test]
fn rows_of_several_lines_do_not_push_out_what_is_pointed_at() {
    let long = "what came of it is so much that it takes a second line of the diagram, and more";
    let mut diagram = Diagram::new(["n1", "n2", "n3", "n4"]);
    for n in 0..20 {
        let row = Row::message("n1", "n4", format!("event {n}")).note(long);
        diagram.push(if n == 12 { row.here() } else { row });
    }
    let lines = diagram.draw(10);
    assert!(lines.len() <= 10, "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains("event 12") && line.ends_with("<-- here")));
    assert!(lines.iter().all(|line| !line.ends_with("..")), "{lines:#?}");
}
