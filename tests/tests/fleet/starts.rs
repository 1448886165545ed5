//! Starts: what a store refuses to believe of its disks, and what each of its lives is.
//!
//! ```text
//!   s1/p11   the store of these tests: one voter, or a follower of p12, whose messages the test writes
//! ```

use kv::env::{Directory, Moment};
use kv::model::*;
use kv::store::*;
use raft::{
    Body, Entry, EntryId, Index, Message, NodeId, Payload, RoleName, Session, Term, VoteRequest,
};
use std::sync::Arc;
use std::time::Duration;
use storage::{Disk, Fate, Fault, GroupId, Log, Sector};
use testbed::fleet::config;
use testbed::fleet::env::{SimClock, SimEnv, SimOutbox};
use testbed::machine::SimMachine;
use testbed::random::Stream;

const STORE: StoreId = StoreId(1);

const ME: Peer = Peer { id: PeerId(11), store: STORE, role: PeerRole::Voter };

const LEADER: Peer = Peer { id: PeerId(12), store: StoreId(2), role: PeerRole::Voter };

/// Returns a region with these peers.
fn region_of(peers: &[Peer]) -> Region {
    let epoch = Epoch { version: 3, conf_version: 2 };
    Region { id: RegionId(1), start: "b".into(), end: Some("m".into()), epoch, peers: peers.into() }
}

/// Returns a region of three voters: this store follows.
fn region_of_three() -> Region {
    region_of(&[ME, LEADER, Peer { id: PeerId(13), store: StoreId(3), role: PeerRole::Voter }])
}

fn env(machine: &SimMachine) -> SimEnv {
    SimEnv {
        clock: SimClock::default(),
        outbox: SimOutbox::default(),
        machine: machine.clone(),
        entropy: Arc::new(7.into()),
    }
}

fn open(config: &StoreConfig, machine: &SimMachine) -> Store<SimEnv> {
    let mut store = Store::open(config.clone(), env(machine)).expect("it is bootstrapped");
    settle(&mut store);
    store
}

fn settle(store: &mut Store<SimEnv>) {
    while store.run_inline(usize::MAX) > 0 {}
}

/// Delivers entries of term 6 from the leader: `count` of them that do nothing, after the one at `index`.
fn append(store: &Store<SimEnv>, index: u64, count: u64) {
    send(store, index, vec![Payload::Noop; count as usize], 5);
}

/// Delivers entries of term 6 from the leader, after the one at `index`.
fn send(store: &Store<SimEnv>, index: u64, payloads: Vec<Payload>, commit: u64) {
    let id = |index, term| EntryId { index: Index(index), term: Term(term) };
    let prev = id(index, if index == 5 { 5 } else { 6 });
    let entries = (index + 1..).zip(payloads);
    let entries =
        entries.map(|(index, payload)| Entry::unplaced(payload).at(id(index, 6))).collect();
    let body = Body::AppendEntries { prev, entries, commit: Index(commit), session: Session(0) };
    deliver(store, 6, body);
}

/// Delivers a message of the peer that may lead.
fn deliver(store: &Store<SimEnv>, term: u64, body: Body) {
    store.handle().deliver(StoreMessage {
        cluster: config(STORE).cluster,
        region: RegionId(1),
        from: LEADER,
        to: ME,
        epoch: region_of_three().epoch,
        message: Message { from: NodeId(12), to: NodeId(11), term: Some(Term(term)), body },
    });
}

#[test]
fn a_round_of_more_entries_than_a_frame_counts_is_two_frames() {
    let defaults = StoreConfig::new(config(STORE).cluster, STORE);
    let machine = SimMachine::new(1);
    bootstrap(&defaults, &env(&machine), &region_of_three()).expect("the disks work");
    let mut store = open(&defaults, &machine);
    for sent in 0..5 {
        append(&store, 5 + sent * 14_000, 14_000);
    }
    settle(&mut store);
    assert_eq!(store.failure().map(ToString::to_string), None);
    assert_eq!(store.peer(RegionId(1)).expect("it is here").last.index, Index(70_005));
}

