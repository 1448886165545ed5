//! Messages in text form, as `post` takes them, and the names of message kinds.
//!
//! ```text
//!   post 9->1 VoteReply term=1 granted        post 2->1 AppendEntries term=3 prev=4@1
//!   post 2->1 InstallSnapshot term=3 last=7@2 voters=(2,3)
//! ```

use crate::script::ScriptError;
use crate::script::arguments::Arguments;
use crate::spelling::did_you_mean;
use raft::{
    AppendOutcome, Body, ConfState, Entry, Index, Message, NodeId, Payload, Priority, Session,
    Snapshot, VoteRequest,
};

/// Every kind of message: our name and etcd's.
const KINDS: [(&str, &str); 14] = [
    ("RequestPreVote", "MsgPreVote"),
    ("PreVoteReply", "MsgPreVoteResp"),
    ("RequestVote", "MsgVote"),
    ("VoteReply", "MsgVoteResp"),
    ("AppendEntries", "MsgApp"),
    ("AppendReply", "MsgAppResp"),
    ("InstallSnapshot", "MsgSnap"),
    ("Heartbeat", "MsgHeartbeat"),
    ("HeartbeatReply", "MsgHeartbeatResp"),
    ("Propose", "MsgProp"),
    ("TransferLeader", "MsgTransferLeader"),
    ("TimeoutNow", "MsgTimeoutNow"),
    ("ReadIndex", "MsgReadIndex"),
    ("ReadIndexReply", "MsgReadIndexResp"),
];

