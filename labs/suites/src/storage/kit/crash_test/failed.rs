//! A rule that broke after a power cut, and the card that says so.
//!
//! ```text
//!   the history that broke it --shrink--> the shortest found that breaks the same rule
//!                                            |
//!                                            '--run again--> what it did, its disk, what was acknowledged
//! ```
//!
//! [`picture`] draws the disk.

use super::{CrashTest, CutPoint, Depth, InjectedFault};
use crate::storage::kit::picture::{self, Picture};
use harness::{Failure, Rule};
use testbed::engine::history::{History, LogCall};
use testbed::engine::power_cut::PowerCut;

/// How many smaller histories are tried.
const TRIES: usize = 400;

/// A rule that broke after a power cut.
#[derive(Debug)]
pub(crate) struct FailedCrashTest {
    pub(super) crash_test: CrashTest,
    pub(super) depth: Depth,
    pub(super) history: History,
    pub(super) moment: Option<CutPoint>,
    pub(super) broken: BrokenRule,
}

/// What broke.
#[derive(Debug)]
pub(super) struct BrokenRule {
    rule: &'static Rule,
    because: String,
    expected: String,
    got: String,
    /// The function to read, if no operation decided.
    function: &'static str,
}

impl BrokenRule {
    /// Says what broke, and which function to read; none, if it may be any.
    pub(super) fn of(
        rule: &'static Rule,
        because: impl Into<String>,
        function: &'static str,
    ) -> BrokenRule {
        let (expected, got) = (String::new(), String::new());
        BrokenRule { rule, because: because.into(), expected, got, function }
    }

    /// Says what was expected.
    pub(super) fn expected(mut self, expected: impl Into<String>) -> BrokenRule {
        self.expected = expected.into();
        self
    }

    /// Says what was found.
    pub(super) fn got(mut self, got: impl ToString) -> BrokenRule {
        self.got = got.to_string();
        self
    }
}

/// Names the function to read, if one is to blame more than the others.
fn read(failure: Failure, function: &str, actions: &[LogCall]) -> Failure {
    let collects = actions.iter().any(|action| matches!(action, LogCall::Collect));
    match function {
        "Replay::item" if collects => {
            failure.one_of(&["Log::remove_segment", "Log::worth_collecting", "View::pick_entries"])
        }
        "Replay::item" => failure.one_of(&["judge", "Scan::take", "Replayed::append"]),
        "" => failure,
        "may_go_on" => failure.one_of(&["may_go_on", "Scan::proven_count", "rewrite"]),
        _ => failure.function(function),
    }
}

impl FailedCrashTest {
    /// Returns the rule that broke.
    pub(crate) fn rule(&self) -> &'static Rule {
        self.broken.rule
    }

    /// Shrinks the history, draws the disk, and says what broke.
    pub(crate) fn explain(self) -> Failure {
        let from = self.history.actions.len();
        let failed = self.shrink();
        let to = failed.history.actions.len();
        let failure = failed.failure();
        if to < from { failure.shrunk(from as u64, to as u64) } else { failure }
    }

    /// Returns the smallest history found that breaks the same rule.
    fn shrink(mut self) -> FailedCrashTest {
        let mut tries = 0;
        'again: loop {
            let smaller: Vec<History> = self.history.smaller().collect();
            for history in smaller {
                tries += 1;
                if tries > TRIES {
                    return self;
                }
                if let Err(failed) = self.crash_test.check_to(&history, self.depth)
                    && failed.rule().id == self.rule().id
                {
                    self = *failed;
                    continue 'again;
                }
            }
            return self;
        }
    }

    /// Draws the disk, and says what broke.
    fn failure(&self) -> Failure {
        let BrokenRule { rule, because, expected, got, function } = &self.broken;
        let failure = Failure::of(rule).because(because).expected(expected).got(got);
        let Some(moment) = self.moment else {
            let history = picture::told(&self.history.actions, None);
            return read(failure.picture(history), function, &self.history.actions);
        };
        let (disk, reached) = self.crash_test.run(&self.history, moment.operation);
        let cut = picture::Cut {
            actions: &self.history.actions,
            action: reached.action_of(moment.operation),
            operation: moment.operation,
            trouble: self.crash_test.trouble,
        };
        let mut lines = picture::told(&self.history.actions, Some(&cut));
        let mut way = self.crash_test.way(moment).unwrap_or_else(|| PowerCut::new(0, 1));
        let image = disk.after_power_cut(&mut way);
        let mut picture = Picture::of(&disk, &way, Some(moment.operation));
        if rule.id == "an_opening_is_durable" || moment.again.is_some() {
            // What counts is what the opening that followed did.
            let image =
                if self.crash_test.way(moment).is_some() { image } else { disk.after_kill() };
            let (probe, _) = self.crash_test.open_and_cut(&image, moment);
            way = match moment.again {
                Some(again) => PowerCut::new(self.crash_test.seed ^ again << 16, moment.way),
                None => PowerCut::worst(),
            };
            let _ = probe.after_power_cut(&mut way);
            picture = match self.crash_test.trouble {
                InjectedFault::Kill => Picture::of_killed(&disk, moment.operation, &probe, &way),
                InjectedFault::PowerCut { .. }
                | InjectedFault::PowerCutTwice { .. }
                | InjectedFault::Failure => Picture::of(&probe, &way, moment.again),
            };
            lines.push(match moment.again {
                Some(again) => {
                    format!("  then opened, and power failed again in operation {again}:")
                }
                None => "  then opened, and power failed again at once:".to_owned(),
            });
        }
        lines.extend(picture.lines());
        let acknowledged = reached.acknowledged_lsn();
        let said = acknowledged.map_or("nothing".to_owned(), |lsn| format!("up to LSN {lsn}"));
        lines.push(format!("  acknowledged  {said}"));
        let failure = failure.picture(lines);
        // What an opening did not make durable was written correctly, long before.
        let elsewhere = ["a_crash_is_no_rot", "found_is_what_once_was", "an_opening_is_durable"];
        match picture.decided(acknowledged).filter(|_| !elsewhere.contains(&rule.id)) {
            Some(place) => failure.your_line(place),
            None => read(failure, function, &self.history.actions),
        }
    }
}
