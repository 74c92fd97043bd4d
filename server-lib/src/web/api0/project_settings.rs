//! What a client may change in a project: by the names that Sentry's clients know, or all settings
//! as they are shown.

use mini_sentry::grouping::{FingerprintRules, RuleError, StackRules};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::model::settings::{GroupingRules, GroupingSettings, ProjectSettings};
use crate::model::time::Millis;
use crate::web::error::ApiError;

/// How many entries a list of settings may have.
const MAX_ENTRIES: usize = 500;
/// How long one entry may be.
const MAX_ENTRY: usize = 1000;
/// How long all rules of one kind may be.
const MAX_RULES: usize = 64 * 1024;
/// How long events find the issues that they had before a change of grouping.
const TRANSITION_MS: i64 = 90 * Millis::DAY;

/// A change of a project. What is absent stays.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Change {
    pub(super) name: Option<String>,
    pub(super) slug: Option<String>,
    #[serde(deserialize_with = "present")]
    pub(super) platform: Option<Option<String>>,
    allowed_domains: Option<Vec<String>>,
    data_scrubber: Option<bool>,
    sensitive_fields: Option<Vec<String>>,
    safe_fields: Option<Vec<String>>,
    #[serde(rename = "scrubIPAddresses")]
    scrub_ip_addresses: Option<bool>,
    fingerprinting_rules: Option<String>,
    grouping_enhancements: Option<String>,
    options: Map<String, Value>,
    settings: Option<Map<String, Value>>,
}

impl Change {
    /// Returns the new settings; `None` when none changes. A change of grouping at `at` begins its
    /// time of transition.
    ///
    /// # Errors
    ///
    /// 400 for a value that is not allowed.
    pub(super) fn settings(
        &self,
        now: &ProjectSettings,
        at: Millis,
    ) -> Result<Option<ProjectSettings>, ApiError> {
        let mut new = match &self.settings {
            Some(change) => merged(now, change)?,
            None => now.clone(),
        };
        set(&mut new.allowed_domains, self.allowed_domains.as_ref());
        set(&mut new.scrubbing.defaults, self.data_scrubber.as_ref());
        set(
            &mut new.scrubbing.sensitive_fields,
            self.sensitive_fields.as_ref(),
        );
        set(&mut new.scrubbing.safe_fields, self.safe_fields.as_ref());
        set(
            &mut new.scrubbing.ip_addresses,
            self.scrub_ip_addresses.as_ref(),
        );
        let filters = &mut new.filters;
        for (option, list) in [
            ("filters:blacklisted_ips", &mut filters.ip_addresses),
            ("filters:releases", &mut filters.releases),
            ("filters:error_messages", &mut filters.messages),
        ] {
            if let Some(Value::String(text)) = self.options.get(option) {
                *list = lines(text);
            }
        }
        let rules = &mut new.grouping.now;
        set(
            &mut rules.fingerprint_rules,
            self.fingerprinting_rules.as_ref(),
        );
        set(&mut rules.stack_rules, self.grouping_enhancements.as_ref());
        check(&new)?;
        new.grouping = adopted(&now.grouping, new.grouping, at)?;
        Ok((new != *now).then_some(new))
    }
}

fn set<T: Clone>(value: &mut T, new: Option<&T>) {
    if let Some(new) = new {
        value.clone_from(new);
    }
}

/// Lays the change over the settings, object by object.
fn merged(now: &ProjectSettings, change: &Map<String, Value>) -> Result<ProjectSettings, ApiError> {
    let invalid = || ApiError::invalid("invalid_settings", "the settings are not readable");
    let Ok(Value::Object(mut all)) = serde_json::to_value(now) else {
        return Err(invalid());
    };
    for (key, value) in change {
        let Some(old) = all.get_mut(key) else {
            let detail = "the settings have a key that is not known";
            return Err(ApiError::invalid("unknown_setting", detail));
        };
        match (old, value) {
            (Value::Object(old), Value::Object(new)) => {
                if new.keys().any(|key| !old.contains_key(key)) {
                    let detail = "the settings have a key that is not known";
                    return Err(ApiError::invalid("unknown_setting", detail));
                }
                old.extend(new.clone());
            }
            (old, new) => *old = new.clone(),
        }
    }
    serde_json::from_value(Value::Object(all)).map_err(|_| invalid())
}

fn check(settings: &ProjectSettings) -> Result<(), ApiError> {
    let filters = &settings.filters;
    let scrubbing = &settings.scrubbing;
    for list in [
        &settings.allowed_domains,
        &settings.in_app_include,
        &settings.in_app_exclude,
        &filters.ip_addresses,
        &filters.releases,
        &filters.messages,
        &scrubbing.sensitive_fields,
        &scrubbing.safe_fields,
    ] {
        if list.len() > MAX_ENTRIES || list.iter().any(|entry| entry.len() > MAX_ENTRY) {
            let detail =
                format!("a list has up to {MAX_ENTRIES} entries of up to {MAX_ENTRY} bytes");
            return Err(ApiError::invalid("invalid_settings", detail));
        }
    }
    for entry in &filters.ip_addresses {
        let is_network = entry.parse::<ipnet::IpNet>().is_ok();
        if !is_network && entry.parse::<std::net::IpAddr>().is_err() {
            let detail = "an address to filter is neither an address nor a network";
            return Err(ApiError::invalid("invalid_settings", detail));
        }
    }
    Ok(())
}

