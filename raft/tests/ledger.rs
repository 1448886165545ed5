//! The lines that events name are the lines of rules: nobody but the ledger, the turns and the
//! journal passes its caller's line on. (`--features sources`, which the test bed switches on.)
#![cfg(feature = "sources")]

#[test]
fn only_the_ledger_the_turns_and_the_journal_track_their_caller() {
    for (file, text) in raft::sources::SOURCES {
        let tracks = text.lines().filter(|line| line.trim() == "#[track_caller]").count();
        let may = ["raft/src/ledger.rs", "raft/src/role.rs", "raft/src/event.rs"].contains(file);
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
