//! Inputs as commands: turns what the explorer, the shrinker or a prompt did into a script.
//!
//! ```text
//!   Input::Deliver(n1->n2 RequestVote ..)  -->  deliver 2 from=1 type=RequestVote
//!                                               ... nth=2, if an older one matches, too
//! ```
//!
//! Invariant: a command is returned only if it parses to the same input. There is none for what a script
//! cannot express: a snapshot message that no node made, a node n100.

use crate::cluster::{Cluster, Setup};
use crate::input::Input;
use crate::script::command::{Command, MessageFilter};
use crate::script::grammar::Directive;
use crate::script::{add_nodes, message};
use raft::{Message, NodeId};

/// Returns the command for an input to this cluster, or `None` if no command can express it.
pub fn command(input: &Input, cluster: &Cluster) -> Option<String> {
    let number = |id: &NodeId| id.0;
    let text = match input {
        Input::Tick(id) => format!("tick {}", number(id)),
        Input::Campaign(id) => format!("campaign {}", number(id)),
        Input::Deliver(message) => format!("deliver {}", picked(message, cluster)?),
        Input::Drop(message) => format!("drop {}", picked(message, cluster)?),
        Input::Duplicate(message) => format!("duplicate {}", picked(message, cluster)?),
        Input::Post(message) => format!("post {}", message::unparse(message)),
        Input::Ready(id) => format!("ready {}", number(id)),
        Input::Persist(id) => format!("persist {}", number(id)),
        Input::Apply(id) => format!("apply {}", number(id)),
        Input::Crash(id) => format!("crash {}", number(id)),
        Input::Restart(id) => format!("restart {}", number(id)),
        Input::Cut { from, to } => format!("cut {}->{}", number(from), number(to)),
        Input::Mend { from, to } => format!("mend {}->{}", number(from), number(to)),
        Input::Partition(groups) => {
            let names = |group: &Vec<NodeId>| {
                group.iter().map(|id| id.0.to_string()).collect::<Vec<_>>().join(" ")
            };
            let groups: Vec<_> = groups.iter().map(names).collect();
            format!("partition {}", groups.join(" | "))
        }
        Input::Heal => "heal".to_string(),
        Input::Propose { node, data } => {
            format!("propose {} {}", number(node), String::from_utf8(data.to_vec()).ok()?)
        }
        Input::Ask { node, request } => request.command(*node),
        Input::Read { node, context } => {
            format!("read {} {}", number(node), String::from_utf8(context.to_vec()).ok()?)
        }
        Input::FailRead { node, after } => format!("fail-read {} {after}", number(node)),
        Input::PinLimit { node, ticks: Some(ticks) } => format!("pin {} {ticks}", number(node)),
        Input::PinLimit { node, ticks: None } => format!("pin {} free", number(node)),
    };
    means(&text, input, cluster).then_some(text)
}

/// Returns the `add-nodes` command for this setup, or `None` if no command can express it.
pub fn cluster(setup: &Setup) -> Option<String> {
    let text = add_nodes::unparse(setup);
    (understood(&text)? == Command::AddNodes(setup.clone())).then_some(text)
}

/// Returns a script of these inputs: `add-nodes`, then one command a line. `None` if no command can
/// express one of them.
///
/// # Panics
/// If a node panics.
pub fn script(setup: &Setup, inputs: &[Input]) -> Option<String> {
    let mut text = cluster(setup)? + "\n";
    let mut run = Cluster::new(setup.clone());
    for input in inputs {
        text += &(command(input, &run)? + "\n");
        run.apply(input);
    }
    Some(text)
}

/// Returns the arguments that select one message in flight.
fn picked(message: &Message, cluster: &Cluster) -> Option<String> {
    let kind = message.body.kind();
    let alike = MessageFilter {
        to: vec![message.to],
        from: vec![message.from],
        kind: Some(kind),
        nth: None,
    };
    let flights = cluster.network().flights().iter().map(|flight| &flight.message);
    let alike: Vec<_> = flights.filter(|other| alike.matches(other)).collect();
    let place = alike.iter().position(|other| *other == message)?;
    let nth = if alike.len() > 1 { format!(" nth={}", place + 1) } else { String::new() };
    Some(format!("{} from={} type={kind}{nth}", message.to.0, message.from.0))
}

/// Parses a command again.
fn understood(text: &str) -> Option<Command> {
    Command::parse("a command", &Directive::parse("a command", text).ok()?).ok()
}

/// Returns whether a command means exactly this input.
fn means(text: &str, input: &Input, cluster: &Cluster) -> bool {
    let Some(command) = understood(text) else { return false };
    let picks = matches!(input, Input::Deliver(_) | Input::Drop(_) | Input::Duplicate(_));
    let is_same = picks || command.input().as_ref() == Some(input);
    is_same && input.nodes().iter().all(|&id| cluster.disk(id).is_some())
}
