//! Commands that need no server: setting up, the catalogue, settings, checks.

use serde_json::json;
use tempfile::tempdir;

use super::{failure, json, output};
use crate::program::command;

#[test]
fn init_prints_what_a_script_needs_and_nothing_else() {
    let dir = tempdir().unwrap();
    let data = dir.path().join("new");
    let made = json(&data, &["init", "--listen", "127.0.0.1:4321"]);
    let mut fields: Vec<_> = made
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    fields.sort_unstable();
    assert_eq!(
        fields,
        [
            "api_token",
            "dsn",
            "ingest_token",
            "organization",
            "project",
            "project_id",
            "url"
        ]
    );
    assert_eq!(made["url"], "http://127.0.0.1:4321");
    let dsn = made["dsn"].as_str().unwrap();
    assert!(dsn.ends_with(&format!(
        "@127.0.0.1:4321/{}",
        made["project_id"].as_str().unwrap()
    )));
    assert!(made["api_token"].as_str().unwrap().starts_with("sntryu_"));

    let (exit, detail) = failure(&data, &["init"]);
    assert_eq!(exit, 4, "{detail}");
    assert!(detail.contains("is set up already"), "{detail}");
}

#[test]
fn a_folder_without_a_server_is_told_and_not_filled() {
    let dir = tempdir().unwrap();
    let data = dir.path().join("absent");
    for arguments in [
        &["project", "list"] as &[&str],
        &["key", "list"],
        &["token", "list"],
        &["storage"],
        &["backup", "x"],
    ] {
        let (exit, detail) = failure(&data, arguments);
        assert_eq!(exit, 3, "{arguments:?}: {detail}");
        assert!(
            detail.starts_with("there is no Mini Sentry at "),
            "{detail}"
        );
    }
    assert!(!data.exists());
}

#[test]
fn a_project_lives_from_creation_to_deletion() {
    let dir = tempdir().unwrap();
    let data = dir.path();
    json(data, &["init"]);
    let made = json(
        data,
        &["project", "create", "My Shop", "--platform", "python"],
    );
    assert_eq!(made["slug"], "my-shop");
    assert_eq!(made["platform"], "python");
    assert!(made["dsn"].as_str().unwrap().starts_with("http://"));

    let (exit, _) = failure(data, &["project", "create", "My shop"]);
    assert_eq!(exit, 4);

    let changed = json(
        data,
        &[
            "project",
            "update",
            "my-shop",
            "--name",
            "The shop",
            "--setting",
            "filters.web_crawlers=true",
            "--new-ingest-token",
        ],
    );
    assert_eq!(changed["name"], "The shop");
    assert_eq!(changed["slug"], "my-shop");
    assert_eq!(changed["settings"]["filters"]["web_crawlers"], true);
    assert_ne!(changed["ingest_token"], made["ingest_token"]);
    assert_eq!(json(data, &["project", "show", "my-shop"]), changed);

    let (exit, _) = failure(data, &["project", "delete", "my-shop"]);
    assert_eq!(exit, 2, "deleting wants --yes");
    json(data, &["project", "delete", "my-shop", "--yes"]);
    let left = json(data, &["project", "list"]);
    assert_eq!(left.as_array().unwrap().len(), 1);
    assert_eq!(failure(data, &["project", "show", "my-shop"]).0, 3);
}

#[test]
fn a_key_is_limited_rotated_and_disabled() {
    let dir = tempdir().unwrap();
    let data = dir.path();
    let project = json(data, &["init"])["project"]
        .as_str()
        .unwrap()
        .to_owned();
    let made = json(
        data,
        &[
            "key", "create", &project, "--label", "web", "--limit", "300/1m",
        ],
    );
    assert_eq!(made["limit"], "300/60s");
    let name = made["public_key"].as_str().unwrap();

    let rotated = json(data, &["key", "rotate", name]);
    assert_eq!(rotated["label"], "web");
    assert_eq!(rotated["limit"], "300/60s");
    assert_ne!(rotated["public_key"], made["public_key"]);
    let name = rotated["public_key"].as_str().unwrap();
    assert_eq!(
        json(data, &["key", "limit", name, "none"])["limit"],
        json!(null)
    );
    assert_eq!(json(data, &["key", "disable", name])["active"], false);
    assert_eq!(json(data, &["key", "enable", name])["active"], true);

    let keys = json(data, &["key", "list", &project]);
    let active = keys
        .as_array()
        .unwrap()
        .iter()
        .filter(|key| key["active"] == true);
    assert_eq!(active.count(), 2, "the first one and the rotated one");
    json(data, &["key", "delete", name]);
    assert_eq!(failure(data, &["key", "disable", name]).0, 3);
}

