//! Who trains and who tests: drawn by a hash of each item's key, so that the same item is always on the same side.
//!
//! Nothing here depends on the order of the items or on how many there are: an item that is added moves no other to
//! another part or fold, and moves at most one in [`balanced`]'s draw of its group.

use std::collections::BTreeMap;

use crate::error::{Error, Result};

/// The side an item is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Fits, chooses and standardizes.
    Train,
    /// Is only measured on.
    Test,
}

/// A hash of a key: FNV-1a (64 bits) over the purpose, a zero byte and the key's UTF-8, then SplitMix64's finalizer over
/// it and the seed. It is part of what published numbers depend on, and never changes.
///
/// The purpose keeps draws apart: an item's fold must say nothing of its part, or the folds of a training part would
/// be lopsided.
pub fn stable_hash(purpose: &str, key: &str, seed: u64) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in purpose.bytes().chain([0]).chain(key.bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    // FNV-1a alone leaves keys that differ in their last letter close together.
    finalized(hash ^ finalized(seed.wrapping_add(0x9e37_79b9_7f4a_7c15)))
}

fn finalized(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The part of each item, by its key: items with the same key are on the same side. With question ids for keys no
/// question, with template names no template is on both. Each key is tested on with probability `test_share`, so with
/// few keys the share of items may be far from it: look at it, and choose another seed before anything is measured.
///
/// # Errors
/// [`crate::ErrorKind::Input`] if `test_share` is not between 0 and 1, or if a part is left empty.
pub fn parts<K: AsRef<str>>(keys: &[K], test_share: f64, seed: u64) -> Result<Vec<Part>> {
    if !(test_share > 0.0 && test_share < 1.0) {
        return Err(Error::input(format!(
            "a test share of {test_share} leaves a part empty: give one between 0 and 1"
        )));
    }
    let part = |key: &K| {
        // The upper 53 bits, which f64 holds exactly.
        let drawn = (stable_hash("part", key.as_ref(), seed) >> 11) as f64 / (1_u64 << 53) as f64;
        if drawn < test_share {
            Part::Test
        } else {
            Part::Train
        }
    };
    let parts: Vec<Part> = keys.iter().map(part).collect();
    if !parts.contains(&Part::Train) || !parts.contains(&Part::Test) {
        return Err(Error::input(format!(
            "{} items by their keys leave a part empty: give more keys or another seed",
            keys.len()
        )));
    }
    Ok(parts)
}

/// The fold, from 0 to below `folds`, of each item by its key: items with the same key are in the same fold.
///
/// # Errors
/// [`crate::ErrorKind::Input`] if there are fewer than two folds, or if one is left empty.
pub fn folds<K: AsRef<str>>(keys: &[K], folds: usize, seed: u64) -> Result<Vec<usize>> {
    if folds < 2 {
        return Err(Error::input(format!(
            "{folds} folds leave nothing to test on: ask for two or more"
        )));
    }
    let fold = |key: &K| {
        let hash = stable_hash("fold", key.as_ref(), seed);
        ((u128::from(hash) * folds as u128) >> 64) as usize
    };
    let of: Vec<usize> = keys.iter().map(fold).collect();
    let mut used = of.clone();
    used.sort_unstable();
    used.dedup();
    if used.len() < folds {
        return Err(Error::input(format!(
            "{} of {folds} folds are empty: give more keys, fewer folds or another seed",
            folds - used.len()
        )));
    }
    Ok(of)
}

/// What balancing needs to know of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item<'a> {
    /// Names the item for good.
    pub id: &'a str,
    /// Where its question comes from.
    pub source: &'a str,
    /// The pattern its question was made by, if it was.
    pub template: Option<&'a str>,
    /// Its label: whether the answer was wrong.
    pub wrong: bool,
}

/// In which groups there shall be as many right items as wrong ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Within {
    /// In each source.
    Source,
    /// In each template of each source (and so in each source); items without template are a group of their own there.
    Template,
}

