//! What the desk does in a student's workspace: open, fill, reset, reveal.
//!
//! ```text
//!   student's body --reset--> todo!(...)      kept under .labs/kept/001-Core.decide_vote.rs
//!                  --fill---> our own body    kept likewise
//! ```
//!
//! Only the bodies that were named change: private functions, fields and imports that a student
//! added stay where they are. The old text of a body is never lost.

use crate::course::Course;
use crate::cutter;
use runner::catalogue::{Catalogue, Hole, Lab, Step, marker};
use runner::choice::{Choice, NamedHoles, functions};
use runner::nearest::{nearest, unknown};
use runner::place::{CourseFolder, Settings, replace_file};
use runner::progress::Progress;
use runner::screen::{BOLD, count, hang, narrow, paint};
use std::collections::BTreeMap;
use std::path::Path;

/// New bodies by path.
type NewBodies<'a> = Vec<(&'a str, String)>;

/// Returns the holes of a lab, a step or one function.
///
/// # Errors
/// Nothing is called so, or its lab is still to come.
pub fn holes<'a>(
    catalogue: &'a Catalogue,
    typed: &str,
    lab: &str,
) -> Result<NamedHoles<'a>, String> {
    let named = functions(typed, catalogue)?;
    if let [_] = named[..] {
        return Ok(named);
    }
    let chosen: NamedHoles<'_> = match Choice::of(typed, catalogue, lab) {
        Ok(Choice::Lab(lab)) => catalogue.holes().filter(|(l, _, _)| l.id == lab.id).collect(),
        Ok(Choice::Step(lab, step)) => step.holes.iter().map(|hole| (lab, step, hole)).collect(),
        Ok(Choice::Test(lab, step, _)) => step.holes.iter().map(|h| (lab, step, h)).collect(),
        Err(_) => {
            let paths = catalogue.open_holes().map(|(_, _, hole)| hole.path.as_str());
            let labs = catalogue.labs.iter().map(|lab| lab.id.as_str());
            let kind = "function, step or lab";
            let all: Vec<_> = paths.chain(labs.clone()).collect();
            if nearest(typed, all.iter().copied()).is_some() {
                return Err(unknown(kind, typed, all));
            }
            // Nothing is near: then what there is in this lab, and its steps.
            let of_lab = catalogue.holes().filter(|(of, _, _)| of.id == lab);
            let own: Vec<_> = of_lab.map(|(_, _, hole)| hole.path.as_str()).collect();
            let steps = catalogue.lab(lab).map_or(0, |lab| lab.steps.len());
            return Err([
                unknown(kind, typed, labs),
                format!("  steps of lab {lab}: 1 to {steps}"),
                hang(&format!("  functions of lab {lab}: "), &own.join(", ")),
            ]
            .join("\n"));
        }
    };
    if chosen.is_empty() {
        return Err(format!("{typed} has no function to write"));
    }
    Ok(chosen)
}

/// Returns the workspace's settings.
///
/// # Errors
/// This is the course's checkout, or a workspace of another version of it.
pub fn settings<'a>(place: &'a CourseFolder, course: &Course) -> Result<&'a Settings, String> {
    let settings = place.settings.as_ref().ok_or(
        "this is the course's own checkout, whose bodies are all there.\nType it in a workspace; \
         to make one: cargo labs start ../my-raft",
    )?;
    if settings.version != course.version {
        return Err(format!(
            "this workspace was cut from course version {}, and the course is {} by now: nothing \
             was touched.\nCheck that version out there, or start a new workspace.",
            settings.version, course.version
        ));
    }
    Ok(settings)
}

