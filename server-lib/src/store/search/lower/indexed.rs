//! Under which tag the index keeps a field, and which pattern asks for it.

use std::borrow::Cow;

use crate::store::query::TextPattern;
use crate::store::search::field::Field;
use crate::store::search::pattern::Pattern;

/// Returns the tag that holds the field's whole value; `None` when no tag does.
pub(in crate::store::search) fn tag_of(field: &Field) -> Option<Cow<'_, str>> {
    Some(Cow::Borrowed(match field {
        Field::Environment => "environment",
        Field::Release => "release",
        Field::Dist => "dist",
        Field::Platform => "platform",
        Field::Transaction => "transaction",
        Field::ErrorType => "error.type",
        Field::ErrorMechanism => "mechanism",
        Field::UserId => "user.id",
        Field::UserEmail => "user.email",
        Field::UserIp => "user.ip",
        Field::UserUsername => "user.username",
        Field::Context(name) if name == "sdk.name" => "sdk",
        Field::Context(name) if name == "device.model" => "device",
        Field::Context(name) if matches!(name.as_str(), "os.name" | "device.family") => name,
        Field::Tag(key) => key,
        _ => return None,
    }))
}

/// The tags of which `user:` means any.
pub(super) const OF_USERS: &[Field] = &[
    Field::UserId,
    Field::UserEmail,
    Field::UserUsername,
    Field::UserIp,
];

/// Returns the pattern in the index's own form.
pub(super) fn text(pattern: &Pattern) -> TextPattern {
    match pattern.as_exact() {
        Some(text) => TextPattern::Equals(text.to_owned()),
        None => TextPattern::Like(pattern.pieces().join("*")),
    }
}

/// Returns the pattern with something before and behind it.
pub(super) fn within(before: &str, pattern: &Pattern, behind: &str) -> TextPattern {
    let pieces = pattern.pieces().join("*");
    TextPattern::Like(format!("{before}{pieces}{behind}"))
}

/// Addresses are kept without what follows `?` or `#`. Returns the pattern for that, and whether it
/// lets through only what was meant.
pub(super) fn address(pattern: &Pattern) -> (TextPattern, bool) {
    let shown = pattern.pieces().join("*");
    let kept = shown.split(['?', '#']).next().unwrap_or_default();
    if kept.len() == shown.len() {
        return (text(pattern), true);
    }
    match kept.contains('*') || kept.is_empty() {
        true => (TextPattern::Like(format!("{kept}*")), false),
        false => (TextPattern::Equals(kept.to_owned()), false),
    }
}
