//! The example of the book's page: every line that it prints is checked before.

#[path = "../../examples/ordered_store.rs"]
mod ordered_store;

#[test]
fn each_line_that_the_example_prints_is_true() {
    ordered_store::main().unwrap();
}
