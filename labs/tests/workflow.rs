//! CI's matrix and the catalogue name the same labs.

use labs::workflow::compare;

const MATRIX: &str = "jobs:\n  bugs:\n    strategy:\n      matrix:\n        lab: [1wa, 2aa]\n";

#[test]
fn the_same_labs_are_no_fault() {
    assert!(compare(MATRIX, &["1wa", "2aa"]).is_empty());
}

#[test]
fn a_lab_that_the_matrix_lacks_is_named() {
    let found = compare(MATRIX, &["1wa", "1wb", "2aa"]);
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("ci.yml:5: lab 1wb is open and not in the matrix"), "{found:?}");
}

#[test]
fn a_lab_that_is_not_open_is_named() {
    let found = compare(MATRIX, &["2aa"]);
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("ci.yml:5: no open lab is called 1wa"), "{found:?}");
}

#[test]
fn a_workflow_without_the_matrix_is_a_fault() {
    assert!(compare("jobs:\n", &["2aa"])[0].contains("expected one line `lab: [..]`, found 0"));
    let twice = format!("{MATRIX}{MATRIX}");
    assert!(compare(&twice, &["2aa"])[0].contains("found 2"));
}
