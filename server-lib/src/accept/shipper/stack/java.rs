//! Java and the other languages of its machine.

use mini_sentry::protocol::{Exception, Frame};

use super::{Found, filled};

pub(super) fn parse(text: &str) -> Option<Vec<Exception>> {
    let mut found = Found::default();
    let mut header = String::new();
    let mut in_frames = false;
    let mut is_suppressed = false;
    for line in text.lines() {
        let trimmed = line.trim();
        if let Some(frame) = frame(trimmed) {
            in_frames = true;
            if !is_suppressed {
                found.frame(frame);
            }
        } else if let Some(cause) = trimmed.strip_prefix("Caused by: ") {
            if !is_suppressed || !line.starts_with(char::is_whitespace) {
                found.end_reversed(&header);
                header = cause.to_owned();
                in_frames = false;
                is_suppressed = false;
            }
        } else if trimmed.starts_with("Suppressed: ") {
            is_suppressed = true;
        } else if !in_frames && !trimmed.is_empty() {
            if !header.is_empty() {
                header.push('\n');
            }
            header.push_str(trimmed);
        }
    }
    found.end_reversed(&header);
    let mut exceptions = found.finish()?;
    exceptions.reverse();
    Some(exceptions)
}

/// Reads `at java.base/com.example.Shop.buy(Shop.java:12) ~[shop.jar:1.0]`.
fn frame(line: &str) -> Option<Frame> {
    let rest = line.strip_prefix("at ")?;
    let (name, place) = rest.split_once('(')?;
    let (place, _) = place.split_once(')')?;
    let name = name.rsplit_once('/').map_or(name, |(_, name)| name);
    if name.contains([' ', ':']) {
        return None;
    }
    let (module, function) = name.rsplit_once('.')?;
    let (file, number) = match place.rsplit_once(':') {
        Some((file, number)) => (file, Some(number.parse().ok()?)),
        None if matches!(place, "Native Method" | "Unknown Source") => ("", None),
        None if place.contains('.') => (place, None),
        None => return None,
    };
    Some(Frame {
        function: filled(function),
        module: filled(module),
        filename: filled(file),
        lineno: number,
        ..Frame::default()
    })
}

#[cfg(test)]
mod tests {
    use super::super::{parse, tests::outline};

    const TEXT: &str = "java.lang.IllegalStateException: no cart\n\
        \tat com.example.Shop.buy(Shop.java:12) ~[shop.jar:1.0]\n\
        \tat java.base/java.lang.Thread.run(Thread.java:840)\n\
        \tSuppressed: java.io.IOException: close\n\
        \t\tat com.example.File.close(File.java:3)\n\
        Caused by: java.io.IOException: gone\n\
        \tat com.example.Store.read(Store.java:44)\n\
        \tat jdk.internal.Reflect.invoke(Native Method)\n\
        \t... 12 more\n";

    #[test]
    fn the_cause_comes_first_and_what_was_suppressed_is_left_out() {
        assert_eq!(
            outline(TEXT).unwrap(),
            [
                "IOException|gone|invoke@?:0 read@Store.java:44",
                "IllegalStateException|no cart|run@Thread.java:840 buy@Shop.java:12",
            ]
        );
    }

    #[test]
    fn a_frame_has_the_class_as_its_module() {
        let parsed = parse(TEXT).unwrap();
        assert_eq!(parsed.platform, "java");
        let stack = parsed.exceptions[1].stacktrace.as_ref().unwrap();
        assert_eq!(stack.frames[1].module.as_deref(), Some("com.example.Shop"));
    }
}
