//! What the running test is doing, kept where the watchdog and the panic hook can read it.
//!
//! A worker runs one test, so there is one page per process. It never decides a verdict: it only says,
//! on the card of a test that did not end, what the test was doing.

use crate::wire::{Speaker, WorkerWord};
use std::sync::{Mutex, PoisonError};

/// What is known of the running test.
#[derive(Clone, Debug)]
pub(crate) struct Now {
    /// What it was doing last.
    pub(crate) doing: Option<String>,
    /// The functions that this leads to, of those that students write.
    pub(crate) within: Vec<String>,
    /// The seed it is running.
    pub(crate) seed: Option<u64>,
}

impl Now {
    /// Knows only the seed.
    pub(crate) const fn new(seed: Option<u64>) -> Self {
        Now { doing: None, within: Vec::new(), seed }
    }
}

struct Page {
    now: Now,
    /// Counts the changes.
    turned: u64,
    /// Where every change is reported at once: only in the second run of a test that ended its
    /// process.
    tell: Option<&'static Speaker>,
}

static PAGE: Mutex<Page> = Mutex::new(Page { now: Now::new(None), turned: 0, tell: None });

/// Returns how often the page has changed. A test whose page does not change is stuck.
pub(crate) fn turned() -> u64 {
    with(|page| page.turned)
}

fn with<R>(change: impl FnOnce(&mut Page) -> R) -> R {
    change(&mut PAGE.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Clears the page: a new test begins.
pub(crate) fn begin() {
    with(|page| page.now = Now::new(None));
}

/// Reports every change from now on.
pub(crate) fn tell(speaker: &'static Speaker) {
    with(|page| page.tell = Some(speaker));
}

/// Notes what the test is doing.
pub fn doing(what: String) {
    doing_within(what, &[]);
}

/// Notes what the test is doing, and which of a student's functions that leads to.
pub fn doing_within(what: String, functions: &[&str]) {
    with(|page| {
        let within: Vec<String> = functions.iter().map(|&function| function.to_owned()).collect();
        if let Some(speaker) = page.tell {
            let (what, within) = (what.clone(), within.clone());
            speaker.say(&WorkerWord::Doing { what, within, seed: page.now.seed });
        }
        page.now.doing = Some(what);
        page.now.within = within;
        page.turned += 1;
    });
}

/// Notes the seed the test is running.
pub(crate) fn seed(seed: Option<u64>) {
    with(|page| {
        if let (Some(speaker), Some(seed)) = (page.tell, seed) {
            let (what, within) = (String::new(), Vec::new());
            speaker.say(&WorkerWord::Doing { what, within, seed: Some(seed) });
        }
        page.now = Now::new(seed);
        page.turned += 1;
    });
}

/// Returns what is known.
pub(crate) fn now() -> Now {
    with(|page| page.now.clone())
}
