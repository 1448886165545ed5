//! Step 6, third part: whole elections among real nodes (§5.2).
//!
//! ```text
//!   n1 n2 n3 n4 n5      n1 campaigns
//!    |  |  |  x  x      3 of 5 are left: n1 leads
//!    |  |  x  x  x      2 of 5 are left: nobody does
//! ```

use super::counting::is_about_counting;
use super::rows::Rows;
use super::rules::{EMERGES, MAJORITY};
use super::stage::{NEVER, Stage};
use super::words::{N1, N2, N3, N4, ask};
use crate::{Check, Verdict};
use raft::{NodeId, Term};
use testbed::Input;

/// Clusters of which some nodes are down.
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
    let mut elected = Rows::new(&EMERGES, head, intro).decided_by(is_about_counting);
    let mut nobody = Rows::new(&MAJORITY, head, intro).decided_by(is_about_counting);
    for (size, down, leads) in rows {
        let mut stage = Stage::new(size);
        for id in (size - down + 1..=size).map(NodeId) {
            stage.apply(Input::Crash(id));
        }
        stage.campaign(N1);
        stage.settle();
        let (what, was) = (format!("{down} of {size} nodes down"), leaders(&stage));
        match leads {
            true => elected.equal(what, "n1 in term 1", was, stage),
            false => nobody.equal(what, "nobody", was, stage),
        }
    }
    nobody.verdict("Core::on_vote_reply")?;
    elected.verdict("Core::on_vote_reply")
}

/// Each node in turn is elected, and the one before steps down.
pub(super) fn leader_cycle(_: &mut Check) -> Verdict {
    let mut stage = Stage::new(3);
    for (turn, id) in [N1, N2, N3, N1].into_iter().enumerate() {
        let term = turn as u64 + 1;
        stage = stage.row(term, &format!("{id} campaigns in term {term}"));
        stage.campaign(id);
        stage.settle();
        let (must_be, was) = (format!("{id} in term {term}"), leaders(&stage));
        if must_be != was {
            let because = format!("{id} campaigned in term {term}, everybody heard; {was} leads");
            let asked = stage.asked(id).iter().any(|&(_, asked, _)| asked == Term(term));
            let function = if asked { "Core::on_vote_reply" } else { "Raft::campaign" };
            let failure = stage.missing(&EMERGES, function).because(because);
            return failure.expected(format!("{must_be} leads")).got(format!("{was} leads")).fail();
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
    stage.settle();
    if !stage.cluster().leaders().is_empty() {
        let failure = stage
            .broken(&MAJORITY, "Core::on_vote_reply")
            .because("2 of 4 votes made a leader of term 1");
        let got = format!("{} leads", leaders(&stage));
        return failure.expected("nobody leads term 1").got(got).fail();
    }
    recovers(stage.row(2, "then time passes"))?;

    let mut stage = Stage::new(3).row(3, "everybody stands in term 1, and all questions are lost");
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
    let failure = stage.missing(&EMERGES, "Core::tick_election").because(because);
    failure.expected("a leader of a later term").got(format!("{} leads", leaders(&stage))).fail()
}

/// Says who leads which term.
pub(super) fn leaders(stage: &Stage) -> String {
    let leaders = stage.cluster().leaders();
    let names: Vec<String> =
        leaders.iter().map(|(id, term)| format!("{id} in term {term}")).collect();
    if names.is_empty() { "nobody".to_owned() } else { names.join(" and ") }
}
