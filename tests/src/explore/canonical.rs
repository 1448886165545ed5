//! Symmetry reduction: one hash for all states that differ only by node ids.
//!
//! ```text
//!   n1 candidate, n2 and n3 follow     n2 candidate, n1 and n3 follow
//!               '------ a: candidate, b and c follow ------'
//! ```
//!
//! A state is a set of facts: a node's state, its disk, a message, a vote. For a given renaming of the
//! nodes each fact has a fingerprint. The state has their sum, because a sum does not depend on the order of the
//! facts. The canonical hash is the smallest sum over the renamings. It is enough to
//! try the renamings that sort the nodes by properties without ids (role, term, number of votes, ...):
//! mostly one of the six renamings of three nodes.

use super::bounds::Subject;
use crate::cluster::Cluster;
use crate::fingerprint::Fingerprint;
use raft::{Body, HardState, Index, Message, NodeId, Storage};
use std::hash::Hash;

/// Computes canonical hashes of states.
pub(super) struct Canonicalizer {
    ids: Vec<NodeId>,
    /// Every renaming: the new position of the node at each position.
    renamings: Vec<Vec<u64>>,
    subject: Subject,
}

/// The kind of a fact, which separates the hashes of different kinds.
#[derive(Clone, Copy)]
enum HashDomain {
    Node,
    Disk,
    Message,
    Granted,
    Led,
    Entry,
}

impl Canonicalizer {
    pub(super) fn new(ids: impl Iterator<Item = NodeId>, subject: Subject) -> Self {
        let ids: Vec<_> = ids.collect();
        let renamings = permutations(ids.len());
        Canonicalizer { ids, renamings, subject }
    }

    /// Returns the canonical hash of a state: the same for all states that differ only by node ids.
    pub(super) fn name(&self, cluster: &Cluster) -> u128 {
        if self.subject == Subject::Groups {
            return cluster.whole();
        }
        let looks: Vec<_> = self.ids.iter().map(|&id| nameless(cluster, id)).collect();
        let ordered = |renaming: &&Vec<u64>| {
            let by_place = |a: usize, b: usize| renaming[a] < renaming[b] && looks[a] > looks[b];
            !(0..looks.len()).any(|a| (0..looks.len()).any(|b| by_place(a, b)))
        };
        let renamings = self.renamings.iter().filter(ordered);
        let named = renamings.map(|places| Renaming { ids: &self.ids, places }.sum(cluster));
        let smallest = named.min().expect("some renaming sorts the nodes");
        let logs = match self.subject {
            Subject::Elections => 0,
            Subject::Logs | Subject::Groups => entries(cluster),
        };
        smallest.wrapping_add(logs)
    }
}

/// Returns every permutation of `size` positions.
fn permutations(size: usize) -> Vec<Vec<u64>> {
    let mut orders = vec![Vec::new()];
    for next in 0..size {
        let longer = |order: &Vec<u64>| {
            let order = order.clone();
            (0..=next).map(move |at| {
                let mut order = order.clone();
                order.insert(at, next as u64);
                order
            })
        };
        orders = orders.iter().flat_map(longer).collect();
    }
    orders
}

/// Returns a hash of the properties of a node that contain no ids.
fn nameless(cluster: &Cluster, id: NodeId) -> u64 {
    let relation = |other: Option<NodeId>| other.map_or(0, |other| 1 + u64::from(other == id));
    let mut look = Fingerprint::new(0);
    let disk = cluster.disk(id).expect("a node of this cluster");
    let durable = disk.durable().hard_state();
    look.word(durable.term.0);
    look.word(relation(durable.vote));
    if let Some(node) = cluster.node(id) {
        let node = node.inspect();
        look.word(node.role as u64);
        look.word(node.term.0);
        look.word(relation(node.vote));
        look.word(relation(node.leader));
        look.word(node.votes.map_or(0, |votes| 1 + votes.answers().count() as u64));
        (node.commit, node.last).hash(&mut look);
    }
    look.wide() as u64
}

/// Returns the sum for the remembered entries, which contain no ids.
fn entries(cluster: &Cluster) -> u128 {
    let remembered = cluster.checker().entries().map(|(id, past, committed)| {
        let mut sum = fact(HashDomain::Entry);
        sum.words([id.index.0, id.term.0, past]);
        sum.word(committed.map_or(0, |term| 1 + term.0));
        sum.wide()
    });
    remembered.fold(0, u128::wrapping_add)
}

/// Begins the fingerprint of a fact.
fn fact(about: HashDomain) -> Fingerprint {
    Fingerprint::new(1 + about as u64)
}

/// One renaming of the nodes.
struct Renaming<'a> {
    ids: &'a [NodeId],
    places: &'a [u64],
}

