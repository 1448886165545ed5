//! Writes of a peer: checked, gathered for a round, proposed as few entries.

use super::{PeerCore, RequestContext, WriteRequest};
use crate::env::Moment;
use crate::model::{Command, PeerId, encode_commands};
use crate::store::apply::check_epoch;
use crate::store::callback::WriteCallback;
use crate::store::error::KvError;
use crate::store::proposal::Proposal;
use bytes::Bytes;
use raft::{Halt, ProposeError};
use storage::Disk;

impl<D: Disk> PeerCore<D> {
    /// Takes a write: it is proposed with the others of its round.
    pub(crate) fn gather_write(&mut self, request: WriteRequest) {
        match self.check_leader_request(&request.context) {
            Ok(()) => self.writes.push(request),
            Err(error) => request.callback.finish(Err(error)),
        }
    }

    /// Checks that a request is for this peer, and that it may be served: store, leader, peer, term,
    /// epoch, in this order.
    ///
    /// # Errors
    /// What the sender is told.
    pub(super) fn check_leader_request(&self, context: &RequestContext) -> Result<(), KvError> {
        self.check_store(context)?;
        if !self.leads() {
            return Err(self.not_leader());
        }
        self.check_peer(context)?;
        self.check_term(context)?;
        self.check_request_epoch(context)
    }

    pub(super) fn check_store(&self, context: &RequestContext) -> Result<(), KvError> {
        let asked = context.peer.map_or(self.me.store, |peer| peer.store);
        let actual = self.me.store;
        if asked == actual { Ok(()) } else { Err(KvError::StoreNotMatch { asked, actual }) }
    }

    pub(super) fn check_peer(&self, context: &RequestContext) -> Result<(), KvError> {
        let asked = context.peer.map_or(self.me.id, |peer| peer.id);
        let actual = self.me.id;
        if asked == actual { Ok(()) } else { Err(KvError::PeerNotMatch { asked, actual }) }
    }

    /// A request of the term before may still be served: its sender learned of the leader then.
    fn check_term(&self, context: &RequestContext) -> Result<(), KvError> {
        let term = self.node.status().term;
        let is_stale = context.term.is_some_and(|asked| asked.0 + 1 < term.0);
        if is_stale { Err(KvError::StaleCommand) } else { Ok(()) }
    }

    pub(super) fn check_request_epoch(&self, context: &RequestContext) -> Result<(), KvError> {
        let asked = context.epoch;
        check_epoch(asked, &self.region)
            .map_err(|current| KvError::EpochNotMatch { asked, current: Box::new(current) })
    }

    /// Returns the error that names the leader, if this peer knows one.
    pub(super) fn not_leader(&self) -> KvError {
        let leader = self.leader.filter(|leader| leader.0 != self.me.id.0);
        let leader = leader.and_then(|leader| self.region.peer(PeerId(leader.0)));
        KvError::NotLeader { region: self.region.id, leader }
    }

    /// Proposes the writes of this round: as many in one entry as fit.
    ///
    /// # Errors
    /// [`Halt`]. Everybody who waits for a write of this round has been told.
    pub(crate) fn propose_gathered(&mut self, now: Moment) -> Result<(), Halt> {
        let mut writes = std::mem::take(&mut self.writes).into_iter().peekable();
        let mut halted = Ok(());
        while writes.peek().is_some() {
            let (mut commands, mut callbacks, mut bytes) = (Vec::new(), Vec::new(), 0);
            while let Some(request) = writes
                .next_if(|next| commands.is_empty() || bytes + next.size() <= self.entry_bytes_max)
            {
                bytes += request.size();
                let WriteRequest { context, request, write, callback } = request;
                commands.push(Command { request, epoch: context.epoch, write });
                callbacks.push(callback);
            }
            let data = encode_commands(&commands, self.entry_bytes_max);
            if let Err(halt) = self.propose(data, callbacks, now) {
                halted = Err(halt);
            }
        }
        halted
    }

    /// Proposes one entry.
    fn propose(
        &mut self,
        data: Bytes,
        mut callbacks: Vec<WriteCallback>,
        proposed: Moment,
    ) -> Result<(), Halt> {
        if let Err(error) = self.node.propose(Bytes::new(), data) {
            let (told, halted) = self.why_not_proposed(error);
            callbacks.into_iter().for_each(|callback| callback.finish(Err(told.clone())));
            return halted;
        }
        callbacks.iter_mut().for_each(WriteCallback::proposed);
        let id = self.node.status().last;
        self.proposals.push(Proposal { id, proposed, callbacks });
        Ok(())
    }

    /// Returns what the sender of a proposal is told that Raft has not taken.
    fn why_not_proposed(&self, error: ProposeError) -> (KvError, Result<(), Halt>) {
        let region = self.region.id;
        match error {
            ProposeError::Halted(halt) => (KvError::Undetermined, Err(halt)),
            ProposeError::Transferring { .. } => (KvError::ProposalDropped { region }, Ok(())),
            ProposeError::TooMuchUncommitted { .. } => (KvError::ServerIsBusy { region }, Ok(())),
            ProposeError::NoLeader
            | ProposeError::NotForwarded { .. }
            | ProposeError::Empty
            | ProposeError::NotSupported
            | ProposeError::NotAMember { .. }
            | ProposeError::ChangeRefused(_) => (self.not_leader(), Ok(())),
        }
    }
}

impl WriteRequest {
    /// Returns the length of the write as a command of an entry.
    fn size(&self) -> usize {
        Command::encoded_len(&self.write)
    }
}