/// Reads the name of a kind, ours or etcd's.
pub(crate) fn kind(arguments: &Arguments<'_>, word: &str) -> Result<&'static str, ScriptError> {
    let is = |name: &str| name.eq_ignore_ascii_case(word);
    match KINDS.iter().find(|(ours, etcds)| is(ours) || is(etcds)) {
        Some((ours, _)) => Ok(ours),
        None => {
            let mean = did_you_mean(word, KINDS.iter().flat_map(|&(ours, etcds)| [ours, etcds]));
            let what = format!("expected a kind of message, found {word:?}{mean}");
            Err(arguments.wrong(what))
        }
    }
}

/// Reads a message: `FROM->TO Kind term=.. ...`.
pub(crate) fn message(arguments: &mut Arguments<'_>) -> Result<Message, ScriptError> {
    let link = arguments.expect("a sender and a receiver such as 2->1")?;
    let (from, to) = arguments.read_link(link)?;
    let word = arguments.expect("a kind of message such as VoteReply")?;
    let kind = kind(arguments, word)?;
    let term = arguments.term("term")?;
    let body = body(arguments, kind)?;
    let is_bare = matches!(body, Body::TransferLeader { .. });
    if term.is_none() && !is_bare {
        return Err(arguments.wrong(format!("expected term=, which every {kind} carries")));
    }
    if term.is_some() && is_bare {
        return Err(arguments.wrong(format!("found term=, which no {kind} carries")));
    }
    Ok(Message { from, to, term, body })
}

fn body(arguments: &mut Arguments<'_>, kind: &str) -> Result<Body, ScriptError> {
    let session = match kind {
        "AppendEntries" | "AppendReply" | "Heartbeat" | "HeartbeatReply" => {
            Session(arguments.number("session")?.unwrap_or_default())
        }
        _ => Session::default(),
    };
    Ok(match kind {
        "RequestVote" => Body::RequestVote(ask(arguments)?),
        "RequestPreVote" => Body::RequestPreVote(ask(arguments)?),
        "VoteReply" => {
            Body::VoteReply { granted: granted(arguments)?, commit: arguments.place("commit")? }
        }
        "PreVoteReply" => {
            Body::PreVoteReply { granted: granted(arguments)?, commit: arguments.place("commit")? }
        }
        "Heartbeat" => {
            Body::Heartbeat { commit: index(arguments, "commit")?, token: None, session }
        }
        "HeartbeatReply" => Body::HeartbeatReply { token: None, session },
        "AppendEntries" => Body::AppendEntries {
            prev: arguments.place("prev")?.unwrap_or_default(),
            entries: entries(arguments)?,
            commit: index(arguments, "commit")?,
            session,
        },
        "AppendReply" => {
            let outcome = match arguments.number("rejected")? {
                None => AppendOutcome::Matched(index(arguments, "matched")?),
                Some(prev) => {
                    let hint = index(arguments, "hint")?;
                    AppendOutcome::Rejected { prev: Index(prev), hint, hint_term: None }
                }
            };
            Body::AppendReply { outcome, session: Some(session) }
        }
        "InstallSnapshot" => {
            let voters = arguments.nodes("voters")?.unwrap_or_default().into_iter().collect();
            let conf_state = ConfState { voters, ..ConfState::default() };
            let id = arguments.place("last")?.unwrap_or_default();
            let snapshot = Box::new(Snapshot { id, conf_state, ..Snapshot::default() });
            Body::InstallSnapshot { snapshot, session }
        }
        "TimeoutNow" => Body::TimeoutNow { last: arguments.place("last")?.unwrap_or_default() },
        "TransferLeader" => Body::TransferLeader { target: NodeId(index(arguments, "target")?.0) },
        kind => {
            let what = format!(
                "post cannot make a {kind}; a script can only deliver one that a node has sent"
            );
            return Err(arguments.wrong(what));
        }
    })
}

fn ask(arguments: &mut Arguments<'_>) -> Result<VoteRequest, ScriptError> {
    Ok(VoteRequest {
        last: arguments.place("last")?.unwrap_or_default(),
        transfer: arguments.flag("transfer"),
        commit: arguments.place("commit")?,
        priority: arguments.number("priority")?.map_or_else(Priority::default, Priority),
    })
}

/// Reads `granted`, `refused`, `granted=true` or `granted=false`.
fn granted(arguments: &mut Arguments<'_>) -> Result<bool, ScriptError> {
    let (yes, no) = (arguments.flag("granted"), arguments.flag("refused"));
    match (yes, no, arguments.value("granted")?) {
        (true, false, None) | (false, false, Some("true")) => Ok(true),
        (false, true, None) | (false, false, Some("false")) => Ok(false),
        _ => Err(arguments.wrong("expected granted or refused after the kind of the reply")),
    }
}

/// Reads `entries=(4@1,5@2)`: no-op entries.
fn entries(arguments: &mut Arguments<'_>) -> Result<Vec<Entry>, ScriptError> {
    let places = arguments.places("entries")?.unwrap_or_default();
    let entry = |id| Entry::unplaced(Payload::Noop).at(id);
    Ok(places.into_iter().map(entry).collect())
}

fn index(arguments: &mut Arguments<'_>, key: &str) -> Result<Index, ScriptError> {
    Ok(Index(arguments.number(key)?.unwrap_or(0)))
}

/// Returns a message in the form that `post` reads. A field that this form cannot express is left out:
/// the caller parses the text again and compares.
pub(crate) fn unparse(message: &Message) -> String {
    let Message { from, to, term, body } = message;
    let mut text = format!("{}->{} {}", from.0, to.0, body.kind());
    text += &term.map_or(String::new(), |term| format!(" term={term}"));
    text += &match body {
        Body::RequestVote(_) | Body::RequestPreVote(_) => body.to_string(),
        Body::VoteReply { .. } | Body::PreVoteReply { .. } => body.to_string(),
        Body::Heartbeat { commit, .. } => format!(" commit={commit}"),
        Body::AppendEntries { prev, entries, commit, .. } if entries.is_empty() => {
            format!(" prev={prev} commit={commit}")
        }
        Body::AppendEntries { prev, entries, commit, .. } => {
            let places: Vec<_> = entries.iter().map(|entry| entry.id.to_string()).collect();
            format!(" prev={prev} entries=({}) commit={commit}", places.join(","))
        }
        Body::AppendReply { outcome: AppendOutcome::Matched(index), .. } => {
            format!(" matched={index}")
        }
        Body::AppendReply {
            outcome: AppendOutcome::Rejected { prev, hint, hint_term: None },
            ..
        } => format!(" rejected={prev} hint={hint}"),
        Body::TransferLeader { target } => format!(" target={}", target.0),
        Body::TimeoutNow { last } => format!(" last={last}"),
        Body::AppendReply { .. } | Body::HeartbeatReply { .. } => String::new(),
        Body::InstallSnapshot { .. } | Body::Propose { .. } => String::new(),
        Body::ReadIndex { .. } | Body::ReadIndexReply { .. } => String::new(),
    };
    if let Some(session) = session(body).filter(|&session| session != Session::default()) {
        text += &format!(" session={}", session.0);
    }
    text
}

/// Returns the session of a body, if it has one that a script can name.
fn session(body: &Body) -> Option<Session> {
    match body {
        Body::AppendEntries { session, .. } | Body::Heartbeat { session, .. } => Some(*session),
        Body::HeartbeatReply { session, .. } => Some(*session),
        Body::AppendReply { session, .. } => *session,
        Body::RequestPreVote(_) | Body::PreVoteReply { .. } | Body::RequestVote(_) => None,
        Body::VoteReply { .. } | Body::InstallSnapshot { .. } | Body::Propose { .. } => None,
        Body::TransferLeader { .. } | Body::TimeoutNow { .. } => None,
        Body::ReadIndex { .. } | Body::ReadIndexReply { .. } => None,
    }
}
