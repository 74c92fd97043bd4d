//! Who may do what: every operation of the OpenAPI document, asked by every kind of sender, against
//! one table.

use std::collections::{BTreeMap, BTreeSet};

use mini_sentry_server::model::ids::{ProjectId, UserId};
use mini_sentry_server::model::people::Role;
use mini_sentry_server::testkit::TestServer;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::caller::{Answer, answer, get, request, send_envelope};
use crate::people::{member, project, token};

/// Method, path, what it takes, and the body that is sent. What it takes is one of the scopes, or:
/// `any` credentials; `open` to all; a `person` and not a token. `+all` adds that all projects must
/// be visible.
const TABLE: &str = r#"
GET    /api/0/ any
GET    /api/0/auth/ any
POST   /api/0/auth/ open {"email":"nobody@example.com","password":"wrong-password"}
DELETE /api/0/auth/ person
GET    /api/0/users/me/ any
PUT    /api/0/users/me/ person {"name":"New"}
PUT    /api/0/users/me/password/ person {"passwordNew":"correct-horse"}
GET    /api/0/users/me/logins/ person
DELETE /api/0/users/me/logins/ person
DELETE /api/0/users/me/logins/{login}/ person
GET    /api/0/users/me/regions/ any
GET    /api/0/organizations/ org:read
GET    /api/0/organizations/{organisation}/ org:read
PUT    /api/0/organizations/{organisation}/ org:write+all {}
GET    /api/0/organizations/{organisation}/region/ any
GET    /api/0/organizations/{organisation}/repos/ org:read
GET    /api/0/organizations/{organisation}/projects/ org:read
POST   /api/0/organizations/{organisation}/projects/ project:write+all {"name":"Made"}
GET    /api/0/organizations/{organisation}/eventids/{event}/ event:read
GET    /api/0/organizations/{organisation}/events/{event}/json/ event:read
GET    /api/0/organizations/{organisation}/stats_v2/ org:read
GET    /api/0/organizations/{organisation}/stats-summary/ org:read
GET    /api/0/organizations/{organisation}/events/ event:read
GET    /api/0/organizations/{organisation}/events/validate/ event:read
GET    /api/0/organizations/{organisation}/events-stats/ event:read
GET    /api/0/organizations/{organisation}/events-timeseries/ event:read
GET    /api/0/organizations/{organisation}/trace-items/attributes/ event:read
GET    /api/0/projects/{organisation}/{project}/stats/ project:read
GET    /api/0/organizations/{organisation}/org-auth-tokens/ org:admin+all
POST   /api/0/organizations/{organisation}/org-auth-tokens/ org:admin+all {"name":"CI"}
GET    /api/0/organizations/{organisation}/org-auth-tokens/{token}/ org:admin+all
DELETE /api/0/organizations/{organisation}/org-auth-tokens/{token}/ org:admin+all
GET    /api/0/organizations/{organisation}/members/ member:read
POST   /api/0/organizations/{organisation}/members/ member:write {"email":"new@example.com","role":"viewer"}
GET    /api/0/organizations/{organisation}/members/{member}/ member:read
PUT    /api/0/organizations/{organisation}/members/{member}/ member:write {"role":"member"}
DELETE /api/0/organizations/{organisation}/members/{member}/ member:admin
POST   /api/0/organizations/{organisation}/members/{member}/teams/{team}/ team:write+all
DELETE /api/0/organizations/{organisation}/members/{member}/teams/{team}/ team:write+all
GET    /api/0/organizations/{organisation}/teams/ team:read
POST   /api/0/organizations/{organisation}/teams/ team:write+all {"name":"Made"}
GET    /api/0/organizations/{organisation}/audit-logs/ org:write+all
GET    /api/0/teams/{organisation}/{team}/ team:read
PUT    /api/0/teams/{organisation}/{team}/ team:write+all {"name":"Renamed"}
DELETE /api/0/teams/{organisation}/{team}/ team:admin+all
GET    /api/0/teams/{organisation}/{team}/members/ member:read
GET    /api/0/teams/{organisation}/{team}/projects/ org:read
POST   /api/0/teams/{organisation}/{team}/projects/ project:write+all {"name":"In team"}
GET    /api/0/api-tokens/ org:admin
POST   /api/0/api-tokens/ org:admin {"name":"mine","scopes":["event:read"]}
DELETE /api/0/api-tokens/ org:admin {"tokenId":"{token}"}
GET    /api/0/api-tokens/{token}/ org:admin
DELETE /api/0/api-tokens/{token}/ org:admin
GET    /api/0/projects/ org:read
GET    /api/0/projects/{organisation}/{project}/ project:read
PUT    /api/0/projects/{organisation}/{project}/ project:write {"name":"Renamed"}
DELETE /api/0/projects/{organisation}/{project}/ project:admin
GET    /api/0/projects/{organisation}/{project}/members/ member:read
GET    /api/0/projects/{organisation}/{project}/teams/ project:read
POST   /api/0/projects/{organisation}/{project}/teams/{team}/ project:write+all
DELETE /api/0/projects/{organisation}/{project}/teams/{team}/ project:write+all
GET    /api/0/projects/{organisation}/{project}/keys/ project:read
POST   /api/0/projects/{organisation}/{project}/keys/ project:write {"name":"Made"}
GET    /api/0/projects/{organisation}/{project}/keys/{key}/ project:read
PUT    /api/0/projects/{organisation}/{project}/keys/{key}/ project:write {"name":"Renamed"}
DELETE /api/0/projects/{organisation}/{project}/keys/{key}/ project:admin
GET    /api/0/projects/{organisation}/{project}/events/ event:read
GET    /api/0/projects/{organisation}/{project}/events/{event}/ event:read
DELETE /api/0/projects/{organisation}/{project}/events/{event}/ event:admin
GET    /api/0/projects/{organisation}/{project}/events/{event}/json/ event:read
GET    /api/0/projects/{organisation}/{project}/events/{event}/attachments/ event:read
GET    /api/0/projects/{organisation}/{project}/events/{event}/attachments/{attachment}/ event:read
DELETE /api/0/projects/{organisation}/{project}/events/{event}/attachments/{attachment}/ event:admin
POST   /api/0/projects/{organisation}/{project}/erase-user/ event:admin {"id":"user-42"}
POST   /api/0/projects/{organisation}/{project}/ingest-token/ project:write
GET    /api/projects/ project:read
POST   /api/projects/ project:write+all {"name":"Own"}
POST   /api/projects/{project}/grouping/try/ project:write {"fingerprint_rules":"type:A -> a"}
GET    /api/events/ event:read
GET    /api/events/clickhouse/ event:read
GET    /api/events/{event}/ event:read
GET    /api/0/organizations/{organisation}/issues/ event:read
PUT    /api/0/organizations/{organisation}/issues/ event:write {"status":"resolved"}
DELETE /api/0/organizations/{organisation}/issues/ event:admin
GET    /api/0/projects/{organisation}/{project}/issues/ event:read
PUT    /api/0/projects/{organisation}/{project}/issues/ event:write {"status":"resolved"}
DELETE /api/0/projects/{organisation}/{project}/issues/ event:admin
GET    /api/0/organizations/{organisation}/shortids/{id}/ event:read
GET    /api/0/organizations/{organisation}/tags/ event:read
GET    /api/0/organizations/{organisation}/tags/{key}/values/ event:read
GET    /api/0/projects/{organisation}/{project}/tags/ event:read
GET    /api/0/projects/{organisation}/{project}/tags/{key}/values/ event:read
GET    /api/0/projects/{organisation}/{project}/events/{event}/grouping-info/ event:read
GET    /api/0/organizations/{organisation}/issues/{issue}/ event:read
PUT    /api/0/organizations/{organisation}/issues/{issue}/ event:write {"hasSeen":true}
DELETE /api/0/organizations/{organisation}/issues/{issue}/ event:admin
GET    /api/0/organizations/{organisation}/issues/{issue}/events/ event:read
GET    /api/0/organizations/{organisation}/issues/{issue}/events/{event}/ event:read
GET    /api/0/organizations/{organisation}/issues/{issue}/tags/ event:read
GET    /api/0/organizations/{organisation}/issues/{issue}/tags/{key}/ event:read
GET    /api/0/organizations/{organisation}/issues/{issue}/tags/{key}/values/ event:read
GET    /api/0/organizations/{organisation}/issues/{issue}/hashes/ event:read
DELETE /api/0/organizations/{organisation}/issues/{issue}/hashes/ event:write
GET    /api/0/organizations/{organisation}/issues/{issue}/comments/ event:read
POST   /api/0/organizations/{organisation}/issues/{issue}/comments/ event:write {"text":"said"}
PUT    /api/0/organizations/{organisation}/issues/{issue}/comments/{note}/ event:admin {"text":"changed"}
DELETE /api/0/organizations/{organisation}/issues/{issue}/comments/{note}/ event:admin
GET    /api/0/organizations/{organisation}/issues/{issue}/notes/ event:read
POST   /api/0/organizations/{organisation}/issues/{issue}/notes/ event:write {"text":"said"}
PUT    /api/0/organizations/{organisation}/issues/{issue}/notes/{note}/ event:admin {"text":"changed"}
DELETE /api/0/organizations/{organisation}/issues/{issue}/notes/{note}/ event:admin
GET    /api/0/organizations/{organisation}/issues/{issue}/activities/ event:read
GET    /api/0/organizations/{organisation}/issues/{issue}/stats/ event:read
GET    /api/0/issues/{issue}/ event:read
PUT    /api/0/issues/{issue}/ event:write {"hasSeen":true}
DELETE /api/0/issues/{issue}/ event:admin
GET    /api/0/issues/{issue}/events/ event:read
GET    /api/0/issues/{issue}/events/{event}/ event:read
GET    /api/0/issues/{issue}/tags/ event:read
GET    /api/0/issues/{issue}/tags/{key}/ event:read
GET    /api/0/issues/{issue}/tags/{key}/values/ event:read
GET    /api/0/issues/{issue}/hashes/ event:read
DELETE /api/0/issues/{issue}/hashes/ event:write
GET    /api/0/issues/{issue}/comments/ event:read
POST   /api/0/issues/{issue}/comments/ event:write {"text":"said"}
PUT    /api/0/issues/{issue}/comments/{note}/ event:admin {"text":"changed"}
DELETE /api/0/issues/{issue}/comments/{note}/ event:admin
GET    /api/0/issues/{issue}/notes/ event:read
POST   /api/0/issues/{issue}/notes/ event:write {"text":"said"}
PUT    /api/0/issues/{issue}/notes/{note}/ event:admin {"text":"changed"}
DELETE /api/0/issues/{issue}/notes/{note}/ event:admin
GET    /api/0/issues/{issue}/activities/ event:read
GET    /api/0/issues/{issue}/stats/ event:read
GET    /api/0/organizations/{organisation}/releases/ project:read
POST   /api/0/organizations/{organisation}/releases/ project:releases {"version":"3.0","projects":["{project}"]}
GET    /api/0/organizations/{organisation}/releases/{version}/ project:read
PUT    /api/0/organizations/{organisation}/releases/{version}/ project:releases {"ref":"main"}
DELETE /api/0/organizations/{organisation}/releases/{version}/ project:releases
GET    /api/0/organizations/{organisation}/releases/{version}/commits/ project:read
GET    /api/0/organizations/{organisation}/releases/{version}/previous-with-commits/ project:read
GET    /api/0/organizations/{organisation}/releases/{version}/deploys/ project:read
POST   /api/0/organizations/{organisation}/releases/{version}/deploys/ project:releases {"environment":"live"}
GET    /api/0/projects/{organisation}/{project}/releases/ project:read
POST   /api/0/projects/{organisation}/{project}/releases/ project:releases {"version":"3.0","projects":["{project}"]}
GET    /api/0/projects/{organisation}/{project}/releases/{version}/ project:read
PUT    /api/0/projects/{organisation}/{project}/releases/{version}/ project:releases {"ref":"main"}
DELETE /api/0/projects/{organisation}/{project}/releases/{version}/ project:releases
GET    /api/0/projects/{organisation}/{project}/releases/{version}/commits/ project:read
GET    /api/0/projects/{organisation}/{project}/releases/{version}/deploys/ project:read
POST   /api/0/projects/{organisation}/{project}/releases/{version}/deploys/ project:releases {"environment":"live"}
GET    /api/0/organizations/{organisation}/sessions/ project:read
GET    /api/0/organizations/{organisation}/metrics/data/ project:read
GET    /api/groups/ event:read
GET    /api/groups/{group}/ event:read
POST   /api/groups/{group}/resolve/ event:write
POST   /api/groups/{group}/unresolve/ event:write
POST   /api/groups/{group}/ignore/ event:write
POST   /api/groups/{group}/bookmark/ event:write
POST   /api/groups/{group}/unbookmark/ event:write
POST   /api/groups/{group}/assign/ event:write {"assignee":"a@example.com"}
GET    /api/groups/{group}/comments/ event:read
POST   /api/groups/{group}/comments/ event:write {"text":"said"}
GET    /api/releases/ project:read
POST   /api/releases/ project:releases {"project":"{project}","version":"2.0"}
GET    /api/releases/health/ project:read
GET    /api/releases/health/series/ project:read
GET    /api/deployments/ project:read
POST   /api/deployments/ project:releases {"project":"{project}","release":"{version}","environment":"live"}
GET    /api/dashboard/series/ event:read
GET    /api/dashboard/top-groups/ event:read
GET    /ws/events/{project}/ event:read
GET    /metrics/ org:read+all
GET    /docs/ any
GET    /docs/openapi.json/ any
GET    /docs/openapi.yaml/ any
GET    /docs/postman.json/ any
GET    /api/health/ open
GET    /_health/ open
GET    /api/relay/healthcheck/live/ open
GET    /api/relay/healthcheck/ready/ open
GET    /api/embed/error-page/ open
POST   /api/embed/error-page/ open
GET    /auth/login/ open
POST   /auth/login/ open
POST   /auth/logout/ open
GET    /auth/link/{link}/ open
POST   /auth/link/{link}/ open
"#;

