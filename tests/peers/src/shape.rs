//! What is measured, and the goals.
//!
//! ```text
//!   payload      16 or 256 bytes an entry
//!   outstanding  how many proposals are on their way at any time: 1 or 64
//!   mode         how they reach the leader's log and leave it
//! ```

/// How proposals that are due together are handled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    /// One call of `propose` each, with default settings.
    Separate,
    /// One call of `propose` each, with `batch_append`: appends are built when a Ready is taken.
    BatchAppend,
    /// All of them in one proposal.
    Together,
}

impl Mode {
    /// Every mode.
    pub(crate) const ALL: [Mode; 3] = [Mode::Separate, Mode::BatchAppend, Mode::Together];

    /// Returns its name in reports.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Mode::Separate => "separate",
            Mode::BatchAppend => "batch_append",
            Mode::Together => "one proposal",
        }
    }

    /// Returns how many times the peer's entries per CPU second ours should reach.
    fn goal(self, outstanding: u64) -> f64 {
        match self {
            _ if outstanding == 1 => 2.0,
            Mode::Separate | Mode::BatchAppend => 3.0,
            Mode::Together => 1.0,
        }
    }
}

/// One line of the report.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Shape {
    /// Bytes of each entry.
    pub(crate) payload_bytes: usize,
    /// How many proposals are on their way at any time.
    pub(crate) outstanding: u64,
    /// How they are handled, on both sides.
    pub(crate) mode: Mode,
    /// How many times the peer's speed ours should reach.
    pub(crate) goal: f64,
}

impl Shape {
    /// Returns every shape that is measured. With one proposal outstanding the modes are the same.
    pub(crate) fn all() -> Vec<Shape> {
        let mut shapes = Vec::new();
        for payload_bytes in [16, 256] {
            let shape = |outstanding, mode: Mode| {
                let goal = mode.goal(outstanding);
                Shape { payload_bytes, outstanding, mode, goal }
            };
            shapes.push(shape(1, Mode::Separate));
            shapes.extend(Mode::ALL.map(|mode| shape(64, mode)));
        }
        shapes
    }
}
