//! `cargo labs` in the course's checkout.

use clap::{Parser, Subcommand};
use labs::bugs::Meets;
use labs::check::Part;
use labs::course::Course;
use labs::grade::{self, Whose};
use labs::{bugs, check, core_bugs, doctor, hunts, random, student, workspace};
use runner::command::Command;
use runner::place::{CourseFolder, SETTINGS};
use runner::trial::Ending;
use std::path::PathBuf;
use std::process::ExitCode;

/// The labs of Raftwright: make a workspace, grade it, prove the tests
///
/// To begin: cargo labs start ../my-raft. Without a command: the labs, or where you are.
#[derive(Parser)]
#[command(name = "cargo labs", bin_name = "cargo labs", version)]
struct DeskCommandLine {
    #[command(subcommand)]
    typed: Option<CourseCommand>,
}

#[derive(Subcommand)]
enum CourseCommand {
    /// Make a workspace: the course with functions left for you to write
    Start {
        /// A new folder, beside the course
        dir: PathBuf,
        /// The lab to begin with
        #[arg(long, default_value = runner::place::FIRST_LAB)]
        lab: String,
    },
    /// Open another lab in the workspace you are in
    Open {
        /// The lab, such as 2ab
        lab: String,
    },
    /// Put our own bodies in place of yours, which are kept
    Fill {
        /// 2aa, 3, 2aa.3, Core::decide_vote or decide_vote
        what: String,
    },
    /// Print our own body of a function, step or lab
    Reveal {
        /// Core::decide_vote, decide_vote, 3 or 2aa
        what: String,
    },
    /// Cut functions again; what you wrote is kept under .labs/kept
    Reset {
        /// A function, step or lab; the current step if left out
        what: Option<String>,
    },
    /// Count the points of a workspace, or of the reference
    ///
    /// Only raft/src and storage/src are taken from a student's folder; all else is the course's own.
    Grade {
        /// A student's folder; in a workspace: this one; else the reference
        dir: Option<PathBuf>,
        /// For programs: points, of, labs[] with their tests[]
        #[arg(long)]
        json: bool,
        /// How many seeds each simulation runs
        #[arg(long, value_name = "N")]
        seeds: Option<u64>,
        /// Grade what a student starts with; it must be worth nothing
        #[arg(long, conflicts_with = "dir")]
        skeleton: bool,
        /// Only these labs; else those opened in the folder, or all
        #[arg(long, value_name = "LAB", value_delimiter = ',')]
        lab: Vec<String>,
    },
    /// Prove the tests: every bug is killed, every correct variant lives
    ///
    /// Every bug of labs/bugs dies by the test it names, with the rule it names; every
    /// test kills some bug; every variant of labs/variants earns full marks in its lab
    /// and in those that build upon it. A bug meets its killer, and whatever tests are
    /// no bug's killer by name. It counts in how many the card names the edited function:
    /// first, in a list of three, or not. With --explore the test bed's explorer walks instead: it
    /// finds every bug that names a hunt, by the way that its story tells. --core takes the bugs of
    /// what no lab has yet.
    #[command(verbatim_doc_comment)]
    Bugs {
        /// Let the explorer find the bugs that name a hunt, and compare with their stories
        #[arg(long, conflicts_with_all = ["json", "matrix", "seeds", "blame"])]
        explore: bool,
        /// The bugs of what no lab has yet (labs/core-bugs), by tests of the core, the store and the test bed
        #[arg(long, conflicts_with_all = ["json", "matrix", "seeds", "blame", "random", "lab"])]
        core: bool,
        /// For programs: killed, of, bugs[], variants[]
        #[arg(long)]
        json: bool,
        /// Run each bug's killer only, and list the bugs whose card does not name the edited function
        #[arg(long, conflicts_with = "matrix")]
        blame: bool,
        /// Let every bug meet every test, and show which fails with which; this takes longer
        #[arg(long, conflicts_with = "json")]
        matrix: bool,
        /// Draw N mistakes in the functions of each lab, and show which no test notices
        #[arg(long, value_name = "N", conflicts_with_all = ["explore", "json", "blame", "matrix", "seeds"])]
        random: Option<usize>,
        /// The number from which the mistakes are drawn
        #[arg(long, value_name = "S", requires = "random", default_value_t = 1)]
        draw: u64,
        /// How many seeds each simulation runs
        #[arg(long, value_name = "N")]
        seeds: Option<u64>,
        /// Only the tests of these labs
        #[arg(long, value_name = "LAB", value_delimiter = ',')]
        lab: Vec<String>,
    },
    /// Check all that must hold before the course is handed out; never writes
    Check {
        /// Only these parts
        #[arg(long, value_name = "PART", value_delimiter = ',', conflicts_with = "skip")]
        only: Vec<Part>,
        /// All parts but these: `tests`, say, when `cargo test` has just passed
        #[arg(long, value_name = "PART", value_delimiter = ',')]
        skip: Vec<Part>,
        /// Leaks, skeleton and closure of these labs only
        #[arg(long, value_name = "LAB", value_delimiter = ',')]
        lab: Vec<String>,
    },
    /// Write what can be written without thinking: formatting
    Fix,
    /// Look for what on this machine may keep the labs from running
    Doctor,
    #[command(flatten)]
    Here(Command),
}

