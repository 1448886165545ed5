//! `add-nodes`: the first command of a script, which makes the cluster.
//!
//! ```text
//!   add-nodes 3                                      three voters, empty logs, instant disks
//!   add-nodes 3 n1.log=(1@1,2@2) n2.log=(1@1)        different logs
//!   add-nodes 3 voters=(1,2) disk=slow seed=7        n3 does not vote; writes wait for `persist`
//!   add-nodes 3 owner=concurrent disk=slow           behind RawNode: `ready`, `persist`, `apply`
//!   add-nodes 3 n1.snapshot=3@1 n1.log=(4@1)         n1's log begins after a snapshot
//!   add-nodes 3 n2.priority=1                        n2 should lead
//! ```

use crate::cluster::{Driver, Owner, Setup};
use crate::disk::DiskSpeed;
use crate::script::ScriptError;
use crate::script::arguments::Arguments;
use crate::script::settings;
use raft::{
    ConfState, Config, Entry, EntryId, HardState, Index, MemoryStorage, NodeId, Payload, Priority,
    Purpose, Raft, Snapshot, Storage, Term,
};

/// The most nodes a script may make.
const NODES_MAX: u64 = 20;

/// The longest log that a script may begin with.
const LOG_MAX: u64 = 1000;

/// The first contents of one node's disk.
#[derive(Clone, Default)]
struct DiskContents {
    log: Vec<EntryId>,
    term: Option<Term>,
    vote: Option<NodeId>,
    commit: Index,
    /// The last entry that the snapshot below the log covers.
    snapshot: EntryId,
    /// The last index that its application has applied.
    applied: Index,
}

/// Reads the arguments of `add-nodes`.
pub(crate) fn setup(arguments: &mut Arguments<'_>) -> Result<Setup, ScriptError> {
    let word = arguments.expect("how many nodes there are")?;
    let size: u64 = arguments.read_number("how many nodes there are", word)?;
    if !(1..=NODES_MAX).contains(&size) {
        return Err(arguments.wrong(format!("expected 1 to {NODES_MAX} nodes, found {size}")));
    }
    let ids: Vec<_> = (1..=size).map(NodeId).collect();
    let voters = arguments.nodes("voters")?.unwrap_or_else(|| ids.clone());
    let disks = match arguments.value("disk")? {
        None | Some("instant") => DiskSpeed::Instant,
        Some("slow") => DiskSpeed::Slow,
        Some(other) => {
            let what = format!("expected disk=instant or disk=slow, found disk={other}");
            return Err(arguments.wrong(what));
        }
    };
    let driver = driver(arguments)?;
    let config = settings::read(arguments)?;
    let shared = disk_contents(arguments, "", &DiskContents::default())?;
    let mut nodes = Vec::new();
    for id in ids {
        let own = disk_contents(arguments, &format!("{id}."), &shared)?;
        let priority = arguments.number(&format!("{id}.priority"))?;
        let priority = priority.map_or(config.priority, Priority);
        let config = Config { id, applied: own.applied, priority, ..config.clone() };
        let storage = storage(arguments, id, &voters, own)?;
        if let Err(why) = Raft::new(&config, storage.clone()) {
            return Err(arguments.wrong(format!("{id} cannot start: {why}")));
        }
        nodes.push((config, storage));
    }
    Ok(Setup { nodes, disks, driver })
}

/// Reads what drives the nodes.
fn driver(arguments: &mut Arguments<'_>) -> Result<Driver, ScriptError> {
    match arguments.value("owner")? {
        None | Some("none") => Ok(Driver::Bare),
        Some("one-at-a-time") => Ok(Driver::Owned(Owner::OneAtATime)),
        Some("concurrent") => Ok(Driver::Owned(Owner::Concurrent)),
        Some(other) => {
            let what = format!("expected none, one-at-a-time or concurrent, found owner={other}");
            Err(arguments.wrong(what))
        }
    }
}

