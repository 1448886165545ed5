//! The text beside the lanes: cut to the room that there is, and written as XML.
//!
//! ```text
//!   n1 learns that n2 holds its log up to 1 (was 0); streams to n2 fr…       the sign that it was cut
//! ```
//!
//! The letters of a browser are not known here, so widths are those of the widest fonts that
//! `diagram.css` names: a text never runs out of the picture.

/// A headline that is too long goes on in the line below, where nothing else is: behind its last colon
/// that fits, or else behind its last word.
pub(super) fn in_two(headline: &str, room: usize) -> (&str, String) {
    let fits = fit(headline, room, width_in_code);
    if fits == headline {
        return (headline, String::new());
    }
    let kept = fits.trim_end_matches('…');
    let at = kept.rfind(": ").map(|at| at + 1).or_else(|| kept.rfind(' '));
    match at {
        Some(at) => (&headline[..at], headline[at..].trim_start().to_string()),
        None => (headline, String::new()),
    }
}

/// Cuts a text to a width in pixels, with a sign that it was cut.
pub(super) fn fit(text: &str, room: usize, width_of: fn(char) -> usize) -> String {
    let room = room * 10;
    if text.chars().map(width_of).sum::<usize>() <= room {
        return text.to_string();
    }
    let mut left = room - width_of('…');
    let fits = text.chars().take_while(|&c| {
        let width = width_of(c);
        let fits = width <= left;
        left = left.saturating_sub(width);
        fits
    });
    fits.chain(['…']).collect()
}

/// How wide a letter of a headline is, in tenths of a pixel: of DejaVu Sans Mono, the widest of the fonts
/// that `diagram.css` names. What it lacks comes from another font.
pub(super) fn width_in_code(c: char) -> usize {
    if c.is_ascii() || c == '…' { 70 } else { 120 }
}

/// How wide a letter of an outcome is, in tenths of a pixel: of DejaVu Sans.
pub(super) fn width_in_prose(c: char) -> usize {
    match c {
        'i' | 'j' | 'l' | '\'' | '|' => 41,
        ' ' | '.' | ',' | ':' | ';' | '-' | '(' | ')' | '[' | ']' | '!' | '/' | 'f' | 'r' | 't' => {
            50
        }
        'm' | 'w' | 'M' | 'W' => 120,
        'a'..='z' | '0'..='9' => 77,
        'A'..='Z' => 95,
        _ => 121,
    }
}

/// Returns a text as XML writes it. A character that XML cannot have is shown as a middle dot.
pub(in crate::page) fn escaped(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => written.push_str("&amp;"),
            '<' => written.push_str("&lt;"),
            '>' => written.push_str("&gt;"),
            '"' => written.push_str("&quot;"),
            '\'' => written.push_str("&#39;"),
            '\u{2028}' | '\u{2029}' | '\u{fffe}' | '\u{ffff}' => written.push('·'),
            c if c.is_control() => written.push('·'),
            c => written.push(c),
        }
    }
    written
}
