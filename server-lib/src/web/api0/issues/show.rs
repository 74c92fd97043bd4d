//! Shows issues with what the caller wishes to see of them.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::address::BaseUrl;
use crate::model::ids::IssueId;
use crate::model::issue::{Issue, IssueStatus, Mark, Substatus};
use crate::model::record::RecordKind;
use crate::model::time::Millis;
use crate::state::AppState;
use crate::store::query::{EventFilter, ItemFilter, Page};
use crate::web::access::Access;
use crate::web::actors::{self, Directory};
use crate::web::error::ApiError;
use crate::web::extract::Pairs;
use crate::web::period::period;
use crate::web::present::issue::{self as present, IssueView};
use crate::web::present::series::{HOUR, Series};

/// Intervals that a series has at most.
const MAX_INTERVALS: u16 = 720;
/// Up to so long a period is shown by hours, a longer one by days.
const LONGEST_BY_HOURS: i64 = 3 * Millis::DAY;

/// What a caller wishes to see of issues.
#[derive(Clone, Debug, Default)]
pub(super) struct Wishes {
    series: Vec<(&'static str, Series)>,
    expand: Vec<String>,
    collapse: Vec<String>,
}

impl Wishes {
    /// Nothing besides the issue itself.
    pub(super) fn plain() -> Self {
        Self::default()
    }

    /// Counts of the last day and the last month.
    pub(super) fn of_detail(now: Millis) -> Self {
        Self {
            series: vec![
                ("24h", Series::until(now, HOUR, 24)),
                ("30d", Series::until(now, Millis::DAY, 30)),
            ],
            ..Self::default()
        }
    }

    /// Reads `groupStatsPeriod`, `expand` and `collapse`.
    pub(super) fn of(query: &Pairs, now: Millis) -> Result<Self, ApiError> {
        let texts = |key| query.all(key).map(str::to_owned).collect::<Vec<_>>();
        let collapse = texts("collapse");
        let series = match query.first("groupStatsPeriod") {
            None | Some("24h") => ("24h", Series::until(now, HOUR, 24)),
            Some("14d") => ("14d", Series::until(now, Millis::DAY, 14)),
            Some("30d") => ("30d", Series::until(now, Millis::DAY, 30)),
            Some("auto") => ("auto", automatic(query, now)?),
            Some(_) => {
                let detail = "groupStatsPeriod is one of 24h, 14d, 30d and auto";
                return Err(ApiError::invalid("unknown_period", detail));
            }
        };
        let is_wanted = collapse.iter().all(|part| part != "stats");
        Ok(Self {
            series: is_wanted.then_some(series).into_iter().collect(),
            expand: texts("expand"),
            collapse,
        })
    }

