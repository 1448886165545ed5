//! The workflow: CI proves the suite of every open lab, so its matrix names the open labs and no
//! other.
//!
//! ```text
//!   labs/catalog/*.toml, open --.
//!                               '--> the same ids, or a fault
//!   .github/workflows/ci.yml  --'    lab: [1wa, 1wb, ..]
//! ```
//!
//! The file is read as text. Invariant: it holds exactly one line `lab: [..]`, with the ids.

use crate::course::Course;

/// The workflow's file.
pub const FILE: &str = ".github/workflows/ci.yml";

/// Compares the workflow of the course with its catalogue.
///
/// # Errors
/// The workflow cannot be read.
pub fn find(course: &Course) -> Result<Vec<String>, String> {
    let text =
        std::fs::read_to_string(course.root.join(FILE)).map_err(|why| format!("{FILE}: {why}"))?;
    let open: Vec<&str> = course.catalogue.open().map(|lab| lab.id.as_str()).collect();
    Ok(compare(&text, &open))
}

/// Returns how the matrix of a workflow differs from the labs that are open.
pub fn compare(workflow: &str, open: &[&str]) -> Vec<String> {
    let rows = workflow.lines().enumerate().filter_map(|(number, line)| {
        let ids = line.trim().strip_prefix("lab: [")?.strip_suffix(']')?;
        Some((number + 1, ids.split(',').map(str::trim).collect::<Vec<_>>()))
    });
    let rows: Vec<_> = rows.collect();
    let [(line, ids)] = rows.as_slice() else {
        return vec![format!("{FILE}: expected one line `lab: [..]`, found {}", rows.len())];
    };
    let missing = open.iter().filter(|id| !ids.contains(id)).map(|id| {
        format!(
            "{FILE}:{line}: lab {id} is open and not in the matrix. Write {id} into `lab: [..]`."
        )
    });
    let unknown = ids.iter().filter(|id| !open.contains(id)).map(|id| {
        format!("{FILE}:{line}: no open lab is called {id}. Take {id} out of `lab: [..]`.")
    });
    missing.chain(unknown).collect()
}
