//! Scenes: a cluster, and what happens to it.
//!
//! ```text
//!   scene(faults)   setup --> Happening, Happening, ... --> inputs     drawn beside a running cluster
//!                                                             |
//!   shrinking       fewer and fewer of the inputs  <----------'        printed as a script
//! ```
//!
//! A scene is drawn as happenings, such as "the third message in flight arrives": so a scene fits its cluster.
//! It is kept as inputs, which name messages by their contents: so a scene keeps its meaning when some of
//! them are removed.

use crate::cluster::{Cluster, Setup};
use crate::disk::DiskSpeed;
use crate::input::Input;
use crate::property::listed;
use crate::request::Request;
use crate::run::Run;
use crate::script::unparse;
use crate::shrink::resolved;
use crate::sim::Faults;
use bytes::Bytes;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::Index as Place;
use proptest::strategy::{NewTree, ValueTree};
use proptest::test_runner::TestRunner;
use raft::{Message, NodeId};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

/// A cluster, and what happens to it.
#[derive(Clone, PartialEq, Eq)]
pub struct Scene {
    /// The cluster.
    pub setup: Setup,
    /// What happens. Of a shorter scene, a message that is not in flight means the oldest one of its kind
    /// between the same two nodes.
    pub inputs: Vec<Input>,
}

impl Scene {
    /// Lets the inputs happen. No broken invariant ends the run.
    ///
    /// # Panics
    /// If a node panics.
    pub fn run(&self) -> Run {
        let mut run = Run::new(self.setup.clone());
        self.perform(&mut run);
        run
    }

    /// Lets the inputs happen until a node panics.
    pub(super) fn run_until_panic(&self) -> Run {
        let mut run = Run::new(self.setup.clone());
        let _panic = catch_unwind(AssertUnwindSafe(|| self.perform(&mut run)));
        run
    }

    fn perform(&self, run: &mut Run) {
        let mut cluster = Cluster::new(self.setup.clone()).unjudged();
        for input in &self.inputs {
            let step = cluster.apply(&resolved(input, &cluster));
            run.record(&step, &cluster);
        }
    }
}

/// Writes a script, for `cargo step`. If no command can express an input, writes a list of inputs.
impl fmt::Debug for Scene {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inputs = self.run_until_panic().inputs();
        let script = unparse::script(&self.setup, &inputs);
        write!(f, "\n{}", script.unwrap_or_else(|| listed(&inputs)))
    }
}

/// What a thing that happens is in a cluster.
type Becomes = dyn Fn(&Cluster) -> Vec<Input>;

/// One thing that may happen, in words that fit any cluster.
#[derive(Clone)]
pub struct Happening(Rc<Becomes>);

impl Happening {
    /// Returns a thing by the inputs that it is in a cluster.
    pub fn new(inputs: impl Fn(&Cluster) -> Vec<Input> + 'static) -> Self {
        Happening(Rc::new(inputs))
    }

    /// Returns a thing that is the same in every cluster.
    pub fn input(input: Input) -> Self {
        Happening::new(move |_| vec![input.clone()])
    }

    /// Returns that something happens to a message in flight, if there is one.
    pub fn to_message(place: Place, input: fn(Message) -> Input) -> Self {
        Happening::new(move |cluster| {
            let flights = cluster.network().flights();
            let flight = (!flights.is_empty()).then(|| place.get(flights));
            flight.map(|flight| input(flight.message.clone())).into_iter().collect()
        })
    }

    /// Returns that this many things happen in the order of a run without faults.
    fn in_order(count: usize) -> Self {
        Happening::new(move |cluster| {
            let mut patient = cluster.clone();
            let next = |_| {
                let input = patient.next_in_order(&[])?;
                patient.apply(&input);
                Some(input)
            };
            (0..count).map_while(next).collect()
        })
    }
}

impl fmt::Debug for Happening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Happening")
    }
}

/// Draws scenes: see [`scene`].
#[derive(Debug)]
pub struct Scenes {
    faults: Faults,
    happenings_max: usize,
    ends_when_broken: bool,
    /// What else may happen, each with its weight.
    more: Vec<(u32, BoxedStrategy<Happening>)>,
}

/// Draws scenes in a world with these faults: a cluster of [`setup`](super::setup), clients that propose and
/// read, and up to 100 happenings, each of one or several inputs. Of the faults it matters which there are and
/// not how often: a scene is short, so each happens often.
///
/// * Without `delay_ticks` above 1, messages arrive in the order in which they were sent.
/// * Without `skew_percent`, all nodes tick together.
/// * Without `persist_ticks`, disks are instant. With them, half of the clusters have slow disks.
/// * Without `unrest_ticks`, only a node whose election timer ends campaigns, and no owner transfers the
///   leadership.
///
/// A smaller scene has fewer inputs. Of two chunks of inputs, the later one is removed first.
pub fn scene(faults: Faults) -> Scenes {
    Scenes { faults, happenings_max: 100, ends_when_broken: false, more: Vec::new() }
}