/// What each role may do, by hand and not by the code under test.
const VIEWER: &[&str] = &[
    "org:read",
    "project:read",
    "team:read",
    "member:read",
    "event:read",
    "alerts:read",
];
const MEMBER: &[&str] = &["project:releases", "event:write", "alerts:write"];
const ADMIN: &[&str] = &[
    "org:write",
    "project:write",
    "project:admin",
    "team:write",
    "team:admin",
    "member:write",
    "member:admin",
    "event:admin",
];
/// What remains of all scopes in a token of one project, as far as the table asks for it.
const OF_ONE_PROJECT: &[&str] = &[
    "org:read",
    "team:read",
    "project:read",
    "project:write",
    "project:admin",
    "project:releases",
    "event:read",
    "event:write",
    "event:admin",
];
/// What a path names that belongs to the first project.
const OF_THE_PROJECT: &[&str] = &[
    "{project}",
    "{event}",
    "{issue}",
    "{group}",
    "{id}",
    "{version}",
];

const EVENT: &str = "0123456789abcdef0123456789abcdef";
/// Events of issues that are deleted: one by itself, one among many.
const ALONE: &str = "1123456789abcdef0123456789abcdef";
const AMONG: &str = "2123456789abcdef0123456789abcdef";
/// Another event of the first issue, which keeps it when the first is deleted.
const BESIDE: &str = "3123456789abcdef0123456789abcdef";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sender {
    Nobody,
    Owner,
    Admin,
    Member,
    Viewer,
    /// A member who sees another project.
    Stranger,
    /// A token of another project, with all scopes.
    OtherToken,
}