/// Opens a lab in a workspace, or goes back to one that is open: the functions of its current step
/// wait to be written. What the student wrote for other labs stays.
///
/// # Errors
/// It is still to come, here or in the course, or the workspace cannot be written.
pub fn open(course: &Course, place: &CourseFolder, id: &str) -> Result<(), String> {
    settings(place, course)?;
    let known = runner::choice::open(course.lab(id)?)?;
    // The workspace's own suites are what will test it: so its own catalogue says what it is.
    let catalogue = place.catalogue()?;
    let lab = catalogue.lab(id).and_then(|lab| runner::choice::open(lab).ok()).ok_or_else(|| {
        hang(
            "",
            &format!(
                "lab {id} ({}) was still to come when this workspace was made: nothing was touched. \
                 A new workspace has it: cargo labs start DIR",
                known.title
            ),
        )
    })?;
    let mut place = place.clone();
    let mut fresh = false;
    if let Some(settings) = &mut place.settings {
        lab.id.clone_into(&mut settings.lab);
        if !settings.open.contains(&lab.id) {
            settings.open.push(lab.id.clone());
            fresh = true;
        }
    }
    let number = Progress::read(&place).0.lab(&lab.id).step;
    for step in lab.steps.iter().filter(|step| step.number <= number) {
        runner::source::open_step(&place, lab, step)?;
    }
    place.save()?;
    let said = if fresh { "is open now" } else { "was open already: here it goes on" };
    anstream::println!("lab {} {said}.", lab.id);
    for below in catalogue.open().filter(|other| catalogue.builds_on(lab, &other.id)) {
        let left = unwritten(&place, below);
        if left > 0 {
            let left = count(left, "function");
            let what = format!(
                "It builds upon lab {}, which still lacks {left}. To take ours: cargo labs fill {}",
                below.id, below.id
            );
            anstream::println!("{}", hang("  ", &what));
        }
    }
    runner::here::tell(&place)
}

/// Counts the functions of a lab that wait to be written.
fn unwritten(place: &CourseFolder, lab: &Lab) -> u64 {
    let holes = lab.steps.iter().flat_map(|step| step.holes.iter().map(move |hole| (step, hole)));
    let left = holes.filter(|(step, hole)| runner::source::spot(place, lab, step, hole).unwritten);
    left.count() as u64
}

/// Puts our own bodies into the holes that a name means.
///
/// # Errors
/// A file of the student does not parse or lacks a function: nothing is changed then.
pub fn fill(course: &Course, place: &CourseFolder, typed: &str) -> Result<(), String> {
    let lab = settings(place, course)?.lab.clone();
    let chosen = holes(&course.catalogue, typed, &lab)?;
    let bodies = chosen.iter().map(|(_, _, hole)| {
        let source = &course.reference[&hole.file];
        let range = cutter::body(source, &hole.path).map_err(|e| format!("{}: {e}", hole.file))?;
        Ok::<_, String>(source[range].to_owned())
    });
    let bodies = bodies.collect::<Result<Vec<_>, _>>()?;
    let put = put(place, &chosen, |number, _, _| bodies[number].clone())?;
    anstream::println!("{}", put.said("filled", "with our own", "our own already"));
    anstream::println!("do this:  cargo labs test");
    Ok(())
}

/// Cuts the holes that a name means; the current step if absent. Of several steps only the
/// first waits to be written: functions of the others that have an inert body get it back, as when
/// the lab was opened.
///
/// # Errors
/// As [`fill`]; or the lab was not opened.
pub fn reset(course: &Course, place: &CourseFolder, typed: Option<&str>) -> Result<(), String> {
    let id = settings(place, course)?.lab.clone();
    let (mut progress, _) = Progress::read(place);
    let current = progress.lab(&id).step.to_string();
    let chosen = holes(&course.catalogue, typed.unwrap_or(&current), &id)?;
    chosen.iter().try_for_each(|(lab, _, _)| place.opened(lab))?;
    let first = chosen.iter().map(|(_, step, _)| step.number).min().unwrap_or(1);
    let put = put(place, &chosen, |number, source, range| {
        let (lab, step, hole) = chosen[number];
        match &hole.before {
            Some(before) if step.number > first => before.clone(),
            Some(_) | None => cutter::one_line(source, range, &marker(lab, step, hole)),
        }
    })?;
    for (lab, step, _) in &chosen {
        let here = progress.lab_mut(&lab.id);
        here.step = here.step.min(step.number);
        if step.number > first {
            here.opened.remove(&step.number);
        }
        let from_here = lab.steps.iter().filter(|s| s.number >= step.number);
        for test in from_here.flat_map(|s| &s.tests) {
            here.passed.remove(&test.name);
        }
    }
    progress.save(place)?;
    anstream::println!("{}", put.said("cut", "again", "as handed out already"));
    anstream::println!("do this:  cargo labs");
    Ok(())
}

