//! The settings of a script's nodes, as `add-nodes` takes them.
//!
//! ```text
//!   election-ticks=10  heartbeat-ticks=1  seed=0  vote-requests=once-durable|at-once
//!   apply-gate=durable|with-ready|3      3: this many entries ahead of what is durable
//!   max-append=100|none  max-applying=..  max-inflight=2  max-inflight-bytes=..  max-uncommitted=..
//!   forward=yes|no  batch-append=no|yes  merge-acknowledgements=yes|no
//!   skip-bcast-commit=no|yes
//!   snapshot-ticks=100|none  check-changes=yes|no  replace-refused-changes=no|yes
//!   answer-older-leaders=yes|no
//!   step-down-on-removal=once-replicated|at-once|never
//!   pre-vote=no|yes  check-quorum=no|yes  read-lease=none|9      9: ticks that a lease lasts
//!   batch-reads=yes|no  reset-timer-on-new-term=no|yes  vote-when-leader-known=yes|no
//!   priority=0  commit-by-vote=no|yes      one node's own: n2.priority=1
//!   commit-groups=none|(1:1,2:1,3:2)       n1 and n2 are in group 1, n3 is in group 2
//! ```
//!
//! All nodes of a script have the same settings, but for their priorities. A setting that is not given has
//! its default value.

use crate::script::ScriptError;
use crate::script::arguments::Arguments;
use raft::{
    ApplyGate, CommitGroup, CommitGroups, Config, NodeId, Priority, ReadMode, StepDownOnRemoval,
    VoteRequests,
};

/// Reads the settings.
pub(super) fn read(arguments: &mut Arguments<'_>) -> Result<Config, ScriptError> {
    let usual = Config::new(NodeId(1));
    Ok(Config {
        election_ticks: arguments.number("election-ticks")?.unwrap_or(usual.election_ticks),
        heartbeat_ticks: arguments.number("heartbeat-ticks")?.unwrap_or(usual.heartbeat_ticks),
        seed: arguments.number("seed")?.unwrap_or(usual.seed),
        vote_requests: match arguments.value("vote-requests")? {
            None => usual.vote_requests,
            Some("once-durable") => VoteRequests::OnceDurable,
            Some("at-once") => VoteRequests::AtOnce,
            Some(other) => {
                let what = format!("expected once-durable or at-once, found vote-requests={other}");
                return Err(arguments.wrong(what));
            }
        },
        apply_gate: match arguments.value("apply-gate")? {
            None => usual.apply_gate,
            Some("durable") => ApplyGate::Durable,
            Some("with-ready") => ApplyGate::WithReady,
            Some(word) => ApplyGate::Ahead(arguments.read_number("apply-gate", word)?),
        },
        max_applying_bytes: limit(arguments, "max-applying", usual.max_applying_bytes)?,
        max_append_bytes: limit(arguments, "max-append", usual.max_append_bytes)?,
        max_inflight_messages: match arguments.value("max-inflight")? {
            None => usual.max_inflight_messages,
            Some(word) => arguments.read_number("max-inflight", word)?,
        },
        max_inflight_bytes: limit(arguments, "max-inflight-bytes", usual.max_inflight_bytes)?,
        max_uncommitted_bytes: limit(arguments, "max-uncommitted", usual.max_uncommitted_bytes)?,
        forward_proposals: choice(arguments, "forward", usual.forward_proposals)?,
        batch_append: choice(arguments, "batch-append", usual.batch_append)?,
        merge_acknowledgements: choice(
            arguments,
            "merge-acknowledgements",
            usual.merge_acknowledgements,
        )?,
        skip_bcast_commit: choice(arguments, "skip-bcast-commit", usual.skip_bcast_commit)?,
        snapshot_ticks: limit(arguments, "snapshot-ticks", usual.snapshot_ticks)?,
        check_changes: choice(arguments, "check-changes", usual.check_changes)?,
        replace_refused_changes: choice(
            arguments,
            "replace-refused-changes",
            usual.replace_refused_changes,
        )?,
        answer_older_leaders: choice(
            arguments,
            "answer-older-leaders",
            usual.answer_older_leaders,
        )?,
        step_down_on_removal: match arguments.value("step-down-on-removal")? {
            None => usual.step_down_on_removal,
            Some("once-replicated") => StepDownOnRemoval::OnceReplicated,
            Some("at-once") => StepDownOnRemoval::AtOnce,
            Some("never") => StepDownOnRemoval::Never,
            Some(other) => {
                let what = format!(
                    "expected once-replicated, at-once or never, found step-down-on-removal={other}"
                );
                return Err(arguments.wrong(what));
            }
        },
        pre_vote: choice(arguments, "pre-vote", usual.pre_vote)?,
        check_quorum: choice(arguments, "check-quorum", usual.check_quorum)?,
        read_mode: match arguments.value("read-lease")? {
            None => usual.read_mode,
            Some("none") => ReadMode::Quorum,
            Some(word) => ReadMode::Lease(arguments.read_number("read-lease", word)?),
        },
        batch_reads: choice(arguments, "batch-reads", usual.batch_reads)?,
        reset_timer_on_new_term: choice(
            arguments,
            "reset-timer-on-new-term",
            usual.reset_timer_on_new_term,
        )?,
        vote_when_leader_known: choice(
            arguments,
            "vote-when-leader-known",
            usual.vote_when_leader_known,
        )?,
        priority: arguments.number("priority")?.map_or(usual.priority, Priority),
        commit_by_vote: choice(arguments, "commit-by-vote", usual.commit_by_vote)?,
        commit_groups: commit_groups(arguments, "commit-groups")?,
        ..usual
    })
}

