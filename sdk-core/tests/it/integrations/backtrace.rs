//! Stacks of captures.

#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

use std::process::Command;

use mini_sentry::protocol::{Event, Frame};
use mini_sentry::test::with_captured_envelopes_options;
use mini_sentry::{ClientOptions, Level, capture_error, capture_message};

fn events(options: ClientOptions, run: impl FnOnce()) -> Vec<Event> {
    let options = mini_sentry_options(options);
    with_captured_envelopes_options(options, run)
        .iter()
        .filter_map(|envelope| envelope.event().cloned())
        .collect()
}

fn mini_sentry_options(options: ClientOptions) -> ClientOptions {
    options.add_integration(mini_sentry::integrations::backtrace::BacktraceIntegration::new())
}

fn frames(event: &Event) -> &[Frame] {
    let on_exception = event.exception.last().and_then(|it| it.stacktrace.as_ref());
    let on_thread = event.threads.last().and_then(|it| it.stacktrace.as_ref());
    &on_exception.or(on_thread).unwrap().frames
}

#[inline(never)]
fn outer_of_the_capture() -> u32 {
    let line = inner_of_the_capture();
    std::hint::black_box(line)
}

#[inline(never)]
fn inner_of_the_capture() -> u32 {
    capture_message("here", Level::Info);
    std::hint::black_box(line!() - 1)
}

#[test]
fn a_message_has_the_stack_of_its_caller_innermost_last() {
    let mut line = 0;
    let events = events(ClientOptions::new().attach_stacktrace(true), || {
        line = outer_of_the_capture();
    });
    let frames = frames(&events[0]);
    let [.., outer, inner] = frames else {
        panic!("two frames at least: {frames:?}");
    };
    let function = inner.function.as_deref().unwrap();
    assert!(function.ends_with("inner_of_the_capture"), "{function}");
    assert!(
        outer
            .function
            .as_deref()
            .unwrap()
            .ends_with("outer_of_the_capture")
    );
    assert_eq!(inner.lineno, Some(u64::from(line)));
    assert!(inner.colno.is_some());
    assert_eq!(inner.in_app, Some(true));
    assert!(inner.instruction_addr.is_some());
    let path = inner.abs_path.as_deref().unwrap();
    assert!(
        path.ends_with("tests/it/integrations/backtrace.rs"),
        "{path}"
    );
    let short = inner.filename.as_deref().unwrap();
    assert_eq!(short, "sdk-core/tests/it/integrations/backtrace.rs");
}

#[test]
fn the_frames_of_the_sdk_and_of_the_runtimes_start_are_not_shown() {
    let events = events(ClientOptions::new().attach_stacktrace(true), || {
        outer_of_the_capture();
    });
    let frames = frames(&events[0]);
    let names: Vec<&str> = frames
        .iter()
        .filter_map(|frame| frame.function.as_deref())
        .collect();
    for name in &names {
        assert!(!name.contains("__rust_begin_short_backtrace"), "{names:?}");
        assert!(!name.contains("capture_message"), "{names:?}");
        assert!(!name.starts_with("backtrace::"), "{names:?}");
        assert!(
            !name.contains("::h0") && !name.contains("clone3"),
            "{names:?}"
        );
    }
    let outermost = frames.first().and_then(|frame| frame.filename.as_deref());
    assert!(
        outermost.is_some_and(|file| file.ends_with("backtrace.rs")),
        "{names:?}"
    );
}

