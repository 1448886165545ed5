//! The paper, rule by rule: Figure 2 and Figure 3 as far as elections go, and sections 5.1 to 5.6.
//!
//! The name of a test names the section. The tests check a node by what its peers, its disk and its clock
//! see: messages, durable state, and the tick at which something happens.

use raft::{Body, Config, Entry, EntryId, HardState, Index, MemoryStorage, Message};
use raft::{NodeId, Payload, Session, Term, VoteRequest};
use testbed::{Cluster, Flight, Input, Setup, Step};

const N1: NodeId = NodeId(1);
const N2: NodeId = NodeId(2);
const N3: NodeId = NodeId(3);

/// The shortest election wait of the usual settings, and one tick less than twice that.
const SHORTEST: u64 = 10;
const LONGEST: u64 = 19;

fn three() -> Cluster {
    Cluster::new(Setup::new(3, 7))
}

/// Returns three nodes; n1's disk holds this.
fn remembering(term: u64, vote: Option<NodeId>, log: &[u64]) -> Cluster {
    let mut setup = Setup::new(3, 7);
    let storage = &mut setup.nodes[0].1;
    storage.save(HardState { term: Term(term), vote, commit: Index(0) });
    storage.append(entries(log));
    Cluster::new(setup)
}

fn entries(terms: &[u64]) -> Vec<Entry> {
    let id = |(&term, index): (&u64, u64)| EntryId { term: Term(term), index: Index(index) };
    let entry = |id| Entry::unplaced(Payload::Noop).at(id);
    terms.iter().zip(1..).map(id).map(entry).collect()
}

fn message(term: u64, from: NodeId, to: NodeId, body: Body) -> Message {
    Message { from, to, term: Some(Term(term)), body }
}

fn ask(term: u64, from: NodeId, to: NodeId) -> Message {
    ask_with(term, from, to, EntryId::default())
}

fn ask_with(term: u64, from: NodeId, to: NodeId, last: EntryId) -> Message {
    message(term, from, to, Body::RequestVote(VoteRequest::new(last)))
}

fn beat(term: u64, from: NodeId, to: NodeId) -> Message {
    let (commit, token, session) = (Index(0), None, Session::default());
    message(term, from, to, Body::Heartbeat { commit, token, session })
}

fn reply(term: u64, from: NodeId, to: NodeId, granted: bool) -> Message {
    message(term, from, to, Body::vote_reply(granted))
}

/// Puts a message in flight and lets it arrive.
fn deliver(cluster: &mut Cluster, message: Message) -> Step {
    cluster.apply(&Input::Post(message.clone()));
    cluster.apply(&Input::Deliver(message))
}

/// Returns what a node answered to a candidate: a grant, a refusal, or nothing.
fn answer(step: &Step) -> Option<bool> {
    let granted = |flight: &Flight| {
        if let Body::VoteReply { granted, .. } = flight.message.body { Some(granted) } else { None }
    };
    step.sent.iter().find_map(granted)
}

/// Returns whom a step's messages of this kind are for, and in which term.
fn told(step: &Step, kind: &str) -> Vec<(NodeId, u64)> {
    let messages = step.sent.iter().map(|flight| &flight.message);
    let told = messages.filter(|message| message.body.kind() == kind);
    told.map(|m| (m.to, m.term.expect("it has a term").0)).collect()
}

/// Returns whom a step's words of a leader are for, and in which term: entries, or a heartbeat.
fn told_as_leader(step: &Step) -> Vec<(NodeId, u64)> {
    let mut told = told(step, "AppendEntries");
    told.extend(self::told(step, "Heartbeat"));
    told
}

/// Lets ticks pass at a node until it asks for votes; returns how many it took.
fn ticks_until_election(cluster: &mut Cluster, id: NodeId) -> u64 {
    let asks = |step: &Step| !told(step, "RequestVote").is_empty();
    (1..100).find(|_| asks(&cluster.apply(&Input::Tick(id)))).expect("it campaigns at last")
}

