//! The same run again: a trace holds what its cluster was made of and every input.
//!
//! ```text
//!   trace --> setup, inputs --> Recorder --> the same trace, byte for byte, if the code is the same
//! ```

use crate::trace::page::Trace;
use crate::trace::recorder::Recorder;
use std::fmt;

/// Why a trace cannot be played again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ReplayError {
    /// Its cluster cannot be made.
    Setup {
        /// Which node, and why.
        what: String,
    },
    /// The code of today takes another way: the step speaks of what is not there.
    Departed {
        /// Which step.
        step: u64,
        /// What is not there.
        what: String,
    },
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReplayError::Setup { what } => write!(f, "the cluster cannot be made again: {what}"),
            ReplayError::Departed { step, what } => {
                write!(f, "step {step} cannot happen again: {what}; has the code changed since?")
            }
        }
    }
}

impl std::error::Error for ReplayError {}

/// Plays a trace again with the code of this build.
///
/// # Errors
/// [`ReplayError`] where the trace cannot be followed.
///
/// # Panics
/// As [`Recorder::apply`], where a node panics at an input that it once answered.
pub fn replay(trace: &Trace) -> Result<Recorder, ReplayError> {
    let setup = trace.header.setup().map_err(|what| ReplayError::Setup { what })?;
    let mut again = Recorder::new(setup).titled(&trace.header.title, &trace.header.intro);
    if let Some(seed) = trace.header.seed {
        again = again.of_seed(seed);
    }
    if let Some(script) = &trace.header.script {
        again = again.of_script(script);
    }
    for moment in &trace.moments {
        again.stand_at(moment);
        let input = moment.input.input(again.cluster().network());
        let departed = |what| ReplayError::Departed { step: moment.step, what };
        again.apply(&input.map_err(departed)?);
    }
    again.end_as(trace.ending.as_ref());
    Ok(again)
}
