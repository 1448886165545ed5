//! The page of a failing test, in the browser: what `replay --open` and `o` in `watch` open.
//!
//! ```text
//!   a desktop         --> the system's opener (xdg-open, open, start)
//!   no desktop        --> why not; the card names the page: it can be copied to where a browser is
//!   no terminal       --> nothing: nobody is looking
//! ```

use crate::pager;
use crate::place::CourseFolder;
use std::io::IsTerminal;
use std::path::Path;

/// Opens the page of a test; or tells the story of its trace, where no browser can be started.
///
/// # Errors
/// There is neither, or the story cannot be told.
pub fn open(place: &CourseFolder, page: Option<&Path>, trace: Option<&Path>) -> Result<(), String> {
    if let Some(page) = page.filter(|_| std::io::stdout().is_terminal()) {
        match show(page) {
            Ok(()) => {
                let near = page.strip_prefix(&place.root).unwrap_or(page).display();
                anstream::println!("  opened  {near}");
                return Ok(());
            }
            Err(why) => anstream::println!("  ({why})"),
        }
    }
    match (trace, page) {
        (Some(trace), _) => pager::open(place, trace),
        (None, Some(_)) => Ok(()),
        (None, None) => Err("No page of it is kept: the card is all there is.".to_owned()),
    }
}

/// Asks the system to show a file. Returns why it cannot.
fn show(page: &Path) -> Result<(), String> {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if !has_desktop(cfg!(all(unix, not(target_os = "macos"))), is_set) {
        return Err("the page is not opened: there is no desktop here".to_owned());
    }
    open::that_detached(page)
        .map_err(|why| format!("the page is not opened, for no browser can be started: {why}"))
}

/// Returns whether there is somebody to show a window to. Where nobody is, the opener may start a browser
/// for text in this very terminal.
fn has_desktop(needs_a_display: bool, is_set: impl Fn(&str) -> bool) -> bool {
    !needs_a_display || ["DISPLAY", "WAYLAND_DISPLAY", "BROWSER"].into_iter().any(is_set)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_opened_where_there_is_a_desktop() {
        assert!(has_desktop(false, |_| false), "macOS and Windows need no display");
        assert!(!has_desktop(true, |_| false), "a machine that one logs in to");
        assert!(has_desktop(true, |name| name == "WAYLAND_DISPLAY"));
    }

    #[test]
    fn where_nothing_is_kept_that_is_said() {
        let place = CourseFolder { root: "/nowhere".into(), settings: None };
        let why = open(&place, None, None).unwrap_err();
        assert_eq!(why, "No page of it is kept: the card is all there is.");
    }
}
