//! The rules of logs, each broken by hand, with its correct twin.

use super::*;
use raft::{AppendOutcome, CommitGroup, CommitGroups, Session};

/// DiskLookup by hand, and the checker.
#[derive(Clone, Default)]
struct Bench {
    checker: InvariantChecker,
    disks: BTreeMap<NodeId, Disk>,
    /// The voters, if they are not those of [`group`].
    group: Option<(Joint, ConfState)>,
}

/// Returns a bench whose judge believes that n2 and n3 hold everything: nothing here is about that.
fn bench() -> Bench {
    let mut bench = Bench::default();
    [N2, N3].into_iter().for_each(|id| bench.checker.accept_posted(&ack(9, id, N1, 99)));
    bench
}

fn ack(term: u64, from: NodeId, to: NodeId, index: u64) -> Message {
    let outcome = AppendOutcome::Matched(Index(index));
    let body = Body::AppendReply { outcome, session: Some(Session::default()) };
    Message { from, to, term: Some(Term(term)), body }
}

impl Bench {
    /// Lets a puppet write its whole log, lets it be durable, and returns the rule that this breaks.
    fn look(&mut self, puppet: &Puppet) -> Option<Rule> {
        let first = entries(1, &puppet.log);
        self.look_at(puppet, &first)
    }

    fn look_at(&mut self, puppet: &Puppet, log: &[Entry]) -> Option<Rule> {
        let had = self.disks.get(&puppet.id).map(|disk| disk.written().last()).unwrap_or_default();
        let (term, commit) = (Term(puppet.term), Index(puppet.commit));
        let mut storage = MemoryStorage::with_voters([N1, N2, N3]);
        storage.append(log);
        let saved = HardState { term, vote: puppet.vote, commit };
        storage.save(puppet.durable.unwrap_or(saved));
        let new = Disk::new(storage);
        self.disks.insert(puppet.id, new.clone());
        let voters = self.group.clone().unwrap_or_else(group);
        let view = NodeView { node: inspect(puppet, &new, &voters), disk: &new };
        let (checker, disks) = (&mut self.checker, &self.disks);
        let wrote = checker.check_write(&view, had, Some(Index(1)), &|id| disks.get(&id));
        let judged = wrote.and_then(|()| checker.check_node(&view));
        judged.err().map(|violation| violation.rule)
    }

    /// Lets a node say something with its disk as it is.
    fn say(&mut self, message: &Message) -> Option<Rule> {
        let (disks, id) = (&self.disks, message.from);
        let vote_requests = VoteRequests::OnceDurable;
        let sender = Sender { id, disk: &disks[&id], vote_requests };
        let sent = self.checker.check_message(sender, message, &|id| disks.get(&id));
        sent.err().map(|violation| violation.rule)
    }

    /// Lets n2 vote for n1 as it should.
    fn elect(&mut self, term: u64) {
        vote(&mut self.checker, term, N2, N1);
    }
}

#[test]
fn committed_stays_committed() {
    let with = |commit| Puppet { commit, log: vec![1, 1], ..node(N1) };
    let mut bench = bench();
    assert_eq!(bench.look(&with(1)), None);
    assert_eq!(bench.look(&with(2)), None);
    let older = Puppet { durable: Some(hard(1, None)), ..with(1) };
    assert_eq!(bench.clone().look(&older), Some(Rule::CommitMonotone));
    bench.checker.forget_node(N1);
    assert_eq!(bench.clone().look(&older), None, "it may be learnt again");
    let durable = HardState { commit: Index(2), ..hard(1, None) };
    let forgetful = Puppet { durable: Some(durable), ..with(1) };
    assert_eq!(bench.look(&forgetful), Some(Rule::CommitMonotone));
}

#[test]
fn only_what_the_log_holds_is_committed() {
    let with = |commit| Puppet { commit, log: vec![1], ..node(N1) };
    assert_eq!(bench().look(&with(1)), None);
    assert_eq!(bench().look(&with(2)), Some(Rule::CommitWithinLog));
}

