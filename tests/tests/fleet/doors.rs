//! One store with one peer: what its doors refuse, and that everybody who waits is answered.

use bytes::Bytes;
use kv::batch::MailboxLimits;
use kv::env::Moment;
use kv::memtable::Family;
use kv::model::*;
use kv::store::*;
use raft::{Body, Message, NodeId, Term};
use std::cmp::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use testbed::fleet::config;
use testbed::fleet::env::{SimClock, SimEnv, SimOutbox};
use testbed::fleet::remains::memtable_beside_hard_state;
use testbed::machine::SimMachine;

const STORE: StoreId = StoreId(1);

fn region() -> Region {
    let peers = vec![Peer { id: PeerId(11), store: STORE, role: PeerRole::Voter }];
    let epoch = Epoch { version: 3, conf_version: 2 };
    Region { id: RegionId(1), start: "b".into(), end: Some("m".into()), epoch, peers }
}

fn env(machine: &SimMachine) -> SimEnv {
    SimEnv {
        clock: SimClock::default(),
        outbox: SimOutbox::default(),
        machine: machine.clone(),
        entropy: Arc::new(7.into()),
    }
}

/// Starts a store on a new machine.
fn open() -> (Store<SimEnv>, RaftKv<SimEnv>) {
    let env = env(&SimMachine::new(1));
    bootstrap(&config(STORE), &env, &region()).expect("the disks work");
    let mut store = Store::open(config(STORE), env).expect("it is bootstrapped");
    settle(&mut store);
    let kv = RaftKv::new(store.handle());
    (store, kv)
}

fn settle(store: &mut Store<SimEnv>) {
    while store.run_inline(usize::MAX) > 0 {}
}

fn context() -> RequestContext {
    RequestContext { region: RegionId(1), peer: None, epoch: region().epoch, term: None }
}

type Told = Arc<Mutex<Vec<WriteEvent>>>;

/// Begins a write, and returns what its sender is told.
fn begin(kv: &RaftKv<SimEnv>, context: RequestContext, write: Write) -> Told {
    let told = Told::default();
    let events = told.clone();
    let callback = WriteCallback::new(move |event| events.lock().expect("one thread").push(event));
    kv.async_write(context, kv.handle().next_request(), write, callback);
    told
}

/// Writes, and returns how it ended.
fn write(
    (store, kv): &mut (Store<SimEnv>, RaftKv<SimEnv>),
    context: RequestContext,
    write: Write,
) -> Result<Outcome, KvError> {
    let told = begin(kv, context, write);
    settle(store);
    let last = told.lock().expect("one thread").pop();
    let Some(WriteEvent::Finished(outcome)) = last else { panic!("{last:?}") };
    outcome
}

/// Reads a key, and returns what was seen.
fn read(
    (store, kv): &mut (Store<SimEnv>, RaftKv<SimEnv>),
    context: RequestContext,
    mode: ReadMode,
    key: &str,
) -> Result<Option<Bytes>, KvError> {
    let seen = Arc::new(Mutex::new(None));
    let (saw, key) = (seen.clone(), key.to_owned());
    let callback = ReadCallback::new(move |view| {
        let value = view.and_then(|view| view.get(Family::Default, key.as_bytes()));
        *saw.lock().expect("one thread") = Some(value);
    });
    kv.async_snapshot(context, mode, callback);
    settle(store);
    seen.lock().expect("one thread").take().expect("every read ends")
}

fn put(key: &'static str, value: impl Into<Bytes>) -> Write {
    Write::Put { key: key.into(), value: value.into() }
}

#[test]
fn a_lone_voter_serves_at_once_in_every_mode() {
    let mut it = open();
    assert_eq!(write(&mut it, context(), put("c", "1")), Ok(Outcome::Done));
    for mode in [ReadMode::Lease, ReadMode::Quorum, ReadMode::Follower, ReadMode::Stale] {
        assert_eq!(read(&mut it, context(), mode, "c"), Ok(Some("1".into())), "{mode:?}");
    }
    assert_eq!(it.1.get_local(&context(), b"c"), Some(Some("1".into())), "under the lease");
}

