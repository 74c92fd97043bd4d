//! Rate limits: what a client keeps of a response, and what a server writes.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;

use mini_sentry::ratelimit::{DataCategory, RateLimit, RateLimitScope, RateLimits};

/// A Tuesday in November 2023: `Tue, 14 Nov 2023 22:13:20 GMT`.
const NOW_MS: u64 = 1_700_000_000_000;

fn after(rate_limits: Option<&str>, retry_after: Option<&str>, status: u16) -> RateLimits {
    let mut limits = RateLimits::default();
    limits.update_from_headers(rate_limits, retry_after, status, NOW_MS);
    limits
}

fn seconds(limits: &RateLimits, category: DataCategory) -> Option<u64> {
    limits
        .is_limited(category, NOW_MS)
        .map(|left| left.as_secs())
}

#[test]
fn a_limit_holds_its_categories_and_no_others() {
    let limits = after(
        Some("60:transaction:key, 2700:default;error;security:organization"),
        None,
        429,
    );
    assert_eq!(seconds(&limits, DataCategory::Transaction), Some(60));
    assert_eq!(seconds(&limits, DataCategory::Error), Some(2700));
    assert_eq!(seconds(&limits, DataCategory::Security), Some(2700));
    assert_eq!(seconds(&limits, DataCategory::Session), None);
    assert_eq!(limits.is_all_limited(NOW_MS), None);
}

#[test]
fn no_categories_means_everything() {
    let limits = after(Some("60::organization, 2700::organization"), None, 429);
    for &category in DataCategory::ALL {
        assert_eq!(seconds(&limits, category), Some(2700), "{category}");
    }
}

#[test]
fn a_bare_number_is_a_limit_on_everything() {
    let limits = after(Some("30"), None, 429);
    assert_eq!(limits.is_all_limited(NOW_MS), Some(Duration::from_secs(30)));
}

#[test]
fn the_header_counts_on_a_success_too() {
    assert_eq!(
        seconds(&after(Some("30:error:key"), None, 200), DataCategory::Error),
        Some(30)
    );
}

#[test]
fn a_limit_on_unknown_categories_only_limits_nothing() {
    let limits = after(Some("60:brand_new;newer:organization"), Some("99"), 429);
    for &category in DataCategory::ALL {
        assert_eq!(seconds(&limits, category), None, "{category}");
    }
    let mixed = after(Some("60:brand_new;error:organization"), None, 429);
    assert_eq!(seconds(&mixed, DataCategory::Error), Some(60));
}

#[test]
fn the_longer_of_two_limits_stays() {
    let mut limits = after(Some("100:error:key, 20:error:key"), None, 429);
    limits.update_from_headers(Some("50:error:key"), None, 200, NOW_MS);
    assert_eq!(seconds(&limits, DataCategory::Error), Some(100));
    limits.update_from_headers(Some("500::key"), None, 200, NOW_MS);
    assert_eq!(seconds(&limits, DataCategory::Error), Some(500));
}

#[test]
fn a_limit_ends_at_its_time() {
    let limits = after(Some("60:error:key"), None, 429);
    let at = |ms: u64| limits.is_limited(DataCategory::Error, NOW_MS + ms);
    assert_eq!(at(59_999), Some(Duration::from_millis(1)));
    assert_eq!(at(60_000), None);
    assert_eq!(at(u64::MAX - NOW_MS), None);
}

#[test]
fn retry_after_counts_on_a_refusal_without_the_other_header() {
    assert_eq!(
        seconds(&after(None, Some("17"), 429), DataCategory::Error),
        Some(17)
    );
    assert_eq!(
        seconds(&after(None, Some(" 1.2 "), 503), DataCategory::Session),
        Some(2)
    );
    assert_eq!(
        seconds(
            &after(Some("5:error:key"), Some("99"), 429),
            DataCategory::Error
        ),
        Some(5)
    );
    assert_eq!(
        seconds(&after(None, Some("17"), 200), DataCategory::Error),
        None
    );
}

#[test]
fn retry_after_may_be_a_date() {
    let limits = after(None, Some("Tue, 14 Nov 2023 22:14:20 GMT"), 429);
    assert_eq!(seconds(&limits, DataCategory::Error), Some(60));
    let past = after(None, Some("Tue, 14 Nov 2000 22:14:20 GMT"), 429);
    assert_eq!(seconds(&past, DataCategory::Error), None);
}

#[test]
fn an_unreadable_time_counts_as_sixty_seconds() {
    for text in ["soon", "", "NaN", "Tue, 99 Nov 2023"] {
        assert_eq!(
            seconds(&after(None, Some(text), 429), DataCategory::Error),
            Some(60),
            "{text}"
        );
    }
    assert_eq!(
        seconds(&after(Some("x:error:key"), None, 429), DataCategory::Error),
        Some(60)
    );
}

