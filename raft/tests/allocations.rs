//! What one entry costs in calls of the memory allocator, with one proposal on its way among three nodes.
//!
//! ```text
//!   propose --> n1 --append--> n2, n3 --matched--> n1 --commit--> n2, n3      8 messages, 6 Readys
//! ```
//!
//! Eight calls are left: the command, its entry, what the leader hands out to be written, two appends, and on
//! each node what it hands out to be applied. The rest of a node's work uses memory again.

use bytes::Bytes;
use raft::{Config, MemoryStorage, Message, NodeId, RawNode};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator, with a count of this thread's calls.
struct Counting;

#[expect(unsafe_code, reason = "an allocator is unsafe by contract; this one passes all on")]
// SAFETY: every call goes to `System` with the arguments it came with.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.set(CALLS.get() + 1);
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        CALLS.set(CALLS.get() + 1);
        unsafe { System.realloc(old, layout, size) }
    }

    unsafe fn dealloc(&self, old: *mut u8, layout: Layout) {
        unsafe { System.dealloc(old, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

struct Group {
    nodes: Vec<RawNode<MemoryStorage>>,
    queue: Vec<Message>,
    applied: usize,
}

impl Group {
    fn with_leader() -> Self {
        let node = |id| {
            let storage = MemoryStorage::with_voters([1, 2, 3].map(NodeId));
            RawNode::new(&Config::new(NodeId(id)), storage).expect("the usual settings")
        };
        let mut group = Group { nodes: vec![node(1), node(2), node(3)], queue: vec![], applied: 0 };
        group.nodes[0].campaign().expect("it follows nobody");
        group.settle();
        group
    }

    /// Lets every node work and delivers what they say, until all is quiet.
    fn settle(&mut self) {
        while self.nodes.iter().any(RawNode::has_ready) {
            for node in self.nodes.iter_mut().filter(|node| node.has_ready()) {
                let mut ready = node.ready().expect("memory can be read");
                ready.take_messages_into(&mut self.queue);
                node.storage_mut().append(ready.take_entries());
                if let Some(hard_state) = ready.hard_state() {
                    node.storage_mut().save(hard_state);
                }
                ready.take_persisted_messages_into(&mut self.queue);
                self.applied += ready.take_committed_entries().len();
                let mut light = node.advance(ready).expect("memory can be read");
                self.queue.append(&mut light.take_messages());
                self.applied += light.take_committed_entries().len();
                node.advance_apply().expect("memory can be read");
            }
            for message in self.queue.drain(..) {
                let to = message.to.0 as usize - 1;
                self.nodes[to].step(message).expect("a correct network delivers it");
            }
        }
    }

    fn propose_and_settle(&mut self, entries: usize) {
        for _ in 0..entries {
            let command = Bytes::copy_from_slice(b"x=1");
            self.nodes[0].propose(Bytes::new(), command).expect("it leads");
            self.settle();
        }
    }
}

#[test]
fn an_entry_takes_no_more_than_eight_calls_of_the_allocator() {
    const ENTRIES: usize = 1000;
    let mut group = Group::with_leader();
    group.propose_and_settle(10);
    let (before, applied) = (CALLS.get(), group.applied);
    group.propose_and_settle(ENTRIES);
    let calls = CALLS.get() - before;
    assert_eq!(group.applied - applied, 3 * ENTRIES, "all three nodes have applied all of them");
    // Storage and windows grow now and then.
    let most = 8 * ENTRIES as u64 + 50;
    assert!(calls <= most, "{calls} calls for {ENTRIES} entries, at most {most} are expected");
}
