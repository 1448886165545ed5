//! Starting: what a new store begins with, and what a store may believe of its disks.
//!
//! ```text
//!   bootstrap   memtable: identity, region, apply state 5@5   synced first     (4)
//!               raft log: reset 5@5, hard state                synced second
//!               memtable: the mark that the log was begun      synced third
//!
//!   open        memtable:  applied 9@7, commit 9
//!               raft log:  6..=12, hard state term 7, commit 8
//!               -> the peer starts with commit 9, and applies from 10 on
//! ```
//!
//! A crash between the two halves leaves a region without a log. The next start writes the second half, and
//! then the mark. No peer runs before the mark is durable. So without the mark nothing was ever promised.
//!
//! A disk may also lose a whole directory. A store that has forgotten a promise must not come back:
//!
//! * The mark is there, and the log is not: term, vote and acknowledged entries are lost. The start is
//!   refused.
//! * The log is there, and the memtable is empty: the applied state is lost. The bootstrap is refused.
//!
//! When both are lost, nothing is left to compare. The owner must not bootstrap such a store again as a peer of
//! a region that lives: it would vote twice in a term, and lack entries that it has acknowledged. Each
//! bootstrap draws a number for the store's life, and request ids hold it: no request of the new life is taken
//! for one of an earlier life.

use super::apply::ApplyFsm;
use super::config::{ConfigError, StoreConfig};
use super::peer::{INITIAL, PeerCore};
use super::peer_storage::{PeerStorage, log_range, log_term, read_hard_state, write_initial};
use super::round::{Engines, PeerFsm};
use crate::env::{Clock, Directory, Env};
use crate::memtable::{self, Family, Memtable, Reader, WriteBatch};
use crate::model::{
    ApplyState, ClusterId, CodecError, Region, RegionId, RegionState, StoreId, StoreIdent, Window,
    keys,
};
use raft::{EntryId, HardState, Index, NodeId, RawNode, StartError};
use std::fmt;
use std::sync::Arc;
use storage::{Batch, Disk, Log};

/// Why a store does not start. Nothing was changed.
#[derive(Clone, Debug)]
pub enum OpenError {
    /// A setting cannot work.
    Config(ConfigError),
    /// A directory cannot be opened.
    Directory {
        /// The directory.
        directory: Directory,
        /// The operating system's error.
        source: Arc<std::io::Error>,
    },
    /// The raft log cannot be opened or written.
    Log(storage::Error),
    /// The memtable cannot be opened or written.
    Memtable(memtable::Error),
    /// The directories hold no store yet.
    NotBootstrapped,
    /// The directories hold another store, or a store of another cluster.
    Foreign {
        /// The cluster and the store that they hold.
        found: (ClusterId, StoreId),
        /// The cluster and the store of the settings.
        asked: (ClusterId, StoreId),
    },
    /// No peer of the region is on this store.
    NotAPeer {
        /// The region.
        region: RegionId,
        /// This store.
        store: StoreId,
    },
    /// The store holds another region than its bootstrap asks for.
    OtherRegion {
        /// The region that it holds.
        found: Box<Region>,
        /// The region of the bootstrap.
        asked: Box<Region>,
    },
    /// Local state that cannot be read.
    Codec {
        /// What was read.
        what: String,
        /// What is wrong.
        error: CodecError,
    },
    /// A region's states contradict each other.
    State {
        /// The region.
        region: RegionId,
        /// The contradiction, with its numbers.
        what: String,
    },
    /// Raft cannot start on what the log remembers.
    Raft {
        /// The region.
        region: RegionId,
        /// What is wrong.
        error: StartError,
    },
}

/// A store that has started: its engines, its identity and its peers.
pub(crate) struct Started<D: Disk> {
    pub(crate) engines: Engines<D>,
    pub(crate) ident: StoreIdent,
    pub(crate) peers: Vec<PeerFsm<D>>,
}

// A new store.

