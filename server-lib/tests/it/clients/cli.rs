//! `sentry-cli`: every command is run as a person would, and its effect read back.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::lab::{
    IN_PROJECT, Lab, ORG, ORGANISATION, PAYMENT, PAYMENT_AGAIN, PROJECT, TIMEOUT, packages,
};

/// What a command said and how it ended.
#[derive(Debug)]
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Said {
    /// Returns the output of a command that must have succeeded.
    #[track_caller]
    fn well(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out
    }

    /// Returns the cells of the printed table, row by row, without its head. A cell may have several
    /// lines.
    #[track_caller]
    fn rows(self) -> Vec<Vec<String>> {
        let out = self.well();
        let lines = out.lines().filter(|line| line.starts_with('|'));
        let cells = |line: &str| {
            let line = line.trim_matches('|');
            line.split('|').map(|cell| cell.trim().to_owned()).collect()
        };
        let mut rows: Vec<Vec<String>> = Vec::new();
        for line in lines.map(cells).collect::<Vec<Vec<String>>>() {
            match rows.last_mut() {
                Some(row) if line[0].is_empty() => {
                    for (cell, more) in row.iter_mut().zip(line) {
                        *cell = format!("{cell} {more}");
                    }
                }
                _ => rows.push(line),
            }
        }
        assert!(!rows.is_empty(), "no table in {out}");
        rows.remove(0);
        rows
    }
}

/// The command line with its settings.
struct Cli<'a> {
    lab: &'a Lab,
    program: PathBuf,
    settings: Vec<(&'static str, String)>,
}

impl<'a> Cli<'a> {
    /// With the settings that people put into the environment of a build.
    fn new(lab: &'a Lab) -> Option<Self> {
        let program = packages()?.join("node_modules/.bin/sentry-cli");
        let settings = vec![
            ("SENTRY_URL", lab.url()),
            ("SENTRY_AUTH_TOKEN", lab.program.token.clone()),
            ("SENTRY_ORG", ORGANISATION.to_owned()),
            ("SENTRY_PROJECT", PROJECT.to_owned()),
        ];
        Some(Self {
            lab,
            program,
            settings,
        })
    }

    fn with(mut self, settings: &[(&'static str, &str)]) -> Self {
        let settings = settings
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()));
        self.settings = settings.collect();
        self
    }

    async fn run(&self, arguments: &[&str]) -> Said {
        self.run_in(self.lab.home(), arguments).await
    }