#[test]
fn a_write_is_proposed_then_committed_then_finished() {
    let (mut store, kv) = open();
    let told = begin(&kv, context(), put("c", "1"));
    settle(&mut store);
    let finished = WriteEvent::Finished(Ok(Outcome::Done));
    let expected = [WriteEvent::Proposed, WriteEvent::Committed, finished];
    assert_eq!(*told.lock().unwrap(), expected);
}

/// Whoever is told that a write is done may read at once, and sees it.
#[test]
fn a_write_that_is_done_is_visible() {
    let mut it = open();
    assert_eq!(write(&mut it, context(), put("c", "before")), Ok(Outcome::Done));
    let (mut store, kv) = it;
    let (seen, reader) = (Arc::new(Mutex::new(None)), kv.clone());
    let look = seen.clone();
    let callback = WriteCallback::new(move |event| {
        if let WriteEvent::Finished(_) = event {
            *look.lock().expect("one thread") = reader.get_local(&context(), b"c");
        }
    });
    kv.async_write(context(), kv.handle().next_request(), put("c", "after"), callback);
    settle(&mut store);
    assert_eq!(*seen.lock().unwrap(), Some(Some("after".into())));
}

#[test]
fn a_request_for_somebody_else_is_refused() {
    let mut it = open();
    let asked = Peer { id: PeerId(11), store: StoreId(9), role: PeerRole::Voter };
    let wrong = RequestContext { peer: Some(asked), ..context() };
    let error = KvError::StoreNotMatch { asked: StoreId(9), actual: STORE };
    assert_eq!(write(&mut it, wrong, put("c", "")), Err(error.clone()));
    assert_eq!(read(&mut it, wrong, ReadMode::Stale, "c"), Err(error));

    let wrong =
        RequestContext { peer: Some(Peer { id: PeerId(9), store: STORE, ..asked }), ..context() };
    let error = KvError::PeerNotMatch { asked: PeerId(9), actual: PeerId(11) };
    assert_eq!(write(&mut it, wrong, put("c", "")), Err(error.clone()));
    assert_eq!(read(&mut it, wrong, ReadMode::Follower, "c"), Err(error));

    let wrong = RequestContext { region: RegionId(9), ..context() };
    let error = KvError::RegionNotFound { region: RegionId(9) };
    assert_eq!(write(&mut it, wrong, put("c", "")), Err(error));
}

#[test]
fn an_old_term_and_another_epoch_are_refused_and_the_term_before_is_not() {
    let mut it = open();
    let term = it.0.peer(RegionId(1)).expect("it is here").term.0;
    let of = |term| RequestContext { term: Some(Term(term)), ..context() };
    assert_eq!(write(&mut it, of(term - 2), put("c", "")), Err(KvError::StaleCommand));
    assert_eq!(write(&mut it, of(term - 1), put("c", "")), Ok(Outcome::Done));
    for version in [2, 4] {
        let asked = Epoch { version, ..region().epoch };
        let error = KvError::EpochNotMatch { asked, current: Box::new(region()) };
        let wrong = RequestContext { epoch: asked, ..context() };
        assert_eq!(write(&mut it, wrong, put("c", "")), Err(error.clone()), "a later one, too");
        assert_eq!(read(&mut it, wrong, ReadMode::Lease, "c"), Err(error));
    }
}

#[test]
fn a_key_of_another_region_is_refused() {
    let mut it = open();
    let error = KvError::KeyNotInRegion { region: RegionId(1) };
    for key in ["", "a", "m", "z"] {
        assert_eq!(write(&mut it, context(), put(key, "")), Err(error.clone()), "{key}");
        assert_eq!(read(&mut it, context(), ReadMode::Lease, key), Err(error.clone()), "{key}");
        assert_eq!(it.1.get_local(&context(), key.as_bytes()), None);
    }
    assert_eq!(write(&mut it, context(), put("b", "")), Ok(Outcome::Done), "the first key");
}

