//! The environment of a simulated store: a clock that the fleet moves, an outbox, a machine.
//!
//! ```text
//!   store --> SimClock    the fleet's time, with this store's offset and drift
//!         --> SimOutbox   messages as bytes; the fleet takes them after each step
//!         --> SimMachine  four directories of one machine
//! ```

use crate::machine::SimMachine;
use bytes::{Bytes, BytesMut};
use kv::env::{Clock, Directory, Env, Moment, Transport};
use kv::model::{StoreId, StoreMessage};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use storage::SimDisk;

/// The clock of one store. It stands still while the store works.
#[derive(Clone, Debug, Default)]
pub struct SimClock(Arc<AtomicU64>);

impl SimClock {
    /// Sets the time.
    pub fn set(&self, now: Moment) {
        self.0.store(now.0, Ordering::SeqCst);
    }
}

impl Clock for SimClock {
    fn now(&self) -> Moment {
        Moment(self.0.load(Ordering::SeqCst))
    }
}

/// The messages that a store has sent, and the fleet has not taken yet.
#[derive(Clone, Debug, Default)]
pub struct SimOutbox(Arc<Mutex<Vec<(StoreId, Bytes)>>>);

impl SimOutbox {
    /// Takes the messages, in the order in which they were sent.
    pub fn take(&self) -> Vec<(StoreId, Bytes)> {
        std::mem::take(&mut *self.0.lock().expect("one thread"))
    }
}

impl Transport for SimOutbox {
    fn send(&mut self, to: StoreId, message: StoreMessage) {
        let mut bytes = BytesMut::new();
        message.encode(&mut bytes);
        self.0.lock().expect("one thread").push((to, bytes.freeze()));
    }

    fn flush(&mut self) {}
}

/// What a simulated store reaches outside itself.
#[derive(Clone, Debug)]
pub struct SimEnv {
    /// Its clock.
    pub clock: SimClock,
    /// What it sends.
    pub outbox: SimOutbox,
    /// Its disks.
    pub machine: SimMachine,
    /// A number that is different for every start of every store.
    pub entropy: Arc<AtomicU64>,
}

impl Env for SimEnv {
    type Clock = SimClock;
    type Transport = SimOutbox;
    type Disk = SimDisk;

    fn clock(&self) -> SimClock {
        self.clock.clone()
    }

    fn transport(&self) -> SimOutbox {
        self.outbox.clone()
    }

    fn disk(&self, directory: Directory) -> io::Result<SimDisk> {
        Ok(self.machine.directory(directory))
    }

    fn entropy(&self) -> u64 {
        let number = self.entropy.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::SeqCst);
        let mixed = (number ^ (number >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^ (mixed >> 29)
    }
}
