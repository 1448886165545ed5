//! What logs may never do: Leader Append-Only, Log Matching, State Machine Safety, Leader
//! Completeness (Fig. 3, §5.4), the meaning of an acknowledgement and of a commit index, and what is
//! applied.
//!
//! ```text
//!   a write  5@2 6@3 commit=5   -->  do 5@2 and 6@3 follow the same entries in every log?
//!                                    is 5 committed: as the same 5@2 as before, or durable on
//!                                    more than half of the disks?
//! ```
//!
//! A log is checked when it is handed to its disk, against the contents of the disks ([`Chain`]). A
//! leader claims that an entry is committed; only the disks prove it. The cost of a check depends on
//! what was written since the last check, not on the length of the logs.

use super::{DiskLookup, LastSeen, NodeView, Rule, Violation};
use crate::disk::{Chain, Disk, Link};
use raft::quorum::{Joint, Majority};
use raft::{AppendOutcome, Body, Entry, EntryId, Index, Inspect, Message, NodeId, RoleName, Term};
use std::collections::{BTreeMap, BTreeSet};

/// A committed entry.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Committed {
    link: Link,
    /// The term of the node that first claimed it. Leaders of later terms must hold the entry.
    by: Term,
}

/// What the checker remembers of logs.
#[derive(Clone, PartialEq, Eq, Hash, Default, Debug)]
pub(super) struct LogHistory {
    /// The past of each entry: the hash of the log up to it, the same on every node at all times.
    pasts: BTreeMap<EntryId, u64>,
    /// Every entry that was ever committed.
    committed: BTreeMap<Index, Committed>,
    /// The highest index that was committed in each term.
    reached: BTreeMap<Term, Index>,
    /// The voters of each node, with their commit groups, and those of before ([`LogHistory::note_voters`]).
    current: BTreeMap<NodeId, Joint>,
    former: BTreeMap<NodeId, Joint>,
    /// The leaders whose disks were not handed yet what they had taken as followers. Only where vote requests
    /// may leave before the candidate's own vote is durable ([`VoteRequests::AtOnce`](raft::VoteRequests)): a
    /// node that crashed may be elected by the answers to an earlier campaign.
    behind: BTreeSet<NodeId>,
    /// Where the checked logs begin. A log that begins elsewhere cannot be compared with them.
    base: Option<Link>,
    posted: Posted,
}

/// What a test sent in the name of a node. The other nodes trust it, so the checker does, too.
#[derive(Clone, PartialEq, Eq, Hash, Default, Debug)]
struct Posted {
    /// The leaders in whose name a test has posted, each with its term.
    leaders: BTreeSet<(Term, NodeId)>,
    /// The highest acknowledgement that was posted for each node.
    acks: BTreeMap<NodeId, Index>,
    /// The highest commit index in a posted message.
    commit: Index,
}

/// A commit index that a node claims.
struct Claim<'a> {
    id: NodeId,
    term: Term,
    commit: Index,
    log: &'a Chain,
    /// Whether the node has moved its commit index in this very step.
    is_new: bool,
}

impl<'a> Claim<'a> {
    /// Returns the claim of a node that was seen `before` its step.
    fn of(view: &NodeView<'a>, before: Option<&LastSeen>, commit: Index, log: &'a Chain) -> Self {
        let is_new = before.is_some_and(|seen| seen.commit < commit);
        Claim { id: view.node.id, term: view.node.term, commit, log, is_new }
    }
}

// What is checked, and when.

