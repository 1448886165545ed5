//! Which functions to read first, where no line is certain.
//!
//! ```text
//!   is there news? --> handed out --> recorded --> durable --> counts --> applied
//!   has_ready          ready          push_record  durable_by  on_persist_record
//!   changed_*          take_committed                          is_current   applied_to
//! ```
//!
//! A card names at most three: those of the test's step first, then earlier ones, never one that a student
//! has still to write. This never decides whether a test fails.

use crate::raft::kit::Names;

// Step 1.

/// Something is ready without any news.
pub(super) const SPURIOUS: Names =
    &["RawNode::changed_hard_state", "RawNode::changed_soft_state", "RawNode::has_ready"];
/// There is news, and nothing is ready.
pub(super) const SILENT: Names =
    &["RawNode::has_ready", "RawNode::changed_hard_state", "RawNode::changed_soft_state"];

// Step 2.

/// Term, vote or commit index is told wrongly, or twice.
pub(super) const TOLD: Names =
    &["RawNode::ready", "RawNode::changed_hard_state", "RawNode::has_ready"];
/// A vote in a term that was told already is not told: a Ready hands out what it is given.
pub(super) const VOTE_UNTOLD: Names =
    &["RawNode::changed_hard_state", "RawNode::ready", "RawNode::has_ready"];
/// What is told contradicts the disk that the node has started with.
pub(super) const FORGOT: Names = &["RawNode::changed_hard_state", "RawNode::ready", "Core::new"];
/// Leader or role is not told, or wrongly.
pub(super) const SOFT: Names =
    &["RawNode::changed_soft_state", "RawNode::ready", "RawNode::has_ready"];
/// The same, where it was the only news.
pub(super) const SOFT_ALONE: Names =
    &["RawNode::has_ready", "RawNode::changed_soft_state", "RawNode::ready"];
/// Leader or role is told although it has not changed.
pub(super) const SOFT_AGAIN: Names = &["RawNode::ready", "RawNode::changed_soft_state"];
/// A Ready holds what it must not, or lacks what it must hold.
pub(super) const HANDED_OUT: Names =
    &["RawNode::ready", "RawNode::on_persist_record", "RawNode::push_record"];
/// The same, in a test in which no write ends.
pub(super) const TAKEN: Names = &["RawNode::ready", "RawNode::has_ready"];
/// A Ready is synced for nothing, or not synced.
pub(super) const SYNCED: Names =
    &["RawNode::must_sync", "RawNode::ready", "RawNode::changed_hard_state"];

// Step 3.

/// A write that has ended does not have its effect.
pub(super) const REPORTED: Names =
    &["RawNode::on_persist_record", "RawNode::push_record", "RawNode::ready"];
/// What came after a Ready is not handed out after it.
pub(super) const LATER: Names =
    &["RawNode::on_persist_record", "RawNode::ready", "RawNode::has_ready"];
/// There is always something ready, and nothing in it.
pub(super) const BUSY: Names =
    &["RawNode::has_ready", "RawNode::changed_hard_state", "RawNode::changed_soft_state"];
/// The same, once committed entries were handed out: by functions of step 4.
pub(super) const BUSY_PAGING: Names =
    &["RawNode::has_committed", "RawNode::take_committed", "RawNode::has_ready"];
/// Term, vote and commit are always ready.
pub(super) const BUSY_HARD: Names = &["RawNode::ready", "RawNode::changed_hard_state"];
/// Leader and role are always ready.
pub(super) const BUSY_SOFT: Names = &["RawNode::ready", "RawNode::changed_soft_state"];
/// A LightReady holds what storage does not: given code, which believes what counts as durable.
pub(super) const LIGHT: Names =
    &["RawNode::on_persist_record", "RawNode::push_record", "RawNode::light_ready"];

// Step 4.

/// The wrong entries are handed out to be applied.
pub(super) const APPLIED: Names =
    &["RawNode::take_committed", "Applying::hand_out", "RawNode::appliable"];
/// No entry is handed out to be applied.
pub(super) const NO_PAGE: Names =
    &["RawNode::has_committed", "RawNode::appliable", "RawNode::has_ready"];
/// Not all entries are handed out to be applied.
pub(super) const PAGED: Names =
    &["Applying::hand_out", "Applying::applied_to", "RawNode::has_committed"];
/// An entry is handed out to be applied whose commit index was not reported.
pub(super) const COMMIT_TOLD: Names =
    &["RawNode::changed_hard_state", "RawNode::ready", "RawNode::appliable"];
/// More is handed out to be applied than the limit allows.
pub(super) const CAPPED: Names =
    &["Applying::hand_out", "Applying::applied_to", "RawNode::take_committed"];
/// A gate lets out too much, or nothing.
pub(super) const GATE: Names =
    &["RawNode::appliable", "RawNode::has_committed", "RawNode::take_committed"];
/// What was only handed out counts as applied.
pub(super) const WENT_AHEAD: Names =
    &["RawNode::take_committed", "RawNode::ready", "Applying::applied_to"];
/// An owner's report of what is applied is answered wrongly.
pub(super) const CHECKED: Names =
    &["RawNode::check_applied", "RawNode::take_committed", "Applying::hand_out"];

// Step 5.

/// Entries are applied again, or never, after a restart.
pub(super) const APPLIED_AGAIN: Names =
    &["Applying::after", "RawNode::take_committed", "Applying::hand_out"];

/// After a start, what was committed before is not applied.
pub(super) const UNAPPLIED: Names = &["Applying::after", "RawNode::take_committed", "Core::new"];

// Step 6.

/// The end of a write does not have its effect.
pub(super) const ENDED: Names =
    &["RawNode::durable_by", "RawNode::on_persist_record", "RawNode::ready"];
/// A write counts that a later one is about to undo.
pub(super) const CURRENT: Names =
    &["RawNode::is_current", "RawNode::durable_by", "RawNode::on_persist_record"];
/// All has ended, and an entry does not count as durable.
pub(super) const NEVER_DURABLE: Names =
    &["RawNode::is_current", "RawNode::push_record", "RawNode::on_persist_record"];