#[test]
fn a_command_is_as_long_as_an_entry_may_be_and_no_longer() {
    let mut it = open();
    let limit = config(STORE).entry_bytes_max;
    let room = limit - Command::encoded_len(&put("c", ""));
    assert_eq!(write(&mut it, context(), put("c", vec![7; room])), Ok(Outcome::Done));
    let error = KvError::RaftEntryTooLarge { region: RegionId(1), bytes: limit + 1, limit };
    assert_eq!(write(&mut it, context(), put("c", vec![7; room + 1])), Err(error));
    assert_eq!(
        read(&mut it, context(), ReadMode::Lease, "c").map(|value| value.map(|it| it.len())),
        Ok(Some(room))
    );
}

#[test]
fn what_no_store_could_read_is_refused_before_it_is_proposed() {
    let mut it = open();
    let longest = Bytes::from(vec![b'c'; KEY_BYTES_MAX]);
    let long = Bytes::from(vec![b'c'; KEY_BYTES_MAX + 1]);
    let txn = |compares, then: Vec<Write>| Write::Txn { compares, then, otherwise: vec![] };
    let exists = |key| Compare { key, condition: Condition::Exists };
    let puts = |count| vec![put("c", ""); count];
    let invalid = [
        Write::Delete { key: long.clone() },
        Write::DeleteRange { from: "c".into(), to: Some(long.clone()) },
        txn(vec![exists(long.clone())], vec![]),
        txn(vec![], vec![Write::Add { key: long, delta: 1 }]),
        txn(vec![], vec![txn(vec![], vec![])]),
        txn(vec![], puts(TXN_LENGTH_MAX + 1)),
        txn(vec![exists("c".into()); TXN_LENGTH_MAX + 1], vec![]),
    ];
    for wrong in invalid {
        let outcome = write(&mut it, context(), wrong);
        assert!(matches!(outcome, Err(KvError::InvalidRequest { .. })), "{outcome:?}");
    }
    assert!(Write::Delete { key: longest }.check().is_ok());
    assert!(write(&mut it, context(), txn(vec![], puts(TXN_LENGTH_MAX))).is_ok());
    assert!(it.0.failure().is_none());
}

#[test]
fn a_full_mailbox_says_so() {
    let env = env(&SimMachine::new(1));
    let config =
        StoreConfig { mailbox: MailboxLimits { messages: 2, bytes: 1 << 20 }, ..config(STORE) };
    bootstrap(&config, &env, &region()).unwrap();
    let mut store = Store::open(config, env).unwrap();
    settle(&mut store);
    let kv = RaftKv::new(store.handle());
    let told: Vec<_> = (0..3).map(|_| begin(&kv, context(), put("c", ""))).collect();
    let error = KvError::ServerIsBusy { region: RegionId(1) };
    assert_eq!(*told[2].lock().unwrap(), [WriteEvent::Finished(Err(error))]);
    settle(&mut store);
    assert_eq!(told[0].lock().unwrap().last(), Some(&WriteEvent::Finished(Ok(Outcome::Done))));
}

/// The commit index that a round learns last is in the next round's frame. So a store that is killed
/// between the two has applied more than its hard state says to be committed.
#[test]
fn a_start_believes_a_memtable_that_is_ahead_of_the_raft_log() {
    let machine = SimMachine::new(1);
    bootstrap(&config(STORE), &env(&machine), &region()).unwrap();
    let mut store = Store::open(config(STORE), env(&machine)).unwrap();
    settle(&mut store);
    let kv = RaftKv::new(store.handle());
    let mut it = (store, kv);
    for value in ["1", "2"] {
        assert_eq!(write(&mut it, context(), put("c", value)), Ok(Outcome::Done));
    }
    drop(it);
    let machine = machine.after_kill();
    assert_eq!(memtable_beside_hard_state(&machine), Some(Ordering::Greater), "the case is met");
    let mut store = Store::open(config(STORE), env(&machine)).unwrap();
    settle(&mut store);
    let kv = RaftKv::new(store.handle());
    let seen = read(&mut (store, kv), context(), ReadMode::Quorum, "c");
    assert_eq!(seen, Ok(Some("2".into())));
}

