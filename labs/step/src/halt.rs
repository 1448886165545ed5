//! A story that a panic ended: a function that is not written yet, or one that went wrong.
//!
//! ```text
//!   todo!("lab 2aa step 5: Core::decide_vote")   --> one friendly line
//!   any other panic                              --> what it said, and at which line
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

/// How `todo!` begins what it says, and how our holes go on.
const HOLE: &str = "not yet implemented: lab ";

/// Runs something that may panic, and tells nothing of the panic but what it returns.
pub(crate) fn watch<T>(act: impl FnOnce() -> T) -> Result<T, Halt> {
    static HEARD: Mutex<Option<Halt>> = Mutex::new(None);
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(|info| {
        let said = words_of(info.payload());
        let at = info.location().map(|at| format!("{}:{}", at.file(), at.line()));
        if let Ok(mut heard) = HEARD.lock() {
            // The first word counts: a panic is passed on, and may be heard again.
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