/// Prints our own bodies of the holes that a name means.
///
/// # Errors
/// Nothing is called so.
pub fn reveal(course: &Course, place: &CourseFolder, typed: &str) -> Result<(), String> {
    let id = &runner::here::lab(place, &course.catalogue)?.id;
    for (_, _, hole) in holes(&course.catalogue, typed, id)? {
        let source = &course.reference[&hole.file];
        let range = cutter::whole(source, &hole.path).map_err(|e| format!("{}: {e}", hole.file))?;
        let start = source[..range.start].rfind('\n').map_or(0, |n| n + 1);
        let line = source[..range.start].matches('\n').count() + 1;
        anstream::println!("{}", paint(BOLD, &format!("{}  {}:{line}", hole.path, hole.file)));
        anstream::println!("{}\n", narrow(&source[start..range.end]));
    }
    Ok(())
}

/// What came of putting bodies in place.
struct Put {
    changed: Vec<String>,
    alike: Vec<String>,
    kept: Vec<String>,
}

impl Put {
    /// Returns what is said of it: what changed and where the old is kept, and what was so before.
    fn said(&self, done: &str, how: &str, already: &str) -> String {
        let number = |names: &[String]| match names {
            [one] => one.clone(),
            more => count(more.len() as u64, "function"),
        };
        let mut said = Vec::new();
        if !self.changed.is_empty() {
            said.push(format!("{done} {} {how}.", number(&self.changed)));
        }
        if !self.alike.is_empty() {
            let verb = if self.alike.len() == 1 { "is" } else { "are" };
            said.push(format!("{} {verb} {already}.", number(&self.alike)));
        }
        if !self.kept.is_empty() {
            let names = self.kept.join(", ");
            said.push(format!("The old text is kept in .labs/kept: {names}."));
        }
        if self.changed.is_empty() {
            said.push("Nothing changed.".to_owned());
        }
        hang("", &said.join(" "))
    }
}

/// Puts new bodies in place in all files or in none, and keeps the old ones.
fn put(
    place: &CourseFolder,
    holes: &[(&Lab, &Step, &Hole)],
    new: impl Fn(usize, &str, &std::ops::Range<usize>) -> String,
) -> Result<Put, String> {
    let mut files: BTreeMap<&str, (String, NewBodies<'_>)> = BTreeMap::new();
    let mut old = Vec::new();
    let (mut changed, mut alike) = (Vec::new(), Vec::new());
    for (number, (lab, step, hole)) in holes.iter().enumerate() {
        if !files.contains_key(hole.file.as_str()) {
            let text = std::fs::read_to_string(place.root.join(&hole.file))
                .map_err(|e| format!("{}: {e}", hole.file))?;
            files.insert(&hole.file, (text, Vec::new()));
        }
        let (text, bodies) = files.get_mut(hole.file.as_str()).expect("inserted above");
        let range = cutter::body(text, &hole.path)
            .map_err(|e| format!("{}: {e}. Nothing was changed.", hole.file))?;
        let body = text[range.clone()].to_owned();
        let worthless =
            body.contains(&marker(lab, step, hole)) || hole.before.as_ref() == Some(&body);
        let fresh = new(number, text, &range);
        if body == fresh {
            alike.push(hole.path.clone());
            continue;
        }
        changed.push(hole.path.clone());
        if !worthless {
            old.push((hole.path.as_str(), body));
        }
        bodies.push((hole.path.as_str(), fresh));
    }
    let kept = keep(&place.memory().join("kept"), &old)?;
    for (file, (text, bodies)) in files.into_iter().filter(|(_, (_, new))| !new.is_empty()) {
        let text = cutter::replace(&text, &bodies).map_err(|e| format!("{file}: {e}"))?;
        replace_file(&place.root.join(file), &text)?;
    }
    Ok(Put { changed, alike, kept })
}

/// Writes bodies to files of their own and returns their names.
fn keep(folder: &Path, bodies: &[(&str, String)]) -> Result<Vec<String>, String> {
    if bodies.is_empty() {
        return Ok(Vec::new());
    }
    std::fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut next = std::fs::read_dir(folder).map(Iterator::count).unwrap_or(0) + 1;
    let mut names = Vec::new();
    for (path, body) in bodies {
        let name = loop {
            let name = format!("{next:03}-{}.rs", path.replace("::", "."));
            next += 1;
            if !folder.join(&name).exists() {
                break name;
            }
        };
        std::fs::write(folder.join(&name), format!("// {path}\n{body}\n"))
            .map_err(|e| format!("{name}: {e}. Nothing was changed."))?;
        names.push(name);
    }
    Ok(names)
}