/// Reads the contents of a disk: of one node (`n2.`), or of every node for which nothing else is given.
fn disk_contents(
    arguments: &mut Arguments<'_>,
    whose: &str,
    otherwise: &DiskContents,
) -> Result<DiskContents, ScriptError> {
    let mut own = otherwise.clone();
    if let Some(log) = arguments.places(&format!("{whose}log"))? {
        own.log = log;
    }
    // As in etcd's scripts: a log that comes from a snapshot of term 1, in a node without a term.
    if let Some(length) = arguments.number(&format!("{whose}index"))? {
        if length > LOG_MAX {
            let what = format!("expected an index of at most {LOG_MAX}, found {length}");
            return Err(arguments.wrong(what));
        }
        own.log = (1..=length).map(|at| EntryId { index: Index(at), term: Term(1) }).collect();
        (own.term, own.commit) = (Some(Term(0)), Index(length));
    }
    own.snapshot = arguments.place(&format!("{whose}snapshot"))?.unwrap_or(own.snapshot);
    own.term = arguments.term(&format!("{whose}term"))?.or(own.term);
    if let Some(vote) = arguments.value(&format!("{whose}vote"))? {
        own.vote = Some(arguments.read_id(vote)?);
    }
    own.commit = arguments.number(&format!("{whose}commit"))?.map_or(own.commit, Index);
    own.applied = arguments.number(&format!("{whose}applied"))?.map_or(own.applied, Index);
    Ok(own)
}

fn storage(
    arguments: &Arguments<'_>,
    id: NodeId,
    voters: &[NodeId],
    own: DiskContents,
) -> Result<MemoryStorage, ScriptError> {
    let conf_state = ConfState { voters: voters.iter().copied().collect(), ..Default::default() };
    let snapshot = Snapshot { id: own.snapshot, conf_state, ..Snapshot::default() };
    let mut storage = MemoryStorage::with_snapshot(snapshot);
    let mut before = own.snapshot.term;
    for (place, &entry) in (own.snapshot.index.0 + 1..).zip(&own.log) {
        if entry.index != Index(place) {
            let what = format!("expected index {place} next in {id}'s log, found {entry}");
            return Err(arguments.wrong(what));
        }
        if entry.term < before || entry.term == Term(0) {
            let what = format!(
                "expected terms in {id}'s log that start at 1 and never decrease, found {entry}"
            );
            return Err(arguments.wrong(what));
        }
        before = entry.term;
        storage.append(&[Entry::unplaced(Payload::Noop).at(entry)]);
    }
    // A node that holds an entry of a term has been in that term.
    let term = own.term.unwrap_or(before);
    storage.save(HardState { term, vote: own.vote, commit: own.commit });
    Ok(storage)
}

/// Returns the `add-nodes` command for a setup. What the command cannot express is left out: the caller
/// parses the text again and compares.
pub(crate) fn unparse(setup: &Setup) -> String {
    let mut text = format!("add-nodes {}", setup.nodes.len());
    let Some((config, storage)) = setup.nodes.first() else { return text };
    let numbers = |ids: &mut dyn Iterator<Item = NodeId>| {
        ids.map(|id| id.0.to_string()).collect::<Vec<_>>().join(",")
    };
    let voters = storage.initial_state().unwrap_or_default().conf_state.voters;
    if !voters.iter().copied().eq(setup.nodes.iter().map(|(config, _)| config.id)) {
        text += &format!(" voters=({})", numbers(&mut voters.into_iter()));
    }
    text += &settings::unparse(config);
    if setup.disks == DiskSpeed::Slow {
        text += " disk=slow";
    }
    text += match setup.driver {
        Driver::Bare => "",
        Driver::Owned(Owner::OneAtATime) => " owner=one-at-a-time",
        Driver::Owned(Owner::Concurrent) => " owner=concurrent",
    };
    for (own, storage) in &setup.nodes {
        if own.priority != config.priority {
            text += &format!(" {}.priority={}", own.id, own.priority.0);
        }
        text += &unparse_disk(own, storage);
    }
    text
}

/// Returns the arguments for the contents of one node's disk.
fn unparse_disk(config: &Config, storage: &MemoryStorage) -> String {
    let (id, mut text) = (config.id, String::new());
    let (first, last) = (storage.first_index(), storage.last_index());
    let bounds = first.and_then(|first| Ok((first, last?)));
    let log =
        bounds.and_then(|(first, last)| storage.entries(first, last + 1, None, Purpose::Check));
    let log = log.unwrap_or_default();
    if !log.is_empty() {
        let places: Vec<_> = log.iter().map(|entry| entry.id.to_string()).collect();
        text += &format!(" {id}.log=({})", places.join(","));
    }
    let HardState { term, vote, commit } = storage.hard_state();
    if term != log.last().map_or(Term(0), |entry| entry.id.term) {
        text += &format!(" {id}.term={term}");
    }
    text += &vote.map_or(String::new(), |vote| format!(" {id}.vote={}", vote.0));
    if commit != Index(0) {
        text += &format!(" {id}.commit={commit}");
    }
    if config.applied != Index(0) {
        text += &format!(" {id}.applied={}", config.applied);
    }
    text
}
