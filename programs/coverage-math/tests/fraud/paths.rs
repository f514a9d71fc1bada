//! Which paths a tree has.

use coverage_math::hash::{Hash, Software};
use coverage_math::merkle;
use proptest::prelude::*;
use std::collections::BTreeSet;

/// The sides and the length of the path of leaf `index` of `count`, as the levels of the tree have them.
fn path(count: u32, index: u32) -> (u32, usize) {
    let (mut sides, mut length) = (0u32, 0);
    let (mut position, mut width) = (u64::from(index), u64::from(count));
    while width > 1 {
        if position ^ 1 < width {
            sides |= ((position & 1) as u32) << length;
            length += 1;
        }
        (position, width) = (position / 2, width.div_ceil(2));
    }
    (sides, length)
}

#[test]
fn a_tree_has_as_many_paths_as_leaves_and_each_is_the_path_of_one() {
    for count in 1..=300u32 {
        let leaves: BTreeSet<_> = (0..count).map(|index| path(count, index)).collect();
        assert_eq!(leaves.len(), count as usize);
        for length in 0..=10usize {
            for sides in 0..1u32 << length {
                assert_eq!(merkle::has_path(count, sides, length), leaves.contains(&(sides, length)), "{count}");
            }
        }
    }
    assert!((0..=40).all(|length| !merkle::has_path(0, 0, length)), "a tree of no leaves has no paths");
}

proptest! {
    #[test]
    fn a_leaf_verifies_in_a_tree_of_any_size_where_its_path_climbs(
        count in prop_oneof![1u32..70, any::<u32>().prop_map(|count| count.max(1)), (u32::MAX - 3)..=u32::MAX],
        number in any::<u32>(), leaf in any::<Hash>(), siblings in prop::collection::vec(any::<Hash>(), 32),
    ) {
        let index = number % count;
        let (sides, length) = path(count, index);
        let proof = &siblings[..length];
        let root = merkle::climb::<Software>(leaf, sides, proof).unwrap();
        prop_assert!(merkle::has_path(count, sides, length));
        prop_assert!(merkle::verify::<Software>(&root, count, index, leaf, proof));
        // Bits beyond the path say nothing; a step below the leaf, or from the node above it, is no leaf's.
        let beyond = if length < 32 { sides | 1 << length } else { sides };
        prop_assert!(merkle::has_path(count, beyond, length));
        prop_assert_eq!(merkle::climb::<Software>(leaf, beyond, proof), Some(root));
        prop_assert!(!merkle::has_path(count, sides << 1, length + 1) && !merkle::has_path(count, sides << 1 | 1, length + 1));
        prop_assert!(length == 0 || !merkle::has_path(count, sides >> 1, length - 1));
        prop_assert!(!merkle::has_path(count, sides, 33) && !merkle::has_path(0, sides, length));
    }
}