impl Sender {
    fn scopes(self) -> Vec<&'static str> {
        match self {
            Self::Nobody => Vec::new(),
            Self::Viewer => VIEWER.to_vec(),
            Self::Member | Self::Stranger => [VIEWER, MEMBER].concat(),
            Self::Admin => [VIEWER, MEMBER, ADMIN].concat(),
            Self::Owner => [VIEWER, MEMBER, ADMIN, &["org:admin"]].concat(),
            Self::OtherToken => OF_ONE_PROJECT.to_vec(),
        }
    }

    fn sees_everything(self) -> bool {
        matches!(self, Self::Owner | Self::Admin)
    }

    fn is_of_another_project(self) -> bool {
        matches!(self, Self::Stranger | Self::OtherToken)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Unauthorized,
    Forbidden,
    /// Forbidden, or not found, because the sender must not know.
    Denied,
    Done,
    /// Whatever it is, it does not depend on the sender.
    Open,
}

impl Class {
    fn holds(self, status: StatusCode) -> bool {
        let code = status.as_u16();
        match self {
            Self::Unauthorized => code == 401,
            Self::Forbidden => code == 403,
            Self::Denied => matches!(code, 403 | 404),
            Self::Done => !matches!(code, 401 | 403 | 404) && code < 500,
            Self::Open => code < 500,
        }
    }
}

