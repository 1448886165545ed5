//! Step 11, last part: how many messages it takes.
//!
//! ```text
//!   k commands, n nodes, nothing is lost      at most (n - 1) * (k + 3) appends with entries
//! ```
//!
//! Only appends that carry entries are counted: a heartbeat may be an empty append, and a commit index may
//! travel in one.

use crate::raft::kit::{N1, Rows, Stage, is_append};
use crate::raft::rule;
use harness::{Check, Verdict};
use raft::NodeId;

/// Commands one by one, and several at once.
pub(super) fn rpc_budget(_: &mut Check) -> Verdict {
    let intro =
        "n1 leads, a client proposes, nothing is lost; how many appends with entries n1 sends";
    let mut table =
        Rows::new(rule("entries_are_sent_once"), "nodes, commands", intro).noted_by(is_append);
    for (size, commands, at_once) in
        [(3, 1, 1), (3, 20, 1), (3, 20, 5), (5, 10, 1), (5, 30, 10), (7, 10, 2)]
    {
        let mut stage = Stage::new(size);
        stage.campaign(N1);
        stage.settle();
        stage.must_lead(rule("entries_are_sent_once"), N1)?;
        stage.rounds(2);
        stage.forget_words();
        for command in 1..=commands {
            stage.propose(N1, &format!("x={command}"));
            if command % at_once == 0 {
                stage.settle();
            }
        }
        stage.rounds(3);
        let others = (2..=size).map(NodeId);
        let appends = others.flat_map(|to| stage.appends(N1, to));
        let sent = appends.filter(|append| !append.entries.is_empty()).count() as u64;
        // At least one append to each node of a majority, or nothing was committed.
        let least = size / 2;
        let most = (size - 1) * (commands + 3);
        let what = format!("{size}, {commands}, {at_once} at once");
        let place = stage.last_line(is_append);
        table.row_at(place, stage, |table| table.within(what, least..=most, sent));
    }
    table.verdict_in(&["Core::bcast_append", "Core::send_append", "Core::on_matched"])
}
