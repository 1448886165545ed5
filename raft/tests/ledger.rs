//! The lines that events name are the lines of rules: only the ledger, the role changes, the journal and
//! the reads of the log pass their caller's line on. (`--features sources`, which the test bed uses.)
#![cfg(feature = "sources")]

#[test]
fn only_those_that_note_or_read_track_their_caller() {
    let tracking = [
        "ledger.rs",
        "ledger/peers.rs",
        "ledger/reads.rs",
        "role.rs",
        "journal.rs",
        "log.rs",
        "error.rs",
    ];
    for (file, text) in raft::sources::SOURCES {
        let tracks = text.lines().filter(|line| line.trim() == "#[track_caller]").count();
        let may = tracking.iter().any(|name| *file == format!("raft/src/{name}"));
        assert!(may || tracks == 0, "{file}: {tracks} functions track their caller");
        assert!(!may || tracks > 0, "{file} no longer tracks its caller");
    }
}

#[test]
fn every_module_of_the_crate_is_among_its_sources() {
    let lib = raft::sources::SOURCES[0].1;
    let modules = lib.lines().filter_map(|line| {
        let line = line.strip_prefix("pub ").unwrap_or(line);
        Some(line.strip_prefix("mod ")?.split(';').next()?.to_owned())
    });
    for module in modules.filter(|module| module != "sources") {
        let path = format!("raft/src/{module}.rs");
        assert!(raft::sources::SOURCES.iter().any(|(file, _)| *file == path), "{path} is missing");
    }
}
