//! Lab 2ac: the Ready contract (Fig. 2, persistent state; thesis §10.2.1), step by step.
//!
//! ```text
//!   1 telling   2 taking   3 writing   4 applying   5 restarting   6 crossing, model, simulation
//! ```
//!
//! A test of a step runs only what that step and the ones before it write. It judges what an owner sees:
//! Readys, the disk, and what is applied. A node may hand out everything in one Ready or in several;
//! [`judge`] says what must hold.

mod answers; // what an owner reports, accepted or refused
mod applying; // step 4: what is handed out to be applied
mod blame; // which functions to read first
mod crossing; // step 6: several writes in progress
mod judge; // what must hold in every Ready
mod limiting; // step 4: the limits, and what makes room under them
mod model; // step 6: every order of everything
mod owner; // a node, and an owner that keeps the contract
mod restarting; // step 5: starting again
mod simulation; // step 6: whole clusters, at random
mod taking; // step 2: what a Ready holds
mod telling; // step 1: whether there is any news
mod writing; // step 3: what counts once a write is durable

use harness::Test;

/// The tests, in the order of the steps.
pub const TESTS: &[Test] = &[
    Test::new(1, "ac_no_spurious_ready", telling::no_spurious_ready),
    Test::new(2, "ac_hardstate_on_vote_only", taking::hardstate_on_vote_only),
    Test::new(2, "ac_soft_state_tells_role_and_leader", taking::soft_state_tells_role_and_leader),
    Test::new(2, "ac_persist_before_send", taking::persist_before_send),
    Test::new(2, "ac_no_dup_entries", taking::no_dup_entries),
    Test::new(2, "ac_must_sync", taking::must_sync),
    Test::new(3, "ac_leader_counts_after_persist", writing::leader_counts_after_persist),
    Test::new(3, "ac_single_node_two_ready", writing::single_node_two_ready),
    Test::new(3, "ac_advance_uses_ready", writing::advance_uses_ready),
    Test::new(3, "ac_messages_exactly_once", writing::messages_exactly_once),
    Test::new(3, "ac_quiet_when_all_is_done", writing::quiet_when_all_is_done),
    Test::new(3, "ac_failed_read", writing::failed_read),
    Test::new(4, "ac_paging_committed", applying::paging_committed),
    Test::new(4, "ac_apply_cap", limiting::apply_cap),
    Test::new(4, "ac_apply_gates", applying::apply_gates),
    Test::new(4, "ac_apply_order", applying::apply_order),
    Test::new(4, "ac_uncommitted_bytes", limiting::uncommitted_bytes),
    Test::new(4, "ac_commit_le_durable", applying::commit_le_durable),
    Test::new(4, "ac_commit_told_before_applied", applying::commit_told_before_applied),
    Test::new(5, "ac_start_restart", restarting::start_restart),
    Test::new(5, "ac_apply_once_across_crash", restarting::apply_once_across_crash),
    Test::new(5, "ac_impossible_start", restarting::impossible_start),
    Test::new(6, "ac_persist_in_order", crossing::persist_in_order),
    Test::new(6, "ac_async_append_aba", crossing::async_append_aba),
    Test::new(6, "ac_next_record_makes_durable", crossing::next_record_makes_durable),
    Test::new(6, "ac_model_one_node", model::one_node).cpu_limit_ms(120_000),
    Test::simulation(6, "ac_sim_slow_disk", simulation::slow_disk),
    Test::simulation(6, "ac_sim_crash", simulation::crash),
    Test::simulation(6, "ac_sim_drop_and_reorder", simulation::drop_and_reorder),
    Test::simulation(6, "ac_sim_partition", simulation::partition),
    Test::simulation(6, "ac_sim_swarm", simulation::swarm),
];
