//! Issues, and what belongs to them. Each path of one issue is there with its organisation and
//! without.

use super::Access::Token;
use super::Takes::Nothing;
use super::management::operations;
use super::{Gives, Operation, Takes};

const READ: &[&str] = &["event:read"];
const WRITE: &[&str] = &["event:write"];
const ADMIN: &[&str] = &["event:admin"];
const TAGS: &[&str] = &["event:read", "org:read", "project:read"];

const CURSOR: (&str, &str) = ("cursor", "Place in the list, from the Link header");
const PER_PAGE: (&str, &str) = ("per_page", "Length of the part, at most 100");
const PAGED: &[(&str, &str)] = &[CURSOR, PER_PAGE];
const PERIOD: (&str, &str) = (
    "statsPeriod",
    "Length of the period until now, such as 24h; 90d by default",
);
const START: (&str, &str) = ("start", "Beginning of the period; UTC without a zone");
const END: (&str, &str) = ("end", "End of the period");
const ENVIRONMENT: (&str, &str) = ("environment", "May repeat");
const PROJECT: (&str, &str) = ("project", "Slug or number; may repeat; -1 means all");
const QUERY: (&str, &str) = (
    "query",
    "A search; is:unresolved when it is absent, all when it is empty",
);
const LISTED: &[(&str, &str)] = &[
    QUERY,
    (
        "sort",
        "date, new, freq, user, priority, recommended, trends or inbox",
    ),
    PERIOD,
    START,
    END,
    PROJECT,
    ENVIRONMENT,
    CURSOR,
    ("limit", "Length of the part, at most 100"),
    ("groupStatsPeriod", "24h, 14d, 30d or auto"),
    (
        "shortIdLookup",
        "1: a search that is a short id finds that issue",
    ),
    (
        "expand",
        "inbox, owners or latestEventHasAttachments; may repeat",
    ),
    (
        "collapse",
        "stats, lifetime, filtered, unhandled or base; may repeat",
    ),
];
const MANY: &[(&str, &str)] = &[
    (
        "id",
        "Number of an issue; may repeat. Without it those that query finds, up to 10000",
    ),
    QUERY,
    ("status", "Only issues of this status"),
    PERIOD,
    START,
    END,
    PROJECT,
    ENVIRONMENT,
];
const EVENTS: &[(&str, &str)] = &[
    ("query", "A search for events"),
    ("sort", "-timestamp"),
    ("full", "1: with all that is known of each event"),
    PERIOD,
    START,
    END,
    ENVIRONMENT,
    CURSOR,
    PER_PAGE,
];
const FEW: (&str, &str) = (
    "limit",
    "How many values are shown of each tag, at most 100",
);
const PART: (&str, &str) = ("query", "Part of the value");
const ORDER: (&str, &str) = ("sort", "-count, -date or age");
const VALUES: &[(&str, &str)] = &[PART, ORDER, CURSOR, PER_PAGE];
const VALUES_OF: &[(&str, &str)] = &[PART, ORDER, PROJECT, CURSOR, PER_PAGE];
const COUNTED: &[(&str, &str)] = &[
    (
        "resolution",
        "Length of an interval: hours or days, such as 1h",
    ),
    ("since", "Beginning; a day before the end by default"),
    ("until", "End; now by default"),
    PERIOD,
    START,
    END,
];

const SOME: (&str, &str) = (
    "statsPeriod",
    "Length of the period until now, such as 24h; all events by default",
);
const TAG_OF: &[(&str, &str)] = &[FEW, ENVIRONMENT, SOME, START, END];
const TAGS_OF: &[(&str, &str)] = &[
    ("key", "Only this tag; may repeat"),
    FEW,
    ENVIRONMENT,
    SOME,
    START,
    END,
];

