//! What logs may never do: Leader Append-Only, Log Matching, State Machine Safety, Leader
//! Completeness (Fig. 3, §5.4), what an acknowledgement and a commit index mean, and what is applied.
//!
//! ```text
//!   a write  5@2 6@3 commit=5   -->  past of 5@2, of 6@3: the one they have everywhere?
//!                                    5 is claimed to be committed: the 5@2 that was, or durable on
//!                                    more than half of the disks?
//! ```
//!
//! A log is judged as it is handed to its disk, and by what the disks hold ([`Chain`]): a leader may
//! say that it is committed, and only the disks can say that it is so. Every look costs what was
//! written since the last one, however long the logs are.

use super::{Disks, Rule, Seen, Sight, Violation};
use crate::disk::{Chain, Disk, Link};
use raft::quorum::Majority;
use raft::{AppendOutcome, Body, Entry, EntryId, Index, Inspect, Message, NodeId, RoleName, Term};
use std::collections::{BTreeMap, BTreeSet};

/// A place that is committed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Committed {
    link: Link,
    /// The term of whoever was first seen to claim it. Leaders of later terms must hold it.
    by: Term,
}

/// What is remembered of logs.
#[derive(Clone, PartialEq, Eq, Hash, Default, Debug)]
pub(super) struct Logs {
    /// The one past that each entry has, on any node at any time.
    pasts: BTreeMap<EntryId, u64>,
    /// Everything that was ever committed.
    committed: BTreeMap<Index, Committed>,
    /// How far it was committed by the end of each term.
    reached: BTreeMap<Term, Index>,
    /// Where the logs begin that are judged: those that begin elsewhere cannot be compared with them.
    base: Option<Link>,
    posted: Posted,
}

/// What a test put under way in a node's name. The others believe it, so the judge does too.
#[derive(Clone, PartialEq, Eq, Hash, Default, Debug)]
struct Posted {
    /// In whose name leaders' words were posted, and of which term.
    leaders: BTreeSet<(Term, NodeId)>,
    /// Whose acknowledgements were posted, and how far.
    acks: BTreeMap<NodeId, Index>,
    /// How far posted words said that the log is committed.
    commit: Index,
}

/// A commit index, and whose it is.
struct Claim<'a> {
    id: NodeId,
    term: Term,
    commit: Index,
    log: &'a Chain,
}

// Judging.

impl Logs {
    /// Believes what a test puts under way.
    pub(super) fn posted(&mut self, message: &Message) {
        let term = message.term.unwrap_or_default();
        match &message.body {
            Body::AppendEntries { commit, .. } | Body::Heartbeat { commit, .. } => {
                self.posted.leaders.insert((term, message.from));
                self.posted.commit = self.posted.commit.max(*commit);
            }
            Body::AppendReply { outcome: AppendOutcome::Matched(index), .. } => {
                let known = self.posted.acks.entry(message.from).or_default();
                *known = (*known).max(*index);
            }
            Body::AppendReply { .. } | Body::InstallSnapshot { .. } => {}
            Body::RequestPreVote(_) | Body::PreVoteReply { .. } => {}
            Body::RequestVote(_) | Body::VoteReply { .. } | Body::HeartbeatReply { .. } => {}
            Body::Propose { .. } | Body::TransferLeader { .. } | Body::TimeoutNow => {}
            Body::ReadIndex { .. } | Body::ReadIndexReply { .. } => {}
        }
    }

    /// Judges a node that has just started: its log is one that fits the others, and what its disk
    /// knows to be committed is believed.
    pub(super) fn opened(&mut self, sight: &Sight<'_>) -> Result<(), Violation> {
        let (id, term, log) = (sight.node.id, sight.node.term, sight.disk.kept());
        self.base.get_or_insert(log.base());
        self.matches(id, log, Index(0))?;
        let commit = sight.disk.durable().hard_state().commit;
        let claim = Claim { id, term, commit, log };
        if self.compares(log) {
            self.agrees(&claim)?;
            self.extend(&claim);
        }
        Ok(())
    }

