//! This crate's own text, exactly as it was compiled: a trace carries it, so that a page can show
//! the line that decided, a student's edits included.

/// Every source file: its path from the top of the workspace, and its text.
pub const SOURCES: &[(&str, &str)] = &[
    ("raft/src/lib.rs", include_str!("lib.rs")),
    ("raft/src/types.rs", include_str!("types.rs")),
    ("raft/src/entry.rs", include_str!("entry.rs")),
    ("raft/src/message.rs", include_str!("message.rs")),
    ("raft/src/config.rs", include_str!("config.rs")),
    ("raft/src/raft.rs", include_str!("raft.rs")),
    ("raft/src/step.rs", include_str!("step.rs")),
    ("raft/src/role.rs", include_str!("role.rs")),
    ("raft/src/election.rs", include_str!("election.rs")),
    ("raft/src/replication.rs", include_str!("replication.rs")),
    ("raft/src/commit.rs", include_str!("commit.rs")),
    ("raft/src/heartbeat.rs", include_str!("heartbeat.rs")),
    ("raft/src/node.rs", include_str!("node.rs")),
    ("raft/src/node/applying.rs", include_str!("node/applying.rs")),
    ("raft/src/ready.rs", include_str!("ready.rs")),
    ("raft/src/restart.rs", include_str!("restart.rs")),
    ("raft/src/quorum.rs", include_str!("quorum.rs")),
    ("raft/src/quorum/held.rs", include_str!("quorum/held.rs")),
    ("raft/src/storage.rs", include_str!("storage.rs")),
    ("raft/src/log.rs", include_str!("log.rs")),
    ("raft/src/log/unstable.rs", include_str!("log/unstable.rs")),
    ("raft/src/progress.rs", include_str!("progress.rs")),
    ("raft/src/progress/inflight.rs", include_str!("progress/inflight.rs")),
    ("raft/src/event.rs", include_str!("event.rs")),
    ("raft/src/ledger.rs", include_str!("ledger.rs")),
    ("raft/src/error.rs", include_str!("error.rs")),
];
