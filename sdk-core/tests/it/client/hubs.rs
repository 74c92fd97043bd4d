//! Hubs: of threads, of futures, and by hand.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread;

use mini_sentry::test::{with_captured_envelopes, with_captured_events};
use mini_sentry::{
    FutureExt as _, Hub, Level, Scope, capture_message, configure_scope, last_event_id, set_tag,
};

use super::stage::{DSN, in_own_process, messages};

/// Is pending once.
struct Yield(bool);

impl Future for Yield {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn a_hub_made_from_another_knows_its_scope_and_changes_alone() {
    let events = with_captured_events(|| {
        set_tag("parent", 1);
        let hub = Arc::new(Hub::new_from_top(Hub::current()));
        thread::scope(|threads| {
            threads.spawn(|| {
                Hub::run(Arc::clone(&hub), || {
                    set_tag("child", 2);
                    capture_message("child", Level::Info);
                });
            });
        });
        capture_message("parent", Level::Info);
    });
    assert_eq!(
        events[0].tags.keys().collect::<Vec<_>>(),
        ["child", "parent"]
    );
    assert_eq!(events[1].tags.keys().collect::<Vec<_>>(), ["parent"]);
}

#[test]
fn futures_with_hubs_of_their_own_do_not_see_each_others_tags() {
    let events = with_captured_events(|| {
        set_tag("outside", 0);
        let work = |name: &'static str| async move {
            set_tag(name, 1);
            Yield(false).await;
            capture_message(name, Level::Info);
        };
        let bind = |name| work(name).bind_hub(Hub::new_from_top(Hub::current()));
        let (mut first, mut second) = (pin!(bind("first")), pin!(bind("second")));
        assert!(poll_once(first.as_mut()).is_pending());
        assert!(poll_once(second.as_mut()).is_pending());
        assert!(poll_once(first.as_mut()).is_ready());
        assert!(poll_once(second.as_mut()).is_ready());
        capture_message("outside", Level::Info);
    });
    assert_eq!(
        events[0].tags.keys().collect::<Vec<_>>(),
        ["first", "outside"]
    );
    assert_eq!(
        events[1].tags.keys().collect::<Vec<_>>(),
        ["outside", "second"]
    );
    assert_eq!(events[2].tags.keys().collect::<Vec<_>>(), ["outside"]);
}

#[test]
fn a_future_keeps_its_hub_when_another_thread_goes_on_with_it() {
    let events = with_captured_events(|| {
        let work = async {
            set_tag("mine", 1);
            Yield(false).await;
            capture_message("done", Level::Info);
        };
        let mut future = Box::pin(work.bind_hub(Hub::new_from_top(Hub::current())));
        assert!(poll_once(future.as_mut()).is_pending());
        thread::spawn(move || assert!(poll_once(future.as_mut()).is_ready()))
            .join()
            .unwrap();
    });
    assert_eq!(events[0].tags["mine"], "1");
}

#[test]
fn a_future_that_panics_gives_the_threads_hub_back() {
    let events = with_captured_events(|| {
        let work = async {
            set_tag("inside", 1);
            panic!("expected");
        };
        let mut future = Box::pin(work.bind_hub(Hub::new_from_top(Hub::current())));
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _: Poll<()> = poll_once(future.as_mut());
        }));
        assert!(panicked.is_err());
        capture_message("outside", Level::Info);
    });
    assert!(events[0].tags.is_empty());
}

#[test]
fn two_clients_side_by_side_get_only_what_is_theirs() {
    let mut inner = Vec::new();
    let outer = with_captured_envelopes(|| {
        capture_message("outer before", Level::Info);
        inner = with_captured_envelopes(|| {
            capture_message("inner", Level::Info);
        });
        capture_message("outer after", Level::Info);
    });
    assert_eq!(messages(&outer), ["outer before", "outer after"]);
    assert_eq!(messages(&inner), ["inner"]);
}

#[test]
fn a_client_bound_in_a_pushed_scope_goes_with_it() {
    let sent = with_captured_envelopes(|| {
        let hub = Hub::current();
        let guard = hub.push_scope();
        hub.bind_client(None);
        assert!(capture_message("to nobody", Level::Info).is_nil());
        drop(guard);
        assert!(!capture_message("to the client", Level::Info).is_nil());
    });
    assert_eq!(messages(&sent), ["to the client"]);
}

#[test]
fn the_last_event_id_belongs_to_the_hub() {
    with_captured_envelopes(|| {
        assert_eq!(last_event_id(), None);
        let id = capture_message("here", Level::Info);
        let other = Arc::new(Hub::new_from_top(Hub::current()));
        Hub::run(other, || {
            assert_eq!(last_event_id(), None);
            capture_message("there", Level::Info);
        });
        assert_eq!(last_event_id(), Some(id));
    });
}

#[test]
fn a_hub_without_a_client_does_nothing() {
    with_captured_envelopes(|| {
        Hub::run(Arc::new(Hub::new(None, Arc::<Scope>::default())), || {
            configure_scope(|scope| scope.set_tag("tag", 1));
            assert!(capture_message("nobody listens", Level::Info).is_nil());
            assert!(!mini_sentry::is_enabled());
        });
        assert!(mini_sentry::is_enabled());
    });
}

#[test]
fn new_threads_start_with_what_the_hub_of_init_knows_and_leak_nothing_back() {
    in_own_process(
        "client::hubs::new_threads_start_with_what_the_hub_of_init_knows_and_leak_nothing_back",
        || {
            let transport = mini_sentry::test::TestTransport::default();
            let kept = transport.clone();
            let factory = move |_: &mini_sentry::transport::TransportOptions| {
                Arc::new(transport.clone()) as Arc<dyn mini_sentry::transport::Transport>
            };
            let early = thread::spawn(|| {
                // Before init, the first that asks is the main hub.
                assert!(capture_message("too early", Level::Info).is_nil());
            });
            early.join().unwrap();
            let options = mini_sentry::ClientOptions::new()
                .dsn(DSN)
                .transport(factory);
            let guard = mini_sentry::init(options);
            set_tag("main", 1);
            let work = || {
                set_tag("thread", 2);
                capture_message("thread", Level::Info);
            };
            thread::spawn(work).join().unwrap();
            capture_message("main", Level::Info);
            drop(guard);
            let sent = kept.take();
            assert_eq!(messages(&sent), ["thread", "main"]);
            let tags: Vec<Vec<_>> = sent
                .iter()
                .map(|e| e.event().unwrap().tags.keys().collect())
                .collect();
            assert_eq!(tags, [vec!["main", "thread"], vec!["main"]]);
            let late = thread::spawn(|| capture_message("too late", Level::Info));
            assert!(late.join().unwrap().is_nil());
        },
    );
}
