//! What stores say to each other: a message of one region's Raft group, with its address.

use super::{ClusterId, Epoch, Peer, RegionId};
use raft::Message;

/// A message from one peer of a region to another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoreMessage {
    /// The sender's cluster. A store drops messages of another cluster.
    pub cluster: ClusterId,
    /// The region.
    pub region: RegionId,
    /// The sender.
    pub from: Peer,
    /// The peer that it is for.
    pub to: Peer,
    /// The region's epoch, as the sender knows it.
    pub epoch: Epoch,
    /// What Raft says.
    pub message: Message,
}