    fn expands(&self, part: &str) -> bool {
        self.expand.iter().any(|it| it == part)
    }
}

/// Cuts the list's own period into intervals.
fn automatic(query: &Pairs, now: Millis) -> Result<Series, ApiError> {
    let (start, end) = match period(query, now)? {
        Some(times) => (*times.start(), (*times.end()).min(now)),
        None => (now.plus(-Millis::DAY), now),
    };
    let is_short = end.since(start) <= LONGEST_BY_HOURS;
    let step = if is_short { HOUR } else { Millis::DAY };
    Ok(Series::over(start, end, step, MAX_INTERVALS))
}

/// Shows issues; those of projects that the caller may not see are left out.
pub(super) async fn all(
    state: &AppState,
    caller: &Access,
    base: &BaseUrl,
    issues: Vec<Issue>,
    wishes: &Wishes,
) -> Result<Vec<Value>, ApiError> {
    let ids: Vec<_> = issues.iter().map(|issue| issue.id).collect();
    let assignees = issues.iter().filter_map(|issue| issue.assignee.as_ref());
    let directory = Directory::of(state, caller, assignees).await?;
    let marks = match actors::me(caller) {
        Some(me) => state.store.issues.marks(&ids, &me).await?,
        None => Vec::new(),
    };
    let marks: HashMap<_, _> = ids.iter().copied().zip(marks).collect();
    let mut series = Vec::new();
    for (name, one) in &wishes.series {
        let rows = state.store.index.hours(&ids, one.times()).await?;
        let mut by_issue: HashMap<IssueId, Vec<(Millis, u64)>> = HashMap::new();
        for row in rows {
            by_issue
                .entry(row.issue)
                .or_default()
                .push((row.at, row.events));
        }
        series.push((*name, *one, by_issue));
    }
    let collapse: Vec<_> = wishes.collapse.iter().map(String::as_str).collect();
    let mut shown = Vec::with_capacity(issues.len());
    for issue in &issues {
        let Some(project) = caller.project_by_id(issue.project) else {
            continue;
        };
        let view = IssueView {
            issue,
            project,
            owner: caller.own_organisation(),
            mark: marks.get(&issue.id).copied().unwrap_or_default(),
            directory: &directory,
            base,
        };
        let mut value = present::issue(&view);
        let stats: serde_json::Map<_, _> = series
            .iter()
            .map(|(name, one, by_issue)| {
                let counts = by_issue.get(&issue.id).into_iter().flatten().copied();
                ((*name).to_owned(), one.show(counts))
            })
            .collect();
        if let Value::Object(value) = &mut value {
            if !wishes.series.is_empty() {
                value.insert("stats".to_owned(), Value::Object(stats));
            }
            if wishes.expands("inbox") {
                value.insert("inbox".to_owned(), inbox(issue));
            }
            if wishes.expands("owners") {
                value.insert("owners".to_owned(), Value::Null);
            }
            if wishes.expands("latestEventHasAttachments") {
                let has_some = has_attachments(state, issue).await?;
                value.insert("latestEventHasAttachments".to_owned(), json!(has_some));
            }
        }
        present::collapse(&mut value, &collapse);
        shown.push(value);
    }
    Ok(shown)
}

/// Returns what the caller thinks of an issue.
pub(super) async fn mark(
    state: &AppState,
    caller: &Access,
    issue: IssueId,
) -> Result<Mark, ApiError> {
    let Some(me) = actors::me(caller) else {
        return Ok(Mark::default());
    };
    let marks = state.store.issues.marks(&[issue], &me).await?;
    Ok(marks.first().copied().unwrap_or_default())
}

/// Shows why somebody should look at an issue again.
fn inbox(issue: &Issue) -> Value {
    let reason = match (issue.state.status, issue.state.substatus) {
        (IssueStatus::Unresolved, Substatus::New) => 0,
        (IssueStatus::Unresolved, Substatus::Regressed) => 2,
        (IssueStatus::Unresolved, Substatus::Escalating) => 5,
        _ => return Value::Null,
    };
    json!({
        "reason": reason,
        "reason_details": null,
        "date_added": issue.state.since.to_rfc3339(),
    })
}

async fn has_attachments(state: &AppState, issue: &Issue) -> Result<bool, ApiError> {
    let filter = EventFilter {
        projects: vec![issue.project],
        issue: Some(issue.id),
        ..EventFilter::default()
    };
    let latest = state.store.events.list(&filter, Page::first(1)).await?;
    let Some(latest) = latest.first() else {
        return Ok(false);
    };
    let filter = ItemFilter {
        projects: vec![issue.project],
        kinds: vec![RecordKind::Attachment],
        event_id: Some(latest.event_id),
    };
    let items = state.store.events.items(&filter, Page::first(1)).await?;
    Ok(!items.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Millis = Millis(1_767_355_200_000);

    fn wishes(pairs: &[(&str, &str)]) -> Result<Wishes, ApiError> {
        Wishes::of(&Pairs::from_iter(pairs.iter().copied()), NOON)
    }

    #[test]
    fn counts_over_time_are_as_the_query_asks() {
        let of = |pairs: &[(&str, &str)]| wishes(pairs).unwrap().series;
        assert_eq!(of(&[]), [("24h", Series::until(NOON, HOUR, 24))]);
        let days = [("14d", Series::until(NOON, Millis::DAY, 14))];
        assert_eq!(of(&[("groupStatsPeriod", "14d")]), days);
        let auto = of(&[("groupStatsPeriod", "auto"), ("statsPeriod", "2h")]);
        assert_eq!(auto, [("auto", Series::until(NOON, HOUR, 3))]);
        let auto = of(&[("groupStatsPeriod", "auto"), ("statsPeriod", "7d")]);
        assert_eq!(auto, [("auto", Series::until(NOON, Millis::DAY, 8))]);
        assert_eq!(of(&[("collapse", "stats")]), []);
        assert!(wishes(&[("groupStatsPeriod", "1y")]).is_err());
    }
}
