//! What a lease, a vote ban and a policy allow, as the clock of one store shows it.

use kv::env::Moment;
use kv::store::{Lease, LeaseState, RequestKind, RequestPolicy, VoteBan, decide_policy};
use std::time::Duration;

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
