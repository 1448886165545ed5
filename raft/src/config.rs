//! The settings of a node.
//!
//! ```text
//!   ticks        0 . . . . . . . . . 10 . . . . . . . . . 20
//!   heartbeats   | | | | | | | | | |                           heartbeat_ticks = 1
//!   timeout                          [---- drawn here ----)    election_ticks  = 10
//! ```
//!
//! The members are no setting: storage remembers them (thesis §4.1), as it remembers term and vote.

use crate::error::ConfigError;
use crate::message::Priority;
use crate::state::CommitGroups;
use crate::types::{Index, NodeId};

/// The settings of one node. Times are in ticks; the owner decides how long a tick lasts.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Config {
    /// The id of this node, at least 1.
    pub id: NodeId,
    /// The shortest election timeout, in ticks. The longest is one tick less than twice this. More than
    /// `heartbeat_ticks`, at most [`Config::ELECTION_TICKS_MAX`]. Default 10.
    pub election_ticks: u64,
    /// The time between two heartbeats of a leader, in ticks; at least 1. Default 1.
    pub heartbeat_ticks: u64,
    /// The source of all randomness. Several nodes may share it: a node's id is part of every draw.
    /// Default 0.
    pub seed: u64,
    /// When a candidate's vote request may leave. Default: once its own vote is durable.
    pub vote_requests: VoteRequests,
    /// On a restart, the last index that the application has applied, at most [`Index::LAST`]. No entry
    /// up to it is handed out again. Default 0.
    pub applied: Index,
    /// When a committed entry is handed out to be applied. Default: once it is durable on this node.
    pub apply_gate: ApplyGate,
    /// The limit for entries that were handed out and are not applied yet, in bytes
    /// ([`Entry::size_bytes`](crate::Entry::size_bytes)). The entry that crosses the limit is still
    /// handed out; so 0 means one entry at a time. None, the default: no limit.
    pub max_applying_bytes: Option<u64>,
    /// The limit for the entries of one append, in bytes
    /// ([`Entry::size_bytes`](crate::Entry::size_bytes)). A single entry may be larger; so 0 means one
    /// entry an append. None: no limit. Default 1 MiB.
    pub max_append_bytes: Option<u64>,
    /// How many appends may be in flight to one peer; at least 1. Default 256.
    pub max_inflight_messages: usize,
    /// How many bytes may be in flight to one peer
    /// ([`Entry::content_bytes`](crate::Entry::content_bytes)); at least 1, and not less than
    /// `max_append_bytes`. The append that crosses the limit still leaves. None, the default: no limit.
    pub max_inflight_bytes: Option<u64>,
    /// How many bytes ([`Entry::content_bytes`](crate::Entry::content_bytes)) a leader takes in its term
    /// and has not applied yet, before it refuses proposals. The name is etcd's: committed bytes count
    /// until they are applied. A proposal is always taken when nothing waits. None, the default: no
    /// limit.
    pub max_uncommitted_bytes: Option<u64>,
    /// Whether a follower forwards proposals to its leader. Default: yes.
    pub forward_proposals: bool,
    /// Whether appends are built when a Ready is taken: one for all that was proposed so far, instead
    /// of one for each proposal. An owner that takes in many proposals between two Readys wants this:
    /// messages leave with a Ready anyway, so none leaves later, and there are fewer. Default: no, so
    /// that the appends of a proposal exist right after it.
    pub batch_append: bool,
    /// Whether an acknowledgement that still waits to leave is replaced by a later one that covers it:
    /// a node that holds the log up to 7 holds it up to 5. Default: yes.
    pub merge_acknowledgements: bool,
    /// Whether a leader does not tell the others of a new commit index at once, but with the next entries or
    /// the next heartbeat: fewer messages, and followers that apply later. The name is raft-rs's. Default:
    /// no.
    pub skip_bcast_commit: bool,
    /// How long a leader waits for a peer to have the snapshot that it was sent, in ticks; at least 1. Then it
    /// asks the peer, and sends another snapshot if the peer still needs one. None: for ever, as in etcd,
    /// where the owner must report how every snapshot ended. Default 100.
    pub snapshot_ticks: Option<u64>,
    /// Whether a leader checks a proposed change of the group: another one must not be on its way, and the
    /// change must be possible. Without the check, an impossible change ends when it is applied: it changes
    /// nothing. Two changes on their way may elect two leaders. Default: yes.
    pub check_changes: bool,
    /// Whether a change of the group that is refused is replaced by an entry without content, as in etcd.
    /// Default: no, it is an error of the proposal.
    pub replace_refused_changes: bool,
    /// Whether a node that never asks a leader of an older term for its vote tells it of its own term: a
    /// learner, say. Otherwise the leader hears of the later term from nobody. With `check_quorum` or
    /// `pre_vote` every node does so. Default: yes.
    pub answer_older_leaders: bool,
    /// When a leader steps down that has applied that it is no voter any more. Default: once a majority of
    /// the voters holds its whole log.
    pub step_down_on_removal: StepDownOnRemoval,
    /// Whether a node asks whether it would win before it campaigns (thesis §9.6). So a node that was cut
    /// off does not end a leadership by its high term. All nodes of a group should agree in this. Default:
    /// no.
    pub pre_vote: bool,
    /// Whether a leader steps down that hears from no majority for `election_ticks`, and whether a node
    /// that has heard from a leader within that time ignores vote requests (thesis §6.2, §4.2.3). All
    /// nodes of a group must agree in this if reads rest on leases. Default: no.
    pub check_quorum: bool,
    /// On what linearizable reads rest. Default: on a majority that is asked.
    pub read_mode: ReadMode,
    /// Whether reads that come while a round of reads is under way wait for its end, and then share the
    /// next round. Default: yes. If not, each read begins a round at once, as in etcd.
    pub batch_reads: bool,
    /// Whether a follower resets its election timer whenever it learns of a later term, even from a
    /// node that nobody would elect. Default: no.
    pub reset_timer_on_new_term: bool,
    /// Whether a follower that knows this term's leader, and has not voted in the term, may still vote
    /// for another node. It does no harm: the leader has its majority. Default: yes, as in the paper.
    pub vote_when_leader_known: bool,
    /// How much the owner wants this node to lead: of two nodes with the same log, a voter that could lead
    /// itself prefers the one with the higher priority. The owner may change it
    /// ([`Raft::set_priority`](crate::Raft::set_priority)). The name is raft-rs's. Default: 0, as for all
    /// others.
    pub priority: Priority,
    /// Whether vote requests and refusals say what is committed, and whether this node learns from those of
    /// others. It lets a group elect a leader that could not elect one otherwise: after a change of its
    /// voters that those who are left do not know to be committed (etcd issue 12359). Default: no, as in the
    /// paper.
    pub commit_by_vote: bool,
    /// Where the nodes are, if an entry is to be committed only once it is in two such groups: two data centres,
    /// say. The owner may change it
    /// ([`Raft::set_commit_groups`](crate::Raft::set_commit_groups)), and should tell all nodes the same.
    /// Default: none.
    pub commit_groups: Option<CommitGroups>,
}