impl LogHistory {
    /// Trusts a message that a test sends.
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
            Body::Propose { .. } | Body::TransferLeader { .. } | Body::TimeoutNow { .. } => {}
            Body::ReadIndex { .. } | Body::ReadIndexReply { .. } => {}
        }
    }

    /// Returns the highest index that any node has committed so far.
    pub(super) fn last_committed(&self) -> Index {
        self.committed.keys().next_back().copied().unwrap_or_default()
    }

    /// Checks a node that has just started: its log must fit the others. The commit index on its disk is
    /// trusted.
    pub(super) fn opened(&mut self, view: &NodeView<'_>) -> Result<(), Violation> {
        self.note_voters(None, &view.node);
        let log = view.disk.kept();
        self.base.get_or_insert(log.base());
        self.matches(view.node.id, log, Index(0))?;
        let commit = view.disk.durable().hard_state().commit;
        let claim = Claim::of(view, None, commit, log);
        if self.compares(log) {
            self.agrees(&claim)?;
            self.extend(&claim);
        }
        Ok(())
    }

    /// Checks a write: `had` is the last link of the log before it, `from` the index of the first entry
    /// in the write, if there is one.
    pub(super) fn wrote(
        &mut self,
        view: &NodeView<'_>,
        before: Option<&LastSeen>,
        had: Link,
        from: Option<Index>,
        disks: DiskLookup<'_>,
    ) -> Result<(), Violation> {
        let (node, log) = (&view.node, view.disk.written());
        // The first write of such a leader brings what it took as a follower, and may replace entries.
        let was_behind = self.behind.remove(&node.id);
        if !was_behind && log.get(had.id.index) != Some(had) && leads_on(before, node) {
            return Err(not_only_appended(node, had.id, log.last().id));
        }
        if let Some(from) = from {
            self.matches(node.id, log, from)?;
        }
        if was_behind && leads_on(before, node) {
            self.is_complete(view)?;
        }
        let claim = Claim::of(view, before, view.disk.latest().commit, log);
        self.claims(&claim, node.voters, disks)
    }

    /// Checks a commit index that a node uses before it has saved it.
    pub(super) fn committed(
        &mut self,
        view: &NodeView<'_>,
        before: Option<&LastSeen>,
        commit: Index,
        disks: DiskLookup<'_>,
    ) -> Result<(), Violation> {
        let claim = Claim::of(view, before, commit, view.disk.written());
        self.claims(&claim, view.node.voters, disks)
    }

    /// Checks a node after a step.
    pub(super) fn looked(
        &mut self,
        before: Option<&LastSeen>,
        view: &NodeView<'_>,
    ) -> Result<(), Violation> {
        self.note_voters(before, &view.node);
        commit_grows(before, view)?;
        commit_is_within(&view.node)?;
        only_appends(before, &view.node)?;
        if !LastSeen::won(before, &view.node) {
            return Ok(());
        }
        if before.is_some_and(|seen| !was_handed(view, seen.last)) {
            self.behind.insert(view.node.id);
            return Ok(());
        }
        self.is_complete(view)
    }

    /// Forgets the volatile state of a node that lost power.
    pub(super) fn forget(&mut self, id: NodeId) {
        self.behind.remove(&id);
    }

    /// Checks an acknowledgement as it is sent: the sender's disk must hold the same log as the leader's.
    /// It is not checked if that disk is in a later term: the next leader may have replaced the entries
    /// (see [`persisted_before`](super::votes::persisted_before)).
    pub(super) fn acknowledged(
        &self,
        disk: &Disk,
        message: &Message,
        leader: Option<&LastSeen>,
        disks: DiskLookup<'_>,
    ) -> Result<(), Violation> {
        let (Some(term), Body::AppendReply { outcome: AppendOutcome::Matched(index), .. }) =
            (message.term, &message.body)
        else {
            return Ok(());
        };
        let (from, to) = (message.from, message.to);
        let leads = |seen: &&LastSeen| seen.role == RoleName::Leader && seen.term == term;
        let is_over = disk.durable().hard_state().term > term;
        if is_over || leader.filter(leads).is_none() || self.posted.leaders.contains(&(term, to)) {
            return Ok(());
        }
        let Some(leaders) = disks(to).map(Disk::written) else { return Ok(()) };
        if !(self.compares(disk.kept()) && self.compares(leaders)) {
            return Ok(());
        }
        let (ours, theirs) = (disk.kept().get(*index), leaders.get(*index));
        // What a snapshot covers is committed: `committed` knows it.
        let is_covered = |log: &Chain| *index < log.base().id.index;
        if is_covered(disk.kept()) || is_covered(leaders) || theirs.is_some() && ours == theirs {
            return Ok(());
        }
        let place = |link: Option<Link>| link.map_or("nothing".into(), |link| link.id.to_string());
        let text = format!(
            "{from} acknowledged index {index} to {to}, leader of term {term}, but their logs up to \
             there differ: {from} holds {} at that index, {to} holds {}",
            place(ours),
            place(theirs)
        );
        let (rule, who) = (Rule::AckMatches, vec![from, to]);
        Err(Violation { rule, who, term: Some(term), text })
    }

    /// Checks what an application applies after everything up to `applied`.
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
                let text =
                    format!("{id} applied {}, but the next index to apply was {due}", entry.id);
                return broken(Rule::AppliedInOrder, text);
            }
            if !self.compares(log) {
                continue;
            }
            let Some(committed) = self.committed.get(&due).map(|committed| committed.link) else {
                let text = format!("{id} applied {}, which is not committed", entry.id);
                return broken(Rule::AppliedInOrder, text);
            };
            if before.is_some_and(|before| before.next(entry) != committed) {
                let text = format!(
                    "{id} applied {}, but {} was committed there, or the same id with another command",
                    entry.id, committed.id
                );
                return broken(Rule::StateMachineSafety, text);
            }
            before = Some(committed);
        }
        Ok(())
    }
}

