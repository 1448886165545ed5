//! The calls and ends of a part, in the order of time: a list that operations are taken out of and put back.
//!
//! ```text
//!   all      head -> call 1 -> call 2 -> end 1 -> end 2 -> head
//!   take 2   head -> call 1 -----------> end 1 ----------> head      2 has happened: both its events go
//! ```
//!
//! At one time, calls come before ends: an operation may take effect at its call and at its end. What
//! has no end has one behind all others.
//!
//! Invariant: operations are put back in the reverse order. So an event that is out of the list still knows
//! its neighbours (Knuth's dancing links).

/// A place in the list; 0 is the head.
pub(super) type EventLink = u32;

/// An event of an operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum CallOrEnd {
    /// The head: neither.
    Head,
    /// The operation was called.
    Call(u32),
    /// The operation has ended.
    End(u32),
}

/// The list.
pub(super) struct Timeline {
    events: Vec<CallOrEnd>,
    next: Vec<EventLink>,
    previous: Vec<EventLink>,
    /// Where the call and the end of each operation are.
    links: Vec<(EventLink, EventLink)>,
}

impl Timeline {
    /// Returns the list of operations with these times of call and end.
    pub(super) fn new(times: impl Iterator<Item = (u64, Option<u64>)>) -> Timeline {
        let mut sorted = Vec::new();
        for (operation, (call, end)) in (0..).zip(times) {
            sorted.push(((call, 0), CallOrEnd::Call(operation)));
            let end = end.map_or((u64::MAX, 2), |end| (end, 1));
            sorted.push((end, CallOrEnd::End(operation)));
        }
        // Stable: what happens at one time stays in the order of the history.
        sorted.sort_by_key(|(time, _)| *time);
        let count = u32::try_from(sorted.len()).expect("fewer than 2^31 operations");
        let mut links = vec![(0, 0); sorted.len() / 2];
        let mut events = vec![CallOrEnd::Head];
        for (link, (_, event)) in (1..).zip(sorted) {
            match event {
                CallOrEnd::Call(operation) => links[operation as usize].0 = link,
                CallOrEnd::End(operation) => links[operation as usize].1 = link,
                CallOrEnd::Head => {}
            }
            events.push(event);
        }
        let next = (1..=count).chain([0]).collect();
        let previous = [count].into_iter().chain(0..count).collect();
        Timeline { events, next, previous, links }
    }

    /// Returns the event at a link.
    pub(super) fn event(&self, link: EventLink) -> CallOrEnd {
        self.events[link as usize]
    }

    /// Returns the link behind another.
    pub(super) fn after(&self, link: EventLink) -> EventLink {
        self.next[link as usize]
    }

    /// Takes both events of an operation out.
    pub(super) fn take(&mut self, operation: u32) {
        let (call, end) = self.links[operation as usize];
        for link in [call, end] {
            let (previous, next) = (self.previous[link as usize], self.next[link as usize]);
            self.next[previous as usize] = next;
            self.previous[next as usize] = previous;
        }
    }

    /// Puts both events of the operation that was taken last back. Returns the link behind its call.
    pub(super) fn put_back(&mut self, operation: u32) -> EventLink {
        let (call, end) = self.links[operation as usize];
        for link in [end, call] {
            let (previous, next) = (self.previous[link as usize], self.next[link as usize]);
            self.next[previous as usize] = link;
            self.previous[next as usize] = link;
        }
        self.next[call as usize]
    }
}