/// When a committed entry is handed out to be applied.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum ApplyGate {
    /// At the earliest with the Ready that also hands it out to be written: the owner must write it
    /// before it applies it. etcd does this when it writes synchronously.
    WithReady,
    /// Once this node's own copy is durable.
    Durable,
    /// Up to this many entries beyond what is durable. After a crash the application may be ahead of
    /// its log: it must be able to undo, or to wait for the log.
    Ahead(u64),
}

/// When a leader steps down that is no voter any more.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum StepDownOnRemoval {
    /// Not because of that, as in etcd by default: it leads a group that it is not part of, and takes no
    /// proposals, until another node is elected.
    Never,
    /// As soon as it has applied the change, as in etcd with `StepDownOnRemoval`. If its log is longer than
    /// that of every voter, nobody may be able to lead.
    AtOnce,
    /// Once a majority of the voters holds its whole log. Until then it takes no proposals.
    OnceReplicated,
}

/// On what linearizable reads rest (thesis §6.4).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum ReadMode {
    /// A majority says that it still follows, after the read was asked for. No clock is trusted.
    Quorum,
    /// A majority has said so lately: for this many ticks, from the sending of the question, a leader
    /// answers reads at once. At least 1, and less than `election_ticks`. It needs `check_quorum`, on
    /// every node of the group.
    ///
    /// These ticks of the leader must not last longer than `election_ticks - 1` ticks of any voter (a
    /// voter's first tick may come right after the message). So with 9 of 10 all clocks must be equally
    /// fast; with 8 of 10 the leader's may be slower by a ninth. A node that stops for a while, with its
    /// clock, may break that. Then a read may miss what another leader has acknowledged.
    ///
    /// A node that has just started may have forgotten that it heard from a leader. So it ignores vote
    /// requests for `election_ticks`.
    Lease(u64),
}

/// When a candidate's vote request may leave.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum VoteRequests {
    /// Once the candidate's term and its vote for itself are durable.
    OnceDurable,
    /// At once, as etcd does when it writes asynchronously. A node that crashes before its own vote is
    /// durable forgets that it campaigned. It can campaign again in the same term with another log, and
    /// count a vote that was granted to the first campaign.
    AtOnce,
}

impl Config {
    /// The largest `election_ticks`.
    pub const ELECTION_TICKS_MAX: u64 = 1 << 32;

