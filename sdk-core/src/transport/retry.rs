//! When to try again: exponential pauses with full jitter, or what the server asks for.

use std::time::{Duration, Instant};

/// The longest pause, as a multiple of the first.
const CAP_FACTOR: u32 = 60;

/// The pauses after failures.
#[derive(Debug)]
pub(crate) struct Backoff {
    base: Duration,
    failures: u32,
    until: Option<Instant>,
}

impl Backoff {
    pub(crate) fn new(base: Duration) -> Self {
        Self {
            base,
            failures: 0,
            until: None,
        }
    }

    /// Whether the last try failed.
    pub(crate) fn is_failing(&self) -> bool {
        self.failures > 0
    }

    /// How long still not to try; zero when a try is due.
    pub(crate) fn wait(&self, now: Instant) -> Duration {
        self.until
            .map_or(Duration::ZERO, |until| until.saturating_duration_since(now))
    }

    /// Notes a failure. Requests that were under way together fail together: those that come
    /// after the first do not lengthen the pause.
    pub(crate) fn fail(&mut self, retry_after: Option<Duration>, now: Instant) {
        if let Some(pause) = retry_after {
            self.failures = self.failures.max(1);
            self.until = now.checked_add(pause).max(self.until);
        } else if self.wait(now).is_zero() {
            self.failures = self.failures.saturating_add(1);
            self.until = now.checked_add(share(self.ceiling(), random()));
        }
    }

    /// Notes that the server answers.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
        self.until = None;
    }

    fn ceiling(&self) -> Duration {
        let doublings = self.failures.saturating_sub(1);
        let factor = 1_u32.checked_shl(doublings).unwrap_or(CAP_FACTOR);
        self.base.saturating_mul(factor.clamp(1, CAP_FACTOR))
    }
}

fn random() -> u32 {
    // Without randomness the full pause is the safe one.
    getrandom::u32().unwrap_or(u32::MAX)
}

/// A share of the ceiling, from nothing to all of it.
fn share(ceiling: Duration, random: u32) -> Duration {
    ceiling.mul_f64(f64::from(random) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: Duration = Duration::from_secs(1);

    #[test]
    fn pauses_double_up_to_a_minute() {
        let mut backoff = Backoff::new(BASE);
        let mut now = Instant::now();
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
            backoff.fail(None, now);
            assert_eq!(backoff.ceiling(), Duration::from_secs(seconds));
            let wait = backoff.wait(now);
            assert!(wait <= Duration::from_secs(seconds));
            now += wait;
        }
        backoff.reset();
        assert!(!backoff.is_failing());
        assert_eq!(backoff.wait(now), Duration::ZERO);
    }

    #[test]
    fn jitter_spreads_over_the_whole_pause() {
        assert_eq!(share(BASE, 0), Duration::ZERO);
        assert_eq!(share(BASE, u32::MAX), BASE);
        let middle = share(BASE, u32::MAX / 2);
        assert!(middle > Duration::from_millis(499) && middle < Duration::from_millis(501));
    }

    #[test]
    fn what_the_server_asks_for_wins() {
        let now = Instant::now();
        let mut backoff = Backoff::new(BASE);
        backoff.fail(None, now);
        backoff.fail(Some(Duration::from_secs(90)), now);
        assert_eq!(backoff.wait(now), Duration::from_secs(90));
        backoff.fail(None, now);
        assert_eq!(backoff.wait(now), Duration::from_secs(90));
    }

    #[test]
    fn failures_of_one_moment_count_as_one() {
        let now = Instant::now();
        let mut backoff = Backoff::new(BASE);
        backoff.fail(Some(BASE), now);
        for _ in 0..4 {
            backoff.fail(None, now);
        }
        assert_eq!(backoff.failures, 1);
    }
}
