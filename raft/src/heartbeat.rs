//! Heartbeats: a leader speaks, so that nobody else stands (§5.2).
//!
//! ```text
//!   leader    |--beat--|--beat--|--beat--|
//!   follower  0........0........0........0     its timer never reaches the limit
//! ```
//!
//! What a leader makes of the answers is a matter of replication: `on_heartbeat_reply`, there.

use crate::ledger::Core;
use crate::message::{Body, ReadToken, Session};
use crate::raft::Raft;
use crate::role::Leader;
use crate::storage::Storage;
use crate::types::NodeId;

// Speak.

impl<S: Storage> Core<S> {
    /// Speaks when it is time to (Fig. 2 Leaders (1)).
    pub(crate) fn tick_heartbeat(&mut self, leader: &mut Leader) {
        if self.timer.elapsed_ticks >= self.config.heartbeat_ticks {
            self.reset_timer();
            self.bcast_heartbeat(leader);
        }
    }

    /// Tells every other voter that we lead. Nobody is told of a commit beyond what it is known to
    /// hold: it could hold other entries there.
    pub(crate) fn bcast_heartbeat(&mut self, leader: &mut Leader) {
        for (&to, progress) in &mut leader.progress {
            if to != self.id {
                let commit = progress.matched().min(self.commit);
                self.send_heartbeat(to, progress, commit);
            }
        }
    }
}

// Be heard.

impl<S: Storage> Raft<S> {
    /// Learns that this term has a leader: a candidate gives up, and everyone waits anew (§5.2,
    /// Fig. 2 Candidates (3)).
    pub(crate) fn hear_from_leader(&mut self, leader: NodeId) {
        self.become_follower(self.core.term, Some(leader));
        self.core.reset_timer();
    }
}

impl<S: Storage> Core<S> {
    /// Answers the leader, so that it knows it still has us. What it said of the commit index, the
    /// table has given to `learn_commit` already.
    pub(crate) fn on_heartbeat(
        &mut self,
        from: NodeId,
        token: Option<ReadToken>,
        session: Session,
    ) {
        self.send(from, Body::HeartbeatReply { token, session });
    }
}