/// Writes a new store's identity and its first region, durably. Every store of a cluster writes the same
/// region, so that no store must be started first. Does nothing if all of it was written before.
///
/// # Errors
/// [`OpenError::Foreign`] if the directories hold another store; [`OpenError::NotAPeer`] if the region has
/// no peer on this store; [`OpenError::OtherRegion`] if the store holds another region, or the region with
/// another range, epoch or peers; [`OpenError::State`] if one directory was lost; any error of the disks.
pub fn bootstrap<E: Env>(config: &StoreConfig, env: &E, region: &Region) -> Result<(), OpenError> {
    config.check().map_err(OpenError::Config)?;
    if region.peer_on(config.store).is_none() {
        return Err(OpenError::NotAPeer { region: region.id, store: config.store });
    }
    let engines = open_engines(config, env)?;
    if read_ident(&engines)?.is_none() {
        check_no_log(&engines)?;
        let (cluster, store, life) = (config.cluster, config.store, env.entropy());
        let ident = StoreIdent { cluster, store, life, incarnation: 0 };
        write_first_half(&engines, &ident, region)?;
    }
    check_ident(&engines, config)?;
    check_region(&engines, region)?;
    let apply = read_apply_state(&engines, region.id)?;
    begin_log(&engines, region.id, &apply)
}

/// Checks that the store holds exactly this region: another one would get a log, and never a peer.
///
/// # Errors
/// [`OpenError::OtherRegion`].
fn check_region<D: Disk>(engines: &Engines<D>, asked: &Region) -> Result<(), OpenError> {
    let regions = read_regions(engines)?;
    match regions.into_iter().find(|found| found != asked) {
        None => Ok(()),
        Some(found) => {
            let (found, asked) = (Box::new(found), Box::new(asked.clone()));
            Err(OpenError::OtherRegion { found, asked })
        }
    }
}

/// Checks that the raft log holds nothing: a memtable without an identity has never had a log.
///
/// # Errors
/// [`OpenError::State`] names the first region of the log.
fn check_no_log<D: Disk>(engines: &Engines<D>) -> Result<(), OpenError> {
    let Some(group) = engines.log.groups().first().copied() else { return Ok(()) };
    let what = "the raft log holds it, but the memtable holds no store: its data is lost";
    Err(contradiction(RegionId(group.0), what.into()))
}

/// Writes identity, region and apply state into the memtable.
fn write_first_half<D: Disk>(
    engines: &Engines<D>,
    ident: &StoreIdent,
    region: &Region,
) -> Result<(), OpenError> {
    let state = RegionState::normal(region.clone());
    let apply = ApplyState { applied: INITIAL, commit: INITIAL.index, truncated: INITIAL };
    let mut batch = WriteBatch::new();
    batch.put(Family::Raft, keys::store_ident(), ident.encode());
    batch.put(Family::Raft, keys::region_state(region.id), state.encode());
    batch.put(Family::Raft, keys::apply_state(region.id), apply.encode());
    engines.memtable.write(&batch).map_err(OpenError::Memtable)?;
    engines.memtable.sync().map(|_| ()).map_err(OpenError::Memtable)
}

/// Begins a region's log, and marks that it was begun, durably. Does nothing if both were done before.
///
/// # Errors
/// [`OpenError::State`]: the log was begun, and is gone.
fn begin_log<D: Disk>(
    engines: &Engines<D>,
    region: RegionId,
    apply: &ApplyState,
) -> Result<(), OpenError> {
    let has_log = log_range(&engines.log, region).is_some();
    let was_begun = engines.memtable.get(Family::Raft, &keys::log_begun(region)).is_some();
    match (was_begun || apply.applied != INITIAL, has_log) {
        (true, true) => Ok(()),
        (true, false) => {
            let what =
                "its raft log was begun, and is gone with its term, its vote and its entries";
            Err(contradiction(region, what.into()))
        }
        (false, true) => mark_begun(engines, region),
        (false, false) => {
            write_second_half(engines, region)?;
            mark_begun(engines, region)
        }
    }
}

/// Writes what a region's log begins with.
fn write_second_half<D: Disk>(engines: &Engines<D>, region: RegionId) -> Result<(), OpenError> {
    let mut batch = Batch::new();
    write_initial(region, INITIAL, &mut batch);
    engines.log.write(&batch).map(|_| ()).map_err(OpenError::Log)
}

/// Marks that a region's log was begun. The log must be durable.
fn mark_begun<D: Disk>(engines: &Engines<D>, region: RegionId) -> Result<(), OpenError> {
    let mut batch = WriteBatch::new();
    batch.put(Family::Raft, keys::log_begun(region), keys::LOG_BEGUN);
    engines.memtable.write(&batch).map_err(OpenError::Memtable)?;
    engines.memtable.sync().map(|_| ()).map_err(OpenError::Memtable)
}

// A start.

