//! The memtable as its callers see it: what lab 1 will ask for, and what a crash leaves.

mod crash; // a kill, a power cut, a failure at every operation
mod example; // the embedded store of the book's page
mod memory; // what a small value keeps alive
mod reads; // lab 1's scenarios
mod threads; // readers beside a writer
