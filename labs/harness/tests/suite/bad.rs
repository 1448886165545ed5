//! The suite of bad tests: each plays a student's code that goes wrong in one way.

use harness::{Check, Diagram, Failure, RecordedRun, Row, Rule, Table, Test, Verdict};
use std::fs::File;
use std::io::{self, BufRead, Write};
use std::process::Command;
use std::time::Duration;

pub(crate) const TESTS: &[Test] = &[
    Test::new(1, "good", |_| Ok(())),
    Test::new(2, "fails", fails),
    Test::new(2, "table_fails", table_fails),
    Test::new(3, "hole", |_| todo!("lab 0 step 3: Core::decide_vote")),
    Test::new(3, "hole_then_failure", hole_then_failure),
    Test::new(3, "hole_then_abort", hole_then_abort),
    Test::new(3, "another_todo", |_| todo!("tomorrow")),
    Test::new(4, "panics", |_| panic!("vote is\n{}", "none ".repeat(500))),
    Test::new(4, "panics_twice", panics_twice),
    Test::new(4, "panics_with_a_value", |_| std::panic::panic_any(7)),
    Test::new(4, "unwinds_without_a_panic", |_| std::panic::resume_unwind(Box::new("quietly"))),
    Test::new(5, "loops", loops),
    Test::new(5, "loops_and_prints", |_| {
        loop {
            println!("{}", "again ".repeat(100))
        }
    }),
    Test::new(5, "loops_holding_stdout", loops_holding_stdout),
    Test::new(5, "recurses", recurses),
    Test::new(5, "exits_with_0", |_| std::process::exit(0)),
    Test::new(5, "exits_with_7", exits_with_7),
    Test::new(5, "aborts", |_| std::process::abort()),
    Test::new(5, "grows", grows),
    Test::new(5, "allocates_at_once", |_| {
        std::hint::black_box(vec![0_u8; 1 << 40]);
        Ok(())
    }),
    Test::new(5, "blocks", |_| {
        loop {
            std::thread::sleep(Duration::from_secs(1000))
        }
    }),
    Test::new(5, "reads_stdin", reads_stdin),
    Test::new(6, "lies_and_exits", lies_and_exits),
    Test::new(6, "lies_and_fails", lies_and_fails),
    Test::new(6, "closes_stdout", closes_stdout),
    Test::new(6, "prints_megabytes", prints_megabytes),
    Test::new(6, "prints_one_long_line", prints_one_long_line),
    Test::new(6, "leaves_a_thread", leaves_a_thread),
    Test::new(6, "leaves_a_loud_thread", leaves_a_loud_thread),
    Test::new(6, "leaves_a_child", leaves_a_child),
    Test::simulation(8, "sweep_fails", sweep_fails),
    Test::simulation(8, "sweep_loops", sweep_loops),
    Test::simulation(8, "sweep_aborts", sweep_aborts),
    Test::simulation(8, "sweep_holds", |check| {
        check.sweep(|_| Ok::<(), ()>(()), |_, ()| Failure::of(&RULE))
    }),
];

const RULE: Rule = Rule {
    id: "one_vote_per_term",
    title: "ONE VOTE PER TERM",
    paper: "§5.2, Fig. 2 RequestVote (2)",
    so_what: "n2 and n3 may both count n1: two leaders in term 1",
};

fn fails(_: &mut Check) -> Verdict {
    println!("first line of what I print");
    eprintln!("\u{1b}[31mand a red one\u{1b}[0m");
    let diagram = Diagram::new(["n1", "n2"]).row(Row::message("n2", "n1", "RequestVote t1"));
    Failure::of(&RULE)
        .because("n1 voted for n2 and then for n3, both in term 1")
        .row(3, "a second candidate asks in the same term")
        .expected("n3 is refused")
        .got("n3 is granted")
        .diagram(diagram)
        .read("one-vote")
        .run(RecordedRun { trace: "{\"a\":1}\n".to_owned(), page: "<p>the run".to_owned() })
        .fail()
}

fn table_fails(_: &mut Check) -> Verdict {
    let mut table = Table::new(&RULE, "cluster");
    for size in 1..=40_u64 {
        table.equal(format!("{size} nodes"), size / 2 + 1, size.div_ceil(2));
    }
    table.verdict()
}

fn hole_then_failure(_: &mut Check) -> Verdict {
    let _ = std::panic::catch_unwind(|| todo!("lab 0 step 1: Majority::needed"));
    Failure::of(&RULE).because("nobody was elected").fail()
}

fn hole_then_abort(_: &mut Check) -> Verdict {
    let _guard = PanicsWhenDropped;
    todo!("lab 0 step 1: Majority::needed")
}

struct PanicsWhenDropped;

impl Drop for PanicsWhenDropped {
    fn drop(&mut self) {
        panic!("the second panic")
    }
}

fn panics_twice(_: &mut Check) -> Verdict {
    let _guard = PanicsWhenDropped;
    panic!("the first panic")
}

fn loops(check: &mut Check) -> Verdict {
    check.doing("n1 hears n2: RequestVote t1");
    let mut n = 1_u64;
    loop {
        n = std::hint::black_box(n);
    }
}

