//! Step 5: which candidate gets a vote (§5.2, Fig. 2 RequestVote).
//!
//! ```text
//!   n2 --RequestVote t1--> n1 --granted--> n2      first come, first served
//!   n3 --RequestVote t1--> n1 --refused--> n3      the vote of term 1 is granted already
//!   n2 --RequestVote t1--> n1 --granted--> n2      as promised
//!   n3 --RequestVote t2--> n1 --granted--> n3      a new term, a new vote
//! ```
//!
//! Another lab compares logs (§5.4.1): here all logs are equal, or the candidate's is the longer one.

use crate::raft::kit::{
    Blame, N1, N2, N3, Rows, Said, Stage, ask, ask_with, blame, name_or_none, remembering,
};
use crate::raft::rule;
use harness::{Check, Rule, Verdict};
use raft::{EntryId, Index, NodeId, Term};
use testbed::Setup;

/// Says where a vote was decided wrongly in the last step.
fn wrong_vote(stage: &Stage) -> Blame {
    blame::answered_wrongly(stage, N1)
}

/// Says what n1 answered a candidate.
fn answered(stage: &Stage, candidate: NodeId) -> String {
    match stage.votes(N1, candidate).last() {
        Some(said) => format!("{candidate} is {said}"),
        None => format!("{candidate} gets no answer"),
    }
}

/// n1 must grant its vote to `candidate`.
fn must_grant(stage: &Stage, rule: &Rule, candidate: NodeId, because: &str) -> Verdict {
    if stage.votes(N1, candidate).last() == Some(&Said::Yes) {
        return Ok(());
    }
    let failure = stage.blamed(rule, wrong_vote(stage)).because(because);
    let failure =
        failure.so_what("a vote that should be granted is refused: no candidate may win this term");
    failure.expected(format!("{candidate} is granted")).got(answered(stage, candidate)).fail()
}

/// n1 must never have granted its vote to `candidate`.
fn must_not_grant(stage: &Stage, rule: &Rule, candidate: NodeId, because: &str) -> Verdict {
    if !stage.granted(N1, candidate) {
        return Ok(());
    }
    let vote = name_or_none(stage.disk(N1).vote);
    let failure = stage.blamed(rule, wrong_vote(stage)).because(because);
    let got = format!("{candidate} is granted; n1's disk holds: vote {vote}");
    failure.expected(format!("{candidate} is refused")).got(got).fail()
}

/// Two candidates want the vote of one term.
pub(super) fn vote_once_per_term(_: &mut Check) -> Verdict {
    let once = rule("one_vote_per_term");
    let mut stage = Stage::with_slow_disks(3).row(1, "the first candidate asks");
    stage.hear(ask(N2, N1, 1));
    must_grant(&stage, once, N2, "n1 has not voted in term 1, and does not vote for n2")?;

    let mut stage = stage.row(2, "a second candidate asks in the same term");
    stage.hear(ask(N3, N1, 1));
    must_not_grant(&stage, once, N3, "n1 voted for n2 and then for n3, both in term 1")?;

    let mut stage = stage.row(3, "the second candidate asks in the next term");
    stage.hear(ask(N3, N1, 2));
    must_grant(&stage, once, N3, "n1 has not voted in term 2, and does not vote for n3")?;

    let mut stage = Stage::with_slow_disks(3).row(4, "n1 starts again between two requests");
    stage.hear(ask(N2, N1, 1));
    stage.persist(N1);
    must_grant(&stage, once, N2, "n1 has not voted in term 1, and does not vote for n2")?;
    stage.restart(N1);
    stage.hear(ask(N3, N1, 1));
    let because = "n1 voted for n2, started again, and voted for n3, both in term 1";
    must_not_grant(&stage, once, N3, because)?;

    let mut stage = Stage::with_slow_disks(3).row(5, "a rival asks a candidate");
    stage.campaign(N1);
    stage.hear(ask(N2, N1, 1));
    let because = "n1 campaigns in term 1, has voted for itself, and votes for n2";
    must_not_grant(&stage, once, N2, because)
}

