//! Step 10: whole clusters whose logs differ (§5.3, Figure 7).
//!
//! ```text
//!   n1, leader   1 1 1 4 4 5 5 6 6 6
//!   n2  (a)      1 1 1 4 4 5 5 6 6             it lacks entries
//!   n2  (d)      1 1 1 4 4 5 5 6 6 6 7 7       it has too many
//!   n2  (f)      1 1 1 2 2 2 3 3 3 3 3         it has other ones
//! ```
//!
//! All nodes are real here, and all messages arrive but those on links that are cut. Some heartbeats later
//! every log must equal the leader's. The number of messages does not matter.

use super::blame;
use crate::raft::kit::blame::NOT_LEADING;
use crate::raft::kit::{
    Blame, N1, N2, N3, N4, N5, Names, Rows, Stage, commands_of, holding, is_about_logs,
    is_about_peers, logged, remembering, terms_of,
};
use crate::raft::rule;
use harness::{Check, Failure, Rule, Verdict};
use raft::{Event, NodeId, Term};
use testbed::{Input, Setup};

/// After this many rounds of ticks, a cluster without faults has one log.
const ROUNDS: u64 = 40;

/// Returns whether an event shows how a log is repaired.
fn is_about_repair(event: &Event) -> bool {
    is_about_logs(event) || is_about_peers(event)
}

/// Figure 7: six followers, one leader.
pub(super) fn sync_fig7(_: &mut Check) -> Verdict {
    let leader: &[u64] = &[1, 1, 1, 4, 4, 5, 5, 6, 6, 6];
    let followers: [(&str, &[u64]); 8] = [
        ("(a) lacks one", &[1, 1, 1, 4, 4, 5, 5, 6, 6]),
        ("(b) lacks many", &[1, 1, 1, 4]),
        ("(c) one too many", &[1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6]),
        ("(d) of a later term", &[1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7]),
        ("(e) other ones", &[1, 1, 1, 4, 4, 4, 4]),
        ("(f) two other terms", &[1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3]),
        ("has nothing", &[]),
        ("agrees", leader),
    ];
    let intro = "n1 and n3 hold 1 1 1 4 4 5 5 6 6 6; n1 is elected in term 8; some heartbeats later n2 holds";
    let mut table =
        Rows::new(rule("logs_become_the_leaders"), "n2", intro).noted_by(is_about_repair);
    for (what, log) in followers {
        let setup = holding(Setup::new(3, 0), N1, leader, 0);
        let setup = holding(holding(setup, N2, log, 0), N3, leader, 0);
        let mut stage = Stage::of(remembering(setup, N1, 7, None));
        stage.campaign(N1);
        stage.settle();
        stage.must_lead(rule("logs_become_the_leaders"), N1)?;
        stage.rounds(6);
        let must_be = [leader, &[8]].concat();
        let (must_be, was) = (terms_of(&logged(&must_be)), terms_of(&stage.log(N2)));
        let blame = Blame::OneOf(blame::apart(&stage, N1, N2));
        table.row_blamed(blame, stage, |table| table.equal(what, must_be, was));
    }
    table.verdict_in(&["Core::on_rejected", "Core::on_heartbeat_reply", "Log::find_conflict"])
}

/// Every node must hold this log, committed to its end.
fn all_hold(stage: &Stage, rule: &Rule, because: &str) -> Verdict {
    let ids: Vec<NodeId> = stage.cluster().ids().collect();
    let leader = stage.cluster().leaders().into_iter().max_by_key(|&(_, term)| term);
    let failure = |within: Names, expected: String, got: String| {
        let failure = stage.broken_in(rule, within, is_about_repair).because(because);
        failure.expected(expected).got(got).fail()
    };
    let Some((leader, _)) = leader else {
        return failure(NOT_LEADING, "somebody leads".to_owned(), "nobody does".to_owned());
    };
    let log = stage.log(leader);
    for id in ids {
        let within = blame::apart(stage, leader, id);
        let theirs = stage.log(id);
        if theirs != log {
            let expected = format!("every log is {leader}'s: {}", terms_of(&log));
            return failure(within, expected, format!("{id} holds {}", terms_of(&theirs)));
        }
        let (commit, last) = (stage.commit(id), log.len() as u64);
        if commit != last {
            let expected = format!("everything is committed: {last}");
            return failure(within, expected, format!("{id} has committed {commit}"));
        }
    }
    Ok(())
}

