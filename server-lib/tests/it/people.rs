//! Logging in and out, members, teams, and what they see.

use mini_sentry_server::model::ids::{ProjectId, UserId};
use mini_sentry_server::model::people::{Email, Role};
use mini_sentry_server::model::scope::Scopes;
use mini_sentry_server::secret::Secret;
use mini_sentry_server::store::people::{NewLogin, NewUser};
use mini_sentry_server::store::{NewProject, NewToken};
use mini_sentry_server::testkit::TestServer;
use mini_sentry_server::tokens;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::caller::{Answer, answer, get, request};

const MEMBERS: &str = "/api/0/organizations/my-organisation/members/";

/// Makes a member without a password.
pub(crate) async fn member(server: &TestServer, name: &str, role: Role) -> UserId {
    let state = server.state().unwrap();
    let people = &state.store.people;
    let new = NewUser {
        email: Email::parse(&format!("{name}@example.com")).unwrap(),
        name: name.to_owned(),
        password: None,
        at: state.clock.now(),
    };
    let user = people.create_user(new).await.unwrap().id;
    let organisation = server.first.organisation.id;
    let at = state.clock.now();
    people
        .set_member(organisation, user, role, at)
        .await
        .unwrap();
    state.people.refresh().await.unwrap();
    user
}

/// Makes a token with every scope that its owner can give.
pub(crate) async fn token(
    server: &TestServer,
    owner: Option<UserId>,
    project: Option<ProjectId>,
) -> String {
    let state = server.state().unwrap();
    let secret = tokens::new_user_token().unwrap();
    let new = NewToken {
        organisation: server.first.organisation.id,
        owner,
        project,
        label: "test".to_owned(),
        hash: secret.hash(),
        hint: secret.hint(),
        scopes: Scopes::all(),
        at: state.clock.now(),
        expires: None,
    };
    state.store.catalog.create_token(new).await.unwrap();
    secret.reveal().to_owned()
}

/// Makes a project that no team has.
pub(crate) async fn project(server: &TestServer, slug: &str) -> ProjectId {
    let state = server.state().unwrap();
    let new = NewProject {
        organisation: server.first.organisation.id,
        slug: slug.to_owned(),
        name: slug.to_owned(),
        platform: None,
        ingest_token: tokens::new_ingest_token().unwrap(),
        settings: Default::default(),
        at: state.clock.now(),
    };
    let made = state.store.catalog.create_project(new).await.unwrap();
    state.catalog.refresh().await.unwrap();
    made.id
}

/// Logs a person in past the password, and returns the cookie.
async fn cookie_of(server: &TestServer, user: UserId) -> String {
    let state = server.state().unwrap();
    let secret = Secret::new("ab".repeat(32));
    let now = state.clock.now();
    let login = NewLogin {
        user,
        hash: secret.hash(),
        at: now,
        expires: now.plus(1_000_000_000),
        address: String::new(),
        agent: String::new(),
    };
    state.store.people.create_login(login).await.unwrap();
    format!("mini_sentry_login={}", secret.reveal())
}

fn with(server: &TestServer, token: &str, method: Method, path: &str) -> RequestBuilder {
    request(server, method, path).bearer_auth(token)
}

/// Sets the password of the first owner by the first link, and returns the answer.
async fn use_first_link(server: &TestServer, password: &str) -> Answer {
    let path = format!("/auth/link/{}/", server.first.login_link.reveal());
    let shown = answer(request(server, Method::GET, &path)).await;
    assert_eq!(shown.status, StatusCode::OK);
    assert!(shown.text.contains("owner@localhost"));
    no_redirect(server, &path, &[("password", password)]).await
}

async fn no_redirect(server: &TestServer, path: &str, form: &[(&str, &str)]) -> Answer {
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none());
    let body: Vec<_> = form
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let request = client
        .build()
        .unwrap()
        .post(format!("{}{path}", server.url))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body.join("&"));
    answer(request).await
}

fn cookie_in(answer: &Answer) -> String {
    let set = answer.header("set-cookie");
    assert!(
        set.contains("HttpOnly") && set.contains("SameSite=Lax"),
        "{set}"
    );
    set.split(';').next().unwrap().to_owned()
}