#[test]
fn a_token_is_shown_once_and_revoked() {
    let dir = tempdir().unwrap();
    let data = dir.path();
    json(data, &["init"]);
    let made = json(
        data,
        &[
            "token",
            "create",
            "--label",
            "ci",
            "--ci",
            "--scope",
            "org:ci,project:read",
            "--expires",
            "90d",
        ],
    );
    let secret = made["token"].as_str().unwrap();
    assert!(secret.starts_with("sntrys_"));
    assert_eq!(made["scopes"], json!(["org:ci", "project:read"]));
    assert!(made["expires"].as_str().unwrap().ends_with('Z'));

    let listed = output(data, &["token", "list", "--json"]);
    let text = String::from_utf8(listed.stdout).unwrap();
    assert!(text.contains("\"ci\"") && !text.contains(secret));

    json(data, &["token", "revoke", secret]);
    assert_eq!(failure(data, &["token", "revoke", secret]).0, 3);
    let (exit, detail) = failure(data, &["token", "create", "--scope", "org:reed"]);
    assert_eq!(exit, 2);
    assert!(detail.contains("did you mean org:read?"), "{detail}");
}

#[test]
fn config_tells_where_each_setting_comes_from() {
    let dir = tempdir().unwrap();
    std::fs::write(
        dir.path().join("mini-sentry.toml"),
        "[retention]\ndays = 5\n",
    )
    .unwrap();
    let told = command()
        .args(["config", "--json", "--listen", "127.0.0.1:9", "--data"])
        .arg(dir.path())
        .env("RATE_LIMIT_EVENTS_PER_MINUTE", "7")
        .env("SECRET_KEY", "hush")
        .output()
        .unwrap();
    let told: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    let of = |name: &str| {
        let settings = told["settings"].as_array().unwrap();
        settings
            .iter()
            .find(|setting| setting["name"] == name)
            .unwrap()
            .clone()
    };
    assert_eq!(of("listen")["source"], "flag --listen");
    assert_eq!(of("ingest.events_per_minute")["value"], "7");
    let file = of("retention.days")["source"].as_str().unwrap().to_owned();
    assert!(file.ends_with("mini-sentry.toml:2"), "{file}");
    assert!(
        told["notes"][0]
            .as_str()
            .unwrap()
            .starts_with("SECRET_KEY ")
    );
    assert!(!told.to_string().contains("hush"));
}

#[test]
fn a_bad_setting_stops_every_command_with_where_it_came_from() {
    let refused = command()
        .args(["project", "list"])
        .env("RETENTION_DAYS", "soon")
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert_eq!(
        String::from_utf8(refused.stderr).unwrap(),
        "mini-sentry: retention.days from environment RETENTION_DAYS: \"soon\" is not a number in range\n"
    );
}

#[test]
fn doctor_is_content_with_a_new_folder_and_names_what_is_wrong() {
    let dir = tempdir().unwrap();
    let data = dir.path().join("data");
    json(&data, &["init"]);
    let well = json(&data, &["doctor"]);
    assert_eq!(well["ok"], true, "{well}");

    let starved = output(
        &data,
        &["doctor", "--set", "journal.min_free_bytes=4000TiB"],
    );
    assert_eq!(starved.status.code(), Some(1));
    assert!(
        String::from_utf8(starved.stdout)
            .unwrap()
            .contains("disk space")
    );

    std::fs::write(data.join("mini-sentry.db"), "this is no database").unwrap();
    let damaged = output(&data, &["doctor", "--json"]);
    assert_eq!(damaged.status.code(), Some(1));
    let told: serde_json::Value = serde_json::from_slice(&damaged.stdout).unwrap();
    let findings = told["findings"].as_array().unwrap();
    assert!(
        findings
            .iter()
            .any(|finding| finding["check"] == "database" && finding["status"] == "bad")
    );
}

