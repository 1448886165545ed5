//! The cluster a script begins with: `add-nodes`.
//!
//! ```text
//!   add-nodes 3                                      three voters, empty logs, instant disks
//!   add-nodes 3 n1.log=(1@1,2@2) n2.log=(1@1)        logs that differ
//!   add-nodes 3 voters=(1,2) disk=slow seed=7        n3 does not vote; writes wait for `persist`
//!   add-nodes 3 owner=concurrent disk=slow           behind RawNode: `ready`, `persist`, `apply`
//!   add-nodes 3 n1.snapshot=3@1 n1.log=(4@1)         n1's log begins behind a snapshot
//! ```

use crate::cluster::{Door, Owner, Setup};
use crate::disk::DiskSpeed;
use crate::script::ScriptError;
use crate::script::arguments::Arguments;
use crate::script::settings;
use raft::{
    ConfState, Config, Entry, EntryId, HardState, Index, MemoryStorage, NodeId, Payload, Raft,
    Snapshot, Storage, Term,
};

/// The most nodes a script may make.
const NODES_MAX: u64 = 20;

/// The longest log a script may begin with.
const LOG_MAX: u64 = 1000;

/// What one node's disk holds at first.
#[derive(Clone, Default)]
struct Belongings {
    log: Vec<EntryId>,
    term: Option<Term>,
    vote: Option<NodeId>,
    commit: Index,
    /// The last entry of a snapshot that it begins with.
    snapshot: EntryId,
    /// How far its application has applied it.
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
    let door = door(arguments)?;
    let config = settings::read(arguments)?;
    let shared = belongings(arguments, "", &Belongings::default())?;
    let mut nodes = Vec::new();
    for id in ids {
        let own = belongings(arguments, &format!("{id}."), &shared)?;
        let config = Config { id, applied: own.applied, ..config.clone() };
        let storage = storage(arguments, id, &voters, own)?;
        if let Err(why) = Raft::new(&config, storage.clone()) {
            return Err(arguments.wrong(format!("{id} cannot start: {why}")));
        }
        nodes.push((config, storage));
    }
    Ok(Setup { nodes, disks, door })
}

/// Reads through which door nodes are driven.
fn door(arguments: &mut Arguments<'_>) -> Result<Door, ScriptError> {
    match arguments.value("owner")? {
        None | Some("none") => Ok(Door::Bare),
        Some("one-at-a-time") => Ok(Door::Owned(Owner::OneAtATime)),
        Some("concurrent") => Ok(Door::Owned(Owner::Concurrent)),
        Some(other) => {
            let what = format!("expected none, one-at-a-time or concurrent, found owner={other}");
            Err(arguments.wrong(what))
        }
    }
}

/// Reads what a disk holds: of one node (`n2.`), or of every node that says nothing else.
fn belongings(
    arguments: &mut Arguments<'_>,
    whose: &str,
    otherwise: &Belongings,
) -> Result<Belongings, ScriptError> {
    let mut own = otherwise.clone();
    if let Some(log) = arguments.places(&format!("{whose}log"))? {
        own.log = log;
    }
    // etcd's: a log that a snapshot of term 1 brought here, in a node that has seen no term yet.
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
    own: Belongings,
) -> Result<MemoryStorage, ScriptError> {
    let conf_state = ConfState { voters: voters.iter().copied().collect(), ..Default::default() };
    let snapshot = Snapshot { id: own.snapshot, conf_state, ..Snapshot::default() };
    let mut storage = MemoryStorage::with_snapshot(snapshot);
    let mut before = own.snapshot.term;
    for (place, &entry) in (own.snapshot.index.0 + 1..).zip(&own.log) {
        if entry.index != Index(place) {
            let what = format!("expected {id}'s log to hold place {place} next, found {entry}");
            return Err(arguments.wrong(what));
        }
        if entry.term < before || entry.term == Term(0) {
            let what = format!("expected terms that never fall in {id}'s log, found {entry}");
            return Err(arguments.wrong(what));
        }
        before = entry.term;
        storage.append(&[Entry::unplaced(Payload::Noop).at(entry)]);
    }
    // A node with an entry of a term has been in that term.
    let term = own.term.unwrap_or(before);
    storage.save(HardState { term, vote: own.vote, commit: own.commit });
    Ok(storage)
}

/// Says a cluster as `add-nodes` reads it. What it has no words for is left out: whoever wants to know
/// reads it back.
pub(crate) fn phrase(setup: &Setup) -> String {
    let mut text = format!("add-nodes {}", setup.nodes.len());
    let Some((config, storage)) = setup.nodes.first() else { return text };
    let numbers = |ids: &mut dyn Iterator<Item = NodeId>| {
        ids.map(|id| id.0.to_string()).collect::<Vec<_>>().join(",")
    };
    let voters = storage.initial_state().unwrap_or_default().conf_state.voters;
    if !voters.iter().copied().eq(setup.nodes.iter().map(|(config, _)| config.id)) {
        text += &format!(" voters=({})", numbers(&mut voters.into_iter()));
    }
    text += &settings::phrase(config);
    if setup.disks == DiskSpeed::Slow {
        text += " disk=slow";
    }
    text += match setup.door {
        Door::Bare => "",
        Door::Owned(Owner::OneAtATime) => " owner=one-at-a-time",
        Door::Owned(Owner::Concurrent) => " owner=concurrent",
    };
    for (config, storage) in &setup.nodes {
        text += &holdings(config, storage);
    }
    text
}

/// Says what one node's disk holds.
fn holdings(config: &Config, storage: &MemoryStorage) -> String {
    let (id, mut text) = (config.id, String::new());
    let (first, last) = (storage.first_index(), storage.last_index());
    let bounds = first.and_then(|first| Ok((first, last?)));
    let log = bounds.and_then(|(first, last)| storage.entries(first, last + 1, None));
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