impl Scenes {
    /// Returns the same with up to this many happenings.
    pub fn up_to(self, happenings_max: usize) -> Self {
        Scenes { happenings_max, ..self }
    }

    /// Returns the same, but a scene ends with the input that breaks an invariant.
    pub fn until_broken(self) -> Self {
        Scenes { ends_when_broken: true, ..self }
    }

    /// Returns the same in a world in which other things may happen, too. All that may happen without faults
    /// weighs 70 together.
    pub fn and(mut self, weight: u32, more: impl Strategy<Value = Happening> + 'static) -> Self {
        self.more.push((weight, more.boxed()));
        self
    }
}

impl Strategy for Scenes {
    type Tree = SceneTree;
    type Value = Scene;

    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Self> {
        let mut setup = super::setup().new_tree(runner)?.current();
        if self.faults.persist_ticks == 0 {
            setup.disks = DiskSpeed::Instant;
        }
        let mut kinds = world(&self.faults, setup.nodes.len() as u64);
        kinds.extend(self.more.iter().cloned());
        let weights: u32 = kinds.iter().map(|(weight, _)| weight).sum();
        let count = (0..=self.happenings_max).new_tree(runner)?.current();
        let mut happenings = Vec::with_capacity(count);
        for _ in 0..count {
            // A union would prepare every other kind, too, in case that it shrinks.
            let mut left = (0..weights).new_tree(runner)?.current();
            let picked = kinds.iter().find(|(weight, _)| {
                let is_it = left < *weight;
                left = left.saturating_sub(*weight);
                is_it
            });
            let (_, kind) = picked.expect("less than all weights together");
            happenings.push(kind.new_tree(runner)?.current());
        }
        Ok(SceneTree::new(self.drawn(setup, &happenings)))
    }
}

impl Scenes {
    /// Lets things happen to a cluster, and returns what they became. A panic is the end: the scene leads
    /// to it.
    fn drawn(&self, setup: Setup, happenings: &[Happening]) -> Scene {
        let (mut cluster, mut inputs) = (Cluster::new(setup.clone()), Vec::new());
        let _panic = catch_unwind(AssertUnwindSafe(|| {
            for Happening(becomes) in happenings {
                for input in becomes(&cluster) {
                    inputs.push(input.clone());
                    if cluster.apply(&input).violation.is_some() && self.ends_when_broken {
                        return;
                    }
                }
            }
        }));
        Scene { setup, inputs }
    }
}

/// Returns what may happen to a cluster of this many nodes, each with its weight.
fn world(faults: &Faults, nodes: u64) -> Vec<(u32, BoxedStrategy<Happening>)> {
    let node = move || (1..=nodes).prop_map(NodeId);
    let plain =
        |weight, input: BoxedStrategy<Input>| (weight, input.prop_map(Happening::input).boxed());
    let mut kinds = vec![
        plain(3, node().prop_map(Input::Persist).boxed()),
        plain(3, node().prop_map(Input::Ready).boxed()),
        plain(2, node().prop_map(Input::Apply).boxed()),
        plain(4, (node(), "[a-z]{1,3}").prop_map(proposed).boxed()),
        plain(4, (node(), "[ab]").prop_map(read).boxed()),
        (20, (1..30_usize).prop_map(Happening::in_order).boxed()),
    ];
    let ticks = 1..12_u64;
    kinds.push(if faults.skew_percent > 0 {
        (12, (node(), ticks).prop_map(|(id, ticks)| ticking(vec![id], ticks)).boxed())
    } else {
        let all: Vec<_> = (1..=nodes).map(NodeId).collect();
        (12, ticks.prop_map(move |ticks| ticking(all.clone(), ticks)).boxed())
    });
    let message = |input: fn(Message) -> Input| {
        any::<Place>().prop_map(move |place| Happening::to_message(place, input)).boxed()
    };
    kinds.push(if faults.delay_ticks > 1 {
        (24, message(Input::Deliver))
    } else {
        let oldest = Happening::new(|cluster| {
            let oldest = cluster.network().flights().first();
            oldest.map(|flight| Input::Deliver(flight.message.clone())).into_iter().collect()
        });
        (24, Just(oldest).boxed())
    });
    if faults.drop_permille > 0 {
        kinds.push((4, message(Input::Drop)));
    }
    if faults.duplicate_permille > 0 {
        kinds.push((4, message(Input::Duplicate)));
    }
    if faults.crashes.is_some() {
        kinds.push(plain(1, node().prop_map(Input::Crash).boxed()));
        kinds.push(plain(2, node().prop_map(Input::Restart).boxed()));
    }
    if faults.partitions.is_some() {
        let link = || (node(), node());
        let half = vec(any::<bool>(), nodes as usize);
        kinds.push(plain(1, link().prop_map(|(from, to)| Input::Cut { from, to }).boxed()));
        kinds.push(plain(1, link().prop_map(|(from, to)| Input::Mend { from, to }).boxed()));
        kinds.push(plain(2, half.prop_map(|half| halves(&half)).boxed()));
        kinds.push(plain(1, Just(Input::Heal).boxed()));
    }
    if faults.read_failures.is_some() {
        let fails = (node(), 0..9_u64).prop_map(|(node, after)| Input::FailRead { node, after });
        kinds.push(plain(1, fails.boxed()));
    }
    if faults.unrest_ticks > 0 {
        let limit = (node(), option::of(0..12_u64));
        let pins = limit.prop_map(|(node, ticks)| Input::PinLimit { node, ticks });
        let request = prop_oneof![
            node().prop_map(Request::Transfer),
            Just(Request::ForgetLeader),
            node().prop_map(Request::Unreachable),
        ];
        let asks = (node(), request).prop_map(|(node, request)| Input::Ask { node, request });
        kinds.push(plain(4, node().prop_map(Input::Campaign).boxed()));
        kinds.push(plain(1, pins.boxed()));
        kinds.push(plain(1, asks.boxed()));
    }
    kinds
}

