//! Tables of our own of membership changes: which command is refused when, in etcd's words, and whose
//! progress begins again.

use crate::confchange::Group;
use crate::verdict::{Outcome, judge};

/// Returns how a table ends.
fn outcome(table: &str) -> Outcome {
    let mut group = Group::default();
    judge(table, |block| group.play(block)).outcome
}

/// Plays a table that must come as it says.
fn passes(table: &str) {
    let outcome = outcome(table);
    assert!(outcome == Outcome::Passed, "{outcome}");
}

#[test]
fn a_joint_configuration_is_entered_and_left_by_its_own_commands_alone() {
    passes(
        r#"
# Nobody could agree to the first change.
enter-joint
v1
----
can't make a zero-voter config joint

leave-joint
----
can't leave a non-joint config

# Refused commands count, too: two came before.
simple
v1
----
voters=(1)
1: StateProbe match=0 next=2

leave-joint
----
can't leave a non-joint config

# Without a change, both halves are the same.
enter-joint
----
voters=(1)&&(1)
1: StateProbe match=0 next=2

enter-joint
v2
----
config is already joint

simple
l2
----
can't apply simple config change in joint config

simple
----
can't apply simple config change in joint config

leave-joint
----
voters=(1)
1: StateProbe match=0 next=2

# All voters may go, if others come. The old one is sent entries until the group leaves.
enter-joint autoleave=false
r1 v2 v3 l4
----
voters=(2 3)&&(1) learners=(4)
1: StateProbe match=0 next=2
2: StateProbe match=0 next=9
3: StateProbe match=0 next=9
4: StateProbe match=0 next=9 learner

leave-joint
----
voters=(2 3) learners=(4)
2: StateProbe match=0 next=9
3: StateProbe match=0 next=9
4: StateProbe match=0 next=9 learner

# But not all voters, with none to come.
enter-joint autoleave=true
l2 r3
----
removed all voters

simple
v4
----
voters=(2 3 4)
2: StateProbe match=0 next=9
3: StateProbe match=0 next=9
4: StateProbe match=0 next=9

enter-joint autoleave=true
l4 l2
----
voters=(3)&&(2 3 4) learners_next=(2 4) autoleave
2: StateProbe match=0 next=9
3: StateProbe match=0 next=9
4: StateProbe match=0 next=9

leave-joint
----
voters=(3) learners=(2 4)
2: StateProbe match=0 next=9 learner
3: StateProbe match=0 next=9
4: StateProbe match=0 next=9 learner
"#,
    );
}

#[test]
fn a_node_that_is_promoted_or_demoted_keeps_its_progress_and_one_that_was_removed_does_not() {
    passes(
        r#"
simple
v1
----
voters=(1)
1: StateProbe match=0 next=1

simple
v2
----
voters=(1 2)
1: StateProbe match=0 next=1
2: StateProbe match=0 next=1

simple
v3
----
voters=(1 2 3)
1: StateProbe match=0 next=1
2: StateProbe match=0 next=1
3: StateProbe match=0 next=2

# There and back in one command.
simple
l3 v3
----
voters=(1 2 3)
1: StateProbe match=0 next=1
2: StateProbe match=0 next=1
3: StateProbe match=0 next=2

simple
l3
----
voters=(1 2) learners=(3)
1: StateProbe match=0 next=1
2: StateProbe match=0 next=1
3: StateProbe match=0 next=2 learner

# One voter less and one more: two have changed.
simple
l2 v3
----
more than one voter changed without entering joint config

simple
v3 l3 v3
----
voters=(1 2 3)
1: StateProbe match=0 next=1
2: StateProbe match=0 next=1
3: StateProbe match=0 next=2

# Its progress is forgotten and begins again, although it was and is a member.
simple
r3 v3
----
voters=(1 2 3)
1: StateProbe match=0 next=1
2: StateProbe match=0 next=1
3: StateProbe match=0 next=7

# In a joint configuration, the old half keeps it.
enter-joint
r3 v3 r2
----
voters=(1 3)&&(1 2 3)
1: StateProbe match=0 next=1
2: StateProbe match=0 next=1
3: StateProbe match=0 next=7
"#,
    );
}

#[test]
fn what_etcd_leaves_alone_is_left_out_and_what_makes_no_sense_ends_the_table() {
    passes(
        r#"
simple
v0 v1 u0 u9 r0
----
voters=(1)
1: StateProbe match=0 next=1
"#,
    );
    let ends = |command: &str| outcome(&format!("{command}\n----\nok\n")).to_string();
    assert_eq!(
        ends("dance"),
        "broken, line 1: expected simple, enter-joint or leave-joint, found dance"
    );
    assert_eq!(ends("leave-joint\nv1"), "broken, line 1: leave-joint takes no input");
    assert_eq!(ends("simple\nx1"), "broken, line 1: expected v1, l1, r1 or u1, found \"x1\"");
    assert_eq!(ends("simple\nv"), "broken, line 1: expected v1, l1, r1 or u1, found \"v\"");
    let autoleave = "broken, line 1: expected autoleave=true or autoleave=false, found autoleave";
    assert_eq!(ends("enter-joint autoleave=maybe"), autoleave);
}
