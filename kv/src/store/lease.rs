//! The leader's lease: for how long a leader may read alone (thesis §6.4.1).
//!
//! ```text
//!   leader    propose ------------ committed ............... lease ends
//!             ^ the lease is counted from here               |
//!   follower      hears it |<---- votes for nobody else ---->|...
//! ```
//!
//! A majority followed the leader when it acknowledged what was proposed at a moment. Each of these
//! followers votes for nobody else for a time that is longer than the lease ([`VoteBan`]). So until the
//! lease ends, no other leader can have committed anything.
//!
//! Rules:
//!
//! * The lease is counted from the moment of proposing, never from the moment of commitment.
//! * It is suspect from the sending of a `TimeoutNow`: the follower that gets it may win at once. It stays
//!   so until the leader has proposed something after that moment, and has seen it committed.
//! * It ends with the role.
//! * The clock is monotonic, and each store has its own. [`super::StoreConfig::check`] leaves room for the
//!   drift between two of them.

use crate::env::Moment;
use std::time::Duration;

/// What a lease allows at a moment.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum LeaseState {
    /// The leader may read alone.
    Valid,
    /// The leader has asked another peer to take over: it may not read alone before it has renewed.
    Suspect,
    /// The lease has ended, or there was none.
    Expired,
}

/// Until when the lease lasts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Bound {
    None,
    /// What was proposed after this moment may renew the lease.
    Suspect(Moment),
    Valid(Moment),
}

/// A leader's lease.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lease {
    bound: Bound,
    max_lease: Duration,
}

impl Lease {
    /// Returns a lease that has not begun.
    pub fn new(max_lease: Duration) -> Lease {
        Lease { bound: Bound::None, max_lease }
    }

    /// Learns that a majority followed what this leader proposed at `proposed`. Never shortens a lease.
    pub fn renew(&mut self, proposed: Moment) {
        let until = proposed + self.max_lease;
        self.bound = match self.bound {
            Bound::None => Bound::Valid(until),
            Bound::Valid(before) => Bound::Valid(before.max(until)),
            Bound::Suspect(since) if proposed > since => Bound::Valid(until),
            Bound::Suspect(since) => Bound::Suspect(since),
        };
    }

    /// Learns that a majority still followed what this leader asked at `asked`. A lease that is suspect stays
    /// so: the one that was asked to take over may win with the log that it has, until another entry is
    /// committed.
    pub fn confirm(&mut self, asked: Moment) {
        if !matches!(self.bound, Bound::Suspect(_)) {
            self.renew(asked);
        }
    }

    /// Learns that another peer was asked to take over, at `now`.
    pub fn suspect(&mut self, now: Moment) {
        self.bound = Bound::Suspect(now);
    }

    /// Learns that this peer leads no more.
    pub fn expire(&mut self) {
        self.bound = Bound::None;
    }

    /// Returns what the lease allows at `now`.
    pub fn inspect(&self, now: Moment) -> LeaseState {
        match self.bound {
            Bound::Suspect(_) => LeaseState::Suspect,
            Bound::Valid(until) if now < until => LeaseState::Valid,
            Bound::Valid(_) | Bound::None => LeaseState::Expired,
        }
    }

    /// Returns until when the leader may read alone; none if it may not.
    pub fn until(&self) -> Option<Moment> {
        match self.bound {
            Bound::Valid(until) => Some(until),
            Bound::None | Bound::Suspect(_) => None,
        }
    }
}

/// Until when a peer votes for nobody, because it has heard from a leader: the other half of a lease.
///
/// A peer that has just started may have forgotten that it heard from a leader (tikv issue 15035). So
/// the ban begins with the start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VoteBan {
    until: Moment,
    length: Duration,
}

impl VoteBan {
    /// Returns the ban of a peer that starts at `now`.
    pub fn from_start(now: Moment, length: Duration) -> VoteBan {
        VoteBan { until: now + length, length }
    }

    /// Learns that a leader spoke, at `now`.
    pub fn heard_leader(&mut self, now: Moment) {
        self.until = self.until.max(now + self.length);
    }

    /// Returns whether this peer may vote at `now`.
    pub fn is_over(&self, now: Moment) -> bool {
        now >= self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: Duration = Duration::from_nanos(100);

    #[test]
    fn a_lease_is_counted_from_the_proposal_and_never_gets_shorter() {
        let mut lease = Lease::new(LEASE);
        assert_eq!(lease.inspect(Moment(0)), LeaseState::Expired);
        lease.renew(Moment(10));
        assert_eq!(lease.inspect(Moment(109)), LeaseState::Valid);
        assert_eq!(lease.inspect(Moment(110)), LeaseState::Expired);
        lease.renew(Moment(5));
        assert_eq!(lease.until(), Some(Moment(110)), "an older proposal is committed later");
    }

    #[test]
    fn a_suspect_lease_is_renewed_only_by_what_was_proposed_later() {
        let mut lease = Lease::new(LEASE);
        lease.renew(Moment(10));
        lease.suspect(Moment(20));
        assert_eq!(lease.inspect(Moment(21)), LeaseState::Suspect);
        assert_eq!(lease.until(), None);
        lease.renew(Moment(20));
        assert_eq!(lease.inspect(Moment(500)), LeaseState::Suspect, "proposed before it was known");
        lease.renew(Moment(21));
        assert_eq!(lease.inspect(Moment(120)), LeaseState::Valid);
    }

    #[test]
    fn a_suspect_lease_is_not_confirmed_by_a_read() {
        let mut lease = Lease::new(LEASE);
        lease.confirm(Moment(10));
        assert_eq!(lease.until(), Some(Moment(110)));
        lease.suspect(Moment(20));
        lease.confirm(Moment(21));
        assert_eq!(lease.inspect(Moment(22)), LeaseState::Suspect, "no entry was committed");
    }

    #[test]
    fn a_lease_ends_with_the_role() {
        let mut lease = Lease::new(LEASE);
        lease.renew(Moment(10));
        lease.expire();
        assert_eq!(lease.inspect(Moment(11)), LeaseState::Expired);
    }

    #[test]
    fn a_peer_votes_for_nobody_after_its_start_and_after_it_heard_a_leader() {
        let mut ban = VoteBan::from_start(Moment(1000), LEASE);
        assert!(!ban.is_over(Moment(1099)));
        assert!(ban.is_over(Moment(1100)));
        ban.heard_leader(Moment(1090));
        assert!(!ban.is_over(Moment(1189)));
        assert!(ban.is_over(Moment(1190)));
    }
}