/// A store that was killed may have acknowledged a leader's lease a moment ago, and remembers nothing of it.
#[test]
fn a_store_that_has_just_started_votes_for_nobody() {
    let machine = SimMachine::new(1);
    let settings = config(STORE);
    bootstrap(&settings, &env(&machine), &region_of_three()).expect("the disks work");
    let env = env(&machine);
    let (clock, outbox) = (env.clock.clone(), env.outbox.clone());
    let began = Moment(7_000_000_000);
    clock.set(began);
    let mut store = Store::open(settings.clone(), env).expect("it is bootstrapped");
    let mut is_granted = |now| {
        clock.set(now);
        let last = EntryId { index: Index(5), term: Term(5) };
        deliver(&store, 7, Body::RequestVote(VoteRequest::new(last)));
        settle(&mut store);
        outbox.take().into_iter().any(|(_, bytes)| {
            let said = StoreMessage::decode(bytes).expect("it is a store's").message.body;
            matches!(said, Body::VoteReply { granted: true, .. })
        })
    };
    let ban = settings.vote_ban();
    assert!(ban >= settings.max_lease + settings.max_lease * settings.max_drift_permille / 1000);
    let almost = began + (ban - Duration::from_nanos(1));
    assert!(!is_granted(began), "at once");
    assert!(!is_granted(almost), "before the ban is over");
    assert!(is_granted(began + ban), "nobody would ever be elected");
}

/// Removes all files of a directory.
fn lose(machine: &SimMachine, directory: Directory) {
    let disk = machine.directory(directory);
    for name in disk.list().expect("it lists") {
        disk.remove(&name).expect("it is there");
    }
}

/// Returns why a store does not start.
fn refused(machine: &SimMachine) -> Option<String> {
    Store::open(config(STORE), env(machine)).err().map(|error| error.to_string())
}

#[test]
fn a_store_that_lost_its_raft_log_before_it_applied_anything_is_refused() {
    let machine = SimMachine::new(1);
    bootstrap(&config(STORE), &env(&machine), &region_of_three()).expect("the disks work");
    let mut store = open(&config(STORE), &machine);
    append(&store, 5, 1);
    settle(&mut store);
    let promised = store.peer(RegionId(1)).expect("it is here");
    assert_eq!((promised.term, promised.last.index), (Term(6), Index(6)), "it was acknowledged");
    assert_eq!(promised.applied.index, Index(5), "and nothing is applied");
    drop(store);

    let machine = machine.after_kill();
    lose(&machine, Directory::RaftLog);
    let expected =
        "r1: its raft log was begun, and is gone with its term, its vote and its entries";
    assert_eq!(refused(&machine).as_deref(), Some(expected));
    let again = bootstrap(&config(STORE), &env(&machine), &region_of_three());
    assert_eq!(again.map_err(|error| error.to_string()), Err(expected.into()));
    assert_eq!(refused(&machine).as_deref(), Some(expected), "nothing was written");
}

#[test]
fn a_store_that_lost_its_memtable_is_not_bootstrapped_again() {
    let machine = SimMachine::new(1);
    bootstrap(&config(STORE), &env(&machine), &region_of(&[ME])).expect("the disks work");
    drop(open(&config(STORE), &machine));
    let machine = machine.after_kill();
    lose(&machine, Directory::Wal);
    let again = bootstrap(&config(STORE), &env(&machine), &region_of(&[ME]));
    let expected = "r1: the raft log holds it, but the memtable holds no store: its data is lost";
    assert_eq!(again.map_err(|error| error.to_string()), Err(expected.into()));
    assert_eq!(refused(&machine).as_deref(), Some("the directories hold no store yet"));
}

/// Loses what is not durable; keeps it; or draws which.
struct Fates(Option<bool>, Stream);

impl storage::Fates for Fates {
    fn sector(&mut self, _: Sector) -> Fate {
        let is_kept = self.0.unwrap_or_else(|| self.1.chance(500));
        if is_kept { Fate::Kept } else { Fate::Lost }
    }

    fn keeps_name(&mut self) -> bool {
        self.0.unwrap_or_else(|| self.1.chance(500))
    }
}

