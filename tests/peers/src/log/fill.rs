//! A log to read from: so many bytes of entries, over so many groups.

use super::engine::{Durability, ENTRY_BYTES, Engine};

/// What a log to read from holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Filled {
    pub(crate) groups: u64,
    /// Entries of each batch it was written with.
    pub(crate) batch: u64,
    /// Entries of each group.
    pub(crate) each: u64,
}

impl Filled {
    /// Returns what about so many bytes of entries are.
    pub(crate) fn of(payload_bytes: u64, groups: u64, batch: u64) -> Filled {
        let each = payload_bytes / ENTRY_BYTES as u64 / groups;
        Filled { groups, batch, each: each / batch * batch }
    }

    /// Returns how many entries there are.
    pub(crate) fn entries(&self) -> u64 {
        self.groups * self.each
    }

    /// Writes the entries, group after group in turn. The last batch is synced, and all with it.
    ///
    /// # Errors
    /// What the engine says.
    pub(crate) fn write<E: Engine>(&self, engine: &E) -> Result<(), String> {
        let mut batch = E::batch(self.batch);
        for first in (1..=self.each).step_by(self.batch as usize) {
            for group in 1..=self.groups {
                let is_last = group == self.groups && first + self.batch > self.each;
                let durability = if is_last { Durability::Sync } else { Durability::Async };
                engine.write(&mut batch, group, first, None, durability)?;
            }
        }
        Ok(())
    }

    /// Checks that an engine holds all of them.
    ///
    /// # Errors
    /// If it does not.
    pub(crate) fn check<E: Engine>(&self, engine: &E) -> Result<(), String> {
        for group in 1..=self.groups {
            let last = engine.last(group);
            if last != Some(self.each) {
                return Err(format!(
                    "group {group} ends at {last:?}, and {} were written",
                    self.each
                ));
            }
        }
        Ok(())
    }
}