    /// Judges what a node hands to its disk: `had` is the end of its log before, `from` the place of
    /// the first entry that is written now, if one is.
    pub(super) fn wrote(
        &mut self,
        sight: &Sight<'_>,
        before: Option<&Seen>,
        had: Link,
        from: Option<Index>,
        disks: Disks<'_>,
    ) -> Result<(), Violation> {
        let (node, log) = (&sight.node, sight.disk.written());
        if log.get(had.id.index) != Some(had) && leads_on(before, node) {
            return Err(not_only_appended(node, had.id, log.last().id));
        }
        if let Some(from) = from {
            self.matches(node.id, log, from)?;
        }
        let commit = sight.disk.latest().commit;
        self.claims(&Claim { id: node.id, term: node.term, commit, log }, node.voters, disks)
    }

    /// Judges a commit index that a node goes by before it has saved it.
    pub(super) fn committed(
        &mut self,
        sight: &Sight<'_>,
        commit: Index,
        disks: Disks<'_>,
    ) -> Result<(), Violation> {
        let (id, term, log) = (sight.node.id, sight.node.term, sight.disk.written());
        self.claims(&Claim { id, term, commit, log }, sight.node.voters, disks)
    }

    /// Judges a node after something happened to it.
    pub(super) fn looked(&self, before: Option<&Seen>, sight: &Sight<'_>) -> Result<(), Violation> {
        commit_grows(before, sight)?;
        commit_is_within(&sight.node)?;
        only_appends(before, &sight.node)?;
        if Seen::won(before, &sight.node) { self.is_complete(sight) } else { Ok(()) }
    }

    /// Judges an acknowledgement as it leaves: its sender's disk holds what its leader's does. Not if
    /// that disk is in a later term, where the next leader may have replaced it (see
    /// [`persisted_before`](super::votes::persisted_before)).
    pub(super) fn acknowledged(
        &self,
        disk: &Disk,
        message: &Message,
        leader: Option<&Seen>,
        disks: Disks<'_>,
    ) -> Result<(), Violation> {
        let (Some(term), Body::AppendReply { outcome: AppendOutcome::Matched(index), .. }) =
            (message.term, &message.body)
        else {
            return Ok(());
        };
        let (from, to) = (message.from, message.to);
        let leads = |seen: &&Seen| seen.role == RoleName::Leader && seen.term == term;
        let is_over = disk.durable().hard_state().term > term;
        if is_over || leader.filter(leads).is_none() || self.posted.leaders.contains(&(term, to)) {
            return Ok(());
        }
        let Some(leaders) = disks(to).map(Disk::written) else { return Ok(()) };
        if !(self.compares(disk.kept()) && self.compares(leaders)) {
            return Ok(());
        }
        let (ours, theirs) = (disk.kept().get(*index), leaders.get(*index));
        if theirs.is_some() && ours == theirs {
            return Ok(());
        }
        let place = |link: Option<Link>| link.map_or("nothing".into(), |link| link.id.to_string());
        let text = format!(
            "{from} acknowledged place {index} to {to}, leader of term {term}: it holds {} there \
             behind what it holds before, {to} holds {}",
            place(ours),
            place(theirs)
        );
        let (rule, who) = (Rule::AckMatches, vec![from, to]);
        Err(Violation { rule, who, term: Some(term), text })
    }

    /// Judges what an application applies, having applied everything up to `applied`.
    pub(super) fn applied(
        &self,
        id: NodeId,
        log: &Chain,
        applied: Index,
        entries: &[Entry],
    ) -> Result<(), Violation> {
        let mut before = self.committed.get(&applied).map(|committed| committed.link);
        before = before.or(self.base.filter(|base| base.id.index == applied));
        let broken = |rule, text| Err(Violation { rule, who: vec![id], term: None, text });
        for (due, entry) in (applied.0 + 1..).map(Index).zip(entries) {
            if entry.id.index != due {
                let text = format!("{id} applied {} where {due} was due", entry.id);
                return broken(Rule::AppliedInOrder, text);
            }
            if !self.compares(log) {
                continue;
            }
            let Some(committed) = self.committed.get(&due).map(|committed| committed.link) else {
                let text = format!("{id} applied {}, which nobody committed", entry.id);
                return broken(Rule::AppliedInOrder, text);
            };
            if before.is_some_and(|before| before.next(entry) != committed) {
                let text = format!(
                    "{id} applied {} where {} was committed, or with other words",
                    entry.id, committed.id
                );
                return broken(Rule::StateMachineSafety, text);
            }
            before = Some(committed);
        }
        Ok(())
    }
}

// The rules one by one.

