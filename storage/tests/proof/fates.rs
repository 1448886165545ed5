//! Every outcome of a power cut, in turn. Drawn outcomes are [`testbed::engine::power_cut`].

use storage::{Fate, Fates, Sector};

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
