//! How a project treats its events.

use mini_sentry::grouping::GroupingVersion;
use serde::{Deserialize, Serialize};

use super::time::Millis;

/// Settings of a project; kept as JSON, so that old rows read as the defaults of new fields.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ProjectSettings {
    /// Websites that may send, as `https://example.com`, `*.example.com` or `*`; empty means all.
    pub allowed_domains: Vec<String>,
    /// What is turned away at the door.
    pub filters: InboundFilters,
    /// What is removed before anything is stored.
    pub scrubbing: Scrubbing,
    /// Module or path globs of frames that are the project's own.
    pub in_app_include: Vec<String>,
    /// Module or path globs of frames that are not.
    pub in_app_exclude: Vec<String>,
    /// Events a minute on Sentry's endpoints; 0 means no limit.
    pub events_per_minute: u32,
    /// Keeps at most so many events; 0 means no limit of the project's own.
    pub max_events: u64,
    /// Keeps events for so many days; `None` means as long as the install.
    pub retention_days: Option<u32>,
    /// How events are put together.
    pub grouping: GroupingSettings,
}

/// How the events of a project are put together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct GroupingSettings {
    /// The way, with the rules that it follows.
    #[serde(flatten)]
    pub now: GroupingRules,
    /// The way before, while issues that it made are still found by it.
    pub previous: Option<PreviousGrouping>,
}

/// A way to put events together, and the rules that it follows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct GroupingRules {
    /// The version of the algorithm.
    pub version: GroupingVersion,
    /// Fingerprint rules, one a line.
    pub fingerprint_rules: String,
    /// Stack rules, one a line.
    pub stack_rules: String,
}

/// The way in which events were put together until a change.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct PreviousGrouping {
    /// The way.
    #[serde(flatten)]
    pub rules: GroupingRules,
    /// From when on it does not count any more.
    pub until: Millis,
}

impl GroupingSettings {
    /// Changes the way, and keeps the one before until a moment, so that events find the issues
    /// that they had. What was kept of an earlier change is given up, for an event has one way back.
    pub fn adopt(&mut self, new: GroupingRules, until: Millis) {
        if self.now != new {
            let rules = std::mem::replace(&mut self.now, new);
            self.previous = Some(PreviousGrouping { rules, until });
        }
    }
}

/// Events that are counted as filtered and not stored.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct InboundFilters {
    /// Errors of known browser extensions.
    pub browser_extensions: bool,
    /// Errors from pages on the developer's own machine.
    pub localhost: bool,
    /// Errors that known crawlers ran into.
    pub web_crawlers: bool,
    /// Senders by address or network, such as `192.0.2.0/24`.
    pub ip_addresses: Vec<String>,
    /// Releases by glob.
    pub releases: Vec<String>,
    /// Messages, and `type: value` of exceptions, by glob.
    pub messages: Vec<String>,
}

/// What is replaced by `[Filtered]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Scrubbing {
    /// Applies the rules that our SDKs have: names of secrets, card numbers, keys, tokens.
    pub defaults: bool,
    /// Further names whose values go.
    pub sensitive_fields: Vec<String>,
    /// Names whose values stay, whatever else says.
    pub safe_fields: Vec<String>,
    /// Drops addresses of users.
    pub ip_addresses: bool,
}

impl Default for Scrubbing {
    fn default() -> Self {
        Self {
            defaults: true,
            sensitive_fields: Vec::new(),
            safe_fields: Vec::new(),
            ip_addresses: false,
        }
    }
}
