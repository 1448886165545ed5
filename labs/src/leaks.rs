//! Leaks: no file that students get may contain a reference body, in any layout.

use crate::copy::Files;
use crate::course::Course;
use crate::cutter;
use runner::catalogue::Lab;

/// Bodies shorter than this, without spaces, prove nothing: `{RoleChange::none()}` may be anywhere.
const SHORTEST: usize = 24;

/// Returns every place where the body of a hole is in the files of a workspace that begins with
/// `lab`. The bodies of the labs that it builds upon are meant to be there.
///
/// # Errors
/// A hole cannot be found in the reference.
pub fn find(course: &Course, lab: &Lab, files: &Files) -> Result<Vec<String>, String> {
    let mut bodies = Vec::new();
    for (of, _, hole) in course.catalogue.holes() {
        if course.catalogue.builds_on(lab, &of.id) {
            continue;
        }
        let source = course.reference.get(&hole.file);
        let source = source.ok_or_else(|| format!("there is no {}", hole.file))?;
        let body = squeeze(&source[cutter::body(source, &hole.path)?]);
        // Without its braces: a hand-out would quote what is between them.
        let inside = body.trim_start_matches('{').trim_end_matches('}').to_owned();
        if inside.len() >= SHORTEST {
            bodies.push((hole, inside));
        }
    }
    let mut leaks = Vec::new();
    for (name, bytes) in files {
        let text = squeeze(&String::from_utf8_lossy(bytes));
        for (hole, body) in &bodies {
            if text.contains(body.as_str()) {
                leaks.push(format!("{name} shows the body of {}", hole.path));
            }
        }
    }
    Ok(leaks)
}

/// Takes out what layout adds: white space, and the comments' slashes.
fn squeeze(text: &str) -> String {
    let lines = text.lines().map(|line| line.trim_start().trim_start_matches("//"));
    lines.flat_map(str::chars).filter(|c| !c.is_whitespace()).collect()
}
