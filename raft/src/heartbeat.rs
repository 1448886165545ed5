//! Heartbeats: a leader sends them, so that no other node campaigns (§5.2).
//!
//! ```text
//!   leader    |---hb---|---hb---|---hb---|     hb: a heartbeat
//!   follower  0........0........0........0     its timer never reaches the timeout
//! ```
//!
//! What a leader does with the replies is a matter of replication: `on_heartbeat_reply`, there.

use crate::ledger::{Core, Leader};
use crate::message::{Body, ReadToken, Session};
use crate::raft::{Raft, Role};
use crate::storage::Storage;
use crate::types::NodeId;

// Sending.

impl<S: Storage> Core<S> {
    /// Sends heartbeats when it is time to (Fig. 2 Leaders (1)).
    pub(crate) fn tick_heartbeat(&mut self, leader: &mut Leader) {
        if self.timer.elapsed_ticks >= self.config.heartbeat_ticks {
            self.reset_timer();
            self.bcast_heartbeat(leader);
        }
    }

    /// Tells every other voter that this node leads. Its commit index goes no further than what the
    /// voter is known to hold: beyond that, the voter may hold other entries.
    pub(crate) fn bcast_heartbeat(&mut self, leader: &mut Leader) {
        for (&to, progress) in &mut leader.progress {
            if to != self.id {
                let commit = progress.matched().min(self.commit);
                self.send_heartbeat(to, progress, commit);
            }
        }
    }
}

impl<S: Storage> Raft<S> {
    /// Sends heartbeats now, without waiting for a tick: for an owner that wants its followers to hear of a
    /// commit at once, say. Does nothing if the node does not lead, or has halted. The name is raft-rs's.
    pub fn ping(&mut self) {
        if self.is_halted() {
            return;
        }
        if let Role::Leader(leader) = &mut self.role {
            self.core.bcast_heartbeat(leader);
        }
    }
}

// Receiving.

impl<S: Storage> Raft<S> {
    /// Learns that this term has a leader: a candidate gives up, and every node resets its timer (§5.2,
    /// Fig. 2 Candidates (3)).
    pub(crate) fn recognize_leader(&mut self, leader: NodeId) {
        self.become_follower(self.core.term, Some(leader));
        self.core.reset_timer();
    }
}

impl<S: Storage> Core<S> {
    /// Answers the leader, so that it knows that this node still follows. The table has given the
    /// heartbeat's commit index to `learn_commit` already.
    pub(crate) fn on_heartbeat(
        &mut self,
        from: NodeId,
        token: Option<ReadToken>,
        session: Session,
    ) {
        self.send(from, Body::HeartbeatReply { token, session });
    }
}
