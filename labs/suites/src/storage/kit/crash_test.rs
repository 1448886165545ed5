//! Power is cut at every operation of a history, in several ways each, and what is found afterwards is
//! judged.
//!
//! ```text
//!   history --> log on a disk --X operation 14         for each operation,
//!                     |                                for each way to lose what was not durable:
//!                     '--> the disk then --> opened     1 it opens
//!                                              |        2 it holds an earlier state of the log, with
//!                                              |          all that was acknowledged
//!                                              |        3 the worst power cut right now loses nothing
//!                                              '------> 4 written on and reopened, all is there
//! ```
//!
//! The first history and operation that break a rule are explained in [`failed`].

mod failed; // a rule that broke: shrunk, and put on a card

pub(crate) use failed::FailedCrashTest;

use crate::storage::kit::words::short;
use crate::storage::rule;
use bytes::Bytes;
use failed::BrokenRule;
use harness::{Rule, current};
use storage::{Disk, Error, Fault, GroupId, Log, Options, Rot, SimDisk};
use testbed::engine::history::{History, LogCall, Reached};
use testbed::engine::model::{BatchChange, Model, batch_of};
use testbed::engine::power_cut::PowerCut;

/// The group that is written to when a log goes on after a crash.
const LATER: GroupId = GroupId(77);

/// What happens to an operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum InjectedFault {
    /// Power fails during it, and what was not durable is lost in one of this many ways.
    PowerCut { ways: u64 },
    /// Power fails during it, and again during every operation of the opening that follows.
    PowerCutTwice { ways: u64 },
    /// The process dies in it. The next one sees what was written, durable or not.
    Kill,
    /// It fails; the log is dropped and opened again, or power fails then.
    Failure,
}

/// Which operations it happens to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum During {
    /// All of them.
    Anything,
    /// Those of collections.
    Collections,
}

/// How power fails.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct CrashTest {
    /// For the disk's own random numbers, and for random ways.
    pub(crate) seed: u64,
    /// The log's settings.
    pub(crate) options: Options,
    /// What happens.
    pub(crate) trouble: InjectedFault,
    /// To which operations.
    pub(crate) during: During,
}

/// How much is judged of what is found.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Depth {
    /// That it opens, and what it shows.
    Found,
    /// That this is durable, too, and that the log goes on.
    Whole,
}

/// How often power failed without a broken rule.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct CutCounts {
    /// How many disks were judged.
    pub(crate) images: u64,
    /// How many of them held something acknowledged.
    pub(crate) acknowledged: u64,
}

/// When power failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct CutPoint {
    /// During which operation.
    operation: u64,
    /// In which way.
    way: u64,
    /// During which operation of the opening that followed, if power failed again.
    again: Option<u64>,
}

// Cutting power.

impl CrashTest {
    /// Cuts power at every operation of a history.
    ///
    /// # Errors
    /// The first rule that broke.
    pub(crate) fn check(&self, history: &History) -> Result<CutCounts, Box<FailedCrashTest>> {
        self.check_to(history, Depth::Whole)
    }

    /// Cuts power at every operation of a history, and judges only that the log opens, and what it
    /// shows.
    ///
    /// # Errors
    /// The first rule that broke.
    pub(crate) fn check_found(&self, history: &History) -> Result<CutCounts, Box<FailedCrashTest>> {
        self.check_to(history, Depth::Found)
    }

    fn check_to(&self, history: &History, depth: Depth) -> Result<CutCounts, Box<FailedCrashTest>> {
        let failed = |moment, depth, broken| {
            let (crash_test, history) = (self.clone(), history.clone());
            Box::new(FailedCrashTest { crash_test, depth, history, moment, broken })
        };
        let whole = self.undisturbed(history).map_err(|broken| failed(None, depth, broken))?;
        let last = whole.operations.last().copied().unwrap_or(0);
        let meant: Vec<u64> =
            (1..=last).filter(|&operation| self.is_meant(history, &whole, operation)).collect();
        let mut tally = CutCounts::default();
        // What was acknowledged comes first: an early loss says more than a later one.
        for depth in [Depth::Found, Depth::Whole].into_iter().filter(|pass| *pass <= depth) {
            tally = CutCounts::default();
            for operation in &meant {
                let outcome = self.at_operation(history, *operation, depth, &mut tally);
                outcome.map_err(|broken| failed(Some(broken.0), depth, broken.1))?;
            }
        }
        Ok(tally)
    }

    /// Cuts power at one operation, in every way.
    fn at_operation(
        &self,
        history: &History,
        operation: u64,
        depth: Depth,
        tally: &mut CutCounts,
    ) -> Result<(), Box<(CutPoint, BrokenRule)>> {
        let doing = format!("seed {}: {:?} in operation {operation}", self.seed, self.trouble);
        current::doing_within(doing, &[]);
        let (disk, reached) = self.run(history, operation);
        let judge = CrashJudge { crash_test: self, depth, history, reached: &reached };
        for way in 0..self.ways() {
            let moment = CutPoint { operation, way, again: None };
            let image = self.image(&disk, moment);
            judge.judge(&image).map_err(|broken| Box::new((moment, broken)))?;
            tally.images += 1;
            tally.acknowledged += u64::from(reached.acknowledged > 0);
            let InjectedFault::PowerCutTwice { .. } = self.trouble else { continue };
            for again in 1..=self.opening(&image) {
                let moment = CutPoint { again: Some(again), ..moment };
                let image = self.cut_again(&image, moment);
                judge.judge(&image).map_err(|broken| Box::new((moment, broken)))?;
                tally.images += 1;
            }
        }
        Ok(())
    }

