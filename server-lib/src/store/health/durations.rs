//! How long sessions took: counts of times in classes that grow with the time, so that a quantile
//! is off by at most one part in 64, whatever the times are.

#![warn(clippy::arithmetic_side_effects)]

use std::collections::BTreeMap;

use super::numbers;

/// Each doubling of the time has so many classes, as a power of two.
const CLASS_BITS: u32 = 5;
/// Up to here each millisecond is a class.
const EXACT: u64 = 1 << (CLASS_BITS + 1);

/// Times of sessions, in milliseconds. Bounded: a year has about 1000 classes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Durations {
    /// How many times each class was noted.
    classes: BTreeMap<u16, u64>,
    /// All times together.
    sum_ms: u64,
    /// The longest.
    max_ms: u64,
}

/// What is told of times, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DurationTotals {
    /// The mean, exactly.
    pub avg: f64,
    /// Half of the sessions took at most so long; like the other shares off by 1.6 per cent at
    /// most.
    pub p50: u64,
    /// 75 of a hundred did.
    pub p75: u64,
    /// 90 of a hundred did.
    pub p90: u64,
    /// 95 of a hundred did.
    pub p95: u64,
    /// 99 of a hundred did.
    pub p99: u64,
    /// The longest.
    pub max: u64,
}

impl Durations {
    /// Notes a time.
    pub fn insert(&mut self, ms: u64) {
        let count = self.classes.entry(class_of(ms)).or_default();
        *count = count.saturating_add(1);
        self.sum_ms = self.sum_ms.saturating_add(ms);
        self.max_ms = self.max_ms.max(ms);
    }

    /// Takes a time back that was noted. The longest of those that are left is then known as
    /// exactly as the shares are.
    pub fn remove(&mut self, ms: u64) {
        let class = class_of(ms);
        let Some(count) = self.classes.get_mut(&class) else {
            return;
        };
        *count = count.saturating_sub(1);
        if *count == 0 {
            self.classes.remove(&class);
        }
        self.sum_ms = self.sum_ms.saturating_sub(ms);
        let highest = self.classes.last_key_value();
        let bound = highest.map_or(0, |(class, _)| bounds(*class).1);
        self.max_ms = self.max_ms.min(bound);
    }

    /// Adds the times of others.
    pub fn add(&mut self, other: &Self) {
        for (class, more) in &other.classes {
            let count = self.classes.entry(*class).or_default();
            *count = count.saturating_add(*more);
        }
        self.sum_ms = self.sum_ms.saturating_add(other.sum_ms);
        self.max_ms = self.max_ms.max(other.max_ms);
    }

    /// Reports whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.classes.is_empty()
    }

    /// Returns about how many bytes it takes.
    pub(super) fn size(&self) -> usize {
        self.classes.len().saturating_mul(size_of::<(u16, u64)>())
    }

    /// Returns what is told of them; `None` when there is none.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a mean is not exact anyway")]
    pub fn totals(&self) -> Option<DurationTotals> {
        let count = self.classes.values().copied();
        let count = count.fold(0_u64, u64::saturating_add);
        (count > 0).then(|| DurationTotals {
            avg: self.sum_ms as f64 / count as f64,
            p50: self.share(count, 50),
            p75: self.share(count, 75),
            p90: self.share(count, 90),
            p95: self.share(count, 95),
            p99: self.share(count, 99),
            max: self.max_ms,
        })
    }

    /// Returns how long `percent` of a hundred took at most.
    fn share(&self, count: u64, percent: u64) -> u64 {
        let rank = u128::from(count).saturating_mul(u128::from(percent));
        let rank = u64::try_from(rank.div_ceil(100)).unwrap_or(u64::MAX).max(1);
        let mut seen = 0_u64;
        for (class, count) in &self.classes {
            seen = seen.saturating_add(*count);
            if seen >= rank {
                let (low, high) = bounds(*class);
                return low.midpoint(high).min(self.max_ms);
            }
        }
        self.max_ms
    }

    /// Writes them behind other bytes.
    pub(super) fn write(&self, bytes: &mut Vec<u8>) {
        numbers::write(bytes, self.sum_ms);
        numbers::write(bytes, self.max_ms);
        let mut before = 0_u16;
        for (class, count) in &self.classes {
            numbers::write(bytes, u64::from(class.saturating_sub(before)));
            numbers::write(bytes, *count);
            before = *class;
        }
    }

    /// Reads what [`write`](Self::write) wrote, up to the end of the bytes.
    pub(super) fn read(mut bytes: &[u8]) -> Option<Self> {
        let mut read = Self {
            sum_ms: numbers::read(&mut bytes)?,
            max_ms: numbers::read(&mut bytes)?,
            classes: BTreeMap::new(),
        };
        let mut class = 0_u16;
        while !bytes.is_empty() {
            let step = u16::try_from(numbers::read(&mut bytes)?).ok()?;
            class = class.checked_add(step)?;
            let count = numbers::read(&mut bytes)?;
            read.classes.insert(class, count);
        }
        Some(read)
    }
}