/// Reads the rules of grouping where they change.
fn adopted(
    now: &GroupingSettings,
    asked: GroupingSettings,
    at: Millis,
) -> Result<GroupingSettings, ApiError> {
    let mut new = now.clone();
    match asked.previous {
        None => new.previous = None,
        Some(previous) if now.previous.as_ref() != Some(&previous) => {
            let detail = "the previous grouping can only be ended, by null";
            return Err(ApiError::invalid("invalid_settings", detail));
        }
        Some(_) => {}
    }
    if asked.now != now.now {
        check_rules(&asked.now)?;
        new.adopt(asked.now, at.plus(TRANSITION_MS));
    }
    Ok(new)
}

/// Insists that every line of rules is one.
///
/// # Errors
///
/// 400 with the place of the first that is none.
pub(in crate::web) fn check_rules(rules: &GroupingRules) -> Result<(), ApiError> {
    if rules.fingerprint_rules.len().max(rules.stack_rules.len()) > MAX_RULES {
        let detail = format!("rules of one kind have up to {MAX_RULES} bytes");
        return Err(ApiError::invalid("invalid_settings", detail));
    }
    if let Err(errors) = FingerprintRules::parse(&rules.fingerprint_rules) {
        return Err(invalid_rule("fingerprint rules", &errors));
    }
    if let Err(errors) = StackRules::parse(&rules.stack_rules) {
        return Err(invalid_rule("stack rules", &errors));
    }
    Ok(())
}

fn invalid_rule(kind: &str, errors: &[RuleError]) -> ApiError {
    let detail = match errors {
        [first] => format!("{kind}, {first}"),
        [first, rest @ ..] => format!("{kind}, {first}; {} more lines are wrong", rest.len()),
        [] => kind.to_owned(),
    };
    ApiError::invalid("invalid_rule", detail)
}

fn lines(text: &str) -> Vec<String> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Tells null, which removes a value, from a value that is absent.
fn present<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(input).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(json: &str) -> Result<Option<ProjectSettings>, ApiError> {
        let change: Change = serde_json::from_str(json).unwrap();
        change.settings(&ProjectSettings::default(), Millis(0))
    }

    #[test]
    fn a_change_of_grouping_keeps_the_way_before_for_a_time() {
        let read = |json: &str| serde_json::from_str::<Change>(json).unwrap();
        let rules =
            r#"{"fingerprintingRules":"type:A -> a","groupingEnhancements":"app:no -group"}"#;
        let new = changed(rules).unwrap().unwrap();
        assert_eq!(new.grouping.now.stack_rules, "app:no -group");
        let previous = new.grouping.previous.as_ref().unwrap();
        assert_eq!(previous.until, Millis(TRANSITION_MS));
        assert_eq!(previous.rules, ProjectSettings::default().grouping.now);
        // The same again changes nothing, so the time goes on as it was.
        assert_eq!(read(rules).settings(&new, Millis(5)).unwrap(), None);
        let end = read(r#"{"settings":{"grouping":{"previous":null}}}"#);
        let ended = end.settings(&new, Millis(5)).unwrap().unwrap();
        assert_eq!(ended.grouping.previous, None);
        assert_eq!(ended.grouping.now, new.grouping.now);
    }

    #[test]
    fn a_rule_that_cannot_be_read_is_refused_with_its_place() {
        for (json, told) in [
            (
                r#"{"fingerprintingRules":"type:A -> a\ntype A -> b"}"#,
                "fingerprint rules, line 2, column 5: expected ':' behind the matcher",
            ),
            (
                r#"{"groupingEnhancements":"function:a +ap"}"#,
                "stack rules, line 1, column 12: expected +app",
            ),
            (
                r#"{"settings":{"grouping":{"version":"v9"}}}"#,
                "the settings are not readable",
            ),
        ] {
            let error = format!("{:?}", changed(json).unwrap_err());
            assert!(error.contains(told), "{error}");
        }
    }

    #[test]
    fn settings_change_by_sentrys_names_and_by_our_own() {
        let new = changed(
            r#"{"dataScrubber":false,"scrubIPAddresses":true,"allowedDomains":["*.example.com"],
                "options":{"filters:releases":"1.*\n\n 2.* "},
                "settings":{"filters":{"localhost":true},"events_per_minute":60}}"#,
        );
        let new = new.unwrap().unwrap();
        assert!(!new.scrubbing.defaults && new.scrubbing.ip_addresses);
        assert_eq!(new.allowed_domains, ["*.example.com"]);
        assert_eq!(new.filters.releases, ["1.*", "2.*"]);
        assert!(new.filters.localhost && !new.filters.web_crawlers);
        assert_eq!(new.events_per_minute, 60);
    }

    #[test]
    fn a_change_of_the_name_alone_leaves_the_settings() {
        assert_eq!(changed(r#"{"name":"x"}"#).unwrap(), None);
    }

    #[test]
    fn a_setting_that_is_not_known_or_not_readable_is_refused() {
        for json in [
            r#"{"settings":{"nonsense":1}}"#,
            r#"{"settings":{"filters":{"nonsense":true}}}"#,
            r#"{"settings":{"events_per_minute":-1}}"#,
            r#"{"options":{"filters:blacklisted_ips":"everyone"}}"#,
        ] {
            assert!(changed(json).is_err(), "{json}");
        }
    }

    #[test]
    fn null_removes_the_platform_and_absence_keeps_it() {
        let read = |json: &str| serde_json::from_str::<Change>(json).unwrap().platform;
        assert_eq!(read(r#"{"platform":null}"#), Some(None));
        assert_eq!(read("{}"), None);
    }
}
