//! How long changes took to arrive: counts by size, from which percentiles can be told and which can be added up.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

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

    /// Counts lags that are all of one size.
    pub fn add_many(&mut self, millis: i64, how_many: u64) {
        if how_many > 0 {
            self.count(bucket(millis), how_many);
        }
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

/// How long changes took to one side: on the whole way, and at each stage of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Lags {
    /// From the change until the other side had it for good.
    pub total: LagHistogram,
    /// Until it was seen. A record's edit is seen as it is made, so there are none to HubSpot.
    pub detection: LagHistogram,
    /// From then until its batch was taken up.
    pub queue: LagHistogram,
    /// While its batch was transformed and decided about.
    pub transform: LagHistogram,
    /// From then until the other side had it for good.
    pub write: LagHistogram,
}

/// When a batch of changes came through each stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stages {
    /// When its changes were seen; none when that was as they were made.
    pub seen_at: Option<Timestamp>,
    /// When it was taken up.
    pub taken_up_at: Timestamp,
    /// When it was decided what to write.
    pub transformed_at: Timestamp,
    /// When it was written.
    pub written_at: Timestamp,
}

impl Lags {
    /// Counts a batch of changes that were made at these times.
    pub fn add(&mut self, changed_at: &[Timestamp], stages: Stages) {
        let Stages {
            seen_at,
            taken_up_at,
            transformed_at,
            written_at,
        } = stages;
        for changed_at in changed_at {
            self.total.add(written_at.millis_since(*changed_at));
            match seen_at {
                Some(seen_at) => self.detection.add(seen_at.millis_since(*changed_at)),
                None => self.queue.add(taken_up_at.millis_since(*changed_at)),
            }
        }
        let how_many = changed_at.len() as u64;
        if let Some(seen_at) = seen_at {
            self.queue
                .add_many(taken_up_at.millis_since(seen_at), how_many);
        }
        self.transform
            .add_many(transformed_at.millis_since(taken_up_at), how_many);
        self.write
            .add_many(written_at.millis_since(transformed_at), how_many);
    }

    /// Counts all that others have counted.
    pub fn merge(&mut self, other: &Self) {
        self.total.merge(&other.total);
        self.detection.merge(&other.detection);
        self.queue.merge(&other.queue);
        self.transform.merge(&other.transform);
        self.write.merge(&other.write);
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

    #[test]
    fn the_stages_of_a_batch_add_up_to_the_whole_way() {
        let mut lags = Lags::default();
        let stages = Stages {
            seen_at: Some(Timestamp(1_000)),
            taken_up_at: Timestamp(1_010),
            transformed_at: Timestamp(1_030),
            written_at: Timestamp(1_090),
        };
        lags.add(&[Timestamp(0), Timestamp(500)], stages);
        let told = |lags: &LagHistogram| (lags.total(), lags.percentile(99).unwrap());
        assert_eq!(told(&lags.detection).0, 2);
        assert!((1_000..1_100).contains(&told(&lags.detection).1));
        assert!((10..12).contains(&told(&lags.queue).1));
        assert!((20..23).contains(&told(&lags.transform).1));
        assert!((60..67).contains(&told(&lags.write).1));
        assert!((1_090..1_200).contains(&told(&lags.total).1));
        let pushed = Stages {
            seen_at: None,
            ..stages
        };
        let mut edits = Lags::default();
        edits.add(&[Timestamp(10)], pushed);
        assert_eq!(edits.detection.total(), 0);
        assert!((1_000..1_100).contains(&told(&edits.queue).1));
        lags.merge(&edits);
        assert_eq!(lags.write.total(), 3);
        assert_eq!(lags.detection.total(), 2);
    }
}
