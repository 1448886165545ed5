//! The words of the store: their bytes, what commands do, and that none is run twice.

mod bytes_of; // golden bytes, back again, nothing else is read
mod draw; // any command, any outcome
mod evaluation; // what commands do
mod window; // requests that come again