/// The power fails at each operation of a bootstrap, and then at one of the bootstrap or the start that
/// follows, at every eleventh for each of the first: the store can always be bootstrapped, and serves.
#[test]
fn every_crash_point_of_a_bootstrap_recovers() {
    let region = region_of(&[ME]);
    let mut points = 0;
    for fate in [Some(false), Some(true), None] {
        for first in 1..u64::MAX {
            let machine = SimMachine::new(1);
            machine.plan(first, Fault::PowerCut);
            if bootstrap(&config(STORE), &env(&machine), &region).is_ok() {
                break;
            }
            for second in (1 + first % 11..u64::MAX).step_by(11) {
                let mut fates = Fates(fate, Stream::new(first * 1000 + second, "fates"));
                let machine = machine.after_power_cut(&mut fates);
                machine.plan(second, Fault::PowerCut);
                let again = bootstrap(&config(STORE), &env(&machine), &region);
                let opened = again.and_then(|()| Store::open(config(STORE), env(&machine)));
                let is_over = opened.map(drop).is_ok();
                let machine = machine.after_power_cut(&mut fates);
                let at = format!("{fate:?}, operations {first} and {second}");
                bootstrap(&config(STORE), &env(&machine), &region)
                    .unwrap_or_else(|error| panic!("{at}: {error}"));
                let store = open(&config(STORE), &machine);
                let status = store.peer(RegionId(1)).expect("it is here");
                assert_eq!(status.role, RoleName::Leader, "{at}");
                points += 1;
                if is_over {
                    break;
                }
            }
        }
    }
    println!("{points} pairs of crash points");
    assert!(points > 200, "only {points} pairs of crash points");
}

#[test]
fn a_bootstrap_with_another_region_is_refused() {
    let machine = SimMachine::new(1);
    let region = region_of(&[ME]);
    bootstrap(&config(STORE), &env(&machine), &region).expect("the disks work");
    let again = |other: Region| {
        let told = bootstrap(&config(STORE), &env(&machine), &other);
        told.map_err(|error| error.to_string())
    };
    let expected = "the store holds r1, \"b\" to \"m\", epoch 3.2, peers s1/p11, but its bootstrap \
                    asks for r2, \"b\" to \"m\", epoch 3.2, peers s1/p11";
    assert_eq!(again(Region { id: RegionId(2), ..region.clone() }), Err(expected.into()));
    let text = again(Region { peers: region_of_three().peers, end: None, ..region.clone() });
    let text = text.expect_err("other peers, and another range");
    assert!(text.ends_with("asks for r1, \"b\" to no end, epoch 3.2, peers s1/p11 s2/p12 s3/p13"));
    assert_eq!(again(region), Ok(()), "the same one");
    let log = Log::open_on(machine.directory(Directory::RaftLog), config(STORE).log);
    let groups = log.expect("nobody holds it").groups();
    assert_eq!(groups, [GroupId(1)], "no log without a region");
}

#[test]
fn an_entry_that_may_change_more_than_the_clusters_limit_ends_the_store_with_the_numbers() {
    let request =
        RequestId { origin: Origin { store: StoreId(2), life: 1, incarnation: 1 }, sequence: 1 };
    let write = Write::Put { key: "c".into(), value: "1".into() };
    let commands = [Command { request, epoch: region_of_three().epoch, write }];
    let ended = |limit| {
        let machine = SimMachine::new(1);
        bootstrap(&config(STORE), &env(&machine), &region_of_three()).expect("the disks work");
        let mut store = open(&config(STORE), &machine);
        send(&store, 5, vec![Payload::Normal(encode_commands(&commands, limit))], 6);
        settle(&mut store);
        store.failure().map(ToString::to_string)
    };
    let most = config(STORE).cluster_entry_bytes_max;
    assert_eq!(ended(most), None);
    let expected = "r1: entry 6@6 cannot be applied: it may change 16385 bytes, but \
                    cluster_entry_bytes_max is 16384";
    assert_eq!(ended(most + 1).as_deref(), Some(expected));
}

#[test]
fn a_store_that_lost_all_its_disks_shares_no_request_with_its_life_before() {
    let origin = |entropy: u64, starts| {
        let machine = SimMachine::new(1);
        let env = SimEnv { entropy: Arc::new(entropy.into()), ..env(&machine) };
        bootstrap(&config(STORE), &env, &region_of(&[ME])).expect("the disks work");
        bootstrap(&config(STORE), &env, &region_of(&[ME])).expect("it changes nothing");
        let start = || Store::open(config(STORE), env.clone()).expect("it is bootstrapped");
        (1..starts).for_each(|_| drop(start()));
        start().handle().origin()
    };
    let (before, after) = (origin(7, 1), origin(8, 1));
    assert_eq!((before.store, before.incarnation), (after.store, after.incarnation));
    assert_ne!(before.life, after.life, "an id of one life is never an id of the other");
    assert_eq!(origin(7, 3), Origin { incarnation: 3, ..before }, "a start is the same life");
}