#[test]
fn a_leader_only_appends() {
    let with = |log: &[u64]| Puppet { log: log.to_vec(), ..leader(N1, 3) };
    let mut bench = bench();
    bench.elect(3);
    assert_eq!(bench.look(&with(&[1, 2])), None);
    assert_eq!(bench.look(&with(&[1, 2, 3])), None);
    assert_eq!(bench.clone().look(&with(&[1, 2])), Some(Rule::LeaderAppendOnly));
    assert_eq!(bench.clone().look(&with(&[1, 2, 2])), Some(Rule::LeaderAppendOnly));
    let follower = Puppet { role: RoleName::Follower, ..with(&[1]) };
    assert_eq!(bench.look(&follower), None, "a follower may have to");
}

/// Returns what the checker says of a node whose disk holds this log, and whose memory ends in another entry.
fn remembers(
    checker: &mut InvariantChecker,
    puppet: &Puppet,
    (last, term): (u64, u64),
) -> Option<Rule> {
    let (group, saved) = (group(), hard(puppet.term, puppet.vote));
    let disk = disk(saved, &puppet.log);
    let last = EntryId { index: Index(last), term: Term(term) };
    let node = Inspect { last, ..inspect(puppet, &disk, &group) };
    let view = NodeView { node, disk: &disk };
    checker.check_node(&view).err().map(|violation| violation.rule)
}

/// A node crashes before its own vote is durable, and is elected by the answers to that campaign when it campaigns
/// again ([`VoteRequests::AtOnce`]). Meanwhile it took 2@2 in place of 2@1, and its disk does not know.
///
/// ```text
///   disk     1@1 2@1               first write as a leader    1@1 2@2 3@3
///   memory   1@1 2@2 3@3           2@1 goes: a follower replaced it
/// ```
#[test]
fn what_a_node_replaced_as_a_follower_may_leave_its_disk_when_it_leads() {
    let on_disk = |role, term| Puppet { role, log: vec![1, 1], ..leader(N1, term) };
    let mut bench = bench();
    assert_eq!(bench.look(&on_disk(RoleName::Follower, 2)), None);
    bench.elect(3);
    let elected = |bench: &Bench, taken| {
        let mut bench = bench.clone();
        let candidate = remembers(&mut bench.checker, &on_disk(RoleName::Candidate, 3), taken);
        assert_eq!(candidate, None);
        assert_eq!(remembers(&mut bench.checker, &on_disk(RoleName::Leader, 3), (3, 3)), None);
        bench
    };
    let first = Puppet { log: vec![1, 2, 3], ..leader(N1, 3) };
    let mut behind = elected(&bench, (2, 2));
    assert_eq!(behind.look(&first), None, "it took 2@2 as a follower");
    let second = Puppet { log: vec![1, 2, 2], ..leader(N1, 3) };
    assert_eq!(behind.look(&second), Some(Rule::LeaderAppendOnly), "once, and no more");
    assert_eq!(elected(&bench, (2, 1)).look(&first), Some(Rule::LeaderAppendOnly), "it had 2@1");
    // A write in the step of the victory is the leader's own: nothing is excused.
    let mut at_once = bench.clone();
    assert_eq!(at_once.look(&Puppet { term: 2, log: vec![1, 1], commit: 2, ..node(N3) }), None);
    let candidate = Puppet { role: RoleName::Candidate, ..leader(N1, 3) };
    let candidate = Puppet { log: vec![1, 1], ..candidate };
    assert_eq!(at_once.look(&candidate), None);
    let removes = Puppet { log: vec![1, 3], ..leader(N1, 3) };
    assert_eq!(at_once.look(&removes), Some(Rule::LeaderCompleteness));
    // A crash takes the excuse, too.
    let mut again = elected(&bench, (2, 2));
    again.checker.forget_node(N1);
    assert_eq!(remembers(&mut again.checker, &on_disk(RoleName::Candidate, 3), (2, 1)), None);
    assert_eq!(remembers(&mut again.checker, &on_disk(RoleName::Leader, 3), (3, 3)), None);
    assert_eq!(again.look(&first), Some(Rule::LeaderAppendOnly));
    // What was committed must be in that write.
    let committed = Puppet { term: 2, log: vec![1, 2], commit: 2, ..node(N3) };
    assert_eq!(bench.look(&committed), None);
    assert_eq!(elected(&bench, (2, 2)).look(&first), None);
    let lacks = Puppet { log: vec![1, 1, 3], ..leader(N1, 3) };
    assert_eq!(elected(&bench, (2, 2)).look(&lacks), Some(Rule::LeaderCompleteness));
}

