//! What one operation at a time means: for a register, for a register with appends, for the store.

use super::Specification;
use crate::fleet::judge::{self, Values};
use bytes::Bytes;
use kv::model::{Outcome, Write};

/// A number that is read, written, and compared and set. Jepsen's etcd test.
#[derive(Clone, Copy, Debug)]
pub struct Register {
    /// The first value; none if there is none.
    pub first: Option<i64>,
}

/// What is asked of a register.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RegisterInput {
    /// Reads: the output is the value.
    Read,
    /// Writes: the output is none.
    Write(i64),
    /// Writes `to` if the value is `from`: the output is 1 if it was, else 0.
    CompareAndSet {
        /// What the value must be.
        from: i64,
        /// What it becomes.
        to: i64,
    },
}

impl Specification for Register {
    type State = Option<i64>;
    type Input = RegisterInput;
    type Output = Option<i64>;
    type Key = ();

    fn key(&self, _: &RegisterInput) {}

    fn first(&self) -> Option<i64> {
        self.first
    }

    fn step(
        &self,
        state: &Option<i64>,
        input: &RegisterInput,
        output: Option<&Option<i64>>,
    ) -> Option<Option<i64>> {
        match *input {
            RegisterInput::Read => output.is_none_or(|saw| saw == state).then_some(*state),
            RegisterInput::Write(value) => Some(Some(value)),
            RegisterInput::CompareAndSet { from, to } => {
                let is_done = *state == Some(from);
                let is_right = output.is_none_or(|saw| *saw == Some(i64::from(is_done)));
                is_right.then_some(if is_done { Some(to) } else { *state })
            }
        }
    }

    fn describe(&self, input: &RegisterInput, output: Option<&Option<i64>>) -> String {
        let (call, answer) = match *input {
            RegisterInput::Read => {
                let value = output.map(|saw| saw.map_or("nil".to_owned(), |saw| saw.to_string()));
                ("read".to_owned(), value)
            }
            RegisterInput::Write(value) => {
                (format!("write({value})"), output.map(|_| "ok".to_owned()))
            }
            RegisterInput::CompareAndSet { from, to } => {
                let answer = output.map(|saw| if *saw == Some(1) { "yes" } else { "no" });
                (format!("cas({from}, {to})"), answer.map(str::to_owned))
            }
        };
        format!("{call} -> {}", answer.as_deref().unwrap_or("?"))
    }
}

/// Strings by key, that are read, written, and appended to. porcupine's test of a key-value store.
#[derive(Clone, Copy, Debug)]
pub struct Appends;

/// What is asked for, of which key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AppendsInput {
    /// Reads: the output is the value.
    Get(String),
    /// Writes.
    Put(String, String),
    /// Appends.
    Append(String, String),
}

impl Specification for Appends {
    type State = String;
    type Input = AppendsInput;
    type Output = String;
    type Key = String;

    fn key(&self, input: &AppendsInput) -> String {
        match input {
            AppendsInput::Get(key) | AppendsInput::Put(key, _) | AppendsInput::Append(key, _) => {
                key.clone()
            }
        }
    }

    fn first(&self) -> String {
        String::new()
    }

    fn step(
        &self,
        state: &String,
        input: &AppendsInput,
        output: Option<&String>,
    ) -> Option<String> {
        match input {
            AppendsInput::Get(_) => output.is_none_or(|saw| saw == state).then(|| state.clone()),
            AppendsInput::Put(_, value) => Some(value.clone()),
            AppendsInput::Append(_, value) => Some(format!("{state}{value}")),
        }
    }

    fn describe(&self, input: &AppendsInput, output: Option<&String>) -> String {
        let answer = output.map_or("?".to_owned(), |saw| format!("{saw:?}"));
        match input {
            AppendsInput::Get(key) => format!("get({key}) -> {answer}"),
            AppendsInput::Put(key, value) => format!("put({key}, {value:?})"),
            AppendsInput::Append(key, value) => format!("append({key}, {value:?})"),
        }
    }

    fn state_bytes(&self, state: &String) -> usize {
        size_of::<String>() + state.len()
    }
}

/// A write, or the key of a read.
pub type StoreInput = Result<Write, Bytes>;

/// What a write led to, or the value that was read.
pub type StoreOutput = Result<Outcome, Option<Bytes>>;

/// The store: all its keys together, because a transaction may touch several.
#[derive(Clone, Copy, Debug)]
pub struct StoreValues;

impl Specification for StoreValues {
    type State = Values;
    type Input = StoreInput;
    type Output = StoreOutput;
    type Key = ();

    fn key(&self, _: &Self::Input) {}

    fn first(&self) -> Values {
        Values::new()
    }

    fn step(
        &self,
        state: &Values,
        input: &Self::Input,
        output: Option<&Self::Output>,
    ) -> Option<Values> {
        let mut after = state.clone();
        let expected = match input {
            Ok(write) => Ok(judge::apply(write, &mut after)),
            Err(key) => Err(state.get(key).cloned()),
        };
        output.is_none_or(|saw| *saw == expected).then_some(after)
    }

    fn state_bytes(&self, state: &Values) -> usize {
        // A key and a value are four words each; their bytes are shared with the history, or as long again.
        let bytes = |(key, value): (&Bytes, &Bytes)| 64 + key.len() + value.len();
        size_of::<Values>() + state.iter().map(bytes).sum::<usize>()
    }
}