/// Opens the engines of a store, and starts its peers.
///
/// # Errors
/// [`OpenError`].
pub(crate) fn start<E: Env>(config: &StoreConfig, env: &E) -> Result<Started<E::Disk>, OpenError> {
    config.check().map_err(OpenError::Config)?;
    let engines = open_engines(config, env)?;
    let ident = check_ident(&engines, config)?;
    let mut peers = Vec::new();
    for region in read_regions(&engines)? {
        peers.push(start_peer(config, env, &engines, region)?);
    }
    let ident = StoreIdent { incarnation: ident.incarnation + 1, ..ident };
    let mut batch = WriteBatch::new();
    batch.put(Family::Raft, keys::store_ident(), ident.encode());
    engines.memtable.write(&batch).map_err(OpenError::Memtable)?;
    engines.memtable.sync().map_err(OpenError::Memtable)?;
    Ok(Started { engines, ident, peers })
}

fn open_engines<E: Env>(config: &StoreConfig, env: &E) -> Result<Engines<E::Disk>, OpenError> {
    let disk = |directory| {
        env.disk(directory)
            .map_err(|source| OpenError::Directory { directory, source: Arc::new(source) })
    };
    let log = Log::open_on(disk(Directory::RaftLog)?, config.log.clone());
    let log = log.map_err(OpenError::Log)?;
    let options = memtable::Options { wal: config.wal.clone() };
    let memtable = Memtable::open_on(disk(Directory::Wal)?, options);
    let memtable = memtable.map_err(OpenError::Memtable)?;
    Ok(Engines { log: Arc::new(log), memtable: Arc::new(memtable) })
}

fn read_ident<D: Disk>(engines: &Engines<D>) -> Result<Option<StoreIdent>, OpenError> {
    let bytes = engines.memtable.get(Family::Raft, &keys::store_ident());
    bytes.map(StoreIdent::decode).transpose().map_err(|error| unreadable("the identity", error))
}

/// Reads the identity, and checks that it is the one of the settings.
fn check_ident<D: Disk>(
    engines: &Engines<D>,
    config: &StoreConfig,
) -> Result<StoreIdent, OpenError> {
    let ident = read_ident(engines)?.ok_or(OpenError::NotBootstrapped)?;
    let (found, asked) = ((ident.cluster, ident.store), (config.cluster, config.store));
    if found == asked { Ok(ident) } else { Err(OpenError::Foreign { found, asked }) }
}

/// Reads the regions of this store, in order.
fn read_regions<D: Disk>(engines: &Engines<D>) -> Result<Vec<Region>, OpenError> {
    let view = engines.memtable.snapshot();
    let mut regions = Vec::new();
    for (key, value) in view.iter(Family::Raft, &keys::all_regions()) {
        let Some(region) = keys::region_of_state(key) else { continue };
        let state = RegionState::decode(value.clone());
        regions
            .push(state.map_err(|error| unreadable(&format!("{region}'s state"), error))?.region);
    }
    Ok(regions)
}

/// Reads how far a region is applied.
fn read_apply_state<D: Disk>(
    engines: &Engines<D>,
    region: RegionId,
) -> Result<ApplyState, OpenError> {
    let apply = engines.memtable.get(Family::Raft, &keys::apply_state(region));
    let apply = apply.ok_or_else(|| contradiction(region, "it has no apply state".into()))?;
    ApplyState::decode(apply).map_err(|error| unreadable(&format!("{region}'s apply state"), error))
}

/// Starts the peer of a region.
fn start_peer<E: Env>(
    config: &StoreConfig,
    env: &E,
    engines: &Engines<E::Disk>,
    region: Region,
) -> Result<PeerFsm<E::Disk>, OpenError> {
    let id = region.id;
    let me = region.peer_on(config.store);
    let me = me.ok_or(OpenError::NotAPeer { region: id, store: config.store })?;
    let apply = read_apply_state(engines, id)?;
    begin_log(engines, id, &apply)?;
    check_states(engines, id, &apply)?;

    let storage = PeerStorage::new(engines.log.clone(), &region, apply.commit);
    let settings = raft::Config {
        applied: apply.applied.index,
        seed: env.entropy(),
        ..config.raft(NodeId(me.id.0))
    };
    let raft_error = |error| OpenError::Raft { region: id, error };
    let node = RawNode::new(&settings, storage).map_err(raft_error)?;
    let window = Window::load(&engines.memtable.snapshot(), id);
    let window = window.map_err(|error| unreadable(&format!("{id}'s recent requests"), error))?;
    let region = Arc::new(region);
    let apply = ApplyFsm::new(region.clone(), apply, window, config.cluster_entry_bytes_max);
    let moment = (env.clock().now(), env.entropy());
    Ok(PeerFsm::new(PeerCore::new(config, region, me, node, apply, moment)))
}