impl LogHistory {
    /// Checks a snapshot that a node installs: what it covers must be what was committed.
    pub(super) fn installed(&self, id: NodeId, last: Link) -> Result<(), Violation> {
        let broken = |rule, text| Err(Violation { rule, who: vec![id], term: None, text });
        match self.committed.get(&last.id.index).map(|committed| committed.link) {
            Some(committed) if committed == last => Ok(()),
            Some(committed) => {
                let text = format!(
                    "{id} installed a snapshot up to {}, but {} was committed there, or after other \
                     entries",
                    last.id, committed.id
                );
                broken(Rule::StateMachineSafety, text)
            }
            None if self.base.is_some_and(|base| base.id.index >= last.id.index) => Ok(()),
            None => {
                let text =
                    format!("{id} installed a snapshot up to {}, which is not committed", last.id);
                broken(Rule::AppliedInOrder, text)
            }
        }
    }
}

impl LogHistory {
    /// Notes the voters of a node, and keeps those of before, if they have changed: it may have moved its commit
    /// index with them, and writes it later. With commit groups, which an owner may change at any time, exactly
    /// those with which it has moved its commit index last.
    fn note_voters(&mut self, before: Option<&LastSeen>, node: &Inspect<'_>) {
        let has_groups = |voters: &Joint| voters.commit_groups().is_some();
        let now = node.voters;
        match self.current.get_mut(&node.id) {
            Some(known) if known == now => {}
            Some(known) => {
                let was = std::mem::replace(known, now.clone());
                let keeps_earlier = has_groups(&was) || has_groups(now);
                let former = self.former.entry(node.id).or_insert_with(|| was.clone());
                if !keeps_earlier {
                    *former = was;
                }
            }
            None => drop(self.current.insert(node.id, now.clone())),
        }
        let has_moved = before.is_none_or(|seen| seen.commit < node.commit);
        let counts_groups = |former: &Joint| has_groups(former) || has_groups(now);
        if has_moved && self.former.get(&node.id).is_some_and(counts_groups) {
            self.former.remove(&node.id);
        }
    }
}

// The rules, one function each.

impl LogHistory {
    /// Checks that entries follow the same entries here as in every other log (Log Matching).
    fn matches(&mut self, id: NodeId, log: &Chain, from: Index) -> Result<(), Violation> {
        if !self.compares(log) {
            return Ok(());
        }
        for link in log.since(from) {
            if *self.pasts.entry(link.id).or_insert(link.sum) != link.sum {
                let (entry, rule) = (link.id, Rule::LogMatching);
                let text = format!(
                    "{id} holds {entry} after other entries than another log does, or with another command"
                );
                return Err(Violation { rule, who: vec![id], term: Some(entry.term), text });
            }
        }
        Ok(())
    }

