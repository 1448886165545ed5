//! Judges a history: could its operations have happened one at a time?
//!
//! ```text
//!   cargo run -p testbed --features fleet --example linear -- FILE
//! ```
//!
//! `testbed::linear::text` says what a file looks like. If it could not, the few operations that show it are
//! drawn, and the program ends with 1.

use std::error::Error;
use testbed::linear::{Appends, Judgement, Limits, check, draw, explain, minimise, text};

fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::args().nth(1).ok_or("expected the file of a history")?;
    let read = std::fs::read_to_string(&file).map_err(|error| format!("{file}: {error}"))?;
    let history = text::parse(&read).map_err(|error| format!("{file}: {error}"))?;
    let limits = Limits::default();
    let checked = check(&Appends, &history, &limits);
    println!(
        "{} operations: {:?}, after {} steps",
        history.len(),
        checked.judgement,
        checked.steps
    );
    if checked.judgement == Judgement::Illegal {
        let fewest = minimise(&Appends, &history, &limits);
        let why = explain(&Appends, &fewest, &limits);
        println!("{}", draw(&Appends, &fewest, why.as_ref(), &[]));
    }
    if checked.judgement != Judgement::Linearizable {
        std::process::exit(1);
    }
    Ok(())
}
