//! Step 4: how long a node waits before it campaigns (§5.2, Fig. 2 Followers (2), Candidates (4)).
//!
//! ```text
//!   ticks   0 . . . . . . . . . 10 . . . . . . . . . 20 21
//!           nobody campaigns yet  [ each node campaigns here  ]
//! ```
//!
//! With election_ticks e, a timeout may be drawn from e up to but not including 2e, or from e + 1 to
//! 2e. A node may campaign at its timeout or one tick later. So no node campaigns before tick e, and
//! every node campaigns at tick 2e + 1 at the latest.

use crate::raft::kit::{Blame, N1, N2, N4, NEVER, Rows, Stage, remembering};
use crate::raft::rule;
use harness::text::counted;
use harness::{Check, Table, Verdict};
use raft::{Body, Config, Event, MemoryStorage, NodeId, Term};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use testbed::{Cluster, Input, Setup};

/// Returns the ticks at which a wait may end, for these election_ticks.
pub(super) fn window(election_ticks: u64) -> RangeInclusive<u64> {
    election_ticks..=2 * election_ticks + 1
}

/// One wait: which node waits, in which cluster, how many waits there are, and when the last may end.
struct Wait {
    what: &'static str,
    setup: Setup,
    pinned_ticks: Option<u64>,
    times: u64,
    must_be: RangeInclusive<u64>,
}

impl Wait {
    /// A wait with a drawn timeout.
    fn drawn(what: &'static str, setup: Setup, times: u64, must_be: RangeInclusive<u64>) -> Self {
        Wait { what, setup, pinned_ticks: None, times, must_be }
    }

    /// A wait with a pinned timeout.
    fn pinned(what: &'static str, ticks: u64, times: u64) -> Self {
        let pinned_ticks = Some(ticks);
        Wait { what, setup: Setup::new(3, 0), pinned_ticks, times, must_be: ticks..=ticks + 1 }
    }
}

/// A follower campaigns when its timeout passes; a node that does not vote never does.
pub(super) fn start_election_follower(_: &mut Check) -> Verdict {
    let later = remembering(Setup::new(3, 0), N1, 5, Some(N2));
    let hasty = with_time(Setup::new(3, 0), 3);
    let mut table = watch(vec![
        Wait::pinned("a follower, timeout pinned to 12", 12, 1),
        Wait::pinned("a follower, timeout pinned to 30", 30, 1),
        Wait::drawn("a follower, election_ticks 10", Setup::new(3, 0), 1, window(10)),
        Wait::drawn("a follower, election_ticks 3", hasty, 1, window(3)),
        Wait::drawn("a follower that voted in term 5", later, 1, window(10)),
    ]);
    let mut stage = Stage::of(with_a_learner(Setup::new(3, 0)).with_slow_disks());
    let asked = stage.ticks_until_it_asks(N4).map_or("never", |_| "it asked");
    table.equal("n4, which does not vote", "never", asked, stage);
    table.verdict("Core::tick_election")
}

/// A candidate without an answer resets its timer, and campaigns again when it passes.
pub(super) fn start_election_candidate(_: &mut Check) -> Verdict {
    a_new_wait()?;
    let hasty = with_time(Setup::new(3, 0), 3);
    let table = watch(vec![
        Wait::pinned("a candidate, timeout pinned to 12", 12, 2),
        Wait::pinned("a candidate, third time, pinned to 7", 7, 3),
        Wait::drawn("a candidate, election_ticks 10", Setup::new(5, 0), 2, window(10)),
        Wait::drawn("a candidate, third time", Setup::new(5, 0), 3, window(10)),
        Wait::drawn("a candidate, election_ticks 3", hasty, 2, window(3)),
    ]);
    table.verdict("Core::tick_election")
}

/// A candidate's timer starts again when it campaigns.
fn a_new_wait() -> Verdict {
    let mut stage = Stage::of(Setup::new(3, 0).with_slow_disks());
    stage.apply(Input::PinLimit { node: N1, ticks: Some(12) });
    let (first, second) = (stage.ticks_until_it_asks(N1), stage.ticks_until_it_asks(N1));
    let (Some(12..=13), Some(second)) = (first, second) else { return Ok(()) };
    if second >= 12 {
        return Ok(());
    }
    let because = format!(
        "n1's timeout is 12 ticks; n1 campaigned after it, and again {} later",
        counted(second, "tick")
    );
    let failure = stage
        .missing(rule("candidate_restarts_its_timer"), "Raft::become_candidate")
        .because(because);
    failure
        .expected("12 or 13 ticks later")
        .got(format!("{} later", counted(second, "tick")))
        .fail()
}

