//! Lab 2ab: log replication, step by step (§5.3, §5.4).
//!
//! ```text
//!   1 newer    2 writing   3 parting   4 applying   5 following   6 proposing
//!   7 sending  8 knowing   9 committing   10 repairing   11 model, simulation, budget
//! ```
//!
//! A test of a step runs only what that step and the ones before it write. It judges what a peer gets,
//! what a disk holds and what a client learns. Only the budget judges the order and the number of
//! messages. For every row that a node could pass by doing nothing there is a similar row that such a
//! node fails.

mod applying; // step 4: how far a log is committed
mod blame; // where to look
mod budget; // step 11: how many messages it takes
mod committing; // step 9: when an entry is safe
mod following; // step 5: what a follower takes, and what it answers
mod knowing; // step 8: what answers tell a leader
mod model; // step 11: every state of a small cluster with a log
mod newer; // step 1: which log is newer
mod parting; // step 3: where two logs differ
mod proposing; // step 6: what a leader's log takes
mod repairing; // step 10: whole clusters, and logs that differ
mod sending; // step 7: what an append says
mod simulation; // step 11: random runs with faults
mod writing; // step 2: what a log holds

use harness::Test;

/// The tests, in the order of the steps.
pub const TESTS: &[Test] = &[
    Test::new(1, "ab_vote_request", newer::vote_request),
    Test::new(1, "ab_voter", newer::voter),
    Test::new(1, "ab_vote_up_to_date_table", newer::vote_up_to_date_table),
    Test::new(1, "ab_refused_log_keeps_the_vote", newer::refused_log_keeps_the_vote),
    Test::new(1, "ab_refused_log_resets_no_timer", newer::refused_log_resets_no_timer),
    Test::new(2, "ab_append_extends", writing::append_extends),
    Test::new(2, "ab_append_replaces_tail", writing::append_replaces_tail),
    Test::new(2, "ab_log_against_a_vec", writing::log_against_a_vec),
    Test::new(3, "ab_append_conflict_table", parting::append_conflict_table),
    Test::new(3, "ab_stale_append_no_truncate", parting::stale_append_no_truncate),
    Test::new(3, "ab_dup_and_reordered_append", parting::dup_and_reordered_append),
    Test::new(4, "ab_commit_only_grows", applying::commit_only_grows),
    Test::new(4, "ab_next_entries", applying::next_entries),
    Test::new(5, "ab_check_append_table", following::check_append_table),
    Test::new(5, "ab_follower_check_append", following::follower_check_append),
    Test::new(5, "ab_follower_commit_entry", following::follower_commit_entry),
    Test::new(5, "ab_follower_commit_min", following::follower_commit_min),
    Test::new(
        5,
        "ab_committed_entries_are_never_overwritten",
        following::committed_entries_are_never_overwritten,
    ),
    Test::new(5, "ab_old_messages", following::old_messages),
    Test::new(6, "ab_noop_on_election", proposing::noop_on_election),
    Test::new(6, "ab_leader_appends_proposals", proposing::leader_appends_proposals),
    Test::new(6, "ab_propose_not_leader", proposing::propose_not_leader),
    Test::new(6, "ab_all_server_stepdown", proposing::all_server_stepdown),
    Test::new(7, "ab_leader_start_replication", sending::leader_start_replication),
    Test::new(7, "ab_append_says_what_it_follows", sending::append_says_what_it_follows),
    Test::new(7, "ab_proposals_delay_no_beat", sending::proposals_delay_no_beat),
    Test::new(8, "ab_leader_increase_next", knowing::leader_increase_next),
    Test::new(8, "ab_reject_goes_back", knowing::reject_goes_back),
    Test::new(8, "ab_stale_reject_ignored", knowing::stale_reject_ignored),
    Test::new(8, "ab_next_floor", knowing::next_floor),
    Test::new(8, "ab_reject_at_higher_term_steps_down", knowing::reject_at_higher_term_steps_down),
    Test::new(9, "ab_ack_table", committing::ack_table),
    Test::new(9, "ab_leader_commit_entry", committing::leader_commit_entry),
    Test::new(9, "ab_leader_commit_preceding_entries", committing::leader_commit_preceding_entries),
    Test::new(9, "ab_only_current_term", committing::only_current_term),
    Test::new(9, "ab_progress_leader", committing::progress_leader),
    Test::new(9, "ab_single_node_commit", committing::single_node_commit),
    Test::new(9, "ab_stale_ack_monotone", committing::stale_ack_monotone),
    Test::new(9, "ab_old_term_ack_ignored", committing::old_term_ack_ignored),
    Test::new(9, "ab_leader_reinit_progress", committing::leader_reinit_progress),
    Test::new(9, "ab_heartbeat_commit_bounded", committing::heartbeat_commit_bounded),
    Test::new(9, "ab_commit_broadcast", committing::commit_broadcast),
    Test::new(9, "ab_proposal_shapes", committing::proposal_shapes),
    Test::new(10, "ab_sync_fig7", repairing::sync_fig7),
    Test::new(10, "ab_heartbeat_resp_triggers_append", repairing::heartbeat_resp_triggers_append),
    Test::new(10, "ab_election_overwrites_newer_logs", repairing::election_overwrites_newer_logs),
    Test::new(10, "ab_log_replication", repairing::log_replication),
    Test::new(10, "ab_commit_without_new_term_entry", repairing::commit_without_new_term_entry),
    Test::new(10, "ab_heartbeat_update_commit", repairing::heartbeat_update_commit),
    Test::new(10, "ab_dueling_candidates", repairing::dueling_candidates),
    Test::new(10, "ab_candidate_concede", repairing::candidate_concede),
    Test::new(11, "ab_rpc_budget", budget::rpc_budget),
    Test::new(11, "ab_model_3x3x3", model::model_3x3x3).cpu_limit_ms(120_000),
    Test::simulation(11, "ab_sim_state_machine_safety_drop", simulation::drop),
    Test::simulation(11, "ab_sim_state_machine_safety_reorder", simulation::reorder),
    Test::simulation(11, "ab_sim_state_machine_safety_duplicate", simulation::duplicate),
    Test::simulation(11, "ab_sim_state_machine_safety_partition", simulation::partition),
    Test::simulation(11, "ab_sim_state_machine_safety_crash", simulation::crash),
    Test::simulation(11, "ab_sim_state_machine_safety_swarm", simulation::swarm),
    Test::simulation(11, "ab_sim_figure8", simulation::figure8),
    Test::simulation(11, "ab_sim_convergence", simulation::convergence),
];
