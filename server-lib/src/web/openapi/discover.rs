//! Questions about many events at once.

use serde_json::{Value, json};

use super::Access::Token;
use super::Takes::Nothing;
use super::management::operations;
use super::schemas::{moment, object, text};
use super::{Gives, Operation};

const READ: &[&str] = &["event:read"];
const SUMS: &[&str] = &["org:read", "project:read"];
const CURSOR: (&str, &str) = ("cursor", "Place in the list, from the Link header");
const PER_PAGE: (&str, &str) = ("per_page", "Length of the part, at most 100");
const PROJECT: (&str, &str) = ("project", "Slug or number; may repeat; -1 means all");
const ENVIRONMENT: (&str, &str) = ("environment", "May repeat");
const QUERY: (&str, &str) = ("query", "A search for events");
const PERIOD: (&str, &str) = (
    "statsPeriod",
    "Length of the period until now, such as 24h; 14d by default",
);
const START: (&str, &str) = ("start", "Beginning of the period; UTC without a zone");
const END: (&str, &str) = ("end", "End of the period");
const DATASET: (&str, &str) = (
    "dataset",
    "errors, the default, or discover; of any other, such as spans, the answer is empty",
);
const SORT: (&str, &str) = (
    "sort",
    "A column, the greatest first with - before it; may repeat",
);
const AXIS: (&str, &str) = ("yAxis", "A function, such as count(); may repeat");
const INTERVAL: (&str, &str) = (
    "interval",
    "Length of an interval, such as 5m or 1h, or seconds; longer where there would be too many",
);
const TOP: (&str, &str) = ("topEvents", "Lines for so many rows, at most 10");
const OTHERS: (&str, &str) = ("excludeOther", "1: no line for all other rows");
const LISTED: &[(&str, &str)] = &[
    (
        "field",
        "A field, a tag, or a function such as count(), count_unique(user) or last_seen(); repeats",
    ),
    QUERY,
    SORT,
    DATASET,
    PROJECT,
    ENVIRONMENT,
    PERIOD,
    START,
    END,
    CURSOR,
    PER_PAGE,
];
const STATS: &[(&str, &str)] = &[
    AXIS,
    ("field", "By what rows are told apart; may repeat"),
    INTERVAL,
    TOP,
    OTHERS,
    QUERY,
    SORT,
    DATASET,
    PROJECT,
    ENVIRONMENT,
    PERIOD,
    START,
    END,
];
const SERIES: &[(&str, &str)] = &[
    AXIS,
    ("groupBy", "By what rows are told apart; may repeat"),
    INTERVAL,
    TOP,
    OTHERS,
    QUERY,
    SORT,
    DATASET,
    PROJECT,
    ENVIRONMENT,
    PERIOD,
    START,
    END,
];
const SUMMED: &[(&str, &str)] = &[
    ("field", "sum(quantity) or sum(times_seen); may repeat"),
    PERIOD,
    START,
    END,
    PROJECT,
    ("category", "Such as error; may repeat"),
    ("outcome", "Such as accepted; may repeat"),
    ("reason", "May repeat"),
];
const RECEIVED: &[(&str, &str)] = &[
    (
        "stat",
        "received, the default, rejected, blacklisted or generated",
    ),
    ("resolution", "Length of an interval, such as 1h or 1d"),
    ("since", "Beginning, in seconds since 1970"),
    ("until", "End, in seconds since 1970"),
    PERIOD,
    START,
    END,
];

operations! { OPERATIONS:
    get "/api/0/organizations/{organisation}/events/", "Lists events, or rows of events put together", Token(READ), LISTED, Nothing => Gives::Json(200, "EventTable");
    get "/api/0/organizations/{organisation}/events/validate/", "Tells what of a question about events is readable", Token(READ), LISTED, Nothing => Gives::Json(200, "Verdicts");
    get "/api/0/organizations/{organisation}/events-stats/", "Counts events over time: pairs of seconds and numbers", Token(READ), STATS, Nothing => Gives::Json(200, "Object");
    get "/api/0/organizations/{organisation}/events-timeseries/", "Counts events over time: lines of values", Token(READ), SERIES, Nothing => Gives::Json(200, "TimeSeries");
    get "/api/0/organizations/{organisation}/trace-items/attributes/", "Lists attributes of spans and logs: none", Token(READ), &[("itemType", "spans or logs"), ("attributeType", "string, number or boolean"), PROJECT], Nothing => Gives::List("Object");
    get "/api/0/organizations/{organisation}/stats-summary/", "Sums up what each project received", Token(SUMS), SUMMED, Nothing => Gives::Json(200, "ReceivedByProject");
    get "/api/0/projects/{organisation}/{project}/stats/", "Counts errors that a project received: pairs of seconds and numbers", Token(SUMS), RECEIVED, Nothing => Gives::List("Point");
}

pub(super) fn schemas() -> Value {
    let list = |of: &str| json!({ "type": "array", "items": { "$ref": format!("#/components/schemas/{of}") } });
    let open = json!({ "type": "object" });
    json!({
        "EventTable": object(&[
            ("data", list("Object")),
            ("meta", object(&[("fields", open.clone()), ("units", open.clone()), ("dataset", text()), ("dataScanned", text())])),
        ]),
        "TimeSeries": object(&[("meta", open.clone()), ("timeSeries", list("Object"))]),
        "Verdicts": object(&[
            ("valid", json!({ "type": "boolean" })),
            ("field", list("Object")),
            ("orderby", list("Object")),
            ("projects", list("Object")),
            ("environment", list("Object")),
            ("dataset", list("Object")),
            ("query", open),
        ]),
        "ReceivedByProject": object(&[("start", moment()), ("end", moment()), ("projects", list("Object"))]),
    })
}
