//! The example as its reader starts it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(30);

struct Shop {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Shop {
    fn open(data: &std::path::Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_axum-embedded"))
            .arg("127.0.0.1:0")
            .arg(data)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    fn line(&mut self) -> String {
        self.lines.next().unwrap().unwrap()
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn events(client: &reqwest::Client, shop: &str, token: &str, at_least: usize) -> Vec<Value> {
    let begin = Instant::now();
    loop {
        let url = format!("{shop}/errors/api/events/");
        let answer = client.get(url).bearer_auth(token).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let page: Value = answer.json().await.unwrap();
        let results = page["results"].as_array().unwrap();
        if results.len() >= at_least {
            return results.clone();
        }
        assert!(
            begin.elapsed() < PATIENCE,
            "the event does not arrive: {page}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn an_error_of_the_host_is_read_back_under_the_prefix_and_after_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();

    let mut shop = Shop::open(data.path());
    let told = shop.line();
    let token = told
        .strip_prefix("API token, shown once: ")
        .unwrap()
        .to_owned();
    let ready = shop.line();
    let address = ready.split_once("/buy").unwrap().0.to_owned();
    let bought = client.get(format!("{address}/buy")).send().await.unwrap();
    assert_eq!(bought.status(), 500);
    let found = events(&client, &address, &token, 1).await;
    let text = found[0].to_string();
    assert!(text.contains("invalid digit found in string"), "{text}");
    drop(shop);

    let mut shop = Shop::open(data.path());
    let ready = shop.line();
    let address = ready.split_once("/buy").unwrap().0.to_owned();
    assert_eq!(events(&client, &address, &token, 1).await.len(), 1);
}
