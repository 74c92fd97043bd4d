//! A project's settings, made ready for use: compiled once, shared by all its requests.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use mini_sentry::scrub::Scrubber;

use super::filter::Filters;
use crate::facts::FrameRules;
use crate::model::catalog::Project;
use crate::model::ids::ProjectId;
use crate::model::settings::{ProjectSettings, Scrubbing};

/// Names under which addresses of users come.
const ADDRESS_NAMES: &[&str] = &[
    "ip_address",
    "remote_addr",
    "client_ip",
    "x_forwarded_for",
    "x_real_ip",
    "forwarded",
    "cf_connecting_ip",
    "true_client_ip",
];
/// Policies of projects that are gone are dropped when there are more than these.
const PRUNE_ABOVE: usize = 1024;

/// What a project's settings ask for.
#[derive(Debug)]
pub(super) struct Policy {
    /// Removes what must not be stored.
    pub(super) scrubber: Arc<Scrubber>,
    /// Turns events away.
    pub(super) filters: Filters,
    /// Which frames are the project's own.
    pub(super) frames: FrameRules,
    /// Whether addresses of users are not to be kept.
    pub(super) drops_addresses: bool,
}

impl Policy {
    fn new(settings: &ProjectSettings, usual: &Arc<Scrubber>) -> Self {
        let scrubber = if settings.scrubbing == Scrubbing::default() {
            Arc::clone(usual)
        } else {
            Arc::new(scrubber(&settings.scrubbing))
        };
        Self {
            scrubber,
            filters: Filters::new(&settings.filters),
            frames: FrameRules::from_settings(settings),
            drops_addresses: settings.scrubbing.ip_addresses,
        }
    }
}

/// The policies of the projects that have sent something.
#[derive(Debug)]
pub(super) struct Policies {
    /// The rules that nearly all projects have.
    usual: Arc<Scrubber>,
    by_project: RwLock<HashMap<ProjectId, Compiled>>,
}

/// A policy and what it was made of.
#[derive(Debug)]
struct Compiled {
    project: Arc<Project>,
    policy: Arc<Policy>,
}

impl Policies {
    /// Starts without any.
    pub(super) fn new() -> Self {
        Self {
            usual: Arc::new(Scrubber::new()),
            by_project: RwLock::default(),
        }
    }

    /// Returns the policy of a project as its settings are now.
    pub(super) fn of(&self, project: &Arc<Project>) -> Arc<Policy> {
        let known = self
            .by_project
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(compiled) = known.get(&project.id)
            && (Arc::ptr_eq(&compiled.project, project)
                || compiled.project.settings == project.settings)
        {
            return Arc::clone(&compiled.policy);
        }
        drop(known);
        let policy = Arc::new(Policy::new(&project.settings, &self.usual));
        let mut known = self
            .by_project
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if known.len() > PRUNE_ABOVE {
            // Only the cache holds on to a project of an older state of the catalogue.
            known.retain(|_, compiled| Arc::strong_count(&compiled.project) > 1);
        }
        let compiled = Compiled {
            project: Arc::clone(project),
            policy: Arc::clone(&policy),
        };
        known.insert(project.id, compiled);
        policy
    }
}

fn scrubber(settings: &Scrubbing) -> Scrubber {
    let mut scrubber = if settings.defaults {
        Scrubber::new()
    } else {
        Scrubber::empty()
    };
    for name in &settings.sensitive_fields {
        scrubber = scrubber.deny_key(name);
    }
    if settings.ip_addresses {
        for name in ADDRESS_NAMES {
            scrubber = scrubber.deny_word(name);
        }
    }
    for name in &settings.safe_fields {
        scrubber = scrubber.allow_key(name);
    }
    scrubber
}

#[cfg(test)]
mod tests {
    use mini_sentry::scrub::ScrubReport;

    use super::*;

    fn scrubbed(settings: &Scrubbing, json: &str) -> String {
        let mut report = ScrubReport::default();
        let clean = scrubber(settings)
            .scrub(json.as_bytes(), &mut report)
            .into_owned();
        String::from_utf8(clean).unwrap()
    }

    #[test]
    fn names_of_the_project_go_and_safe_names_stay() {
        let settings = Scrubbing {
            sensitive_fields: vec!["iban".to_owned()],
            safe_fields: vec!["reset_token_url".to_owned()],
            ..Scrubbing::default()
        };
        let json = r#"{"user_iban":"DE02","password":"x1","reset_token_url":"/help","ip_address":"192.0.2.9"}"#;
        assert_eq!(
            scrubbed(&settings, json),
            r#"{"user_iban":"[Filtered]","password":"[Filtered]","reset_token_url":"/help","ip_address":"192.0.2.9"}"#
        );
        let bare = Scrubbing {
            defaults: false,
            ..settings
        };
        assert!(scrubbed(&bare, json).contains("x1"));
    }

    #[test]
    fn addresses_go_wherever_an_event_has_them() {
        let settings = Scrubbing {
            ip_addresses: true,
            ..Scrubbing::default()
        };
        let json = r#"{"user":{"id":"7","ip_address":"192.0.2.1"},"request":{"env":{"REMOTE_ADDR":"192.0.2.2"},"headers":[["X-Forwarded-For","192.0.2.3"],["Accept","a"]]}}"#;
        let clean = scrubbed(&settings, json);
        assert!(!clean.contains("192.0.2"), "{clean}");
        assert!(clean.contains(r#""id":"7""#) && clean.contains(r#"["Accept","a"]"#));
    }
}
