//! `labs bugs --explore`: the explorer of the test bed finds bugs, and each way there is a story.
//!
//! ```text
//!   RE05 is live --> hunt second_vote --> one_vote_per_term, and its commands
//!                                          |                   '-- those that scripts/found/second_vote.txt
//!                                          '-- what the bug says         begins with
//! ```
//!
//! One build holds every bug that names a hunt; a process walks with each, on the whole core. In the
//! story the same commands are played by the core as it is, and show what saves it.

use crate::changes::{Bug, Changes, Edit, Hunt};
use crate::closure::built_one;
use crate::copy;
use crate::course::Course;
use crate::weave::{Arms, CHANGE, REACHED};
use runner::catalogue::Lab;
use runner::place::lines;
use runner::screen::{BOLD, GREEN, Landmark, RED, Ticker, clip, hang, paint};
use runner::suite::Program;
use serde::Deserialize;
use std::path::Path;
use std::process::Command;

/// A bug that the explorer is to find.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Quarry {
    /// Its id.
    pub id: String,
    /// What it gets wrong.
    pub title: String,
    /// How it is to be found.
    pub hunt: Hunt,
    /// The edits.
    pub edits: Vec<Edit>,
}

/// What became of one hunt.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hunted {
    /// The bug.
    pub id: String,
    /// What it gets wrong.
    pub title: String,
    /// How it is to be found.
    pub hunt: Hunt,
    /// How many states the walk saw until then.
    pub states: u64,
    /// What is not as it should be.
    pub fault: Option<String>,
}

/// What the hunter says.
#[derive(Deserialize)]
struct HuntReport {
    states: u64,
    rule: Option<String>,
    script: Option<Vec<String>>,
}

/// Returns the bugs of these labs that name a hunt.
///
/// # Errors
/// The changes have mistakes.
pub fn of_labs(course: &Course, labs: &[&Lab]) -> Result<Vec<Quarry>, String> {
    let changes = Changes::read(course).map_err(|found| lines(&found))?;
    let named = changes.bugs.into_iter().filter(|bug| labs.iter().any(|lab| lab.id == bug.lab));
    let quarry =
        |Bug { id, title, hunt, edits, .. }| Some(Quarry { id, title, hunt: hunt?, edits });
    Ok(named.filter_map(quarry).collect())
}

/// Lets the explorer look for bugs.
///
/// # Errors
/// A bug has a mistake, or the explorer cannot be built or run.
pub fn prove(course: &Course, hunted: &[Quarry]) -> Result<Vec<Hunted>, String> {
    let mut arms = Arms::default();
    for (index, bug) in hunted.iter().enumerate() {
        arms.change(index + 1, &course.reference, &bug.edits)
            .map_err(|e| format!("{}: {e}", bug.id))?;
    }
    let root = course.scratch("hunts");
    let sources = arms.weave(&course.reference)?;
    copy::write(&root, &copy::plan(course, &sources, &root)?)?;
    let hunter = built_one(course, &root, Program::Hunter)?.program;
    let mut ticker = Ticker::default();
    let mut found = Vec::new();
    for (index, bug) in hunted.iter().enumerate() {
        let hunt = &bug.hunt;
        let (number, of) = (index + 1, hunted.len());
        ticker.show(&format!("hunts: {number}/{of} {}", bug.id), Landmark::Yes);
        let reached = root.join("target").join(format!("reached-{number}"));
        let said = walk(&hunter, number, hunt, &reached);
        let story = std::fs::read_to_string(course.root.join(hunt.file()))
            .map_err(|e| format!("{}: {e}", hunt.file()))?;
        let (states, fault) = match said {
            Ok(report) => (report.states, fault(&report, hunt, &commands(&story))),
            Err(why) => (0, Some(why)),
        };
        let unseen = || Some("was never run".to_owned()).filter(|_| !reached.exists());
        let (id, title, hunt) = (bug.id.clone(), bug.title.clone(), (*hunt).clone());
        found.push(Hunted { id, title, hunt, states, fault: fault.or_else(unseen) });
    }
    ticker.clear();
    Ok(found)
}