/// Says what every node has applied, if it is the same.
fn applied_by_all(stage: &Stage) -> String {
    let ids = stage.cluster().ids();
    let applied: Vec<(NodeId, String)> =
        ids.map(|id| (id, commands_of(&stage.applied(id)))).collect();
    match applied.windows(2).find(|pair| pair[0].1 != pair[1].1) {
        Some(pair) => {
            let [(a, one), (b, other)] = [&pair[0], &pair[1]];
            format!("{a}: {one}; {b}: {other}")
        }
        None => applied.first().map_or(String::new(), |(_, applied)| applied.clone()),
    }
}

/// Every node must have applied these commands, in this order.
fn all_apply(stage: &Stage, rule: &Rule, commands: &str, because: &str) -> Verdict {
    all_hold(stage, rule, because)?;
    let was = applied_by_all(stage);
    if was == commands {
        return Ok(());
    }
    let within = &["Core::on_append", "Core::learn_commit", "Log::next_entries"];
    let failure = stage.broken_in(rule, within, is_about_repair).because(because);
    failure.expected(format!("all apply {commands}")).got(was).fail()
}

/// Elects a node among its real peers.
fn wins(stage: &mut Stage, rule: &Rule, id: NodeId) -> Verdict {
    stage.campaign(id);
    stage.settle();
    stage.must_lead(rule, id)
}

fn client(stage: &mut Stage, id: NodeId, commands: &[&str]) {
    for command in commands {
        stage.propose(id, command);
        stage.settle();
    }
}

fn isolate(stage: &mut Stage, one: NodeId) {
    let others = stage.cluster().ids().filter(|&id| id != one).collect();
    stage.apply(Input::Partition(vec![vec![one], others]));
}

/// Messages to a follower were lost. After its answer to a heartbeat, or with the next heartbeat, the
/// leader sends them again.
pub(super) fn heartbeat_resp_triggers_append(_: &mut Check) -> Verdict {
    for (row, commands) in [(1, &["a"][..]), (2, &["a", "b", "c"])] {
        let title = format!("n3 gets no messages for {} commands", commands.len());
        let mut stage = Stage::new(3).row(row, &title);
        wins(&mut stage, rule("lost_entries_are_sent_again"), N1)?;
        isolate(&mut stage, N3);
        client(&mut stage, N1, commands);
        stage.apply(Input::Heal);
        stage.rounds(6);
        let because = "all links have worked for six heartbeats, and no client proposes";
        all_apply(&stage, rule("lost_entries_are_sent_again"), &commands.join(" "), because)?;
    }
    let title = "n1 hears nothing and is not heard for one command";
    let mut stage = Stage::new(3).row(3, title);
    wins(&mut stage, rule("lost_entries_are_sent_again"), N1)?;
    isolate(&mut stage, N1);
    client(&mut stage, N1, &["a"]);
    stage.apply(Input::Heal);
    stage.rounds(6);
    let because = "all links have worked for six heartbeats, and nobody proposes anything";
    all_apply(&stage, rule("lost_entries_are_sent_again"), "a", because)?;

    let mut stage = Stage::new(3).row(4, "n3 was down");
    wins(&mut stage, rule("lost_entries_are_sent_again"), N1)?;
    stage.apply(Input::Crash(N3));
    client(&mut stage, N1, &["a", "b"]);
    stage.apply(Input::Restart(N3));
    stage.rounds(6);
    all_apply(
        &stage,
        rule("lost_entries_are_sent_again"),
        "a b",
        "n3 has been up for six heartbeats",
    )
}