fn proposed((node, data): (NodeId, String)) -> Input {
    Input::Propose { node, data: Bytes::from(data) }
}

fn read((node, mark): (NodeId, String)) -> Input {
    Input::Read { node, context: Bytes::from(mark) }
}

fn ticking(ids: Vec<NodeId>, ticks: u64) -> Happening {
    let tick = |ids: &Vec<NodeId>| ids.iter().copied().map(Input::Tick).collect::<Vec<_>>();
    Happening::new(move |_| (0..ticks).flat_map(|_| tick(&ids)).collect())
}

/// Returns a partition into those nodes for which it is true, and the others.
fn halves(half: &[bool]) -> Input {
    let ids = |wanted| {
        let all = (1..).map(NodeId).zip(half);
        all.filter(move |(_, in_it)| **in_it == wanted).map(|(id, _)| id).collect::<Vec<_>>()
    };
    let groups = [ids(true), ids(false)].into_iter().filter(|group| !group.is_empty()).collect();
    Input::Partition(groups)
}

// Shrinking.

/// A scene that shrinks: chunk by chunk of its inputs is removed, from the end, in smaller and smaller
/// chunks.
#[derive(Debug)]
pub struct SceneTree {
    scene: Scene,
    /// How many inputs are removed at once.
    chunk: usize,
    /// The next chunk ends before this input.
    end: usize,
    /// What was removed last, and where it was.
    removed: Option<(usize, Vec<Input>)>,
    /// Whether something was removed for good since the chunks are as small as they are.
    is_shorter: bool,
}

impl SceneTree {
    fn new(scene: Scene) -> Self {
        let length = scene.inputs.len();
        SceneTree { scene, chunk: length, end: length, removed: None, is_shorter: false }
    }

    /// Removes the next chunk. Returns whether there is one.
    fn remove_next(&mut self) -> bool {
        if self.end == 0 {
            let again = usize::from(self.is_shorter);
            self.chunk = if self.chunk > 1 { self.chunk / 2 } else { again };
            (self.end, self.is_shorter) = (self.scene.inputs.len(), false);
        }
        let (start, end) = (self.end.saturating_sub(self.chunk), self.end);
        if start == end {
            return false;
        }
        self.removed = Some((start, self.scene.inputs.drain(start..end).collect()));
        self.end = start;
        true
    }
}

impl ValueTree for SceneTree {
    type Value = Scene;

    fn current(&self) -> Scene {
        self.scene.clone()
    }

    /// The scene still fails: what was removed stays away.
    fn simplify(&mut self) -> bool {
        self.is_shorter |= self.removed.take().is_some();
        self.remove_next()
    }

    /// The scene does not fail any more: what was removed comes back, and another chunk goes.
    fn complicate(&mut self) -> bool {
        let Some((start, removed)) = self.removed.take() else { return false };
        self.scene.inputs.splice(start..start, removed);
        self.remove_next()
    }
}