    /// Checks a commit index. Other nodes must have committed the same entries (State Machine Safety). An
    /// entry that is committed for the first time must be durable on more than half of the disks.
    fn claims(
        &mut self,
        claim: &Claim<'_>,
        voters: &Joint,
        disks: DiskLookup<'_>,
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

    /// Checks that a claim and the known commits agree, as far as both reach.
    fn agrees(&self, claim: &Claim<'_>) -> Result<(), Violation> {
        let Claim { id, term, commit, log, .. } = *claim;
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
        let text = format!("{id} commits {ours}, but {theirs} was committed there");
        let (rule, who) = (Rule::StateMachineSafety, vec![id]);
        Err(Violation { rule, who, term: Some(term), text })
    }

    /// Checks that more than half of the disks hold what a node claims to be committed, in two commit groups
    /// if there are any.
    fn is_on_quorum(
        &self,
        claim: &Claim<'_>,
        voters: &Joint,
        disks: DiskLookup<'_>,
    ) -> Result<(), Violation> {
        let Claim { id, term, commit, log, is_new } = *claim;
        if commit <= self.posted.commit {
            return Ok(());
        }
        let Some(link) = log.get(commit) else { return Ok(()) };
        let holds = |voter: NodeId| {
            let kept = disks(voter).map(Disk::kept);
            kept.is_some_and(|log| {
                !self.compares(log) || commit < log.base().id.index || log.get(commit) == Some(link)
            }) || self.posted.acks.get(&voter).is_some_and(|&index| index >= commit)
        };
        let of = voters.voters().count();
        let holders: Vec<_> = voters.voters().filter(|&voter| holds(voter)).collect();
        let on_quorum = voters.agrees(|voter| holders.contains(&voter));
        if on_quorum && is_in_two_groups(voters, holds) {
            return Ok(());
        }
        // The node may have counted before it applied a change, or before its commit groups changed: in an
        // earlier step, or earlier in this one.
        let counted = self.former.get(&id).filter(|_| !is_new).or(self.current.get(&id));
        let is_enough = |voters: &Joint| voters.agrees(holds) && is_in_two_groups(voters, holds);
        if counted.is_some_and(is_enough) {
            return Ok(());
        }
        let names: Vec<_> = holders.iter().map(NodeId::to_string).collect();
        let on = if names.is_empty() { "no disk".into() } else { names.join(", ") };
        let (rule, where_it_is) = if on_quorum {
            (Rule::CommitInTwoGroups, format!("not in two commit groups ({on})"))
        } else {
            let count = holders.len();
            (Rule::CommitOnQuorum, format!("durable on only {count} of {of} disks ({on})"))
        };
        let text = format!("{id} commits {} in term {term}, but it is {where_it_is}", link.id);
        Err(Violation { rule, who: vec![id], term: Some(term), text })
    }

    /// Notes the entries that are committed for the first time.
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

    /// Returns whether a log can be compared with the checked ones: it begins where they begin, or after a
    /// snapshot of what was committed.
    fn compares(&self, log: &Chain) -> bool {
        let begins = log.base();
        let committed = self.committed.get(&begins.id.index).map(|committed| committed.link);
        self.base.is_none_or(|base| base == begins) || committed == Some(begins)
    }

    /// Returns the last committed index.
    fn end(&self) -> Index {
        self.committed.last_key_value().map_or(Index(0), |(&index, _)| index)
    }

    /// Checks that a new leader holds what was committed in earlier terms (Leader Completeness). A leader
    /// of an earlier term than the commit may lack it: its votes arrived late.
    fn is_complete(&self, view: &NodeView<'_>) -> Result<(), Violation> {
        let (leader, term, log) = (view.node.id, view.node.term, view.disk.written());
        let due = self.reached.range(..term).map(|(_, &index)| index).max().unwrap_or(Index(0));
        let held = |index: Index| {
            let committed = self.committed.get(&index).map(|committed| committed.link);
            committed.is_none() || index < log.base().id.index || log.get(index) == committed
        };
        if !self.compares(log) || held(due) {
            return Ok(());
        }
        let lost = (1..=due.0).map(Index).find(|&index| !held(index)).unwrap_or(due);
        let Some(Committed { link, by }) = self.committed.get(&lost) else { return Ok(()) };
        let text = format!(
            "{leader} leads term {term}, but its log lacks {}, committed in term {by}",
            link.id
        );
        let (rule, who) = (Rule::LeaderCompleteness, vec![leader]);
        Err(Violation { rule, who, term: Some(term), text })
    }
}

// What the explorer tells states apart by.

impl LogHistory {
    /// Forgets the pasts of entries for which `lives` returns false.
    pub(super) fn forget_pasts(&mut self, lives: impl Fn(EntryId) -> bool) {
        self.pasts.retain(|&id, _| lives(id));
    }

