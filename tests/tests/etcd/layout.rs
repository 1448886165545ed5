//! etcd's layout of our values: its names of messages, of roles and of fields, byte for byte.
//!
//! ```text
//!   Message { n1 -> n2, t1, AppendEntries { prev: 2@1, entries: [3@1], commit: 2 } }
//!        |
//!        v
//!   1->2 MsgApp Term:1 Log:1/2 Commit:2 Entries:[1/3 EntryNormal ""]
//! ```
//!
//! etcd has one struct for every message and 0 for "none"; here alone that is so with us.

use raft::{
    AppendOutcome, Body, ChangeKind, ConfChange, ConfState, Entry, EntryId, HardState, Message,
    NodeId, Payload, Progress, ProgressState, Ready, RoleName, Snapshot, SoftState,
};
use std::fmt::Write;

/// Who sends or receives: a node, or one of the two threads that a node writes with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Party {
    /// A node.
    Node(NodeId),
    /// What writes a node's log.
    AppendThread,
    /// What applies a node's committed entries.
    ApplyThread,
}

/// The fields that etcd prints of a message; 0 and empty where it has none.
#[derive(Default)]
pub(crate) struct Fields<'a> {
    /// etcd's name of the kind.
    pub(crate) kind: &'static str,
    /// The term, 0 where there is none.
    pub(crate) term: u64,
    /// What etcd calls `LogTerm` and `Index`: whatever position the kind has to tell.
    pub(crate) log: EntryId,
    /// The hint of a rejection, if it is one.
    pub(crate) rejected: Option<u64>,
    /// The commit index.
    pub(crate) commit: u64,
    /// The vote.
    pub(crate) vote: u64,
    /// The entries.
    pub(crate) entries: &'a [Entry],
    /// The snapshot.
    pub(crate) snapshot: Option<&'a Snapshot>,
    /// What will be said once the message has been worked on, each already laid out.
    pub(crate) responses: Vec<String>,
}

impl Fields<'_> {
    /// Lays a message out; a long one takes several lines.
    pub(crate) fn describe(&self, from: Party, to: Party) -> String {
        let Fields { kind, term, log, .. } = self;
        let mut text = format!("{}->{} {kind} Term:{term}", from.name(), to.name());
        put(&mut text, format_args!(" Log:{}/{}", log.term, log.index));
        if let Some(hint) = self.rejected {
            put(&mut text, format_args!(" Rejected (Hint: {hint})"));
        }
        if self.commit != 0 {
            put(&mut text, format_args!(" Commit:{}", self.commit));
        }
        if self.vote != 0 {
            put(&mut text, format_args!(" Vote:{}", self.vote));
        }
        match self.entries {
            [] => {}
            [one] => put(&mut text, format_args!(" Entries:[{}]", entry(one))),
            several => {
                text += " Entries:[";
                for each in several {
                    put(&mut text, format_args!("\n  {}", entry(each)));
                }
                text += "\n]";
            }
        }
        if let Some(image) = self.snapshot {
            put(&mut text, format_args!("\n  Snapshot: {}", snapshot(image)));
        }
        if !self.responses.is_empty() {
            text += " Responses:[";
            for line in self.responses.iter().flat_map(|response| response.lines()) {
                put(&mut text, format_args!("\n  {line}"));
            }
            text += "\n]";
        }
        text
    }
}

impl Party {
    fn name(self) -> String {
        match self {
            Party::Node(id) => format!("{:x}", id.0),
            Party::AppendThread => "AppendThread".to_string(),
            Party::ApplyThread => "ApplyThread".to_string(),
        }
    }
}

/// Lays out a message between nodes, or a node's promise to itself.
pub(crate) fn message(m: &Message) -> String {
    fields(m).describe(Party::Node(m.from), Party::Node(m.to))
}