impl Renaming<'_> {
    /// Returns a node's new id. A node outside the cluster keeps its own.
    fn of(&self, id: NodeId) -> u64 {
        let at = self.ids.iter().position(|&known| known == id);
        at.map_or(1 << 32 | id.0, |at| self.places[at])
    }

    fn maybe(&self, id: Option<NodeId>) -> u64 {
        id.map_or(u64::MAX, |id| self.of(id))
    }

    /// Returns the sum of the fingerprints of a state.
    fn sum(&self, cluster: &Cluster) -> u128 {
        let nodes = self.ids.iter().map(|&id| self.node(cluster, id));
        let disks = self.ids.iter().map(|&id| self.disk(cluster, id));
        let flights = cluster.network().flights().iter();
        let messages = flights.map(|flight| self.message(&flight.message));
        let (granted, led) = cluster.checker().ballots();
        let granted = granted.map(|(term, voter, candidate)| {
            let mut sum = fact(HashDomain::Granted);
            sum.words([term.0, self.of(voter), self.of(candidate)]);
            sum.wide()
        });
        let led = led.map(|(term, leader)| {
            let mut sum = fact(HashDomain::Led);
            sum.words([term.0, self.of(leader)]);
            sum.wide()
        });
        let facts = nodes.chain(disks).chain(messages).chain(granted).chain(led);
        facts.fold(0, u128::wrapping_add)
    }

    fn node(&self, cluster: &Cluster, id: NodeId) -> u128 {
        let mut sum = fact(HashDomain::Node);
        sum.word(self.of(id));
        let Some(up) = cluster.node(id) else { return sum.wide() };
        let node = up.inspect();
        sum.word(node.role as u64);
        sum.word(node.term.0);
        sum.word(self.maybe(node.vote));
        sum.word(self.maybe(node.leader));
        (node.commit, node.last, node.votes.is_some()).hash(&mut sum);
        let heard = node.votes.into_iter().flat_map(|votes| votes.answers());
        let votes = heard.map(|(voter, granted)| self.pair(voter, granted.into()));
        // Only check-quorum and snapshots ask which peers have answered lately.
        let is_compacted = up.storage().first_index().is_ok_and(|first| first > Index(1));
        let counts_active = is_compacted || cluster.config(id).is_some_and(|own| own.check_quorum);
        let progress = up.progress().map(|(peer, progress)| {
            let mut sum = Fingerprint::new(0);
            sum.word(self.of(peer));
            progress.hash(&mut sum);
            if counts_active {
                sum.word(progress.is_recent_active().into());
            }
            sum.wide() as u64
        });
        sum.word(votes.chain(progress).fold(0, u64::wrapping_add));
        if let Ok(log) = up.entries(Index(1), node.last.index + 1) {
            log.hash(&mut sum);
        }
        sum.word(node.stored.0);
        let applied = cluster.application(id).map_or(0, |application| application.applied().0);
        sum.words([node.applied.0, applied]);
        for record in cluster.raw_node(id).into_iter().flat_map(|raw| raw.records()) {
            (record.term, record.last, record.own.len()).hash(&mut sum);
            let own = record.own.iter().map(|message| self.message(message));
            let own = own.fold(0, u128::wrapping_add);
            sum.words([own as u64, (own >> 64) as u64]);
        }
        sum.wide()
    }

    fn pair(&self, id: NodeId, word: u64) -> u64 {
        let mut sum = Fingerprint::new(0);
        sum.word(self.of(id));
        sum.word(word);
        sum.wide() as u64
    }

    fn disk(&self, cluster: &Cluster, id: NodeId) -> u128 {
        let mut sum = fact(HashDomain::Disk);
        sum.word(self.of(id));
        if let Some(disk) = cluster.disk(id) {
            self.hard_state(disk.durable().hard_state(), &mut sum);
            let writes: Vec<_> = disk.pending().collect();
            for images in writes.chunk_by(|one, next| one.is_same_image(next)) {
                self.hard_state(images[0].hard_state, &mut sum);
                images[0].entries.hash(&mut sum);
                let promises =
                    images.iter().flat_map(|write| write.promised.iter().chain(&write.own));
                let mut promises: Vec<_> = promises.map(|message| self.message(message)).collect();
                promises.sort_unstable();
                promises.dedup();
                let promises = promises.into_iter().fold(0, u128::wrapping_add);
                sum.words([promises as u64, (promises >> 64) as u64]);
                for page in images.iter().filter_map(|write| write.committed.last()) {
                    page.id.hash(&mut sum);
                }
            }
        }
        sum.wide()
    }

    fn hard_state(&self, state: HardState, sum: &mut Fingerprint) {
        let HardState { term, vote, commit } = state;
        sum.words([term.0, self.maybe(vote), commit.0]);
    }

    fn message(&self, message: &Message) -> u128 {
        let mut sum = fact(HashDomain::Message);
        sum.words([self.of(message.from), self.of(message.to)]);
        message.term.hash(&mut sum);
        if let Body::TransferLeader { target } = &message.body {
            sum.word(self.of(*target));
        } else {
            message.body.hash(&mut sum);
        }
        sum.wide()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::Setup;
    use crate::input::Input;

    /// Returns the name of the state that three nodes are in after these inputs.
    fn name(inputs: &[Input]) -> u128 {
        let mut cluster = Cluster::new(Setup::new(3, 0).with_slow_disks());
        inputs.iter().for_each(|input| drop(cluster.apply(input)));
        Canonicalizer::new(cluster.ids(), Subject::Elections).name(&cluster)
    }

    #[test]
    fn states_alike_but_for_names_have_one_name_and_others_do_not() {
        let [n1, n2, n3] = [NodeId(1), NodeId(2), NodeId(3)];
        let one = |a, b, c| {
            let campaigns = [Input::Campaign(a), Input::Persist(a), Input::Campaign(b)];
            let ask = raft::VoteRequest::new(raft::EntryId::default());
            let term = Some(raft::Term(1));
            let ask = Message { from: a, to: c, term, body: Body::RequestVote(ask) };
            name(&[campaigns.to_vec(), vec![Input::Deliver(ask), Input::Persist(c)]].concat())
        };
        let all = [one(n1, n2, n3), one(n1, n3, n2), one(n2, n1, n3), one(n3, n2, n1)];
        assert!(all.iter().all(|&name| name == all[0]), "{all:x?}");
        // The same candidates, but the vote went to the other kind of candidate.
        let campaigns = [Input::Campaign(n1), Input::Persist(n1), Input::Campaign(n2)];
        let shorter = name(&campaigns);
        assert_ne!(shorter, all[0]);
        assert_ne!(shorter, name(&campaigns[..2]));
        assert_ne!(name(&[Input::Campaign(n1)]), name(&[]));
    }
}
