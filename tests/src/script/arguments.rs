//! The arguments of one command, taken one by one. What is left at the end is an error.
//!
//! ```text
//!   deliver 2 3 from=1     ids() -> [n2, n3]    option("from") -> [n1]    finish() -> ok
//! ```

use crate::script::ScriptError;
use crate::script::grammar::{Argument, Directive};
use crate::spelling::did_you_mean;
use raft::{EntryId, NodeId, Term};
use std::str::FromStr;

/// The largest id that a node of a script may have.
const NODE_MAX: u64 = 99;

/// The arguments of a command that have not been taken yet.
pub(crate) struct Arguments<'a> {
    script: &'a str,
    directive: &'a Directive,
    left: Vec<&'a Argument>,
    /// Every key that the command has asked for, to list them in an error.
    known: Vec<String>,
}

impl<'a> Arguments<'a> {
    pub(crate) fn new(script: &'a str, directive: &'a Directive) -> Self {
        let left = directive.arguments.iter().collect();
        Arguments { script, directive, left, known: Vec::new() }
    }

    /// Returns an error about this command.
    pub(crate) fn wrong(&self, what: impl Into<String>) -> ScriptError {
        let line = Some(self.directive.line);
        ScriptError { name: self.script.to_string(), line, what: what.into() }
    }

    /// Takes the next argument that has no `=`.
    pub(crate) fn next(&mut self) -> Option<&'a str> {
        let at = self.left.iter().position(|argument| argument.values.is_none())?;
        Some(&self.left.remove(at).key)
    }

    /// Takes the next argument that has no `=`, which must be there.
    pub(crate) fn expect(&mut self, what: &str) -> Result<&'a str, ScriptError> {
        let command = &self.directive.command;
        self.next().ok_or_else(|| self.wrong(format!("expected {what} after {command}")))
    }

    /// Takes every argument that has no `=`.
    pub(crate) fn rest(&mut self) -> Vec<&'a str> {
        std::iter::from_fn(|| self.next()).collect()
    }

    /// Takes a node.
    pub(crate) fn id(&mut self) -> Result<NodeId, ScriptError> {
        let word = self.expect("a node")?;
        self.read_id(word)
    }

    /// Takes every node.
    pub(crate) fn ids(&mut self) -> Result<Vec<NodeId>, ScriptError> {
        self.rest().into_iter().map(|word| self.read_id(word)).collect()
    }

    /// Takes a flag, if it is there: `granted`.
    pub(crate) fn flag(&mut self, key: &str) -> bool {
        self.known.push(key.to_string());
        let found = |argument: &&Argument| argument.key == key && argument.values.is_none();
        match self.left.iter().position(found) {
            Some(at) => {
                self.left.remove(at);
                true
            }
            None => false,
        }
    }

    /// Takes the values of `key=`, if it is there.
    pub(crate) fn option(&mut self, key: &str) -> Result<Option<Vec<&'a str>>, ScriptError> {
        self.known.push(key.to_string());
        let found = |argument: &&Argument| argument.key == key && argument.values.is_some();
        let Some(at) = self.left.iter().position(found) else {
            return Ok(None);
        };
        let values = self.left.remove(at).values.iter().flatten().map(String::as_str).collect();
        match self.left.iter().any(|other| other.key == key && other.values.is_some()) {
            true => Err(self.wrong(format!("{key}= is given twice"))),
            false => Ok(Some(values)),
        }
    }

    /// Takes the one value of `key=`, if it is there.
    pub(crate) fn value(&mut self, key: &str) -> Result<Option<&'a str>, ScriptError> {
        match self.option(key)?.as_deref() {
            None => Ok(None),
            Some([value]) => Ok(Some(value)),
            Some(values) => {
                let count = values.len();
                Err(self.wrong(format!("expected one value for {key}=, found {count}")))
            }
        }
    }

    /// Takes the number of `key=`, if it is there.
    pub(crate) fn number(&mut self, key: &str) -> Result<Option<u64>, ScriptError> {
        let value = self.value(key)?;
        value.map(|word| self.read_number(key, word)).transpose()
    }

    /// Takes the nodes of `key=`, if it is there.
    pub(crate) fn nodes(&mut self, key: &str) -> Result<Option<Vec<NodeId>>, ScriptError> {
        let Some(words) = self.option(key)? else { return Ok(None) };
        words.into_iter().map(|word| self.read_id(word)).collect::<Result<_, _>>().map(Some)
    }

    /// Takes the entry ids of `key=`, if it is there.
    pub(crate) fn places(&mut self, key: &str) -> Result<Option<Vec<EntryId>>, ScriptError> {
        let Some(words) = self.option(key)? else { return Ok(None) };
        words.into_iter().map(|word| self.read_place(word)).collect::<Result<_, _>>().map(Some)
    }

    /// Takes the one entry id of `key=`, if it is there.
    pub(crate) fn place(&mut self, key: &str) -> Result<Option<EntryId>, ScriptError> {
        let value = self.value(key)?;
        value.map(|word| self.read_place(word)).transpose()
    }

    /// Takes the term of `key=`, if it is there.
    pub(crate) fn term(&mut self, key: &str) -> Result<Option<Term>, ScriptError> {
        Ok(self.number(key)?.map(Term))
    }

    /// Checks that no argument is left and that the command has no input below it.
    pub(crate) fn finish(mut self) -> Result<(), ScriptError> {
        let command = &self.directive.command;
        if let Some(line) = self.directive.input.first() {
            let what = format!(
                "expected ---- below {command}, which takes no input, found {line:?}; put a blank line \
                 between two commands"
            );
            return Err(self.wrong(what));
        }
        let Some(extra) = self.left.pop() else { return Ok(()) };
        let names = self.known.iter().map(String::as_str);
        let mean = did_you_mean(&extra.key, names.clone());
        let sign = if extra.values.is_some() { "=" } else { "" };
        // Leaves out the keys of single nodes, such as n1.log: they are many and alike.
        let takes = match names.filter(|name| !name.contains('.')).collect::<Vec<_>>() {
            names if names.is_empty() => String::new(),
            names => format!(" (it knows {})", names.join(", ")),
        };
        Err(self.wrong(format!("{command} takes no {}{sign} here{mean}{takes}", extra.key)))
    }
}

// Reading one word.

impl Arguments<'_> {
    /// Reads `2` or `n2`.
    pub(crate) fn read_id(&self, word: &str) -> Result<NodeId, ScriptError> {
        let number = word.strip_prefix('n').unwrap_or(word).parse();
        match number {
            Ok(number @ 1..=NODE_MAX) => Ok(NodeId(number)),
            Ok(_) | Err(_) => {
                let what = format!("expected a node, n1 to n{NODE_MAX}, found {word:?}");
                Err(self.wrong(what))
            }
        }
    }

    /// Reads `1->2`.
    pub(crate) fn read_link(&self, word: &str) -> Result<(NodeId, NodeId), ScriptError> {
        let Some((from, to)) = word.split_once("->") else {
            return Err(self.wrong(format!("expected a link such as 1->2, found {word:?}")));
        };
        Ok((self.read_id(from)?, self.read_id(to)?))
    }

    pub(crate) fn read_number<T: FromStr>(&self, key: &str, word: &str) -> Result<T, ScriptError> {
        let wrong = |_| self.wrong(format!("expected a number for {key}, found {word:?}"));
        word.parse().map_err(wrong)
    }

    pub(crate) fn read_place(&self, word: &str) -> Result<EntryId, ScriptError> {
        word.parse().map_err(|why: String| self.wrong(why))
    }
}