/// Returns a message's fields as etcd has them.
pub(crate) fn fields(m: &Message) -> Fields<'_> {
    let base = Fields { term: m.term.map_or(0, |term| term.0), ..Fields::default() };
    let refusal = |granted: &bool| (!granted).then_some(0);
    let kind = kind(&m.body);
    match &m.body {
        Body::RequestPreVote(ask) | Body::RequestVote(ask) => {
            Fields { kind, log: ask.last, ..base }
        }
        Body::PreVoteReply { granted, .. } | Body::VoteReply { granted, .. } => {
            Fields { kind, rejected: refusal(granted), ..base }
        }
        Body::AppendEntries { prev, entries, commit, .. } => {
            Fields { kind, log: *prev, entries, commit: commit.0, ..base }
        }
        Body::AppendReply { outcome, .. } => match *outcome {
            AppendOutcome::Matched(index) => {
                Fields { kind, log: EntryId { index, ..EntryId::default() }, ..base }
            }
            AppendOutcome::Rejected { prev, hint, hint_term } => {
                let log = EntryId { index: prev, term: hint_term.unwrap_or_default() };
                Fields { kind, log, rejected: Some(hint.0), ..base }
            }
            AppendOutcome::SnapshotWanted { .. } | AppendOutcome::NewerTerm => {
                Fields { kind, ..base }
            }
        },
        Body::InstallSnapshot { snapshot, .. } => Fields { kind, snapshot: Some(snapshot), ..base },
        Body::Heartbeat { commit, .. } => Fields { kind, commit: commit.0, ..base },
        Body::Propose { entries } => Fields { kind, entries, ..base },
        Body::ReadIndexReply { outcome, .. } => {
            let index = outcome.unwrap_or_default();
            Fields { kind, log: EntryId { index, ..EntryId::default() }, ..base }
        }
        Body::HeartbeatReply { .. }
        | Body::TransferLeader { .. }
        | Body::TimeoutNow { .. }
        | Body::ReadIndex { .. } => Fields { kind, ..base },
    }
}

/// Returns etcd's name of a kind of message.
pub(crate) fn kind(body: &Body) -> &'static str {
    match body {
        Body::RequestPreVote(_) => "MsgPreVote",
        Body::PreVoteReply { .. } => "MsgPreVoteResp",
        Body::RequestVote(_) => "MsgVote",
        Body::VoteReply { .. } => "MsgVoteResp",
        Body::AppendEntries { .. } => "MsgApp",
        Body::AppendReply { .. } => "MsgAppResp",
        Body::InstallSnapshot { .. } => "MsgSnap",
        Body::Heartbeat { .. } => "MsgHeartbeat",
        Body::HeartbeatReply { .. } => "MsgHeartbeatResp",
        Body::Propose { .. } => "MsgProp",
        Body::TransferLeader { .. } => "MsgTransferLeader",
        Body::TimeoutNow { .. } => "MsgTimeoutNow",
        Body::ReadIndex { .. } => "MsgReadIndex",
        Body::ReadIndexReply { .. } => "MsgReadIndexResp",
    }
}

/// Lays out an entry.
pub(crate) fn entry(entry: &Entry) -> String {
    let (kind, words) = match entry.payload() {
        Payload::Noop => ("EntryNormal", quoted(&[])),
        Payload::Normal(data) => ("EntryNormal", quoted(data)),
        Payload::Change(change) => ("EntryConfChange", changes(&[*change])),
        Payload::ChangeV2(several) => ("EntryConfChangeV2", changes(&several.changes)),
    };
    let space = if words.is_empty() { "" } else { " " };
    format!("{}/{} {kind}{space}{words}", entry.id.term, entry.id.index)
}

/// Lays out entries, one in a line.
pub(crate) fn entries(entries: &[Entry]) -> String {
    entries.iter().map(|each| entry(each) + "\n").collect()
}

/// Lays out changes of members: `v1 l2 r3`.
fn changes(changes: &[ConfChange]) -> String {
    let message = |kind| match kind {
        ChangeKind::AddVoter => 'v',
        ChangeKind::AddLearner => 'l',
        ChangeKind::Remove => 'r',
    };
    let words = changes.iter().map(|change| format!("{}{}", message(change.kind), change.node.0));
    words.collect::<Vec<_>>().join(" ")
}

/// Lays out a snapshot.
fn snapshot(image: &Snapshot) -> String {
    let ConfState { voters, learners, voters_outgoing, learners_next, auto_leave } =
        &image.conf_state;
    let list = |ids: &std::collections::BTreeSet<NodeId>| {
        ids.iter().map(|id| id.0.to_string()).collect::<Vec<_>>().join(" ")
    };
    format!(
        "Index:{} Term:{} ConfState:Voters:[{}] VotersOutgoing:[{}] Learners:[{}] \
         LearnersNext:[{}] AutoLeave:{auto_leave}",
        image.id.index,
        image.id.term,
        list(voters),
        list(voters_outgoing),
        list(learners),
        list(learners_next),
    )
}

/// Lays out a Ready that sends these messages.
pub(crate) fn ready(ready: &Ready, must_sync: bool, messages: &[String]) -> String {
    let mut text = String::new();
    if let Some(SoftState { leader, role: now }) = ready.soft_state() {
        put(&mut text, format_args!("Lead:{} State:{}\n", number(leader), role(now)));
    }
    if let Some(HardState { term, vote, commit }) = ready.hard_state() {
        let vote = vote.map(|id| format!(" Vote:{}", id.0)).unwrap_or_default();
        put(&mut text, format_args!("HardState Term:{term}{vote} Commit:{commit}\n"));
    }
    if !ready.entries().is_empty() {
        put(&mut text, format_args!("Entries:\n{}", entries(ready.entries())));
    }
    if let Some(image) = ready.snapshot() {
        put(&mut text, format_args!("Snapshot {}\n", snapshot(image)));
    }
    if !ready.committed_entries().is_empty() {
        let committed = entries(ready.committed_entries());
        put(&mut text, format_args!("CommittedEntries:\n{committed}"));
    }
    if !messages.is_empty() {
        put(&mut text, format_args!("Messages:\n{}\n", messages.join("\n")));
    }
    match text.as_str() {
        "" => "<empty Ready>".to_string(),
        text => format!("Ready MustSync={must_sync}:\n{text}"),
    }
}