#[derive(Clone, Debug)]
struct Operation {
    method: Method,
    path: &'static str,
    need: &'static str,
    body: Option<&'static str>,
}

impl Operation {
    fn all() -> Vec<Self> {
        let read = |line: &'static str| {
            let (method, rest) = line.split_once(' ').unwrap();
            let mut rest = rest.trim().splitn(3, ' ');
            Self {
                method: method.parse().unwrap(),
                path: rest.next().unwrap(),
                need: rest.next().unwrap(),
                body: rest.next(),
            }
        };
        TABLE
            .lines()
            .filter(|line| !line.is_empty())
            .map(read)
            .collect()
    }

    fn expected(&self, sender: Sender) -> Class {
        let (need, needs_all) = match self.need.split_once('+') {
            Some((need, _)) => (need, true),
            None => (self.need, false),
        };
        if need == "open" {
            return Class::Open;
        }
        if sender == Sender::Nobody {
            return Class::Unauthorized;
        }
        let is_of_project = OF_THE_PROJECT.iter().any(|name| self.path.contains(name));
        if is_of_project && sender.is_of_another_project() {
            return Class::Denied;
        }
        let may = match need {
            "any" => true,
            // All senders here have tokens.
            "person" => false,
            scope => sender.scopes().contains(&scope),
        };
        match may && (!needs_all || sender.sees_everything()) {
            true => Class::Done,
            false => Class::Forbidden,
        }
    }

    /// Puts reading before changing, and what belongs to something before the thing itself.
    fn order(&self) -> (u8, usize, usize) {
        let verb = match self.method.as_str() {
            "GET" => 0,
            "POST" => 1,
            "PUT" => 2,
            _ => 3,
        };
        let depth = self.path.matches('/').count();
        // Issues hold what belongs to them, and the project holds the rest.
        let whole = match self.path {
            path if path.ends_with("/{project}/") && depth < 8 => 2,
            path if path.ends_with("/{issue}/") => 1,
            _ => 0,
        };
        (verb, whole, 100 - depth)
    }
}

