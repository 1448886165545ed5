//! What a power cut does to each sector: keeps it, loses it, or tears it; and a record of that.
//!
//! ```text
//!   way 0  loses all it can          3  loses the names, and keeps the bytes
//!       1  loses nothing             4  loses the first write of each file, and keeps the later ones
//!       2  loses the bytes, and      5  .. random: some sectors are kept, some lost, some torn,
//!          keeps the names              some names are kept
//! ```

use crate::random::Stream;
use storage::{Fate, Fates, Sector};

/// How many ways there are before the random ones.
pub const PLAIN_WAYS: u64 = 5;

/// One way to lose power, and what it did.
#[derive(Debug)]
pub struct PowerCut {
    number: u64,
    luck: Stream,
    /// How many of a thousand sectors are torn; of the others, how many are kept; and names.
    torn: u64,
    kept: u64,
    names: u64,
    /// What happened to each sector, in the order in which the disk asked.
    pub sectors: Vec<(Sector, Fate)>,
    /// Whether each change of a name was kept, in the order in which they were made.
    pub kept_names: Vec<bool>,
}

impl PowerCut {
    /// Returns a way to lose power. `seed` is for the random ones.
    pub fn new(seed: u64, number: u64) -> PowerCut {
        let mut luck = Stream::new(seed ^ number.rotate_left(32), "power cut");
        let (torn, kept, names) = match number {
            0 => (0, 0, 0),
            1 => (0, 1000, 1000),
            2 => (0, 0, 1000),
            3 => (0, 1000, 0),
            4 => (0, 1000, 1000),
            _ => (luck.below(500), luck.below(1001), 500),
        };
        PowerCut { number, luck, torn, kept, names, sectors: Vec::new(), kept_names: Vec::new() }
    }

    /// Returns the way that loses all that is not durable.
    pub fn worst() -> PowerCut {
        PowerCut::new(0, 0)
    }

    /// Returns the way that loses the first pending write of each file, and keeps all else.
    pub fn first_write_lost() -> PowerCut {
        PowerCut::new(0, 4)
    }
}

impl Fates for PowerCut {
    fn sector(&mut self, sector: Sector) -> Fate {
        let fate = if self.luck.chance(self.torn) {
            let with = if self.luck.chance(500) { 0 } else { self.luck.below(256) as u8 };
            Fate::Torn { with }
        } else if self.number == 4 && sector.write == 0 {
            Fate::Lost
        } else if self.luck.chance(self.kept) {
            Fate::Kept
        } else {
            Fate::Lost
        };
        self.sectors.push((sector, fate));
        fate
    }

    fn keeps_name(&mut self) -> bool {
        let is_kept = self.luck.chance(self.names);
        self.kept_names.push(is_kept);
        is_kept
    }
}
