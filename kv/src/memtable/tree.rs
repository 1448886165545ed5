//! A copy-on-write B+tree: an ordered map whose copies cost nothing until they are changed.
//!
//! ```text
//!   snapshot --> root ----------.          a put copies the path from the root to one leaf, and
//!                 /   \          \         shares the rest with every snapshot
//!              inner   inner    root'  <-- the map after the put
//!              /  \     /  \     / \
//!            leaf leaf leaf leaf   inner' --> leaf'
//! ```
//!
//! Nodes are counted references (`Arc`). A node that nobody else holds is changed in place
//! ([`Arc::make_mut`]); one that a snapshot holds is copied first. So without snapshots a put copies
//! nothing.
//!
//! Invariants:
//!
//! * All leaves have the same depth. Every node has at most [`FAN_OUT`] keys or children.
//! * A split leaves room for at least 5 more keys or children in each half. So each level of the tree needs
//!   5 times the inserts of the level below: 2^64 inserts give fewer than 32 levels. Recursion over the
//!   levels, as when a tree is dropped, needs little stack.
//! * No node is empty, but for the root of an empty tree. A node is removed when it is empty, and not
//!   merged with a neighbour when it is half full: with as many inserts as removals this wastes little
//!   space, and it is much simpler (Johnson and Shasha, "B-trees with inserts and deletes: why
//!   free-at-empty is better than merge-at-half", 1993).
//! * In an inner node, separator `i` is greater than every key of child `i`, and not greater than any
//!   key of child `i + 1`.
//! * Each node knows how many keys are below it, and their bytes.

use super::iterator::{Iter, KeyRange};
use bytes::Bytes;
use std::cmp::Ordering;
use std::ops::{Add, AddAssign, SubAssign};
use std::sync::Arc;

/// The most keys of a leaf, and the most children of an inner node.
pub(super) const FAN_OUT: usize = 32;

/// How many keys there are, and how long keys and values are together.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Size {
    /// The keys.
    pub keys: u64,
    /// The bytes of keys and values.
    pub bytes: u64,
}

impl Size {
    fn of(key: &[u8], value: &[u8]) -> Size {
        Size { keys: 1, bytes: (key.len() + value.len()) as u64 }
    }
}

impl Add for Size {
    type Output = Size;

    fn add(self, other: Size) -> Size {
        Size { keys: self.keys + other.keys, bytes: self.bytes + other.bytes }
    }
}

impl AddAssign for Size {
    fn add_assign(&mut self, other: Size) {
        *self = *self + other;
    }
}

impl SubAssign for Size {
    fn sub_assign(&mut self, other: Size) {
        self.keys -= other.keys;
        self.bytes -= other.bytes;
    }
}

impl std::iter::Sum for Size {
    fn sum<I: Iterator<Item = Size>>(sizes: I) -> Size {
        sizes.fold(Size::default(), Size::add)
    }
}

/// An ordered map. A clone costs one counter.
#[derive(Clone, Debug)]
pub struct Tree {
    root: Arc<Node>,
}

/// A node.
#[derive(Clone, Debug)]
pub(super) enum Node {
    /// Keys and their values.
    Leaf(Leaf),
    /// Children, and what separates them.
    Inner(InnerNode),
}

/// Keys and values, in order.
#[derive(Debug, Default)]
pub(super) struct Leaf {
    pub(super) keys: Vec<Bytes>,
    pub(super) values: Vec<Bytes>,
    size: Size,
}

/// Children, in order.
#[derive(Debug)]
pub(super) struct InnerNode {
    /// One less than the children. They change only when a child is split or removed, so copies of the node
    /// share them: most copies are for a change far below.
    separators: Arc<Vec<Bytes>>,
    pub(super) children: Vec<Arc<Node>>,
    size: Size,
}

// A copy keeps room for as many keys as the node may get.

impl Clone for Leaf {
    fn clone(&self) -> Leaf {
        Leaf { keys: copy(&self.keys), values: copy(&self.values), size: self.size }
    }
}

impl Clone for InnerNode {
    fn clone(&self) -> InnerNode {
        InnerNode {
            separators: self.separators.clone(),
            children: copy(&self.children),
            size: self.size,
        }
    }
}

fn copy<T: Clone>(items: &[T]) -> Vec<T> {
    let mut copied = Vec::with_capacity(FAN_OUT + 1);
    copied.extend_from_slice(items);
    copied
}

/// The right half of a node that was split, and its smallest key.
type Split = Option<(Bytes, Arc<Node>)>;

impl Default for Tree {
    fn default() -> Tree {
        Tree { root: Arc::new(Node::Leaf(Leaf::default())) }
    }
}

