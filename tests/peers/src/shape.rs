//! What is measured, and the goals.
//!
//! ```text
//!   load         entries, reads, or entries while one node needs a snapshot again and again
//!   voters       3, 5 or 7
//!   payload      16 or 256 bytes an entry
//!   outstanding  how many proposals, or reads, are on their way at any time: 1 or 64
//!   mode         how proposals reach the leader's log and leave it
//!   window       how many appends may be in flight to one peer: 1, 256 or 4,096
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

/// What the nodes are asked to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Load {
    /// To commit entries.
    Entries,
    /// To say at which index a linearizable read may be served.
    Reads,
    /// To commit entries, while the last node is cut off for every other eight of them, and the log is
    /// compacted meanwhile: each time it comes back, it needs a snapshot.
    Snapshots,
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
}

/// One line of the report.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Shape {
    /// What the nodes are asked to do.
    pub(crate) load: Load,
    /// How many nodes there are; all of them vote.
    pub(crate) voters: u64,
    /// Bytes of each entry.
    pub(crate) payload_bytes: usize,
    /// How many proposals or reads are on their way at any time.
    pub(crate) outstanding: u64,
    /// How proposals are handled, on both sides.
    pub(crate) mode: Mode,
    /// How many appends may be in flight to one peer.
    pub(crate) window: usize,
    /// How many times the peer's speed ours should reach.
    pub(crate) goal: f64,
}

impl Shape {
    /// Appends that may be in flight to one peer, where nothing else is said.
    const WINDOW: usize = 256;

    /// Returns every shape that is measured. With one proposal outstanding the modes are the same.
    pub(crate) fn all() -> Vec<Shape> {
        let mut shapes = Vec::new();
        for payload_bytes in [16, 256] {
            let of_size = |shape| Shape { payload_bytes, ..shape };
            shapes.push(of_size(Shape::entries(1, Mode::Separate)));
            shapes.extend(Mode::ALL.map(|mode| of_size(Shape::entries(64, mode))));
        }
        for voters in [5, 7] {
            let of_group = |shape| Shape { voters, ..shape };
            shapes.push(of_group(Shape::entries(1, Mode::Separate)));
            shapes.push(of_group(Shape::entries(64, Mode::Separate)));
            shapes.push(of_group(Shape::entries(64, Mode::BatchAppend)));
        }
        for window in [1, 4096] {
            let through = |mode| Shape { window, ..Shape::entries(64, mode) };
            shapes.extend([Mode::Separate, Mode::BatchAppend].map(through));
        }
        for voters in [3, 5, 7] {
            let reads = |outstanding| Shape {
                load: Load::Reads,
                voters,
                goal: 2.0,
                ..Shape::entries(outstanding, Mode::Separate)
            };
            shapes.extend([1, 64].map(reads));
        }
        for outstanding in [1, 64] {
            let entries = Shape::entries(outstanding, Mode::Separate);
            shapes.push(Shape { load: Load::Snapshots, ..entries });
        }
        shapes
    }

    /// Returns the usual shape: three nodes that commit small entries.
    fn entries(outstanding: u64, mode: Mode) -> Shape {
        let goal = if outstanding == 1 { 2.0 } else { 3.0 };
        let (load, voters, payload_bytes, window) = (Load::Entries, 3, 16, Shape::WINDOW);
        Shape { load, voters, payload_bytes, outstanding, mode, window, goal }
    }

    /// Returns whether it is one of those in which the modes are compared with each other.
    pub(crate) fn compares_modes(&self) -> bool {
        (self.load, self.voters, self.window) == (Load::Entries, 3, Shape::WINDOW)
            && self.outstanding > 1
    }

    /// Returns its name in reports.
    pub(crate) fn name(&self) -> String {
        let mode = self.mode.name();
        match self.load {
            Load::Entries if self.window == Shape::WINDOW => mode.to_string(),
            Load::Entries => format!("{mode}, window {}", self.window),
            Load::Reads => "reads".to_string(),
            Load::Snapshots => "snapshots".to_string(),
        }
    }

    /// Returns how many entries are applied between two times that storage drops what is old.
    pub(crate) fn compact_every(&self) -> u64 {
        if self.load == Load::Snapshots { 4 } else { 16_384 }
    }

    /// Returns how many applied entries are left in storage then.
    pub(crate) fn keep_behind(&self) -> u64 {
        if self.load == Load::Snapshots { 1 } else { 1_024 }
    }
}
