//! Histories as text: what is read is what was written, and what is wrong is named.

use proptest::prelude::*;
use testbed::linear::text::{format, parse};
use testbed::linear::{Appends, AppendsInput, Judgement, Limits, TimedOperation, check};

fn judge(text: &str) -> Judgement {
    check(&Appends, &parse(text).expect("it is a history"), &Limits::default()).judgement
}

#[test]
fn a_history_in_a_file_is_judged() {
    let text = r#"
        # client call end what
        1  0  10  put     a  1
        2  3  -   append  a  "x y"    # it never returned
        3  11 14  get     a  "1x y"
        3  15 16  get     a  ?
    "#;
    assert_eq!(judge(text), Judgement::Linearizable);
    assert_eq!(judge(&text.replace("\"1x y\"", "\"1x\"")), Judgement::Illegal);
    assert_eq!(judge(""), Judgement::Linearizable);
    assert_eq!(judge("1 0 0 get a \"\""), Judgement::Linearizable, "never written is empty");
}

#[test]
fn what_is_wrong_with_a_line_is_said_with_its_number() {
    for (line, wrong) in [
        ("1 2", "expected client, call, end, what, key and value, not 2 words"),
        ("1 2 3 put a 1 2", "expected client, call, end, what, key and value, not 7 words"),
        ("x 2 3 put a 1", "client is \"x\", not a number"),
        ("1 -2 3 put a 1", "call is \"-2\", not a number"),
        ("1 2 18446744073709551616 put a 1", "end is \"18446744073709551616\", not a number"),
        ("1 3 2 put a 1", "it ends at 2, before it is called at 3"),
        ("1 2 3 swap a 1", "\"swap\" is none of get, put and append"),
        ("1 2 3 put a \"1", "no quotation mark ends \"1\""),
        ("1 2 3 put a \"\\t\"", "\\t means nothing"),
    ] {
        let text = format!("# a remark\n\n{line}\n");
        assert_eq!(parse(&text), Err(format!("line 3: {wrong}")), "{line}");
    }
}

/// Draws an operation as [`parse`] returns it: what a write has answered is not in the text.
fn operations() -> impl Strategy<Value = TimedOperation<AppendsInput, String>> {
    let times = (any::<u64>(), any::<u64>(), any::<Option<u64>>());
    (times, 0..3, "(?s).{0,9}", "(?s).{0,9}", any::<bool>()).prop_map(
        |((client, call, longer), kind, key, value, is_known)| {
            let end = longer.map(|longer| call.saturating_add(longer));
            let known = end.filter(|_| is_known).map(|_| value.clone());
            let (input, output) = match kind {
                0 => (AppendsInput::Get(key), known),
                1 => (AppendsInput::Put(key, value), end.map(|_| String::new())),
                _ => (AppendsInput::Append(key, value), end.map(|_| String::new())),
            };
            TimedOperation { client, input, output, call, end }
        },
    )
}

proptest! {
    #[test]
    fn what_is_written_is_read(history in prop::collection::vec(operations(), 0..8)) {
        prop_assert_eq!(parse(&format(&history)), Ok(history));
    }

    #[test]
    fn no_text_makes_it_panic(text in "[ 0-9a-z\"\\\\#?\n-]{0,80}") {
        drop(parse(&text));
    }
}
