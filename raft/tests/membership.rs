//! Membership: which configuration a change leads to, and which changes are refused (§6, thesis §4).
//!
//! ```text
//!   "v1 v2 l3"                      a configuration: two voters and a learner
//!   "v1 v2 l3" --"r2"--> "v1 l3"    r removes a node, v and l make it a voter or a learner
//!
//!   in a joint one   o  a voter of the old half
//!                    n  a node that becomes a learner when the group leaves
//!                    a  the group leaves by itself
//! ```

use raft::*;

/// Returns the node that a word names behind its letter; node 0 for a letter alone.
fn node(word: &str) -> NodeId {
    NodeId(word[1..].parse().unwrap_or(0))
}

/// Reads a configuration.
fn conf(words: &str) -> ConfState {
    let mut conf = ConfState::default();
    for word in words.split_whitespace() {
        match &word[..1] {
            "v" => drop(conf.voters.insert(node(word))),
            "l" => drop(conf.learners.insert(node(word))),
            "o" => drop(conf.voters_outgoing.insert(node(word))),
            "n" => drop(conf.learners_next.insert(node(word))),
            "a" => conf.auto_leave = true,
            other => panic!("{other} is no set"),
        }
    }
    conf
}

/// Reads changes.
fn changes(words: &str) -> Vec<ConfChange> {
    let change = |word: &str| {
        let kind = match &word[..1] {
            "v" => ChangeKind::AddVoter,
            "l" => ChangeKind::AddLearner,
            "r" => ChangeKind::Remove,
            other => panic!("{other} is no change"),
        };
        ConfChange { kind, node: node(word) }
    };
    words.split_whitespace().map(change).collect()
}

fn v2(transition: Transition, words: &str) -> ConfChangeV2 {
    ConfChangeV2 { transition, changes: changes(words) }
}

fn simple(before: &str, words: &str) -> Result<ConfState, ChangeError> {
    Changer::new(&conf(before))?.simple(&changes(words))
}

fn enter(before: &str, words: &str) -> Result<ConfState, ChangeError> {
    Changer::new(&conf(before))?.enter_joint(Transition::Explicit, &changes(words))
}

fn leave(before: &str) -> Result<ConfState, ChangeError> {
    Changer::new(&conf(before))?.leave_joint()
}

#[test]
fn a_simple_change_says_where_a_node_is_afterwards() {
    let rows = [
        ("", "v1", "v1"),
        ("v1", "v2", "v1 v2"),
        ("v1", "l2", "v1 l2"),
        ("v1 l2", "v2", "v1 v2"),
        ("v1 v2", "l2", "v1 l2"),
        ("v1 v2", "r1", "v2"),
        ("v1 l2", "r2", "v1"),
    ];
    for (before, change, after) in rows {
        assert_eq!(simple(before, change), Ok(conf(after)), "{before} --{change}-->");
    }
}

#[test]
fn a_change_that_is_made_already_changes_nothing() {
    for change in ["", "v1", "l2", "r3", "v1 v1 l2 l2 r3 r3"] {
        assert_eq!(simple("v1 l2", change), Ok(conf("v1 l2")), "{change}");
    }
    // In a joint configuration, too: n1 waits to be a learner, however often that is asked for.
    for change in ["l1 v2", "l1 l1 v2 v2", "v2 r3 l1"] {
        assert_eq!(enter("v1", change), Ok(conf("v2 o1 n1")), "{change}");
    }
}

#[test]
fn of_several_changes_of_a_node_the_last_one_counts() {
    assert_eq!(simple("v1 v2", "l2 r2 v2"), Ok(conf("v1 v2")));
    assert_eq!(simple("v1", "v2 l2"), Ok(conf("v1 l2")));
    assert_eq!(simple("v1", "r1 v1"), Ok(conf("v1")), "no voter is left for a moment only");
    assert_eq!(enter("v1 v2", "l2 v2"), Ok(conf("v1 v2 o1 o2")));
    assert_eq!(enter("v1 v2", "l2 r2"), Ok(conf("v1 o1 o2")));
    assert_eq!(enter("v1 v2", "r2 l2"), Ok(conf("v1 o1 o2 n2")));
}

/// {n1, n2} is a majority of the old voters, {n3, n4, n5} one of the new ones: each could elect a leader.
#[test]
fn without_a_joint_configuration_at_most_one_voter_changes_and_any_number_of_learners() {
    let two = Err(ChangeError::TooManyVoters { changed: 2 });
    assert_eq!(simple("v1 v2 v3", "v4 v5"), two, "two more");
    assert_eq!(simple("v1 v2 v3", "r2 r3"), two, "two less");
    assert_eq!(simple("v1 v2", "r1 v5"), two, "one less and one more");
    assert_eq!(simple("v1 v2", "l1 v5"), two, "a voter that becomes a learner is one less");
    assert_eq!(simple("v1", "v2 v3 v4"), Err(ChangeError::TooManyVoters { changed: 3 }));
    assert_eq!(simple("v1 l2 l3", "r2 r3 l4 l5 v6"), Ok(conf("v1 v6 l4 l5")));
}