/// A candidate asks twice: the first answer may have been lost.
pub(super) fn revote_same_candidate(_: &mut Check) -> Verdict {
    let again = rule("repeated_request_same_answer");
    let mut stage = Stage::with_slow_disks(3).row(1, "n2 asks twice in one term");
    stage.hear(ask(N2, N1, 1));
    stage.forget_words();
    stage.hear(ask(N2, N1, 1));
    must_grant(&stage, again, N2, "n1 voted for n2 in term 1, and does not say so again")?;

    let mut stage = stage.row(2, "n3 asks in between");
    stage.hear(ask(N3, N1, 1));
    must_not_grant(&stage, again, N3, "n1 voted for n2 in term 1, and then for n3")?;
    stage.forget_words();
    stage.hear(ask(N2, N1, 1));
    must_grant(&stage, again, N2, "n1 voted for n2 in term 1, and does not say so again")?;

    let setup = remembering(Setup::new(3, 0).with_slow_disks(), N1, 7, Some(N2));
    let mut stage = Stage::of(setup).row(3, "n1 starts again in between: its disk holds the vote");
    stage.hear(ask(N2, N1, 7));
    must_grant(&stage, again, N2, "n1's disk holds a vote for n2, and n1 denies it")?;
    stage.hear(ask(N3, N1, 7));
    must_not_grant(&stage, again, N3, "n1's disk holds a vote for n2, and n3 gets it too")
}

/// What n1 must do with a request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum MustVote {
    /// Grant its vote.
    Grant,
    /// Refuse it in an answer.
    Refuse,
    /// Not grant its vote: a request of an earlier term may also stay without an answer.
    NotGrant,
}

/// Every reason to refuse, each beside a similar row without it.
pub(super) fn refusals_and_their_twins(_: &mut Check) -> Verdict {
    let rows = [
        ("RequestVote t5", None, ask(N2, N1, 5), MustVote::Grant),
        ("RequestVote t5", Some(N3), ask(N2, N1, 5), MustVote::Refuse),
        ("RequestVote t5", Some(N2), ask(N2, N1, 5), MustVote::Grant),
        ("RequestVote t5", Some(N1), ask(N2, N1, 5), MustVote::Refuse),
        ("RequestVote t4", None, ask(N2, N1, 4), MustVote::NotGrant),
        ("RequestVote t4", Some(N2), ask(N2, N1, 4), MustVote::NotGrant),
        ("RequestVote t6", Some(N3), ask(N2, N1, 6), MustVote::Grant),
        ("RequestVote t6", Some(N1), ask(N2, N1, 6), MustVote::Grant),
        ("RequestVote t6 of a stranger", Some(N3), ask(NodeId(9), N1, 6), MustVote::Grant),
        ("t5, a longer log", None, with_a_longer_log(5), MustVote::Grant),
        ("t5, a longer log", Some(N3), with_a_longer_log(5), MustVote::Refuse),
    ];
    let intro = "n1 is in term 5 with the vote that its disk holds; n2, or n9, asks; n1 says, and holds then";
    let head = "request, n1's vote";
    let mut table = Rows::new(rule("vote_needs_both_rules"), head, intro);
    for (what, vote, request, must) in rows {
        let setup = remembering(Setup::new(3, 0).with_slow_disks(), N1, 5, vote);
        let mut stage = Stage::of(setup);
        let candidate = request.from;
        stage.hear(request);
        let was = said_and_holds(&stage, candidate);
        let vote = name_or_none(vote);
        let what = format!("{what}, {vote}");
        let (blame, must_be) = match must {
            MustVote::Grant => (wrong_vote(&stage), format!("granted, vote {candidate}")),
            MustVote::Refuse => (wrong_vote(&stage), format!("refused, vote {vote}")),
            MustVote::NotGrant => {
                (Blame::Function("Raft::update_term"), format!("not granted, vote {vote}"))
            }
        };
        let silent = format!("nothing, vote {vote}");
        let refused = format!("refused, vote {vote}");
        table.row_blamed(blame, stage, |table| match must {
            MustVote::NotGrant if was == silent || was == refused => {
                table.holds(what, must_be, was)
            }
            MustVote::NotGrant => table.breaks(what, must_be, was),
            MustVote::Grant | MustVote::Refuse => table.equal(what, must_be, was),
        });
    }
    table.verdict("Core::on_request_vote")
}

/// Says what n1 answered a candidate, and the vote it holds.
fn said_and_holds(stage: &Stage, candidate: NodeId) -> String {
    let vote = name_or_none(stage.disk(N1).vote);
    match stage.votes(N1, candidate).last() {
        Some(said) => format!("{said}, vote {vote}"),
        None => format!("nothing, vote {vote}"),
    }
}

/// n2 asks in `term` with a log of three entries; n1 has none.
fn with_a_longer_log(term: u64) -> raft::Message {
    ask_with(N2, N1, term, EntryId { term: Term(4), index: Index(3) })
}