impl Logs {
    /// Checks that entries have the past they have everywhere else (Log Matching).
    fn matches(&mut self, id: NodeId, log: &Chain, from: Index) -> Result<(), Violation> {
        if !self.compares(log) {
            return Ok(());
        }
        for link in log.since(from) {
            if *self.pasts.entry(link.id).or_insert(link.sum) != link.sum {
                let (entry, rule) = (link.id, Rule::LogMatching);
                let text = format!(
                    "{id} holds {entry} after other entries, or with other words, than another log"
                );
                return Err(Violation { rule, who: vec![id], term: Some(entry.term), text });
            }
        }
        Ok(())
    }

    /// Checks a commit index: the log reaches there, it is what others committed (State Machine
    /// Safety), and what nobody committed before is durable on more than half of the disks.
    fn claims(
        &mut self,
        claim: &Claim<'_>,
        voters: &Majority,
        disks: Disks<'_>,
    ) -> Result<(), Violation> {
        if !self.compares(claim.log) {
            return Ok(());
        }
        self.agrees(claim)?;
        if claim.commit > self.end() {
            self.is_on_quorum(claim, voters, disks)?;
            self.extend(claim);
        }
        Ok(())
    }

    /// Checks that what a claim calls committed is what others committed, as far as they did.
    fn agrees(&self, claim: &Claim<'_>) -> Result<(), Violation> {
        let Claim { id, term, commit, log } = *claim;
        let common = commit.min(self.end());
        let same = |index: Index| {
            let committed = self.committed.get(&index).map(|committed| committed.link);
            committed.is_none() || log.get(index).is_none() || committed == log.get(index)
        };
        if common == Index(0) || same(common) {
            return Ok(());
        }
        let wrong = (1..=common.0).map(Index).find(|&index| !same(index)).unwrap_or(common);
        let (ours, theirs) = (log.get(wrong), self.committed.get(&wrong));
        let name = |link: Option<Link>| link.map_or(EntryId::default(), |link| link.id);
        let (ours, theirs) = (name(ours), name(theirs.map(|committed| committed.link)));
        let text = format!("{id} commits {ours} where {theirs} was committed");
        let (rule, who) = (Rule::StateMachineSafety, vec![id]);
        Err(Violation { rule, who, term: Some(term), text })
    }

    /// Checks that more than half of the disks hold what is claimed to be committed.
    fn is_on_quorum(
        &self,
        claim: &Claim<'_>,
        voters: &Majority,
        disks: Disks<'_>,
    ) -> Result<(), Violation> {
        let Claim { id, term, commit, log } = *claim;
        if commit <= self.posted.commit {
            return Ok(());
        }
        let Some(link) = log.get(commit) else { return Ok(()) };
        let holds = |voter: &NodeId| {
            let kept = disks(*voter).map(Disk::kept);
            kept.is_some_and(|log| !self.compares(log) || log.get(commit) == Some(link))
                || self.posted.acks.get(voter).is_some_and(|&index| index >= commit)
        };
        let of = voters.voters().count();
        let holders: Vec<_> = voters.voters().filter(holds).collect();
        // Twice the copies, so that nothing is rounded: more than half of 4 is 3.
        if 2 * holders.len() > of {
            return Ok(());
        }
        let names: Vec<_> = holders.iter().map(NodeId::to_string).collect();
        let on = if names.is_empty() { "no disk".into() } else { names.join(", ") };
        let text = format!(
            "{id} commits {} in term {term}, and it is durable on {} of {of} disks ({on})",
            link.id,
            holders.len()
        );
        let (rule, who) = (Rule::CommitOnQuorum, vec![id]);
        Err(Violation { rule, who, term: Some(term), text })
    }

    /// Takes down what is committed now and was not before.
    fn extend(&mut self, claim: &Claim<'_>) {
        let end = self.end();
        for link in claim.log.since(end + 1).iter().take_while(|it| it.id.index <= claim.commit) {
            self.committed.insert(link.id.index, Committed { link: *link, by: claim.term });
        }
        let now = self.end();
        if now > end {
            let reached = self.reached.entry(claim.term).or_default();
            *reached = (*reached).max(now);
        }
    }

    /// Returns whether a log begins where the judged ones do.
    fn compares(&self, log: &Chain) -> bool {
        self.base.is_none_or(|base| base == log.base())
    }

