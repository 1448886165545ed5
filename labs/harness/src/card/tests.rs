//! Golden cards: the three shapes, and data that is too large for them.

use super::*;
use crate::diagram::{Diagram, Row};
use crate::failure::{Rule, Sweep};
use crate::table::Table;
use crate::wire::Listener;

const VOTE: Rule = Rule {
    id: "one_vote_per_term",
    title: "ONE VOTE PER TERM",
    paper: "§5.2, Fig. 2 RequestVote (2)",
    so_what: "n2 and n3 may both count n1: two leaders in term 1",
};

const TIMER: Rule = Rule {
    id: "what_resets_the_timer",
    title: "ONLY A LIVE LEADER OR A GRANTED VOTE RESETS THE TIMER",
    paper: "§5.2",
    so_what: "one outdated node that keeps asking can stop every election",
};

fn place(file: &str, line: u32) -> Place {
    Place { file: format!("raft/src/{file}"), line }
}

fn course(step: u32, test: &str) -> CardPlace<'_> {
    CardPlace { lab: "2aa", step, test, page: None }
}

/// Compares a card with its golden text.
fn golden(card: &str, name: &str) {
    let all = include_str!("golden.txt");
    let mut texts = all.split("\n=== ").filter_map(|text| text.split_once(" ===\n"));
    let expected = texts.find(|(of, _)| *of == name).map_or("", |(_, text)| text.trim_end());
    assert_eq!(
        card.lines().collect::<Vec<_>>(),
        expected.lines().collect::<Vec<_>>(),
        "\n{card}\n"
    );
    check_size(card);
}

fn check_size(card: &str) {
    assert!(card.lines().count() <= LINES_MAX, "{} lines:\n{card}", card.lines().count());
    for line in card.lines() {
        assert!(width(line) <= COLUMNS_MAX, "{} columns: {line}", width(line));
        assert_eq!(line, line.trim_end(), "blanks at the end");
        assert!(line.chars().all(|c| !c.is_control()), "{line:?}");
    }
}

#[test]
fn a_scenario() {
    let decided = place("absent.rs", 84);
    let diagram = Diagram::new(["n1", "n2", "n3"])
        .row(
            Row::message("n2", "n1", "RequestVote t1")
                .note("vote none -> n2")
                .decided_at(decided.clone()),
        )
        .row(Row::message("n1", "n2", "granted"))
        .row(Row::lost("n1", "n3", "Heartbeat t1"))
        .row(Row::at("n2", "tick x8"))
        .row(
            Row::message("n3", "n1", "RequestVote t1")
                .note("vote n2 -> n3")
                .decided_at(decided.clone()),
        );
    let failure = Failure::of(&VOTE)
        .because("n1 voted for n2 and then for n3, both in term 1")
        .row(3, "a second candidate asks in the same term")
        .expected("n3 is refused")
        .got("n3 is granted; n1.vote went n2 -> n3")
        .diagram(diagram)
        .your_line(decided)
        .function("Core::on_request_vote")
        .read("one-vote");
    golden(&draw(&failure, course(5, "aa_vote_once_per_term")), "scenario");
}

#[test]
fn a_table() {
    let mut table = Table::new(&TIMER, "message to n1").intro(
        "each row: one message at tick 8; a twin of n1 without it campaigned at tick 13; n1 \
         campaigned at:",
    );
    table.within("AppendEntries t5, live leader", 18..=u64::MAX, 21);
    table.within("RequestVote t5, granted", 18..=u64::MAX, 19);
    table
        .within("AppendEntries t4 from an old leader", 13..=13, 24)
        .because("timer reset")
        .decided_at(place("absent.rs", 40));
    table.equal("RequestVote t5, refused", 13, 22).decided_at(place("absent.rs", 77));
    table.one_of("a stranger's word", &["nothing", "an error"], "a panic");
    let failure = table.failure().unwrap().because("n1 (follower, term 5) waited when it must not");
    golden(&draw(&failure, course(7, "aa_timer_reset_table")), "table");
}

#[test]
fn a_simulation() {
    let diagram = Diagram::new(["n1", "n2", "n3", "n4", "n5"])
        .row(Row::message("n1", "n2", "AppendEntries t2").tick(12).note("2@2"))
        .row(Row::at("n1", "crashes").tick(15))
        .row(Row::message("n3", "n5", "RequestVote t3").tick(15).note("vote none -> n3"))
        .row(
            Row::message("n3", "n1", "AppendReply t4")
                .tick(40)
                .note("commit 1 -> 2")
                .decided_at(place("commit.rs", 37))
                .here(),
        )
        .row(Row::lost("n5", "n2", "Heartbeat t5").tick(61));
    let mut failure = Failure::of(&Rule { title: "STATE MACHINE SAFETY", paper: "Fig. 3", ..VOTE })
        .because("index 2 applied as \"x=1\" by n1 and as \"x=7\" by n5 (event 9)")
        .detail(
            "first wrong decision, event 6 (tick 40): n1, leader of term 4, moved commit 1 -> 2",
        )
        .detail("match n1 2  n2 2  n3 2  n4 1  n5 1 -> quorum has 2;  term(2)=2, current=4")
        .expected("commit stays 1 until an entry of term 4 is on a quorum")
        .diagram(diagram)
        .your_line(place("absent.rs", 37))
        .faults("crashes 2, dropped 0 of 31")
        .shrunk(4112, 9)
        .read("figure-8");
    failure.sweep = Some(Sweep { seed: 17, held: 19, ran: 20 });
    golden(&draw(&failure, course(10, "ab_sim_figure8")), "simulation");
}

