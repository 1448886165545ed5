//! The words of the store: regions, commands and their results, messages, and their bytes.

mod region; // stores, regions, peers and epochs

mod message; // what stores say to each other

pub use message::StoreMessage;
pub use region::{ClusterId, Epoch, Peer, PeerId, PeerRole, Region, RegionId, StoreId};
