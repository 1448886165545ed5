//! A story that a panic ended: in a function that is not written yet, or in a wrong one.
//!
//! ```text
//!   todo!("lab 2aa step 5: Core::decide_vote")   --> one friendly line
//!   any other panic                              --> its message, and its line
//! ```

use crate::screen;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Mutex;
use testbed::trace::recorder::words_of;
use testbed::trace::{Kind, Line};

/// What a panic said, and where.
#[derive(Clone, Debug)]
pub(crate) struct Halt {
    said: String,
    at: Option<String>,
}

/// The beginning of a `todo!` message of our holes.
const HOLE: &str = "not yet implemented: lab ";

/// Runs something that may panic. Reports a panic only by what it returns.
pub(crate) fn watch<T>(act: impl FnOnce() -> T) -> Result<T, Halt> {
    static HEARD: Mutex<Option<Halt>> = Mutex::new(None);
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(|info| {
        let said = words_of(info.payload());
        let at = info.location().map(|at| format!("{}:{}", at.file(), at.line()));
        if let Ok(mut heard) = HEARD.lock() {
            // The first panic counts: it is passed on, and the hook may run again.
            heard.get_or_insert(Halt { said, at });
        }
    }));
    let result = catch_unwind(AssertUnwindSafe(act));
    std::panic::set_hook(usual);
    result.map_err(|_| {
        let heard = HEARD.lock().ok().and_then(|mut heard| heard.take());
        heard.unwrap_or(Halt { said: "nothing".to_string(), at: None })
    })
}

impl Halt {
    /// Returns the lab, the step and the function, if this is one that is not written yet.
    fn hole(&self) -> Option<(&str, &str)> {
        self.said.strip_prefix(HOLE)?.split_once(": ")
    }

    /// Says why the story ends here.
    pub(crate) fn last_words(&self) -> Vec<Line> {
        let at = self.at.as_deref().unwrap_or("an unknown line");
        let mut lines = vec![Line::blank()];
        lines.extend(match self.hole() {
            Some((step, function)) => {
                let text = format!(
                    "Here your part begins: {function} is not written yet (lab {step}, {at})."
                );
                screen::caption(&text)
            }
            None => {
                let text = format!("Here the code stopped, at {at}: {}", self.said);
                Line::wrapped(Kind::Broken, 0, &text)
            }
        });
        lines
    }

    /// Returns how the program ends: a function still to be written is no failure.
    pub(crate) fn exit_code(&self) -> ExitCode {
        if self.hole().is_some() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
