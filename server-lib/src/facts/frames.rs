//! Which frames are the project's own.

use mini_sentry::grouping::is_foreign;
use wildmatch::WildMatch;

use super::grouping::GroupingPlan;
use super::{FrameRules, ScannedFrame};
use crate::model::settings::ProjectSettings;

impl FrameRules {
    /// Reads the rules of a project. A pattern without `*` and `?` also matches what lies below
    /// it: `shop` matches `shop.cart`, `shop::cart` and `shop/cart.py`.
    #[must_use]
    pub fn from_settings(settings: &ProjectSettings) -> Self {
        Self {
            include: globs(&settings.in_app_include),
            exclude: globs(&settings.in_app_exclude),
            grouping: GroupingPlan::from_settings(&settings.grouping),
        }
    }

    /// Reports whether there is no rule about frames, so that what SDKs say stands.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty()
    }

    /// Decides whether a frame is the project's own: by the rules, of which including ones win;
    /// then by what the SDK says; then by where the file lies.
    #[must_use]
    pub fn is_in_app(&self, place: FramePlace<'_>, sdk_says: Option<bool>) -> bool {
        self.ruling(place)
            .or(sdk_says)
            .unwrap_or_else(|| !place.names().any(is_foreign))
    }

    /// Returns what the rules say of a frame, where they say anything.
    #[must_use]
    pub fn ruling(&self, place: FramePlace<'_>) -> Option<bool> {
        if self.is_empty() {
            return None;
        }
        let matches = |globs: &[WildMatch]| {
            place
                .names()
                .any(|name| globs.iter().any(|glob| glob.matches(name)))
        };
        if matches(&self.include) {
            return Some(true);
        }
        matches(&self.exclude).then_some(false)
    }
}

/// Where a frame's code lies.
#[derive(Clone, Copy, Debug, Default)]
pub struct FramePlace<'a> {
    /// The module.
    pub module: Option<&'a str>,
    /// The file, shortened.
    pub filename: Option<&'a str>,
    /// The file, whole.
    pub abs_path: Option<&'a str>,
}

impl<'a> FramePlace<'a> {
    fn names(self) -> impl Iterator<Item = &'a str> {
        [self.module, self.filename, self.abs_path]
            .into_iter()
            .flatten()
    }
}

impl ScannedFrame<'_> {
    /// Returns where the frame's code lies.
    #[must_use]
    pub fn place(&self) -> FramePlace<'_> {
        FramePlace {
            module: self.module.as_deref(),
            filename: self.filename.as_deref(),
            abs_path: self.abs_path.as_deref(),
        }
    }
}

fn globs(patterns: &[String]) -> Vec<WildMatch> {
    patterns
        .iter()
        .map(|pattern| pattern.trim())
        .filter(|pattern| !pattern.is_empty())
        .flat_map(|pattern| {
            let below: &[&str] = if pattern.contains(['*', '?']) {
                &[""]
            } else {
                &["", ".*", "::*", "/*"]
            };
            below
                .iter()
                .map(move |end| WildMatch::new(&format!("{pattern}{end}")))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(include: &[&str], exclude: &[&str]) -> FrameRules {
        let texts = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect();
        FrameRules::from_settings(&ProjectSettings {
            in_app_include: texts(include),
            in_app_exclude: texts(exclude),
            ..ProjectSettings::default()
        })
    }

    fn module(name: &str) -> FramePlace<'_> {
        FramePlace {
            module: Some(name),
            ..FramePlace::default()
        }
    }

    fn file(name: &str) -> FramePlace<'_> {
        FramePlace {
            filename: Some(name),
            ..FramePlace::default()
        }
    }

    #[test]
    fn a_rule_wins_over_the_sdk_and_including_over_excluding() {
        let rules = rules(&["shop"], &["shop.vendored.*", "*/generated/*"]);
        assert!(rules.is_in_app(module("shop.cart"), Some(false)));
        assert!(rules.is_in_app(module("shop.vendored.x"), Some(false)));
        assert!(!rules.is_in_app(file("app/generated/api.js"), Some(true)));
        assert!(!rules.is_in_app(module("shopping"), Some(false)));
        assert!(rules.is_in_app(module("other"), Some(true)));
    }

    #[test]
    fn without_rules_and_a_word_of_the_sdk_the_path_decides() {
        let rules = FrameRules::default();
        assert!(rules.is_in_app(file("app/cart.js"), None));
        assert!(!rules.is_in_app(file("/srv/app/node_modules/x/index.js"), None));
        assert!(!rules.is_in_app(file("node:internal/timers"), None));
        assert!(rules.is_in_app(FramePlace::default(), None));
    }
}
