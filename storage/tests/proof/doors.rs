//! One door: the engine reaches the operating system only through the disk that it is given.

use std::io;
use std::path::Path;
use storage::{Batch, Disk, DiskFile, Doing, GroupId, Log, Mapped, SimDisk};
use testbed::engine::entries::small;
use testbed::engine::history::{History, Mix};
use testbed::engine::model::Model;

/// A disk on which every byte is stored as its complement.
struct Mirrored(SimDisk);

/// A file on it.
struct MirroredFile(<SimDisk as Disk>::File);

impl Disk for Mirrored {
    type File = MirroredFile;
    type Lock = <SimDisk as Disk>::Lock;

    fn list(&self) -> io::Result<Vec<String>> {
        self.0.list()
    }
    fn create(&self, name: &str) -> io::Result<MirroredFile> {
        self.0.create(name).map(MirroredFile)
    }
    fn open(&self, name: &str) -> io::Result<MirroredFile> {
        self.0.open(name).map(MirroredFile)
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.0.rename(from, to)
    }
    fn remove(&self, name: &str) -> io::Result<()> {
        self.0.remove(name)
    }
    fn sync_dir(&self) -> io::Result<()> {
        self.0.sync_dir()
    }
    fn lock(&self) -> io::Result<Self::Lock> {
        self.0.lock()
    }
    fn entropy(&self) -> u64 {
        self.0.entropy()
    }
}

impl DiskFile for MirroredFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        let mirrored: Vec<u8> = bytes.iter().map(|byte| !byte).collect();
        self.0.write_at(offset, &mirrored)
    }
    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }
    fn map(&self) -> io::Result<Mapped> {
        let mapped = self.0.map()?;
        Ok(Mapped::new(mapped.bytes().iter().map(|byte| !byte).collect::<Vec<u8>>()))
    }
    fn map_first(&self, len: u64) -> io::Result<Mapped> {
        let mapped = self.0.map_first(len)?;
        Ok(Mapped::new(mapped.bytes().iter().map(|byte| !byte).collect::<Vec<u8>>()))
    }
}

#[test]
fn every_byte_goes_through_the_disk() {
    let disk = SimDisk::new(1);
    let log = Log::open_on(Mirrored(disk.clone()), small()).unwrap();
    let history = History::drawn(1, 200, &Model::default(), Mix::USUAL);
    assert!(history.run(&log).error.is_none());
    drop(log);
    let log = Log::open_on(Mirrored(disk.after_kill()), small()).unwrap();
    assert_eq!(&Model::of(&log), history.states.last().unwrap());
    let plain = Log::open_on(disk.after_kill(), small()).map(|_| ()).unwrap_err();
    assert!(plain.to_string().contains("has a segment's name, but is not a segment"), "{plain}");
}

#[test]
fn one_source_file_calls_the_operating_system() {
    let words =
        ["std::fs", "std::net", "std::process", "std::time", "std::env", "memmap2", "unsafe {"];
    let mut callers = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            // Unit tests, and programs that use the engine, are not part of it.
            if path.ends_with("tests.rs") || path.ends_with("bin") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if words.iter().any(|w| std::fs::read_to_string(&path).unwrap().contains(w)) {
                callers.push(path.file_name().unwrap().to_owned());
            }
        }
    }
    assert_eq!(callers, ["real.rs"]);
}

#[test]
fn a_simulated_disk_names_the_source_line_of_each_operation() {
    let disk = SimDisk::new(1);
    let log = Log::open_on(disk.clone(), small()).unwrap();
    disk.remember();
    log.write(Batch::new().put(GroupId(7), b"k", b"v")).unwrap();
    let journal = disk.journal();
    let [write, sync] = &journal[..] else { panic!("one write, one sync: {journal:?}") };
    assert!(matches!(write.doing, Doing::Write { offset: 4096, len: 72, .. }), "{write:?}");
    assert!(matches!(sync.doing, Doing::Sync { .. }), "{sync:?}");
    for operation in &journal {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let source = std::fs::read_to_string(source.join(operation.at.file())).unwrap();
        let line = source.lines().nth(operation.at.line() as usize - 1).unwrap();
        assert!(line.contains("write_all_at") || line.contains("sync_data"), "{line}");
    }
}
