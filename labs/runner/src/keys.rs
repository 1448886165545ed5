//! The keys of `labs watch`: a letter, then Enter.
//!
//! ```text
//!   h  a hint             n  the next card of the last run     o  the page of the card on the screen
//!   r  run again          q  quit                              anything else: what there is
//! ```
//!
//! Whole lines are read, so that Ctrl-C works as ever, and a pipe can type. A line is read only when one
//! is asked for: while the pager is open, what is typed is the pager's.

use std::io::{BufRead, BufReader, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// The longest line that is read, in bytes.
const LINE_BYTES_MAX: u64 = 1_000;

/// What was typed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Key {
    /// A hint.
    Hint,
    /// The next card of the last run.
    NextCard,
    /// The page of the card that was shown last.
    Open,
    /// Run again.
    Run,
    /// Quit.
    Quit,
    /// Something else.
    Unknown,
}

/// What the keys do, in one line.
pub const HELP: &str = "h hint, n next card, o its page, r run again, q quit; then Enter";

impl Key {
    /// Reads a line: a key, or its word.
    fn of(line: &str) -> Self {
        match line.trim().to_ascii_lowercase().as_str() {
            "h" | "hint" => Key::Hint,
            "n" | "next" => Key::NextCard,
            "o" | "open" => Key::Open,
            "r" | "run" => Key::Run,
            "q" | "quit" | "exit" => Key::Quit,
            _ => Key::Unknown,
        }
    }
}

/// A keyboard.
pub struct Keys {
    wanted: Sender<()>,
    typed: Receiver<String>,
    /// Whether a line is being read.
    reads: bool,
}

impl Keys {
    /// Reads from this input, in a thread of its own: nothing else can wait for a line and for a saved
    /// file at once. Where the input ends, no key comes any more.
    pub fn of(input: impl Read + Send + 'static) -> Self {
        let (wanted, asks) = channel();
        let (answers, typed) = channel();
        std::thread::spawn(move || {
            let mut input = BufReader::new(input);
            for () in asks {
                let mut line = Vec::new();
                match input.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line) {
                    Ok(0) | Err(_) => return,
                    Ok(_) => {
                        let _ended = answers.send(String::from_utf8_lossy(&line).into_owned());
                    }
                }
            }
        });
        Keys { wanted, typed, reads: false }
    }

    /// Waits this long for a key.
    pub fn wait(&mut self, pause: Duration) -> Option<Key> {
        if !self.reads {
            // The thread may have ended: then no key comes.
            self.reads = self.wanted.send(()).is_ok();
        }
        match self.typed.recv_timeout(pause) {
            Ok(line) => {
                self.reads = false;
                Some(Key::of(&line))
            }
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => {
                std::thread::sleep(pause);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(20);

    #[test]
    fn a_letter_or_its_word_is_a_key() {
        let mut keys = Keys::of(&b"h\nNEXT\n o \nr\n\nhelp me\nq"[..]);
        let wanted =
            [Key::Hint, Key::NextCard, Key::Open, Key::Run, Key::Unknown, Key::Unknown, Key::Quit];
        for key in wanted {
            assert_eq!(keys.wait(SOON), Some(key));
        }
        assert_eq!(keys.wait(Duration::ZERO), None, "the end of the input is no key");
        assert_eq!(keys.wait(Duration::ZERO), None);
    }

    #[test]
    fn a_line_without_end_is_cut() {
        let mut keys = Keys::of(std::io::repeat(b'x'));
        assert_eq!(keys.wait(SOON), Some(Key::Unknown));
    }
}
