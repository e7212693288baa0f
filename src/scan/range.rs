//! The keys of a bucket as ranges, in the order in which S3 lists them: that of their bytes in UTF-8.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ListingKeysUsingAPIs.html>
//!
//! Must never leave a gap between two ranges, or have a key in both: wherever a range is cut, its parts hold what it held.

use crate::model::contract::Contract;
use serde::{Deserialize, Serialize};

/// Most bytes of a key.
pub const KEY_BYTES: usize = 1_024;

/// An object of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub key: String,
    pub size: u64,
}

/// A page of a listing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    pub objects: Vec<Listed>,
    /// What keys begin with up to the next `/`, where that was asked for.
    pub folders: Vec<String>,
    /// More follows.
    pub more: bool,
}

impl Page {
    /// The first object that is not behind the one before it: the listing has another order than ours.
    pub fn out_of_order(&self, after: &str) -> Option<&str> {
        let before = std::iter::once(after).chain(self.objects.iter().map(|object| object.key.as_str()));
        let pairs = before.zip(&self.objects);
        pairs.into_iter().find(|(before, object)| *before >= object.key.as_str()).map(|(_, object)| object.key.as_str())
    }
}

/// The keys with a prefix that are behind one key, up to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRange {
    pub prefix: String,
    /// Not in it, and nothing before it is.
    pub after: String,
    /// The last key that can be in it; none: all that have the prefix.
    pub upto: Option<String>,
}

impl KeyRange {
    /// Every key with a prefix.
    pub fn whole(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned(), after: String::new(), upto: None }
    }

    /// Whether a key lies behind its end.
    pub fn ends_before(&self, key: &str) -> bool {
        self.upto.as_deref().is_some_and(|upto| key > upto)
    }

    pub fn holds(&self, key: &str) -> bool {
        key.starts_with(&self.prefix) && key > self.after.as_str() && !self.ends_before(key)
    }

    /// Its parts, cut behind each of these keys that it holds, whether or not there is an object of that name.
    pub fn cut<'a>(&self, points: impl IntoIterator<Item = &'a String>) -> Vec<Self> {
        let mut points: Vec<&String> = points.into_iter().filter(|point| self.holds(point)).collect();
        points.sort_unstable();
        points.dedup();
        let mut rest = self.clone();
        let mut parts = Vec::with_capacity(points.len() + 1);
        for point in points.into_iter().filter(|point| Some(*point) != self.upto.as_ref()) {
            parts.push(Self { upto: Some(point.clone()), ..rest.clone() });
            rest.after.clone_from(point);
        }
        parts.push(rest);
        parts
    }
}

/// The prefixes under which a contract reads, of those keys that begin with `prefix`; none holds another.
pub fn roots(contract: &Contract, prefix: &str) -> Vec<String> {
    if contract.read_prefixes.is_empty() {
        return vec![prefix.to_owned()];
    }
    let read = contract.read_prefixes.iter().chain(&contract.prefix);
    let mut inside: Vec<&str> = read
        .filter_map(|read| match (read.starts_with(prefix), prefix.starts_with(read.as_str())) {
            (true, _) => Some(read.as_str()),
            (_, true) => Some(prefix),
            _ => None,
        })
        .collect();
    inside.sort_unstable();
    let mut roots: Vec<String> = Vec::new();
    for prefix in inside {
        if !roots.iter().any(|root| prefix.starts_with(root.as_str())) {
            roots.push(prefix.to_owned());
        }
    }
    roots
}

/// Where a listing goes on behind a key: at once behind everything that Darwin need not read, if the key is of that.
pub fn behind(contract: &Contract, key: &str) -> String {
    let left_out = contract.not_read.iter().filter(|prefix| key.starts_with(prefix.as_str()));
    let ends = left_out.map(|prefix| format!("{prefix}{}", char::MAX)).filter(|end| end.len() <= KEY_BYTES);
    ends.chain([key.to_owned()]).max().unwrap_or_default()
}

