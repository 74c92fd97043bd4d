//! Sentry's own MCP server, over its standard input and output as a model's program starts it.

use std::process::Stdio;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};

use super::lab::{
    Lab, ORG, ORGANISATION, PATIENCE, PAYMENT, PAYMENT_AGAIN, PROJECT, command, packages,
};

/// The running MCP server.
struct Mcp {
    _child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    tools: Vec<String>,
}

impl Mcp {
    async fn start(lab: &Lab) -> Option<Self> {
        let folder = packages()?;
        let mut child = command("node".as_ref())
            .arg("mcp.mjs")
            .current_dir(folder)
            .env("HOME", lab.folder("home"))
            .env("SENTRY_HOST", lab.program.address.to_string())
            .env("SENTRY_AUTH_TOKEN", &lab.program.token)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut mcp = Self {
            input: child.stdin.take().unwrap(),
            output: BufReader::new(child.stdout.take().unwrap()).lines(),
            _child: child,
            tools: Vec::new(),
        };
        mcp.tools = serde_json::from_value(mcp.answer().await).unwrap();
        Some(mcp)
    }

    async fn answer(&mut self) -> Value {
        let line = tokio::time::timeout(PATIENCE, self.output.next_line()).await;
        let line = line.expect("the MCP server hangs").unwrap();
        serde_json::from_str(&line.expect("the MCP server ended")).unwrap()
    }

    /// Calls a tool that the server offers at once, or one of those that are behind another.
    async fn result(&mut self, tool: &str, arguments: Value) -> Value {
        let call = if self.tools.iter().any(|name| name == tool) {
            json!({ "tool": tool, "arguments": arguments })
        } else {
            let inner = json!({ "name": tool, "arguments": arguments });
            json!({ "tool": "execute_sentry_tool", "arguments": inner })
        };
        let line = format!("{call}\n");
        self.input.write_all(line.as_bytes()).await.unwrap();
        self.answer().await
    }

    /// Calls a tool that must succeed, and returns its text.
    async fn text(&mut self, tool: &str, arguments: Value) -> String {
        let result = self.result(tool, arguments).await;
        assert_ne!(result["isError"], true, "{tool}: {result}");
        result["content"][0]["text"].as_str().unwrap().to_owned()
    }

    /// Calls a tool that must succeed, and returns its text, which is JSON.
    async fn json(&mut self, tool: &str, arguments: Value) -> Value {
        serde_json::from_str(&self.text(tool, arguments).await).unwrap()
    }
}