/// Makes n1 leader of term 1, with n2's vote.
fn elect(cluster: &mut Cluster) {
    cluster.apply(&Input::Campaign(N1));
    cluster.apply(&Input::Deliver(ask(1, N1, N2)));
    let won = cluster.apply(&Input::Deliver(reply(1, N2, N1, true)));
    assert_eq!(told_as_leader(&won).len(), 2);
}

#[test]
fn fig2_state_term_and_vote_are_durable_before_a_vote_is_sent() {
    let mut cluster = Cluster::new(Setup::new(3, 7).with_slow_disks());
    assert!(deliver(&mut cluster, ask(3, N2, N1)).sent.is_empty());
    assert_eq!(cluster.disk(N1).unwrap().durable().hard_state().vote, None);
    let written = cluster.apply(&Input::Persist(N1));
    assert_eq!(answer(&written), Some(true));
    let durable = cluster.disk(N1).unwrap().durable().hard_state();
    assert_eq!((durable.term, durable.vote), (Term(3), Some(N2)));
}

#[test]
fn fig2_state_a_vote_survives_a_crash() {
    let mut cluster = three();
    assert_eq!(answer(&deliver(&mut cluster, ask(1, N2, N1))), Some(true));
    cluster.apply(&Input::Crash(N1));
    cluster.apply(&Input::Restart(N1));
    assert_eq!(answer(&deliver(&mut cluster, ask(1, N3, N1))), Some(false));
    assert_eq!(answer(&deliver(&mut cluster, ask(1, N2, N1))), Some(true));
}

#[test]
fn fig2_request_vote_1_an_older_term_gets_no_vote_and_its_twin_does() {
    let older = deliver(&mut remembering(5, None, &[]), ask(4, N2, N1));
    assert_ne!(answer(&older), Some(true));
    let same = deliver(&mut remembering(5, None, &[]), ask(5, N2, N1));
    assert_eq!(answer(&same), Some(true));
}

#[test]
fn fig2_request_vote_2_the_first_candidate_of_a_term_gets_the_vote_as_often_as_it_asks() {
    let mut cluster = three();
    let mut asked = |from| answer(&deliver(&mut cluster, ask(1, from, N1)));
    let answers = [N2, N3, N2, N3].map(&mut asked);
    assert_eq!(answers, [Some(true), Some(false), Some(true), Some(false)]);
    assert_eq!(
        answer(&deliver(&mut cluster, ask(2, N3, N1))),
        Some(true),
        "a new term, a new vote"
    );
}

#[test]
fn fig2_request_vote_2_a_candidate_does_not_vote_for_another() {
    let mut cluster = three();
    cluster.apply(&Input::Campaign(N1));
    assert_eq!(answer(&deliver(&mut cluster, ask(1, N2, N1))), Some(false));
}

#[test]
fn s5_4_1_a_vote_goes_to_a_log_that_is_at_least_as_up_to_date() {
    // n1's log ends with 3@2. (last entry of the candidate, whether it gets the vote)
    let table = [
        ((3, 2), true),
        ((4, 2), true),
        ((2, 2), false), // shorter, in the same term
        ((9, 1), false), // longer, of an older term
        ((1, 3), true),  // shorter, of a later term
        ((0, 0), false),
    ];
    for ((index, term), granted) in table {
        let last = EntryId { term: Term(term), index: Index(index) };
        let mut cluster = remembering(2, None, &[1, 1, 2]);
        let step = deliver(&mut cluster, ask_with(4, N2, N1, last));
        assert_eq!(answer(&step), Some(granted), "{last}");
    }
}

