//! Whether a sweep showed anything: a cluster that does nothing breaks no rule.
//!
//! ```text
//!   17 of 20 runs committed something     the sweep shows something
//!    3 of 20 runs                         it shows nothing: the test fails, and says so
//! ```
//!
//! The threshold is low on purpose. Under some mixes of faults no cluster gets far, and a correct design
//! may be slower than ours. A cluster that does nothing is far below the threshold.

use crate::failure::{Failure, Verdict};

/// With this many runs, it is no accident if almost none of them counts.
const RUNS_THAT_COUNT: u64 = 20;

/// One run of this many must count.
const ONE_IN: u64 = 4;

/// How many runs of a sweep count.
#[derive(Clone, Copy, Default, Debug)]
pub struct Coverage {
    ran: u64,
    busy: u64,
    idle: Option<u64>,
}

impl Coverage {
    /// Counts the run of a seed. Returns its number in the sweep, from 1.
    pub fn count(&mut self, seed: u64, came_to_something: bool) -> u64 {
        self.ran += 1;
        if came_to_something {
            self.busy += 1;
        } else {
            self.idle.get_or_insert(seed);
        }
        self.ran
    }

    /// Fails if too few runs count. `explain` gets a sentence about how many did, and the first seed that
    /// did not.
    pub fn judge(
        self,
        happened: &str,
        explain: impl FnOnce(String, Option<u64>) -> Failure,
    ) -> Verdict {
        let Coverage { ran, busy, idle } = self;
        if ran < RUNS_THAT_COUNT || busy * ONE_IN >= ran {
            return Ok(());
        }
        let failure = explain(format!("{happened} in {busy} of {ran} runs"), idle);
        let expected = format!("in 1 of {ONE_IN} runs or more");
        failure.expected(expected).got(format!("in {busy} of {ran}")).fail()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Rule;

    const SHOWS: Rule = Rule::new("coverage", "A RUN SHOWS SOMETHING", "", "");

    fn judged(busy: u64, ran: u64) -> Verdict {
        let mut coverage = Coverage::default();
        for seed in 0..ran {
            assert_eq!(coverage.count(seed, seed < busy), seed + 1);
        }
        coverage.judge("somebody led", |because, idle| {
            assert_eq!(idle, Some(busy));
            Failure::of(&SHOWS).because(because)
        })
    }

    #[test]
    fn one_run_in_four_is_enough_and_fewer_are_not() {
        assert!(judged(5, 20).is_ok());
        assert!(judged(4, 20).is_err());
        assert!(judged(0, 400).is_err());
    }

    #[test]
    fn a_few_runs_prove_nothing() {
        assert!(judged(0, 19).is_ok());
    }
}