operations! { OPERATIONS:
    get "/api/0/organizations/{organisation}/issues/", "Lists issues", Token(READ), LISTED, Nothing => Gives::List("Issue");
    put "/api/0/organizations/{organisation}/issues/", "Changes issues; 204 when there are none", Token(WRITE), MANY, Takes::Json("IssueChange") => Gives::Json(200, "IssueChanged");
    delete "/api/0/organizations/{organisation}/issues/", "Deletes issues", Token(ADMIN), MANY, Nothing => Gives::Status(204);
    get "/api/0/projects/{organisation}/{project}/issues/", "Lists issues of a project", Token(READ), LISTED, Nothing => Gives::List("Issue");
    put "/api/0/projects/{organisation}/{project}/issues/", "Changes issues of a project; 204 when there are none", Token(WRITE), MANY, Takes::Json("IssueChange") => Gives::Json(200, "IssueChanged");
    delete "/api/0/projects/{organisation}/{project}/issues/", "Deletes issues of a project", Token(ADMIN), MANY, Nothing => Gives::Status(204);
    get "/api/0/organizations/{organisation}/shortids/{id}/", "Finds the issue of a short id", Token(READ), &[], Nothing => Gives::Json(200, "Object");
    get "/api/0/organizations/{organisation}/tags/", "Lists tags of events", Token(TAGS), &[PROJECT], Nothing => Gives::List("Tag");
    get "/api/0/organizations/{organisation}/tags/{key}/values/", "Lists values of a tag", Token(TAGS), VALUES_OF, Nothing => Gives::List("TagValue");
    get "/api/0/projects/{organisation}/{project}/tags/", "Lists tags of a project's events", Token(TAGS), &[], Nothing => Gives::List("Tag");
    get "/api/0/projects/{organisation}/{project}/tags/{key}/values/", "Lists values of a tag in a project", Token(TAGS), VALUES, Nothing => Gives::List("TagValue");
    get "/api/0/projects/{organisation}/{project}/events/{event}/grouping-info/", "Tells why an event belongs to its issue", Token(READ), &[], Nothing => Gives::Json(200, "Object");
    get "/api/0/organizations/{organisation}/issues/{issue}/", "Shows an issue by number or short id, with all that is known of it", Token(READ), &[], Nothing => Gives::Json(200, "IssueDetail");
    put "/api/0/organizations/{organisation}/issues/{issue}/", "Changes an issue", Token(WRITE), &[], Takes::Json("IssueChange") => Gives::Json(200, "IssueDetail");
    delete "/api/0/organizations/{organisation}/issues/{issue}/", "Deletes an issue with its events", Token(ADMIN), &[], Nothing => Gives::Status(202);
    get "/api/0/organizations/{organisation}/issues/{issue}/events/", "Lists events of an issue", Token(READ), EVENTS, Nothing => Gives::List("EventSummary");
    get "/api/0/organizations/{organisation}/issues/{issue}/events/{event}/", "Shows an event of an issue: latest, oldest, recommended, or by id", Token(READ), &[ENVIRONMENT], Nothing => Gives::Json(200, "Event");
    get "/api/0/organizations/{organisation}/issues/{issue}/tags/", "Lists tags of an issue's events with their values", Token(READ), TAGS_OF, Nothing => Gives::List("TagDetail");
    get "/api/0/organizations/{organisation}/issues/{issue}/tags/{key}/", "Shows a tag with its most frequent values", Token(READ), TAG_OF, Nothing => Gives::Json(200, "TagDetail");
    get "/api/0/organizations/{organisation}/issues/{issue}/tags/{key}/values/", "Lists values of a tag of an issue's events", Token(READ), VALUES, Nothing => Gives::List("TagValue");
    get "/api/0/organizations/{organisation}/issues/{issue}/hashes/", "Lists groups of an issue", Token(READ), PAGED, Nothing => Gives::List("Hash");
    delete "/api/0/organizations/{organisation}/issues/{issue}/hashes/", "Takes groups out of an issue", Token(WRITE), &[("id", "The hash; may repeat")], Nothing => Gives::Json(202, "Object");
    get "/api/0/organizations/{organisation}/issues/{issue}/comments/", "Lists comments, as notes does", Token(READ), PAGED, Nothing => Gives::List("Activity");
    post "/api/0/organizations/{organisation}/issues/{issue}/comments/", "Comments, as notes does", Token(WRITE), &[], Takes::Json("Comment") => Gives::Json(201, "Activity");
    put "/api/0/organizations/{organisation}/issues/{issue}/comments/{note}/", "Changes a comment, as notes does", Token(WRITE), &[], Takes::Json("Comment") => Gives::Json(200, "Activity");
    delete "/api/0/organizations/{organisation}/issues/{issue}/comments/{note}/", "Deletes a comment, as notes does", Token(WRITE), &[], Nothing => Gives::Status(204);
    get "/api/0/organizations/{organisation}/issues/{issue}/notes/", "Lists comments", Token(READ), PAGED, Nothing => Gives::List("Activity");
    post "/api/0/organizations/{organisation}/issues/{issue}/notes/", "Comments", Token(WRITE), &[], Takes::Json("Comment") => Gives::Json(201, "Activity");
    put "/api/0/organizations/{organisation}/issues/{issue}/notes/{note}/", "Changes a comment", Token(WRITE), &[], Takes::Json("Comment") => Gives::Json(200, "Activity");
    delete "/api/0/organizations/{organisation}/issues/{issue}/notes/{note}/", "Deletes a comment", Token(WRITE), &[], Nothing => Gives::Status(204);
    get "/api/0/organizations/{organisation}/issues/{issue}/activities/", "Shows the history of an issue", Token(READ), PAGED, Nothing => Gives::Json(200, "Activities");
    get "/api/0/organizations/{organisation}/issues/{issue}/stats/", "Counts events of an issue over time: pairs of seconds and number", Token(READ), COUNTED, Nothing => Gives::List("Point");
    get "/api/0/issues/{issue}/", "Shows an issue by number or short id, with all that is known of it", Token(READ), &[], Nothing => Gives::Json(200, "IssueDetail");
    put "/api/0/issues/{issue}/", "Changes an issue", Token(WRITE), &[], Takes::Json("IssueChange") => Gives::Json(200, "IssueDetail");
    delete "/api/0/issues/{issue}/", "Deletes an issue with its events", Token(ADMIN), &[], Nothing => Gives::Status(202);
    get "/api/0/issues/{issue}/events/", "Lists events of an issue", Token(READ), EVENTS, Nothing => Gives::List("EventSummary");
    get "/api/0/issues/{issue}/events/{event}/", "Shows an event of an issue: latest, oldest, recommended, or by id", Token(READ), &[ENVIRONMENT], Nothing => Gives::Json(200, "Event");
    get "/api/0/issues/{issue}/tags/", "Lists tags of an issue's events with their values", Token(READ), TAGS_OF, Nothing => Gives::List("TagDetail");
    get "/api/0/issues/{issue}/tags/{key}/", "Shows a tag with its most frequent values", Token(READ), TAG_OF, Nothing => Gives::Json(200, "TagDetail");
    get "/api/0/issues/{issue}/tags/{key}/values/", "Lists values of a tag of an issue's events", Token(READ), VALUES, Nothing => Gives::List("TagValue");
    get "/api/0/issues/{issue}/hashes/", "Lists groups of an issue", Token(READ), PAGED, Nothing => Gives::List("Hash");
    delete "/api/0/issues/{issue}/hashes/", "Takes groups out of an issue", Token(WRITE), &[("id", "The hash; may repeat")], Nothing => Gives::Json(202, "Object");
    get "/api/0/issues/{issue}/comments/", "Lists comments, as notes does", Token(READ), PAGED, Nothing => Gives::List("Activity");
    post "/api/0/issues/{issue}/comments/", "Comments, as notes does", Token(WRITE), &[], Takes::Json("Comment") => Gives::Json(201, "Activity");
    put "/api/0/issues/{issue}/comments/{note}/", "Changes a comment, as notes does", Token(WRITE), &[], Takes::Json("Comment") => Gives::Json(200, "Activity");
    delete "/api/0/issues/{issue}/comments/{note}/", "Deletes a comment, as notes does", Token(WRITE), &[], Nothing => Gives::Status(204);
    get "/api/0/issues/{issue}/notes/", "Lists comments", Token(READ), PAGED, Nothing => Gives::List("Activity");
    post "/api/0/issues/{issue}/notes/", "Comments", Token(WRITE), &[], Takes::Json("Comment") => Gives::Json(201, "Activity");
    put "/api/0/issues/{issue}/notes/{note}/", "Changes a comment", Token(WRITE), &[], Takes::Json("Comment") => Gives::Json(200, "Activity");
    delete "/api/0/issues/{issue}/notes/{note}/", "Deletes a comment", Token(WRITE), &[], Nothing => Gives::Status(204);
    get "/api/0/issues/{issue}/activities/", "Shows the history of an issue", Token(READ), PAGED, Nothing => Gives::Json(200, "Activities");
    get "/api/0/issues/{issue}/stats/", "Counts events of an issue over time: pairs of seconds and number", Token(READ), COUNTED, Nothing => Gives::List("Point");
}
