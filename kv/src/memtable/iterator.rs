//! Iterators: the keys of a range in order, from both ends.
//!
//! ```text
//!   next --> a   b   c   d   e   f <-- next_back       they meet, and then both return nothing
//! ```
//!
//! An iterator walks a path: at each node, the child that it has taken. It holds a reference to the
//! tree, and nothing changes under it.

use super::tree::{InnerNode, Leaf, Node, Tree};
use bytes::Bytes;

/// A range of keys: from `from` on, and before `to`; without an end if `to` is none.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct KeyRange {
    /// The first key of the range.
    pub from: Bytes,
    /// The first key after the range.
    pub to: Option<Bytes>,
}

impl KeyRange {
    /// The range of all keys.
    pub fn all() -> KeyRange {
        KeyRange::default()
    }

    /// Returns the range `from..to`.
    pub fn new(from: impl Into<Bytes>, to: impl Into<Bytes>) -> KeyRange {
        KeyRange { from: from.into(), to: Some(to.into()) }
    }

    /// Returns whether the range holds a key.
    pub fn holds(&self, key: &[u8]) -> bool {
        *self.from <= *key && self.is_before_end(key)
    }

    fn is_before_end(&self, key: &[u8]) -> bool {
        self.to.as_deref().is_none_or(|to| key < to)
    }
}

/// A place between two keys of a tree: a leaf, how many of its keys are before the place, and the path to
/// the leaf.
#[derive(Clone, Debug)]
struct Cursor<'a> {
    /// The inner nodes from the root on, and which child was taken.
    path: Vec<(&'a InnerNode, usize)>,
    leaf: &'a Leaf,
    at: usize,
}

/// The keys of a range, and their values.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    front: Cursor<'a>,
    back: Cursor<'a>,
    /// How many keys are between the two.
    left: u64,
}

impl<'a> Cursor<'a> {
    /// Returns the place before the first key that is not less than `key`; the end if there is none.
    fn before(tree: &'a Tree, key: Option<&[u8]>) -> Cursor<'a> {
        let mut path = Vec::new();
        let child =
            |node: &InnerNode| key.map_or(node.children.len() - 1, |key| node.child_of(key));
        let leaf = descend(tree.root(), &mut path, child);
        let at = key.map_or(leaf.keys.len(), |key| leaf.find(key).unwrap_or_else(|at| at));
        Cursor { path, leaf, at }
    }

    /// Moves over the next key, and returns it. There must be one.
    fn forward(&mut self) -> (&'a Bytes, &'a Bytes) {
        if self.at == self.leaf.keys.len() {
            self.turn(|node, at| (at + 1 < node.children.len()).then_some(at + 1), |_| 0);
            self.at = 0;
        }
        self.at += 1;
        (&self.leaf.keys[self.at - 1], &self.leaf.values[self.at - 1])
    }

    /// Moves back over the key before, and returns it. There must be one.
    fn backward(&mut self) -> (&'a Bytes, &'a Bytes) {
        if self.at == 0 {
            self.turn(|_, at| at.checked_sub(1), |node| node.children.len() - 1);
            self.at = self.leaf.keys.len();
        }
        self.at -= 1;
        (&self.leaf.keys[self.at], &self.leaf.values[self.at])
    }

    /// Moves to the next leaf of one side: up until a node has another child there, and down again.
    fn turn(
        &mut self,
        other: impl Fn(&InnerNode, usize) -> Option<usize>,
        down: impl Fn(&InnerNode) -> usize,
    ) {
        loop {
            let (node, at) = self.path.pop().expect("there is another key on this side");
            if let Some(at) = other(node, at) {
                self.path.push((node, at));
                self.leaf = descend(&node.children[at], &mut self.path, down);
                return;
            }
        }
    }
}

/// Walks down from a node, notes the path, and returns the leaf.
fn descend<'a>(
    mut node: &'a Node,
    path: &mut Vec<(&'a InnerNode, usize)>,
    child: impl Fn(&InnerNode) -> usize,
) -> &'a Leaf {
    loop {
        match node {
            Node::Leaf(leaf) => return leaf,
            Node::Inner(inner) => {
                let at = child(inner);
                path.push((inner, at));
                node = &inner.children[at];
            }
        }
    }
}

impl<'a> Iter<'a> {
    /// Returns the keys of a range. The tree knows how many they are, so that the two ends need not look
    /// for each other.
    pub(super) fn new(tree: &'a Tree, range: &KeyRange) -> Iter<'a> {
        let (from, to) = (&range.from[..], range.to.as_deref());
        let left = tree.range_size(from, to).keys;
        Iter { front: Cursor::before(tree, Some(from)), back: Cursor::before(tree, to), left }
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a Bytes, &'a Bytes);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        Some(self.front.forward())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left as usize, Some(self.left as usize))
    }
}

impl DoubleEndedIterator for Iter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        Some(self.back.backward())
    }
}
