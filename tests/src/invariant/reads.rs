//! What a read must see: everything that was committed, anywhere, when it began (thesis §6.4).
//!
//! ```text
//!   n1 commits 5      a client of n3 begins to read      n3 reads at 4: wrong      at 5, or later: right
//! ```
//!
//! A client can have been told of an entry only after some node knew that it is committed. So the highest
//! index that any node had committed is a floor for every read that begins then.

use super::{Rule, Violation};
use bytes::Bytes;
use raft::{Body, Index, Message, NodeId, ReadState};
use std::collections::{BTreeMap, VecDeque};

/// The reads that have begun and not ended.
#[derive(Clone, PartialEq, Eq, Hash, Default, Debug)]
pub(super) struct ReadHistory {
    /// For each node the reads of its clients, oldest first: the mark, and the floor.
    open: BTreeMap<NodeId, VecDeque<(Bytes, Index)>>,
    /// Whether a test has answered for a node. Then what a read sees is the test's affair.
    is_posted: bool,
}

impl ReadHistory {
    /// Trusts a message that a test sends.
    pub(super) fn posted(&mut self, message: &Message) {
        self.is_posted |= match &message.body {
            Body::HeartbeatReply { token, .. } => token.is_some(),
            Body::ReadIndexReply { .. } => true,
            Body::RequestPreVote(_) | Body::PreVoteReply { .. } => false,
            Body::RequestVote(_) | Body::VoteReply { .. } | Body::Heartbeat { .. } => false,
            Body::AppendEntries { .. } | Body::AppendReply { .. } => false,
            Body::InstallSnapshot { .. } | Body::Propose { .. } => false,
            Body::TransferLeader { .. } | Body::TimeoutNow { .. } | Body::ReadIndex { .. } => false,
        };
    }

    /// Notes a read that begins when everything up to `floor` is committed.
    pub(super) fn begins(&mut self, id: NodeId, context: Bytes, floor: Index) {
        self.open.entry(id).or_default().push_back((context, floor));
    }

    /// Checks a read that has ended. Several reads of a node may have one mark, and their answers may overtake
    /// each other. So it is taken for the one that began last among those which may end like this.
    pub(super) fn ended(&mut self, id: NodeId, read: &ReadState) -> Result<(), Violation> {
        let broken = |rule, text| Err(Violation { rule, who: vec![id], term: None, text });
        let mark = read.context.escape_ascii();
        let open = self.open.entry(id).or_default();
        let is_same = |(context, _): &(Bytes, Index)| *context == read.context;
        let may_end = |open: &(Bytes, Index)| {
            is_same(open) && read.outcome.is_ok_and(|index| index >= open.1)
        };
        let fitting = match read.outcome {
            Ok(_) => open.iter().rposition(may_end),
            Err(_) => open.iter().rposition(is_same),
        };
        let Some(at) = fitting.or_else(|| open.iter().position(is_same)) else {
            let text = format!("{id} ends a read {mark} that no client waits for");
            return broken(Rule::ReadEndsOnce, text);
        };
        let floor = open.remove(at).map_or(Index(0), |(_, floor)| floor);
        match read.outcome {
            Ok(index) if index < floor && !self.is_posted => {
                let text = format!(
                    "{id} reads {mark} at {index}, and {floor} was committed when the read began"
                );
                broken(Rule::LinearizableRead, text)
            }
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Returns the reads that have not ended, each with its node.
    pub(super) fn open(&self) -> impl Iterator<Item = (NodeId, &Bytes)> {
        self.open.iter().flat_map(|(&id, open)| open.iter().map(move |(context, _)| (id, context)))
    }

    /// Forgets the reads of a node that lost power: nobody waits at it any more.
    pub(super) fn forget(&mut self, id: NodeId) {
        self.open.remove(&id);
    }
}
