//! The setup of a cluster, as a trace records it, so that the trace can be replayed.
//!
//! ```text
//!   "disks":"instant","driver":"bare","config":{"1":{"settings":{"id":1,"election_ticks":10,..},
//!       "voters":[1,2,3],"hard_state":{"term":0,"vote":null,"commit":0},"log":[..]},..}
//! ```
//!
//! A setting that is missing in an older trace had its default value.

use crate::cluster::Setup;
use crate::trace::format::Header;
use crate::trace::state::merge;
use raft::{Config, Entry, HardState, MemoryStorage, NodeId, Purpose, Raft, Storage};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// A node's settings and the first contents of its disk: [`Config`] and [`MemoryStorage`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RecordedNodeSetup {
    /// The settings.
    #[serde(deserialize_with = "or_default")]
    pub settings: Config,
    /// The voters.
    pub voters: Vec<NodeId>,
    /// The term, the vote and the commit index on its disk.
    pub hard_state: HardState,
    /// The log on its disk.
    pub log: Vec<Entry>,
}

/// Reads settings. Those that are missing have their default value; a missing id is 0, and no node has
/// that.
fn or_default<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Config, D::Error> {
    let mut settings = serde_json::to_value(Config::new(NodeId(0))).map_err(D::Error::custom)?;
    // Nothing is lost of a null that the merge removes: it is a limit that does not exist.
    merge(&mut settings, &Value::deserialize(deserializer)?);
    serde_json::from_value(settings).map_err(D::Error::custom)
}

impl RecordedNodeSetup {
    /// Records one node of a setup.
    pub fn new(config: &Config, storage: &MemoryStorage) -> Self {
        let initial = storage.initial_state().unwrap_or_default();
        let first = storage.first_index().unwrap_or_default();
        let last = storage.last_index().unwrap_or_default();
        RecordedNodeSetup {
            settings: config.clone(),
            voters: initial.conf_state.voters.into_iter().collect(),
            hard_state: storage.hard_state(),
            log: storage.entries(first, last + 1, None, Purpose::Check).unwrap_or_default(),
        }
    }

    /// Returns the recorded settings and disk.
    ///
    /// # Errors
    /// The settings are another node's, the log has a gap, or no node can start with these settings.
    pub fn node(&self, id: u64) -> Result<(Config, MemoryStorage), String> {
        let config = self.settings.clone();
        if config.id.0 != id {
            return Err(format!("n{id}'s settings are those of {}", config.id));
        }
        let mut storage = MemoryStorage::with_voters(self.voters.iter().copied());
        for (place, entry) in (1..).zip(&self.log) {
            if entry.id.index.0 != place {
                return Err(format!("n{id}'s log has {} at index {place}", entry.id));
            }
            storage.append(std::slice::from_ref(entry));
        }
        storage.save(self.hard_state);
        match Raft::new(&config, storage.clone()) {
            Ok(_) => Ok((config, storage)),
            Err(why) => Err(format!("n{id} cannot start: {why}")),
        }
    }
}

impl Header {
    /// Returns the setup of the cluster.
    ///
    /// # Errors
    /// A node cannot be made, and why.
    pub fn setup(&self) -> Result<Setup, String> {
        let nodes = self.config.iter().map(|(&id, recorded)| recorded.node(id));
        let nodes = nodes.collect::<Result<_, _>>()?;
        Ok(Setup { nodes, disks: self.disks, driver: self.driver })
    }
}