/// Reads a number of bytes, or `none`.
fn limit(
    arguments: &mut Arguments<'_>,
    key: &str,
    usual: Option<u64>,
) -> Result<Option<u64>, ScriptError> {
    match arguments.value(key)? {
        None => Ok(usual),
        Some("none") => Ok(None),
        Some(word) => Ok(Some(arguments.read_number(key, word)?)),
    }
}

/// Reads `none`, or `(1:1,2:1,3:2)`: nodes, each with its group.
pub(crate) fn commit_groups(
    arguments: &mut Arguments<'_>,
    key: &str,
) -> Result<Option<CommitGroups>, ScriptError> {
    let pairs = match arguments.option(key)? {
        None => return Ok(None),
        Some(words) if words == ["none"] => return Ok(None),
        Some(words) => words,
    };
    let mut groups = Vec::new();
    for word in pairs {
        let Some((node, group)) = word.split_once(':') else {
            let what = format!("expected a node and its group such as 3:2, found {word:?}");
            return Err(arguments.wrong(what));
        };
        let group = arguments.read_number("the group of a node", group)?;
        groups.push((arguments.read_id(node)?, CommitGroup(group)));
    }
    Ok(Some(CommitGroups::new(groups)))
}

/// Writes what [`commit_groups`] reads.
pub(crate) fn group_words(groups: Option<&CommitGroups>) -> String {
    let pair = |(node, group): (NodeId, CommitGroup)| format!("{}:{}", node.0, group.0);
    let pairs = |groups: &CommitGroups| groups.iter().map(pair).collect::<Vec<_>>().join(",");
    groups.map_or("none".into(), |groups| format!("({})", pairs(groups)))
}

/// Reads `yes` or `no`.
fn choice(arguments: &mut Arguments<'_>, key: &str, usual: bool) -> Result<bool, ScriptError> {
    match arguments.value(key)? {
        None => Ok(usual),
        Some("yes") => Ok(true),
        Some("no") => Ok(false),
        Some(other) => Err(arguments.wrong(format!("expected yes or no, found {key}={other}"))),
    }
}

/// Returns the settings that differ from the defaults, with a space before each.
pub(super) fn unparse(config: &Config) -> String {
    let usual = Config::new(config.id);
    let asking = |config: &Config| match config.vote_requests {
        VoteRequests::OnceDurable => "once-durable".to_string(),
        VoteRequests::AtOnce => "at-once".to_string(),
    };
    let gate = |config: &Config| match config.apply_gate {
        ApplyGate::Durable => "durable".to_string(),
        ApplyGate::WithReady => "with-ready".to_string(),
        ApplyGate::Ahead(entries) => entries.to_string(),
    };
    let stepping_down = |config: &Config| match config.step_down_on_removal {
        StepDownOnRemoval::OnceReplicated => "once-replicated".to_string(),
        StepDownOnRemoval::AtOnce => "at-once".to_string(),
        StepDownOnRemoval::Never => "never".to_string(),
    };
    let lease = |config: &Config| match config.read_mode {
        ReadMode::Quorum => "none".to_string(),
        ReadMode::Lease(ticks) => ticks.to_string(),
    };
    let limit = |bytes: Option<u64>| bytes.map_or("none".to_string(), |bytes| bytes.to_string());
    let choice = |yes| if yes { "yes".to_string() } else { "no".to_string() };
    let said = |config: &Config| {
        [
            ("election-ticks", config.election_ticks.to_string()),
            ("heartbeat-ticks", config.heartbeat_ticks.to_string()),
            ("seed", config.seed.to_string()),
            ("vote-requests", asking(config)),
            ("apply-gate", gate(config)),
            ("max-applying", limit(config.max_applying_bytes)),
            ("max-append", limit(config.max_append_bytes)),
            ("max-inflight", config.max_inflight_messages.to_string()),
            ("max-inflight-bytes", limit(config.max_inflight_bytes)),
            ("max-uncommitted", limit(config.max_uncommitted_bytes)),
            ("forward", choice(config.forward_proposals)),
            ("batch-append", choice(config.batch_append)),
            ("merge-acknowledgements", choice(config.merge_acknowledgements)),
            ("skip-bcast-commit", choice(config.skip_bcast_commit)),
            ("snapshot-ticks", limit(config.snapshot_ticks)),
            ("check-changes", choice(config.check_changes)),
            ("replace-refused-changes", choice(config.replace_refused_changes)),
            ("answer-older-leaders", choice(config.answer_older_leaders)),
            ("step-down-on-removal", stepping_down(config)),
            ("pre-vote", choice(config.pre_vote)),
            ("check-quorum", choice(config.check_quorum)),
            ("read-lease", lease(config)),
            ("batch-reads", choice(config.batch_reads)),
            ("reset-timer-on-new-term", choice(config.reset_timer_on_new_term)),
            ("vote-when-leader-known", choice(config.vote_when_leader_known)),
            ("priority", config.priority.0.to_string()),
            ("commit-by-vote", choice(config.commit_by_vote)),
            ("commit-groups", group_words(config.commit_groups.as_ref())),
        ]
    };
    let unusual = said(config).into_iter().zip(said(&usual)).filter(|(own, usual)| own != usual);
    unusual.map(|((key, value), _)| format!(" {key}={value}")).collect()
}
