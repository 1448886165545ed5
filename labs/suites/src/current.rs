//! What the running test is doing, kept where the watchdog and the panic hook can read it.
//!
//! A worker runs one test, so this is one page per process. It never takes part in a verdict: it
//! only says, on the card of a test that never came back, what it was doing.

use crate::wire::{Speaker, Word};
use std::sync::{Mutex, PoisonError};

/// What is known of the running test.
#[derive(Clone, Debug)]
pub(crate) struct Now {
    /// What it was doing last.
    pub(crate) doing: Option<String>,
    /// The seed it is running.
    pub(crate) seed: Option<u64>,
}

struct Page {
    now: Now,
    /// Counts the changes.
    turned: u64,
    /// Where every change is told at once: only on the second run of a test that took its process
    /// with it.
    tell: Option<&'static Speaker>,
}

static PAGE: Mutex<Page> =
    Mutex::new(Page { now: Now { doing: None, seed: None }, turned: 0, tell: None });

/// Returns how often this page was turned. A test that turns no page is stuck in what it was doing.
pub(crate) fn turned() -> u64 {
    with(|page| page.turned)
}

fn with<R>(change: impl FnOnce(&mut Page) -> R) -> R {
    change(&mut PAGE.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Forgets everything: a new test begins.
pub(crate) fn begin() {
    with(|page| page.now = Now { doing: None, seed: None });
}

/// Tells every change from now on.
pub(crate) fn tell(speaker: &'static Speaker) {
    with(|page| page.tell = Some(speaker));
}

/// Notes what the test is doing.
pub(crate) fn doing(what: String) {
    with(|page| {
        if let Some(speaker) = page.tell {
            speaker.say(&Word::Doing { what: what.clone(), seed: page.now.seed });
        }
        page.now.doing = Some(what);
        page.turned += 1;
    });
}

/// Notes the seed the test is running.
pub(crate) fn seed(seed: Option<u64>) {
    with(|page| {
        if let (Some(speaker), Some(seed)) = (page.tell, seed) {
            speaker.say(&Word::Doing { what: String::new(), seed: Some(seed) });
        }
        page.now = Now { doing: None, seed };
        page.turned += 1;
    });
}

/// Returns what is known.
pub(crate) fn now() -> Now {
    with(|page| page.now.clone())
}
