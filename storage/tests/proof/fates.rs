//! What a power cut does to each sector: loses none, loses all, a drawn choice, or every choice in turn.

use rand::rngs::ChaCha8Rng;
use rand::{Rng, RngExt, SeedableRng};
use storage::{Fate, Fates, Sector};

/// Draws the fate of each sector and name.
pub(crate) struct Drawn {
    rng: ChaCha8Rng,
    kept: f64,
    torn: f64,
    names: f64,
}

impl Drawn {
    /// Returns outcome number `sample` of a power cut: 0 loses everything, 1 nothing, 2 all sectors, 3 all
    /// names; the others are drawn.
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

/// Loses the first pending write, and keeps the others.
pub(crate) struct FirstWriteIsLost;

impl Fates for FirstWriteIsLost {
    fn sector(&mut self, sector: Sector) -> Fate {
        if sector.write == 0 { Fate::Lost } else { Fate::Kept }
    }

    fn keeps_name(&mut self) -> bool {
        true
    }
}

/// Counts through every outcome of a power cut, as an odometer does:
///
/// ```text
///   sector  sector  name      kept, lost, torn of a sector; kept, lost of a name
///     0       0      0        the first turn keeps all, and sees which wheels there are
///     0       0      1
///     0       1      0 ..
/// ```
#[derive(Debug, Default)]
pub(crate) struct Odometer {
    /// The position of each wheel, and how many positions it has.
    wheels: Vec<(u64, u64)>,
    /// The wheel that is read next.
    next: usize,
}

impl Odometer {
    /// Returns how many turns there are. This is known after the first turn.
    pub(crate) fn turns(&self) -> u64 {
        self.wheels.iter().fold(1, |turns, (_, places)| turns.saturating_mul(*places))
    }

    /// Goes on to the next turn, if there is one.
    pub(crate) fn advance(&mut self) -> bool {
        self.next = 0;
        for (position, places) in self.wheels.iter_mut().rev() {
            *position = (*position + 1) % *places;
            if *position > 0 {
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
