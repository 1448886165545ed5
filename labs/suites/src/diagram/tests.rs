//! Pictures, and data that tries to burst them.

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