/// Returns the class of a time.
fn class_of(ms: u64) -> u16 {
    if ms < EXACT {
        return u16::try_from(ms).unwrap_or(u16::MAX);
    }
    let shift = ms.ilog2().saturating_sub(CLASS_BITS);
    let class = u64::from(shift << CLASS_BITS).saturating_add(ms >> shift);
    u16::try_from(class).unwrap_or(u16::MAX)
}

/// Returns the shortest and the longest time of a class.
fn bounds(class: u16) -> (u64, u64) {
    let class = u64::from(class);
    if class < EXACT {
        return (class, class);
    }
    let shift = (class >> CLASS_BITS).saturating_sub(1);
    let shift = u32::try_from(shift).unwrap_or(u32::MAX);
    let step = class.saturating_sub(u64::from(shift) << CLASS_BITS);
    let low = step.checked_shl(shift).unwrap_or(u64::MAX);
    let width = 1_u64.checked_shl(shift).unwrap_or(u64::MAX);
    (low, low.saturating_add(width.saturating_sub(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_lies_in_its_class_and_classes_are_narrow() {
        for ms in (0..5000)
            .chain((1..35).map(|bit| (1 << bit) - 1))
            .chain((1..35).map(|bit| 1 << bit))
        {
            let class = class_of(ms);
            let (low, high) = bounds(class);
            assert!(low <= ms && ms <= high, "{ms}: {low} to {high}");
            assert!(
                low.midpoint(high).abs_diff(ms) * 64 <= ms,
                "{ms}: {low} to {high}"
            );
        }
        for ms in 1..5000 {
            let step = class_of(ms) - class_of(ms - 1);
            assert!(step <= 1, "{ms}: {step} classes further");
        }
        assert!(class_of(365 * 24 * 3600 * 1000) < 1200);
    }

    #[test]
    fn shares_are_close_and_the_mean_is_exact() {
        let mut durations = Durations::default();
        for ms in 1..=10_000 {
            durations.insert(ms);
        }
        let totals = durations.totals().unwrap();
        assert_eq!((totals.avg, totals.max), (5000.5, 10_000));
        for (share, expected) in [(totals.p50, 5000), (totals.p90, 9000), (totals.p99, 9900)] {
            assert!(u64::abs_diff(share, expected) * 64 <= expected, "{share}");
        }
        assert_eq!(Durations::default().totals(), None);
    }

    #[test]
    fn times_are_taken_back_put_together_and_come_back_as_they_went() {
        let of = |times: &[u64]| {
            let mut durations = Durations::default();
            times.iter().for_each(|ms| durations.insert(*ms));
            durations
        };
        let mut sum = of(&[5, 70, 3_000_000]);
        sum.add(&of(&[70, 1]));
        assert_eq!(sum, of(&[1, 5, 70, 70, 3_000_000]));
        let mut bytes = Vec::new();
        sum.write(&mut bytes);
        assert_eq!(Durations::read(&bytes), Some(sum.clone()));
        sum.remove(3_000_000);
        let left = sum.totals().unwrap();
        assert_eq!((left.avg, left.max), (36.5, 71));
        sum.remove(12_345);
        for ms in [1, 5, 70, 70] {
            sum.remove(ms);
        }
        assert_eq!(sum, Durations::default());
        assert_eq!(Durations::read(&[0x80]), None);
    }
}
