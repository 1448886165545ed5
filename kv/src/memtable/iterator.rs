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
use std::sync::Arc;

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

/// A place in a tree: a leaf and a key in it, and the path to it.
#[derive(Clone, Debug)]
struct Cursor<'a> {
    /// The inner nodes from the root on, and which child was taken.
    path: Vec<(&'a [Arc<Node>], usize)>,
    leaf: &'a Leaf,
    at: usize,
}

/// The keys of a range, and their values.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    /// The next from the front, and the next from the back; none when there is nothing left.
    ends: Option<(Cursor<'a>, Cursor<'a>)>,
}

impl<'a> Cursor<'a> {
    /// Returns the first key that is not less than `key`; none if there is none.
    fn first_from(tree: &'a Tree, key: &[u8]) -> Option<Cursor<'a>> {
        let mut cursor = Cursor::descend(tree.root(), Vec::new(), |node| node.child_of(key));
        cursor.at = cursor.leaf.find(key).unwrap_or_else(|at| at);
        if cursor.at < cursor.leaf.keys.len() { Some(cursor) } else { cursor.next_leaf() }
    }

    /// Returns the last key that is less than `end`, or the last of all; none if there is none.
    fn last_before(tree: &'a Tree, end: Option<&[u8]>) -> Option<Cursor<'a>> {
        let child = |node: &InnerNode| match end {
            Some(end) => node.child_of(end),
            None => node.children.len() - 1,
        };
        let mut cursor = Cursor::descend(tree.root(), Vec::new(), child);
        cursor.at = match end {
            Some(end) => cursor.leaf.find(end).unwrap_or_else(|at| at),
            None => cursor.leaf.keys.len(),
        };
        cursor.back()
    }

    /// Walks down from `node`, and returns the leaf.
    fn descend(
        mut node: &'a Node,
        mut path: Vec<(&'a [Arc<Node>], usize)>,
        child: impl Fn(&InnerNode) -> usize,
    ) -> Cursor<'a> {
        loop {
            match node {
                Node::Leaf(leaf) => return Cursor { path, leaf, at: 0 },
                Node::Inner(inner) => {
                    let at = child(inner);
                    path.push((&inner.children, at));
                    node = &inner.children[at];
                }
            }
        }
    }

    /// Moves to the next key.
    fn forward(mut self) -> Option<Cursor<'a>> {
        self.at += 1;
        if self.at < self.leaf.keys.len() { Some(self) } else { self.next_leaf() }
    }

    /// Moves to the key before.
    fn back(mut self) -> Option<Cursor<'a>> {
        if self.at == 0 {
            return self.previous_leaf();
        }
        self.at -= 1;
        Some(self)
    }

    /// Moves to the first key of the next leaf.
    fn next_leaf(mut self) -> Option<Cursor<'a>> {
        loop {
            let (children, at) = self.path.pop()?;
            if at + 1 < children.len() {
                self.path.push((children, at + 1));
                return Some(Cursor::descend(&children[at + 1], self.path, |_| 0));
            }
        }
    }

    /// Moves to the last key of the leaf before.
    fn previous_leaf(mut self) -> Option<Cursor<'a>> {
        loop {
            let (children, at) = self.path.pop()?;
            if at > 0 {
                self.path.push((children, at - 1));
                let last = |node: &InnerNode| node.children.len() - 1;
                let mut cursor = Cursor::descend(&children[at - 1], self.path, last);
                cursor.at = cursor.leaf.keys.len() - 1;
                return Some(cursor);
            }
        }
    }

    fn key(&self) -> &'a Bytes {
        &self.leaf.keys[self.at]
    }

    fn value(&self) -> &'a Bytes {
        &self.leaf.values[self.at]
    }
}

impl<'a> Iter<'a> {
    /// Returns the keys of a range.
    pub(super) fn new(tree: &'a Tree, range: &KeyRange) -> Iter<'a> {
        let front = Cursor::first_from(tree, &range.from);
        let back = Cursor::last_before(tree, range.to.as_deref());
        let ends = front.zip(back).filter(|(front, back)| front.key() <= back.key());
        Iter { ends }
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a Bytes, &'a Bytes);

    fn next(&mut self) -> Option<Self::Item> {
        let (front, back) = self.ends.take()?;
        let item = (front.key(), front.value());
        let is_last = front.key() == back.key();
        self.ends = front.forward().filter(|_| !is_last).map(|front| (front, back));
        Some(item)
    }
}

impl DoubleEndedIterator for Iter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let (front, back) = self.ends.take()?;
        let item = (back.key(), back.value());
        let is_last = front.key() == back.key();
        self.ends = back.back().filter(|_| !is_last).map(|back| (front, back));
        Some(item)
    }
}
