//! The values by which events are split up, and the numbers of their sets.

use std::collections::BTreeMap;

use super::find::Asked;
use super::key;
use super::parts::{PartKey, SplitBy};
use super::shelf::{Shelf, hour};
use super::tags;
use crate::error::Error;
use crate::model::ids::ProjectId;
use crate::store::query::EventQuery;

/// Values of a tag that events are split by at most.
const MAX_VALUES: usize = 50;
/// Sets that the values of a tag have at most, one in each project.
const MAX_SETS: usize = 400;

/// The values of one thing by which events are split, each with the numbers of its sets.
#[derive(Debug)]
pub(super) struct Values {
    /// Each with its numbers.
    pub(super) values: Vec<(PartKey, Vec<u64>)>,
    /// The numbers of having a value at all, where events without one are a part too.
    pub(super) present: Option<Vec<u64>>,
}

/// Finds the values of one thing, and the numbers of their sets.
pub(super) async fn values_of(
    shelf: &mut impl Shelf,
    asked: &Asked,
    query: &EventQuery,
    by: &SplitBy,
    is_incomplete: &mut bool,
) -> Result<Values, Error> {
    let projects = &asked.projects;
    let present = |name: &str| {
        let number = |project: &ProjectId| key::present(*project, name);
        projects.iter().map(number).collect::<Vec<_>>()
    };
    match by {
        SplitBy::Project => {
            let value =
                |project: &ProjectId| (PartKey::Project(*project), vec![key::project(*project)]);
            Ok(Values {
                values: projects.iter().map(value).collect(),
                present: None,
            })
        }
        SplitBy::Issue(issues) => {
            let mut values = Vec::with_capacity(issues.len());
            for issue in issues {
                let groups = shelf.groups(*issue).await?.into_iter();
                values.push((PartKey::Issue(*issue), groups.map(key::group).collect()));
            }
            Ok(Values {
                values,
                present: None,
            })
        }
        SplitBy::Tag(name) => {
            let (values, has_more) = frequent(shelf, projects, query, name).await?;
            *is_incomplete |= has_more;
            let value = |(value, numbers)| (PartKey::Tag(Some(value)), numbers);
            Ok(Values {
                values: values.into_iter().map(value).collect(),
                present: Some(present(name)),
            })
        }
        SplitBy::Tags(tags) => {
            let mut values = Vec::new();
            for (name, wanted) in tags {
                values.push((PartKey::TagOf(name.clone(), None), present(name)));
                for value in wanted {
                    let number = |project: &ProjectId| key::tag_of(*project, name, value);
                    let key = PartKey::TagOf(name.clone(), Some(value.clone()));
                    values.push((key, projects.iter().map(number).collect()));
                }
            }
            Ok(Values {
                values,
                present: None,
            })
        }
        SplitBy::TagOf(name, wanted) => {
            let named = wanted.iter().flatten().map(|value| {
                let number = |project: &ProjectId| key::tag_of(*project, name, value);
                let numbers = projects.iter().map(number).collect();
                (PartKey::Tag(Some(value.clone())), numbers)
            });
            Ok(Values {
                values: named.collect(),
                present: wanted.contains(&None).then(|| present(name)),
            })
        }
    }
}

/// Returns the most frequent values of a tag that were seen in the time asked for, with their
/// numbers in the projects that have them, and whether there are others.
async fn frequent(
    shelf: &mut impl Shelf,
    projects: &[ProjectId],
    query: &EventQuery,
    name: &str,
) -> Result<(Vec<(String, Vec<u64>)>, bool), Error> {
    let mut has_more = false;
    let mut all = BTreeMap::<String, (u64, Vec<u64>)>::new();
    let times = query.times.as_ref();
    let hours = times.map(|times| hour(*times.start())..=hour(*times.end()));
    for project in projects {
        if let Some(summary) = tags::around(shelf, *project, name, hours.as_ref()).await? {
            has_more |= summary.others > 0;
            for value in summary.top {
                let is_then = times.is_none_or(|times| {
                    value.seen.last >= *times.start() && value.seen.first <= *times.end()
                });
                if is_then {
                    let number = key::tag_of(*project, name, &value.value);
                    let (events, numbers) = all.entry(value.value).or_default();
                    *events = events.saturating_add(value.seen.count);
                    numbers.push(number);
                }
            }
        }
    }
    let mut all: Vec<_> = all.into_iter().collect();
    all.sort_by(|(a, one), (b, two)| two.0.cmp(&one.0).then_with(|| a.cmp(b)));
    let mut sets = 0_usize;
    let mut kept = Vec::new();
    for (value, (_, numbers)) in all {
        sets = sets.saturating_add(numbers.len());
        if kept.len() >= MAX_VALUES || (sets > MAX_SETS && !kept.is_empty()) {
            has_more = true;
            break;
        }
        kept.push((value, numbers));
    }
    Ok((kept, has_more))
}
