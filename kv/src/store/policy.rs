//! The policy: what a leader's peer does with a request. A pure function of a few facts.
//!
//! ```text
//!   write ------------------------------------------> ProposeNormal
//!   transfer the leadership ------------------------> ProposeTransferLeader
//!   change the peers -------------------------------> ProposeConfChange
//!   read --> must ask a majority? --yes-------------> ReadIndex
//!              | no
//!              term applied, and the lease valid? --> ReadLocal
//!              '------ no --------------------------> ReadIndex
//! ```
//!
//! The names are TiKV's.

use super::lease::LeaseState;

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum RequestKind {
    /// A linearizable read that may rest on the lease.
    Read,
    /// A linearizable read that must ask a majority.
    ReadQuorum,
    /// A write.
    Write,
    /// To hand the leadership to another peer.
    TransferLeader,
    /// To add or remove a peer.
    ChangePeer,
}

/// How a request is served.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum RequestPolicy {
    /// From the memtable, at once.
    ReadLocal,
    /// From the memtable, once a majority has said that this peer leads, and it has applied enough.
    ReadIndex,
    /// As an entry of the log.
    ProposeNormal,
    /// By asking Raft; nothing is replicated.
    ProposeTransferLeader,
    /// As an entry that changes the group.
    ProposeConfChange,
}

/// Returns how a leader serves a request.
///
/// `has_applied_term` says whether it has applied an entry of its own term. Before that, it may not
/// know what earlier leaders have committed (tikv issue 9208).
pub fn decide_policy(
    kind: RequestKind,
    lease: LeaseState,
    has_applied_term: bool,
) -> RequestPolicy {
    match kind {
        RequestKind::Write => RequestPolicy::ProposeNormal,
        RequestKind::TransferLeader => RequestPolicy::ProposeTransferLeader,
        RequestKind::ChangePeer => RequestPolicy::ProposeConfChange,
        RequestKind::ReadQuorum => RequestPolicy::ReadIndex,
        RequestKind::Read => match lease {
            LeaseState::Valid if has_applied_term => RequestPolicy::ReadLocal,
            LeaseState::Valid | LeaseState::Suspect | LeaseState::Expired => {
                RequestPolicy::ReadIndex
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_has_its_policy_for_every_lease() {
        use RequestPolicy::{ProposeConfChange, ProposeNormal, ProposeTransferLeader};
        let leases = [LeaseState::Valid, LeaseState::Suspect, LeaseState::Expired];
        for (lease, applied) in leases.into_iter().flat_map(|l| [(l, false), (l, true)]) {
            let policy = |kind| decide_policy(kind, lease, applied);
            assert_eq!(policy(RequestKind::Write), ProposeNormal);
            assert_eq!(policy(RequestKind::TransferLeader), ProposeTransferLeader);
            assert_eq!(policy(RequestKind::ChangePeer), ProposeConfChange);
            assert_eq!(policy(RequestKind::ReadQuorum), RequestPolicy::ReadIndex);
            let is_local = policy(RequestKind::Read) == RequestPolicy::ReadLocal;
            assert_eq!(is_local, lease == LeaseState::Valid && applied, "{lease:?} {applied}");
        }
    }
}