    async fn run_in(&self, folder: &Path, arguments: &[&str]) -> Said {
        let mut settings = vec![("SENTRY_DISABLE_UPDATE_CHECK", "1")];
        let own = self.settings.iter();
        settings.extend(own.map(|(name, value)| (*name, value.as_str())));
        let run = self.lab.run(&self.program, folder, arguments, &settings);
        let output = run.await;
        Said {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

fn column(rows: &[Vec<String>], number: usize) -> Vec<&str> {
    rows.iter().map(|row| row[number].as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_tells_who_it_is_and_lists_where_it_may_go() {
    let lab = Lab::start().await;
    let Some(cli) = Cli::new(&lab) else { return };
    let told = cli.run(&["info"]).await.well();
    for line in [
        &format!("Sentry Server: {}", lab.url()),
        "Default Organization: my-organisation",
        "Default Project: my-project",
        "Method: Auth Token",
    ] {
        assert!(told.contains(line), "no {line} in {told}");
    }
    assert!(told.contains("event:read"), "{told}");

    let rows = cli.run(&["organizations", "list"]).await.rows();
    assert_eq!(column(&rows, 1), ["My organisation"]);
    assert_eq!(column(&rows, 2), [ORGANISATION]);
    let rows = cli.run(&["projects", "list"]).await.rows();
    assert_eq!(column(&rows, 1), [PROJECT]);
    assert_eq!(column(&rows, 3), ["My project"]);

    let wrong = Cli::new(&lab).unwrap().with(&[
        ("SENTRY_URL", &lab.url()),
        ("SENTRY_AUTH_TOKEN", &"0".repeat(64)),
    ]);
    let said = wrong.run(&["organizations", "list"]).await;
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("Invalid token"), "{said:?}");
    let elsewhere = ["projects", "list", "--org", "elsewhere"];
    let said = cli.run(&elsewhere).await;
    assert_eq!(said.code, Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_an_organisation_spares_the_command_line_its_settings() {
    let lab = Lab::start().await;
    let Some(cli) = Cli::new(&lab) else { return };
    let wanted = json!({ "name": "build", "scopes": ["org:ci", "org:read", "project:releases"] });
    let path = format!("{ORG}org-auth-tokens/");
    let made = lab.call(reqwest::Method::POST, &path, Some(wanted)).await;
    let token = made.json()["token"].as_str().unwrap().to_owned();
    let cli = cli.with(&[("SENTRY_AUTH_TOKEN", &token)]);
    let rows = cli.run(&["projects", "list"]).await.rows();
    assert_eq!(column(&rows, 1), [PROJECT]);
    let made = ["releases", "new", "--project", PROJECT, "shop@2.0.0"];
    cli.run(&made).await.well();
    let release = lab.get(&format!("{ORG}releases/shop%402.0.0/")).await;
    assert_eq!(release["version"], "shop@2.0.0");
    // It may build releases, not read errors.
    let said = cli.run(&["issues", "list", "--project", PROJECT]).await;
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("do not have permission"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn issues_and_events_are_listed_and_an_issue_is_resolved() {
    let lab = Lab::filled().await;
    let Some(cli) = Cli::new(&lab) else { return };
    let payment = lab.issue("PaymentError: card was declined").await;
    let number = payment["id"].as_str().unwrap();

    let rows = cli.run(&["issues", "list"]).await.rows();
    assert_eq!(rows.len(), 2);
    let row = rows.iter().find(|row| row[0] == number).unwrap();
    assert_eq!(row[1], payment["shortId"]);
    assert_eq!(row[2], "PaymentError: card was declined");
    assert_eq!(row[3], payment["lastSeen"]);
    assert_eq!((row[4].as_str(), row[5].as_str()), ("unresolved", "error"));
    let narrow = ["issues", "list", "--query", "level:warning"];
    let rows = cli.run(&narrow).await.rows();
    assert_eq!(column(&rows, 2), ["the bank did not answer"]);

    let rows = cli
        .run(&["events", "list", "--show-user", "--show-tags"])
        .await
        .rows();
    let row = |id: &str| {
        let mut found = rows
            .iter()
            .filter(|row| row[0].trim().replace('-', "") == id);
        let row = found
            .next()
            .unwrap_or_else(|| panic!("no {id} in {rows:?}"));
        row.join(" ")
    };
    assert_eq!(rows.len(), 3);
    assert!(row(TIMEOUT).contains("the bank did not answer"));
    assert!(row(PAYMENT_AGAIN).contains("PaymentError"));
    let row = row(PAYMENT);
    for part in [
        "PaymentError: card was declined",
        "a@example.com",
        "shard",
        "eu-3",
    ] {
        assert!(row.contains(part), "no {part} in {row}");
    }

    let told = cli.run(&["issues", "resolve", "--id", number]).await.well();
    assert!(told.contains("new status: resolved"), "{told}");
    let path = format!("{ORG}issues/{number}/");
    assert_eq!(lab.get(&path).await["status"], "resolved");
    let open = ["issues", "list", "--query", "is:unresolved"];
    let rows = cli.run(&open).await.rows();
    assert_eq!(column(&rows, 2), ["the bank did not answer"]);
    let all = ["issues", "mute", "--status", "unresolved"];
    cli.run(&all).await.well();
    let ignored = ["issues", "list", "--query", "is:ignored"];
    let rows = cli.run(&ignored).await.rows();
    assert_eq!(column(&rows, 2), ["the bank did not answer"]);
    let all = ["issues", "unresolve", "--status", "muted"];
    cli.run(&all).await.well();
    let rows = cli.run(&open).await.rows();
    assert_eq!(column(&rows, 2), ["the bank did not answer"]);
    assert_eq!(lab.get(&path).await["status"], "resolved");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_is_made_given_its_commits_finalized_and_deployed() {
    const VERSION: &str = "shop@2.0.0+7";
    let lab = Lab::filled().await;
    let Some(cli) = Cli::new(&lab) else { return };
    let path = format!("{ORG}releases/shop%402.0.0%2B7/");
    let url = "https://shop.example.com/changes";
    let told = cli
        .run(&["releases", "new", VERSION, "--url", url])
        .await
        .well();
    assert!(told.contains("Created release"), "{told}");
    let release = lab.get(&path).await;
    assert_eq!(release["version"], VERSION);
    assert_eq!(release["url"], url);
    assert_eq!(release["projects"][0]["slug"], PROJECT);
    assert_eq!(release["dateReleased"], Value::Null);

    let repository = repository(&lab).await;
    let commits = ["releases", "set-commits", VERSION, "--auto"];
    let told = cli.run_in(&repository, &commits).await.well();
    assert!(told.contains("Success! Set commits for release"), "{told}");
    let commits = lab.get(&format!("{path}commits/")).await;
    let messages: Vec<_> = commits
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["message"].as_str().unwrap().trim())
        .collect();
    assert_eq!(messages, ["second", "first"]);
    assert_eq!(lab.get(&path).await["commitCount"], 2);

    let told = cli.run(&["releases", "finalize", VERSION]).await.well();
    assert!(told.contains("Finalized release"), "{told}");
    assert!(lab.get(&path).await["dateReleased"].is_string());

    let deploy = [
        "deploys",
        "new",
        "--release",
        VERSION,
        "--env",
        "production",
        "--name",
        "blue",
        "--time",
        "90",
    ];
    let told = cli.run(&deploy).await.well();
    assert!(
        told.contains("Created new deploy blue for 'production'"),
        "{told}"
    );
    let deploys = lab.get(&format!("{path}deploys/")).await;
    assert_eq!(deploys[0]["environment"], "production");
    assert_eq!(deploys[0]["name"], "blue");

    let raw = cli.run(&["releases", "list", "--raw"]).await.well();
    let mut versions: Vec<_> = raw.lines().collect();
    versions.sort_unstable();
    assert_eq!(versions, ["shop@1.2.3", VERSION]);
    let rows = cli
        .run(&["releases", "list", "--show-projects"])
        .await
        .rows();
    assert_eq!(rows.len(), 2);
    let unknown = cli.run(&["releases", "info", "shop@0.0.0"]).await;
    assert_eq!(unknown.code, Some(1), "{unknown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_command_line_sends_arrives() {
    let lab = Lab::start().await;
    let Some(cli) = Cli::new(&lab) else { return };
    let cli = cli.with(&[("SENTRY_DSN", &lab.dsn())]);
    let send = [
        "send-event",
        "--message",
        "the disk is full",
        "--level",
        "fatal",
        "--release",
        "nightly@4",
        "--env",
        "staging",
        "--tag",
        "host:web-7",
        "--user",
        "id:42",
        "--extra",
        "free:0",
        "--fingerprint",
        "disk",
    ];
    let told = cli.run(&send).await.well();
    let id = told.trim().rsplit(' ').next().unwrap().replace('-', "");
    let event = lab
        .wait(&format!("{IN_PROJECT}events/{id}/"), |_| true)
        .await;
    assert_eq!(event["title"], "the disk is full");
    assert_eq!(event["release"]["version"], "nightly@4");
    assert_eq!(event["user"]["id"], "42");
    assert_eq!(event["context"]["free"], "0");
    let tags = event["tags"].as_array().unwrap();
    for (key, value) in [
        ("host", "web-7"),
        ("environment", "staging"),
        ("level", "fatal"),
    ] {
        let tag = json!({ "key": key, "value": value });
        assert!(tags.contains(&tag), "no {tag} in {tags:?}");
    }

    for (code, command) in [(0, "exit 0"), (7, "exit 7")] {
        let run = [
            "monitors",
            "run",
            "nightly",
            "--schedule",
            "0 3 * * *",
            "--",
            "sh",
            "-c",
            command,
        ];
        let said = cli.run(&run).await;
        assert_eq!(said.code, Some(code), "{said:?}");
    }
    let sums = format!(
        "{ORG}stats_v2/?field=sum(quantity)&category=monitor&groupBy=outcome&statsPeriod=1h&interval=1h"
    );
    lab.wait(&sums, |sums| {
        let group = &sums["groups"][0];
        group["by"]["outcome"] == "accepted" && group["totals"]["sum(quantity)"] == 4
    })
    .await;
}

/// Makes a folder under git with two commits.
async fn repository(lab: &Lab) -> PathBuf {
    let folder = lab.folder("repository");
    let name = folder.to_str().unwrap();
    let begin = ["-c", "init.defaultBranch=main", "init", "--quiet", name];
    let as_person = ["-c", "user.name=user-42", "-c", "user.email=a@example.com"];
    lab.git(&begin).await;
    lab.git(&[
        "-C",
        name,
        "remote",
        "add",
        "origin",
        "https://git.example.com/shop/shop.git",
    ])
    .await;
    for message in ["first", "second"] {
        std::fs::write(folder.join("notes.txt"), message).unwrap();
        lab.git(&["-C", name, "add", "notes.txt"]).await;
        let commit = ["-C", name, "commit", "--quiet", "--message", message];
        lab.git(&[&as_person[..], &commit].concat()).await;
    }
    folder
}