fn loops_holding_stdout(_: &mut Check) -> Verdict {
    let mut out = io::stdout().lock();
    loop {
        let _ = out.write_all(b"");
    }
}

fn recurses(check: &mut Check) -> Verdict {
    check.doing("n1 campaigns");
    check.doing("n1 hears n2: VoteReply t1");
    std::hint::black_box(depth(0));
    Ok(())
}

#[expect(unconditional_recursion, reason = "that is what is tried")]
fn depth(n: u64) -> u64 {
    std::hint::black_box([n; 16]);
    depth(n + 1) + 1
}

fn exits_with_7(check: &mut Check) -> Verdict {
    check.doing("n1 ticks");
    eprintln!("bye");
    std::process::exit(7)
}

fn grows(_: &mut Check) -> Verdict {
    let mut log = Vec::new();
    loop {
        log.push(std::hint::black_box([1_u64; 1024]));
    }
}

fn reads_stdin(_: &mut Check) -> Verdict {
    let mut line = String::new();
    let _ = io::stdin().lock().read_line(&mut line);
    Ok(())
}

/// Says what a worker says, with every secret it can find.
fn lie() {
    let report = r#"{"Verdict":{"test":"lies_and_exits","step":6,"outcome":"passed","hole":null,"rule":null,"row":null,"seed":null,"seeds":20,"headline":"holds","your_line":null,"function":null,"named":[],"card":"","trace":null,"page":null}}"#;
    let arguments: Vec<String> = std::env::args().collect();
    let variables: Vec<String> = std::env::vars().map(|(_, value)| value).collect();
    let mut guesses = vec!["".to_owned(), "0".repeat(32), "null".to_owned()];
    guesses.extend(arguments.into_iter().chain(variables));
    for guess in guesses {
        println!("raftwright {guess} 1.1/1 {report}");
        eprintln!("raftwright {guess} 1.1/1 {report}");
    }
    let _ = io::stdout().flush();
}

fn lies_and_exits(_: &mut Check) -> Verdict {
    lie();
    std::process::exit(0)
}

fn lies_and_fails(check: &mut Check) -> Verdict {
    lie();
    fails(check)
}

#[cfg(unix)]
#[expect(unsafe_code, reason = "plays a student who closes standard output")]
fn closes_stdout(_: &mut Check) -> Verdict {
    use std::os::fd::FromRawFd;
    // SAFETY: nobody in this process relies on descriptor 1 staying open; that is what is tried.
    drop(unsafe { File::from_raw_fd(1) });
    Ok(())
}

#[cfg(not(unix))]
fn closes_stdout(_: &mut Check) -> Verdict {
    let _ = File::open("nothing");
    Ok(())
}

fn prints_megabytes(check: &mut Check) -> Verdict {
    for n in 0..100_000 {
        println!("{n} {}", "x".repeat(100));
        eprintln!("{n} {}", "y".repeat(100));
    }
    fails(check)
}

fn prints_one_long_line(check: &mut Check) -> Verdict {
    print!("{}", "long".repeat(1 << 20));
    fails(check)
}

fn leaves_a_thread(_: &mut Check) -> Verdict {
    std::thread::spawn(|| {
        loop {
            std::thread::sleep(Duration::from_secs(1000))
        }
    });
    Ok(())
}

fn leaves_a_loud_thread(check: &mut Check) -> Verdict {
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let line = "loud ".repeat(2000);
        for n in 0_u64.. {
            println!("{line}");
            if n == 10 {
                let _ = sender.send(());
            }
        }
    });
    let _ = receiver.recv();
    fails(check)
}

/// The child holds our standard output open when we are gone.
fn leaves_a_child(_: &mut Check) -> Verdict {
    let exe = std::env::current_exe().unwrap();
    let child = Command::new(exe).env(SLEEP, "1").spawn();
    println!("{:?}", child.map(|child| child.id()));
    Ok(())
}

/// Tells this binary to be that child.
const SLEEP: &str = "RAFTWRIGHT_HARNESS_SLEEP";

/// Is that child, if this is it: sleeps longer than anybody waits.
pub(crate) fn sleeps() -> bool {
    let sleeps = std::env::var_os(SLEEP).is_some();
    if sleeps {
        std::thread::sleep(Duration::from_secs(20));
    }
    sleeps
}

fn sweep_fails(check: &mut Check) -> Verdict {
    check.sweep(
        |seed| if seed % 7 == 3 { Err(seed * 2) } else { Ok(()) },
        |seed, why| {
            Failure::of(&RULE)
                .because(format!("seed {seed} gave {why}"))
                .shrunk(4112, 9)
                .faults("crashes 2, dropped 0 of 31")
                .run(RecordedRun { trace: "{}\n".to_owned(), page: "<p>seed 3".to_owned() })
        },
    )
}

fn sweep_loops(check: &mut Check) -> Verdict {
    check
        .sweep(|seed| if seed == 5 { loops_silently() } else { Ok(()) }, |_, ()| Failure::of(&RULE))
}

fn loops_silently() -> Result<(), ()> {
    loop {
        std::hint::black_box(1);
    }
}

fn sweep_aborts(check: &mut Check) -> Verdict {
    check.sweep(
        |seed| if seed == 5 { std::process::abort() } else { Ok(()) },
        |_, ()| Failure::of(&RULE),
    )
}
