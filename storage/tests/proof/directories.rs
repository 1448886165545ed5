//! Directories of one simulated machine: each syncs its own names, and fails to sync only its own.

use storage::{Disk, Fault, SimDisk};
use testbed::engine::power_cut::PowerCut;

/// Returns the names of a directory after a power cut that keeps nothing that was not durable.
fn durable_names(machine: &SimDisk, directory: &str) -> Vec<String> {
    machine.after_power_cut(&mut PowerCut::worst()).directory(directory).list().unwrap()
}

/// ```text
///   a/1, b/1 created --> a's sync fails --> a syncs again, b syncs: b/1 is durable, a/1 never
/// ```
#[test]
fn a_failed_sync_of_a_directory_keeps_the_pending_names_of_another() {
    let machine = SimDisk::new(1);
    let (a, b) = (machine.directory("a"), machine.directory("b"));
    a.create("1").unwrap();
    b.create("1").unwrap();
    machine.plan(machine.operations() + 1, Fault::Fails);
    assert!(a.sync_dir().is_err());
    assert_eq!((a.list().unwrap(), b.list().unwrap()), (vec!["1".into()], vec!["1".into()]));
    assert_eq!(durable_names(&machine, "b").len(), 0, "its names were not synced yet");

    a.sync_dir().unwrap();
    assert_eq!(durable_names(&machine, "b").len(), 0, "another directory was synced");
    b.sync_dir().unwrap();
    assert_eq!(durable_names(&machine, "b"), ["1"], "its names were still pending");
    assert_eq!(durable_names(&machine, "a").len(), 0, "a failed sync has dropped its names");
}