/// At most `most` of these, evenly.
pub fn thinned<T>(items: Vec<T>, most: usize) -> Vec<T> {
    let (count, most) = (items.len(), most.max(1));
    if count <= most {
        return items;
    }
    let kept = |index: usize| index * most / count != (index + 1) * most / count;
    items.into_iter().enumerate().filter(|(index, _)| kept(*index)).map(|(_, item)| item).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::contract::Access;
    use proptest::prelude::*;

    fn contract(read_prefixes: &[&str], prefix: Option<&str>, not_read: &[&str]) -> Contract {
        let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        Contract {
            bucket: "acme".into(),
            access: Access::ReadOnly,
            read_prefixes: owned(read_prefixes),
            prefix: prefix.map(str::to_owned),
            not_read: owned(not_read),
            scope_writes: false,
            list: false,
        }
    }

    #[test]
    fn only_what_the_contract_reads_is_listed_and_each_prefix_once() {
        for (read, thumbnails, asked, wanted) in [
            (&[][..], None, "", &[""][..]),
            (&[], Some("darwin/"), "raw/", &["raw/"]),
            (&["raw/", "scans/"], Some("darwin/"), "", &["darwin/", "raw/", "scans/"]),
            (&["raw/", "raw/a/"], None, "", &["raw/"]),
            (&["raw/"], None, "raw/a/", &["raw/a/"]),
            (&["raw/a/", "raw/b/"], None, "raw/", &["raw/a/", "raw/b/"]),
            (&["raw/"], None, "other/", &[]),
        ] {
            assert_eq!(roots(&contract(read, thumbnails, &[]), asked), wanted, "{read:?} {asked}");
        }
    }

    #[test]
    fn a_listing_goes_on_behind_what_darwin_need_not_read() {
        let contract = contract(&[], None, &["logs/", "logs/old/"]);
        assert_eq!(behind(&contract, "logs/1"), "logs/\u{10ffff}");
        assert_eq!(behind(&contract, "raw/1"), "raw/1");
        assert!(behind(&contract, "logs/1").as_str() < "logs0");
        let long = "x".repeat(KEY_BYTES - 1);
        assert_eq!(behind(&self::contract(&[], None, &[&long]), &format!("{long}1")), format!("{long}1"));
    }

    #[test]
    fn a_listing_in_another_order_is_noticed() {
        let page = |keys: &[&str]| Page {
            objects: keys.iter().map(|key| Listed { key: (*key).to_owned(), size: 0 }).collect(),
            ..Page::default()
        };
        assert_eq!(page(&["a", "b"]).out_of_order(""), None);
        assert_eq!(page(&["a", "b"]).out_of_order("a"), Some("a"));
        assert_eq!(page(&["b", "a"]).out_of_order(""), Some("a"));
        assert_eq!(page(&["a", "a"]).out_of_order(""), Some("a"));
    }

    proptest! {
        #[test]
        fn wherever_ranges_are_cut_and_cut_again_each_key_is_in_one_of_them(
            keys in prop::collection::btree_set("[a/\u{e9}\u{10ffff}\n]{1,5}", 0..60),
            points in prop::collection::vec("[a/\u{e9}\u{10ffff}\n]{0,5}", 0..20),
            again in prop::collection::vec("[a/\u{e9}\u{10ffff}\n]{0,5}", 0..20),
            prefix in "[a/]{0,2}",
        ) {
            let parts = KeyRange::whole(&prefix).cut(&points);
            let parts: Vec<KeyRange> = parts.iter().flat_map(|part| part.cut(&again)).collect();
            for key in &keys {
                let held = parts.iter().filter(|part| part.holds(key)).count();
                prop_assert_eq!(held, usize::from(key.starts_with(&prefix)), "{:?}", key);
            }
            for pair in parts.windows(2) {
                prop_assert_eq!(pair[0].upto.as_ref(), Some(&pair[1].after));
            }
        }

        #[test]
        fn what_is_thinned_is_evenly_thinned(count in 0_usize..500, most in 1_usize..50) {
            let kept = thinned((0..count).collect(), most);
            prop_assert_eq!(kept.len(), count.min(most));
            let widest = kept.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default();
            prop_assert!(widest <= count.div_ceil(most) + 1);
        }
    }
}