#[test]
fn a_repeated_request_is_run_once_even_after_a_restart() {
    let machine = SimMachine::new(1);
    bootstrap(&config(STORE), &env(&machine), &region()).unwrap();
    let mut store = Store::open(config(STORE), env(&machine)).unwrap();
    settle(&mut store);
    let kv = RaftKv::new(store.handle());
    let request = kv.handle().next_request();
    let first_start = request.origin;
    let add = || Write::Add { key: "c".into(), delta: 5 };
    let send = |kv: &RaftKv<SimEnv>, store: &mut Store<SimEnv>| {
        let told = Told::default();
        let events = told.clone();
        let callback = WriteCallback::new(move |event| events.lock().unwrap().push(event));
        kv.async_write(context(), request, add(), callback);
        settle(store);
        told.lock().unwrap().pop()
    };
    let first = Some(WriteEvent::Finished(Ok(Outcome::Number(5))));
    assert_eq!(send(&kv, &mut store), first);
    assert_eq!(send(&kv, &mut store), first);
    drop((kv, store));
    let mut store = Store::open(config(STORE), env(&machine.after_kill())).unwrap();
    settle(&mut store);
    let kv = RaftKv::new(store.handle());
    assert_eq!(kv.handle().origin(), Origin { incarnation: 2, ..first_start });
    assert_eq!(send(&kv, &mut store), first);
    assert_eq!(read(&mut (store, kv), context(), ReadMode::Lease, "c"), Ok(Some("5".into())));
}

#[test]
fn a_store_that_ends_answers_everybody() {
    let (store, kv) = open();
    let told = begin(&kv, context(), put("c", ""));
    drop(store);
    let error = KvError::RegionNotFound { region: RegionId(1) };
    assert_eq!(*told.lock().unwrap(), [WriteEvent::Finished(Err(error.clone()))], "never proposed");
    let told = begin(&kv, context(), put("c", ""));
    assert_eq!(*told.lock().unwrap(), [WriteEvent::Finished(Err(error))]);
}

#[test]
fn a_disk_that_fails_ends_the_store_and_nobody_waits() {
    let machine = SimMachine::new(1);
    bootstrap(&config(STORE), &env(&machine), &region()).unwrap();
    let mut after = 1;
    loop {
        let machine = machine.after_kill();
        let mut store = Store::open(config(STORE), env(&machine)).unwrap();
        settle(&mut store);
        let kv = RaftKv::new(store.handle());
        machine.plan(machine.operations() + after, storage::Fault::Fails);
        let told = begin(&kv, context(), put("c", "1"));
        settle(&mut store);
        let last = told.lock().unwrap().pop();
        let Some(WriteEvent::Finished(outcome)) = last else {
            panic!("operation {after}: {last:?}")
        };
        match store.failure() {
            None => break,
            Some(failure) => {
                assert!(failure.to_string().contains("simulated"), "{failure}");
                assert_eq!(outcome, Err(KvError::Undetermined), "operation {after}: {failure}");
            }
        }
        assert_eq!(store.run_inline(9), 0, "it has ended");
        after += 1;
    }
    assert!(after > 3, "a write and its record take at least three operations, and not {after}");
}

