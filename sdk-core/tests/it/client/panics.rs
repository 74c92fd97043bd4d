//! Panics of the program, and panics inside what the SDK calls while it captures them.

use std::sync::Arc;

use mini_sentry::integrations::panic::PanicIntegration;
use mini_sentry::test::TestTransport;
use mini_sentry::transport::{Transport, TransportOptions};
use mini_sentry::{ClientOptions, Level};

use super::stage::{DSN, events, in_own_process, losses, lost};

fn options(transport: &TestTransport) -> ClientOptions {
    let transport = transport.clone();
    let factory = move |_: &TransportOptions| Arc::new(transport.clone()) as Arc<dyn Transport>;
    ClientOptions::new()
        .transport(factory)
        .add_integration(PanicIntegration::new())
}

#[test]
fn a_panic_is_captured_as_unhandled_and_goes_on() {
    in_own_process(
        "client::panics::a_panic_is_captured_as_unhandled_and_goes_on",
        || {
            let transport = TestTransport::default();
            let guard = mini_sentry::init((DSN, options(&transport)));
            assert!(
                std::thread::spawn(|| panic!("the disk is full"))
                    .join()
                    .is_err()
            );
            drop(guard);
            let sent = transport.take();
            let event = events(&sent)[0];
            let exception = &event.exception[0];
            assert_eq!(event.level, Some(Level::Fatal));
            assert_eq!(exception.value.as_deref(), Some("the disk is full"));
            assert_eq!(exception.mechanism.as_ref().unwrap().handled, Some(false));
        },
    );
}

#[test]
fn a_callback_that_panics_over_a_panic_does_not_end_the_process() {
    in_own_process(
        "client::panics::a_callback_that_panics_over_a_panic_does_not_end_the_process",
        || {
            let transport = TestTransport::default();
            let options = options(&transport).before_send(|_| panic!("expected"));
            let guard = mini_sentry::init((DSN, options));
            assert!(
                std::thread::spawn(|| panic!("the disk is full"))
                    .join()
                    .is_err()
            );
            drop(guard);
            let sent = transport.take();
            assert!(events(&sent).is_empty());
            assert_eq!(losses(&sent), lost([("error/internal_sdk_error", 1)]));
        },
    );
}
