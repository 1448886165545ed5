//! Which functions to read first, where no line is certain.
//!
//! ```text
//!   is there news? --> handed out --> recorded --> durable --> counts --> applied
//!   has_ready          ready          push_record  durable_by  on_persist_record
//!   changed_*          take_committed                          is_current   applied_to
//! ```
//!
//! A card names at most three: those of the test's step first, then earlier ones, never one that a student
//! has still to write. This never decides whether a test fails. Which list it is, tests and
//! `owner/cards.rs` decide by what was seen: too much or too little, before a write has ended or after.

use crate::raft::kit::Names;

// Step 1.

/// Something is ready without any news, on an empty disk.
pub(super) const SPURIOUS: Names =
    &["RawNode::has_ready", "RawNode::changed_hard_state", "RawNode::changed_soft_state"];
/// The same, where a disk holds a term: it was told already.
pub(super) const SPURIOUS_STATE: Names =
    &["RawNode::changed_hard_state", "RawNode::changed_soft_state", "RawNode::has_ready"];
/// There is news of several kinds, and nothing is ready.
pub(super) const SILENT: Names =
    &["RawNode::has_ready", "RawNode::changed_hard_state", "RawNode::changed_soft_state"];
/// The same, where only the term is new.
pub(super) const SILENT_TERM: Names = &["RawNode::changed_hard_state", "RawNode::has_ready"];
/// `has_ready` is false, and a Ready that is taken all the same holds something.
pub(super) const UNASKED: Names = &["RawNode::has_ready"];

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
/// An entry that came is in no Ready. Once a write has ended, it may count as durable by mistake.
pub(super) const LOST: Names =
    &["RawNode::on_persist_record", "RawNode::ready", "RawNode::push_record"];
/// A Ready holds the wrong entries, or lacks a message, in a test in which no write ends.
pub(super) const TAKEN: Names = &["RawNode::ready", "RawNode::has_ready"];
/// A Ready is synced for nothing, or not synced.
pub(super) const SYNCED: Names =
    &["RawNode::must_sync", "RawNode::ready", "RawNode::changed_hard_state"];

// Step 3.

/// A Ready has no record, or a wrong number.
pub(super) const NUMBERED: Names = &["RawNode::push_record", "RawNode::ready"];
/// A write that has ended does not have its effect; the record of it was complete.
pub(super) const COUNTED: Names =
    &["RawNode::on_persist_record", "RawNode::push_record", "RawNode::ready"];
/// The same; no record ever held a promise of the node to itself.
pub(super) const UNKEPT: Names =
    &["RawNode::push_record", "RawNode::ready", "RawNode::on_persist_record"];
/// The end of a write led to a read of what is not there.
pub(super) const HALTED: Names = &["RawNode::on_persist_record", "RawNode::push_record"];
/// What was written does not count as durable; its record names the end of the log.
pub(super) const NEVER_DURABLE: Names =
    &["RawNode::is_current", "RawNode::on_persist_record", "RawNode::push_record"];
/// The same; its record does not.
pub(super) const UNNAMED: Names =
    &["RawNode::push_record", "RawNode::ready", "RawNode::on_persist_record"];
/// There is always something ready, and nothing in it.
pub(super) const BUSY: Names =
    &["RawNode::has_committed", "RawNode::has_ready", "RawNode::changed_hard_state"];
/// The same at a leader that builds its appends when a Ready is taken.
pub(super) const BUSY_BATCH: Names = &["RawNode::ready", "RawNode::has_ready"];
/// The same, while entries that were handed out are not applied.
pub(super) const BUSY_PAGES: Names = &["RawNode::has_committed", "RawNode::take_committed"];
/// The same, while committed entries are durable and not handed out.
pub(super) const BUSY_EMPTY: Names =
    &["RawNode::take_committed", "RawNode::ready", "RawNode::has_ready"];
/// The same, while committed entries are not durable: those that may go out are out.
pub(super) const BUSY_UNSTABLE: Names =
    &["RawNode::has_committed", "RawNode::appliable", "RawNode::has_ready"];
/// The same, while more is durable, or may go out ahead of it, than is committed.
pub(super) const BUSY_GATE: Names =
    &["RawNode::appliable", "RawNode::has_committed", "RawNode::has_ready"];
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
/// The node counts more, or less, as handed out to be applied than it has handed out.
pub(super) const SKIPPED: Names =
    &["Applying::hand_out", "RawNode::take_committed", "RawNode::appliable"];
/// Committed entries are in no Ready, and a Ready that is taken all the same holds them.
pub(super) const UNASKED_PAGE: Names = &["RawNode::has_committed", "RawNode::has_ready"];
/// Committed entries are in no Ready, and no limit holds them back.
pub(super) const NO_PAGE: Names =
    &["RawNode::appliable", "RawNode::take_committed", "RawNode::has_committed"];
/// Not all pages are handed out.
pub(super) const PAUSED: Names =
    &["Applying::applied_to", "Applying::hand_out", "RawNode::take_committed"];
/// An entry is handed out to be applied whose commit index was not reported.
pub(super) const COMMIT_TOLD: Names =
    &["RawNode::changed_hard_state", "RawNode::ready", "RawNode::appliable"];
/// One page holds more than there is room for.
pub(super) const LONG_PAGE: Names =
    &["RawNode::take_committed", "Applying::hand_out", "Applying::applied_to"];
/// A page comes when there is no room for any.
pub(super) const MANY_PAGES: Names =
    &["Applying::hand_out", "RawNode::take_committed", "Applying::applied_to"];
/// A gate lets out too much.
pub(super) const EARLY: Names =
    &["RawNode::appliable", "RawNode::take_committed", "RawNode::ready"];
/// What was only handed out counts as applied.
pub(super) const WENT_AHEAD: Names =
    &["RawNode::take_committed", "RawNode::ready", "Applying::applied_to"];
/// An owner's report of what is applied is answered wrongly.
pub(super) const CHECKED: Names =
    &["RawNode::check_applied", "RawNode::take_committed", "Applying::hand_out"];
/// A leader's limit for proposals does not follow what is applied.
pub(super) const FREED: Names = &["Applying::applied_to", "Applying::hand_out"];

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