#[test]
fn a_store_that_has_failed_on_its_thread_lets_nobody_wait() {
    let machine = SimMachine::new(1);
    bootstrap(&config(STORE), &env(&machine), &region()).unwrap();
    let mut store = Store::open(config(STORE), env(&machine)).unwrap();
    settle(&mut store);
    let kv = RaftKv::new(store.handle());
    machine.plan(machine.operations() + 1, storage::Fault::Fails);
    let told = begin(&kv, context(), put("c", "1"));
    store.run(|| false);
    assert!(store.failure().is_some());
    assert_eq!(told.lock().unwrap().pop(), Some(WriteEvent::Finished(Err(KvError::Undetermined))));
    let told = begin(&kv, context(), put("c", "2"));
    let error = KvError::RegionNotFound { region: RegionId(1) };
    assert_eq!(*told.lock().unwrap(), [WriteEvent::Finished(Err(error))], "at once");
}

#[test]
fn directories_of_another_store_and_of_nobody_are_refused() {
    let machine = SimMachine::new(1);
    let open =
        |config: StoreConfig| Store::open(config, env(&machine)).err().map(|e| e.to_string());
    assert_eq!(open(config(STORE)).as_deref(), Some("the directories hold no store yet"));
    bootstrap(&config(STORE), &env(&machine), &region()).unwrap();
    let foreign = StoreConfig { cluster: ClusterId(9), ..config(STORE) };
    assert_eq!(
        open(foreign).as_deref(),
        Some("the directories hold s1 of cluster c7, but the settings say s1 of cluster c9")
    );
    let other = bootstrap(&config(StoreId(2)), &env(&machine), &region());
    assert_eq!(other.unwrap_err().to_string(), "r1 has no peer on s2");
    let store = Store::open(config(STORE), env(&machine)).unwrap();
    let twice = open(config(STORE)).unwrap();
    assert!(twice.contains("directory raft: the directory is already open"), "{twice}");
    drop(store);
    bootstrap(&config(STORE), &env(&machine), &region()).unwrap();
    assert_eq!(open(config(STORE)), None, "a second bootstrap changes nothing");
}

#[test]
fn messages_of_strangers_change_nothing() {
    let mut it = open();
    let before = it.0.peer(RegionId(1));
    let me = region().peers[0];
    let stranger = Peer { id: PeerId(99), store: StoreId(9), role: PeerRole::Voter };
    let body =
        Body::Heartbeat { commit: raft::Index(1 << 40), token: None, session: raft::Session(0) };
    let message = Message { from: NodeId(99), to: NodeId(11), term: Some(Term(1 << 61)), body };
    let good = StoreMessage {
        cluster: ClusterId(7),
        region: RegionId(1),
        from: stranger,
        to: me,
        epoch: region().epoch,
        message,
    };
    for wrong in [
        StoreMessage { cluster: ClusterId(8), ..good.clone() },
        StoreMessage { to: Peer { store: StoreId(2), ..me }, ..good.clone() },
        StoreMessage { to: Peer { id: PeerId(12), ..me }, ..good.clone() },
        StoreMessage { region: RegionId(5), ..good.clone() },
    ] {
        it.0.handle().deliver(wrong);
        settle(&mut it.0);
        assert_eq!(it.0.peer(RegionId(1)), before);
    }
    assert_eq!(write(&mut it, context(), put("c", "")), Ok(Outcome::Done));
}

