//! Scripts: a run written by hand as a list of commands, with the output that is expected.
//!
//! ```text
//!   # A title                        comments tell the story
//!   #
//!   # What this shows, and perhaps a picture.
//!
//!   campaign 1                       a command and its arguments: key, key=val, key=(a,b)
//!   ----
//!   n1@0 follower -> n1@1 candidate  its output, up to the first blank line
//!   n1 votes for n1
//! ```
//!
//! The grammar is the one of etcd's interaction tests (package datadriven). A `\` at the end of a line
//! joins the next line. Lines between a command and `----` are its input. An output with blank lines
//! is between two pairs of `----` lines. We add one rule: a command without `----` expects no
//! particular output, so a first script is only a list of commands.
//!
//! | command | what happens |
//! |---|---|
//! | `add-nodes 3 [voters=(1,2)] [log=(1@1,2@1)] [n2.log=(1@1)] [disk=slow] ...` | makes the cluster |
//! | `tick 1 [5]`, `tick all [5]` | lets ticks pass |
//! | `campaign 1` | lets a node start an election |
//! | `deliver [2 3] [from=1] [type=RequestVote] [nth=1]` | delivers the messages in flight |
//! | `drop ...`, `duplicate ...` | loses them; delivers them, and keeps them in flight |
//! | `post 9->1 VoteReply term=1 granted` | sends a message that no node made |
//! | `partition 1 2 \| 3`, `cut 1->2`, `mend 1->2`, `heal` | cuts and repairs links |
//! | `propose 1 x=1` | a client proposes a command |
//! | `read 1 x` | a client asks a node for an index to read at; x is the read's mark |
//! | `transfer-leader 1 2`, `forget-leader 1`, `report-unreachable 1 2` | what a node's owner asks of it |
//! | `set-priority 1 2`, `set-commit-groups 1 groups=(1:1,2:2)`, `set-window 1 2 appends=4`, `ping 1` | and more of it |
//! | `ready 1`, `apply 1` | for nodes with owners (`add-nodes 3 owner=concurrent`): takes a Ready; applies committed entries |
//! | `persist 1`, `crash 1`, `restart 1` | makes a slow disk's oldest write durable; a node loses power; it restarts |
//! | `stabilize [1 2]` | delivers and writes everything until the nodes are quiet |
//! | `pin 1 5`, `pin 1 free` | fixes an election timeout, or lets the node draw it at random again |
//! | `state [1 2]`, `messages` | shows the nodes, or the messages in flight |
//! | `note TEXT` | a caption for the next step |
//!
//! It accepts etcd's names, too: `deliver-msgs`, `tick-election`, `tick-heartbeat`,
//! `set-randomized-election-timeout`, `raft-state`, `log-level`, its message names, and `index=`.

pub mod grammar; // lines, commands, arguments

pub mod arguments; // the arguments of one command

pub mod command; // every command of a script

pub mod message; // messages in text form

pub(crate) mod settings; // the settings of the nodes

pub mod add_nodes; // the first command: the cluster

pub mod unparse; // inputs as commands

mod display; // the output of `state` and `messages`

pub mod interpreter; // runs a script

pub mod output; // the output of a command, for golden files and the terminal

pub mod golden; // compares the output with the expected one

pub use grammar::{Directive, Script};
pub use interpreter::Interpreter;
pub use output::CommandOutput;

use std::fmt;

/// What is wrong with a script.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScriptError {
    /// The name of the file, or of another source.
    pub name: String,
    /// The line, from 1; `None` if the whole file is meant.
    pub line: Option<usize>,
    /// What was found, and what was expected.
    pub what: String,
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}, line {line}: {}", self.name, self.what),
            None => write!(f, "{}: {}", self.name, self.what),
        }
    }
}

impl std::error::Error for ScriptError {}
