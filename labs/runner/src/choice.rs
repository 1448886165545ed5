//! What a student means by `2aa`, `5`, `2aa.5` or `aa_single_node`.

use crate::catalogue::{Catalogue, Hole, Lab, Status, Step};
use crate::nearest::{list, nearest, unknown};
use crate::screen::hang;
use std::collections::BTreeSet;

/// A part of one lab.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Choice<'a> {
    /// All of it.
    Lab(&'a Lab),
    /// One step.
    Step(&'a Lab, &'a Step),
    /// One test.
    Test(&'a Lab, &'a Step, &'a str),
}

impl<'a> Choice<'a> {
    /// Understands what was typed; a bare step number is of lab `current`.
    ///
    /// # Errors
    /// Nothing is called so: the nearest name is offered.
    pub fn of(typed: &str, catalogue: &'a Catalogue, current: &str) -> Result<Self, String> {
        if let Some(lab) = catalogue.lab(typed) {
            return open(lab).map(Choice::Lab);
        }
        if let Some((lab, step, test)) = catalogue.test(typed) {
            return Ok(Choice::Test(lab, step, &test.name));
        }
        let (id, number) = typed.split_once(['.', '/', ':']).unwrap_or((current, typed));
        let number = number.strip_prefix("step").unwrap_or(number).trim_start_matches(['-', ' ']);
        if let (Some(lab), Ok(number)) = (catalogue.lab(id), number.parse::<u32>()) {
            let lab = open(lab)?;
            return match lab.step(number) {
                Some(step) => Ok(Choice::Step(lab, step)),
                None => Err(format!("lab {id} has steps 1 to {}, not {number}", lab.steps.len())),
            };
        }
        let labs: Vec<_> = catalogue.labs.iter().map(|lab| lab.id.as_str()).collect();
        let tests = catalogue.labs.iter().flat_map(Lab::tests);
        let tests: Vec<_> = tests.map(|test| test.name.as_str()).collect();
        let kind = "lab, step or test";
        if nearest(typed, labs.iter().copied().chain(tests.iter().copied())).is_some() {
            return Err(unknown(kind, typed, labs.into_iter().chain(tests)));
        }
        let mut said = vec![unknown(kind, typed, labs)];
        if let Some(lab) = catalogue.lab(current) {
            let (last, id) = (lab.steps.len(), &lab.id);
            said.push(format!("  steps of lab {id}: 1 to {last}, or {id}.1 to {id}.{last}"));
            let names: Vec<_> = lab.tests().map(|t| t.name.as_str()).collect();
            said.push(hang(&format!("  tests of lab {id}: "), &list(&names)));
        }
        Err(said.join("\n"))
    }

    /// Returns the lab it is part of.
    pub fn lab(&self) -> &'a Lab {
        match self {
            Choice::Lab(lab) | Choice::Step(lab, _) | Choice::Test(lab, _, _) => lab,
        }
    }

    /// Returns the names of its tests.
    pub fn tests(&self) -> BTreeSet<String> {
        match self {
            Choice::Lab(lab) => lab.tests().map(|t| t.name.clone()).collect(),
            Choice::Step(_, step) => step.tests.iter().map(|t| t.name.clone()).collect(),
            Choice::Test(_, _, test) => BTreeSet::from([(*test).to_owned()]),
        }
    }
}

/// The functions that a name means, each with its lab and step.
pub type NamedHoles<'a> = Vec<(&'a Lab, &'a Step, &'a Hole)>;

/// Returns the functions with this path or name that students can work on. So a function of a lab that is
/// still to come makes no name mean two.
///
/// # Errors
/// The name means a lab that is still to come, a step of it, or only functions of such labs.
pub fn functions<'a>(typed: &str, catalogue: &'a Catalogue) -> Result<NamedHoles<'a>, String> {
    let (id, _) = typed.split_once(['.', '/', ':']).unwrap_or((typed, ""));
    if let Some(lab) = catalogue.lab(id) {
        open(lab)?;
    }
    let by_name = |hole: &Hole| hole.path == typed || hole.path.rsplit("::").next() == Some(typed);
    let named = catalogue.holes().filter(|(_, _, hole)| by_name(hole));
    let (named, later): (NamedHoles<'_>, NamedHoles<'_>) =
        named.partition(|(lab, _, _)| lab.status == Status::Open);
    match later.first() {
        Some((Lab { id, title, .. }, _, hole)) if named.is_empty() => {
            let path = &hole.path;
            Err(format!("{path} is of lab {id} ({title}), which is still to come"))
        }
        Some(_) | None => Ok(named),
    }
}

/// Returns the lab if students can work on it.
///
/// # Errors
/// It is still to come.
pub fn open(lab: &Lab) -> Result<&Lab, String> {
    match lab.status {
        Status::Open => Ok(lab),
        Status::Later => {
            Err(format!("lab {} ({}) is still to come: it cannot be opened yet", lab.id, lab.title))
        }
    }
}
