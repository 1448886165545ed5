//! How output is formatted: in columns, in quotes, in hexadecimal.
//!
//! ```text
//!   table      group  entries  keys        numbers right-aligned, names left-aligned
//!              g7      12..=40     2
//!   quoted     "n2"  "\x00\xff"..          control characters of a payload never reach the terminal
//!   hexdump    4160  68 65 6c 6c 6f 00 00 00                            hello...
//! ```

use std::fmt::Display;
use std::io::{self, Write};

/// How many bytes of a payload are quoted at most.
const QUOTED_BYTES: usize = 24;

/// The text for a segment that was removed and has reappeared.
pub(super) const BACK: &str = "not part of the log: it was removed, and has reappeared";

/// How a cell is aligned in its column.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Side {
    Left,
    Right,
}

/// Writes rows under a header row, in columns that fit their widest cell. The rows are produced
/// twice, first to measure them, so that none has to be kept in memory.
pub(super) fn table<const N: usize>(
    out: &mut dyn Write,
    head: [(&str, Side); N],
    rows: impl Iterator<Item = [String; N]> + Clone,
) -> io::Result<()> {
    let mut widths = head.map(|(name, _)| name.len());
    for row in rows.clone() {
        for (width, cell) in widths.iter_mut().zip(&row) {
            *width = (*width).max(cell.len());
        }
    }
    let sides = head.map(|(_, side)| side);
    line(out, &head.map(|(name, _)| name.to_owned()), &sides, &widths)?;
    for row in rows {
        line(out, &row, &sides, &widths)?;
    }
    Ok(())
}

/// Writes one row.
fn line(out: &mut dyn Write, cells: &[String], sides: &[Side], widths: &[usize]) -> io::Result<()> {
    let mut text = String::new();
    for ((cell, side), width) in cells.iter().zip(sides).zip(widths) {
        text += &match side {
            Side::Left => format!("{cell:<width$}  "),
            Side::Right => format!("{cell:>width$}  "),
        };
    }
    writeln!(out, "{}", text.trim_end())
}

/// Returns bytes in quotes, with control characters escaped; only the first [`QUOTED_BYTES`].
pub(super) fn quoted(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(QUOTED_BYTES)];
    let more = if shown.len() < bytes.len() { ".." } else { "" };
    format!("\"{}\"{more}", shown.escape_ascii())
}

/// Returns the text of a value, with control characters escaped, so that none reaches the terminal.
pub(super) fn plain(text: impl Display) -> String {
    let mut shown = String::new();
    for character in text.to_string().chars() {
        if character.is_control() {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Returns a number and its noun: `1 frame`, `2 frames`, `3 entries`.
pub(super) fn count(number: u64, what: &str) -> String {
    match (number, what.strip_suffix('y').filter(|_| what != "key")) {
        (1, _) => format!("1 {what}"),
        (_, Some(stem)) => format!("{number} {stem}ies"),
        (_, None) => format!("{number} {what}s"),
    }
}

/// Returns a range of numbers: `7`, `7..=9`.
pub(super) fn range(first: impl Display + PartialEq, last: impl Display + PartialEq) -> String {
    let (first, last) = (first.to_string(), last.to_string());
    if first == last { first } else { format!("{first}..={last}") }
}

/// Writes bytes in hexadecimal, 16 to a line. Each line starts with its offset in the file.
pub(super) fn hexdump(out: &mut dyn Write, offset: u32, bytes: &[u8]) -> io::Result<()> {
    for (n, part) in bytes.chunks(16).enumerate() {
        let mut hex = String::new();
        for (n, byte) in part.iter().enumerate() {
            let gap = if n == 8 { "  " } else { " " };
            hex += &format!("{gap}{byte:02x}");
        }
        let text: String = part
            .iter()
            .map(|byte| if byte.is_ascii_graphic() || *byte == b' ' { *byte as char } else { '.' })
            .collect();
        writeln!(out, "  {:>10} {hex:<50} {}", offset as usize + 16 * n, text.trim_end())?;
    }
    Ok(())
}