async fn log_in(server: &TestServer, email: &str, password: &str) -> Answer {
    let body = json!({ "email": email, "password": password });
    answer(request(server, Method::POST, "/api/0/auth/").json(&body)).await
}

async fn with_cookie(server: &TestServer, method: Method, path: &str, cookie: &str) -> Answer {
    answer(request(server, method, path).header("cookie", cookie)).await
}

#[tokio::test]
async fn the_first_link_works_once_and_the_password_from_then_on() {
    let server = TestServer::start().await.unwrap();
    let entered = use_first_link(&server, "correct-horse").await;
    assert_eq!(entered.status, StatusCode::SEE_OTHER, "{}", entered.text);
    let first = cookie_in(&entered);
    let again = use_again(&server).await;
    assert_eq!(again, StatusCode::NOT_FOUND);
    let known = with_cookie(&server, Method::GET, "/api/0/auth/", &first).await;
    assert_eq!(known.json()["email"], "owner@localhost");
    assert_eq!(known.json()["role"], "owner");

    let wrong = log_in(&server, "owner@localhost", "correct-hors").await;
    let unknown = log_in(&server, "nobody@localhost", "correct-horse").await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert_eq!((wrong.status, &wrong.text), (unknown.status, &unknown.text));

    let body = json!({ "email": "Owner@localhost", "password": "correct-horse" });
    let login = request(&server, Method::POST, "/api/0/auth/").header("cookie", &first);
    let login = answer(login.json(&body)).await;
    assert_eq!(login.status, StatusCode::OK, "{}", login.text);
    let second = cookie_in(&login);
    assert_ne!(first, second, "a login gets a secret of its own");
    let old = with_cookie(&server, Method::GET, "/api/0/auth/", &first).await;
    assert_eq!(old.status, StatusCode::UNAUTHORIZED);

    let proof = login.json()["csrfToken"].as_str().unwrap().to_owned();
    let leave = request(&server, Method::DELETE, "/api/0/auth/").header("cookie", &second);
    let left = answer(leave.header("X-CSRF-Token", proof)).await;
    assert_eq!(left.status, StatusCode::NO_CONTENT, "{}", left.text);
    let gone = with_cookie(&server, Method::GET, "/api/0/auth/", &second).await;
    assert_eq!(gone.status, StatusCode::UNAUTHORIZED);

    let log = get(&server, "/api/0/organizations/my-organisation/audit-logs/").await;
    let events: Vec<_> = log["rows"].as_array().unwrap().iter().collect();
    assert_eq!(events[0]["event"], "logout");
    assert_eq!(events[0]["actor"]["email"], "owner@localhost");
    assert_eq!(events[0]["ipAddress"], "127.0.0.1");
    assert_eq!(events[2]["event"], "login.link");
}

async fn use_again(server: &TestServer) -> StatusCode {
    let path = format!("/auth/link/{}/", server.first.login_link.reveal());
    no_redirect(server, &path, &[("password", "")]).await.status
}

#[tokio::test]
async fn too_many_attempts_are_answered_alike_for_those_who_exist_and_those_who_do_not() {
    let server = TestServer::start().await.unwrap();
    for email in ["owner@localhost", "nobody@localhost"] {
        let mut last = StatusCode::OK;
        for _ in 0..11 {
            let refused = log_in(&server, email, "wrong-password").await;
            last = refused.status;
            if last == StatusCode::TOO_MANY_REQUESTS {
                assert!(!refused.header("retry-after").is_empty());
            }
        }
        assert_eq!(last, StatusCode::TOO_MANY_REQUESTS, "{email}");
    }
}