#[test]
fn a_hole_and_a_crash() {
    let at = place("absent.rs", 91);
    let card = draw_not_written("Core::decide_vote", Some(&at), course(5, "aa_vote_once"));
    golden(&card, "not_written");
    let crash = Crash {
        headline: "THE CODE PANICKED: a term only grows: 3 -> 2".to_owned(),
        doing: Some("n1 gets n2->n1 RequestVote t2".to_owned()),
        within: Vec::new(),
        your_line: Some(place("absent.rs", 130)),
        at: Some(place("ledger.rs", 90)),
        advice: "the message says which assumption did not hold".to_owned(),
        seed: Some(17),
    };
    golden(&draw_crash(&crash, course(8, "aa_sim_crashes")), "crash");
    let endless = Crash {
        headline: "A LOOP WITHOUT END".to_owned(),
        doing: Some("n1 ticks".to_owned()),
        within: ["Core::tick_election", "Core::draw_timeout"].map(str::to_owned).into(),
        advice: "something never returns".to_owned(),
        ..Crash::default()
    };
    golden(&draw_crash(&endless, course(4, "aa_start_election")), "endless");
}

#[test]
fn prints_stand_under_a_card_as_far_as_there_is_room() {
    let mut listener = Listener::new(None);
    (0..100).for_each(|n| drop(listener.hear(format!("line {n}\n").as_bytes())));
    let printed = listener.finish();
    let card = with_printed("x a card", &printed);
    golden(&card, "printed");
    let full = vec!["x"; LINES_MAX].join("\n");
    assert_eq!(with_printed(&full, &printed), full);
}

/// Where no line is certain, the card names at most three functions and no line.
#[test]
fn a_list_of_functions() {
    let names = ["Log::append", "Log::maybe_append", "Core::on_append", "Log::term"];
    let failure = Failure::of(&VOTE).because("n1 holds 1 2, not 1").one_of(&names);
    assert_eq!(failure.named(), &names[..3]);
    let mut table = Table::new(&VOTE, "log");
    table.equal("1 2", 1, 2).decided_at(place("absent.rs", 40));
    golden(&draw(&failure.table(table), course(3, "ab_table")), "one_of");
    // The row's own list counts where the failure has none.
    let mut table = Table::new(&VOTE, "log");
    table.equal("1 2", 1, 2).decided_in_one_of(&names);
    let failure = Failure::of(&VOTE).table(table);
    assert_eq!(failure.named(), &names[..3]);
    // A list of one is a name.
    let failure = Failure::of(&VOTE).one_of(&names[..1]);
    assert!(draw(&failure, course(3, "ab_table")).contains("  your code   in Log::append\n"));
}

/// With any data: at most forty lines of eighty columns.
#[test]
fn no_data_bursts_a_card() {
    let long = "a long word-without-blanks-".repeat(60);
    let texts = ["", "short", long.as_str(), "\u{1b}[31m\n\t\u{4e2d}\u{301}"];
    for text in texts {
        for count in [0, 1, 5, 200] {
            let lanes = (1..=count.min(9)).map(|n| format!("n{n}"));
            let mut diagram = Diagram::new(lanes.chain([text.to_owned()]));
            let mut table = Table::new(&VOTE, text).intro(text);
            table.holds(text, text, text);
            let mut failure = Failure::of(&Rule { title: "RULE", ..VOTE })
                .because(text)
                .row(u64::MAX, text)
                .expected(text)
                .got(text)
                .so_what(text)
                .faults(text)
                .shrunk(u64::MAX, u64::MAX)
                .one_of(&[text; 9])
                .read(text)
                .your_line(Place { file: text.to_owned(), line: u32::MAX });
            for n in 0..count {
                diagram.push(Row::message("n1", text, text).tick(n).note(text));
                diagram.push(Row::lost("n5", "n1", text).note(text).decided_at(place("a.rs", 1)));
                diagram.push(Row::at(text, text).tick(u64::MAX));
                table.breaks(text, text, text).because(text).decided_in_one_of(&[text; 9]);
                failure = failure.detail(text);
            }
            check_size(&draw(&failure.clone().diagram(diagram.clone()), course(1, "t")));
            check_size(&draw(&failure.clone().table(table.clone()), course(1, "t")));
            let unknown = Failure { your_line: None, ..failure.clone() };
            check_size(&draw(
                &unknown.diagram(diagram.clone()).table(table.clone()),
                course(1, "t"),
            ));
            check_size(&draw(&failure.diagram(diagram).table(table), course(1, text)));
        }
    }
}

#[test]
fn a_page_is_named_by_its_path_or_else_by_its_file() {
    let rule = Rule::new("rule", "RULE", "", "");
    let last = |page: &str| {
        let card = draw(&Failure::of(&rule), CardPlace { page: Some(page), ..course(1, "aa_x") });
        card.lines().last().unwrap_or_default().to_owned()
    };
    assert_eq!(last(".labs/traces/aa_x.html"), "  page    .labs/traces/aa_x.html");
    let folder = |letters: usize| "f".repeat(letters) + "/aa_x.html";
    assert_eq!(last(&folder(60)), format!("  page    {}", folder(60)));
    assert_eq!(last(&folder(61)), "  page    .. aa_x.html");
}
