//! The tree against `BTreeMap`: the same answers, and its invariants after every operation.

use super::*;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use std::collections::BTreeMap;

type Map = BTreeMap<Bytes, Bytes>;

/// Checks the invariants of a tree.
fn check(tree: &Tree) {
    let mut leaf_depth = None;
    check_node(&tree.root, 0, &mut leaf_depth, (None, None), true);
}

fn check_node(
    node: &Node,
    depth: usize,
    leaf_depth: &mut Option<usize>,
    (low, high): (Option<&Bytes>, Option<&Bytes>),
    is_root: bool,
) {
    let fits = |key: &Bytes| low.is_none_or(|low| key >= low) && high.is_none_or(|high| key < high);
    match node {
        Node::Leaf(leaf) => {
            assert_eq!(*leaf_depth.get_or_insert(depth), depth, "all leaves are at one depth");
            assert!(is_root || !leaf.keys.is_empty(), "no leaf is empty");
            assert!(leaf.keys.len() <= FAN_OUT);
            assert_eq!(leaf.keys.len(), leaf.values.len());
            assert!(leaf.keys.is_sorted_by(|a, b| a < b) && leaf.keys.iter().all(fits));
            let sizes = leaf.keys.iter().zip(&leaf.values).map(|(key, value)| Size::of(key, value));
            assert_eq!(leaf.size, sizes.sum());
        }
        Node::Inner(inner) => {
            assert!(inner.children.len() <= FAN_OUT && inner.children.len() > usize::from(is_root));
            assert_eq!(inner.separators.len() + 1, inner.children.len());
            assert!(inner.separators.iter().all(fits));
            for (at, child) in inner.children.iter().enumerate() {
                let low = if at == 0 { low } else { Some(&inner.separators[at - 1]) };
                let bounds = (low, inner.separators.get(at).or(high));
                check_node(child, depth + 1, leaf_depth, bounds, false);
            }
            assert_eq!(inner.size, inner.children.iter().map(|child| child.size()).sum());
        }
    }
}