#[test]
fn the_last_voter_stays() {
    let none = |voters| Err(ChangeError::NoVoterLeft { voters });
    assert_eq!(simple("", "l1"), none(0), "a group begins with a voter");
    assert_eq!(simple("", ""), none(0));
    for change in ["r1", "l1"] {
        assert_eq!(simple("v1 l2", change), none(1), "{change}");
        assert_eq!(enter("v1 l2", change), none(1), "{change}");
    }
    // Two voters change as well, but that would be allowed in a joint configuration. This is not.
    assert_eq!(simple("v1 v2", "r1 r2"), none(2));
    assert_eq!(enter("v1 v2", "r1 l2"), none(2));
}

#[test]
fn a_joint_configuration_keeps_the_old_voters_until_the_group_leaves_it() {
    let joint = "v3 v4 v5 l6 o1 o2 o3";
    assert_eq!(enter("v1 v2 v3", "r1 r2 v4 v5 l6"), Ok(conf(joint)));
    assert_eq!(leave(joint), Ok(conf("v3 v4 v5 l6")));
    // Without a change, both halves are the same.
    assert_eq!(enter("v1 v2 l3", ""), Ok(conf("v1 v2 l3 o1 o2")));
    assert_eq!(leave("v1 v2 l3 o1 o2 a"), Ok(conf("v1 v2 l3")), "auto_leave ends with it");
}

/// The old half counts n1's vote until the end. As a learner, n1 would not vote: so it is none yet.
#[test]
fn a_voter_of_the_old_half_becomes_a_learner_when_the_group_leaves() {
    assert_eq!(enter("v1 v2", "l1 l3"), Ok(conf("v2 l3 o1 o2 n1")));
    assert_eq!(leave("v2 l3 o1 o2 n1"), Ok(conf("v2 l1 l3")));
}

#[test]
fn a_joint_configuration_is_entered_once_and_left_once() {
    let in_joint = Err(ChangeError::InJoint { voters: 2, outgoing: 1 });
    let joint = "v1 v2 o1";
    assert_eq!(enter(joint, "v3"), in_joint);
    assert_eq!(enter(joint, ""), in_joint);
    assert_eq!(simple(joint, "l3"), in_joint);
    assert_eq!(simple(joint, ""), in_joint);
    assert_eq!(leave("v1 v2"), Err(ChangeError::NotInJoint { voters: 2 }));
    assert_eq!(leave(""), Err(ChangeError::NotInJoint { voters: 0 }));
    assert_eq!(enter("", "v1"), Err(ChangeError::NoVoterYet));
}

#[test]
fn the_kind_of_an_entry_and_the_number_of_its_changes_choose_the_way() {
    use Transition::{Auto, Explicit, Implicit};
    let apply = |before: &str, change| Changer::new(&conf(before))?.apply(change);
    // One change: simple, unless a joint configuration is asked for.
    assert_eq!(apply("v1", v2(Auto, "v2")), Ok(conf("v1 v2")));
    assert_eq!(apply("v1", v2(Implicit, "v2")), Ok(conf("v1 v2 o1 a")));
    assert_eq!(apply("v1", v2(Explicit, "v2")), Ok(conf("v1 v2 o1")));
    // Several: always through a joint configuration, even learners.
    assert_eq!(apply("v1", v2(Auto, "v2 v3")), Ok(conf("v1 v2 v3 o1 a")));
    assert_eq!(apply("v1", v2(Auto, "l2 l3")), Ok(conf("v1 l2 l3 o1 a")));
    assert_eq!(apply("v1", v2(Implicit, "v2 v3")), Ok(conf("v1 v2 v3 o1 a")));
    assert_eq!(apply("v1", v2(Explicit, "v2 v3")), Ok(conf("v1 v2 v3 o1")));
    // None: leave.
    for transition in [Auto, Implicit, Explicit] {
        assert_eq!(apply("v1 v2 o1 a", v2(transition, "")), Ok(conf("v1 v2")));
        let nothing = Err(ChangeError::NotInJoint { voters: 1 });
        assert_eq!(apply("v1", v2(transition, "")), nothing);
    }
}

#[test]
fn an_entry_of_the_first_kind_is_one_simple_change() {
    let single = changes("v2")[0];
    let apply = |before: &str| Changer::new(&conf(before))?.apply(single);
    assert_eq!(apply("v1"), Ok(conf("v1 v2")));
    assert_eq!(apply("v1 v3 o1"), Err(ChangeError::InJoint { voters: 2, outgoing: 1 }));
}

#[test]
fn a_change_of_node_0_is_refused_even_among_others() {
    let zero = |kind| Err(ChangeError::NodeZero { kind });
    assert_eq!(simple("v1", "l2 v0"), zero(ChangeKind::AddVoter));
    assert_eq!(simple("v1", "l0"), zero(ChangeKind::AddLearner));
    assert_eq!(enter("v1", "v2 r0"), zero(ChangeKind::Remove));
}