/// A server with a closed organisation, two projects, and somebody of each kind.
struct Place {
    server: TestServer,
    names: BTreeMap<&'static str, String>,
    tokens: Vec<(Sender, Option<String>)>,
}

impl Place {
    async fn new() -> Self {
        let server = TestServer::start().await.unwrap();
        let other = project(&server, "other").await;
        let tokens = tokens_of_all(&server, other).await;
        let event =
            json!({ "event_id": EVENT, "message": "of the first project", "release": "1.0" });
        let file = "secret file";
        let envelope = format!(
            "{{\"event_id\":\"{EVENT}\"}}\n{{\"type\":\"event\"}}\n{event}\n\
             {{\"type\":\"attachment\",\"filename\":\"a.txt\",\"length\":{}}}\n{file}\n",
            file.len()
        );
        assert_eq!(send_envelope(&server, envelope).await.status, 200);
        for (id, message) in [
            (ALONE, "alone"),
            (AMONG, "among many"),
            (BESIDE, "of the first project"),
        ] {
            let event = json!({ "event_id": id, "message": message, "release": "1.0" });
            let event = event.to_string();
            let envelope = format!("{{}}\n{{\"type\":\"event\"}}\n{event}\n");
            assert_eq!(send_envelope(&server, envelope).await.status, 200);
        }
        server.digested().await.unwrap();
        let issue = issue_of(&server, EVENT).await;
        let shown = get(&server, &format!("/api/0/issues/{issue}/")).await;
        let project = "/api/0/projects/my-organisation/my-project";
        let attachments = get(&server, &format!("{project}/events/{EVENT}/attachments/")).await;
        let victim = member(&server, "victim", Role::Viewer).await;
        let first = &server.first;
        let names = BTreeMap::from([
            ("organisation", "my-organisation".to_owned()),
            ("project", "my-project".to_owned()),
            ("team", "my-organisation".to_owned()),
            ("event", EVENT.to_owned()),
            (
                "attachment",
                attachments[0]["id"].as_str().unwrap().to_owned(),
            ),
            ("key", first.key.public_key.clone()),
            ("member", victim.to_string()),
            ("token", first.token.id.to_string()),
            ("login", "1".to_owned()),
            ("link", "0".repeat(64)),
            ("id", shown["shortId"].as_str().unwrap().to_owned()),
            ("alone", issue_of(&server, ALONE).await),
            ("among", issue_of(&server, AMONG).await),
            ("group", issue.clone()),
            ("issue", issue),
            ("version", "1.0".to_owned()),
        ]);
        let mut place = Self {
            server,
            names,
            tokens,
        };
        let token = place.server.token().to_owned();
        place.say(&token).await;
        place
    }

