//! Scripts: a run as a story, written by hand, checked to the letter.
//!
//! ```text
//!   # A title                        comments tell the story
//!   #
//!   # What this shows, and perhaps a picture.
//!
//!   campaign 1                       a command and its arguments: key, key=val, key=(a,b)
//!   ----
//!   n1@0 follower -> n1@1 candidate  what came of it, to the first blank line
//!   n1 votes for n1
//! ```
//!
//! The grammar is that of etcd's interaction tests (package datadriven): a `\` at the end of a line
//! joins the next one, lines between command and `----` are its input, and an output that holds blank
//! lines stands between doubled `----` lines. One thing is ours: a command that no `----` follows
//! before the next blank line expects nothing, so a first script is only a list of commands.
//!
//! | command | what happens |
//! |---|---|
//! | `add-nodes 3 [voters=(1,2)] [log=(1@1,2@1)] [n2.log=(1@1)] [disk=slow] ...` | the cluster is made |
//! | `tick 1 [5]`, `tick all [5]` | ticks pass |
//! | `campaign 1` | a node is told to hold an election |
//! | `deliver [2 3] [from=1] [type=RequestVote] [nth=1]` | what is under way now arrives |
//! | `drop ...`, `duplicate ...` | it is lost; it arrives, and will arrive again |
//! | `post 9->1 VoteReply term=1 granted` | a message made by hand is put under way |
//! | `partition 1 2 \| 3`, `cut 1->2`, `mend 1->2`, `heal` | links fail and work again |
//! | `propose 1 x=1` | a client's command |
//! | `ready 1`, `apply 1` | where nodes have owners (`add-nodes 3 owner=concurrent`): one hands out a Ready, applies what was committed |
//! | `persist 1`, `crash 1`, `restart 1` | a slow disk writes; power fails and comes back |
//! | `stabilize [1 2]` | everything arrives and every disk writes, until all is silent |
//! | `pin 1 5`, `pin 1 free` | an election limit is fixed, or drawn again |
//! | `state [1 2]`, `messages` | shows the nodes, or what is under way |
//! | `note TEXT` | a caption for the next step |
//!
//! etcd's spellings are understood as well: `deliver-msgs`, `tick-election`, `tick-heartbeat`,
//! `set-randomized-election-timeout`, `raft-state`, `log-level`, its message names, and `index=`.

pub mod grammar; // lines, commands, arguments

pub mod spelling; // what somebody may have meant

pub mod arguments; // one command's arguments, taken one by one

pub mod command; // everything a script can say

pub mod hand; // messages made by hand

mod settings; // how its nodes are set

pub mod seating; // the cluster a script begins with

pub mod phrase; // inputs as commands

mod display; // what `state` and `messages` show

pub mod stage; // a script being played

pub mod scene; // what one command led to, for golden files and for the terminal

pub mod golden; // files that must not change by accident

pub use grammar::{Directive, Script};
pub use scene::Scene;
pub use stage::Stage;

use std::fmt;

/// What is wrong with a script.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScriptError {
    /// Which file, or what else it came from.
    pub name: String,
    /// Which line, from 1; none where it is the whole file.
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