fn main() -> ExitCode {
    match run(DeskCommandLine::parse()) {
        Ok(code) => code,
        Err(why) => {
            runner::screen::refuse(&why);
            ExitCode::from(2)
        }
    }
}

fn run(line: DeskCommandLine) -> Result<ExitCode, String> {
    let here =
        std::env::current_dir().map_err(|e| format!("the current folder cannot be found: {e}"))?;
    let course = Course::find(&here)?;
    // Outside any workspace the desk uses the course; a workspace that cannot be read is an error.
    let inside = here.ancestors().any(|folder| folder.join(SETTINGS).is_file());
    let place = match CourseFolder::find(&here) {
        Ok(place) => place,
        Err(why) if inside => return Err(why),
        Err(_) => CourseFolder { root: course.root.clone(), settings: None },
    };
    let Some(typed) = line.typed else {
        runner::here::tell(&place)?;
        return Ok(ExitCode::SUCCESS);
    };
    match typed {
        CourseCommand::Start { dir, lab } => workspace::start(&course, &dir, &lab, &here)?,
        CourseCommand::Open { lab } => student::open(&course, &place, &lab)?,
        CourseCommand::Fill { what } => student::fill(&course, &place, &what)?,
        CourseCommand::Reveal { what } => student::reveal(&course, &place, &what)?,
        CourseCommand::Reset { what } => student::reset(&course, &place, what.as_deref())?,
        CourseCommand::Grade { dir, json, seeds, skeleton, lab } => {
            let root = dir.map(|dir| here.join(dir));
            let root = root.or_else(|| place.settings.as_ref().map(|_| place.root.clone()));
            let whose = match (&root, skeleton) {
                (_, true) => Whose::Skeleton,
                (Some(root), false) => Whose::Student(root),
                (None, false) => Whose::Reference,
            };
            let labs = grade::labs(&course, &whose, &lab)?;
            let grade = grade::grade(&course, &whose, &labs, seeds)?;
            let whole = |path: &PathBuf| path.canonicalize().ok();
            let own =
                place.settings.is_some() && root.as_ref().map(whole) == Some(whole(&place.root));
            if own && !skeleton {
                grade::remember(&place, &grade)?;
            }
            if json {
                let text = serde_json::to_string_pretty(&grade).map_err(|e| e.to_string())?;
                anstream::println!("{text}");
            } else {
                grade::print(&course, &grade);
            }
            let wrong = whose == Whose::Reference && grade.points != grade.of;
            return Ok(ExitCode::from(u8::from(wrong)));
        }
        CourseCommand::Bugs { explore: true, core, lab, .. } => {
            let hunted = match core {
                true => core_bugs::hunted(&course)?,
                false => hunts::of_labs(&course, &course.labs(&lab)?)?,
            };
            let found = hunts::prove(&course, &hunted)?;
            hunts::print(&found);
            let wrong = found.iter().any(|hunted| hunted.fault.is_some());
            return Ok(ExitCode::from(u8::from(wrong)));
        }
        CourseCommand::Bugs { core: true, .. } => {
            let all_die = core_bugs::prove(&course)?;
            return Ok(ExitCode::from(u8::from(!all_die)));
        }
        CourseCommand::Bugs { random: Some(count), draw, lab, .. } => {
            let enough = random::prove(&course, &course.labs(&lab)?, count, draw)?;
            return Ok(ExitCode::from(u8::from(!enough)));
        }
        CourseCommand::Bugs { explore: false, json, blame, matrix, seeds, lab, .. } => {
            let meets = match (blame, matrix) {
                (true, _) => Meets::OnlyKiller,
                (false, true) => Meets::Everyone,
                (false, false) => Meets::Killer,
            };
            let proof = bugs::prove(&course, &course.labs(&lab)?, meets, seeds)?;
            if json {
                let text = serde_json::to_string_pretty(&proof).map_err(|e| e.to_string())?;
                anstream::println!("{text}");
            } else {
                bugs::table::print(&proof);
            }
            if blame && !json {
                bugs::table::not_named(&proof);
            }
            if matrix {
                bugs::table::matrix(&course, &proof);
            }
            return Ok(ExitCode::from(u8::from(!proof.faults.is_empty())));
        }
        CourseCommand::Check { only, skip, lab } => {
            let holds = check::check(&course, &check::parts(&only, &skip), &course.labs(&lab)?)?;
            return Ok(ExitCode::from(u8::from(!holds)));
        }
        CourseCommand::Fix => check::fix(&course)?,
        CourseCommand::Doctor => {
            let well = doctor::examine(&course)?;
            return Ok(ExitCode::from(u8::from(!well)));
        }
        CourseCommand::Here(command) => {
            return command.perform(&place).map(|ending| match ending {
                Ending::Green => ExitCode::SUCCESS,
                Ending::Red => ExitCode::FAILURE,
            });
        }
    }
    Ok(ExitCode::SUCCESS)
}