impl Tree {
    /// Returns a key's value.
    pub fn get(&self, key: &[u8]) -> Option<&Bytes> {
        let mut node = &*self.root;
        loop {
            match node {
                Node::Inner(inner) => node = &inner.children[inner.child_of(key)],
                Node::Leaf(leaf) => {
                    let at = leaf.find(key).ok()?;
                    return Some(&leaf.values[at]);
                }
            }
        }
    }

    /// Sets a key's value.
    pub fn insert(&mut self, key: Bytes, value: Bytes) {
        if let Some((separator, right)) = insert(&mut self.root, key, value) {
            let left = self.root.clone();
            let size = left.size() + right.size();
            let (separators, children) = (Arc::new(copy(&[separator])), copy(&[left, right]));
            self.root = Arc::new(Node::Inner(InnerNode { separators, children, size }));
        }
    }

    /// Removes a key, if it is there.
    pub fn remove(&mut self, key: &[u8]) {
        if self.get(key).is_some() {
            let mut after = key.to_vec(); // the smallest key that is greater
            after.push(0);
            self.remove_range(key, Some(&after));
        }
    }

    /// Removes all keys of `from..to`; all from `from` on if `to` is none. Whole subtrees are dropped:
    /// only the two paths at the ends of the range are walked.
    pub fn remove_range(&mut self, from: &[u8], to: Option<&[u8]>) {
        if to.is_some_and(|to| to <= from) {
            return;
        }
        remove_range(&mut self.root, from, to);
        self.shrink();
    }

    /// Removes roots that have one child, or none.
    fn shrink(&mut self) {
        while let Node::Inner(inner) = &*self.root {
            match inner.children.len() {
                0 => *self = Tree::default(),
                1 => self.root = inner.children[0].clone(),
                _ => return,
            }
        }
    }

    /// Returns how many keys there are, and their bytes.
    pub fn size(&self) -> Size {
        self.root.size()
    }

    /// Returns the size of the keys in `from..to`. Looks at two paths, and at the children of their nodes.
    pub fn range_size(&self, from: &[u8], to: Option<&[u8]>) -> Size {
        if to.is_some_and(|to| to <= from) {
            return Size::default();
        }
        range_size(&self.root, Some(from), to)
    }

    /// Returns the keys of a range and their values, in order, from both ends.
    pub fn iter(&self, range: &KeyRange) -> Iter<'_> {
        Iter::new(self, range)
    }

    /// Returns the root.
    pub(super) fn root(&self) -> &Arc<Node> {
        &self.root
    }
}

impl Node {
    fn size(&self) -> Size {
        match self {
            Node::Leaf(leaf) => leaf.size,
            Node::Inner(inner) => inner.size,
        }
    }

    fn is_empty(&self) -> bool {
        self.size().keys == 0
    }
}

impl Leaf {
    /// Returns where a key is, or where it would be.
    pub(super) fn find(&self, key: &[u8]) -> Result<usize, usize> {
        search(&self.keys, key)
    }

    /// Sets a key's value. Returns the right half if the leaf was too full.
    fn insert(&mut self, key: Bytes, value: Bytes) -> Split {
        self.size += Size::of(&key, &value);
        match self.find(&key) {
            Ok(at) => {
                self.size -= Size::of(&key, &self.values[at]);
                self.values[at] = value;
                None
            }
            Err(at) => {
                self.keys.insert(at, key);
                self.values.insert(at, value);
                (self.keys.len() > FAN_OUT).then(|| self.split(at))
            }
        }
    }

    /// Splits a leaf that is too full. `last` is where the last key was inserted: at the end, it is
    /// probably one of many that come in order, and the left half stays almost full.
    fn split(&mut self, last: usize) -> (Bytes, Arc<Node>) {
        let at = if last == FAN_OUT { FAN_OUT - 4 } else { FAN_OUT / 2 };
        let (keys, values) = (split_off(&mut self.keys, at), split_off(&mut self.values, at));
        let size = keys.iter().zip(&values).map(|(key, value)| Size::of(key, value)).sum();
        self.size -= size;
        (keys[0].clone(), Arc::new(Node::Leaf(Leaf { keys, values, size })))
    }

    /// Removes the keys of a range.
    fn remove_range(&mut self, from: &[u8], to: Option<&[u8]>) {
        let range = self.places(Some(from), to);
        let removed = self.keys.drain(range.clone()).zip(self.values.drain(range));
        for (key, value) in removed {
            self.size -= Size::of(&key, &value);
        }
    }

    /// Returns where the keys of a range are.
    fn places(&self, from: Option<&[u8]>, to: Option<&[u8]>) -> std::ops::Range<usize> {
        let place = |key: &[u8]| self.keys.partition_point(|held| held[..] < *key);
        from.map_or(0, place)..to.map_or(self.keys.len(), place)
    }
}

impl InnerNode {
    /// Returns which child holds a key, if any does.
    pub(super) fn child_of(&self, key: &[u8]) -> usize {
        search(&self.separators, key).map_or_else(|at| at, |at| at + 1)
    }

