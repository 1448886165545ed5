//! `cargo run --release -p testbed --bin hunt NAME`: runs one of the explorer's hunts on the core that it
//! was built with. It prints the first broken rule, and the shortest script that breaks it.
//!
//! ```text
//!   hunt                    lists the names of all hunts
//!   hunt second_vote        explores, and prints the broken rule and a script, or that none breaks
//!   hunt --json second_vote prints the same as one line of JSON
//! ```

use serde_json::json;
use std::process::ExitCode;
use testbed::explore::hunt::{Catch, Hunt};

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args().skip(1).collect();
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let (name, print): (&str, fn(&str, &Catch)) = match words.as_slice() {
        [] => {
            Hunt::all().iter().for_each(|hunt| println!("{}", hunt.name));
            return ExitCode::SUCCESS;
        }
        ["--json", name] => (name, print_json),
        [name] => (name, print_words),
        [..] => {
            eprintln!("error: expected the name of one hunt, or --json and the name");
            return ExitCode::from(2);
        }
    };
    let Some(hunt) = Hunt::named(name) else {
        let names: Vec<_> = Hunt::all().iter().map(|hunt| hunt.name).collect();
        eprintln!("error: there is no hunt {name}; the hunts are {}", names.join(", "));
        return ExitCode::from(2);
    };
    match hunt.run() {
        Ok(caught) => {
            print(name, &caught);
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("error: {name}: {why}");
            ExitCode::from(2)
        }
    }
}

fn print_json(name: &str, caught: &Catch) {
    let Catch { walk, script } = caught;
    let violation = walk.violation.as_ref().map(|(violation, _)| violation);
    let line = json!({
        "hunt": name,
        "states": walk.states,
        "moves": walk.transitions,
        "rule": violation.map(|violation| violation.rule.id()),
        "text": violation.map(|violation| &violation.text),
        "script": script,
    });
    println!("{line}");
}

fn print_words(name: &str, caught: &Catch) {
    let Catch { walk, script } = caught;
    println!("# {name}: {} states by {} moves", walk.states, walk.transitions);
    match (&walk.violation, script) {
        (Some((violation, _)), Some(script)) => {
            println!("# {}: {}\n", violation.rule.id(), violation.text);
            script.iter().for_each(|command| println!("{command}\n"));
        }
        (Some(_), None) | (None, _) => println!("# no rule breaks within its bounds"),
    }
}
