//! What must not be on disk is not on disk.

use bytes::Bytes;
use mini_sentry_server::model::ids::Seq;
use mini_sentry_server::model::record::RecordKind;

use super::door::{Door, envelope};

/// A number that is a card's by its check digit.
const CARD: &str = "4111 1111 1111 1111";
const SECRETS: &[&str] = &[
    "hunter2",
    CARD,
    "s3cr3t-value",
    "user-42@example.com",
    "192.0.2.99",
];

/// Returns everything that the journal has on disk about its records, unpacked.
fn everything(door: &Door) -> String {
    let mut all = String::new();
    for record in door.records() {
        all.push_str(&format!("{:?}", record.head));
        all.push_str(&String::from_utf8_lossy(&record.body));
    }
    all
}

#[tokio::test]
async fn secrets_of_every_kind_of_item_stay_outside() {
    let door = Door::open_with(|plan| {
        plan.settings.scrubbing.sensitive_fields = vec!["iban".to_owned()];
        plan.settings.scrubbing.ip_addresses = true;
    })
    .await;
    let event = format!(
        r#"{{"message":"paid with {CARD}","user":{{"id":"7","ip_address":"192.0.2.99"}},"request":{{"env":{{"REMOTE_ADDR":"192.0.2.99"}},"data":{{"password":"hunter2","iban":"s3cr3t-value"}}}}}}"#
    );
    let log = r#"{"items":[{"body":"login with password=hunter2","attributes":{"iban":{"value":"s3cr3t-value","type":"string"}}}]}"#;
    let session = r#"{"sid":"11111111111111111111111111111111","did":"user-42@example.com","started":"2026-01-02T03:04:05Z","attrs":{"release":"a","ip_address":"192.0.2.99"}}"#;
    let sessions = r#"{"aggregates":[{"started":"2026-01-02T03:04:00Z","did":"user-42@example.com","exited":1}],"attrs":{"release":"a"}}"#;
    let transaction = r#"{"type":"transaction","spans":[{"data":{"password":"hunter2"}}]}"#;
    let feedback = format!(r#"{{"contexts":{{"feedback":{{"message":"my card is {CARD}"}}}}}}"#);
    let unknown = r#"{"password":"hunter2"}"#;
    for items in [
        vec![
            ("event", event.as_str()),
            ("log", log),
            ("session", session),
            ("sessions", sessions),
        ],
        vec![("transaction", transaction)],
        vec![("feedback", feedback.as_str())],
        vec![
            ("of_tomorrow", unknown),
            ("span", unknown),
            ("user_report", unknown),
        ],
    ] {
        let sent = items.len() as u64;
        let before = door.records().len() as u64;
        let receipt = door.send(envelope("{}", &items)).await.unwrap();
        assert_eq!(receipt.last, Some(Seq(before + sent)));
    }
    let everything = everything(&door);
    for secret in SECRETS {
        assert!(!everything.contains(secret), "{secret} is on disk");
    }
    assert!(everything.contains("[Filtered]"));
    assert!(door.metrics.scrubbed.get() >= 8);
    // The title that the index gets is as clean as the body.
    let title = door.records()[0].body.clone();
    assert!(!String::from_utf8_lossy(&title).contains(CARD));
}

#[tokio::test]
async fn a_title_is_taken_from_what_is_left() {
    use mini_sentry_server::journal::Journal;
    let door = Door::open().await;
    door.send_event(&format!(r#"{{"message":"paid with {CARD}"}}"#))
        .await
        .unwrap();
    let delivered = door
        .journal
        .read_after(Seq(0), 1, std::time::Duration::ZERO)
        .unwrap();
    let facts = delivered[0].facts.as_ref().unwrap();
    assert_eq!(facts.title, "paid with [Filtered]");
}

#[tokio::test]
async fn addresses_are_kept_only_where_event_and_project_want_it() {
    let keeps = Door::open().await;
    let drops = Door::open_with(|plan| plan.settings.scrubbing.ip_addresses = true).await;
    let auto = r#"{"platform":"python","user":{"ip_address":"{{auto}}"}}"#;
    let server = r#"{"platform":"python"}"#;
    let browser = r#"{"platform":"javascript"}"#;
    for (json, address, agent) in [
        (auto, true, false),
        (server, false, false),
        (browser, true, true),
    ] {
        keeps.send_event(json).await.unwrap();
        drops.send_event(json).await.unwrap();
        let kept = keeps.records().pop().unwrap().head.context;
        assert_eq!(kept.client_ip.is_some(), address, "{json}");
        assert_eq!(kept.user_agent.is_some(), agent, "{json}");
        let dropped = drops.records().pop().unwrap().head.context;
        assert_eq!(dropped.client_ip, None, "{json}");
    }
    assert!(!everything(&drops).contains("203.0.113.7"));
}

#[tokio::test]
async fn switching_scrubbing_off_is_believed_and_attachments_are_never_touched() {
    let door = Door::open_with(|plan| plan.settings.scrubbing.defaults = false).await;
    let json = r#"{"extra":{"password":"hunter2"}}"#;
    door.send_event(json).await.unwrap();
    assert_eq!(door.records()[0].body, json.as_bytes());
    let usual = Door::open().await;
    let text = "password=hunter2";
    usual
        .send(envelope("{}", &[("attachment", text)]))
        .await
        .unwrap();
    let record = usual.records().pop().unwrap();
    assert_eq!(record.head.kind, RecordKind::Attachment);
    assert_eq!(record.body, Bytes::from_static(text.as_bytes()));
}

#[tokio::test]
async fn a_change_of_settings_holds_from_the_next_refresh_on() {
    use mini_sentry_server::store::ProjectChange;
    let door = Door::open().await;
    let json = r#"{"extra":{"shoe_size":"s3cr3t-value"}}"#;
    door.send_event(json).await.unwrap();
    let mut settings = door.project.settings.clone();
    settings.scrubbing.sensitive_fields = vec!["shoe".to_owned()];
    let change = ProjectChange {
        settings: Some(settings),
        ..ProjectChange::default()
    };
    door.store
        .catalog
        .update_project(door.project.id, change)
        .await
        .unwrap();
    door.catalog.refresh().await.unwrap();
    door.send_event(json).await.unwrap();
    let records = door.records();
    assert_eq!(records[0].body, json.as_bytes());
    assert_eq!(
        records[1].body,
        json.replace("s3cr3t-value", "[Filtered]").as_bytes()
    );
}
