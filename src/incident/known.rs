//! The KMS keys that a bucket's objects were seen under: how many are remembered, and which give way.
//!
//! Must never let a key of another account take the place of one of the own account.

use crate::model::arn::account_of_key;
use crate::model::time::Timestamp;
use std::time::Duration;

/// Most keys of the own account that are remembered of a bucket.
pub const OWN_KEYS: usize = 180;
/// Most keys of other accounts: whoever may upload can name any number of them.
pub const FOREIGN_KEYS: usize = 20;
/// Most objects that are remembered of a key.
pub const KEY_SAMPLES: usize = 3;
/// A key is written down at most once in so long.
pub const KEY_SEEN: Duration = Duration::from_hours(24);
/// A key whose samples are all under another key now is forgotten after so long.
pub const STALE: Duration = Duration::from_hours(720);

/// A key of a bucket's objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownKey {
    /// Its ARN.
    pub key: String,
    /// Objects that were seen under it, the newest first; none for a default key under which no object was seen.
    pub samples: Vec<String>,
    /// When it was first seen.
    pub since: Timestamp,
    /// When it was last seen; 0 for a key that was never seen with an object.
    pub last_seen: Timestamp,
    /// Since when none of its samples is under it any more.
    pub stale_since: Option<Timestamp>,
}

impl KnownKey {
    /// Whether it is forgotten by now.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.stale_since.is_some_and(|stale_since| stale_since + STALE <= now)
    }

    /// Whether it need not be written down again yet.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        self.stale_since.is_none() && now < self.last_seen + KEY_SEEN
    }

    /// The same key seen again with these objects.
    #[must_use]
    pub fn seen(&self, samples: &[String], now: Timestamp) -> Self {
        let mut all = samples.to_vec();
        all.extend(self.samples.iter().filter(|held| !samples.contains(held)).cloned());
        all.truncate(KEY_SAMPLES);
        Self { samples: all, last_seen: now, stale_since: None, ..self.clone() }
    }
}

/// Whether a bucket has room for one more key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room<'k> {
    Free,
    /// In the place of this one.
    Instead(&'k KnownKey),
    /// None: as many of its sort are known as are remembered.
    None,
}

/// Whether a key belongs to another account than `home`.
pub fn is_foreign(key: &str, home: &str) -> bool {
    account_of_key(key).is_none_or(|account| account != home)
}

/// The room for a key that is not among the `known`: among those of its sort, own or foreign. Nothing gives way but what is
/// stale; for the default key the one that was not seen for the longest time does.
pub fn room<'k>(known: &'k [KnownKey], key: &str, home: &str, is_default: bool) -> Room<'k> {
    let foreign = is_foreign(key, home);
    let limit = if foreign { FOREIGN_KEYS } else { OWN_KEYS };
    let of_its_sort = || known.iter().filter(|held| is_foreign(&held.key, home) == foreign);
    if of_its_sort().count() < limit {
        return Room::Free;
    }
    let stale = of_its_sort().filter(|held| held.stale_since.is_some()).min_by_key(|held| held.stale_since);
    let longest_unseen = || of_its_sort().min_by_key(|held| held.last_seen).filter(|_| is_default);
    stale.or_else(longest_unseen).map_or(Room::None, Room::Instead)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    const HOME: &str = "111122223333";

    fn known(account: &str, n: usize) -> KnownKey {
        let key = format!("arn:aws:kms:eu-central-1:{account}:key/k{n}");
        KnownKey { key, samples: vec!["a".to_owned()], since: at(0), last_seen: at(n as u64), stale_since: None }
    }

    #[test]
    fn foreign_keys_have_a_bound_of_their_own_and_take_no_place_of_ours() {
        let mut held: Vec<KnownKey> = (0..FOREIGN_KEYS).map(|n| known("999988887777", n)).collect();
        let another = known("999988887777", 1_000).key;
        assert_eq!(room(&held, &another, HOME, false), Room::None);
        assert_eq!(room(&held, &known(HOME, 0).key, HOME, false), Room::Free);
        held.extend((0..OWN_KEYS).map(|n| known(HOME, n)));
        assert_eq!(room(&held, &known(HOME, 1_000).key, HOME, false), Room::None);
        assert!(matches!(room(&held, &another, HOME, true), Room::Instead(old) if old.key == held[0].key));
    }

    #[test]
    fn a_stale_key_gives_way_first() {
        let mut held: Vec<KnownKey> = (0..OWN_KEYS).map(|n| known(HOME, n)).collect();
        held[7].stale_since = Some(at(9));
        let stale = held[7].key.clone();
        for is_default in [false, true] {
            let room = room(&held, &known(HOME, 1_000).key, HOME, is_default);
            assert!(matches!(room, Room::Instead(old) if old.key == stale), "{room:?}");
        }
    }

    #[test]
    fn a_key_keeps_its_newest_samples_and_is_alive_again_when_seen() {
        let stale = KnownKey { stale_since: Some(at(5)), ..known(HOME, 1) };
        let seen = stale.seen(&["b".to_owned(), "c".to_owned()], at(10));
        assert_eq!((seen.samples.join(","), seen.last_seen, seen.stale_since), ("b,c,a".to_owned(), at(10), None));
        assert_eq!(seen.seen(&["a".to_owned(), "d".to_owned()], at(11)).samples, ["a", "d", "b"]);
        assert!(!stale.is_over(at(0) + STALE) && stale.is_over(at(5) + STALE));
    }
}
