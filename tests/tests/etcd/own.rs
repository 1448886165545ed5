//! Scripts of our own in etcd's language: what renderer and runner do where etcd's files are not at
//! hand.

mod confchange; // tables of membership changes

use crate::verdict::{Outcome, judge_script};

/// Plays a script that must come as it says.
fn passes(script: &str) {
    let outcome = judge_script(script).outcome;
    assert!(outcome == Outcome::Passed, "{outcome}");
}

#[test]
fn a_probed_follower_is_found_again_by_its_answer_to_a_heartbeat() {
    passes(
        r#"
log-level none
----
ok

add-nodes 2 voters=(1,2) index=5
----
ok

campaign 1
----
ok

stabilize
----
ok

log-level info
----
ok

report-unreachable 1 2
----
ok

status 1
----
1: StateReplicate match=6 next=7
2: StateProbe match=6 next=7

tick-heartbeat 1
----
ok

process-ready 1
----
Ready MustSync=false:
Messages:
1->2 MsgHeartbeat Term:1 Log:0/0 Commit:6

stabilize log-level=error
----
> 2 receiving messages
  1->2 MsgHeartbeat Term:1 Log:0/0 Commit:6
> 2 handling Ready
  Ready MustSync=false:
  Messages:
  2->1 MsgHeartbeatResp Term:1 Log:0/0
> 1 receiving messages
  2->1 MsgHeartbeatResp Term:1 Log:0/0
> 1 handling Ready
  Ready MustSync=false:
  Messages:
  1->2 MsgApp Term:1 Log:1/6 Commit:6
> 2 receiving messages
  1->2 MsgApp Term:1 Log:1/6 Commit:6
> 2 handling Ready
  Ready MustSync=false:
  Messages:
  2->1 MsgAppResp Term:1 Log:0/6
> 1 receiving messages
  2->1 MsgAppResp Term:1 Log:0/6

status 1
----
1: StateReplicate match=6 next=7
2: StateReplicate match=6 next=7
"#,
    );
}

