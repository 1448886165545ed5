//! Where a store lives: its disks, which outlive it, and the network of this process.

use kv::env::{Directory, Env, Moment, RealClock, RealEnv, Transport};
use kv::model::{StoreId, StoreMessage};
use kv::store::StoreHandle;
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use storage::{Disk, Fault, RealDisk};
use testbed::machine::{Drawn, SimMachine};
use testbed::random::Stream;

/// The disks of a store.
pub(crate) trait Place: Clone + Send + Sync + 'static {
    /// One directory.
    type Disk: Disk;

    /// Returns a directory.
    fn disk(&self, directory: Directory) -> io::Result<Self::Disk>;

    /// Ends what runs here at an operation soon; does nothing where only the process can be killed.
    fn plan_end(&self, random: &mut Stream);

    /// Returns the disks as the next start finds them.
    fn after_end(&self, random: &mut Stream) -> Self;
}

/// A folder of the real disk. A kill leaves all that was written: power is never lost.
#[derive(Clone)]
pub(crate) struct Folder(pub(crate) PathBuf);

impl Place for Folder {
    type Disk = RealDisk;

    fn disk(&self, directory: Directory) -> io::Result<RealDisk> {
        RealEnv::new(&self.0, Network::<Folder>::default()).disk(directory)
    }

    fn plan_end(&self, _: &mut Stream) {}

    fn after_end(&self, _: &mut Stream) -> Folder {
        self.clone()
    }
}

impl Place for SimMachine {
    type Disk = storage::SimDisk;

    fn disk(&self, directory: Directory) -> io::Result<storage::SimDisk> {
        Ok(self.directory(directory))
    }

    fn plan_end(&self, random: &mut Stream) {
        self.plan(self.operations() + 1 + random.below(20), Fault::PowerCut);
    }

    fn after_end(&self, random: &mut Stream) -> SimMachine {
        match self.is_off() {
            true => self.after_power_cut(&mut Drawn(random)),
            false => self.after_kill(),
        }
    }
}

/// The environment of a store on a thread.
#[derive(Clone)]
pub(crate) struct ThreadEnv<P: Place> {
    pub(crate) clock: RealClock,
    pub(crate) network: Network<P>,
    pub(crate) place: P,
    pub(crate) entropy: u64,
}

impl<P: Place> Env for ThreadEnv<P> {
    type Clock = RealClock;
    type Transport = Network<P>;
    type Disk = P::Disk;

    fn clock(&self) -> RealClock {
        self.clock
    }

    fn transport(&self) -> Network<P> {
        self.network.clone()
    }

    fn disk(&self, directory: Directory) -> io::Result<P::Disk> {
        self.place.disk(directory)
    }

    fn entropy(&self) -> u64 {
        let Moment(now) = kv::env::Clock::now(&self.clock);
        self.entropy ^ now.rotate_left(32)
    }
}

/// The way into a store.
pub(crate) type Handle<P> = StoreHandle<ThreadEnv<P>>;

/// The stores that run: a message goes straight into the mailbox of its peer.
pub(crate) struct Network<P: Place> {
    stores: Arc<Mutex<BTreeMap<StoreId, Handle<P>>>>,
}

impl<P: Place> Clone for Network<P> {
    fn clone(&self) -> Self {
        Network { stores: self.stores.clone() }
    }
}

impl<P: Place> Default for Network<P> {
    fn default() -> Self {
        Network { stores: Arc::default() }
    }
}

impl<P: Place> Network<P> {
    /// Adds a store that has started.
    pub(crate) fn add(&self, handle: Handle<P>) {
        self.stores().insert(handle.origin().store, handle);
    }

    /// Removes a store that has ended.
    pub(crate) fn remove(&self, store: StoreId) {
        self.stores().remove(&store);
    }

    /// Returns the way into a store; none if it does not run.
    pub(crate) fn get(&self, store: StoreId) -> Option<Handle<P>> {
        self.stores().get(&store).cloned()
    }

    fn stores(&self) -> MutexGuard<'_, BTreeMap<StoreId, Handle<P>>> {
        self.stores.lock().expect("no thread panics while it holds the map")
    }
}

impl<P: Place> Transport for Network<P> {
    fn send(&mut self, to: StoreId, message: StoreMessage) {
        if let Some(store) = self.get(to) {
            store.deliver(message);
        }
    }

    fn flush(&mut self) {}
}
