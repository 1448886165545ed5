//! Step 6, third part: whole elections among real nodes (§5.2).
//!
//! ```text
//!   n1 n2 n3 n4 n5      n1 campaigns
//!    |  |  |  x  x      3 of 5 are left: n1 leads
//!    |  |  x  x  x      2 of 5 are left: no node leads
//! ```

use super::counting::is_about_counting;
use crate::raft::kit::{Blame, N1, N2, N3, N4, NEVER, Rows, Stage, ask, blame};
use crate::raft::rule;
use harness::{Check, Verdict};
use raft::{Event, NodeId, Term};
use testbed::Input;

/// Clusters with some nodes down.
pub(super) fn leader_election_shapes(_: &mut Check) -> Verdict {
    let rows = [
        (1, 0, true),
        (3, 0, true),
        (3, 1, true),
        (3, 2, false),
        (4, 1, true),
        (4, 2, false),
        (5, 2, true),
        (5, 3, false),
        (6, 3, false),
        (7, 3, true),
    ];
    let (head, intro) = ("cluster", "n1 campaigns once; the last nodes are down");
    let mut elected = Rows::new(rule("a_leader_emerges"), head, intro);
    let mut nobody = Rows::new(rule("majority_elects"), head, intro).decided_by(is_about_counting);
    for (size, down, leads) in rows {
        let mut stage = Stage::new(size);
        for id in (size - down + 1..=size).map(NodeId) {
            stage.apply(Input::Crash(id));
        }
        stage.campaign(N1);
        stage.settle();
        let (what, was) = (format!("{down} of {size} nodes down"), leaders(&stage));
        match leads {
            true => {
                let blame = blame::not_elected(&stage, N1);
                elected.row_blamed(blame, stage, |table| {
                    table.equal(what, "n1 in term 1".to_owned(), was)
                });
            }
            false => {
                let blame = blame::elected_wrongly(&stage, N1, is_about_counting);
                nobody
                    .row_blamed(blame, stage, |table| table.equal(what, "nobody".to_owned(), was));
            }
        }
    }
    nobody.verdict("Core::on_vote_reply")?;
    elected.verdict("Core::on_vote_reply")
}

/// One node after the other is elected, and the one before steps down.
pub(super) fn leader_cycle(_: &mut Check) -> Verdict {
    let mut stage = Stage::new(3);
    for (turn, id) in [N1, N2, N3, N1].into_iter().enumerate() {
        let term = turn as u64 + 1;
        stage = stage.row(term, &format!("{id} campaigns in term {term}"));
        stage.campaign(id);
        stage.settle();
        let (must_be, was) = (format!("{id} in term {term}"), leaders(&stage));
        if must_be != was {
            let because =
                format!("{id} campaigned in term {term}, and its messages reached every node");
            let asked = stage.asked(id).iter().any(|&(_, asked, _)| asked == Term(term));
            let before = stage.cluster().leaders().into_iter().find(|&(other, _)| other != id);
            let blame = match before {
                Some((other, _)) if stage.leads(id) => blame::not_deposed(&stage, other),
                Some(_) | None if asked => blame::not_elected(&stage, id),
                Some(_) | None => Blame::Function("Raft::campaign"),
            };
            let count = stage.cluster().leaders().len();
            let rule =
                if count > 1 { rule("deposed_by_later_term") } else { rule("a_leader_emerges") };
            let failure = stage.blamed(rule, blame).because(because);
            let got = format!("{} {was}", if count > 1 { "leaders:" } else { "leader:" });
            return failure.expected(format!("leader: {must_be}")).got(got).fail();
        }
        if stage.follows(id) != Some(id) {
            let leader = stage.follows(id).map_or("nobody".to_owned(), |named| named.to_string());
            let because = format!("{id} leads term {term}, and names {leader} as its leader");
            let failure =
                stage.missing(rule("leader_knows_itself"), "Raft::become_leader").because(because);
            let failure = failure.expected(format!("{id} follows {id}"));
            return failure.got(format!("{id} follows {leader}")).fail();
        }
    }
    Ok(())
}

/// Four nodes split their votes; a later round elects somebody.
pub(super) fn split_vote_recovers(_: &mut Check) -> Verdict {
    let mut stage = Stage::new(4).row(1, "n1 and n2 have two votes each");
    stage.campaign(N1);
    stage.campaign(N2);
    stage.apply(Input::Deliver(ask(N1, N3, 1)));
    stage.apply(Input::Deliver(ask(N2, N4, 1)));
    stage.apply(Input::Deliver(ask(N1, N2, 1)));
    stage.apply(Input::Deliver(ask(N2, N1, 1)));
    for (voter, candidate) in [(N1, N2), (N2, N1)] {
        if stage.granted(voter, candidate) {
            let because = format!(
                "{voter} campaigns in term 1, has voted for itself, and votes for {candidate}"
            );
            let gives = |event: &Event| *event == Event::VoteGranted { candidate };
            let blame = match stage.line(gives) {
                Some(acted) => Blame::Decision { function: "Core::decide_vote", acted },
                None => Blame::Function("Core::decide_vote"),
            };
            let failure = stage.blamed(rule("one_vote_per_term"), blame).because(because);
            let (must_be, was) =
                (format!("{candidate} is refused"), format!("{candidate} is granted"));
            return failure.expected(must_be).got(was).fail();
        }
    }
    stage.settle();
    if !stage.cluster().leaders().is_empty() {
        let failure = stage
            .broken_by(rule("majority_elects"), "Core::on_vote_reply", is_about_counting)
            .because("2 of 4 votes made a leader of term 1");
        let got = format!("leader: {}", leaders(&stage));
        return failure.expected("nobody leads term 1").got(got).fail();
    }
    recovers(stage.row(2, "then time passes"))?;

    let mut stage = Stage::new(3).row(3, "all campaign in term 1, and all requests are lost");
    let ids = [N1, N2, N3];
    ids.iter().for_each(|&id| stage.campaign(id));
    for from in ids {
        ids.iter()
            .filter(|&&to| to != from)
            .for_each(|&to| stage.apply(Input::Drop(ask(from, to, 1))));
    }
    recovers(stage)
}

/// Lets time pass until somebody leads a later term than the first.
fn recovers(mut stage: Stage) -> Verdict {
    for _ in 0..NEVER / 2 {
        stage.round();
        if stage.cluster().leaders().iter().any(|&(_, term)| term > Term(1)) {
            return Ok(());
        }
    }
    let because = format!("votes were split in term 1, and {} ticks later nobody leads", NEVER / 2);
    // The last candidate could have won.
    let ids: Vec<NodeId> = stage.cluster().ids().collect();
    let latest = ids.iter().filter(|&&id| stage.asked(id).iter().any(|&(_, t, _)| t > Term(1)));
    let latest = latest.max_by_key(|&&id| stage.disk(id).term).copied();
    let blame =
        latest.map_or(Blame::Function("Core::tick_election"), |id| blame::not_elected(&stage, id));
    let failure = stage.blamed(rule("a_leader_emerges"), blame).because(because);
    failure.expected("a leader of a later term").got(format!("leader: {}", leaders(&stage))).fail()
}

/// Says who leads which term.
pub(super) fn leaders(stage: &Stage) -> String {
    let leaders = stage.cluster().leaders();
    let names: Vec<String> =
        leaders.iter().map(|(id, term)| format!("{id} in term {term}")).collect();
    if names.is_empty() { "nobody".to_owned() } else { names.join(" and ") }
}