    /// Runs a history without a fault.
    fn undisturbed(&self, history: &History) -> Result<Reached, BrokenRule> {
        let disk = SimDisk::new(self.seed);
        let log = Log::open_on(disk.clone(), self.options.clone()).map_err(|error| {
            BrokenRule::of(rule("what_fits_is_taken"), "an empty disk is refused", "Log::open_on")
                .got(error)
        })?;
        let reached = history.run_on(&disk, &log);
        if let Some(error) = &reached.error {
            let action = &history.actions[reached.operations.len() - 2];
            let because = format!("action {}, {action}, is refused", reached.operations.len() - 1);
            return Err(BrokenRule::of(rule("what_fits_is_taken"), because, "").got(error));
        }
        let seen = Model::read(&log).map_err(|odd| {
            BrokenRule::of(rule("what_fits_is_taken"), "the log contradicts itself", "").got(odd)
        })?;
        if seen != *history.end() {
            let broken = BrokenRule::of(
                rule("what_fits_is_taken"),
                "without any crash the log shows something wrong",
                "",
            );
            return Err(broken.expected(history.end().to_string()).got(seen));
        }
        Ok(reached)
    }

    /// Returns whether something happens to an operation.
    fn is_meant(&self, history: &History, whole: &Reached, operation: u64) -> bool {
        let action = whole.action_of(operation).checked_sub(1).map(|nth| &history.actions[nth]);
        match self.during {
            During::Anything => true,
            During::Collections => action == Some(&LogCall::Collect),
        }
    }

    /// Returns how many ways there are.
    fn ways(&self) -> u64 {
        match self.trouble {
            InjectedFault::PowerCut { ways } | InjectedFault::PowerCutTwice { ways } => ways,
            InjectedFault::Kill => 1,
            InjectedFault::Failure => 3,
        }
    }

    /// Runs a history with a fault in an operation.
    fn run(&self, history: &History, operation: u64) -> (SimDisk, Reached) {
        let disk = SimDisk::new(self.seed);
        disk.remember();
        disk.plan(
            operation,
            match self.trouble {
                InjectedFault::PowerCut { .. }
                | InjectedFault::PowerCutTwice { .. }
                | InjectedFault::Kill => Fault::PowerCut,
                InjectedFault::Failure => Fault::Fails,
            },
        );
        let reached = match Log::open_on(disk.clone(), self.options.clone()) {
            Ok(log) => history.run_on(&disk, &log),
            Err(error) => Reached::nothing(error),
        };
        (disk, reached)
    }

    /// Returns the way in which power is lost at a moment; `None` if it is not.
    fn way(&self, moment: CutPoint) -> Option<PowerCut> {
        let way = PowerCut::new(self.seed ^ moment.operation << 8, moment.way);
        match self.trouble {
            InjectedFault::PowerCut { .. } | InjectedFault::PowerCutTwice { .. } => Some(way),
            InjectedFault::Kill => None,
            // The first time the process goes on; then power fails too.
            InjectedFault::Failure => {
                (moment.way > 0).then(|| PowerCut::new(self.seed, moment.way - 1))
            }
        }
    }

    /// Returns the disk as the next process finds it.
    fn image(&self, disk: &SimDisk, moment: CutPoint) -> SimDisk {
        match self.way(moment) {
            Some(mut way) => disk.after_power_cut(&mut way),
            None => disk.after_kill(),
        }
    }

    /// Returns how many operations an opening takes.
    fn opening(&self, image: &SimDisk) -> u64 {
        let probe = image.after_kill();
        let _ = Log::open_on(probe.clone(), self.options.clone());
        probe.operations()
    }

    /// Opens an image whose power is cut again, and returns what is left of it.
    fn cut_again(&self, image: &SimDisk, moment: CutPoint) -> SimDisk {
        let (probe, _) = self.open_and_cut(image, moment);
        let again = moment.again.unwrap_or_default();
        probe.after_power_cut(&mut PowerCut::new(self.seed ^ again << 16, moment.way))
    }

    fn open_and_cut(&self, image: &SimDisk, moment: CutPoint) -> (SimDisk, Option<Error>) {
        let probe = image.after_kill();
        probe.remember();
        probe.plan(moment.again.unwrap_or(u64::MAX), Fault::PowerCut);
        let error = Log::open_on(probe.clone(), self.options.clone()).err();
        (probe, error)
    }
}

/// What a disk is compared with.
struct CrashJudge<'a> {
    crash_test: &'a CrashTest,
    depth: Depth,
    history: &'a History,
    reached: &'a Reached,
}