/// Returns etcd's name of a role.
pub(crate) fn role(role: RoleName) -> &'static str {
    match role {
        RoleName::Follower => "StateFollower",
        RoleName::PreCandidate => "StatePreCandidate",
        RoleName::Candidate => "StateCandidate",
        RoleName::Leader => "StateLeader",
    }
}

/// Lays out what a leader knows of a peer.
pub(crate) fn progress(id: NodeId, progress: &Progress, is_learner: bool) -> String {
    let (state, pending) = match progress.state() {
        ProgressState::Probe => ("StateProbe", None),
        ProgressState::Replicate => ("StateReplicate", None),
        ProgressState::Snapshot { pending } => ("StateSnapshot", Some(*pending)),
    };
    let (matched, next) = (progress.matched(), progress.next());
    let mut text = format!("{}: {state} match={matched} next={next}", id.0);
    if is_learner {
        text += " learner";
    }
    if progress.is_paused() {
        text += " paused";
    }
    if let Some(pending) = pending {
        put(&mut text, format_args!(" pendingSnap={pending}"));
    }
    if !progress.is_recent_active() {
        text += " inactive";
    }
    let window = progress.inflights();
    if window.count() > 0 {
        let full = if window.is_full() { "[full]" } else { "" };
        put(&mut text, format_args!(" inflight={}{full}", window.count()));
    }
    text
}

/// Returns a node's number, 0 for nobody.
pub(crate) fn number(id: Option<NodeId>) -> u64 {
    id.map_or(0, |id| id.0)
}

/// Quotes bytes as Go's `%q` does.
fn quoted(bytes: &[u8]) -> String {
    let mut text = String::from('"');
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '"' | '\\' => text.extend(['\\', character]),
                '\x07' => text += "\\a",
                '\x08' => text += "\\b",
                '\x0c' => text += "\\f",
                '\n' => text += "\\n",
                '\r' => text += "\\r",
                '\t' => text += "\\t",
                '\x0b' => text += "\\v",
                '\0'..='\x1f' | '\x7f' => {
                    put(&mut text, format_args!("\\x{:02x}", u32::from(character)));
                }
                _ if character.is_control() || character.is_whitespace() && character != ' ' => {
                    put(&mut text, format_args!("\\u{:04x}", u32::from(character)));
                }
                _ => text.push(character),
            }
        }
        for byte in chunk.invalid() {
            put(&mut text, format_args!("\\x{byte:02x}"));
        }
    }
    text.push('"');
    text
}

fn put(text: &mut String, words: std::fmt::Arguments<'_>) {
    text.write_fmt(words).expect("a string takes what it is given");
}

#[test]
fn words_are_quoted_as_go_does() {
    assert_eq!(quoted(b""), r#""""#);
    assert_eq!(quoted(b"\"foo\""), r#""\"foo\"""#);
    assert_eq!(quoted("a\\b\tc\x01\u{7f}\u{a0}\u{e9}".as_bytes()), r#""a\\b\tc\x01\x7f\u00a0é""#);
    assert_eq!(quoted(b"\xff\xfeok"), r#""\xff\xfeok""#);
}

#[test]
fn a_message_in_a_response_is_indented_with_all_its_lines() {
    use raft::{Index, Term};
    let id = |index| EntryId { index: Index(index), term: Term(1) };
    let noop = |index| Entry::unplaced(Payload::Noop).at(id(index));
    let several = [noop(3), noop(4)];
    let inner = Fields { kind: "MsgApp", entries: &several, ..Fields::default() }
        .describe(Party::Node(NodeId(1)), Party::Node(NodeId(10)));
    let outer = Fields { kind: "MsgStorageAppend", responses: vec![inner], ..Fields::default() };
    let text = outer.describe(Party::Node(NodeId(1)), Party::AppendThread);
    let lines = [
        "1->AppendThread MsgStorageAppend Term:0 Log:0/0 Responses:[",
        "  1->a MsgApp Term:0 Log:0/0 Entries:[",
        "    1/3 EntryNormal \"\"",
        "    1/4 EntryNormal \"\"",
        "  ]",
        "]",
    ];
    assert_eq!(text.lines().collect::<Vec<_>>(), lines);
}
