//! How long requests took, in buckets that are at most 1.6 % wide, so that memory does not grow with their number.

use std::time::Duration;

/// Buckets of each power of two.
const PARTS: u64 = 64;
/// Powers of two of microseconds: up to an hour.
const POWERS: u64 = 32;

/// Counts durations.
#[derive(Debug, Clone)]
pub struct Histogram {
    buckets: Vec<u64>,
    count: u64,
    largest_us: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        let buckets = usize::try_from(PARTS * POWERS).unwrap_or(usize::MAX);
        Self {
            buckets: vec![0; buckets],
            count: 0,
            largest_us: 0,
        }
    }
}

/// Values below `PARTS` have a bucket each; above, each power of two is cut into `PARTS` pieces.
fn bucket_of(value_us: u64) -> usize {
    let power = u64::from(value_us.max(1).ilog2()).saturating_sub(u64::from(PARTS.ilog2()));
    let bucket = power * PARTS + (value_us >> power);
    usize::try_from(bucket.min(PARTS * POWERS - 1)).unwrap_or(0)
}

/// The largest value of a bucket.
fn top_of(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < 2 * PARTS {
        return bucket;
    }
    let power = bucket / PARTS - 1;
    ((bucket - power * PARTS + 1) << power) - 1
}

impl Histogram {
    /// Adds a duration.
    pub fn add(&mut self, duration: Duration) {
        let value_us = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        if let Some(bucket) = self.buckets.get_mut(bucket_of(value_us)) {
            *bucket += 1;
        }
        self.count += 1;
        self.largest_us = self.largest_us.max(value_us);
    }

    /// Adds all of another one.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.buckets.iter_mut().zip(&other.buckets) {
            *mine += theirs;
        }
        self.count += other.count;
        self.largest_us = self.largest_us.max(other.largest_us);
    }

    /// How many durations there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The longest, in microseconds.
    #[must_use]
    pub fn largest_us(&self) -> u64 {
        self.largest_us
    }

    /// The duration in microseconds that this share (0 to 1) of all does not exceed; 0 when there are none.
    #[must_use]
    pub fn percentile_us(&self, share: f64) -> u64 {
        let mut left = (share * self.count as f64).ceil().max(1.0) as u64;
        for (bucket, count) in self.buckets.iter().enumerate() {
            if *count >= left {
                return top_of(bucket).min(self.largest_us);
            }
            left -= count;
        }
        self.largest_us
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_narrow_and_in_order() {
        let mut former = 0;
        for value in (0..100_000).chain((100_000..4_000_000_000).step_by(1_000_003)) {
            let bucket = bucket_of(value);
            assert!(bucket >= former, "{value}");
            former = bucket;
            let top = top_of(bucket);
            assert!(
                top >= value && (top - value) as f64 <= value as f64 / 60.0,
                "{value}: {top}"
            );
        }
    }

    #[test]
    fn percentiles_of_known_durations() {
        let (mut all, mut half) = (Histogram::default(), Histogram::default());
        assert_eq!(all.percentile_us(0.5), 0);
        for value in 1..=100 {
            let one = if value % 2 == 0 { &mut all } else { &mut half };
            one.add(Duration::from_micros(value));
        }
        all.merge(&half);
        assert_eq!((all.count(), all.largest_us()), (100, 100));
        assert_eq!(all.percentile_us(0.5), 50);
        assert_eq!(all.percentile_us(0.99), 99);
        assert_eq!(all.percentile_us(1.0), 100);
    }
}
