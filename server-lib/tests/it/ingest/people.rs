//! What people say about errors: the dialog of error pages, and feedback by address.

use mini_sentry_server::model::record::RecordKind;
use mini_sentry_server::testkit::TestServer;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use super::{items, keyed, only_item, pairs_text};
use crate::caller::{answer, event, request, send_envelope};

const ID: &str = "9ec79c33ec9942ab8353589fcb2e04dc";

fn dialog(server: &TestServer, method: Method, more: &[(&str, &str)]) -> RequestBuilder {
    let dsn = server.dsn();
    let mut pairs = vec![("dsn", dsn.as_str()), ("eventId", ID)];
    pairs.extend(more);
    let path = format!("/api/embed/error-page/?{}", pairs_text(&pairs));
    request(server, method, &path)
}

#[tokio::test]
async fn the_dialog_is_a_script_that_holds_what_the_page_gave_as_data_only() {
    let server = TestServer::start().await.unwrap();
    let evil = "</script><script>alert(1)</script>";
    let shown = answer(dialog(
        &server,
        Method::GET,
        &[("name", evil), ("title", "Oh no")],
    ))
    .await;
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.text);
    assert!(shown.header("content-type").starts_with("text/javascript"));
    assert_eq!(shown.header("access-control-allow-origin"), "*");
    assert!(!shown.text.contains(evil) && !shown.text.contains("</script>"));
    assert!(shown.text.contains("Oh no"));
    assert!(shown.text.contains(&format!("eventId={ID}")));
    for path in [
        "/api/embed/error-page/".to_owned(),
        format!("/api/embed/error-page/?eventId={ID}&dsn=http://a@b/1"),
        format!("/api/embed/error-page/?dsn={}", server.dsn()),
    ] {
        let refused = answer(request(&server, Method::GET, &path)).await;
        assert!(refused.status.is_client_error(), "{path}");
        assert!(refused.json()["detail"].is_string());
    }
}

#[tokio::test]
async fn what_a_user_writes_into_the_dialog_is_kept() {
    let server = TestServer::start().await.unwrap();
    let fields = [
        ("name", "user-42"),
        ("email", "a@example.com"),
        ("comments", "it broke & hurt"),
    ];
    let sent = answer(dialog(&server, Method::POST, &[]).body(pairs_text(&fields))).await;
    assert_eq!(sent.status, StatusCode::OK, "{}", sent.text);
    let (row, report) = only_item(&server, RecordKind::UserReport).await;
    assert_eq!(row.event_id.to_string(), ID);
    assert_eq!(report["comments"], "it broke & hurt");
    assert_eq!(report["email"], "a@example.com");
    let empty = answer(dialog(&server, Method::POST, &[]).body("name=user-42")).await;
    assert_eq!(empty.status, StatusCode::BAD_REQUEST);
    assert!(empty.json()["errors"]["comments"].is_array());
}

#[tokio::test]
async fn feedback_is_taken_with_a_dsn_or_a_token() {
    let server = TestServer::start().await.unwrap();
    let (organisation, project) = (&server.first.organisation.slug, &server.first.project.slug);
    let path = format!("/api/0/projects/{organisation}/{project}/user-feedback/");
    let report =
        json!({"event_id": ID, "name": "user-42", "email": "a@example.com", "comments": "c"});
    let post = |auth: String, report: &Value| {
        let request = request(&server, Method::POST, &path).json(report);
        answer(request.header("Authorization", auth))
    };
    for auth in [
        format!("DSN {}", server.dsn()),
        format!("Bearer {}", server.token()),
    ] {
        let sent = post(auth, &report).await;
        assert_eq!(sent.status, StatusCode::OK, "{}", sent.text);
        assert_eq!(sent.json()["eventID"], ID);
        assert_eq!(sent.json()["comments"], "c");
    }
    assert_eq!(items(&server, RecordKind::UserReport).await.len(), 1);
    let stranger = post("Bearer sntryu_0".to_owned(), &report).await;
    assert_eq!(stranger.status, StatusCode::UNAUTHORIZED);
    let silent = json!({"event_id": ID, "comments": " "});
    let silent = post(format!("Bearer {}", server.token()), &silent).await;
    assert_eq!(silent.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn what_is_said_again_about_an_event_takes_the_place_of_what_was_said() {
    let server = TestServer::start().await.unwrap();
    let crash = format!(r#"{{"event_id":"{ID}","message":"it broke"}}"#);
    let sent = answer(keyed(&server, Method::POST, "store/").body(crash)).await;
    assert_eq!(sent.status, StatusCode::OK, "{}", sent.text);
    assert!(event(&server, ID).await["userReport"].is_null());

    // By the dialog, by an envelope, and by the dialog's retry.
    let form = |comments| {
        let fields = [("name", "user-42"), ("email", "a@example.com")];
        let fields = [fields.as_slice(), &[("comments", comments)]].concat();
        dialog(&server, Method::POST, &[]).body(pairs_text(&fields))
    };
    assert_eq!(answer(form("first")).await.status, StatusCode::OK);
    server.digested().await.unwrap();
    assert_eq!(event(&server, ID).await["userReport"]["comments"], "first");
    let item = format!(r#"{{"event_id":"{ID}","name":"user-42","comments":"second"}}"#);
    let envelope = format!("{{}}\n{{\"type\":\"user_report\"}}\n{item}\n");
    assert_eq!(
        send_envelope(&server, envelope).await.status,
        StatusCode::OK
    );
    for _ in 0..2 {
        assert_eq!(answer(form("last")).await.status, StatusCode::OK);
    }

    let (row, _) = only_item(&server, RecordKind::UserReport).await;
    let said = event(&server, ID).await["userReport"].clone();
    assert_eq!(said["comments"], "last");
    assert_eq!(said["eventID"], ID);
    assert_eq!(said["email"], "a@example.com");
    assert_eq!(said["id"], row.seq.to_string());
}

#[tokio::test]
async fn feedback_that_is_sent_again_is_stored_once() {
    let server = TestServer::start().await.unwrap();
    for message in ["it broke", "it broke, and hurt"] {
        let said = json!({"contexts": {"feedback": {"message": message}}});
        let envelope = format!("{{\"event_id\":\"{ID}\"}}\n{{\"type\":\"feedback\"}}\n{said}\n");
        assert_eq!(
            send_envelope(&server, envelope).await.status,
            StatusCode::OK
        );
    }
    let (row, said) = only_item(&server, RecordKind::Feedback).await;
    assert_eq!(row.event_id.to_string(), ID);
    assert_eq!(
        said["contexts"]["feedback"]["message"],
        "it broke, and hurt"
    );
}