#[test]
fn a_leader_that_hides_its_tail_is_seen_before_it_writes() {
    let mut checker = InvariantChecker::default();
    vote(&mut checker, 3, N2, N1);
    let with = |log: &[u64]| Puppet { log: log.to_vec(), ..leader(N1, 3) };
    assert_eq!(look(&mut checker, &with(&[1, 3])), None);
    assert_eq!(look(&mut checker, &with(&[1])), Some(Rule::LeaderAppendOnly));
}

#[test]
fn logs_that_share_an_entry_share_everything_before_it() {
    let with = |id, log: &[u64]| Puppet { term: 3, log: log.to_vec(), ..node(id) };
    let mut bench = bench();
    assert_eq!(bench.look(&with(N1, &[1, 1, 3])), None);
    assert_eq!(bench.look(&with(N2, &[1, 1, 2])), None);
    assert_eq!(bench.clone().look(&with(N3, &[1, 2, 3])), Some(Rule::LogMatching));
    let other_words = [entry(1, 1, Payload::Normal("x".into()))];
    assert_eq!(bench.look_at(&with(N3, &[1]), &other_words), Some(Rule::LogMatching));
}

#[test]
fn one_command_per_place() {
    let with = |id, log: &[u64], commit| Puppet { term: 3, log: log.to_vec(), commit, ..node(id) };
    let mut bench = bench();
    assert_eq!(bench.look(&with(N1, &[1, 2], 2)), None);
    assert_eq!(bench.look(&with(N2, &[1, 3], 1)), None);
    assert_eq!(bench.look(&with(N2, &[1, 3], 2)), Some(Rule::StateMachineSafety));
}

#[test]
fn a_leader_holds_what_was_committed_in_earlier_terms() {
    let mut bench = bench();
    let committed = Puppet { term: 2, log: vec![1, 2], commit: 2, ..node(N3) };
    assert_eq!(bench.look(&committed), None);
    let wins = |term, log: &[u64]| {
        let mut bench = bench.clone();
        bench.elect(term);
        bench.look(&Puppet { log: log.to_vec(), ..leader(N1, term) })
    };
    assert_eq!(wins(3, &[1, 2, 2]), None);
    assert_eq!(wins(3, &[1]), Some(Rule::LeaderCompleteness));
    assert_eq!(wins(3, &[1, 1]), Some(Rule::LeaderCompleteness));
    assert_eq!(wins(1, &[1]), None, "its votes came late: it leads a term before the commit");
}

#[test]
fn what_is_committed_is_durable_on_more_than_half_of_the_disks() {
    let with = |id, log: &[u64], commit| Puppet { log: log.to_vec(), commit, ..node(id) };
    let mut bench = Bench::default();
    assert_eq!(bench.look(&with(N1, &[1, 1], 0)), None);
    assert_eq!(bench.look(&with(N2, &[1], 0)), None);
    assert_eq!(bench.clone().look(&with(N1, &[1, 1], 2)), Some(Rule::CommitOnQuorum));
    assert_eq!(bench.look(&with(N1, &[1, 1], 1)), None);
    // Another entry at the place is no copy, and neither is one that a slow disk has not written.
    let mut other = bench.clone();
    assert_eq!(other.look(&Puppet { term: 2, ..with(N3, &[1, 2], 0) }), None);
    assert_eq!(other.look(&with(N1, &[1, 1], 2)), Some(Rule::CommitOnQuorum));
    let mut slow = bench.clone();
    let write = crate::disk::Write { entries: entries(2, &[1]), ..Default::default() };
    slow.disks.get_mut(&N2).unwrap().write(write);
    assert_eq!(slow.look(&with(N1, &[1, 1], 2)), Some(Rule::CommitOnQuorum));
    slow.disks.get_mut(&N2).unwrap().persist();
    slow.checker.forget_node(N1);
    assert_eq!(slow.look(&with(N1, &[1, 1], 2)), None);
    // A leader that does not hold it itself may count two others.
    assert_eq!(bench.look(&with(N2, &[1, 1], 0)), None);
    assert_eq!(bench.look(&with(N3, &[1, 1], 2)), None);
}