/// Checks that a region's two halves can belong together (invariant 5).
///
/// # Errors
/// [`OpenError::State`] names the contradiction.
fn check_states<D: Disk>(
    engines: &Engines<D>,
    region: RegionId,
    apply: &ApplyState,
) -> Result<(), OpenError> {
    let refuse = |what| Err(contradiction(region, what));
    let Some((first, last)) = log_range(&engines.log, region) else {
        let applied = apply.applied;
        return refuse(format!("{applied} is applied, but the raft log has no such region"));
    };
    let hard_state = read_hard_state(&engines.log, region);
    let hard_state = hard_state.map_err(|error| contradiction(region, error.to_string()))?;
    let Some(hard_state) = hard_state else {
        return refuse("the raft log has entries, but no term and no vote".into());
    };
    check_positions(*apply, hard_state, (first, last))
        .map_err(|what| contradiction(region, what))?;
    let (index, term) = (apply.applied.index, apply.applied.term);
    match log_term(&engines.log, region, index) {
        Some(found) if found != term => {
            refuse(format!("{}@{term} is applied, but the raft log holds {index}@{found}", index))
        }
        Some(_) | None => Ok(()),
    }
}

/// Checks the positions of a region's two halves: a pure function.
///
/// # Errors
/// What contradicts what, with the numbers.
fn check_positions(
    apply: ApplyState,
    hard_state: HardState,
    (first, last): (Index, Index),
) -> Result<(), String> {
    let commit = hard_state.commit.max(apply.commit);
    let EntryId { term, index: applied } = apply.applied;
    if commit > last {
        return Err(format!("{commit} is committed, but the raft log ends at {last}"));
    }
    if applied > commit {
        return Err(format!("{applied} is applied, but only {commit} is committed"));
    }
    if term > hard_state.term {
        return Err(format!(
            "an entry of term {term} is applied, but the hard state is of term {}",
            hard_state.term
        ));
    }
    if first != apply.truncated.index + 1 {
        return Err(format!(
            "{} is the last that was removed, but the raft log begins at {first}",
            apply.truncated
        ));
    }
    Ok(())
}

fn contradiction(region: RegionId, what: String) -> OpenError {
    OpenError::State { region, what }
}

fn unreadable(what: &str, error: CodecError) -> OpenError {
    OpenError::Codec { what: what.into(), error }
}

/// Returns a region as text: all that must be the same on every store.
fn describe(region: &Region) -> String {
    let Region { id, start, end, epoch, peers } = region;
    let text = |key: &[u8]| format!("\"{}\"", key.escape_ascii());
    let end = end.as_deref().map_or("no end".into(), text);
    let peers: Vec<_> = peers.iter().map(ToString::to_string).collect();
    format!("{id}, {} to {end}, epoch {epoch}, peers {}", text(start), peers.join(" "))
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::Config(error) => error.fmt(f),
            OpenError::Directory { directory, source } => {
                write!(f, "directory {}: {source}", directory.name())
            }
            OpenError::Log(error) => write!(f, "directory raft: {error}"),
            OpenError::Memtable(error) => write!(f, "directory wal: {error}"),
            OpenError::NotBootstrapped => write!(f, "the directories hold no store yet"),
            OpenError::Foreign { found, asked } => write!(
                f,
                "the directories hold {} of cluster {}, but the settings say {} of cluster {}",
                found.1, found.0, asked.1, asked.0
            ),
            OpenError::NotAPeer { region, store } => write!(f, "{region} has no peer on {store}"),
            OpenError::OtherRegion { found, asked } => write!(
                f,
                "the store holds {}, but its bootstrap asks for {}",
                describe(found),
                describe(asked)
            ),
            OpenError::Codec { what, error } => write!(f, "{what} cannot be read: {error}"),
            OpenError::State { region, what } => write!(f, "{region}: {what}"),
            OpenError::Raft { region, error } => write!(f, "{region}: {error}"),
        }
    }
}

impl std::error::Error for OpenError {}