/// A majority voted for another log: entries of a later term are removed.
pub(super) fn election_overwrites_newer_logs(_: &mut Check) -> Verdict {
    let setup = holding(Setup::new(5, 0), N1, &[1], 0);
    let setup = holding(holding(setup, N2, &[1], 0), N3, &[2], 0);
    let setup = remembering(remembering(setup, N4, 2, Some(N3)), N5, 2, Some(N3));
    let title = "n3 led term 2 and wrote an entry that no other node has";
    let mut stage = Stage::of(setup).row(1, title);
    stage.campaign(N1);
    stage.settle();
    wins(&mut stage, rule("logs_become_the_leaders"), N1)?;
    stage.rounds(6);
    let because = "n1 was elected in term 3 by nodes without the entry of term 2";
    all_hold(&stage, rule("logs_become_the_leaders"), because)?;
    let log = terms_of(&stage.log(N3));
    if log == "1 3" {
        return Ok(());
    }
    let within = blame::apart(&stage, N1, N3);
    let failure = stage.broken_in(rule("logs_become_the_leaders"), within, is_about_repair);
    failure.because(because).expected("1 3").got(log).fail()
}

/// Commands under one leader, then under another.
pub(super) fn log_replication(_: &mut Check) -> Verdict {
    let mut stage = Stage::new(3).row(1, "n1 leads, then n2");
    wins(&mut stage, rule("logs_become_the_leaders"), N1)?;
    client(&mut stage, N1, &["a", "b"]);
    wins(&mut stage, rule("logs_become_the_leaders"), N2)?;
    client(&mut stage, N2, &["c"]);
    stage.rounds(6);
    all_apply(
        &stage,
        rule("logs_become_the_leaders"),
        "a b c",
        "nothing was lost, and two leaders served one by one",
    )?;

    let mut stage = Stage::new(5).row(2, "each of five leads in turn");
    for (id, command) in [(N1, "a"), (N2, "b"), (N3, "c"), (N4, "d"), (N5, "e")] {
        wins(&mut stage, rule("logs_become_the_leaders"), id)?;
        client(&mut stage, id, &[command]);
    }
    stage.rounds(6);
    all_apply(
        &stage,
        rule("logs_become_the_leaders"),
        "a b c d e",
        "nothing was lost, and five leaders served one by one",
    )
}

/// What an old leader could not commit, a new one commits with the first entry of its term.
pub(super) fn commit_without_new_term_entry(_: &mut Check) -> Verdict {
    let mut stage = Stage::new(5).row(1, "n1 reaches only n2");
    wins(&mut stage, rule("lost_entries_are_sent_again"), N1)?;
    stage.rounds(2);
    stage.apply(Input::Partition(vec![vec![N1, N2], vec![N3, N4, N5]]));
    client(&mut stage, N1, &["a", "b"]);
    if stage.commit(N1) > 1 {
        let within = blame::counting(&stage);
        let failure = stage.broken_in(rule("committed_entries_stay"), within, is_about_repair);
        let because = "n1 reaches only n2, two of five";
        let got = format!("commit {}", stage.commit(N1));
        return failure.because(because).expected("commit 1").got(got).fail();
    }
    stage.apply(Input::Heal);
    wins(&mut stage, rule("lost_entries_are_sent_again"), N2)?;
    stage.rounds(6);
    let because = "n2 has both commands, leads now, and all links have worked for six heartbeats";
    all_apply(&stage, rule("lost_entries_are_sent_again"), "a b", because)
}