/// As many right items as wrong ones of each group, by their positions in `items`, ascending: all of the rarer label,
/// and as many of the other, drawn by the hash of their ids. A group with one label only is left out. Without this,
/// knowing a question's source or template would tell much of its label.
///
/// # Errors
/// [`crate::ErrorKind::Input`] if nothing is left.
pub fn balanced(items: &[Item], within: Within, seed: u64) -> Result<Vec<usize>> {
    // The hash and the position of each item, the right ones and the wrong ones.
    type Labels = [Vec<(u64, usize)>; 2];
    let mut groups: BTreeMap<(&str, Option<&str>), Labels> = BTreeMap::new();
    for (at, item) in items.iter().enumerate() {
        let template = match within {
            Within::Source => None,
            Within::Template => item.template,
        };
        let group = groups.entry((item.source, template)).or_default();
        let hash = stable_hash("balance", item.id, seed);
        group[usize::from(item.wrong)].push((hash, at));
    }
    let mut chosen = Vec::new();
    for labels in groups.values_mut() {
        let count = labels[0].len().min(labels[1].len());
        for of_label in labels {
            // The lowest hashes: a new item can push out one, and reshuffles no other.
            of_label.sort_unstable();
            chosen.extend(of_label[..count].iter().map(|(_, at)| *at));
        }
    }
    if chosen.is_empty() {
        return Err(Error::input(
            "no group has both right and wrong items: give more of them",
        ));
    }
    chosen.sort_unstable();
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(count: usize) -> Vec<String> {
        (0..count).map(|i| format!("triviaqa-{i}")).collect()
    }

    #[test]
    fn the_hash_never_changes() {
        // FNV-1a of "part\0a" by its definition and SplitMix64's finalizer, computed in Python.
        assert_eq!(stable_hash("part", "a", 0), 0x3cf7_0338_b24e_5963);
        assert_eq!(stable_hash("part", "a", 1), 0x7f70_f771_de87_6686);
        assert_eq!(stable_hash("fold", "Zürich", 7), 0x7ac6_5097_f687_6067);
    }

    #[test]
    fn parts_keep_keys_whole_and_their_share() {
        let keys: Vec<String> = ids(4000)
            .into_iter()
            .flat_map(|id| [id.clone(), id])
            .collect();
        let parts = parts(&keys, 0.25, 3).expect("many keys");
        assert!(parts.chunks(2).all(|pair| pair[0] == pair[1]));
        let tested = parts.iter().filter(|p| **p == Part::Test).count() as f64 / 8000.0;
        assert!((tested - 0.25).abs() < 0.03, "{tested}");
    }

    #[test]
    fn items_that_are_added_move_no_other() {
        let (few, many) = (ids(300), ids(500));
        let of = |keys: &[String]| (parts(keys, 0.3, 9), folds(keys, 5, 9));
        let ((few_parts, few_folds), (many_parts, many_folds)) = (of(&few), of(&many));
        assert_eq!(
            few_parts.expect("many")[..],
            many_parts.expect("many")[..300]
        );
        assert_eq!(
            few_folds.expect("many")[..],
            many_folds.expect("many")[..300]
        );
    }

    #[test]
    fn another_seed_is_another_split() {
        let keys = ids(400);
        let of = |seed| parts(&keys, 0.5, seed).expect("many keys");
        assert_eq!(of(1), of(1));
        let pairs = of(1).into_iter().zip(of(2));
        let same = pairs.filter(|(a, b)| a == b).count();
        assert!((150..250).contains(&same), "{same}");
    }

    #[test]
    fn folds_are_even_also_inside_a_part() {
        let keys = ids(6000);
        let parts = parts(&keys, 0.5, 4).expect("many keys");
        let train: Vec<&String> = keys
            .iter()
            .zip(&parts)
            .filter(|(_, p)| **p == Part::Train)
            .map(|(k, _)| k)
            .collect();
        let folds = folds(&train, 5, 4).expect("many keys");
        for fold in 0..5 {
            let share = folds.iter().filter(|f| **f == fold).count() as f64 / train.len() as f64;
            assert!((share - 0.2).abs() < 0.03, "{share}");
        }
    }

    #[test]
    fn templates_stay_whole() {
        let templates: Vec<String> = (0..900).map(|i| format!("template {}", i % 30)).collect();
        let parts = parts(&templates, 0.3, 1).expect("many keys");
        for i in 30..900 {
            assert_eq!(parts[i], parts[i % 30]);
        }
    }

    #[test]
    fn splits_that_leave_a_part_empty_are_refused() {
        assert!(parts(&["one"], 0.5, 1).is_err());
        assert!(parts::<&str>(&[], 0.5, 1).is_err());
        for share in [0.0, 1.0, -1.0, f64::NAN] {
            assert!(parts(&ids(50), share, 1).is_err());
        }
        assert!(folds(&ids(50), 1, 1).is_err());
        assert!(folds(&ids(3), 10, 1).is_err());
    }

    fn items(ids: &[String]) -> Vec<Item<'_>> {
        let sources = ["easy", "triviaqa", "nq"];
        let each = ids.iter().enumerate();
        each.map(|(i, id)| Item {
            id,
            source: sources[i % 3],
            template: (i % 3 == 0).then_some(["capital", "opposite", "none right"][i / 3 % 3]),
            // The sources and templates differ in how often they are wrong; one template always is.
            wrong: i % (i % 3 + 2) == 0 || (i % 3 == 0 && i / 3 % 3 == 2),
        })
        .collect()
    }

    #[test]
    fn each_group_has_as_many_right_as_wrong() {
        let ids = ids(600);
        let items = items(&ids);
        for within in [Within::Source, Within::Template] {
            let chosen = balanced(&items, within, 5).expect("both labels");
            assert!(chosen.windows(2).all(|w| w[0] < w[1]));
            let mut counts: BTreeMap<_, [usize; 2]> = BTreeMap::new();
            for item in chosen.iter().map(|&i| items[i]) {
                let template = item.template.filter(|_| within == Within::Template);
                counts.entry((item.source, template)).or_default()[usize::from(item.wrong)] += 1;
            }
            assert!(
                counts
                    .values()
                    .all(|[right, wrong]| right == wrong && *right > 0)
            );
            let lone = counts.contains_key(&("easy", Some("none right")));
            assert!(!lone, "a template that is always wrong tells the label");
            assert_eq!(chosen, balanced(&items, within, 5).expect("both labels"));
            assert_ne!(chosen, balanced(&items, within, 6).expect("both labels"));
        }
    }

    #[test]
    fn balance_is_drawn_anew_for_no_one() {
        let ids = ids(600);
        let items = items(&ids);
        let before = balanced(&items[..599], Within::Source, 5).expect("both labels");
        let after = balanced(&items, Within::Source, 5).expect("both labels");
        let moved = before.iter().filter(|i| !after.contains(i)).count();
        assert!(moved <= 1, "{moved}");
        let mut turned = items.clone();
        turned.reverse();
        let turned_chosen = balanced(&turned, Within::Source, 5).expect("both labels");
        let back: Vec<usize> = turned_chosen.iter().rev().map(|i| 599 - i).collect();
        assert_eq!(back, after);
    }

    #[test]
    fn one_label_only_leaves_nothing() {
        let ids = ids(9);
        let mut items = items(&ids);
        items.iter_mut().for_each(|item| item.wrong = true);
        assert!(balanced(&items, Within::Source, 1).is_err());
        assert!(balanced(&[], Within::Source, 1).is_err());
    }
}
