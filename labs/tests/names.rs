//! Two types of one package never share a name, and an exception lasts no longer than it is needed.

use labs::course::Sources;
use labs::names::{Exception, shared};

fn sources(files: &[(&str, &str)]) -> Sources {
    files.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect()
}

const LOG: &str = "/// A log.\npub struct Log;\n\nimpl Iterator for Log { type Item = u8; }\n";

#[test]
fn both_places_of_a_shared_name_are_named() {
    let found = shared("p", &sources(&[("p/a.rs", LOG), ("p/b.rs", "enum Log {}")]), &[]);
    let said = "p: 2 types are called Log: struct at p/a.rs:2, enum at p/b.rs:1. Give all but one \
                another name, one that says how it differs.";
    assert_eq!(found, [said]);
}

#[test]
fn every_kind_of_type_counts_wherever_it_is_declared() {
    for other in [
        "pub(crate) struct Log { a: u8 }",
        "trait Log {}",
        "union Log { a: u8, b: i8 }",
        "type Log = u8;",
        "mod inner { enum Log {} }",
        "#[cfg(test)] mod tests { struct Log; }",
        "fn f() { struct Log; }",
        "impl T { fn f() { enum Log {} } }",
        "trait T { fn f() { struct Log; } }",
    ] {
        let found = shared("p", &sources(&[("p/a.rs", LOG), ("p/b.rs", other)]), &[]);
        assert_eq!(found.len(), 1, "{other}: {found:?}");
        assert!(found[0].contains("p/b.rs:1."), "{other}: {found:?}");
    }
}

#[test]
fn associated_types_and_functions_do_not_count() {
    let other = "impl Iterator for Other { type Item = u8; }\nfn log() {}\nconst LOG: u8 = 0;";
    assert!(shared("p", &sources(&[("p/a.rs", LOG), ("p/b.rs", other)]), &[]).is_empty());
}

#[test]
fn an_exception_covers_its_name_in_its_package_alone() {
    let both = sources(&[("p/a.rs", LOG), ("p/b.rs", "enum Log {}")]);
    let exception = Exception { package: "p", name: "Log", reason: "for this test" };
    assert!(shared("p", &both, &[exception]).is_empty());
    assert_eq!(shared("q", &both, &[exception]).len(), 1);
}

#[test]
fn an_exception_that_no_longer_applies_is_an_error() {
    let exception = Exception { package: "p", name: "Log", reason: "for this test" };
    let found = shared("p", &sources(&[("p/a.rs", LOG)]), &[exception]);
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("Take the exception for Log out"), "{found:?}");
}

#[test]
fn a_file_that_does_not_parse_is_named() {
    let found = shared("p", &sources(&[("p/a.rs", "\nstruct }")]), &[]);
    assert!(found[0].starts_with("p/a.rs:2: does not parse"), "{found:?}");
}