/// Lets n1 wait each wait, and records how many ticks it took.
fn watch(waits: Vec<Wait>) -> Rows {
    let is_turn = |event: &Event| matches!(event, Event::RoleChangeAsked { .. });
    let intro = "ticks until n1 asks for votes";
    let mut table = Rows::new(rule("election_timeout_passes"), "wait", intro);
    let mut pinned_hold = true;
    for Wait { what, setup, pinned_ticks, times, must_be } in waits {
        let mut stage = Stage::of(setup.with_slow_disks());
        if pinned_ticks.is_some() {
            stage.apply(Input::PinLimit { node: N1, ticks: pinned_ticks });
        }
        let took = (0..times).map(|_| stage.ticks_until_it_asks(N1)).last().flatten();
        let holds = took.is_some_and(|ticks| must_be.contains(&ticks));
        pinned_hold &= holds || pinned_ticks.is_none();
        // If every pinned timeout is kept, the drawn ones are wrong.
        let blame = match pinned_ticks {
            None if pinned_hold => Blame::OneOf(&["Core::draw_timeout", "Core::tick_election"]),
            _ if took.is_none() => Blame::Function("Core::tick_election"),
            _ => Blame::line_or(stage.line(is_turn), "Core::tick_election"),
        };
        table.row_blamed(blame, stage, |table| match took {
            Some(ticks) => table.within(what, must_be, ticks),
            None => {
                let must_be = format!("{} to {}", must_be.start(), must_be.end());
                table.breaks(what, must_be, format!("never (in {NEVER})"))
            }
        });
    }
    table
}

fn with_time(mut setup: Setup, election_ticks: u64) -> Setup {
    setup.nodes.iter_mut().for_each(|(config, _)| config.election_ticks = election_ticks);
    setup
}

/// Adds n4, whose storage says that only n1, n2 and n3 vote.
fn with_a_learner(mut setup: Setup) -> Setup {
    let voters = setup.nodes.iter().map(|(config, _)| config.id).collect::<Vec<_>>();
    setup.nodes.push((Config::new(N4), MemoryStorage::with_voters(voters)));
    setup
}

/// Timeouts are spread over the whole interval, from node to node and from term to term.
pub(super) fn timeout_randomised(check: &mut Check) -> Verdict {
    let mut table =
        Table::new(rule("timeout_is_random"), "waits").intro("how long nodes wait, in ticks");
    let node = |seed, election_ticks| with_time(Setup::new(5, seed), election_ticks);
    for (election_ticks, at_least) in [(10, 9), (40, 36)] {
        check.doing(format!("counting the ticks to an election, election_ticks {election_ticks}"));
        let waits: Vec<u64> =
            (0..600).flat_map(|seed| waits(node(seed, election_ticks), N1, 1)).collect();
        let what = format!("600 followers, time {election_ticks}");
        spread(&mut table, &what, &waits, election_ticks, at_least);
    }
    let mut shortest = u64::MAX;
    for seed in 0..3 {
        let what = format!("300 terms, seed {seed}");
        let waits = waits(node(seed, 10), N1, 300);
        shortest = waits.iter().copied().min().map_or(shortest, |wait| wait.min(shortest));
        spread(&mut table, &what, &waits, 10, 9);
    }
    let function = drawn_by(&table, 2, shortest);
    table.failure().map_or(Ok(()), |failure| failure.function(function).fail())
}

/// Says which function is to blame for timeouts: the one that draws them. But if the timeouts of the
/// table's first rows are right, and later ones are too short: the one that resets the timer.
fn drawn_by(table: &Table, first_waits: u64, shortest: u64) -> &'static str {
    let firsts_hold = table.first_broken().is_none_or(|row| row > first_waits);
    if firsts_hold && shortest < 10 { "Raft::become_candidate" } else { "Core::draw_timeout" }
}

