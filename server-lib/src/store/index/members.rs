//! Which issues have a tag or words.

use roaring::RoaringBitmap;

use super::ask::MAX_PATTERN_VALUES;
use super::key::{self, GROUPS};
use super::shelf::Shelf;
use super::tags;
use crate::error::Error;
use crate::model::ids::ProjectId;
use crate::store::query::{TagTest, TextPattern};
use crate::store::state::Words;

/// Returns the issues that have a tag.
pub(in crate::store) async fn issues_with_tag(
    shelf: &mut impl Shelf,
    projects: &[ProjectId],
    name: &str,
    test: &TagTest,
) -> Result<RoaringBitmap, Error> {
    let mut numbers = Vec::new();
    for project in projects {
        match test {
            TagTest::Present => numbers.push(key::present(*project, name)),
            TagTest::Value(TextPattern::Equals(value)) => {
                numbers.push(key::tag_of(*project, name, value));
            }
            TagTest::Value(pattern @ TextPattern::Like(_)) => {
                let found = tags::matching(shelf, *project, name, pattern).await?;
                let values = found.values.iter().take(MAX_PATTERN_VALUES);
                numbers.extend(values.map(|value| key::tag_of(*project, name, value)));
            }
        }
    }
    let mut groups = RoaringBitmap::new();
    if numbers.is_empty() {
        return Ok(groups);
    }
    for span in shelf.spans().await? {
        for set in shelf.sets(span.id, GROUPS, &numbers).await?.values() {
            groups |= set;
        }
    }
    issues_of(shelf, groups).await
}

/// Returns the issues that have words.
pub(in crate::store) async fn issues_with_text(
    shelf: &mut impl Shelf,
    text: &str,
) -> Result<RoaringBitmap, Error> {
    let groups = groups_with_text(shelf, text).await?;
    issues_of(shelf, groups).await
}

/// Returns the groups that have words.
pub(super) async fn groups_with_text(
    shelf: &mut impl Shelf,
    text: &str,
) -> Result<RoaringBitmap, Error> {
    let words = Words::read(text);
    if words.terms.is_empty() {
        return Ok(RoaringBitmap::new());
    }
    shelf.with_words(&words).await
}

/// Returns the issues that have the groups: of the same numbers, but for those that moved.
async fn issues_of(
    shelf: &mut impl Shelf,
    mut groups: RoaringBitmap,
) -> Result<RoaringBitmap, Error> {
    let mut issues = Vec::new();
    for (group, issue) in shelf.moved().await? {
        if groups.remove(group) {
            issues.push(issue);
        }
    }
    groups.extend(issues);
    Ok(groups)
}