#[tokio::test]
async fn a_change_with_a_cookie_needs_the_proof_and_comes_from_our_pages() {
    let server = TestServer::start().await.unwrap();
    let owner = server.first.owner.id;
    let cookie = cookie_of(&server, owner).await;
    let whoami = with_cookie(&server, Method::GET, "/api/0/auth/", &cookie).await;
    let proof = whoami.json()["csrfToken"].as_str().unwrap().to_owned();
    let path = "/api/0/organizations/my-organisation/teams/";
    let ask = |headers: &[(&str, &str)]| {
        let mut request = request(&server, Method::POST, path).header("cookie", &cookie);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        answer(request.json(&json!({ "name": "New" })))
    };
    for headers in [
        &[] as &[(&str, &str)],
        &[("x-csrf-token", "00")],
        &[("x-csrf-token", &proof), ("sec-fetch-site", "cross-site")],
        &[("x-csrf-token", &proof), ("origin", "https://example.com")],
    ] {
        let refused = ask(headers).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{headers:?}");
    }
    let own = server.url.clone();
    let made = ask(&[("x-csrf-token", &proof), ("origin", &own)]).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
}

#[tokio::test]
async fn a_login_ends_when_it_is_not_used_and_after_its_life() {
    let server = TestServer::start_with(|config| {
        config.people.login_idle = std::time::Duration::from_secs(3600);
    });
    let server = server.await.unwrap();
    let cookie = cookie_of(&server, server.first.owner.id).await;
    let status = async || {
        let shown = with_cookie(&server, Method::GET, "/api/0/auth/", &cookie).await;
        shown.status
    };
    for _ in 0..3 {
        server.clock.advance(50 * 60 * 1000);
        assert_eq!(status().await, StatusCode::OK);
    }
    server.clock.advance(61 * 60 * 1000);
    assert_eq!(status().await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn people_see_and_end_their_own_logins_only() {
    let server = TestServer::start().await.unwrap();
    let one = member(&server, "one", Role::Member).await;
    let cookie = cookie_of(&server, one).await;
    let path = "/api/0/users/me/logins/";
    let shown = with_cookie(&server, Method::GET, path, &cookie)
        .await
        .json();
    assert_eq!(shown.as_array().unwrap().len(), 1);
    assert_eq!(shown[0]["isCurrent"], true);
    let id = shown[0]["id"].as_str().unwrap();
    let by_token = token(&server, Some(one), None).await;
    let refused = answer(with(&server, &by_token, Method::GET, path)).await;
    assert_eq!(refused.json()["code"], "login_needed");
    let whoami = with_cookie(&server, Method::GET, "/api/0/auth/", &cookie).await;
    let proof = whoami.json()["csrfToken"].as_str().unwrap().to_owned();
    let end = request(&server, Method::DELETE, &format!("{path}{id}/"));
    let ended = answer(end.header("cookie", &cookie).header("x-csrf-token", proof)).await;
    assert_eq!(ended.status, StatusCode::NO_CONTENT);
    let gone = with_cookie(&server, Method::GET, path, &cookie).await;
    assert_eq!(gone.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn nobody_gives_a_role_above_their_own_and_the_last_owner_stays() {
    let server = TestServer::start().await.unwrap();
    let admin = member(&server, "admin", Role::Admin).await;
    let admin = token(&server, Some(admin), None).await;
    let invite = |role: &'static str| {
        let body = json!({ "email": format!("{role}@new.example.com"), "orgRole": role });
        answer(with(&server, &admin, Method::POST, MEMBERS).json(&body))
    };
    let made = invite("viewer").await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    assert!(
        made.json()["inviteLink"]
            .as_str()
            .unwrap()
            .contains("/auth/link/")
    );
    assert_eq!(invite("owner").await.status, StatusCode::FORBIDDEN);
    assert_eq!(invite("viewer").await.status, StatusCode::CONFLICT);
    assert_eq!(invite("boss").await.status, StatusCode::BAD_REQUEST);

    let owner = format!("{MEMBERS}{}/", server.first.owner.id);
    let lower = json!({ "role": "viewer" });
    let touched = with(&server, &admin, Method::PUT, &owner).json(&lower);
    assert_eq!(answer(touched).await.status, StatusCode::FORBIDDEN);
    let removed = with(&server, &admin, Method::DELETE, &owner);
    assert_eq!(answer(removed).await.status, StatusCode::FORBIDDEN);
    let last = with(&server, server.token(), Method::DELETE, &owner);
    assert_eq!(answer(last).await.status, StatusCode::CONFLICT);

    let viewer = made.json()["id"].as_str().unwrap().to_owned();
    let raise = json!({ "role": "owner" });
    let path = format!("{MEMBERS}{viewer}/");
    let raised = with(&server, &admin, Method::PUT, &path).json(&raise);
    assert_eq!(answer(raised).await.status, StatusCode::FORBIDDEN);
    let raised = with(&server, server.token(), Method::PUT, &path).json(&raise);
    assert_eq!(answer(raised).await.json()["role"], "owner");
}

#[tokio::test]
async fn a_token_shrinks_with_its_owner_and_ends_with_the_membership() {
    let server = TestServer::start().await.unwrap();
    let one = member(&server, "one", Role::Admin).await;
    let own = token(&server, Some(one), None).await;
    let path = "/api/0/projects/my-organisation/my-project/";
    let rename = || with(&server, &own, Method::PUT, path).json(&json!({ "name": "New" }));
    assert_eq!(answer(rename()).await.status, StatusCode::OK);
    let id = format!("{MEMBERS}{one}/");
    let lower = with(&server, server.token(), Method::PUT, &id).json(&json!({ "role": "viewer" }));
    assert_eq!(answer(lower).await.status, StatusCode::OK);
    assert_eq!(answer(rename()).await.status, StatusCode::FORBIDDEN);
    let removed = answer(with(&server, server.token(), Method::DELETE, &id)).await;
    assert_eq!(removed.status, StatusCode::NO_CONTENT);
    let gone = answer(with(&server, &own, Method::GET, path)).await;
    assert_eq!(gone.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_account_that_is_switched_off_opens_nothing_until_it_is_switched_on() {
    let server = TestServer::start().await.unwrap();
    let one = member(&server, "one", Role::Member).await;
    let (own, cookie) = (
        token(&server, Some(one), None).await,
        cookie_of(&server, one).await,
    );
    let admin = member(&server, "admin", Role::Admin).await;
    let admins = token(&server, Some(admin), None).await;
    let path = |id: UserId| format!("{MEMBERS}{id}/");
    let set = |by: &str, id: UserId, is_active: bool| {
        let set = with(&server, by, Method::PUT, &path(id));
        answer(set.json(&json!({ "isActive": is_active })))
    };
    let may = async || {
        let by_token = answer(with(&server, &own, Method::GET, "/api/0/auth/")).await;
        let by_login = with_cookie(&server, Method::GET, "/api/0/auth/", &cookie).await;
        (by_token.status, by_login.status)
    };
    assert_eq!(may().await, (StatusCode::OK, StatusCode::OK));
    assert_eq!(set(&own, admin, false).await.status, StatusCode::FORBIDDEN);
    let off = set(&admins, one, false).await;
    assert_eq!(off.status, StatusCode::OK, "{}", off.text);
    assert_eq!(off.json()["user"]["isActive"], false);
    let nothing = (StatusCode::UNAUTHORIZED, StatusCode::UNAUTHORIZED);
    assert_eq!(may().await, nothing);
    let on = set(&admins, one, true).await;
    assert_eq!(on.json()["user"]["isActive"], true, "{}", on.text);
    // The token is as it was; the login has ended.
    assert_eq!(may().await, (StatusCode::OK, StatusCode::UNAUTHORIZED));

    let owner = server.first.owner.id;
    let above = set(&admins, owner, false).await;
    assert_eq!(above.status, StatusCode::FORBIDDEN, "{}", above.text);
    for (by, id, code) in [
        (&admins, admin, "own_account"),
        (&server.token().to_owned(), owner, "last_owner"),
    ] {
        let refused = set(by, id, false).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text);
        assert_eq!(refused.json()["code"], code);
    }
    let log = get(&server, "/api/0/organizations/my-organisation/audit-logs/").await;
    let noted: Vec<_> = log["rows"].as_array().unwrap().iter().take(2).collect();
    assert_eq!(noted[0]["event"], "member.activate");
    assert_eq!(noted[1]["event"], "member.deactivate");
    assert_eq!(noted[1]["note"], "one@example.com");
}

#[tokio::test]
async fn in_a_closed_organisation_members_see_the_projects_of_their_teams() {
    let server = TestServer::start().await.unwrap();
    let one = member(&server, "one", Role::Member).await;
    let own = token(&server, Some(one), None).await;
    project(&server, "secret").await;
    let slugs = async || {
        let listed = answer(with(&server, &own, Method::GET, "/api/0/projects/")).await;
        let listed = listed.json();
        let each = listed.as_array().unwrap().iter();
        each.map(|it| it["slug"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(slugs().await, ["my-project", "secret"]);
    let organisation = "/api/0/organizations/my-organisation/";
    let close = with(&server, server.token(), Method::PUT, organisation);
    let closed = answer(close.json(&json!({ "openMembership": false }))).await;
    assert_eq!(closed.json()["openMembership"], false);
    assert_eq!(slugs().await, [""; 0]);
    let team = format!("{MEMBERS}{one}/teams/my-organisation/");
    let alone = answer(with(&server, &own, Method::POST, &team)).await;
    assert_eq!(alone.status, StatusCode::FORBIDDEN);
    let joined = answer(with(&server, server.token(), Method::POST, &team)).await;
    assert_eq!(joined.status, StatusCode::CREATED, "{}", joined.text);
    assert_eq!(slugs().await, ["my-project"]);
    let path = "/api/0/projects/my-organisation/secret/teams/my-organisation/";
    let given = answer(with(&server, server.token(), Method::POST, path)).await;
    assert_eq!(given.status, StatusCode::CREATED, "{}", given.text);
    assert_eq!(slugs().await, ["my-project", "secret"]);
}

#[tokio::test]
async fn a_person_makes_tokens_of_their_own_and_a_token_makes_none() {
    let server = TestServer::start().await.unwrap();
    let one = member(&server, "one", Role::Member).await;
    let cookie = cookie_of(&server, one).await;
    let whoami = with_cookie(&server, Method::GET, "/api/0/auth/", &cookie).await;
    let proof = whoami.json()["csrfToken"].as_str().unwrap().to_owned();
    let make = |scope: &str| {
        let body = json!({ "name": "mine", "scopes": [scope], "project": "my-project" });
        let make = request(&server, Method::POST, "/api/0/api-tokens/");
        let make = make
            .header("cookie", &cookie)
            .header("x-csrf-token", &proof);
        answer(make.json(&body))
    };
    assert_eq!(make("project:admin").await.status, StatusCode::FORBIDDEN);
    let made = make("event:read").await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let own = made.json()["token"].as_str().unwrap().to_owned();
    let body = json!({ "name": "more", "scopes": ["event:read"] });
    let more = with(&server, &own, Method::POST, "/api/0/api-tokens/").json(&body);
    assert_eq!(answer(more).await.status, StatusCode::FORBIDDEN);
    let listed = with_cookie(&server, Method::GET, "/api/0/api-tokens/", &cookie).await;
    let listed: Value = listed.json();
    assert_eq!(listed.as_array().unwrap().len(), 1, "not those of others");
}

#[tokio::test]
async fn the_login_page_runs_no_script_and_sends_people_nowhere_else() {
    let server = TestServer::start().await.unwrap();
    use_first_link(&server, "correct-horse").await;
    let page = answer(request(
        &server,
        Method::GET,
        "/auth/login/?next=%22%3E%3Cscript%3E",
    ))
    .await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.text.contains("<script"), "{}", page.text);
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    for (next, place) in [
        ("/api/0/", "/api/0/"),
        ("//example.com", "/auth/login/"),
        ("https://example.com", "/auth/login/"),
        ("/%5Cexample.com", "/auth/login/"),
    ] {
        let form = [
            ("email", "owner@localhost"),
            ("password", "correct-horse"),
            ("next", next),
        ];
        let entered = no_redirect(&server, "/auth/login/", &form).await;
        assert_eq!(entered.status, StatusCode::SEE_OTHER, "{}", entered.text);
        assert_eq!(entered.header("location"), place, "{next}");
    }
}