    /// Returns what is remembered of every entry: its id, its past, and the term that committed it, if
    /// one did.
    pub(super) fn remembered(&self) -> impl Iterator<Item = (EntryId, u64, Option<Term>)> + '_ {
        let pasts = self.pasts.iter().map(|(&id, &sum)| (id, sum, None));
        let committed = self.committed.values();
        pasts.chain(committed.map(|it| (it.link.id, it.link.sum, Some(it.by))))
    }
}

/// Returns whether those that hold an entry are in two commit groups, as far as the voters are; true if there
/// are no groups. Where the voters are in one group or in none, all of them must hold it, unless each is in
/// that one group: then there is no second place. It must be so for each half of a joint configuration.
fn is_in_two_groups(voters: &Joint, holds: impl Fn(NodeId) -> bool) -> bool {
    let Some(groups) = voters.commit_groups() else { return true };
    let places = |ids: &mut dyn Iterator<Item = NodeId>| {
        ids.filter_map(|id| groups.of(id)).collect::<BTreeSet<_>>().len()
    };
    let half = |half: &Majority| {
        if places(&mut half.voters()) >= 2 {
            places(&mut half.voters().filter(|&id| holds(id))) >= 2
        } else {
            half.voters().all(|id| groups.of(id).is_some()) || half.voters().all(&holds)
        }
    };
    half(voters.incoming()) && voters.outgoing().is_none_or(half)
}

/// Checks that a commit index is not lower than before, and not lower than on the disk.
fn commit_grows(before: Option<&LastSeen>, view: &NodeView<'_>) -> Result<(), Violation> {
    let (id, commit) = (view.node.id, view.node.commit);
    let durable = view.disk.durable().hard_state().commit;
    let known = before.map_or(durable, |before| before.commit.max(durable));
    if commit >= known {
        return Ok(());
    }
    let text = format!("{id} had commit index {known}, and has {commit} now");
    Err(Violation { rule: Rule::CommitMonotone, who: vec![id], term: Some(view.node.term), text })
}

/// Checks that a node's commit index lies within its log.
fn commit_is_within(node: &Inspect<'_>) -> Result<(), Violation> {
    let (id, commit, last) = (node.id, node.commit, node.last);
    if commit <= last.index {
        return Ok(());
    }
    let text = format!("{id} has commit index {commit}, but its log ends with {last}");
    Err(Violation { rule: Rule::CommitWithinLog, who: vec![id], term: Some(node.term), text })
}

/// Checks that the log of a node that leads on is not shorter than before (Leader Append-Only). The
/// checks of its writes compare the entries.
fn only_appends(before: Option<&LastSeen>, node: &Inspect<'_>) -> Result<(), Violation> {
    match before {
        Some(seen) if leads_on(before, node) && node.last.index < seen.last.index => {
            Err(not_only_appended(node, seen.last, node.last))
        }
        Some(_) | None => Ok(()),
    }
}

/// Returns whether the disk of a node that has just won was handed the log of the candidate, which ended in this
/// entry: an entry stands for all that is before it. If the leader's first entry was handed out in the same step, all
/// of the log was.
fn was_handed(view: &NodeView<'_>, last: EntryId) -> bool {
    let written = view.disk.written();
    written.last().id == view.node.last
        || last.index <= written.base().id.index
        || written.get(last.index).is_some_and(|link| link.id == last)
}

/// Returns whether a node leads the same term as after its last step.
fn leads_on(before: Option<&LastSeen>, node: &Inspect<'_>) -> bool {
    let led = |seen: &LastSeen| seen.role == RoleName::Leader && seen.term == node.term;
    node.role == RoleName::Leader && before.is_some_and(led)
}

fn not_only_appended(node: &Inspect<'_>, had: EntryId, end: EntryId) -> Violation {
    let (id, term, rule) = (node.id, node.term, Rule::LeaderAppendOnly);
    let text = if had.index > end.index {
        format!("{id}, leader of term {term}, had {had}; now its log ends with {end}")
    } else {
        format!("{id}, leader of term {term}, had {had}; now it has another entry there")
    };
    Violation { rule, who: vec![id], term: Some(term), text }
}