impl CrashJudge<'_> {
    /// Judges a disk as the next process finds it.
    fn judge(&self, image: &SimDisk) -> Result<(), BrokenRule> {
        let probe = image.after_kill();
        probe.remember();
        let log = self.open(&probe)?;
        let state = self.state_of(&log)?;
        let held = &self.history.states[state];
        if self.depth == Depth::Found {
            return Ok(());
        }

        // What an opening has shown is durable: the worst power cut right after it loses nothing.
        let worst = probe.after_power_cut(&mut PowerCut::worst());
        let again = self.open_as(
            &worst,
            rule("an_opening_is_durable"),
            "opened, and cut off at once: it is refused",
        )?;
        self.same(
            &again,
            held,
            rule("an_opening_is_durable"),
            "it was opened, and power failed before anything else",
        )?;

        // And the log can be written.
        let later = [
            BatchChange::Entries { group: LATER, entries: vec![short(1, 1), short(2, 1)] },
            BatchChange::Put { group: LATER, key: Bytes::from("k"), value: Bytes::from("later") },
        ];
        let mut want = held.clone();
        want.apply(&later);
        if let Err(error) = log.write(&batch_of(&later)) {
            let because = "the first batch after it is refused";
            return Err(BrokenRule::of(rule("it_goes_on"), because, "rewrite").got(error));
        }
        self.same(&log, &want, rule("it_goes_on"), "one batch was written after it")?;
        drop(log);
        let worst = probe.after_power_cut(&mut PowerCut::worst());
        let again =
            self.open_as(&worst, rule("it_goes_on"), "written on, and cut off: it is refused")?;
        self.same(
            &again,
            &want,
            rule("it_goes_on"),
            "one batch was written and synced, then power failed",
        )
    }

    /// Opens an image.
    fn open(&self, image: &SimDisk) -> Result<Log<SimDisk>, BrokenRule> {
        self.open_as(image, rule("a_crash_is_no_rot"), "what the crash left is refused")
    }

    fn open_as(
        &self,
        image: &SimDisk,
        rule: &'static Rule,
        because: &str,
    ) -> Result<Log<SimDisk>, BrokenRule> {
        Log::open_on(image.clone(), self.crash_test.options.clone()).map_err(|error| {
            let function = who_refuses(&error, image);
            BrokenRule::of(rule, because, function).expected("it is opened").got(error)
        })
    }

    /// Returns which state a log shows, if that state is allowed.
    fn state_of(&self, log: &Log<SimDisk>) -> Result<usize, BrokenRule> {
        let seen = Model::read(log).map_err(|odd| {
            BrokenRule::of(rule("found_is_what_once_was"), "the log contradicts itself", "")
                .got(odd)
        })?;
        let Reached { acknowledged, begun, .. } = *self.reached;
        let states = &self.history.states;
        if let Some(state) = (acknowledged..=begun).rev().find(|&n| states[n] == seen) {
            return Ok(state);
        }
        let mut may_be: Vec<String> =
            (acknowledged..=begun).map(|n| states[n].to_string()).collect();
        may_be.dedup(); // a batch may change nothing that is shown
        let expected = may_be.join(", or  ");
        let broken = match (0..acknowledged).rev().find(|&n| states[n] == seen) {
            Some(n) => {
                let said = format!(
                    "{acknowledged} of {begun} batches were acknowledged, and the log is back where \
                     {n} had left it"
                );
                BrokenRule::of(rule("acknowledged_survives"), said, "scan")
            }
            None => {
                let said = format!(
                    "{begun} batches had begun, {acknowledged} of them acknowledged; no number of \
                     them makes what is found"
                );
                BrokenRule::of(rule("found_is_what_once_was"), said, "Replay::item")
            }
        };
        Err(broken.expected(expected).got(seen))
    }

    /// Checks that a log shows what it must.
    fn same(
        &self,
        log: &Log<SimDisk>,
        want: &Model,
        rule: &'static Rule,
        because: &str,
    ) -> Result<(), BrokenRule> {
        let seen =
            Model::read(log).map_err(|odd| BrokenRule::of(rule, because, "may_go_on").got(odd))?;
        if seen == *want {
            return Ok(());
        }
        Err(BrokenRule::of(rule, because, "may_go_on").expected(want.to_string()).got(seen))
    }
}

/// Returns the function to read when an opening is refused: the one that left such a disk, or the one
/// that refuses it.
fn who_refuses(error: &Error, image: &SimDisk) -> &'static str {
    let Some(corruption) = error.corruption() else {
        // A name without a header: only give_name can leave that.
        let is_nameless = matches!(error, Error::NotASegment { .. });
        return if is_nameless { "give_name" } else { "check_follows" };
    };
    match corruption.rot {
        Rot::Acknowledged => {
            let names = image.list().unwrap_or_default();
            let last = names.into_iter().filter(|name| name.ends_with(".log")).max();
            let is_last = last == Some(format!("{:08x}.log", corruption.segment.0));
            // A segment that another follows is all durable, or it was left too soon.
            if is_last { "judge" } else { "Log::rotate" }
        }
        Rot::Hole => "Replayed::finish",
        Rot::Segment => "give_name",
        Rot::Read => "check_follows",
    }
}