#[test]
fn whether_a_change_can_be_made_is_what_making_it_says() {
    let possible = |before: &str, change| Changer::check(&conf(before), change);
    assert_eq!(possible("v1", v2(Transition::Auto, "v2 v3")), Ok(()));
    assert_eq!(possible("v1", v2(Transition::Auto, "r1")), simple("v1", "r1").map(drop));
    assert_eq!(possible("v1", v2(Transition::Auto, "")), leave("v1").map(drop));
    let why = ConfStateError::LearnerIsVoter { node: NodeId(1) };
    let impossible = Err(ChangeError::Impossible(why));
    assert_eq!(possible("v1 l1", v2(Transition::Auto, "v2")), impossible);
}

#[test]
fn a_configuration_that_no_change_leads_to_is_refused() {
    use ConfStateError::*;
    let n2 = NodeId(2);
    let rows = [
        ("v0 v1", NodeZero { set: "voters" }),
        ("v1 l0", NodeZero { set: "learners" }),
        ("v1 o0", NodeZero { set: "voters_outgoing" }),
        ("v1 o1 n0", NodeZero { set: "learners_next" }),
        ("v1 v2 l2", LearnerIsVoter { node: n2 }),
        ("v1 o1 o2 l2", LearnerIsOutgoing { node: n2 }),
        ("v1 o1 o2 n2 l2", LearnerIsOutgoing { node: n2 }),
        ("v1 o1 n2", NextIsNotOutgoing { node: n2 }),
        ("v1 n2", NextIsNotOutgoing { node: n2 }),
        ("v1 v2 o1 o2 n2", NextIsVoter { node: n2 }),
        ("o1 o2", JointWithoutVoters { outgoing: 2 }),
        ("v1 a", AutoLeaveOutsideJoint),
    ];
    for (words, why) in rows {
        assert_eq!(conf(words).check(), Err(why), "{words}");
        let refused = Err(ChangeError::Impossible(why));
        assert_eq!(simple(words, "v1"), refused, "{words}");
        assert_eq!(enter(words, "v1"), refused, "{words}");
        assert_eq!(leave(words), refused, "{words}");
    }
    for words in ["", "l1", "v1", "v1 l2", "v1 o1", "v1 l3 o1 o2 n2 a", "v2 o1"] {
        assert_eq!(conf(words).check(), Ok(()), "{words}");
    }
}

/// Every refusal names the thing and the number.
#[test]
fn a_refusal_says_what_is_wrong_to_a_person() {
    let says =
        |refused: Result<ConfState, ChangeError>| refused.expect_err("it is refused").to_string();
    let rows = [
        (simple("v1", "r0"), "it would remove node 0, but ids start at 1"),
        (simple("v1", "v0"), "it would make node 0 a voter, but ids start at 1"),
        (simple("v1", "l0"), "it would make node 0 a learner, but ids start at 1"),
        (simple("v1 v2", "r1 r2"), "no voter would be left: the group has 2, and needs at least 1"),
        (
            simple("v1", "v2 v3"),
            "2 nodes would begin or cease to vote: without a joint configuration, at most 1 may",
        ),
        (
            enter("v1 v2 o1", "v3"),
            "the group is in a joint configuration of 2 new and 1 old voters: it must leave it first",
        ),
        (
            leave("v1 v2"),
            "the group of 2 voters is in no joint configuration: there is nothing to leave",
        ),
        (
            enter("", "v1"),
            "the group has 0 voters: add the first one before a joint configuration is entered",
        ),
        (
            simple("v7 l7", "v1"),
            "the configuration to be changed is impossible: n7 is in learners and in voters: it must \
             be one of the two",
        ),
    ];
    for (refused, words) in rows {
        assert_eq!(says(refused), words);
    }
    let says = |words: &str| conf(words).check().expect_err("it is impossible").to_string();
    assert_eq!(says("v1 o0"), "voters_outgoing names node 0, but ids start at 1");
    assert_eq!(
        says("v1 l7 o7"),
        "n7 is in learners and in voters_outgoing: until the group leaves the joint configuration, it \
         belongs into learners_next"
    );
    assert_eq!(
        says("v1 n7"),
        "n7 is in learners_next and not in voters_outgoing: it belongs into learners"
    );
    assert_eq!(says("v7 o7 n7"), "n7 is in learners_next and in voters: it must be one of the two");
    assert_eq!(says("o1 o2"), "voters is empty, and voters_outgoing has 2: both need at least one");
    assert_eq!(
        says("v1 a"),
        "auto_leave is set, but voters_outgoing is empty: there is nothing to leave"
    );
    // The error behind an error can be asked for.
    let refused = simple("v7 l7", "v1").expect_err("it is impossible");
    let behind = std::error::Error::source(&refused).expect("it has a reason").to_string();
    assert_eq!(behind, "n7 is in learners and in voters: it must be one of the two");
}
