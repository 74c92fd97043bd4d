//! What was removed, by rule.

/// Rules that a report names; what others removed is counted together.
const MAX_RULES: usize = 64;
/// The name under which the rest is counted.
const OTHERS: &str = "others";

/// Counts of what was removed, by the name of the rule that removed it.
///
/// Holds names of rules only, never anything that was removed, and is bounded in size.
///
/// ```
/// use mini_sentry::scrub::{ScrubReport, Scrubber};
///
/// let mut report = ScrubReport::default();
/// Scrubber::new().scrub(br#"{"password":"hunter2"}"#, &mut report);
/// assert_eq!(report.iter().collect::<Vec<_>>(), [("password", 1)]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScrubReport {
    /// Sorted by name.
    counts: Vec<(String, u64)>,
    others: u64,
}

impl ScrubReport {
    /// How many values were removed.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts
            .iter()
            .fold(self.others, |sum, (_, count)| sum.saturating_add(*count))
    }

    /// True when nothing was removed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.total() == 0
    }

    /// How many values the rule of this name removed.
    #[must_use]
    pub fn count(&self, rule: &str) -> u64 {
        self.iter()
            .find_map(|(name, count)| (name == rule).then_some(count))
            .unwrap_or_default()
    }

    /// Names and counts, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        let others = (self.others > 0).then_some((OTHERS, self.others));
        self.counts
            .iter()
            .map(|(name, count)| (name.as_str(), *count))
            .chain(others)
    }

    /// Adds the counts of another report.
    pub fn merge(&mut self, other: &Self) {
        for (name, count) in &other.counts {
            self.add(name, *count);
        }
        self.others = self.others.saturating_add(other.others);
    }

    pub(super) fn add(&mut self, rule: &str, quantity: u64) {
        match self
            .counts
            .binary_search_by(|(name, _)| name.as_str().cmp(rule))
        {
            Ok(at) => {
                if let Some((_, count)) = self.counts.get_mut(at) {
                    *count = count.saturating_add(quantity);
                }
            }
            Err(at) if self.counts.len() < MAX_RULES => {
                self.counts.insert(at, (rule.to_owned(), quantity));
            }
            Err(_) => self.others = self.others.saturating_add(quantity),
        }
    }
}
