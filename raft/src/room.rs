//! Room: the memory of a vector that was emptied, kept for what comes next.
//!
//! ```text
//!   outbox ---- messages ----> Ready ---- taken out ----> network
//!      ^                         |
//!      '-------- the room -------'   RawNode::advance
//! ```
//!
//! With one proposal on its way, three nodes hand out six Readys for each entry, with a message or two in
//! each. Without this, every one of them would ask for memory and give it back.
//!
//! Invariant: what is kept is empty, and has room for at most [`MOST`].

/// The most that room is kept for: a node that was busy once gives its memory back.
const MOST: usize = 64;

/// Takes all that a vector holds. One that is empty keeps its room.
#[inline]
pub(crate) fn take_all<T>(from: &mut Vec<T>) -> Vec<T> {
    if from.is_empty() { Vec::new() } else { std::mem::take(from) }
}

/// Keeps the room of a vector that is not needed any more, unless there is room already.
#[inline]
pub(crate) fn keep<T>(room: &mut Vec<T>, mut emptied: Vec<T>) {
    if room.capacity() == 0 && emptied.capacity() <= MOST {
        emptied.clear();
        *room = emptied;
    }
}

#[cfg(test)]
mod tests {
    use crate::room::{MOST, keep, take_all};

    #[test]
    fn a_vector_is_taken_with_its_room_unless_it_is_empty() {
        let mut vector = vec![1, 2];
        assert_eq!((take_all(&mut vector), vector.capacity()), (vec![1, 2], 0));
        keep(&mut vector, vec![3]);
        assert_eq!((take_all(&mut vector).capacity(), vector.len()), (0, 0));
        assert!(vector.capacity() >= 1, "its room is still there");
    }

    #[test]
    fn room_is_kept_once_and_not_for_more_than_the_most() {
        for (room, kept) in [(MOST, MOST), (MOST + 1, 0)] {
            let mut vector = Vec::<u8>::new();
            keep(&mut vector, Vec::with_capacity(room));
            assert_eq!(vector.capacity(), kept);
        }
        let mut begun = vec![7];
        keep(&mut begun, Vec::with_capacity(MOST));
        assert_eq!(begun, [7], "what is there stays");
    }
}
