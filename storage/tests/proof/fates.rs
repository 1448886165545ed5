//! What a power cut does to each sector: nothing, everything, or whatever is drawn.

use rand::rngs::ChaCha8Rng;
use rand::{Rng, RngExt, SeedableRng};
use storage::{Fate, Fates, Sector};

/// Draws.
pub(crate) struct Drawn {
    rng: ChaCha8Rng,
    kept: f64,
    torn: f64,
    names: f64,
}

impl Drawn {
    /// Returns the `sample`th way to lose power: first all of it, then none, then as it is drawn.
    pub(crate) fn new(seed: u64, sample: u64) -> Drawn {
        let mut rng = ChaCha8Rng::seed_from_u64(seed ^ sample.rotate_left(32));
        let (kept, torn, names) = match sample {
            0 => (0.0, 0.0, 0.0),
            1 => (1.0, 0.0, 1.0),
            2 => (0.0, 0.0, 1.0),
            3 => (1.0, 0.0, 0.0),
            _ => (rng.random(), rng.random_range(0.0..0.5), 0.5),
        };
        Drawn { rng, kept, torn, names }
    }
}

impl Fates for Drawn {
    fn sector(&mut self, _: Sector) -> Fate {
        if self.rng.random_bool(self.torn) {
            return Fate::Torn {
                with: if self.rng.random() { 0 } else { self.rng.next_u32() as u8 },
            };
        }
        if self.rng.random_bool(self.kept) { Fate::Kept } else { Fate::Lost }
    }

    fn keeps_name(&mut self) -> bool {
        self.rng.random_bool(self.names)
    }
}