fn pairs(tree: &Tree, range: &KeyRange) -> Vec<(Bytes, Bytes)> {
    Iter::new(tree, range).map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn expected(model: &Map, range: &KeyRange) -> Vec<(Bytes, Bytes)> {
    let held = model.iter().filter(|(key, _)| range.holds(key));
    held.map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// Draws a key: short ones, among them prefixes of others and the empty key.
fn key(random: &mut ChaCha8Rng, keys: u32) -> Bytes {
    let number = random.random_range(0..keys);
    let text = format!("{number:b}");
    Bytes::from(text[usize::from(number == 0)..].to_owned())
}

fn range(random: &mut ChaCha8Rng, keys: u32) -> KeyRange {
    let from = key(random, keys);
    let to = (!random.random_ratio(1, 5)).then(|| key(random, keys));
    KeyRange { from, to }
}

#[test]
fn the_tree_is_a_map_and_keeps_its_invariants() {
    for seed in 0..30 {
        let random = &mut ChaCha8Rng::seed_from_u64(seed);
        let keys = [40, 700, 5000][seed as usize % 3];
        let (mut tree, mut model) = (Tree::default(), Map::new());
        let mut snapshots: Vec<(Tree, Map)> = Vec::new();
        for step in 0..1500u32 {
            match random.random_range(0..100) {
                0..70 => {
                    let (key, value) = (key(random, keys), Bytes::from(step.to_string()));
                    tree.insert(key.clone(), value.clone());
                    model.insert(key, value);
                }
                70..90 => {
                    let key = key(random, keys);
                    tree.remove(&key);
                    model.remove(&key);
                }
                90..93 => {
                    let range = range(random, keys);
                    tree.remove_range(&range.from, range.to.as_deref());
                    model.retain(|key, _| !range.holds(key));
                }
                93..95 => snapshots.push((tree.clone(), model.clone())),
                95 => drop(snapshots.pop()),
                _ => {
                    let range = range(random, keys);
                    let held = expected(&model, &range);
                    assert_eq!(pairs(&tree, &range), held, "seed {seed}, step {step}");
                    let size = held.iter().map(|(key, value)| Size::of(key, value)).sum();
                    assert_eq!(tree.range_size(&range.from, range.to.as_deref()), size);
                }
            }
            if step % 7 == 0 {
                check(&tree);
            }
            let key = key(random, keys);
            assert_eq!(tree.get(&key), model.get(&key), "seed {seed}, step {step}");
        }
        for (tree, model) in snapshots {
            check(&tree);
            assert_eq!(pairs(&tree, &KeyRange::all()), expected(&model, &KeyRange::all()));
        }
    }
}

#[test]
fn an_iterator_gives_the_same_from_both_ends_and_in_any_mixture() {
    for seed in 0..200 {
        let random = &mut ChaCha8Rng::seed_from_u64(seed);
        let (mut tree, mut model) = (Tree::default(), Map::new());
        for _ in 0..random.random_range(0..400) {
            let key = key(random, 600);
            tree.insert(key.clone(), Bytes::new());
            model.insert(key, Bytes::new());
        }
        let range = range(random, 600);
        let (mut iter, mut front, mut back) = (Iter::new(&tree, &range), Vec::new(), Vec::new());
        loop {
            let is_front = random.random_bool(0.5);
            let item = if is_front { iter.next() } else { iter.next_back() };
            let Some((key, value)) = item else { break };
            let side = if is_front { &mut front } else { &mut back };
            side.push((key.clone(), value.clone()));
        }
        assert!(iter.next().is_none() && iter.next_back().is_none(), "it stays at its end");
        front.extend(back.into_iter().rev());
        assert_eq!(front, expected(&model, &range), "seed {seed}, {range:?}");
    }
}

#[test]
fn without_a_snapshot_a_write_copies_no_node_and_with_one_it_copies_one_path() {
    let mut tree = Tree::default();
    for number in 0..10_000u32 {
        tree.insert(Bytes::from(number.to_be_bytes().to_vec()), Bytes::new());
    }
    let key = Bytes::from(77u32.to_be_bytes().to_vec());
    let root = Arc::as_ptr(&tree.root);
    tree.insert(key.clone(), Bytes::from("in place"));
    assert_eq!(Arc::as_ptr(&tree.root), root, "nobody else holds it");

    let snapshot = tree.clone();
    tree.insert(key.clone(), Bytes::from("copied"));
    assert_ne!(Arc::as_ptr(&tree.root), root);
    let (Node::Inner(old), Node::Inner(new)) = (&*snapshot.root, &*tree.root) else {
        panic!("10,000 keys have an inner root");
    };
    let shared = old.children.iter().zip(&new.children).filter(|(a, b)| Arc::ptr_eq(a, b)).count();
    assert_eq!(shared + 1, old.children.len(), "all children but one are shared");
    assert_eq!(snapshot.get(&key).map(|value| &value[..]), Some(&b"in place"[..]));
}

#[test]
fn nodes_are_freed_with_the_last_snapshot_that_holds_them() {
    let mut tree = Tree::default();
    for number in 0..5_000u32 {
        tree.insert(Bytes::from(number.to_be_bytes().to_vec()), Bytes::new());
    }
    let old = Arc::downgrade(&tree.root);
    let snapshot = tree.clone();
    tree.remove_range(b"", None);
    assert_eq!(tree.size(), Size::default());
    assert!(old.upgrade().is_some(), "the snapshot holds it");
    drop(snapshot);
    assert!(old.upgrade().is_none(), "nobody holds it");
}

#[test]
fn keys_in_order_fill_the_leaves() {
    let mut tree = Tree::default();
    for number in 0..60_000u32 {
        tree.insert(Bytes::from(number.to_be_bytes().to_vec()), Bytes::new());
    }
    check(&tree);
    let mut leaves = 0;
    let mut open = vec![tree.root.clone()];
    while let Some(node) = open.pop() {
        match &*node {
            Node::Leaf(_) => leaves += 1,
            Node::Inner(inner) => open.extend(inner.children.iter().cloned()),
        }
    }
    assert!(leaves <= 60_000 / (FAN_OUT - 6), "{leaves} leaves are too many: they are half empty");
}

fn depth(tree: &Tree) -> u32 {
    let (mut node, mut depth) = (&*tree.root, 1);
    while let Node::Inner(inner) = node {
        (node, depth) = (&inner.children[0], depth + 1);
    }
    depth
}

/// The header's bound. The last order inserts at the end of the first leaf, again and again: that leaves
/// only 5 keys in each leaf.
#[test]
fn the_levels_are_bounded_by_the_inserts_in_any_order() {
    const INSERTS: u32 = 100_000;
    let end_of_first_leaf = |number: u32| u32::MAX - 10 - number / 5 * 5 + number % 5;
    let random = |number: u32| number.wrapping_mul(2_654_435_761);
    for order in [|number: u32| number, |number: u32| !number, random, end_of_first_leaf] {
        let mut tree = Tree::default();
        for number in 0..INSERTS {
            tree.insert(Bytes::from(order(number).to_be_bytes().to_vec()), Bytes::new());
        }
        check(&tree);
        let deepest = 2 + INSERTS.ilog(5);
        assert!(depth(&tree) <= deepest, "{} levels are more than {deepest}", depth(&tree));
    }
}

/// (K11) A thread, because only a thread can have a small stack.
#[test]
fn a_million_keys_are_copied_walked_and_dropped_on_a_small_stack() {
    const KEYS: u64 = 1_000_000;
    let mut tree = Tree::default();
    for number in 0..KEYS {
        tree.insert(Bytes::from(number.to_be_bytes().to_vec()), Bytes::new());
    }
    let work = move || {
        let mut copy = tree.clone();
        copy.remove_range(&7u64.to_be_bytes(), Some(&(KEYS - 7).to_be_bytes()));
        assert_eq!((tree.iter(&KeyRange::all()).count() as u64, copy.size().keys), (KEYS, 14));
        assert_eq!(tree.iter(&KeyRange::all()).rev().count() as u64, KEYS);
        drop(tree);
        copy
    };
    let thread = std::thread::Builder::new().stack_size(64 << 10).spawn(work);
    let copy = thread.expect("a thread").join().expect("the stack is large enough");
    check(&copy);
}