#[test]
fn settings_that_cannot_work_are_refused_with_their_numbers() {
    let check = |change: &dyn Fn(&mut StoreConfig)| {
        let mut config = StoreConfig::new(ClusterId(1), STORE);
        change(&mut config);
        config.check().err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert_eq!(check(&|_| {}), "");
    assert_eq!(check(&|it| it.store = StoreId(0)), "store is 0, but stores are numbered from 1");
    assert_eq!(check(&|it| it.tick = Duration::ZERO), "tick is 0: no election would ever begin");
    // 800 ms and 5 % are 840; 857 ms and 5 % are 899.85; the limit is 900.
    assert_eq!(check(&|it| it.max_lease = Duration::from_millis(857)), "");
    let long = check(&|it| it.max_lease = Duration::from_millis(858));
    assert!(long.contains("900.9ms") && long.contains("900ms"), "{long}");
    assert_eq!(check(&|it| it.max_lease = Duration::ZERO), "", "no lease at all");
    assert_ne!(check(&|it| it.max_lease = Duration::MAX), "");
    assert_ne!(check(&|it| it.max_drift_permille = u32::MAX), "");
    assert_ne!(check(&|it| it.election_ticks = u64::MAX), "");
    assert_ne!(check(&|it| it.heartbeat_ticks = 0), "");
    assert_ne!(check(&|it| it.messages_per_round = 0), "");
    assert_ne!(check(&|it| it.mailbox.messages = 0), "");
    assert_ne!(check(&|it| it.mailbox.bytes = 0), "");
    assert_ne!(check(&|it| it.pollers = 0), "");
    assert_eq!(check(&|it| it.pollers = 64), "");
    assert_eq!(check(&|it| it.pollers = 65), "pollers is 65, but must be 1 to 64");
    assert_ne!(check(&|it| it.peers_per_round = 0), "");
}

#[test]
fn entries_of_any_store_fit_the_frames_of_every_store() {
    let check = |change: &dyn Fn(&mut StoreConfig)| {
        let mut config = StoreConfig::new(ClusterId(1), STORE);
        change(&mut config);
        config.check().err().map(|error| error.to_string()).unwrap_or_default()
    };
    let wrong = check(&|it| it.entry_bytes_max = 1023);
    assert_eq!(wrong, "entry_bytes_max is 1023, but must be 1024 to 8388608");
    assert_eq!(check(&|it| it.entry_bytes_max = 1024), "");
    assert_ne!(check(&|it| it.entry_bytes_max = ENTRY_BYTES_MAX + 1), "");
    assert_ne!(check(&|it| it.entry_bytes_max = usize::MAX), "");
    let wrong = check(&|it| it.cluster_entry_bytes_max = ENTRY_BYTES_MAX - 1);
    assert_eq!(wrong, "entry_bytes_max is 8388608, but must be 1024 to 8388607");
    let wrong = check(&|it| it.cluster_entry_bytes_max = ENTRY_BYTES_MAX + 1);
    assert_eq!(wrong, "cluster_entry_bytes_max is 8388609, but must be 1024 to 8388608");

    // Whatever this store proposes, it may have to write what another one has proposed.
    let longest = ENTRY_BYTES_MAX;
    let wal_needed = (changes_bytes_max(longest) + saved_bytes_max(longest) + 1024) as u32;
    let log_needed = (longest + 1024) as u32;
    for entry_bytes_max in [1024, longest] {
        let wal = |bytes| {
            check(&|it| (it.entry_bytes_max, it.wal.max_batch_bytes) = (entry_bytes_max, bytes))
        };
        let log = |bytes| {
            check(&|it| (it.entry_bytes_max, it.log.max_batch_bytes) = (entry_bytes_max, bytes))
        };
        assert_eq!(wal(wal_needed), "");
        assert_eq!(log(log_needed), "");
        let short = wal_needed - 1;
        let wrong = format!("wal.max_batch_bytes is {short}, but an entry may need {wal_needed}");
        assert_eq!(wal(short), wrong);
        let short = log_needed - 1;
        let wrong = format!("log.max_batch_bytes is {short}, but an entry may need {log_needed}");
        assert_eq!(log(short), wrong);
    }
}

#[test]
fn a_late_tick_is_one_tick() {
    let second = Duration::from_secs(1);
    let mut ticker = kv::env::Ticker::new(second, Moment(0));
    assert!(!ticker.take(Moment(999_999_999)));
    assert!(ticker.take(Moment(1_000_000_000)));
    assert!(ticker.take(Moment(60_000_000_000)), "a minute late");
    assert!(!ticker.take(Moment(60_999_999_999)), "the ticks between are dropped");
    assert_eq!(ticker.next(), Moment(61_000_000_000));
}
