//! Merkle proofs: three readers of one path must agree, for trees of any size.

use crate::input::Input;
use coverage_math::hash::{Hash, Purpose, Software, Tag};
use coverage_math::merkle;

/// The sides and the length of the path of leaf `index` of `count`, as the levels of the tree have them.
fn path(count: u32, index: u32) -> Option<(u32, usize)> {
    let (mut sides, mut length) = (0u32, 0);
    let (mut position, mut width) = (u64::from(index), u64::from(count));
    if position >= width {
        return None;
    }
    while width > 1 {
        if position ^ 1 < width {
            sides |= ((position & 1) as u32) << length;
            length += 1;
        }
        (position, width) = (position / 2, width.div_ceil(2));
    }
    Some((sides, length))
}

/// The leaf whose path has these sides and this length, by bisection: the paths of a tree are in the order of its leaves.
fn leaf_at(count: u32, sides: u32, length: usize) -> Option<u32> {
    let down = |(sides, length): (u32, usize)| -> Vec<bool> {
        (0..length).rev().map(|level| sides.checked_shr(level as u32).is_some_and(|bits| bits & 1 == 1)).collect()
    };
    let wanted = down((sides, length));
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        match down(path(count, middle)?).cmp(&wanted) {
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
            std::cmp::Ordering::Equal => return Some(middle),
        }
    }
    None
}

/// `climb`, `has_path` and `verify` say the same of any path, and `prove` makes paths that all of them accept.
pub fn check(data: &[u8]) {
    let mut input = Input(data);
    let (count, index, sides) = (input.number(), input.number(), input.number());
    let small = input.byte();
    let (count, index) = if small < 128 { (count % 70, index % 70) } else { (count, index) };
    let length = usize::from(input.byte() % 36);
    let tag = Tag::new::<Software>(&[1; 32], &[2; 32], Purpose::Receipts, 3);
    let leaf = merkle::leaf::<Software>(&tag, &input.array::<32>());
    let proof: Vec<Hash> = (0..length).map(|_| input.array()).collect();

    let root = merkle::climb::<Software>(leaf, sides, &proof);
    assert_eq!(root.is_some(), length <= 32);
    let Some(root) = root else { return };
    let found = leaf_at(count, sides, length);
    assert_eq!(merkle::has_path(count, sides, length), found.is_some(), "{count} {sides:b} {length}");
    if let Some(found) = found {
        assert!(merkle::verify::<Software>(&root, count, found, leaf, &proof), "{count} {found}");
    }
    assert_eq!(merkle::verify::<Software>(&root, count, index, leaf, &proof), found == Some(index), "{count} {index}");
    assert!(!merkle::verify::<Software>(&[0; 32], count, index, leaf, &proof), "null root");

    let leaves: Vec<Hash> = (0..=small % 64).map(|number| merkle::leaf::<Software>(&tag, &[number])).collect();
    let mut space = [[0; 32]; 32];
    let (at, width) = (index as usize % (leaves.len() + 1), leaves.len() as u32);
    let made = merkle::prove::<Software>(&mut leaves.clone(), at, &mut space);
    assert_eq!(made, path(width, at as u32).map(|(_, length)| length));
    let (Some(made), Some(root)) = (made, merkle::root::<Software>(&mut leaves.clone())) else { return };
    assert!(merkle::verify::<Software>(&root, width, at as u32, leaves[at], &space[..made]));
    assert!(!merkle::verify::<Software>(&root, width, at as u32, leaf, &space[..made]));
}

/// Trees of sizes where the last leaf moves up, and of the largest sizes.
pub fn seeds() -> Vec<Vec<u8>> {
    let counts = [1, 2, 3, 5, 64, 65, 1 << 31, (1 << 31) + 1, u32::MAX];
    let seed = |count: u32| {
        let index = count - 1;
        let (sides, length) = path(count, index).unwrap_or_default();
        let kind = if count > 69 { 128 } else { 0 };
        let numbers = [count.to_le_bytes(), index.to_le_bytes(), sides.to_le_bytes()].concat();
        [numbers, vec![kind, length as u8], vec![7; 32 * (length + 1)]].concat()
    };
    counts.map(seed).into()
}
