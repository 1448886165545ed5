//! What a lease, a vote ban and a policy allow, as the clock of one store shows it.

use kv::env::{Clock, Directory, Env, Moment, Transport};
use kv::model::{
    ClusterId, Epoch, Peer, PeerId, PeerRole, Region, RegionId, StoreId, StoreMessage, Write,
};
use kv::store::{
    Lease, LeaseState, RaftKv, RequestContext, RequestKind, RequestPolicy, Store, StoreConfig,
    VoteBan, WriteCallback, bootstrap, decide_policy,
};
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use storage::SimDisk;

const LENGTH: Duration = Duration::from_nanos(100);

#[test]
fn a_lease_lasts_from_the_proposal_to_its_end() {
    let mut lease = Lease::new(LENGTH);
    assert_eq!(lease.inspect(Moment(0)), LeaseState::Expired, "it has not begun");
    lease.renew(Moment(10));
    assert_eq!(lease.inspect(Moment(109)), LeaseState::Valid);
    assert_eq!(lease.inspect(Moment(110)), LeaseState::Expired);
    assert_eq!(lease.until(), Some(Moment(110)));
}

#[test]
fn a_lease_ends_with_the_role() {
    let mut lease = Lease::new(LENGTH);
    lease.renew(Moment(10));
    lease.expire();
    assert_eq!(lease.inspect(Moment(11)), LeaseState::Expired);
}

#[test]
fn a_leader_that_hands_over_reads_alone_again_only_after_a_later_proposal() {
    let mut lease = Lease::new(LENGTH);
    lease.renew(Moment(10));
    lease.suspect(Moment(20));
    lease.renew(Moment(20));
    assert_eq!(lease.inspect(Moment(21)), LeaseState::Suspect, "proposed before it asked");
    lease.renew(Moment(21));
    assert_eq!(lease.inspect(Moment(22)), LeaseState::Valid);
}

#[test]
fn a_peer_that_has_just_started_votes_for_nobody() {
    let ban = VoteBan::from_start(Moment(1000), LENGTH);
    assert!(!ban.is_over(Moment(1000)) && !ban.is_over(Moment(1099)));
    assert!(ban.is_over(Moment(1100)));
}

#[test]
fn a_peer_that_hears_a_leader_votes_for_nobody() {
    let mut ban = VoteBan::from_start(Moment(0), LENGTH);
    ban.heard_leader(Moment(90));
    assert!(!ban.is_over(Moment(189)));
    assert!(ban.is_over(Moment(190)));
}

#[test]
fn a_read_is_local_only_under_a_valid_lease_and_after_an_entry_of_the_term() {
    for lease in [LeaseState::Valid, LeaseState::Suspect, LeaseState::Expired] {
        for has_applied_term in [false, true] {
            let may_be_local = lease == LeaseState::Valid && has_applied_term;
            let read = decide_policy(RequestKind::Read, lease, has_applied_term);
            assert_eq!(read == RequestPolicy::ReadLocal, may_be_local, "{lease:?}");
            let quorum = decide_policy(RequestKind::ReadQuorum, lease, has_applied_term);
            assert_eq!(quorum, RequestPolicy::ReadIndex);
        }
    }
}

/// A clock that shows another time from the second look on.
#[derive(Clone, Default)]
struct JumpingClock {
    /// What it shows, and what it shows after it was looked at.
    shows: Arc<Mutex<(Moment, Moment)>>,
}

impl JumpingClock {
    fn set(&self, first: u64, later: u64) {
        *self.shows.lock().expect("one thread") = (Moment(first), Moment(later));
    }
}

impl Clock for JumpingClock {
    fn now(&self) -> Moment {
        let mut shows = self.shows.lock().expect("one thread");
        let (now, later) = *shows;
        *shows = (later, later);
        now
    }
}

/// Nobody else is there.
struct Alone;

impl Transport for Alone {
    fn send(&mut self, _: StoreId, _: StoreMessage) {}

    fn flush(&mut self) {}
}

struct LoneEnv {
    clock: JumpingClock,
    disk: SimDisk,
}

impl Env for LoneEnv {
    type Clock = JumpingClock;
    type Transport = Alone;
    type Disk = SimDisk;

    fn clock(&self) -> JumpingClock {
        self.clock.clone()
    }

    fn transport(&self) -> Alone {
        Alone
    }

    fn disk(&self, directory: Directory) -> io::Result<SimDisk> {
        Ok(self.disk.directory(directory.name()))
    }

    fn entropy(&self) -> u64 {
        7
    }
}

#[test]
fn a_view_is_not_served_if_the_lease_ends_while_it_is_taken() {
    let epoch = Epoch { version: 1, conf_version: 1 };
    let voter = Peer { id: PeerId(11), store: StoreId(1), role: PeerRole::Voter };
    let (id, start) = (RegionId(1), Default::default());
    let region = Region { id, start, end: None, epoch, peers: vec![voter] };
    let (clock, config) = (JumpingClock::default(), StoreConfig::new(ClusterId(1), StoreId(1)));
    let env = LoneEnv { clock: clock.clone(), disk: SimDisk::new(1) };
    let lease = config.max_lease.as_nanos() as u64;
    bootstrap(&config, &env, &region).expect("the disk works");
    let mut store = Store::open(config, env).expect("it is bootstrapped");
    while store.run_inline(8) > 0 {}
    let kv = RaftKv::new(store.handle());
    let context = RequestContext { region: id, peer: None, epoch, term: None };
    let write = Write::Put { key: "k".into(), value: "1".into() };
    let request = kv.handle().next_request();
    kv.async_write(context, request, write, WriteCallback::new(|_| ()));
    while store.run_inline(8) > 0 {}

    let read = |before, after| {
        clock.set(before, after);
        kv.get_local(&context, b"k")
    };
    assert_eq!(read(lease - 1, lease - 1), Some(Some("1".into())));
    assert_eq!(read(lease - 1, lease), None, "others may have written before the value was read");
    assert_eq!(read(lease, lease), None);
}