#[test]
fn fig2_all_servers_2_a_later_term_makes_a_follower_of_everyone() {
    // A node that learns of term 5, from a request, an answer or a heartbeat, enters it and asks no more in 1.
    let later = [ask(5, N3, N1), reply(5, N3, N1, false), beat(5, N3, N1)];
    for message in later {
        for role in ["follower", "candidate", "leader"] {
            let mut cluster = three();
            match role {
                "candidate" => drop(cluster.apply(&Input::Campaign(N1))),
                "leader" => elect(&mut cluster),
                _ => {}
            }
            let step = deliver(&mut cluster, message.clone());
            assert_eq!(cluster.disk(N1).unwrap().durable().hard_state().term, Term(5), "{role}");
            assert_eq!(told_as_leader(&step), [], "{role}");
            let quiet = cluster.apply(&Input::Tick(N1));
            assert_eq!(told_as_leader(&quiet), [], "a {role} leads no more");
            cluster.apply(&Input::Deliver(ask(1, N1, N3)));
            let late = deliver(&mut cluster, reply(1, N3, N1, true));
            assert_eq!(told_as_leader(&late), [], "a {role} does not win the past");
        }
    }
}

#[test]
fn s5_1_a_later_term_clears_the_vote() {
    let mut cluster = remembering(4, Some(N2), &[]);
    assert_eq!(answer(&deliver(&mut cluster, ask(4, N3, N1))), Some(false));
    assert_eq!(answer(&deliver(&mut cluster, ask(5, N3, N1))), Some(true));
}

#[test]
fn s5_1_an_older_term_changes_nothing() {
    for old in [ask(3, N2, N1), reply(3, N2, N1, true), beat(3, N2, N1)] {
        let mut cluster = remembering(5, None, &[]);
        let before = cluster.disk(N1).unwrap().durable().hard_state();
        let step = deliver(&mut cluster, old);
        assert_eq!(cluster.disk(N1).unwrap().durable().hard_state(), before);
        assert!(step.sent.iter().all(|flight| flight.message.term == Some(Term(5))));
    }
}

#[test]
fn fig2_followers_1_a_leader_and_a_candidate_are_answered() {
    let mut cluster = three();
    assert_eq!(told(&deliver(&mut cluster, beat(2, N2, N1)), "HeartbeatReply"), [(N2, 2)]);
    assert_eq!(told(&deliver(&mut cluster, ask(3, N3, N1)), "VoteReply"), [(N3, 3)]);
}

#[test]
fn fig2_followers_2_only_a_live_leader_or_a_granted_vote_resets_the_timer() {
    // At tick 8 of 13: what arrives, and when the follower of term 5 then campaigns.
    let rows = [
        (beat(5, N2, N1), 8 + 13),
        (ask(5, N3, N1), 8 + 13),
        (beat(4, N2, N1), 13),
        (ask(4, N2, N1), 13),
        (reply(5, N2, N1, true), 13),
    ];
    for (message, campaigns_at) in rows {
        let mut cluster = remembering(5, None, &[]);
        let ticks = until_election(&mut cluster, &message);
        assert_eq!(ticks, campaigns_at, "after {message}");
    }
    // The vote of term 5 is granted already: n3 is refused.
    let mut cluster = remembering(5, Some(N2), &[]);
    assert_eq!(until_election(&mut cluster, &ask(5, N3, N1)), 13);
}

/// Pins n1's timeout to 13 ticks, delivers a message at tick 8, and returns the tick at which it campaigns.
fn until_election(cluster: &mut Cluster, message: &Message) -> u64 {
    cluster.apply(&Input::PinLimit { node: N1, ticks: Some(13) });
    for _ in 0..8 {
        assert!(cluster.apply(&Input::Tick(N1)).sent.is_empty());
    }
    deliver(cluster, message.clone());
    8 + ticks_until_election(cluster, N1)
}

#[test]
fn fig2_candidates_1_an_election_begins_with_a_term_a_vote_and_a_request_to_everyone() {
    let mut cluster = remembering(3, Some(N2), &[1, 3]);
    let step = cluster.apply(&Input::Campaign(N1));
    assert_eq!(told(&step, "RequestVote"), [(N2, 4), (N3, 4)]);
    let last = EntryId { term: Term(3), index: Index(2) };
    assert!(step.sent.iter().all(|f| f.message == ask_with(4, N1, f.message.to, last)));
    let durable = cluster.disk(N1).unwrap().durable().hard_state();
    assert_eq!((durable.term, durable.vote), (Term(4), Some(N1)));
}

