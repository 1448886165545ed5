//! Step 7: what an append carries, and which peers get it (§5.3, Fig. 2 AppendEntries, Leaders (3)).
//!
//! ```text
//!   n1's log   1 2 | 3        elected in term 3: the last entry is new
//!                  '-- n1->n2 AppendEntries t3 prev=2@2 [3@3]
//! ```
//!
//! A leader may begin at any entry, if what it sends is a piece of its log and reaches the end.

use crate::raft::kit::{
    Append, N1, N2, N3, Rows, Stage, elected, holding, is_append, logged, matched, names_of,
    terms_of,
};
use crate::raft::rule;
use harness::{Check, Verdict};
use raft::{Entry, EntryId, NodeId, Term};
use testbed::Setup;

/// Every other voter is sent the first entry of the term; the leader itself is not.
pub(super) fn leader_start_replication(_: &mut Check) -> Verdict {
    let intro = "n1 is elected, and an interval passes; the end of its log has been sent to";
    let mut table =
        Rows::new(rule("entries_go_to_everyone"), "nodes, log", intro).noted_by(is_append);
    let rows: [(u64, &[u64]); 6] =
        [(2, &[]), (3, &[]), (3, &[1, 1]), (4, &[1]), (5, &[1, 2]), (7, &[])];
    for (size, log) in rows {
        let mut stage = elected(holding(Setup::new(size, 0), N1, log, 0), N1);
        stage.must_lead(rule("entries_go_to_everyone"), N1)?;
        stage.ticks(N1, 1);
        let last = stage.log(N1).last().map(|entry| entry.id);
        let reaches = |append: &Append| append.entries.last().map(|entry| entry.id) == last;
        let others = || (2..=size).map(NodeId);
        let served = others().filter(|&to| stage.appends(N1, to).iter().any(reaches));
        let was: Vec<String> = served.map(|id| id.to_string()).collect();
        let must_be: Vec<String> = others().map(|id| id.to_string()).collect();
        let what = format!("{size}, {}", terms_of(&logged(log)));
        let was = if was.is_empty() { "nobody".to_owned() } else { was.join(" ") };
        table.equal(what, must_be.join(" "), was, stage);
    }
    table.verdict_in(&["Core::bcast_append", "Core::send_append", "Core::start_term"])
}

/// Clients that write in every tick keep a leader from no heartbeat: a follower that does not answer is
/// sent no entries for now, and must still know that it has a leader.
pub(super) fn proposals_delay_no_beat(_: &mut Check) -> Verdict {
    let title = "heartbeat_ticks 3; a client writes in every tick, n2 answers, n3 does not";
    let mut setup = Setup::new(3, 0);
    setup.nodes.iter_mut().for_each(|(config, _)| config.heartbeat_ticks = 3);
    let mut stage = elected(setup, N1).row(1, title);
    stage.must_lead(rule("leader_speaks_while_clients_write"), N1)?;
    stage.forget_words();
    for index in 2..32 {
        stage.ticks(N1, 1);
        stage.propose(N1, "a");
        stage.hear(matched(N2, N1, 1, index));
    }
    let words = stage.leaders_words(N1, N3).len();
    if words >= 8 {
        return Ok(());
    }
    let because = format!("n1 leads term 1, and spoke to n3 {words} times in 30 ticks");
    let within = &["Core::on_propose", "Core::bcast_append", "Core::tick_heartbeat"];
    let failure = stage
        .missing(rule("leader_speaks_while_clients_write"), "")
        .one_of(within)
        .because(because);
    failure.expected("8 times or more: every 3 ticks").got(format!("{words} times")).fail()
}

/// Says what is wrong with an append of a leader that holds `log`.
fn wrong_with(append: &Append, log: &[Entry], term: Term) -> Option<String> {
    let Append { prev, entries, .. } = append;
    let place = |index: u64| index.checked_sub(1).and_then(|at| log.get(at as usize));
    let before = place(prev.index.0).map_or(EntryId::default(), |entry| entry.id);
    if append.term != Some(term) {
        return Some(format!("its term is {}", append.term.unwrap_or_default()));
    }
    if before != *prev {
        return Some(format!("it follows {prev}"));
    }
    let from = prev.index.0 as usize;
    let piece = log.get(from..from + entries.len());
    if piece != Some(entries.as_slice()) {
        return Some(format!("after {prev} it has {}", names_of(entries)));
    }
    None
}

/// What is sent is a piece of the leader's log.
pub(super) fn append_says_what_it_follows(_: &mut Check) -> Verdict {
    let intro =
        "n1 is elected in the next term, and a client proposes a and b; each append of n1 is";
    let mut table =
        Rows::new(rule("append_says_what_it_follows"), "nodes, log", intro).noted_by(is_append);
    let rows: [(u64, &[u64]); 7] = [
        (2, &[]),
        (3, &[]),
        (3, &[1]),
        (3, &[1, 1, 2]),
        (3, &[2, 3]),
        (5, &[1, 2, 2, 5]),
        (5, &[1, 1, 1, 1, 1]),
    ];
    for (size, log) in rows {
        let mut stage = elected(holding(Setup::new(size, 0), N1, log, 0), N1);
        stage.must_lead(rule("append_says_what_it_follows"), N1)?;
        stage.propose(N1, "a");
        stage.propose(N1, "b");
        let (now, term) = (stage.log(N1), stage.disk(N1).term);
        let said = || (2..=size).map(NodeId).map(|to| (to, stage.appends(N1, to)));
        let wrong = said().find_map(|(to, appends)| {
            let wrong = appends.iter().find_map(|append| wrong_with(append, &now, term));
            wrong.map(|wrong| format!("to {to}: {wrong}"))
        });
        let carries = |appends: &[Append]| appends.iter().any(|append| !append.entries.is_empty());
        let empty = said().find(|(_, appends)| !carries(appends));
        let nothing = empty.map(|(to, _)| format!("to {to}: no entries at all"));
        let what = format!("{size}, {}", terms_of(&logged(log)));
        let was = wrong.or(nothing).unwrap_or_else(|| format!("a piece of {}", terms_of(&now)));
        let must_be = format!("a piece of {}", terms_of(&now));
        row(&mut table, stage, what, must_be, was);
    }
    table.verdict_in(&["Core::send_append", "Core::bcast_append", "Core::init_progress"])
}

fn row(table: &mut Rows, stage: Stage, what: String, must_be: String, was: String) {
    table.equal(what, must_be, was, stage);
}
