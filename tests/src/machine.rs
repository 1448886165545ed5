//! A simulated machine: the disks of one store, which share operations, power and free space.
//!
//! ```text
//!   SimMachine --+-- raft       1 write  2 sync                 6 write
//!                +-- wal                         3 write  4 ..            7 sync
//!                +-- tables                                       power fails during 7: for all
//!                '-- snapshots
//! ```
//!
//! A test plans a fault by the number of an operation, whichever directory it is in.

use crate::random::Stream;
use kv::env::Directory;
use storage::{Fate, Fates, Fault, Operation, Sector, SimDisk};

/// A machine. A clone is the same machine.
#[derive(Clone, Debug)]
pub struct SimMachine {
    disk: SimDisk,
}

impl SimMachine {
    /// Returns a machine with empty disks. Only the entropy of the disks uses the seed.
    pub fn new(seed: u64) -> SimMachine {
        SimMachine { disk: SimDisk::new(seed) }
    }

    /// Returns the disk of one directory.
    pub fn directory(&self, directory: Directory) -> SimDisk {
        self.disk.directory(directory.name())
    }

    /// Plans a fault for one operation, counted from 1 since the machine was created or restarted.
    pub fn plan(&self, operation: u64, fault: Fault) {
        self.disk.plan(operation, fault);
    }

    /// Returns how many operations there were that change something.
    pub fn operations(&self) -> u64 {
        self.disk.operations()
    }

    /// Returns whether the power has failed.
    pub fn is_off(&self) -> bool {
        self.disk.is_off()
    }

    /// Returns how many syncs there were.
    pub fn syncs(&self) -> u64 {
        self.disk.syncs()
    }

    /// Sets how many bytes all files together may still grow by; none removes the limit.
    pub fn set_free_bytes(&self, bytes: Option<u64>) {
        self.disk.set_free_bytes(bytes);
    }

    /// Starts the journal: see [`SimMachine::journal`].
    pub fn remember(&self) {
        self.disk.remember();
    }

    /// Returns every operation since [`SimMachine::remember`], in the order of all directories together.
    pub fn journal(&self) -> Vec<Operation> {
        self.disk.journal()
    }

    /// Returns the machine after a kill of the process: all writes are visible, durable or not.
    pub fn after_kill(&self) -> SimMachine {
        SimMachine { disk: self.disk.after_kill() }
    }

    /// Returns the machine after a power cut and a restart.
    pub fn after_power_cut(&self, fates: &mut impl Fates) -> SimMachine {
        SimMachine { disk: self.disk.after_power_cut(fates) }
    }
}

/// Draws what a power cut does: each sector and each name is kept or not.
#[derive(Debug)]
pub struct Drawn<'a>(
    /// The random numbers.
    pub &'a mut Stream,
);

impl Fates for Drawn<'_> {
    fn sector(&mut self, _: Sector) -> Fate {
        match self.0.below(3) {
            0 => Fate::Kept,
            1 => Fate::Lost,
            _ => Fate::Torn { with: self.0.below(256) as u8 },
        }
    }

    fn keeps_name(&mut self) -> bool {
        self.0.chance(500)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use storage::{Disk, DiskFile, Fate, Sector};

    /// Loses everything that is not durable.
    struct LoseAll;

    impl Fates for LoseAll {
        fn sector(&mut self, _: Sector) -> Fate {
            Fate::Lost
        }

        fn keeps_name(&mut self) -> bool {
            false
        }
    }

    fn disks(machine: &SimMachine) -> (SimDisk, SimDisk) {
        (machine.directory(Directory::RaftLog), machine.directory(Directory::Wal))
    }

    #[test]
    fn directories_have_names_of_their_own() {
        let machine = SimMachine::new(1);
        let (raft, wal) = disks(&machine);
        raft.create("a").expect("it is new").write_all_at(0, b"raft").expect("there is room");
        wal.create("a").expect("it is new in this directory");
        assert_eq!(raft.list().expect("it lists"), ["a"]);
        assert_eq!(raft.bytes("a"), b"raft");
        assert_eq!(wal.bytes("a"), b"");
        wal.rename("a", "b").expect("it is there");
        assert_eq!(
            (raft.list().ok(), wal.list().ok()),
            (Some(vec!["a".into()]), Some(vec!["b".into()]))
        );
        assert!(machine.directory(Directory::RaftLog).lock().is_ok(), "a lock of its own");
        assert_eq!(machine.operations(), 4, "they are counted together");
    }

    #[test]
    fn a_lock_holds_for_every_view_of_its_directory_and_for_no_other() {
        let machine = SimMachine::new(1);
        let (raft, wal) = disks(&machine);
        let lock = raft.lock().expect("nobody holds it");
        assert!(machine.directory(Directory::RaftLog).lock().is_err());
        assert!(wal.lock().is_ok());
        assert!(machine.after_kill().directory(Directory::RaftLog).lock().is_ok());
        drop(lock);
        assert!(raft.lock().is_ok());
    }

    #[test]
    fn the_power_fails_for_all_directories_at_one_operation() {
        let machine = SimMachine::new(1);
        let (raft, wal) = disks(&machine);
        let (one, other) = (raft.create("a").expect("new"), wal.create("a").expect("new"));
        machine.plan(3, Fault::PowerCut);
        assert!(one.write_at(0, b"x").is_err());
        assert!(other.write_at(0, b"x").is_err(), "no power here either");
        assert!(wal.sync_dir().is_err());
    }

    #[test]
    fn names_are_durable_only_by_the_sync_of_their_own_directory() {
        let machine = SimMachine::new(1);
        let (raft, wal) = disks(&machine);
        raft.create("a").expect("new");
        wal.create("b").expect("new");
        raft.sync_dir().expect("power is on");
        let after = machine.after_power_cut(&mut LoseAll);
        let (raft, wal) = disks(&after);
        assert_eq!(raft.list().expect("it lists"), ["a"]);
        assert!(wal.list().expect("it lists").is_empty());
    }

    #[test]
    fn directories_share_the_free_space() {
        let machine = SimMachine::new(1);
        let (raft, wal) = disks(&machine);
        let (one, other) = (raft.create("a").expect("new"), wal.create("a").expect("new"));
        machine.set_free_bytes(Some(10));
        assert_eq!(one.write_at(0, &[1; 8]).ok(), Some(8));
        assert_eq!(other.write_at(0, &[1; 8]).ok(), Some(2));
        assert!(other.write_at(2, &[1; 8]).is_err());
    }
}