/// Lets the hunter walk with one bug live.
fn walk(hunter: &Path, number: usize, hunt: &Hunt, reached: &Path) -> Result<HuntReport, String> {
    let folder = reached.parent().expect("it lies in a folder");
    std::fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let _absent = std::fs::remove_file(reached);
    let said = Command::new(hunter)
        .args(["--json", &hunt.story])
        .env(CHANGE, number.to_string())
        .env(REACHED, reached)
        .output()
        .map_err(|e| format!("{} cannot be started: {e}", hunter.display()))?;
    let errors = String::from_utf8_lossy(&said.stderr);
    serde_json::from_slice(&said.stdout)
        .map_err(|_| format!("the hunt {} ended without a report:\n{errors}", hunt.story))
}

/// Returns what is wrong with what the hunter said.
fn fault(report: &HuntReport, hunt: &Hunt, story: &[String]) -> Option<String> {
    let (Some(rule), Some(script)) = (&report.rule, &report.script) else {
        return Some(format!("is not found within {} states", report.states));
    };
    if *rule != hunt.breaks {
        return Some(format!("breaks {rule}, expected {}\n{}", hunt.breaks, script.join("\n")));
    }
    let told = story.len() >= script.len() && story[..script.len()] == script[..];
    (!told).then(|| {
        let file = hunt.file();
        format!("is found by another way than {file} begins with:\n{}", script.join("\n"))
    })
}

/// Returns the commands of a story: what is no comment and no output. Output is below `----`, up
/// to the next empty line.
fn commands(story: &str) -> Vec<String> {
    let mut is_output = false;
    let mut commands = Vec::new();
    for line in story.lines() {
        if line == "----" {
            is_output = true;
        } else if line.is_empty() {
            is_output = false;
        } else if !is_output && !line.starts_with('#') {
            commands.push(line.to_owned());
        }
    }
    commands
}

/// Prints what became of the hunts.
pub fn print(found: &[Hunted]) {
    for Hunted { id, title, hunt, states, fault } in found {
        let (style, mark) = if fault.is_none() { (GREEN, "+") } else { (RED, "x") };
        anstream::println!("{}", paint(style, &clip(&format!("  {mark} {id:<6} {title}"))));
        match fault {
            None => {
                let what = format!("breaks {} after {states} states", hunt.breaks);
                anstream::println!("           {what}: found/{}.txt", hunt.story);
            }
            Some(fault) => fault.lines().for_each(|line| {
                anstream::println!("{}", hang("           ", line));
            }),
        }
    }
    let well = found.iter().filter(|hunted| hunted.fault.is_none()).count();
    let sum = format!("{well} of {} bugs found by the explorer", found.len());
    anstream::println!("{}", paint(BOLD, &sum));
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORY: &str = "# Title\n#\n# Why.\n\nadd-nodes 3\n----\nn1\n\n# caption\ncampaign 1\n";

    fn report(rule: Option<&str>, script: &[&str]) -> HuntReport {
        let script = rule.map(|_| script.iter().map(|line| (*line).to_owned()).collect());
        HuntReport { states: 7, rule: rule.map(str::to_owned), script }
    }

    #[test]
    fn a_story_may_go_on_behind_the_way_and_not_beside_it() {
        let hunt = Hunt { story: "s".into(), breaks: "r".into() };
        let story = commands(STORY);
        assert_eq!(story, ["add-nodes 3", "campaign 1"]);
        let faults = |said: &HuntReport| fault(said, &hunt, &story).unwrap_or_default();
        assert_eq!(faults(&report(Some("r"), &["add-nodes 3"])), "");
        assert_eq!(faults(&report(Some("r"), &["add-nodes 3", "campaign 1"])), "");
        assert!(faults(&report(Some("r"), &["add-nodes 3", "campaign 2"])).contains("another way"));
        assert!(
            faults(&report(Some("r"), &["add-nodes 3", "campaign 1", "tick 1"])).contains("tick")
        );
        assert!(faults(&report(Some("q"), &["add-nodes 3"])).starts_with("breaks q, expected r"));
        assert!(faults(&report(None, &[])).contains("not found within 7 states"));
    }
}
