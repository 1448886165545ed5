//! The words of the store: regions, commands and their results, messages, and their bytes.

mod region; // stores, regions, peers and epochs

mod command; // what clients ask for, and what it led to

mod evaluate; // what a command does to its region's keys

mod window; // a request that comes again is answered, and not run again

mod message; // what stores say to each other

mod state; // what a store remembers of itself

pub mod keys; // where it remembers it

pub use crate::codec::CodecError;
pub use command::{
    Command, Compare, Condition, ENTRY_BYTES_MAX, ENTRY_BYTES_MIN, InvalidWrite, KEY_BYTES_MAX,
    Origin, Outcome, Refusal, RequestId, TXN_LENGTH_MAX, Write, changes_bytes_max, decode_commands,
    encode_commands,
};
pub use evaluate::{Pending, evaluate};
pub use message::StoreMessage;
pub use region::{ClusterId, Epoch, Peer, PeerId, PeerRole, Region, RegionId, StoreId};
pub use state::{ApplyState, PeerState, RegionState, StoreIdent};
pub use window::{QUIET_LIVES, WINDOW_BYTES, WINDOW_REQUESTS, Window, saved_bytes_max};