    /// Returns the default settings for node `id`.
    pub fn new(id: NodeId) -> Self {
        Config {
            id,
            election_ticks: 10,
            heartbeat_ticks: 1,
            seed: 0,
            vote_requests: VoteRequests::OnceDurable,
            applied: Index(0),
            apply_gate: ApplyGate::Durable,
            max_applying_bytes: None,
            max_append_bytes: Some(1 << 20),
            max_inflight_messages: 256,
            max_inflight_bytes: None,
            max_uncommitted_bytes: None,
            forward_proposals: true,
            batch_append: false,
            merge_acknowledgements: true,
            skip_bcast_commit: false,
            snapshot_ticks: Some(100),
            check_changes: true,
            replace_refused_changes: false,
            answer_older_leaders: true,
            step_down_on_removal: StepDownOnRemoval::OnceReplicated,
            pre_vote: false,
            check_quorum: false,
            read_mode: ReadMode::Quorum,
            batch_reads: true,
            reset_timer_on_new_term: false,
            vote_when_leader_known: true,
            priority: Priority(0),
            commit_by_vote: false,
            commit_groups: None,
        }
    }

    /// Returns the settings under which our messages follow in the order of etcd's raft library, with
    /// the ticks of its interaction tests. Where our own defaults differ:
    ///
    /// | setting | ours | etcd | why ours |
    /// |---|---|---|---|
    /// | `vote_requests` | `OnceDurable` | `AtOnce` | see [`VoteRequests::AtOnce`] |
    /// | `election_ticks` | 10 | 3 | ten heartbeats may be lost before a node campaigns |
    /// | `apply_gate` | `Durable` | `WithReady` | the owner cannot apply too early by mistake |
    /// | `max_append_bytes` | 1 MiB | none | one message must not delay the next for long |
    /// | `max_inflight_messages` | 256 | 2^31 - 1 | a peer that is down must not fill our memory |
    /// | `merge_acknowledgements` | yes | no | one answer for all that one write makes durable |
    /// | `batch_reads` | yes | no | a round for all reads that wait costs no more than one for a single read |
    /// | `snapshot_ticks` | 100 | none | a report may be lost, or a peer crash while it receives |
    /// | `replace_refused_changes` | no | yes | who proposes wants to know |
    /// | `answer_older_leaders` | yes | no | a leader that nobody asks for its vote must hear of a later term |
    /// | `step_down_on_removal` | `OnceReplicated` | `Never` | a group must not keep a leader that is none of it |
    /// | `reset_timer_on_new_term` | no | yes | a stranger's high term must not keep nodes from campaigning |
    /// | `vote_when_leader_known` | yes | no | a voter's rule needs no more than Fig. 2 says |
    pub fn etcd(id: NodeId) -> Self {
        Config {
            election_ticks: 3,
            vote_requests: VoteRequests::AtOnce,
            apply_gate: ApplyGate::WithReady,
            max_append_bytes: None,
            max_inflight_messages: i32::MAX as usize,
            merge_acknowledgements: false,
            batch_reads: false,
            snapshot_ticks: None,
            replace_refused_changes: true,
            answer_older_leaders: false,
            step_down_on_removal: StepDownOnRemoval::Never,
            reset_timer_on_new_term: true,
            vote_when_leader_known: false,
            ..Config::new(id)
        }
    }

    /// Returns for how many ticks reads may rest on one round; none if they rest on a round each.
    pub(crate) fn lease_ticks(&self) -> Option<u64> {
        match self.read_mode {
            ReadMode::Quorum => None,
            ReadMode::Lease(ticks) => Some(ticks),
        }
    }

    /// Checks that a node with these settings can work.
    ///
    /// # Errors
    /// Each bad combination has its own [`ConfigError`], with the numbers.
    pub fn check(&self) -> Result<(), ConfigError> {
        let Config { id, election_ticks, heartbeat_ticks, applied, .. } = *self;
        if id.0 == 0 {
            return Err(ConfigError::IdZero);
        }
        if heartbeat_ticks == 0 {
            return Err(ConfigError::HeartbeatZero);
        }
        if election_ticks <= heartbeat_ticks {
            return Err(ConfigError::ElectionNotLonger { election_ticks, heartbeat_ticks });
        }
        if election_ticks > Self::ELECTION_TICKS_MAX {
            let max = Self::ELECTION_TICKS_MAX;
            return Err(ConfigError::ElectionTooLong { election_ticks, max });
        }
        if applied > Index::LAST {
            return Err(ConfigError::AppliedOutOfRange { applied });
        }
        if self.max_inflight_messages == 0 {
            return Err(ConfigError::InflightMessagesZero);
        }
        if self.snapshot_ticks == Some(0) {
            return Err(ConfigError::SnapshotTicksZero);
        }
        if let ReadMode::Lease(lease_ticks) = self.read_mode {
            if !self.check_quorum {
                return Err(ConfigError::LeaseWithoutCheckQuorum);
            }
            if lease_ticks == 0 || lease_ticks >= election_ticks {
                return Err(ConfigError::LeaseOutOfRange { lease_ticks, election_ticks });
            }
        }
        let max_append = self.max_append_bytes.unwrap_or(u64::MAX);
        match self.max_inflight_bytes {
            Some(0) => Err(ConfigError::InflightBytesZero),
            Some(max_inflight) if max_inflight < max_append => {
                Err(ConfigError::InflightLessThanAppend { max_inflight, max_append })
            }
            _ => Ok(()),
        }
    }
}
