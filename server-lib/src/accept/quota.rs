//! How many events a key and a project may send.
//!
//! Windows begin with the first event and end after their time, so that the count told to people
//! is the count that holds. Only what has a limit costs anything here.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use mini_sentry::ratelimit::{DataCategory, RateLimit, RateLimitScope};

use super::Sender;
use crate::config::IngestConfig;
use crate::model::ids::{KeyId, ProjectId};
use crate::model::time::Millis;

/// Windows that have ended are removed when there are more than these.
const PRUNE_ABOVE: usize = 4096;

/// Why a limit holds, as it is told to SDKs and counted.
pub(super) const KEY_REASON: &str = "key_quota";
/// The same for limits of projects.
pub(super) const PROJECT_REASON: &str = "project_quota";

/// The windows that run.
#[derive(Debug, Default)]
pub(super) struct Quotas {
    windows: Mutex<HashMap<Slot, Window>>,
}

/// What is counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Slot {
    Key(KeyId, Group),
    Project(ProjectId, Group),
    OwnApi(ProjectId),
}

/// Categories that share one count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Group {
    Errors,
    Transactions,
}

impl Group {
    fn of(category: DataCategory) -> Option<Self> {
        match category {
            DataCategory::Default | DataCategory::Error | DataCategory::Security => {
                Some(Self::Errors)
            }
            DataCategory::Transaction => Some(Self::Transactions),
            _ => None,
        }
    }

    fn categories(self) -> &'static [DataCategory] {
        match self {
            Self::Errors => &[
                DataCategory::Default,
                DataCategory::Error,
                DataCategory::Security,
            ],
            Self::Transactions => &[DataCategory::Transaction],
        }
    }
}

#[derive(Debug)]
struct Window {
    ends: Millis,
    count: u32,
}

/// A limit that applies.
#[derive(Clone, Copy)]
struct Rule {
    slot: Slot,
    window_ms: i64,
    max: u32,
}

impl Quotas {
    /// Counts one item, unless that would exceed a limit of its key or project.
    pub(super) fn take(
        &self,
        sender: &Sender,
        config: &IngestConfig,
        category: DataCategory,
        now: Millis,
    ) -> Result<(), RateLimit> {
        // Without a key it comes through an endpoint that has limits of its own.
        let (Some(key), Some(group)) = (&sender.key, Group::of(category)) else {
            return Ok(());
        };
        let of_key = key.rate_limit.map(|limit| Rule {
            slot: Slot::Key(key.id, group),
            window_ms: i64::from(limit.window).saturating_mul(1000),
            max: limit.count,
        });
        let per_minute = [
            sender.project.settings.events_per_minute,
            config.sentry_events_per_minute,
        ];
        let of_project = per_minute.into_iter().filter(|max| *max > 0).min();
        let of_project = of_project.map(|max| Rule {
            slot: Slot::Project(sender.project.id, group),
            window_ms: Millis::MINUTE,
            max,
        });
        let rules = [of_key.filter(|rule| rule.window_ms > 0), of_project];
        if rules.iter().all(Option::is_none) {
            return Ok(());
        }
        self.count(&rules, now).map_err(|(slot, seconds)| {
            let (scope, reason) = match slot {
                Slot::Key(..) => (RateLimitScope::Key, KEY_REASON),
                Slot::Project(..) | Slot::OwnApi(_) => (RateLimitScope::Project, PROJECT_REASON),
            };
            RateLimit::new(seconds, scope)
                .categories(group.categories().iter().copied())
                .reason(reason)
        })
    }

    /// Counts one request of Mini Sentry's own API.
    pub(super) fn take_own_api(
        &self,
        project: ProjectId,
        per_minute: u32,
        now: Millis,
    ) -> Result<(), RateLimit> {
        if per_minute == 0 {
            return Ok(());
        }
        let rule = Rule {
            slot: Slot::OwnApi(project),
            window_ms: Millis::MINUTE,
            max: per_minute,
        };
        self.count(&[Some(rule)], now).map_err(|(_, seconds)| {
            RateLimit::new(seconds, RateLimitScope::Project).reason(PROJECT_REASON)
        })
    }

    /// Counts in all windows or in none; returns which is full and for how many seconds.
    fn count(&self, rules: &[Option<Rule>], now: Millis) -> Result<(), (Slot, u64)> {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        if windows.len() > PRUNE_ABOVE {
            windows.retain(|_, window| window.ends > now);
        }
        for rule in rules.iter().flatten() {
            let ends = now.plus(rule.window_ms);
            let window = windows
                .entry(rule.slot)
                .or_insert(Window { ends, count: 0 });
            // A window that ends too late was begun by a clock that has been set back since.
            if window.ends <= now || window.ends > ends {
                *window = Window { ends, count: 0 };
            }
            if window.count >= rule.max {
                let left = u64::try_from(window.ends.since(now)).unwrap_or(0);
                return Err((rule.slot, left.div_ceil(1000).max(1)));
            }
        }
        for rule in rules.iter().flatten() {
            if let Some(window) = windows.get_mut(&rule.slot) {
                window.count = window.count.saturating_add(1);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(slot: Slot, max: u32) -> Option<Rule> {
        Some(Rule {
            slot,
            window_ms: 60_000,
            max,
        })
    }

    #[test]
    fn the_window_begins_with_the_first_event_and_ends_after_its_time() {
        let quotas = Quotas::default();
        let at = |second: i64| Millis(1_700_000_000_000 + second * 1000);
        let project = ProjectId(1);
        for second in [0, 10, 59] {
            assert_eq!(quotas.take_own_api(project, 3, at(second)), Ok(()));
        }
        let limit = quotas.take_own_api(project, 3, at(59)).unwrap_err();
        assert_eq!(limit.to_string(), "1::project:project_quota");
        assert_eq!(quotas.take_own_api(ProjectId(2), 3, at(59)), Ok(()));
        assert_eq!(quotas.take_own_api(project, 3, at(60)), Ok(()));
        assert_eq!(quotas.take_own_api(project, 0, at(60)), Ok(()));
    }

    #[test]
    fn what_one_limit_refuses_does_not_count_against_the_other() {
        let quotas = Quotas::default();
        let key = Slot::Key(KeyId(1), Group::Errors);
        let project = Slot::Project(ProjectId(1), Group::Errors);
        let rules = [rule(key, 5), rule(project, 1)];
        assert_eq!(quotas.count(&rules, Millis(0)), Ok(()));
        for _ in 0..9 {
            assert_eq!(quotas.count(&rules, Millis(1)), Err((project, 60)));
        }
        assert_eq!(quotas.count(&[rule(key, 5)], Millis(1)), Ok(()));
        let transactions = Slot::Key(KeyId(1), Group::Transactions);
        assert_eq!(quotas.count(&[rule(transactions, 1)], Millis(1)), Ok(()));
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_lock_a_project_out() {
        let quotas = Quotas::default();
        let project = ProjectId(1);
        assert_eq!(quotas.take_own_api(project, 1, Millis(10_000_000)), Ok(()));
        assert_eq!(quotas.take_own_api(project, 1, Millis(0)), Ok(()));
        assert!(quotas.take_own_api(project, 1, Millis(1)).is_err());
    }

    #[test]
    fn ended_windows_are_forgotten() {
        let quotas = Quotas::default();
        for number in 0..10_000 {
            let now = Millis(i64::from(number) * 60_000);
            assert_eq!(quotas.take_own_api(ProjectId(number), 1, now), Ok(()));
        }
        assert!(quotas.windows.lock().unwrap().len() <= PRUNE_ABOVE + 1);
    }
}