    /// Writes a comment that may be changed and withdrawn.
    async fn say(&mut self, token: &str) {
        let path = self.fill("/api/0/issues/{issue}/notes/");
        let say = request(&self.server, Method::POST, &path).bearer_auth(token);
        let said = answer(say.json(&json!({ "text": "a comment" }))).await;
        assert_eq!(said.status, StatusCode::CREATED, "{}", said.text);
        let note = said.json()["id"].as_str().unwrap().to_owned();
        self.names.insert("note", note);
    }

    fn fill(&self, text: &str) -> String {
        self.names
            .iter()
            .fold(text.to_owned(), |text, (name, value)| {
                text.replace(&format!("{{{name}}}"), value)
            })
    }

    async fn ask(&self, operation: &Operation, token: Option<&str>) -> Answer {
        // The organisation's own token is another than those of people.
        let of_organisation = format!("org-auth-tokens/{}", self.server.first.token.id);
        let path = operation
            .path
            .replace("org-auth-tokens/{token}", &of_organisation)
            .replace("/tags/{key}/", "/tags/level/");
        let path = match (operation.method.as_str(), operation.path) {
            ("DELETE", "/api/0/issues/{issue}/") => "/api/0/issues/{alone}/".to_owned(),
            ("PUT" | "DELETE", many) if many.ends_with("/issues/") => {
                format!("{path}?id={{among}}")
            }
            _ => path,
        };
        let path = self.fill(&path);
        let mut request = request(&self.server, operation.method.clone(), &path)
            // Not from this machine: its metrics are open to that.
            .header("X-Forwarded-For", "192.0.2.1");
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = operation.body {
            request = request.body(self.fill(body));
        }
        answer(request).await
    }