/// An old leader's entries, which a later commit index must not commit.
pub(super) fn heartbeat_update_commit(_: &mut Check) -> Verdict {
    for (row, lost, kept) in [(1, 1, 5), (2, 3, 3), (3, 5, 1), (4, 3, 10)] {
        let title = format!("n1 writes {lost} entries alone, n3 commits {kept} meanwhile");
        let mut stage = Stage::new(3).row(row, &title);
        wins(&mut stage, rule("beat_commits_what_is_held"), N1)?;
        client(&mut stage, N1, &["a"]);
        isolate(&mut stage, N1);
        (0..lost).for_each(|_| client(&mut stage, N1, &["lost"]));
        wins(&mut stage, rule("beat_commits_what_is_held"), N3)?;
        (0..kept).for_each(|_| client(&mut stage, N3, &["kept"]));
        stage.apply(Input::Heal);
        stage.ticks(N3, 1);
        stage.rounds(6);
        let commands = format!("a{}", " kept".repeat(kept));
        let because = "n1's entries were never committed, n3's were";
        all_apply(&stage, rule("beat_commits_what_is_held"), &commands, because)?;
    }
    Ok(())
}

/// Two candidates, two terms, and a third node that both can reach.
pub(super) fn dueling_candidates(_: &mut Check) -> Verdict {
    let mut stage = Stage::new(3).row(1, "n1 and n3 cannot reach each other, n2 reaches both");
    stage.apply(Input::Cut { from: N1, to: N3 });
    stage.apply(Input::Cut { from: N3, to: N1 });
    stage.campaign(N1);
    stage.campaign(N3);
    stage.settle();
    stage.must_lead(rule("logs_become_the_leaders"), N1)?;
    client(&mut stage, N1, &["a"]);
    stage.apply(Input::Heal);
    // n3's log is behind: it campaigns, and does not win.
    stage.campaign(N3);
    stage.settle();
    let refused = Refused { stage: &stage, id: N3 };
    refused.must_not_lead("n3 lacks an entry that n1 and n2 hold")?;
    stage.rounds(ROUNDS);
    client_of_leader(&mut stage, "b");
    stage.rounds(6);
    all_apply(
        &stage,
        rule("logs_become_the_leaders"),
        "a b",
        "all links have worked for long, and a client proposed again",
    )
}

/// A node that must not have won.
struct Refused<'a> {
    stage: &'a Stage,
    id: NodeId,
}

impl Refused<'_> {
    fn must_not_lead(&self, because: &str) -> Verdict {
        if !self.stage.leads(self.id) {
            return Ok(());
        }
        let votes = |event: &Event| matches!(event, Event::VoteGranted { .. });
        let failure = self.stage.broken_in(rule("older_log_gets_no_vote"), blame::VOTED, votes);
        let expected = format!("{} does not lead", self.id);
        failure.because(because).expected(expected).got(self.stage.standing(self.id)).fail()
    }
}

fn client_of_leader(stage: &mut Stage, command: &str) {
    let leader = stage.cluster().leaders().into_iter().max_by_key(|&(_, term): &(_, Term)| term);
    if let Some((leader, _)) = leader {
        client(stage, leader, &[command]);
    }
}

/// A candidate that was alone comes back, and takes the log of the node that won meanwhile.
pub(super) fn candidate_concede(_: &mut Check) -> Verdict {
    let mut stage = Stage::new(3).row(1, "n1 campaigns alone; n3 wins");
    isolate(&mut stage, N1);
    stage.campaign(N1);
    wins(&mut stage, rule("logs_become_the_leaders"), N3)?;
    stage.apply(Input::Heal);
    stage.ticks(N3, 1);
    stage.settle();
    client(&mut stage, N3, &["a"]);
    stage.rounds(6);
    all_apply(
        &stage,
        rule("logs_become_the_leaders"),
        "a",
        "n3 won term 1, and n1 has got six heartbeats",
    )?;
    if stage.follows(N1) == Some(N3) {
        return Ok(());
    }
    let failure = stage
        .broken(rule("logs_become_the_leaders"), "Raft::recognize_leader")
        .expected("n1 follows n3");
    let failure: Failure = failure.because("n3 leads the term in which n1 campaigned");
    failure.got(stage.standing(N1)).fail()
}