#[test]
fn fig2_candidates_1_a_candidate_resets_its_timer() {
    let mut cluster = three();
    let first = ticks_until_election(&mut cluster, N1);
    let second = ticks_until_election(&mut cluster, N1);
    assert!((SHORTEST..=LONGEST + 1).contains(&first), "{first}");
    assert!((SHORTEST..=LONGEST + 1).contains(&second), "{second}");
}

#[test]
fn fig2_candidates_2_more_than_half_make_a_leader_and_not_one_less() {
    for size in 1..=7_u64 {
        let mut cluster = Cluster::new(Setup::new(size, 7));
        let mut step = cluster.apply(&Input::Campaign(N1));
        let others = size as usize - 1;
        let mut votes = 1;
        while 2 * votes <= size {
            assert_eq!(told_as_leader(&step), [], "{votes} of {size}");
            let next = NodeId(votes + 1);
            cluster.apply(&Input::Deliver(ask(1, N1, next)));
            step = cluster.apply(&Input::Deliver(reply(1, next, N1, true)));
            votes += 1;
        }
        assert_eq!(told_as_leader(&step).len(), others, "{votes} of {size}");
        assert_eq!(cluster.leaders(), [(N1, Term(1))]);
    }
}

#[test]
fn fig2_candidates_2_voters_are_counted_and_not_messages() {
    let mut cluster = Cluster::new(Setup::new(5, 7));
    cluster.apply(&Input::Campaign(N1));
    for _ in 0..3 {
        let again = deliver(&mut cluster, reply(1, N2, N1, true));
        assert_eq!(told_as_leader(&again), []);
    }
    assert_eq!(told_as_leader(&deliver(&mut cluster, reply(1, N3, N1, true))).len(), 4);
}

#[test]
fn fig2_candidates_2_votes_of_an_older_election_do_not_count() {
    let mut cluster = Cluster::new(Setup::new(5, 7));
    cluster.apply(&Input::Campaign(N1));
    deliver(&mut cluster, reply(1, N2, N1, true));
    cluster.apply(&Input::Campaign(N1));
    assert_eq!(told_as_leader(&deliver(&mut cluster, reply(1, N3, N1, true))), []);
    assert_eq!(told_as_leader(&deliver(&mut cluster, reply(2, N4, N1, true))), []);
    assert_eq!(told_as_leader(&deliver(&mut cluster, reply(2, N3, N1, true))).len(), 4);
}

const N4: NodeId = NodeId(4);

#[test]
fn fig2_candidates_3_a_candidate_that_hears_the_leader_of_its_term_follows_it() {
    let mut cluster = three();
    cluster.apply(&Input::Campaign(N1));
    assert_eq!(told(&deliver(&mut cluster, beat(1, N2, N1)), "HeartbeatReply"), [(N2, 1)]);
    let late = deliver(&mut cluster, reply(1, N3, N1, true));
    assert_eq!(told_as_leader(&late), [], "it campaigns no more");
    assert_eq!(
        answer(&deliver(&mut cluster, ask(1, N3, N1))),
        Some(false),
        "its vote is still its own"
    );
}

#[test]
fn fig2_candidates_4_an_election_without_a_winner_is_followed_by_another() {
    let mut cluster = three();
    cluster.apply(&Input::Campaign(N1));
    deliver(&mut cluster, reply(1, N2, N1, false));
    let ticks = ticks_until_election(&mut cluster, N1);
    assert!((SHORTEST..=LONGEST + 1).contains(&ticks), "{ticks}");
    assert_eq!(cluster.disk(N1).unwrap().durable().hard_state().term, Term(2));
}

