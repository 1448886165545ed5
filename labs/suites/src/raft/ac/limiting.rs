//! Step 4: the two limits that what is applied makes room under.
//!
//! ```text
//!    max_applying_bytes       what is handed out and not applied:    [page][ page ]|  no more fits
//!    max_uncommitted_bytes    a leader's proposals, until applied:   [a][b]|          c is refused
//!                                                 applied up to a:   [b]   |          c is taken
//! ```

use super::applying::{capped, must_have_applied, short_bytes, ten};
use super::blame::{FREED, LONG_PAGE, MANY_PAGES, PAUSED};
use super::owner::{Checked, Owner, disk, group, settings};
use crate::raft::kit::{N1, N2, beat_with, matched, names_of};
use crate::raft::rule;
use harness::{Check, Verdict};
use raft::{Body, Config, Entry};

/// Returns the size of what waits to be applied, without the last entry: that one may cross the limit.
fn outstanding_before_last(n1: &Owner) -> u64 {
    let weights: Vec<u64> = n1.waiting().map(Entry::size_bytes).collect();
    weights.split_last().map_or(0, |(_, before)| before.iter().sum())
}

/// Takes and writes everything; then no more waits to be applied than the limit allows.
fn must_keep_the_limit(n1: &mut Owner, cap: u64) -> Verdict {
    let taken = n1.start_all()?;
    n1.persist_all()?;
    let outstanding = outstanding_before_last(n1);
    if outstanding < cap || n1.waiting().count() <= 1 {
        return Ok(());
    }
    let waiting: Vec<Entry> = n1.waiting().cloned().collect();
    let because =
        format!("{} wait to be applied, and the limit is {cap} bytes", names_of(&waiting));
    // A page of one may always cross the limit: then none should have come. A longer one should have ended.
    let mut pages = taken.iter().map(|ready| ready.committed_entries().len());
    let within = match n1.application() {
        [_, ..] => PAUSED,
        [] if pages.rfind(|&len| len > 0).is_some_and(|len| len > 1) => LONG_PAGE,
        [] => MANY_PAGES,
    };
    let failure = n1.broken(rule("outstanding_applies_are_capped"), within).because(because);
    failure.got(format!("{outstanding} bytes before the last one")).fail()
}

/// While the application has not applied, no more is handed out than the limit allows.
pub(super) fn apply_cap(_: &mut Check) -> Verdict {
    let short = short_bytes();
    for (number, cap) in [(1, 1), (2, 2 * short), (3, 3 * short - 1)] {
        let title = format!("at most {cap} bytes; a short entry has {short}");
        let mut n1 = capped(Some(cap)).row(number, &title);
        n1.hear(ten(10));
        for _ in 0..4 {
            must_keep_the_limit(&mut n1, cap)?;
        }
        n1.apply_one()?;
        must_keep_the_limit(&mut n1, cap)?;
        n1.settle()?;
        must_have_applied(&n1, 10)?;
    }

    // Two short entries are handed out. Then the rest is committed: what room is left?
    for (number, shorts, title) in [
        (4, 2, "at most two short entries; two are handed out, and a third comes"),
        (5, 3, "at most three short entries; two are handed out, and more come"),
    ] {
        let mut n1 = capped(Some(shorts * short)).row(number, title);
        n1.hear(ten(0));
        n1.settle()?;
        for commit in [2, 2 * shorts - 1] {
            n1.hear(beat_with(N2, N1, 1, commit));
            must_keep_the_limit(&mut n1, shorts * short)?;
        }
    }

    // A short page and a long one fill the limit; what is applied first leaves it full, or empties it.
    let long = {
        let Body::AppendEntries { entries, .. } = ten(0).body else { return Ok(()) };
        entries[4].size_bytes()
    };
    type Applies = fn(&mut Owner) -> Checked<()>;
    let rows: [(u64, Applies, &str); 2] = [
        (6, Owner::apply_one, "a short page and a long one: one is applied"),
        (7, Owner::apply_at_once, "one report covers a short page and a long one"),
    ];
    for (number, apply, title) in rows {
        let mut n1 = capped(Some(long)).row(number, title);
        n1.hear(ten(3));
        n1.settle()?;
        for commit in [4, 5, 8] {
            n1.hear(beat_with(N2, N1, 1, commit));
            must_keep_the_limit(&mut n1, long)?;
        }
        apply(&mut n1)?;
        must_keep_the_limit(&mut n1, long)?;
        n1.settle()?;
        must_have_applied(&n1, 8)?;
    }

    // `advance` says that its Ready is written and applied. Of the LightReady it says nothing.
    let title = "at most 1 byte, with advance; the LightReady's entries are not applied yet";
    let mut n1 = capped(Some(1)).row(8, title);
    n1.hear(ten(10));
    if let Some(ready) = n1.take()? {
        n1.advance_slowly(&ready)?;
    }
    for _ in 0..4 {
        n1.hear(beat_with(N2, N1, 1, 10));
        must_keep_the_limit(&mut n1, 1)?;
    }
    n1.settle()?;
    must_have_applied(&n1, 10)
}

/// A leader's limit for proposals counts those of its term until they are applied, and nothing else.
pub(super) fn uncommitted_bytes(_: &mut Check) -> Verdict {
    let limited = |max| Config {
        max_uncommitted_bytes: Some(max),
        max_applying_bytes: Some(short_bytes()),
        ..settings()
    };
    let must_take = |n1: &mut Owner, word: &str, takes: bool, because: &str| {
        let say = |takes: bool| format!("{word} is {}", if takes { "taken" } else { "refused" });
        let rule = match takes {
            true => rule("what_is_applied_makes_room"),
            false => rule("proposals_count_until_applied"),
        };
        let was = n1.propose(word);
        n1.must_be(rule, FREED, because, say(takes), say(was))
    };

    let title = "a limit of two bytes; proposals of one";
    let mut n1 = Owner::of(limited(2), group(1)).row(1, title);
    n1.campaign();
    n1.settle()?;
    for round in ["a first pair", "a second pair", "a third pair"] {
        for word in ["a", "b"] {
            let because = format!("all before {round} is applied; so there is room");
            must_take(&mut n1, word, true, &because)?;
            // Each is a write, and a page, of its own.
            n1.start_all()?;
            n1.persist_all()?;
            n1.start_all()?;
            n1.persist_all()?;
        }
        must_take(&mut n1, "c", false, "two bytes of proposals are not applied")?;
        n1.apply_at_once()?;
        n1.settle()?;
    }

    let title = "a limit of one byte; the log has a command of term 1";
    let mut n1 = Owner::of(limited(1), disk(&[1], 1, None, 0)).row(2, title);
    n1.elect_by(&[N2]);
    n1.settle()?;
    must_take(&mut n1, "a", true, "no proposal waits")?;
    n1.settle()?;
    n1.hear(matched(N2, N1, 2, 2));
    n1.settle()?;
    let because = "1@1 and 2@2 are applied, which nobody proposed to n1 in its term; a is not";
    must_take(&mut n1, "b", false, because)
}