/// Returns the group of the puppets, placed: `1:1 2:1 3:2`.
fn placed(words: &str) -> (Joint, ConfState) {
    let number = |word: &str| word.parse::<u64>().expect("a number");
    let place = |word: &str| {
        let (node, group) = word.split_once(':').expect("a node and its group");
        (NodeId(number(node)), CommitGroup(number(group)))
    };
    let groups = CommitGroups::new(words.split_whitespace().map(place));
    let (voters, conf_state) = group();
    (voters.with_commit_groups(Some(groups)), conf_state)
}

/// The table of `raft/src/quorum/groups.rs`, seen from the disks.
#[test]
fn what_is_committed_is_durable_in_two_commit_groups() {
    // n1 commits 1@1, which these hold.
    let said = |words: &str, holders: &[NodeId]| {
        let mut bench = Bench { group: Some(placed(words)), ..Bench::default() };
        for &id in holders {
            assert_eq!(bench.look(&Puppet { log: vec![1], ..node(id) }), None);
        }
        bench.look(&Puppet { log: vec![1], commit: 1, ..node(N1) })
    };
    let two = Some(Rule::CommitInTwoGroups);
    assert_eq!(said("1:1 2:1 3:2", &[N1, N2]), two, "a majority, in one place");
    assert_eq!(said("1:1 2:1 3:2", &[N1, N3]), None);
    assert_eq!(said("1:1 2:1 3:2", &[N3]), None, "n1 writes it as well");
    assert_eq!(said("1:1 2:1 3:1", &[N1, N2]), None, "there is no second place");
    assert_eq!(said("1:1 2:1", &[N1, N2]), two, "and where is n3?");
    assert_eq!(said("1:1 2:1", &[N1, N2, N3]), None);
    assert_eq!(said("1:1 3:2", &[N1, N2]), two, "n2 is in no place");
    assert_eq!(said("", &[N1, N2]), two);
    assert_eq!(said("1:1 2:2 3:3", &[]), Some(Rule::CommitOnQuorum), "a majority is needed, too");
}

#[test]
fn each_half_of_a_joint_configuration_is_durable_in_two_commit_groups() {
    let said = |incoming: [NodeId; 2], holders: [NodeId; 2]| {
        let (all, conf_state) = placed("1:1 2:1 3:2");
        let joint = Joint::new(Majority::new(incoming), Some(all.incoming().clone()));
        let joint = joint.with_commit_groups(all.commit_groups().cloned());
        let mut bench = Bench { group: Some((joint, conf_state)), ..Bench::default() };
        for id in holders {
            assert_eq!(bench.look(&Puppet { log: vec![1], ..node(id) }), None);
        }
        bench.look(&Puppet { log: vec![1], commit: 1, ..node(N1) })
    };
    let one_place = said([N1, N2], [N1, N2]);
    assert_eq!(one_place, Some(Rule::CommitInTwoGroups), "the old half has a second place");
    assert_eq!(said([N1, N2], [N2, N3]), None, "the new half has none");
    assert_eq!(said([N1, N3], [N1, N2]), Some(Rule::CommitOnQuorum), "n3 lacks it");
}

/// An owner may change the groups, and a node saves its commit index later than it moves it.
#[test]
fn what_was_committed_before_the_groups_changed_stays_committed() {
    let with = |log: &[u64], commit| Puppet { log: log.to_vec(), commit, ..node(N1) };
    let all = group();
    let places = placed("1:1 2:1 3:2");
    let elsewhere = placed("1:1 2:1 3:3");
    let mut bench = Bench { group: Some(all.clone()), ..Bench::default() };
    assert_eq!(bench.look(&Puppet { log: vec![1, 1], ..node(N2) }), None);
    assert_eq!(bench.look(&with(&[1, 1], 0)), None);
    // n1 moves its commit index to 1 without groups, gets some twice, and only then saves the index.
    for group in [all, places.clone(), elsewhere.clone()] {
        let disk = &bench.disks[&N1];
        let view = NodeView { node: inspect(&with(&[1, 1], 1), disk, &group), disk };
        assert_eq!(bench.checker.check_node(&view), Ok(()));
    }
    bench.group = Some(elsewhere);
    assert_eq!(bench.look(&with(&[1, 1], 1)), None);
    assert_eq!(bench.look(&with(&[1, 1], 2)), Some(Rule::CommitInTwoGroups), "a later one is not");
}

