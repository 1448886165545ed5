//! The operations that the engine calls on the simulated disk, and the effect of a planned fault.
//!
//! ```text
//!   operation --> State::begin: is power on? count it; is a fault planned?
//!                     |-- none      done and pending
//!                     |-- Fails     half done, or discarded; an error
//!                     '-- PowerCut  done and pending; an error, also for all later operations
//! ```

use super::{Doing, Fault, FileContent, NameChange, SimDisk, SimFile, SimLock, failure};
use crate::disk::{Disk, DiskFile, Mapped};
use std::io::{self, ErrorKind};
use std::panic::Location;
use std::sync::atomic::Ordering;

/// Returns the error for a name that no file has.
fn not_found(name: &str) -> io::Error {
    io::Error::new(ErrorKind::NotFound, format!("no file is called {name}"))
}

impl Disk for SimDisk {
    type File = SimFile;
    type Lock = SimLock;

    fn list(&self) -> io::Result<Vec<String>> {
        let state = self.state();
        Ok(state.names.keys().filter_map(|name| Some(self.own(name)?.to_owned())).collect())
    }

    fn create(&self, name: &str) -> io::Result<SimFile> {
        let mut state = self.state();
        let full = self.full(name);
        if state.names.contains_key(&full) {
            return Err(io::Error::new(ErrorKind::AlreadyExists, format!("{name} already exists")));
        }
        if state.free_bytes == Some(0) {
            return Err(ErrorKind::StorageFull.into()); // even an empty file needs room
        }
        let file = state.files.len();
        state.files.push(FileContent::default());
        state.change_names(NameChange::Create { name: full, file })?;
        Ok(SimFile { disk: self.clone(), file })
    }

    fn open(&self, name: &str) -> io::Result<SimFile> {
        let state = self.state();
        let file = *state.names.get(&self.full(name)).ok_or_else(|| not_found(name))?;
        Ok(SimFile { disk: self.clone(), file })
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state();
        let file = *state.names.get(&self.full(from)).ok_or_else(|| not_found(from))?;
        let (from, to) = (self.full(from), self.full(to));
        state.change_names(NameChange::Rename { from, to, file })
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        let full = self.full(name);
        if !state.names.contains_key(&full) {
            return Err(not_found(name));
        }
        state.change_names(NameChange::Remove { name: full })
    }

    fn sync_dir(&self) -> io::Result<()> {
        let mut state = self.state();
        state.syncs += 1;
        match state.begin(Doing::SyncNames, Location::caller())? {
            None | Some(Fault::Short | Fault::Misdirected { .. }) => {}
            Some(Fault::PowerCut) => return Err(failure()),
            Some(Fault::Fails) => {
                // The changes are never synced again: the names are visible, but not durable.
                state.name_changes.retain(|change| self.own(change.name()).is_none());
                return Err(failure());
            }
        }
        for change in std::mem::take(&mut state.name_changes) {
            if self.own(change.name()).is_some() {
                change.apply(&mut state.durable_names);
            } else {
                state.name_changes.push(change); // another directory's
            }
        }
        state.forget_unnamed();
        Ok(())
    }

    fn lock(&self) -> io::Result<SimLock> {
        if self.is_locked.swap(true, Ordering::SeqCst) {
            return Err(ErrorKind::WouldBlock.into());
        }
        Ok(SimLock { is_locked: self.is_locked.clone() })
    }

    fn entropy(&self) -> u64 {
        let mut state = self.state();
        state.entropy = state.entropy.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state.entropy ^ (state.entropy >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^ (mixed >> 29)
    }
}

impl DiskFile for SimFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.disk.state();
        let doing = Doing::Write { file: self.file, offset, len: bytes.len() };
        let fault = state.begin(doing, Location::caller())?;
        let (offset, wanted) = match fault {
            None | Some(Fault::PowerCut) => (offset, bytes.len()),
            Some(Fault::Short | Fault::Fails) => (offset, bytes.len().div_ceil(2)),
            Some(Fault::Misdirected { by }) => (offset.saturating_add_signed(by), bytes.len()),
        };
        let len = state.files[self.file].len();
        let growth = (offset + wanted as u64).saturating_sub(len);
        let room = state.take_room(growth);
        let taken = wanted - (growth - room) as usize;
        state.files[self.file].write(offset, &bytes[..taken]);
        match fault {
            Some(Fault::PowerCut | Fault::Fails) => Err(failure()),
            None | Some(Fault::Short | Fault::Misdirected { .. }) if taken == 0 && wanted > 0 => {
                Err(ErrorKind::StorageFull.into())
            }
            None | Some(Fault::Short | Fault::Misdirected { .. }) => Ok(taken),
        }
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        state.syncs += 1;
        if state.sync_failed_on.contains(&self.file) {
            state.syncs_after_failure += 1;
        }
        match state.begin(Doing::Sync { file: self.file }, Location::caller())? {
            None | Some(Fault::Short | Fault::Misdirected { .. }) => {
                state.files[self.file].sync();
                Ok(())
            }
            Some(Fault::PowerCut) => Err(failure()),
            Some(Fault::Fails) => {
                state.files[self.file].discard_pending();
                state.sync_failed_on.insert(self.file);
                Err(failure())
            }
        }
    }

    fn map(&self) -> io::Result<Mapped> {
        let state = self.disk.state();
        if state.is_off {
            return Err(failure());
        }
        Ok(Mapped::new(state.files[self.file].visible().to_vec()))
    }

    fn map_first(&self, len: u64) -> io::Result<Mapped> {
        let whole = self.map()?;
        Ok(Mapped::new(whole.bytes().slice(..len as usize)))
    }
}