/// Returns how long a node waits, again and again, without any answer.
fn waits(setup: Setup, id: NodeId, times: usize) -> Vec<u64> {
    let mut cluster = Cluster::new(setup.with_slow_disks());
    let mut waits = Vec::new();
    let (mut ticks, mut asked_in) = (0, None);
    while waits.len() < times && ticks < NEVER {
        ticks += 1;
        cluster.apply(&Input::Tick(id));
        let asks = asks_in(&cluster, id);
        if asks > asked_in {
            waits.push(ticks);
            (ticks, asked_in) = (0, asks);
        }
    }
    waits
}

/// Returns the latest term in which a node asks for votes.
fn asks_in(cluster: &Cluster, id: NodeId) -> Option<Term> {
    let last = cluster.disk(id)?.pending().last()?;
    let asks = last.promised.iter().filter(|m| matches!(m.body, Body::RequestVote(_)));
    asks.filter_map(|message| message.term).max()
}

/// Adds a row about how waits are spread.
fn spread(table: &mut Table, what: &str, waits: &[u64], election_ticks: u64, at_least: usize) {
    let window = window(election_ticks);
    let (first, last) = (window.start(), window.end());
    let seen: BTreeSet<u64> = waits.iter().copied().collect();
    let (Some(shortest), Some(longest)) = (seen.first(), seen.last()) else {
        table.breaks(what, format!("{first}..{last}"), format!("never (in {NEVER})"));
        return;
    };
    let is_inside = window.contains(shortest) && window.contains(longest);
    let must_be = format!("{first}..{last}, {at_least}+ lengths");
    let was = format!("{shortest}..{longest}, {}", counted(seen.len() as u64, "length"));
    if is_inside && seen.len() >= at_least {
        table.holds(what, must_be, was);
    } else {
        table.breaks(what, must_be, was);
    }
}

/// Few elections begin with two nodes in the same tick.
pub(super) fn timeouts_rarely_collide(check: &mut Check) -> Verdict {
    const ROUNDS: u64 = 600;
    let mut table = Table::new(rule("timeouts_rarely_collide"), "nodes")
        .intro("600 elections: in how many do two nodes campaign first, in the same tick?");
    let mut shortest = u64::MAX;
    for (size, at_most) in [(3, 25), (5, 35)] {
        let ids: Vec<NodeId> = (1..=size).map(NodeId).collect();
        check.doing(format!("counting the ticks to {ROUNDS} elections of {size} nodes"));
        let first: Vec<Vec<u64>> = (0..ROUNDS)
            .map(|seed| {
                ids.iter().filter_map(|&id| waits(Setup::new(size, seed), id, 1).pop()).collect()
            })
            .collect();
        collisions(&mut table, &format!("{size} followers"), &first, at_most);
        let many = ids.iter().map(|&id| waits(Setup::new(size, 1), id, ROUNDS as usize));
        let many: Vec<Vec<u64>> = many.collect();
        shortest = many.iter().flatten().copied().chain([shortest]).min().unwrap_or(shortest);
        let again: Vec<Vec<u64>> = (0..ROUNDS as usize)
            .map(|round| many.iter().filter_map(|waits| waits.get(round).copied()).collect())
            .collect();
        collisions(&mut table, &format!("{size} candidates"), &again, at_most);
    }
    let function = drawn_by(&table, 1, shortest);
    table.failure().map_or(Ok(()), |failure| failure.function(function).fail())
}

/// Adds a row: the share of rounds whose shortest wait is more than one node's.
fn collisions(table: &mut Table, what: &str, rounds: &[Vec<u64>], percent_max: u64) {
    let collide = rounds.iter().filter(|waits| {
        let mut counts: BTreeMap<u64, u64> = BTreeMap::new();
        waits.iter().for_each(|&wait| *counts.entry(wait).or_default() += 1);
        counts.first_key_value().is_none_or(|(_, &nodes)| nodes != 1)
    });
    let percent = collide.count() as u64 * 100 / rounds.len() as u64;
    let (must_be, was) = (format!("{percent_max} % or less"), format!("{percent} %"));
    if percent <= percent_max {
        table.holds(what, must_be, was);
    } else {
        table.breaks(what, must_be, was);
    }
}
