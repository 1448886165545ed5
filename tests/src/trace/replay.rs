//! Replay: a trace holds the setup of its cluster and every input, so it can be run again.
//!
//! ```text
//!   trace --> setup, inputs --> Recorder --> the same trace, byte for byte, if the code is the same
//! ```

use crate::trace::format::Trace;
use crate::trace::recorder::Recorder;
use std::fmt;

/// Why a trace cannot be replayed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ReplayError {
    /// Its cluster cannot be made.
    Setup {
        /// Which node, and why.
        what: String,
    },
    /// The code behaves differently now: the step names a message that is not in flight.
    Departed {
        /// Which step.
        step: u64,
        /// The message.
        what: String,
    },
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReplayError::Setup { what } => write!(f, "the cluster cannot be made again: {what}"),
            ReplayError::Departed { step, what } => {
                write!(f, "step {step} cannot be replayed: {what}; has the code changed since?")
            }
        }
    }
}

impl std::error::Error for ReplayError {}

/// Replays a trace with the code of this build.
///
/// # Errors
/// [`ReplayError`] if the setup or a step cannot be repeated.
///
/// # Panics
/// As [`Recorder::apply`], if a node panics now.
pub fn replay(trace: &Trace) -> Result<Recorder, ReplayError> {
    let setup = trace.header.setup().map_err(|what| ReplayError::Setup { what })?;
    let mut again = Recorder::new(setup).titled(&trace.header.title, &trace.header.intro);
    if let Some(seed) = trace.header.seed {
        again = again.of_seed(seed);
    }
    if let Some(script) = &trace.header.script {
        again = again.of_script(script);
    }
    for step in &trace.steps {
        again.stand_at(step);
        let now = again.apply(&step.input);
        // The input took a message from the network then, and finds none now.
        if now.gone.is_empty() && !step.gone.is_empty() {
            let what = now.refused.unwrap_or_default();
            return Err(ReplayError::Departed { step: step.step, what });
        }
    }
    again.end_as(trace.footer.as_ref());
    Ok(again)
}
