//! What a power cut does to each sector: nothing, everything, whatever is drawn, or all of it in turn.

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

/// Counts through everything that a power cut may do, as an odometer does:
///
/// ```text
///   sector  sector  name      kept, lost, torn of a sector; kept, lost of a name
///     0       0      0        the first turn keeps all, and sees which wheels there are
///     0       0      1
///     0       1      0 ..
/// ```
#[derive(Debug, Default)]
pub(crate) struct Odometer {
    /// Where each wheel stands, and how many places it has.
    wheels: Vec<(u64, u64)>,
    /// The wheel that is asked next.
    next: usize,
}

impl Odometer {
    /// Returns how many turns there are; known after the first.
    pub(crate) fn turns(&self) -> u64 {
        self.wheels.iter().fold(1, |turns, (_, places)| turns.saturating_mul(*places))
    }

    /// Goes on to the next turn, if there is one.
    pub(crate) fn advance(&mut self) -> bool {
        self.next = 0;
        for (stands, places) in self.wheels.iter_mut().rev() {
            *stands = (*stands + 1) % *places;
            if *stands > 0 {
                return true;
            }
        }
        false
    }

    /// Reads the next wheel.
    fn read(&mut self, places: u64) -> u64 {
        if self.next == self.wheels.len() {
            self.wheels.push((0, places));
        }
        self.next += 1;
        self.wheels[self.next - 1].0
    }
}

impl Fates for Odometer {
    fn sector(&mut self, _: Sector) -> Fate {
        match self.read(3) {
            0 => Fate::Kept,
            1 => Fate::Lost,
            _ => Fate::Torn { with: 0xa5 },
        }
    }

    fn keeps_name(&mut self) -> bool {
        self.read(2) == 0
    }
}