    /// Returns all that a change could have changed.
    async fn everything(&self) -> (Value, usize) {
        let store = &self.server.state().unwrap().store;
        let catalog = store.catalog.snapshot().await.unwrap();
        let people = store.people.snapshot().await.unwrap();
        let organisation = self.server.first.organisation.id;
        let tokens = store.catalog.tokens(organisation).await.unwrap();
        let text = format!("{catalog:?} {people:?}");
        let path = format!("/api/0/projects/my-organisation/my-project/events/{EVENT}/");
        let attachments = get(&self.server, &format!("{path}attachments/")).await;
        let event = get(&self.server, &path).await;
        let releases = "/api/0/organizations/my-organisation/releases/";
        let releases = get(&self.server, releases).await;
        let deployments = get(&self.server, "/api/deployments/").await;
        let mut issues = Vec::new();
        for name in ["{issue}", "{alone}", "{among}"] {
            let path = self.fill(&format!("/api/0/issues/{name}/"));
            let issue = get(&self.server, &path).await;
            issues.push(json!([
                issue["status"],
                issue["assignedTo"],
                issue["activity"],
                issue["isBookmarked"]
            ]));
        }
        let all = json!([text, event, attachments, releases, deployments, issues]);
        (all, tokens.len())
    }
}

/// Returns the issue of an event of the first project.
async fn issue_of(server: &TestServer, event: &str) -> String {
    let path = format!("/api/0/projects/my-organisation/my-project/events/{event}/");
    let event = get(server, &path).await;
    event["groupID"].as_str().unwrap().to_owned()
}

async fn tokens_of_all(server: &TestServer, other: ProjectId) -> Vec<(Sender, Option<String>)> {
    let state = server.state().unwrap();
    let people = &state.store.people;
    let organisation = server.first.organisation.id;
    let first = people.snapshot().await.unwrap().teams[0].id;
    let team = mini_sentry_server::store::people::NewTeam {
        organisation,
        slug: "others".to_owned(),
        name: "Others".to_owned(),
        at: state.clock.now(),
    };
    let second = people.create_team(team).await.unwrap().id;
    people
        .set_project_of_team(second, other, true)
        .await
        .unwrap();
    people.set_open(organisation, false).await.unwrap();
    let mut tokens = vec![(Sender::Nobody, None)];
    for (sender, role, team) in [
        (Sender::Owner, Role::Owner, None),
        (Sender::Admin, Role::Admin, None),
        (Sender::Member, Role::Member, Some(first)),
        (Sender::Viewer, Role::Viewer, Some(first)),
        (Sender::Stranger, Role::Member, Some(second)),
    ] {
        let user: UserId = member(server, &format!("{sender:?}"), role).await;
        if let Some(team) = team {
            people.set_in_team(team, user, true).await.unwrap();
        }
        tokens.push((sender, Some(token(server, Some(user), None).await)));
    }
    let of_other = token(server, None, Some(other)).await;
    tokens.push((Sender::OtherToken, Some(of_other)));
    state.people.refresh().await.unwrap();
    tokens
}

/// The operations of the document that do not take events in.
async fn documented(server: &TestServer) -> (BTreeSet<(String, String)>, Vec<(String, String)>) {
    let document = get(server, "/docs/openapi.json").await;
    let (mut managing, mut ingest) = (BTreeSet::new(), Vec::new());
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let found = (method.to_uppercase(), path.clone());
            match operation["tags"][0] == "ingest" {
                true => ingest.push(found),
                false => drop(managing.insert(found)),
            }
        }
    }
    (managing, ingest)
}

#[tokio::test]
async fn the_table_has_every_operation_of_the_document() {
    let server = TestServer::start().await.unwrap();
    let (managing, ingest) = documented(&server).await;
    let in_table: BTreeSet<_> = Operation::all()
        .iter()
        .map(|it| (it.method.to_string(), it.path.to_owned()))
        .collect();
    assert_eq!(in_table, managing);
    assert!(ingest.len() > 20, "{ingest:?}");
}

