//! A sorted set with positions: insert, remove, "how many are below this", "walk from the n-th".
//!
//! Keys sit in sorted chunks of bounded length, so a position costs one step per chunk instead of one per key. That is
//! what makes `total` and an offset cheap for a search over 100,000 records. No chunk is ever empty.

/// Keys per chunk before it splits.
const CHUNK_MAX: usize = 1_024;

/// A sorted set of `(time, id)` or any other small keys.
#[derive(Debug, Clone)]
pub struct Ordered<K> {
    chunks: Vec<Vec<K>>,
    len: usize,
}

impl<K> Default for Ordered<K> {
    fn default() -> Self {
        Self {
            chunks: Vec::new(),
            len: 0,
        }
    }
}

impl<K: Ord + Copy> Ordered<K> {
    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds `key`; false when it was there.
    pub fn insert(&mut self, key: K) -> bool {
        if self.chunks.is_empty() {
            self.chunks.push(vec![key]);
            self.len = 1;
            return true;
        }
        let at = self.chunk_of(key).min(self.chunks.len() - 1);
        let chunk = &mut self.chunks[at];
        let Err(place) = chunk.binary_search(&key) else {
            return false;
        };
        chunk.insert(place, key);
        if chunk.len() > CHUNK_MAX {
            let upper = chunk.split_off(CHUNK_MAX / 2);
            self.chunks.insert(at + 1, upper);
        }
        self.len += 1;
        true
    }

    /// Removes `key`; false when it was not there.
    pub fn remove(&mut self, key: K) -> bool {
        let at = self.chunk_of(key);
        let Some(chunk) = self.chunks.get_mut(at) else {
            return false;
        };
        let Ok(place) = chunk.binary_search(&key) else {
            return false;
        };
        chunk.remove(place);
        if chunk.is_empty() {
            self.chunks.remove(at);
        }
        self.len -= 1;
        true
    }

    /// How many keys are less than `key`.
    pub fn rank(&self, key: K) -> usize {
        let at = self.chunk_of(key);
        let before: usize = self.chunks[..at].iter().map(Vec::len).sum();
        let within = self
            .chunks
            .get(at)
            .map_or(0, |chunk| chunk.partition_point(|have| *have < key));
        before + within
    }

    /// Keys from position `start` to before `end`, in order.
    pub fn range(&self, start: usize, end: usize) -> impl DoubleEndedIterator<Item = K> {
        let end = end.min(self.len);
        let mut skipped = 0;
        let mut first = 0;
        while first < self.chunks.len() && skipped + self.chunks[first].len() <= start {
            skipped += self.chunks[first].len();
            first += 1;
        }
        let mut last = first;
        let mut covered = skipped;
        while last < self.chunks.len() && covered < end {
            covered += self.chunks[last].len();
            last += 1;
        }
        let (low, high) = (start.saturating_sub(skipped), end.saturating_sub(skipped));
        let mut offset = 0;
        self.chunks[first..last].iter().flat_map(move |chunk| {
            let begin = low.saturating_sub(offset).min(chunk.len());
            let finish = high.saturating_sub(offset).min(chunk.len()).max(begin);
            offset += chunk.len();
            chunk[begin..finish].iter().copied()
        })
    }

    /// The first chunk whose last key is not below `key`.
    fn chunk_of(&self, key: K) -> usize {
        self.chunks
            .partition_point(|chunk| chunk.last().is_some_and(|last| *last < key))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn agrees_with_a_plain_sorted_set(
            steps in proptest::collection::vec((any::<bool>(), 0_u32..400), 0..3_000),
            probe in 0_u32..400,
            window in (0_usize..300, 0_usize..300),
        ) {
            let mut ordered = Ordered::default();
            let mut plain = BTreeSet::new();
            for (add, key) in steps {
                if add {
                    prop_assert_eq!(ordered.insert(key), plain.insert(key));
                } else {
                    prop_assert_eq!(ordered.remove(key), plain.remove(&key));
                }
            }
            prop_assert_eq!(ordered.len(), plain.len());
            prop_assert_eq!(ordered.rank(probe), plain.range(..probe).count());
            let (start, end) = (window.0.min(window.1), window.0.max(window.1));
            let expected: Vec<_> = plain.iter().copied().skip(start).take(end - start).collect();
            prop_assert_eq!(ordered.range(start, end).collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn many_chunks_keep_positions() {
        let mut ordered = Ordered::default();
        for key in (0..10_000_u32).rev() {
            ordered.insert(key * 2);
        }
        assert_eq!(ordered.rank(9_999), 5_000);
        assert_eq!(
            ordered.range(5_000, 5_003).collect::<Vec<_>>(),
            [10_000, 10_002, 10_004]
        );
    }
}
