//! What stores say to each other: a message of one region's Raft group, with its address.
//!
//! ```text
//!   version | cluster | region | from: peer | to: peer | epoch | the message, as `raft::wire` writes it
//!   peer = id, store, role: 1 voter, 2 learner           epoch = version, conf_version
//! ```

use super::region::{
    ClusterId, Epoch, Peer, RegionId, read_epoch, read_peer, write_epoch, write_peer,
};
use crate::codec::{CodecError, Input, Output};
use bytes::{Bytes, BytesMut};
use raft::{Message, wire};

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

const VERSION: u8 = 1;

/// The length of everything before the message: a version, 8 numbers of 8 bytes, 2 roles.
const HEAD_BYTES: usize = 1 + 8 * 8 + 2;

impl StoreMessage {
    /// Appends the message's bytes to `to`. The caller frames them: they do not say where they end.
    pub fn encode(&self, to: &mut BytesMut) {
        to.reserve(HEAD_BYTES + wire::message_len(&self.message));
        to.byte(VERSION);
        to.u64(self.cluster.0);
        to.u64(self.region.0);
        write_peer(to, self.from);
        write_peer(to, self.to);
        write_epoch(to, self.epoch);
        wire::encode_message(&self.message, to);
    }

    /// Returns the message that these bytes are. Its entries share their memory.
    ///
    /// # Errors
    /// [`CodecError`].
    pub fn decode(bytes: Bytes) -> Result<StoreMessage, CodecError> {
        let mut input = Input::versioned(bytes, VERSION)?;
        Ok(StoreMessage {
            cluster: ClusterId(input.u64("a cluster")?),
            region: RegionId(input.u64("a region")?),
            from: read_peer(&mut input)?,
            to: read_peer(&mut input)?,
            epoch: read_epoch(&mut input)?,
            message: wire::decode_message(input.rest()).map_err(CodecError::Raft)?,
        })
    }
}