/// Node 2 is told to write 12 of term 1, 12 of term 2 in its place, and 12 of term 1 again. Word of the
/// first write, coming late, must not pass for word of the third: the second is on the disk.
#[test]
fn a_write_of_an_earlier_term_attests_nothing_in_a_later_one() {
    passes(
        r#"
log-level none
----
ok

add-nodes 5 voters=(1,2,3,4,5) index=10 async-storage-writes=true
----
ok

campaign 1
----
ok

stabilize
----
ok

propose 1 again
----
ok

process-ready 1
----
ok

deliver-msgs 2 drop=(3,4,5)
----
ok

process-ready 2
----
ok

campaign 3
----
ok

stabilize 3
----
ok

deliver-msgs 1 4 5 drop=2
----
ok

stabilize 4 5
----
ok

stabilize 1
----
ok

stabilize 3
----
ok

deliver-msgs 2 drop=(1,4,5)
----
ok

process-ready 2
----
ok

campaign 1
----
ok

stabilize 1
----
ok

stabilize 4 5
----
ok

stabilize 1
----
ok

deliver-msgs 2
----
ok

process-ready 2
----
ok

stabilize 4 5
----
ok

stabilize 1
----
ok

stabilize 1 4 5
----
ok

log-level debug
----
ok

# The first two writes end, and nobody at 2 has heard of it yet.
process-append-thread 2
----
Processing:
2->AppendThread MsgStorageAppend Term:0 Log:0/0 Entries:[1/12 EntryNormal "again"]
Responses:
2->1 MsgAppResp Term:1 Log:0/12
AppendThread->2 MsgStorageAppendResp Term:1 Log:1/12

process-append-thread 2
----
Processing:
2->AppendThread MsgStorageAppend Term:2 Log:0/0 Commit:11 Entries:[2/12 EntryNormal ""]
Responses:
2->3 MsgAppResp Term:2 Log:0/12
AppendThread->2 MsgStorageAppendResp Term:2 Log:2/12

process-append-thread 2
----
Processing:
2->AppendThread MsgStorageAppend Term:3 Log:0/0 Commit:11
Responses:
2->1 MsgVoteResp Term:3 Log:0/0 Rejected (Hint: 0)
2->1 MsgAppResp Term:3 Log:1/12 Rejected (Hint: 11)
AppendThread->2 MsgStorageAppendResp Term:3 Log:2/12

deliver-msgs 1
----
2->1 MsgAppResp Term:1 Log:0/12
2->1 MsgVoteResp Term:3 Log:0/0 Rejected (Hint: 0)
2->1 MsgAppResp Term:3 Log:1/12 Rejected (Hint: 11)

process-ready 1
----
Ready MustSync=false:
Messages:
1->2 MsgApp Term:3 Log:1/11 Commit:13 Entries:[
  1/12 EntryNormal "again"
  3/13 EntryNormal ""
]

deliver-msgs 2 type=MsgApp
----
1->2 MsgApp Term:3 Log:1/11 Commit:13 Entries:[
  1/12 EntryNormal "again"
  3/13 EntryNormal ""
]

process-ready 2
----
Ready MustSync=true:
HardState Term:3 Commit:13
Entries:
1/12 EntryNormal "again"
3/13 EntryNormal ""
Messages:
2->AppendThread MsgStorageAppend Term:3 Log:0/0 Commit:13 Entries:[
  1/12 EntryNormal "again"
  3/13 EntryNormal ""
] Responses:[
  2->1 MsgAppResp Term:3 Log:0/13
  AppendThread->2 MsgStorageAppendResp Term:3 Log:3/13
]

# 1/12 is acknowledged, but the disk holds 2/12 now: nothing may be applied.
deliver-msgs 2
----
AppendThread->2 MsgStorageAppendResp Term:1 Log:1/12
AppendThread->2 MsgStorageAppendResp Term:2 Log:2/12
AppendThread->2 MsgStorageAppendResp Term:3 Log:2/12

process-ready 2
----
<empty Ready>

raft-log 2
----
1/11 EntryNormal ""
2/12 EntryNormal ""

process-append-thread 2
----
Processing:
2->AppendThread MsgStorageAppend Term:3 Log:0/0 Commit:13 Entries:[
  1/12 EntryNormal "again"
  3/13 EntryNormal ""
]
Responses:
2->1 MsgAppResp Term:3 Log:0/13
AppendThread->2 MsgStorageAppendResp Term:3 Log:3/13

process-append-thread 2
----
no append work to perform

deliver-msgs 2
----
AppendThread->2 MsgStorageAppendResp Term:3 Log:3/13

process-ready 2
----
Ready MustSync=false:
CommittedEntries:
1/12 EntryNormal "again"
3/13 EntryNormal ""
Messages:
2->ApplyThread MsgStorageApply Term:0 Log:0/0 Entries:[
  1/12 EntryNormal "again"
  3/13 EntryNormal ""
] Responses:[
  ApplyThread->2 MsgStorageApplyResp Term:0 Log:0/0 Entries:[
    1/12 EntryNormal "again"
    3/13 EntryNormal ""
  ]
]
"#,
    );
}

#[test]
fn what_is_refused_is_said_in_etcds_words() {
    passes(
        r#"
add-nodes 1 voters=(1,2) index=1
----
index must be specified as > 1 due to bootstrap

add-nodes 2 voters=(1,3) index=2
----
ok

propose 1 too_soon
----
raft proposal dropped

campaign 2
----
WARN 2 is unpromotable and can not campaign

raft-state
----
1: StateFollower (Voter) Term:0 Lead:0
2: StateFollower (Non-Voter) Term:0 Lead:0

raft-log 1
----
log is empty: first index=3, last index=2

deliver-msgs 1
----
no messages

process-ready 1 2
----
> 1 handling Ready
  <empty Ready>
> 2 handling Ready
  <empty Ready>

log-level loud
----
log levels must be either of [DEBUG INFO WARN ERROR FATAL NONE]

compact 1 2
----
requested index is unavailable due to compaction

dance
----
unknown command
"#,
    );
}

#[test]
fn a_script_that_asks_too_much_or_makes_no_sense_ends_with_the_reason() {
    let ends = |script: &str| judge_script(&format!("{script}\n----\nok\n")).outcome.to_string();
    assert_eq!(ends("campaign 4"), "broken, line 1: there is no node 4: 0 have been added");
    assert_eq!(
        ends("campaign 0"),
        "broken, line 1: campaign: expected the number of a node, from 1"
    );
    let many = "broken, line 1: add-nodes: expected at most 100 nodes, found 1000000";
    assert_eq!(ends("add-nodes 1000000"), many);
    let kind = "broken, line 1: deliver-msgs: expected a kind of message, found MsgFoo";
    assert_eq!(ends("deliver-msgs 1 type=MsgFoo"), kind);
}