#[test]
fn what_is_acknowledged_is_durable_before_it_is_said() {
    let with = |id, log: &[u64]| Puppet { log: log.to_vec(), ..node(id) };
    let mut bench = Bench::default();
    assert_eq!(bench.look(&with(N2, &[1])), None);
    let write = crate::disk::Write {
        hard_state: hard(1, None),
        entries: entries(2, &[1]),
        ..Default::default()
    };
    bench.disks.get_mut(&N2).unwrap().write(write);
    assert_eq!(bench.say(&ack(1, N2, N1, 1)), None);
    assert_eq!(bench.say(&ack(1, N2, N1, 2)), Some(Rule::PersistBeforeSend));
    bench.disks.get_mut(&N2).unwrap().persist();
    assert_eq!(bench.say(&ack(1, N2, N1, 2)), None);
    assert_eq!(bench.say(&ack(2, N2, N1, 2)), Some(Rule::PersistBeforeSend), "its term as well");
}

#[test]
fn what_is_acknowledged_is_what_the_leader_holds() {
    let mut bench = Bench::default();
    bench.elect(3);
    assert_eq!(bench.look(&Puppet { log: vec![1, 3], ..leader(N1, 3) }), None);
    assert_eq!(bench.look(&Puppet { term: 3, log: vec![1, 2, 2], ..node(N2) }), None);
    assert_eq!(bench.say(&ack(3, N2, N1, 1)), None);
    assert_eq!(bench.clone().say(&ack(3, N2, N1, 2)), Some(Rule::AckMatches));
    assert_eq!(bench.clone().say(&ack(3, N2, N1, 3)), Some(Rule::AckMatches), "n1 has no place 3");
    assert_eq!(bench.clone().say(&ack(3, N2, N3, 2)), None, "n3 does not lead: nobody counts it");
    // A test has sent a message in n1's name: n2 may acknowledge what it said.
    let (prev, session) = (EntryId::default(), Session::default());
    let body = Body::AppendEntries { prev, entries: Vec::new(), commit: Index(0), session };
    bench.checker.accept_posted(&Message { from: N1, to: N2, term: Some(Term(3)), body });
    assert_eq!(bench.say(&ack(3, N2, N1, 2)), None);
}

#[test]
fn what_was_acknowledged_in_a_term_that_is_over_may_be_replaced() {
    let mut bench = Bench::default();
    bench.elect(1);
    assert_eq!(bench.look(&Puppet { log: vec![1, 1], ..leader(N1, 1) }), None);
    // n2 took 2@1, then heard n3, leader of term 2, and one write made both durable.
    assert_eq!(bench.look(&Puppet { term: 2, log: vec![2], ..node(N2) }), None);
    assert_eq!(bench.say(&ack(1, N2, N1, 2)), None, "beyond the end of its log");
    assert_eq!(bench.say(&ack(1, N2, N1, 1)), None, "another entry is there now");
    assert_eq!(bench.say(&ack(2, N2, N3, 2)), Some(Rule::PersistBeforeSend), "not in this term");
}

#[test]
fn what_is_applied_is_committed_in_order_once() {
    let mut bench = bench();
    let committed = Puppet { term: 2, log: vec![1, 1, 2], commit: 2, ..node(N1) };
    assert_eq!(bench.look(&committed), None);
    let applied = |after, entries: &[Entry]| {
        let judged = bench.checker.check_apply(N2, &bench.disks[&N1], Index(after), entries);
        judged.err().map(|violation| violation.rule)
    };
    assert_eq!(applied(0, &entries(1, &[1, 1])), None);
    assert_eq!(applied(1, &entries(2, &[1])), None);
    assert_eq!(applied(0, &entries(2, &[1])), Some(Rule::AppliedInOrder), "a gap");
    assert_eq!(applied(2, &entries(2, &[1])), Some(Rule::AppliedInOrder), "twice");
    assert_eq!(applied(2, &entries(3, &[2])), Some(Rule::AppliedInOrder), "not committed");
    assert_eq!(applied(1, &entries(2, &[2])), Some(Rule::StateMachineSafety));
    let other_words = [entry(2, 1, Payload::Normal("x".into()))];
    assert_eq!(applied(1, &other_words), Some(Rule::StateMachineSafety));
}