    /// Sets a key's value below this node. Returns the right half if the node was too full.
    fn insert(&mut self, key: Bytes, value: Bytes) -> Split {
        let at = self.child_of(&key);
        self.size -= self.children[at].size();
        let split = insert(&mut self.children[at], key, value);
        self.size += self.children[at].size();
        let (separator, right) = split?;
        self.size += right.size();
        Arc::make_mut(&mut self.separators).insert(at, separator);
        self.children.insert(at + 1, right);
        (self.children.len() > FAN_OUT).then(|| self.split(at + 1))
    }

    /// Splits a node that is too full: see [`Leaf::split`].
    fn split(&mut self, last: usize) -> (Bytes, Arc<Node>) {
        let at = if last == FAN_OUT { FAN_OUT - 4 } else { FAN_OUT / 2 };
        let children = split_off(&mut self.children, at);
        let left = Arc::make_mut(&mut self.separators);
        let separators = Arc::new(split_off(left, at));
        let between = left.pop().expect("there is one before each child but the first");
        let size = children.iter().map(|child| child.size()).sum();
        self.size -= size;
        (between, Arc::new(Node::Inner(InnerNode { separators, children, size })))
    }

    /// Removes the keys of a range below this node: the children within are dropped, and so is one at an
    /// end that is empty afterwards.
    fn remove_range(&mut self, from: &[u8], to: Option<&[u8]>) {
        let (first, last) = self.children_of(Some(from), to);
        remove_range(&mut self.children[first], from, to);
        if last > first {
            remove_range(&mut self.children[last], from, to);
        }
        let first_gone = if self.children[first].is_empty() { first } else { first + 1 };
        let end_gone = if self.children[last].is_empty() { last + 1 } else { last.max(first_gone) };
        self.children.drain(first_gone..end_gone);
        // A child goes with the separator before it; the first child, with the one after it.
        let shift = usize::from(first_gone > 0);
        let separators = first_gone - shift..(end_gone - shift).min(self.separators.len());
        if !separators.is_empty() {
            Arc::make_mut(&mut self.separators).drain(separators);
        }
        self.size = self.children.iter().map(|child| child.size()).sum();
    }

    /// Returns the first and the last child that may hold keys of a range.
    fn children_of(&self, from: Option<&[u8]>, to: Option<&[u8]>) -> (usize, usize) {
        let first = from.map_or(0, |from| self.child_of(from));
        let before = |to: &[u8]| self.separators.partition_point(|separator| separator[..] < *to);
        (first, to.map_or(self.children.len() - 1, before).max(first))
    }
}

/// Returns where a key is, or where it would be.
///
/// [`slice::binary_search_by`] has no branch, so each step waits for the key of the step before, which is
/// somewhere else in memory. Here the processor guesses a step's outcome and fetches the next key meanwhile.
/// With the library's search, a read of a random key took 1.5 to 1.8 times as long.
fn search(keys: &[Bytes], key: &[u8]) -> Result<usize, usize> {
    let (mut low, mut high) = (0, keys.len());
    while low < high {
        let middle = (low + high) / 2;
        match keys[middle][..].cmp(key) {
            Ordering::Less => low = middle + 1,
            Ordering::Equal => return Ok(middle),
            Ordering::Greater => high = middle,
        }
    }
    Err(low)
}

fn split_off<T>(items: &mut Vec<T>, at: usize) -> Vec<T> {
    let mut right = Vec::with_capacity(FAN_OUT + 1);
    right.extend(items.drain(at..));
    right
}

fn insert(node: &mut Arc<Node>, key: Bytes, value: Bytes) -> Split {
    match Arc::make_mut(node) {
        Node::Leaf(leaf) => leaf.insert(key, value),
        Node::Inner(inner) => inner.insert(key, value),
    }
}

fn remove_range(node: &mut Arc<Node>, from: &[u8], to: Option<&[u8]>) {
    match Arc::make_mut(node) {
        Node::Leaf(leaf) => leaf.remove_range(from, to),
        Node::Inner(inner) => inner.remove_range(from, to),
    }
}

fn range_size(node: &Node, from: Option<&[u8]>, to: Option<&[u8]>) -> Size {
    if from.is_none() && to.is_none() {
        return node.size();
    }
    match node {
        Node::Leaf(leaf) => {
            let places = leaf.places(from, to);
            places.map(|at| Size::of(&leaf.keys[at], &leaf.values[at])).sum()
        }
        Node::Inner(inner) => {
            let (first, last) = inner.children_of(from, to);
            let part = |at: usize| {
                let from = from.filter(|_| at == first);
                range_size(&inner.children[at], from, to.filter(|_| at == last))
            };
            (first..=last).map(part).sum()
        }
    }
}

#[cfg(test)]
mod tests;