#[test]
fn fig2_leaders_1_a_leader_speaks_at_once_and_again_and_again() {
    let mut cluster = three();
    elect(&mut cluster);
    for _ in 0..30 {
        let step = cluster.apply(&Input::Tick(N1));
        assert_eq!(told_as_leader(&step), [(N2, 1), (N3, 1)]);
        assert_eq!(told(&step, "RequestVote"), []);
    }
}

#[test]
fn s5_2_nobody_stands_against_a_leader_that_is_heard() {
    let mut cluster = three();
    elect(&mut cluster);
    cluster.stabilize();
    for _ in 0..200 {
        for id in [N1, N2, N3] {
            cluster.apply(&Input::Tick(id));
        }
        cluster.stabilize();
    }
    assert_eq!(cluster.leaders(), [(N1, Term(1))]);
}

#[test]
fn s5_2_waits_are_drawn_from_one_to_two_times_the_shortest_and_all_of_them_occur() {
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..200 {
        let mut cluster = Cluster::new(Setup::new(3, seed));
        let ticks = ticks_until_election(&mut cluster, N1);
        assert!((SHORTEST..=LONGEST + 1).contains(&ticks), "seed {seed}: {ticks} ticks");
        seen.insert(ticks);
    }
    assert!(seen.len() >= 9, "only waits of {seen:?} ticks occur");
}

#[test]
fn s5_2_votes_that_are_split_once_are_not_split_for_ever() {
    for seed in 0..20 {
        let mut cluster = Cluster::new(Setup::new(4, seed));
        for id in 1..=4 {
            cluster.apply(&Input::Campaign(NodeId(id)));
        }
        cluster.stabilize();
        assert_eq!(cluster.leaders(), [], "four candidates, four votes");
        let elected = (0..20 * SHORTEST).any(|_| {
            for id in 1..=4 {
                cluster.apply(&Input::Tick(NodeId(id)));
            }
            cluster.stabilize();
            !cluster.leaders().is_empty()
        });
        assert!(elected, "seed {seed}: no leader in 20 election timeouts");
    }
}

#[test]
fn fig3_election_safety_two_candidates_of_one_term_never_both_win() {
    // Whichever request reaches n3 first.
    for first in [N1, N2] {
        let mut cluster = three();
        cluster.apply(&Input::Campaign(N1));
        cluster.apply(&Input::Campaign(N2));
        cluster.apply(&Input::Deliver(ask(1, first, N3)));
        let steps = cluster.stabilize();
        assert!(steps.iter().all(|step| step.violation.is_none()));
        assert_eq!(cluster.leaders(), [(first, Term(1))]);
    }
}

#[test]
fn s5_5_a_question_that_arrives_twice_is_answered_twice_alike() {
    let mut cluster = three();
    cluster.apply(&Input::Campaign(N1));
    let once = cluster.apply(&Input::Duplicate(ask(1, N1, N2)));
    let twice = cluster.apply(&Input::Deliver(ask(1, N1, N2)));
    assert_eq!((answer(&once), answer(&twice)), (Some(true), Some(true)));
}

#[test]
fn s5_5_a_leader_that_crashes_comes_back_as_a_follower_of_its_term() {
    let mut cluster = three();
    elect(&mut cluster);
    cluster.apply(&Input::Crash(N1));
    cluster.apply(&Input::Restart(N1));
    assert_eq!(told_as_leader(&cluster.apply(&Input::Tick(N1))), []);
    assert_eq!(
        answer(&deliver(&mut cluster, ask(1, N3, N1))),
        Some(false),
        "its vote is still its own"
    );
}

#[test]
fn s5_6_settings_under_which_followers_outrun_the_leader_are_refused() {
    let wrong = Config { heartbeat_ticks: 10, ..Config::new(N1) };
    let alone = MemoryStorage::with_voters([N1]);
    assert!(raft::Raft::new(&wrong, alone.clone()).is_err());
    assert!(raft::Raft::new(&Config { heartbeat_ticks: 9, ..wrong }, alone).is_ok());
}