fn contains(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no {part} in {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_finds_its_way_to_an_issue_and_reads_it() {
    let lab = Lab::filled().await;
    let Some(mut mcp) = Mcp::start(&lab).await else {
        return;
    };
    let organisation = json!({ "organizationSlug": ORGANISATION });
    let told = mcp.json("whoami", json!({})).await;
    assert_eq!(told["user"]["name"], "First start");
    let told = mcp.json("find_organizations", json!({})).await;
    let found = &told["organizations"][0];
    assert_eq!(found["slug"], ORGANISATION);
    assert_eq!(found["regionUrl"], lab.url());
    let told = mcp.json("find_projects", organisation.clone()).await;
    assert_eq!(told["projects"], json!([{ "slug": PROJECT }]));
    let told = mcp.json("find_teams", organisation).await;
    assert_eq!(told["teams"][0]["slug"], ORGANISATION);
    let told = mcp.json("find_dsns", in_project()).await;
    assert_eq!(told["dsns"][0]["dsn"], lab.dsn());

    let search = json!({
        "organizationSlug": ORGANISATION,
        "projectSlugOrId": PROJECT,
        "query": "is:unresolved error.type:PaymentError",
    });
    let told = mcp.text("search_issues", search).await;
    let payment = lab.issue("PaymentError: card was declined").await;
    let short_id = payment["shortId"].as_str().unwrap();
    contains(
        &told,
        &[
            "Found **1** issue",
            &format!(
                "[{short_id}]({}/organizations/{ORGANISATION}/issues/",
                lab.url()
            ),
            "**PaymentError: card was declined**",
            "- **Status**: unresolved",
            "- **Users**: 1",
            "- **Events**: 2",
            "- **Culprit**: `shop.pay in charge`",
        ],
    );
    for sort in ["date", "freq", "new", "user", "recommended"] {
        let search = json!({ "organizationSlug": ORGANISATION, "query": "", "sort": sort });
        let told = mcp.text("search_issues", search).await;
        contains(&told, &["Found **2** issues", "the bank did not answer"]);
    }
    let wrong = json!({ "organizationSlug": ORGANISATION, "query": "is:(" });
    let refused = mcp.result("search_issues", wrong).await;
    assert_eq!(refused["isError"], true, "{refused}");

    let wanted = json!({
        "resourceType": "issue",
        "organizationSlug": ORGANISATION,
        "resourceId": short_id,
    });
    let parts = [
        &format!("# Issue {short_id} in **{ORGANISATION}**"),
        "**Description**: PaymentError: card was declined",
        "**Occurrences**: 2",
        "**Users Impacted**: 1",
        "**Platform**: python",
        "**Project**: My project",
        &format!("**Event ID**: {PAYMENT_AGAIN}"),
        "File \"shop/pay.py\", line 31, in charge",
        "    30 │ def charge(card):",
        "  → 31 │     raise PaymentError('card was declined')",
        "amount: \"17\"",
        "File \"shop/views.py\", line 12, in view",
        "**URL:** https://shop.example.com/pay",
        "id:42, email:a@example.com",
        "**environment**: production",
        "**shard**: eu-3",
        "number: 4711",
    ];
    let told = mcp.text("get_sentry_resource", wanted).await;
    contains(&told, &parts);
    let at = payment["permalink"].as_str().unwrap();
    let told = mcp.text("get_sentry_resource", json!({ "url": at })).await;
    contains(&told, &parts);
    let of_issue = json!({ "organizationSlug": ORGANISATION, "issueId": short_id });
    let told = mcp.text("get_issue_details", of_issue.clone()).await;
    contains(&told, &parts);
    let told = mcp.text("get_issue_breadcrumbs", of_issue.clone()).await;
    contains(
        &told,
        &["**Total Breadcrumbs**: 1", "[cart] opened the cart"],
    );
    let told = mcp.text("get_issue_activity", of_issue.clone()).await;
    contains(&told, &["first_seen by system"]);
    let wanted = with(&of_issue, "tagKey", "environment");
    let told = mcp.json("get_issue_tag_values", wanted).await;
    let value = &told["tag"]["topValues"][0];
    assert_eq!(
        (&value["value"], &value["count"]),
        (&json!("production"), &json!(2))
    );
    let wanted = with(&of_issue, "query", "environment:production");
    let told = mcp.text("search_issue_events", wanted).await;
    contains(&told, &["Found 2 errors", PAYMENT, PAYMENT_AGAIN]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_searches_events_and_counts_them() {
    let lab = Lab::filled().await;
    let Some(mut mcp) = Mcp::start(&lab).await else {
        return;
    };
    let wanted = json!({
        "organizationSlug": ORGANISATION,
        "projectSlug": PROJECT,
        "dataset": "errors",
        "query": "level:error environment:production",
    });
    let told = mcp.text("search_events", wanted.clone()).await;
    contains(
        &told,
        &[
            "Found 2 errors",
            "**title**: PaymentError: card was declined",
            "**error.type**: PaymentError",
            "**culprit**: shop.pay in charge",
            "**user.email**: a@example.com",
        ],
    );
    let counted = json!(["issue", "title", "count()", "count_unique(user)"]);
    let wanted = with(&wanted, "fields", counted);
    let wanted = with(&with(&wanted, "sort", "-count()"), "query", "");
    let told = mcp.text("search_events", wanted.clone()).await;
    let (_, table) = told.split_once("```json\n").unwrap();
    let (table, _) = table.split_once("```").unwrap();
    let rows: Value = serde_json::from_str(table).unwrap();
    assert_eq!(rows.as_array().unwrap().len(), 2, "{rows}");
    let row = &rows[0];
    assert_eq!(row["title"], "PaymentError: card was declined");
    assert_eq!(row["count()"], 2);
    assert_eq!(row["count_unique(user)"], 1);
    let payment = lab.issue("PaymentError: card was declined").await;
    assert_eq!(row["issue"], payment["shortId"]);
    let wrong = with(&wanted, "query", "no_such(");
    let refused = mcp.result("search_events", wrong).await;
    assert_eq!(refused["isError"], true, "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_resolves_ignores_and_gives_an_issue_and_says_why() {
    let lab = Lab::filled().await;
    let Some(mut mcp) = Mcp::start(&lab).await else {
        return;
    };
    let payment = lab.issue("PaymentError: card was declined").await;
    let path = format!("{ORG}issues/{}/", payment["id"].as_str().unwrap());
    let of_issue = json!({ "organizationSlug": ORGANISATION, "issueId": payment["shortId"] });

    let made = json!({ "organizationSlug": ORGANISATION, "name": "payments" });
    let made = mcp.json("create_team", made).await;
    assert_eq!(made["team"]["slug"], "payments");
    let added = with(&in_project(), "teamSlug", "payments");
    let added = mcp.json("add_team_to_project", added).await;
    assert_eq!(added["changed"], true);
    let members = lab.get(&format!("{ORG}members/")).await;
    let person = members[0]["user"]["id"].as_str().unwrap();
    for (to, kind, name) in [
        (format!("user:{person}"), "user", "owner@localhost"),
        ("team:payments".to_owned(), "team", "payments"),
    ] {
        let given = with(&of_issue, "assignedTo", to);
        let told = mcp.text("update_issue", given).await;
        contains(&told, &[&format!("**Assigned To**: {name}")]);
        let shown = lab.get(&path).await;
        assert_eq!(shown["assignedTo"]["type"], kind);
        assert_eq!(shown["assignedTo"]["name"], name);
    }

    let resolved = with(&of_issue, "status", "resolved");
    let resolved = with(&resolved, "reason", "mended");
    let told = mcp.text("update_issue", resolved).await;
    contains(
        &told,
        &[
            "**Status**: unresolved → **resolved**",
            "**Comment posted**: \"mended\"",
        ],
    );
    assert_eq!(lab.get(&path).await["status"], "resolved");
    let notes = lab.get(&format!("{path}notes/")).await;
    assert_eq!(notes[0]["data"]["text"], "mended");
    let opened = with(&of_issue, "status", "unresolved");
    mcp.text("update_issue", opened).await;
    let ignored = with(&of_issue, "status", "ignored");
    let ignored = with(&ignored, "ignoreMode", "untilOccurrenceCount");
    let ignored = with(&ignored, "ignoreCount", 100);
    let ignored = with(&ignored, "ignoreWindowMinutes", 60);
    let told = mcp.text("update_issue", ignored).await;
    contains(&told, &["Until it occurs 100 times in 60 minutes"]);
    let shown = lab.get(&path).await;
    assert_eq!(shown["status"], "ignored");
    assert_eq!(shown["statusDetails"]["ignoreCount"], 100);

    let note = with(&of_issue, "text", "seen again");
    let told = mcp.text("add_issue_note", note).await;
    contains(&told, &["**Text**: seen again", "**Author**: First start"]);
    let told = mcp.text("get_issue_activity", of_issue).await;
    contains(
        &told,
        &["set_resolved by First start", "mended", "seen again"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_sets_a_project_up_and_reads_its_releases() {
    let lab = Lab::filled().await;
    let Some(mut mcp) = Mcp::start(&lab).await else {
        return;
    };
    let made = json!({
        "organizationSlug": ORGANISATION,
        "teamSlug": ORGANISATION,
        "name": "bank",
        "platform": "python",
    });
    let told = mcp.text("create_project", made).await;
    let keys = lab
        .get(&format!("/api/0/projects/{ORGANISATION}/bank/keys/"))
        .await;
    let dsn = keys[0]["dsn"]["public"].as_str().unwrap();
    contains(
        &told,
        &["**Slug**: bank", &format!("**SENTRY_DSN**: {dsn}")],
    );
    let bank = json!({ "organizationSlug": ORGANISATION, "projectSlug": "bank" });
    let renamed = with(&bank, "name", "The bank");
    let told = mcp.json("update_project", renamed).await;
    assert_eq!(told["project"]["name"], "The bank");
    let second = with(&bank, "name", "second");
    let told = mcp.json("create_dsn", second).await;
    assert_eq!(told["dsn"]["name"], "second");

    let commits = json!({
        "version": "shop@1.2.3",
        "projects": [PROJECT],
        "commits": [
            { "id": "a".repeat(40), "message": "charges twice less", "repository": "shop",
              "author_name": "user-42", "author_email": "a@example.com" },
        ],
    });
    let releases = format!("{ORG}releases/");
    lab.call(Method::POST, &releases, Some(commits)).await;
    let deploy = json!({ "environment": "production", "name": "blue" });
    let deploys = format!("{releases}shop%401.2.3/deploys/");
    lab.call(Method::POST, &deploys, Some(deploy)).await;
    let wanted = json!({ "organizationSlug": ORGANISATION, "query": "shop" });
    let told = mcp.text("find_releases", wanted).await;
    contains(
        &told,
        &["shop@1.2.3", "charges twice less", "production", PROJECT],
    );
    let wanted = json!({ "organizationSlug": ORGANISATION, "releaseVersion": "shop@1.2.3" });
    let told = mcp.text("get_release_details", wanted).await;
    contains(
        &told,
        &[
            "# Release shop@1.2.3 in **my-organisation**",
            "**New Issues**: 1",
            "production",
            "charges twice less",
        ],
    );
}

fn in_project() -> Value {
    json!({ "organizationSlug": ORGANISATION, "projectSlug": PROJECT })
}

/// Returns the arguments with one more.
fn with(arguments: &Value, name: &str, value: impl Into<Value>) -> Value {
    let mut all = arguments.clone();
    all[name] = value.into();
    all
}
