//! A lab test, and what it gets when it runs.

use crate::failure::{Sweep, Verdict};
use crate::options::Seeds;
use crate::{Failure, current};

/// CPU time for one thing that a test does: over a hundred times what the reference needs.
const CPU_MS: u64 = 10_000;

/// One lab test.
#[derive(Clone, Copy)]
pub struct Test {
    pub(crate) name: &'static str,
    pub(crate) step: u32,
    pub(crate) effort: Effort,
    pub(crate) run: fn(&mut Check) -> Verdict,
}

/// How much CPU time one thing a test is doing, or one of its seeds, may take before it counts as a
/// loop without end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Effort {
    Fixed { cpu_ms: u64 },
    PerSeed { cpu_ms: u64 },
}

impl Test {
    /// A test of the lab's step `step`.
    pub const fn new(step: u32, name: &'static str, run: fn(&mut Check) -> Verdict) -> Self {
        Test { name, step, effort: Effort::Fixed { cpu_ms: CPU_MS }, run }
    }

    /// A test that runs seeds: see [`Check::sweep`].
    pub const fn simulation(step: u32, name: &'static str, run: fn(&mut Check) -> Verdict) -> Self {
        Test { name, step, effort: Effort::PerSeed { cpu_ms: CPU_MS }, run }
    }

    /// Sets the CPU time that may pass, in milliseconds, before the test says that it does something
    /// else ([`Check::doing`]), or runs another seed. A hundred times what the reference needs is
    /// right.
    #[must_use]
    pub const fn cpu_limit_ms(mut self, cpu_ms: u64) -> Self {
        self.effort = match self.effort {
            Effort::Fixed { .. } => Effort::Fixed { cpu_ms },
            Effort::PerSeed { .. } => Effort::PerSeed { cpu_ms },
        };
        self
    }

    /// Returns the CPU time that one thing it is doing may take.
    pub(crate) fn limit_ms(&self) -> u64 {
        match self.effort {
            Effort::Fixed { cpu_ms } | Effort::PerSeed { cpu_ms } => cpu_ms,
        }
    }

    /// Returns the CPU time that a correct run of this many seeds stays below.
    pub(crate) fn total_ms(&self, seeds: Seeds) -> u64 {
        match self.effort {
            Effort::Fixed { cpu_ms } => cpu_ms,
            Effort::PerSeed { cpu_ms } => cpu_ms.saturating_mul(seeds.len().saturating_add(1)),
        }
    }
}

/// What a test gets.
#[derive(Debug)]
pub struct Check {
    seeds: Seeds,
}

impl Check {
    pub(crate) fn new(seeds: Seeds) -> Self {
        Check { seeds }
    }

    /// Lists the seeds to run: never empty.
    pub fn seeds(&self) -> Vec<u64> {
        self.seeds.list()
    }

    /// Records what the test is about to do. A card about an endless loop or a stack overflow shows it.
    pub fn doing(&self, what: impl Into<String>) {
        current::doing(what.into());
    }

    /// Runs every seed. The first failure is explained (shrunk, drawn) and fails the test, once all seeds
    /// have run and the number that hold is known.
    ///
    /// # Errors
    /// The explained failure.
    pub fn sweep<E>(
        &mut self,
        mut run: impl FnMut(u64) -> Result<(), E>,
        explain: impl FnOnce(u64, E) -> Failure,
    ) -> Verdict {
        let mut first = None;
        let (mut held, mut ran) = (0, 0);
        for seed in self.seeds() {
            current::seed(Some(seed));
            ran += 1;
            match run(seed) {
                Ok(()) => held += 1,
                Err(why) => first = first.or(Some((seed, why))),
            }
        }
        let Some((seed, why)) = first else {
            current::seed(None);
            return Ok(());
        };
        current::seed(Some(seed));
        let mut failure = explain(seed, why);
        failure.sweep = Some(Sweep { seed, held, ran });
        failure.fail()
    }
}
