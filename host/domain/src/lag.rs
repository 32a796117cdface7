//! How long changes took to arrive: counts by size, from which percentiles can be told and which can be added up.

use serde::{Deserialize, Serialize};

/// Steps for each doubling; a percentile is told within 9 %.
const STEPS: u32 = 8;
/// Doublings from one millisecond; the last is beyond 12 days.
const DOUBLINGS: u32 = 30;
const BUCKETS: usize = (STEPS * DOUBLINGS) as usize;

/// Counts of lags by their size.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LagHistogram {
    /// Pairs of bucket and count, by bucket; empty buckets are left out.
    counts: Vec<(u16, u64)>,
}

impl LagHistogram {
    /// Counts one lag in milliseconds; a negative one, by a clock that is ahead, counts as none.
    pub fn add(&mut self, millis: i64) {
        self.count(bucket(millis), 1);
    }

    /// Counts all that another has counted.
    pub fn merge(&mut self, other: &Self) {
        for (bucket, count) in &other.counts {
            self.count(*bucket, *count);
        }
    }

    /// How many lags were counted.
    pub fn total(&self) -> u64 {
        self.counts.iter().map(|(_, count)| count).sum()
    }

    /// The lag in milliseconds that this share of all, in percent, did not exceed; none when none were counted.
    pub fn percentile(&self, percent: u64) -> Option<u64> {
        let rank = (self.total() * percent).div_ceil(100).max(1);
        let mut seen = 0;
        let bucket = self.counts.iter().find(|(_, count)| {
            seen += count;
            seen >= rank
        });
        bucket.map(|(bucket, _)| upper_bound(*bucket))
    }

    fn count(&mut self, bucket: u16, count: u64) {
        match self
            .counts
            .binary_search_by_key(&bucket, |(bucket, _)| *bucket)
        {
            Ok(at) => self.counts[at].1 += count,
            Err(at) => self.counts.insert(at, (bucket, count)),
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a logarithm of milliseconds is small and not negative"
)]
fn bucket(millis: i64) -> u16 {
    let log = (millis.max(1) as f64).log2() * f64::from(STEPS);
    // What equals a bound up to rounding belongs below it.
    ((log - 1e-9).ceil().max(0.0) as usize).min(BUCKETS - 1) as u16
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "at most two to the thirtieth"
)]
fn upper_bound(bucket: u16) -> u64 {
    (f64::from(bucket) / f64::from(STEPS)).exp2().round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_told_within_a_tenth() {
        let mut lags = LagHistogram::default();
        assert_eq!(lags.percentile(50), None);
        for millis in 1..=10_000 {
            lags.add(millis);
        }
        for (percent, exact) in [(1, 100.0), (50, 5_000.0), (95, 9_500.0), (99, 9_900.0)] {
            let told = lags.percentile(percent).unwrap() as f64;
            assert!(
                told >= exact * 0.99 && told <= exact * 1.1,
                "{percent}: {told}"
            );
        }
        assert_eq!(lags.total(), 10_000);
    }

    #[test]
    fn what_is_merged_counts_as_if_it_had_been_added() {
        let (mut one, mut two, mut both) = Default::default();
        for millis in [0, -5, 3, 70_000, i64::MAX] {
            LagHistogram::add(&mut one, millis);
            LagHistogram::add(&mut both, millis);
        }
        for millis in [3, 4, 1 << 40] {
            LagHistogram::add(&mut two, millis);
            LagHistogram::add(&mut both, millis);
        }
        one.merge(&two);
        assert_eq!(one, both);
        let stored = serde_json::to_string(&one).unwrap();
        assert_eq!(serde_json::from_str::<LagHistogram>(&stored).unwrap(), both);
    }
}
