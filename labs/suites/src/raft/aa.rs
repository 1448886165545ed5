//! Lab 2aa: leader election, step by step (§5.1, §5.2).
//!
//! ```text
//!   1 quorum   2 terms   3 asking   4 waiting   5 voting, timer
//!   6 counting, turning, electing   7 leading, yielding, timer   8 model, simulation
//! ```
//!
//! A test of a step runs only what that step and the ones before it write. It judges what a peer, a
//! disk or a counter of ticks can see once all messages have arrived. Of a node itself it reads the
//! term, the vote, the role and the leader. For every row that a node could pass by doing nothing
//! there is a similar row that such a node fails.

mod asking; // step 3: how an election begins
mod counting; // step 6: whose votes count
mod electing; // step 6: whole elections
mod leading; // step 7: a leader's heartbeats, and their answers
mod model; // step 8: every state of a small cluster
mod quorum; // step 1: how many are enough
mod simulation; // step 8: random runs with faults
mod terms; // step 2: a later term
pub(crate) mod timer; // steps 5 and 7: what resets a node's timer
mod turning; // step 6: roles, and what a later term does to them
mod voting; // step 5: which candidate gets a vote
mod waiting; // step 4: how long a node waits
mod yielding; // step 7: who steps down for whom

use harness::Test;

/// The tests, in the order of the steps.
pub const TESTS: &[Test] = &[
    Test::new(1, "aa_quorum_sizes", quorum::quorum_sizes),
    Test::new(2, "aa_update_term_follower", terms::update_term_follower),
    Test::new(2, "aa_start_as_follower", terms::start_as_follower),
    Test::new(3, "aa_election_begins", asking::election_begins),
    Test::new(3, "aa_asks_everyone_and_itself", asking::asks_everyone_and_itself),
    Test::new(4, "aa_start_election_follower", waiting::start_election_follower),
    Test::new(4, "aa_start_election_candidate", waiting::start_election_candidate),
    Test::new(4, "aa_timeout_randomised", waiting::timeout_randomised),
    Test::new(4, "aa_timeouts_rarely_collide", waiting::timeouts_rarely_collide),
    Test::new(5, "aa_vote_once_per_term", voting::vote_once_per_term),
    Test::new(5, "aa_revote_same_candidate", voting::revote_same_candidate),
    Test::new(5, "aa_refusals_and_their_twins", voting::refusals_and_their_twins),
    Test::new(5, "aa_timer_reset_votes", timer::timer_reset_votes),
    Test::new(6, "aa_election_outcomes", quorum::election_outcomes),
    Test::new(6, "aa_one_round_table", counting::one_round_table),
    Test::new(6, "aa_single_node", counting::single_node),
    Test::new(6, "aa_dup_votes_not_counted", counting::dup_votes_not_counted),
    Test::new(6, "aa_stale_vote_resp_ignored", counting::stale_vote_resp_ignored),
    Test::new(6, "aa_stale_votes_cleared", counting::stale_votes_cleared),
    Test::new(6, "aa_update_term_candidate", turning::update_term_candidate),
    Test::new(6, "aa_update_term_leader", turning::update_term_leader),
    Test::new(6, "aa_vote_from_any_state", turning::vote_from_any_state),
    Test::new(6, "aa_vote_survives_same_term_stepdown", turning::vote_survives_same_term_stepdown),
    Test::new(6, "aa_leader_election_shapes", electing::leader_election_shapes),
    Test::new(6, "aa_leader_cycle", electing::leader_cycle),
    Test::new(6, "aa_split_vote_recovers", electing::split_vote_recovers),
    Test::new(6, "aa_stepdown_then_handle", turning::stepdown_then_handle),
    Test::new(6, "aa_campaign_while_leader", turning::campaign_while_leader),
    Test::new(7, "aa_bcast_beat", leading::bcast_beat),
    Test::new(7, "aa_recv_beat", leading::recv_beat),
    Test::new(7, "aa_candidate_fallback", yielding::candidate_fallback),
    Test::new(7, "aa_candidate_reset_term_heartbeat", yielding::candidate_reset_term_heartbeat),
    Test::new(7, "aa_candidate_reset_term_append", yielding::candidate_reset_term_append),
    Test::new(7, "aa_disruptive_follower", yielding::disruptive_follower),
    Test::new(7, "aa_lead_cleared_on_term_bump", leading::lead_cleared_on_term_bump),
    Test::new(7, "aa_deposed_leader_waits", leading::deposed_leader_waits),
    Test::new(7, "aa_timer_reset_table", timer::timer_reset_table),
    Test::new(8, "aa_model_3x3", model::model_3x3).cpu_limit_ms(120_000),
    Test::simulation(8, "aa_sim_election_safety_drop", simulation::drop),
    Test::simulation(8, "aa_sim_election_safety_reorder", simulation::reorder),
    Test::simulation(8, "aa_sim_election_safety_duplicate", simulation::duplicate),
    Test::simulation(8, "aa_sim_election_safety_partition", simulation::partition),
    Test::simulation(8, "aa_sim_election_safety_crash", simulation::crash),
    Test::simulation(8, "aa_sim_election_safety_skew", simulation::skew),
    Test::simulation(8, "aa_sim_election_safety_swarm", simulation::swarm),
    Test::simulation(8, "aa_sim_liveness", simulation::liveness),
];