    /// Returns the last place that is committed.
    fn end(&self) -> Index {
        self.committed.last_key_value().map_or(Index(0), |(&index, _)| index)
    }

    /// Checks that a new leader holds what was committed in earlier terms (Leader Completeness). A
    /// leader of an earlier term than the commit may lack it: its votes came late.
    fn is_complete(&self, sight: &Sight<'_>) -> Result<(), Violation> {
        let (leader, term, log) = (sight.node.id, sight.node.term, sight.disk.written());
        let due = self.reached.range(..term).map(|(_, &index)| index).max().unwrap_or(Index(0));
        let held = |index: Index| {
            let committed = self.committed.get(&index).map(|committed| committed.link);
            committed.is_none() || log.get(index) == committed
        };
        if !self.compares(log) || held(due) {
            return Ok(());
        }
        let lost = (1..=due.0).map(Index).find(|&index| !held(index)).unwrap_or(due);
        let Some(Committed { link, by }) = self.committed.get(&lost) else { return Ok(()) };
        let text =
            format!("{leader} leads term {term} without {}, committed in term {by}", link.id);
        let (rule, who) = (Rule::LeaderCompleteness, vec![leader]);
        Err(Violation { rule, who, term: Some(term), text })
    }
}

// What an explorer tells states apart by.

impl Logs {
    /// Forgets the pasts of entries that `lives` says are nowhere any more.
    pub(super) fn forget_pasts(&mut self, lives: impl Fn(EntryId) -> bool) {
        self.pasts.retain(|&id, _| lives(id));
    }

    /// Returns what is remembered of every entry: its id, its past, and whether it is committed, by
    /// whose term.
    pub(super) fn remembered(&self) -> impl Iterator<Item = (EntryId, u64, Option<Term>)> + '_ {
        let pasts = self.pasts.iter().map(|(&id, &sum)| (id, sum, None));
        let committed = self.committed.values();
        pasts.chain(committed.map(|it| (it.link.id, it.link.sum, Some(it.by))))
    }
}

/// Checks that a node knows no less to be committed than before, or than its disk does.
fn commit_grows(before: Option<&Seen>, sight: &Sight<'_>) -> Result<(), Violation> {
    let (id, commit) = (sight.node.id, sight.node.commit);
    let durable = sight.disk.durable().hard_state().commit;
    let known = before.map_or(durable, |before| before.commit.max(durable));
    if commit >= known {
        return Ok(());
    }
    let text = format!("{id} knew {known} to be committed, and says {commit} now");
    Err(Violation { rule: Rule::CommitMonotone, who: vec![id], term: Some(sight.node.term), text })
}

/// Checks that a node's commit index lies within its log.
fn commit_is_within(node: &Inspect<'_>) -> Result<(), Violation> {
    let (id, commit, last) = (node.id, node.commit, node.last);
    if commit <= last.index {
        return Ok(());
    }
    let text = format!("{id} says {commit} is committed, and its log ends with {last}");
    Err(Violation { rule: Rule::CommitWithinLog, who: vec![id], term: Some(node.term), text })
}

/// Checks that who leads still, leads with no shorter a log than it had (Leader Append-Only). What is
/// in it, its writes show.
fn only_appends(before: Option<&Seen>, node: &Inspect<'_>) -> Result<(), Violation> {
    match before {
        Some(seen) if leads_on(before, node) && node.last.index < seen.last.index => {
            Err(not_only_appended(node, seen.last, node.last))
        }
        Some(_) | None => Ok(()),
    }
}

/// Returns whether a node leads the term that it led when it was last looked at.
fn leads_on(before: Option<&Seen>, node: &Inspect<'_>) -> bool {
    let led = |seen: &Seen| seen.role == RoleName::Leader && seen.term == node.term;
    node.role == RoleName::Leader && before.is_some_and(led)
}

fn not_only_appended(node: &Inspect<'_>, had: EntryId, end: EntryId) -> Violation {
    let (id, term, rule) = (node.id, node.term, Rule::LeaderAppendOnly);
    let text = if had.index > end.index {
        format!("{id}, leader of term {term}, had {had}; its log ends with {end} now")
    } else {
        format!("{id}, leader of term {term}, had {had}; it has another entry there now")
    };
    Violation { rule, who: vec![id], term: Some(term), text }
}
