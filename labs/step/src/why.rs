//! What decided: the rule, its input, the line of source, the place in the book.
//!
//! ```text
//!   n2 votes for n1
//!     rule     §5.2, §5.4.1, RequestVote (2) of Figure 2
//!     heard    n1->n2 RequestVote t1 last=0@0
//!     n2 was   follower, term 0, no vote, ...
//!     line     raft/src/election.rs:84
//!          82 | ...
//!        > 84 | self.vote_for(from);
//!     book     election.md#who-gets-a-vote
//! ```

use crate::session::Session;
use crate::{facts, screen};
use raft::sources::SOURCES;
use testbed::trace::event::{RecordedEvent, RulePlace};
use testbed::trace::{Kind, Line, TraceStep};

/// How many lines of source are shown before the one that decided, and after it.
const AROUND: (usize, usize) = (5, 2);

/// One decision of a step.
struct Decision<'a> {
    /// What it changed, in words.
    says: &'a str,
    event: &'a RecordedEvent,
}

/// Shows what decided in the current step: the decision with this number, from 1, or the most important
/// one.
///
/// # Errors
/// There is no step, or no such decision.
pub(crate) fn tell(session: &Session, which: Option<usize>) -> Result<Vec<Line>, String> {
    let recorded = session.current().ok_or("nothing has happened yet: next, or a command")?;
    let decisions = decisions(recorded);
    if decisions.is_empty() {
        return Ok(undecided(recorded));
    }
    let at = match which {
        None => most_telling(&decisions),
        Some(number) if (1..=decisions.len()).contains(&number) => number - 1,
        Some(number) => {
            let count = decisions.len();
            return Err(format!("there is no decision {number}: the step has {count}"));
        }
    };
    let mut lines = explain(session, recorded, &decisions[at]);
    if decisions.len() > 1 {
        lines.extend(Line::wrapped(Kind::Caption, 2, "Also decided in this step:"));
    }
    for (number, other) in (1..).zip(&decisions).filter(|(number, _)| *number != at + 1) {
        let text = format!("why {number}  {}", other.says);
        lines.extend(Line::wrapped(Kind::Fact, 4, &text));
    }
    Ok(lines)
}

/// Returns what a rule decided in this step.
fn decisions(recorded: &TraceStep) -> Vec<Decision<'_>> {
    let decided = recorded.facts.iter().filter_map(|fact| {
        let event = recorded.events.get(fact.event?)?;
        (event.kind != "sent").then_some(Decision { says: &fact.text, event })
    });
    decided.collect()
}

/// Returns the decision that caused most of the others: not a new term or a reset timer, if there is
/// another one.
fn most_telling(decisions: &[Decision<'_>]) -> usize {
    let follows =
        |it: &Decision<'_>| matches!(it.event.kind.as_str(), "term_entered" | "timer_reset");
    decisions.iter().rposition(|it| !follows(it)).unwrap_or(0)
}

/// Says that no rule decided, and why.
fn undecided(recorded: &TraceStep) -> Vec<Line> {
    let mut lines = Line::wrapped(Kind::Headline, 0, &recorded.headline);
    let why = match (&recorded.refused, recorded.node) {
        (Some(why), _) => format!("No rule was asked: {why}."),
        (None, None) => "No node took part in this step, so no rule decided anything.".to_string(),
        (None, Some(node)) => format!("n{node} noted nothing: none of its rules had to decide."),
    };
    lines.extend(Line::prose(Kind::Caption, 2, &why));
    lines
}

fn explain(session: &Session, recorded: &TraceStep, decision: &Decision<'_>) -> Vec<Line> {
    let event = decision.event;
    let mut lines = Line::wrapped(Kind::Headline, 0, decision.says);
    let run = session.whole().run();
    let rule = run.and_then(|run| run.rules().get(&event.rule));
    lines.extend(rule.iter().flat_map(|rule| row("rule", &stated(rule))));
    let heard = recorded.headline.strip_prefix("> ").filter(|text| text.contains("->"));
    lines.extend(heard.iter().flat_map(|text| row("heard", text)));
    if let Some(node) = recorded.node {
        let before = session.states(session.at().saturating_sub(1));
        let was = before.get(&node).map(facts::line).unwrap_or_default();
        lines.extend(row(&format!("n{node} was"), &was));
    }
    if event.text != decision.says {
        lines.extend(row("noted", &event.text));
    }
    lines.extend(source(&event.at));
    lines.extend(rule.iter().flat_map(|rule| row("book", &rule.chapter)));
    lines
}

/// Says where a rule is stated: `§5.4.1, Fig. 2 RequestVote (2)`.
fn stated(rule: &RulePlace) -> String {
    let figure = rule.figure.as_ref().map_or(String::new(), |figure| format!(", {figure}"));
    format!("§{}{figure}", rule.section)
}

fn row(name: &str, text: &str) -> Vec<Line> {
    screen::row(name, 8, text)
}

/// Shows the lines of source around `file:line:column`.
fn source(at: &str) -> Vec<Line> {
    let place = at.rsplit_once(':').map_or(at, |(place, _column)| place);
    let mut lines = row("line", place);
    let Some((file, number)) = place.rsplit_once(':') else { return lines };
    let Ok(number) = number.parse::<usize>() else { return lines };
    let Some((_, text)) = SOURCES.iter().find(|(path, _)| *path == file) else { return lines };
    let first = number.saturating_sub(AROUND.0).max(1);
    let shown: Vec<(usize, &str)> =
        (1..).zip(text.lines()).skip(first - 1).take(number + AROUND.1 + 1 - first).collect();
    let blank = |line: &str| line.trim().is_empty();
    let indent = shown.iter().filter(|(_, line)| !blank(line));
    let indent = indent.map(|(_, line)| line.len() - line.trim_start().len()).min().unwrap_or(0);
    for (at, line) in shown {
        let (mark, kind) = if at == number { ('>', Kind::Fact) } else { (' ', Kind::Source) };
        let code = cut(line.get(indent..).unwrap_or_default());
        let text = format!("   {mark}{at:>5} | {code}").trim_end().to_string();
        lines.push(Line { kind, text });
    }
    lines
}

/// Cuts a line of code at the width of the screen.
fn cut(code: &str) -> String {
    const WIDTH: usize = 68;
    match code.char_indices().nth(WIDTH) {
        None => code.to_string(),
        Some(_) => code.chars().take(WIDTH - 3).chain("...".chars()).collect(),
    }
}
