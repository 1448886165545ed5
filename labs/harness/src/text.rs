//! Plain text of a known width.
//!
//! Every character of a card takes one column: what would not (tabs, control characters, wide and
//! combining ones, which can only come from a student's prints) is replaced.

/// Returns how many columns a text takes.
pub fn width(text: &str) -> usize {
    text.chars().count()
}

/// Makes a text printable, on one line.
pub(crate) fn plain(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\t' | '\n' | '\r' => ' ',
            c if c.is_control() => '?',
            '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' => '?',
            '\u{1100}'..='\u{1fff}' | '\u{2e80}'..='\u{10ffff}' => '?',
            c => c,
        })
        .collect()
}

/// Cuts a text to a width; what was cut ends in `..`.
pub fn clip(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let kept: String = text.chars().take(columns.saturating_sub(2)).collect();
    format!("{kept}{}", ".".repeat(columns.min(2)))
}

/// Counts things: `1 node`, `3 nodes`. The word is one whose plural takes an s.
pub fn counted(count: impl Into<u64>, thing: &str) -> String {
    match count.into() {
        1 => format!("1 {thing}"),
        count => format!("{count} {thing}s"),
    }
}

/// Breaks a text into lines of at most `columns`; all but the first are indented by `indent`.
pub fn wrap(text: &str, columns: usize, indent: usize) -> Vec<String> {
    if !text.trim().is_empty() && width(text.trim()) <= columns {
        // Columns that the author aligned stay aligned.
        return vec![text.trim().to_owned()];
    }
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let word = clip(word, columns.saturating_sub(indent));
        if !line.trim_start().is_empty() && width(&line) + 1 + width(&word) > columns {
            lines.push(std::mem::replace(&mut line, " ".repeat(indent)));
        }
        if !line.trim_start().is_empty() {
            line.push(' ');
        }
        line.push_str(&word);
    }
    if !line.trim_start().is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_and_broken_to_their_width() {
        assert_eq!(clip("abcdef", 6), "abcdef");
        assert_eq!(clip("abcdefg", 6), "abcd..");
        assert_eq!((clip("abc", 1), clip("abc", 0)), (".".to_owned(), String::new()));
        assert_eq!(wrap("one two three four", 9, 2), ["one two", "  three", "  four"]);
        assert_eq!(wrap("abcdefghij klm", 6, 2), ["ab..", "  klm"]);
        assert_eq!(wrap("  ", 9, 2), Vec::<String>::new());
        assert_eq!(
            (counted(1_u64, "node"), counted(0_u64, "node")),
            ("1 node".into(), "0 nodes".into())
        );
        assert_eq!(plain("a\tb\u{1b}[31m\u{4e2d}é§·"), "a b?[31m?é§·");
    }
}