#[tokio::test]
async fn nobody_and_those_of_another_project_reach_nothing_and_change_nothing() {
    let place = Place::new().await;
    let before = place.everything().await;
    let mut wrong = Vec::new();
    for (sender, token) in &place.tokens {
        if *sender != Sender::Nobody && !sender.is_of_another_project() {
            continue;
        }
        for operation in Operation::all() {
            let expected = operation.expected(*sender);
            let answer = place.ask(&operation, token.as_deref()).await;
            let leaks = answer.text.contains("my-project") || answer.text.contains(EVENT);
            if !expected.holds(answer.status) || (leaks && answer.status.is_success()) {
                let (method, path) = (&operation.method, operation.path);
                let line = format!("{sender:?} {method} {path}: {} {expected:?}", answer.status);
                let text: String = answer.text.chars().take(300).collect();
                wrong.push(format!("{line} {text}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(place.everything().await, before);
}

#[tokio::test]
async fn each_role_may_do_what_the_table_says() {
    let mut wrong = Vec::new();
    for sender in [Sender::Viewer, Sender::Member, Sender::Admin, Sender::Owner] {
        // What one may delete, the next still has to find.
        let mut place = Place::new().await;
        let token = place.tokens.iter().find(|(each, _)| *each == sender);
        let token = token.unwrap().1.clone().unwrap();
        if sender == Sender::Owner {
            own_tokens(&mut place, &token).await;
        }
        let mut operations = Operation::all();
        operations.sort_by_key(Operation::order);
        for operation in operations {
            let expected = operation.expected(sender);
            let answer = place.ask(&operation, Some(&token)).await;
            if !expected.holds(answer.status) {
                let (method, path) = (&operation.method, operation.path);
                let line = format!("{sender:?} {method} {path}: {} {expected:?}", answer.status);
                wrong.push(format!("{line} {}", answer.text));
            }
            if operation.path.contains("{token}") || operation.body.is_some_and(names_a_token) {
                own_tokens(&mut place, &token).await;
            }
            let is_gone = operation.method == Method::DELETE && answer.status.is_success();
            if is_gone && operation.path.contains("{note}") {
                // The first token may be gone by now.
                place.say(&token).await;
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn names_a_token(body: &str) -> bool {
    body.contains("{token}")
}

/// Has the sender make a token of its own and one of the organisation, where it may, so that there
/// is something to show and delete.
async fn own_tokens(place: &mut Place, token: &str) {
    let body = json!({ "name": "victim", "scopes": ["event:read"] });
    let make = request(&place.server, Method::POST, "/api/0/api-tokens/");
    let made = answer(make.bearer_auth(token).json(&body)).await;
    if made.status == StatusCode::CREATED {
        let id = made.json()["id"].as_str().unwrap().to_owned();
        place.names.insert("token", id);
    }
}

#[tokio::test]
async fn nothing_is_taken_in_without_a_key() {
    let place = Place::new().await;
    let (_, ingest) = documented(&place.server).await;
    let stranger = place
        .tokens
        .iter()
        .find(|(each, _)| *each == Sender::Stranger);
    let stranger = stranger.unwrap().1.clone().unwrap();
    let number = place.server.first.project.id.to_string();
    for (method, path) in ingest {
        let path = path
            .replace("{project}", &number)
            .replace("{name}", "my-project")
            .replace("{slug}", "my-project")
            .replace("{event_id}", EVENT)
            .replace("{token}", &"0".repeat(32))
            .replace("{key}", &"0".repeat(32));
        let path = place.fill(&path);
        for bearer in [None, Some(&stranger)] {
            let mut asked = request(&place.server, method.parse().unwrap(), &path);
            if let Some(bearer) = bearer {
                asked = asked.bearer_auth(bearer);
            }
            let body = json!({ "event_id": EVENT, "message": "x", "comments": "x" });
            let told = answer(asked.json(&body)).await;
            assert!(
                told.status.is_client_error(),
                "{method} {path}: {}",
                told.status
            );
        }
    }
}