#[test]
fn code_of_others_is_marked_and_prefixes_of_the_options_win() {
    let plain = events(ClientOptions::new().attach_stacktrace(true), || {
        [()].iter().for_each(|()| {
            outer_of_the_capture();
        });
    });
    let by_library = frames(&plain[0]).iter().find(|frame| {
        frame
            .filename
            .as_deref()
            .is_some_and(|file| file.starts_with("library/core"))
    });
    assert_eq!(by_library.unwrap().in_app, Some(false));
    assert_eq!(by_library.unwrap().package.as_deref(), Some("core"));

    let mut options = ClientOptions::new().attach_stacktrace(true);
    let name = frames(&plain[0])
        .last()
        .and_then(|frame| frame.function.clone());
    options.in_app_exclude.push(name.unwrap().into());
    let changed = events(options, || {
        outer_of_the_capture();
    });
    let marks: Vec<_> = frames(&changed[0])
        .iter()
        .map(|frame| frame.in_app)
        .collect();
    assert_eq!(marks.last(), Some(&Some(false)));
    assert!(marks.contains(&Some(true)));
}

#[test]
fn an_error_has_its_stack_on_the_outermost_exception_and_its_thread() {
    let spawn = std::thread::Builder::new().name("worker-7".to_owned());
    let events = events(ClientOptions::new().attach_stacktrace(true), || {
        let hub = mini_sentry::Hub::current();
        let run = move || {
            mini_sentry::Hub::run(hub, || capture_error(&"x".parse::<u8>().unwrap_err()));
        };
        spawn.spawn(run).unwrap().join().unwrap();
    });
    let event = &events[0];
    let exception = event.exception.last().unwrap();
    assert!(!exception.stacktrace.as_ref().unwrap().frames.is_empty());
    let thread = event.threads.last().unwrap();
    assert_eq!(thread.name.as_deref(), Some("worker-7"));
    assert_eq!(thread.current, Some(true));
    assert_eq!(thread.crashed, None);
    assert!(thread.id.is_some() && thread.id == exception.thread_id);
    assert!(thread.stacktrace.is_none());
}

#[test]
fn nothing_is_taken_unless_asked_for() {
    let events = events(ClientOptions::new(), || {
        outer_of_the_capture();
    });
    assert!(events[0].threads.is_empty());
    assert!(events[0].debug_meta.is_none());
}

#[test]
fn a_stack_deeper_than_the_bound_keeps_its_innermost_frames() {
    fn down(levels: u32) -> u32 {
        if levels == 0 {
            outer_of_the_capture();
            return 0;
        }
        std::hint::black_box(down(levels - 1)) + 1
    }
    let events = events(ClientOptions::new().attach_stacktrace(true), || {
        assert_eq!(down(2_000), 2_000);
    });
    let frames = frames(&events[0]);
    assert!(frames.len() > 100, "{}", frames.len());
    assert!(frames.len() < 600, "{}", frames.len());
    let innermost = frames.last().unwrap().function.as_deref().unwrap();
    assert!(innermost.ends_with("inner_of_the_capture"));
}

#[test]
#[cfg(target_os = "linux")]
fn the_image_of_the_program_carries_the_build_id_that_its_file_has() {
    let events = events(ClientOptions::new().attach_stacktrace(true), || {
        outer_of_the_capture();
    });
    let event = &events[0];
    let program = std::env::current_exe().unwrap();
    let images = &event.debug_meta.as_ref().unwrap().images;
    let own = images
        .iter()
        .find(|image| image.code_file.as_deref() == program.to_str())
        .unwrap();
    assert_eq!(own.ty.as_deref(), Some("elf"));
    let start = own.image_addr.unwrap().0;
    let end = start + own.image_size.unwrap();
    let inner = frames(event).last().unwrap();
    assert!((start..end).contains(&inner.instruction_addr.unwrap().0));
    assert_eq!(inner.image_addr, own.image_addr);

    let Ok(notes) = Command::new("readelf").arg("-n").arg(&program).output() else {
        return;
    };
    let notes = String::from_utf8_lossy(&notes.stdout).into_owned();
    let told = notes
        .lines()
        .find_map(|line| line.trim().strip_prefix("Build ID: "));
    assert_eq!(own.code_id.as_deref(), told);
    assert_eq!(own.debug_id.is_some(), told.is_some());
}