#[test]
fn every_command_has_help_and_every_refusal_can_be_json() {
    for name in [
        "serve", "init", "project", "key", "token", "org", "user", "doctor", "backup", "restore",
        "storage", "config",
    ] {
        let help = command().args([name, "--help"]).output().unwrap();
        assert!(help.status.success(), "{name}");
        let help = String::from_utf8(help.stdout).unwrap();
        assert!(help.contains("--json") && help.contains("--data"), "{name}");
    }
    let refused = command()
        .args(["serve", "--colour", "--json"])
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(2));
    let told: serde_json::Value = serde_json::from_slice(&refused.stderr).unwrap();
    assert_eq!(told["error"]["code"], "usage");
}

#[test]
fn people_are_added_listed_and_removed_and_get_links_and_passwords() {
    let dir = tempdir().unwrap();
    let data = dir.path();
    json(data, &["init", "--email", "first@example.com"]);
    let link = json(data, &["user", "login-link"]);
    assert_eq!(link["email"], "first@example.com");
    assert!(link["login_link"].as_str().unwrap().contains("/auth/link/"));

    let made = json(data, &["user", "add", "A@Example.com", "--role", "viewer"]);
    assert_eq!(made["email"], "a@example.com");
    assert_eq!(made["role"], "viewer");
    assert!(made["login_link"].is_string());
    assert_eq!(failure(data, &["user", "add", "a@example.com"]).0, 4);
    assert_eq!(failure(data, &["user", "add", "nobody"]).0, 2);
    assert_eq!(failure(data, &["user", "remove", "first@example.com"]).0, 4);

    let listed = json(data, &["user", "list"]);
    let emails: Vec<_> = listed.as_array().unwrap().iter().collect();
    assert_eq!(emails.len(), 2);
    assert_eq!(emails[1]["has_password"], false);

    let set = |password: &str| {
        let mut child = command()
            .args([
                "user",
                "reset-password",
                "a@example.com",
                "--json",
                "--data",
            ])
            .arg(data)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        std::io::Write::write_all(&mut input, password.as_bytes()).unwrap();
        drop(input);
        child.wait().unwrap().code().unwrap()
    };
    assert_eq!(set("short"), 2);
    assert_eq!(set("correct-horse\n"), 0);
    assert_eq!(json(data, &["user", "list"])[1]["has_password"], true);

    let off = json(data, &["user", "deactivate", "a@example.com"]);
    assert_eq!(off["active"], false);
    assert_eq!(json(data, &["user", "list"])[1]["active"], false);
    json(data, &["user", "activate", "a@example.com"]);
    assert_eq!(json(data, &["user", "list"])[1]["active"], true);
    let last = failure(data, &["user", "deactivate", "first@example.com"]);
    assert_eq!(last.0, 4, "{}", last.1);

    json(data, &["user", "remove", "a@example.com"]);
    assert_eq!(json(data, &["user", "list"]).as_array().unwrap().len(), 1);
    assert_eq!(failure(data, &["user", "remove", "a@example.com"]).0, 3);
}

#[test]
fn an_organisation_is_opened_and_closed() {
    let dir = tempdir().unwrap();
    let data = dir.path();
    json(data, &["init"]);
    let listed = json(data, &["org", "list"]);
    assert_eq!(listed[0]["slug"], "my-organisation");
    assert_eq!(listed[0]["open_membership"], true);
    assert_eq!(listed[0]["members"], 1);
    let closed = json(data, &["org", "update", "--open-membership", "false"]);
    assert_eq!(closed["open_membership"], false);
    let named = [
        "org",
        "update",
        "my-organisation",
        "--open-membership",
        "true",
    ];
    assert_eq!(json(data, &named)["open_membership"], true);
    assert_eq!(
        failure(
            data,
            &["org", "update", "other", "--open-membership", "true"]
        )
        .0,
        3
    );
    assert_eq!(failure(data, &["org", "update"]).0, 2);
}
