//! The window of one peer, changed while the node runs (raft-rs's `adjust_max_inflight_msgs`).
//!
//! ```text
//!   max 4    [5] [6] [7] [8]    full
//!   max 2    [5] [6] [7] [8]    what is in flight stays; nothing more until fewer than 2 are
//!   max 6    [5] [6] [7] [8] [9] [10]
//! ```
//!
//! An owner uses it to keep a slow or distant peer from taking memory, or a fast one from waiting.

use crate::error::Halt;
use crate::ledger::{Core, Leader};
use crate::raft::{Raft, Role};
use crate::storage::Storage;
use crate::types::NodeId;

impl<S: Storage> Raft<S> {
    /// Sets how many appends may be in flight to one peer, as long as this node leads: the next leader
    /// begins with `max_inflight_messages` again. With 0 the peer gets no entries once the window holds
    /// some. Does nothing if the node does not lead, or does not know the peer.
    ///
    /// # Errors
    /// [`Halt`] if the node has halted, now or earlier.
    pub fn adjust_max_inflight_messages(&mut self, peer: NodeId, max: usize) -> Result<(), Halt> {
        self.core.check_running()?;
        let Role::Leader(leader) = &mut self.role else { return Ok(()) };
        self.core.resize_window(leader, peer, max).map_err(|halt| self.core.halt(halt))
    }
}

impl<S: Storage> Core<S> {
    /// Changes the window, and sends what has room in it now.
    fn resize_window(&mut self, leader: &mut Leader, to: NodeId, max: usize) -> Result<(), Halt> {
        let Some(peer) = leader.progress.get_mut(&to).filter(|_| to != self.id) else {
            return Ok(());
        };
        self.set_window(peer, max);
        self.send_more(leader, to)
    }
}