#[test]
fn a_429_without_readable_headers_means_sixty_seconds_for_everything() {
    for header in [None, Some(""), Some("  "), Some(",,"), Some("nonsense")] {
        assert_eq!(
            after(header, None, 429).is_all_limited(NOW_MS),
            Some(Duration::from_secs(60))
        );
    }
}

#[test]
fn an_answer_without_limits_changes_nothing() {
    for (header, status) in [
        (None, 200),
        (None, 500),
        (Some("nonsense"), 200),
        (Some(""), 413),
    ] {
        let mut limits = RateLimits::default();
        assert!(!limits.update_from_headers(header, None, status, NOW_MS));
        assert_eq!(limits, RateLimits::default());
    }
}

#[test]
fn absurd_times_are_bounded_to_a_day() {
    let day = Some(24 * 60 * 60);
    for text in ["99999999999999999999", "1e300", "inf"] {
        assert_eq!(
            seconds(&after(None, Some(text), 429), DataCategory::Error),
            day,
            "{text}"
        );
        let header = format!("{text}:error:key");
        assert_eq!(
            seconds(&after(Some(&header), None, 200), DataCategory::Error),
            day,
            "{text}"
        );
    }
    let far = after(None, Some("Tue, 14 Nov 9023 22:14:20 GMT"), 429);
    assert_eq!(seconds(&far, DataCategory::Error), day);
    assert_eq!(
        seconds(&after(None, Some("-5"), 429), DataCategory::Error),
        None
    );
}

#[test]
fn spaces_and_further_parts_are_passed_over() {
    let text = " 60 : error ; session : key : quota : custom ; other : future : parts ,";
    let parsed = RateLimit::parse_header(text);
    assert_eq!(parsed.len(), 1);
    assert_eq!(
        parsed[0].categories,
        [DataCategory::Error, DataCategory::Session]
    );
    assert_eq!(parsed[0].scope, RateLimitScope::Key);
    assert_eq!(parsed[0].reason.as_deref(), Some("quota"));
    assert_eq!(parsed[0].namespaces, ["custom", "other"]);
}

#[test]
fn a_reason_cannot_break_the_header() {
    let limit = RateLimit::new(5, RateLimitScope::Project).reason("a:b, 9::key\r\nx");
    assert_eq!(limit.to_string(), "5::project:a_b__9__key__x");
}

#[test]
fn a_flood_of_limits_is_bounded() {
    assert_eq!(
        RateLimit::parse_header(&"1:error:key,".repeat(100_000)).len(),
        100
    );
}

#[test]
fn category_names_are_one_to_one() {
    for &category in DataCategory::ALL {
        assert_eq!(DataCategory::from_name(category.as_str()), category);
    }
    assert_eq!(DataCategory::from_name("Error"), DataCategory::Unknown);
    assert_eq!(DataCategory::ALL.len(), 25);
}

fn limit() -> impl Strategy<Value = RateLimit> {
    let scope = prop_oneof![
        Just(RateLimitScope::Organization),
        Just(RateLimitScope::Project),
        Just(RateLimitScope::Key),
        Just(RateLimitScope::Unspecified),
    ];
    let categories = vec(proptest::sample::select(DataCategory::ALL), 0..5);
    (
        0u64..=24 * 60 * 60,
        scope,
        categories,
        "[a-z_]{0,12}",
        vec("[a-z]{1,6}", 0..3),
    )
        .prop_map(|(seconds, scope, categories, reason, namespaces)| {
            let mut limit = RateLimit::new(seconds, scope)
                .categories(categories)
                .reason(&reason);
            limit.namespaces = namespaces;
            limit
        })
}

proptest! {
    #[test]
    fn a_header_reads_back_as_it_was_written(limits in vec(limit(), 0..6)) {
        prop_assert_eq!(RateLimit::parse_header(&RateLimit::to_header(&limits)), limits);
    }

    #[test]
    fn no_response_makes_reading_panic_or_limits_longer_than_a_day(
        header in proptest::option::of("([0-9a-z:;,. ]|\\PC){0,60}"),
        retry_after in proptest::option::of("\\PC{0,30}|[0-9.e+-]{0,12}"),
        status in any::<u16>(),
        now_ms in any::<u64>(),
    ) {
        let mut limits = RateLimits::default();
        limits.update_from_headers(header.as_deref(), retry_after.as_deref(), status, now_ms);
        for &category in DataCategory::ALL {
            let left = limits.is_limited(category, now_ms).unwrap_or_default();
            prop_assert!(left <= Duration::from_secs(24 * 60 * 60));
        }
    }
}
