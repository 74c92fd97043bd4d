//! The running binary with some errors in it, and programs that are run beside it.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use crate::caller::{Answer, answer, client};
use crate::program::Program;

/// How long a client's program may take: it is started from nothing, perhaps on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(180);

pub(crate) const ORGANISATION: &str = "my-organisation";
pub(crate) const PROJECT: &str = "my-project";
pub(crate) const ORG: &str = "/api/0/organizations/my-organisation/";
pub(crate) const IN_PROJECT: &str = "/api/0/projects/my-organisation/my-project/";

/// The ids of the events that [`Lab::fill`] sends, the latest last.
pub(crate) const PAYMENT: &str = "00000000000000000000000000000a01";
pub(crate) const PAYMENT_AGAIN: &str = "00000000000000000000000000000a02";
pub(crate) const TIMEOUT: &str = "00000000000000000000000000000b01";

/// The running binary and its folder, in which clients may put files too.
pub(crate) struct Lab {
    pub(crate) program: Program,
    folder: TempDir,
}

impl Lab {
    /// Starts a new server.
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut program = Program::init(&folder.path().join("data"), &[]);
        program.start().await;
        Self { program, folder }
    }

    /// Starts a new server with two issues, of which one has two events.
    pub(crate) async fn filled() -> Self {
        let lab = Self::start().await;
        lab.fill().await;
        lab
    }

    /// Makes a folder that is gone with the server.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        let folder = self.folder.path().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.program.address)
    }

    pub(crate) fn dsn(&self) -> String {
        let Program { key, address, .. } = &self.program;
        format!("http://{key}@{address}/{}", self.program.project)
    }

    /// Calls a path with the token and a body.
    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let url = format!("{}{path}", self.url());
        let request = client()
            .request(method, url)
            .bearer_auth(&self.program.token);
        answer(match body {
            Some(body) => request.json(&body),
            None => request,
        })
        .await
    }

    /// Gets a path; the answer must be 200.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let answer = self.call(Method::GET, path, None).await;
        assert_eq!(answer.status, StatusCode::OK, "GET {path}: {}", answer.text);
        answer.json()
    }

    /// Gets a path until the answer is as wanted, and returns it.
    pub(crate) async fn wait(&self, path: &str, is_wanted: impl Fn(&Value) -> bool) -> Value {
        let begin = Instant::now();
        loop {
            let answer = self.call(Method::GET, path, None).await;
            if answer.status == StatusCode::OK {
                let shown = answer.json();
                if is_wanted(&shown) {
                    return shown;
                }
            }
            let text = &answer.text;
            assert!(begin.elapsed() < PATIENCE, "{path} stays {text}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Returns the issue of a title.
    pub(crate) async fn issue(&self, title: &str) -> Value {
        let path = format!("{ORG}issues/?query=");
        let found = |list: &Value| {
            let rows = list.as_array().unwrap();
            rows.iter().find(|row| row["title"] == title).cloned()
        };
        let list = self.wait(&path, |list| found(list).is_some()).await;
        found(&list).unwrap()
    }

    /// Sends items of one envelope.
    pub(crate) async fn send(&self, items: &[(&str, Value)]) {
        let mut envelope = String::from("{}\n");
        for (kind, item) in items {
            envelope += &format!("{}\n{item}\n", json!({ "type": kind }));
        }
        let Program { project, key, .. } = &self.program;
        let url = format!("{}/api/{project}/envelope/?sentry_key={key}", self.url());
        let sent = answer(client().post(url).body(envelope)).await;
        assert_eq!(sent.status, StatusCode::OK, "{}", sent.text);
    }

    async fn fill(&self) {
        for id in [PAYMENT, PAYMENT_AGAIN] {
            self.send(&[("event", payment(id))]).await;
        }
        self.send(&[("event", timeout())]).await;
        // The index is the last to know of an event, and only this question needs it for certain.
        let path = format!("{ORG}events/?field=title&field=count()&statsPeriod=1h");
        self.wait(&path, |table| {
            let rows = table["data"].as_array().unwrap();
            rows.iter()
                .filter_map(|row| row["count()"].as_u64())
                .sum::<u64>()
                == 3
        })
        .await;
    }

    /// Returns a folder for the files of a person.
    pub(crate) fn home(&self) -> &Path {
        self.folder.path()
    }

    /// Runs a program to its end in a folder, with settings of its own and none of ours.
    pub(crate) async fn run(
        &self,
        program: &Path,
        folder: &Path,
        arguments: &[&str],
        settings: &[(&str, &str)],
    ) -> Output {
        let output = command(program)
            .args(arguments)
            .env("HOME", self.home())
            .envs(settings.iter().copied())
            .current_dir(folder)
            .output();
        tokio::time::timeout(PATIENCE, output)
            .await
            .unwrap_or_else(|_| panic!("{} hangs", program.display()))
            .unwrap_or_else(|error| panic!("{}: {error}", program.display()))
    }

    /// Runs git, which must succeed.
    pub(crate) async fn git(&self, arguments: &[&str]) {
        let output = self.run("git".as_ref(), self.home(), arguments, &[]).await;
        assert!(output.status.success(), "git {arguments:?}: {output:?}");
    }
}

/// Returns a command that ends with the test.
pub(crate) fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

/// Returns the folder of the clients; `None` where they are not installed.
pub(crate) fn packages() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients");
    if folder.join("node_modules").exists() {
        return Some(folder);
    }
    skip("tests/clients/node_modules is not installed");
    None
}

/// Leaves a test out, which CI must not.
pub(crate) fn skip(why: &str) {
    assert!(std::env::var_os("CI").is_none(), "{why}");
    println!("skipped: {why}");
}

fn payment(id: &str) -> Value {
    json!({
        "event_id": id,
        "platform": "python",
        "level": "error",
        "logger": "shop.pay",
        "release": "shop@1.2.3",
        "environment": "production",
        "transaction": "POST /pay",
        "user": { "id": "42", "email": "a@example.com" },
        "tags": { "shard": "eu-3" },
        "contexts": { "order": { "number": 4711 } },
        "request": { "method": "POST", "url": "https://shop.example.com/pay" },
        "breadcrumbs": { "values": [
            { "category": "cart", "message": "opened the cart", "level": "info" },
        ] },
        "exception": { "values": [{
            "type": "PaymentError",
            "value": "card was declined",
            "module": "shop.errors",
            "mechanism": { "type": "flask", "handled": false },
            "stacktrace": { "frames": [
                { "function": "view", "filename": "shop/views.py", "module": "shop.views",
                  "lineno": 12, "in_app": true, "context_line": "    pay(order)" },
                { "function": "charge", "filename": "shop/pay.py", "module": "shop.pay",
                  "lineno": 31, "in_app": true,
                  "pre_context": ["def charge(card):"],
                  "context_line": "    raise PaymentError('card was declined')",
                  "vars": { "amount": "17" } },
            ] },
        }] },
    })
}

fn timeout() -> Value {
    json!({
        "event_id": TIMEOUT,
        "platform": "node",
        "level": "warning",
        "environment": "staging",
        "message": "the bank did not answer",
    })
}
