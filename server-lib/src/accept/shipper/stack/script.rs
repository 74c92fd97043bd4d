//! JavaScript: the stacks of V8, and those of Firefox and Safari.

use mini_sentry::protocol::{Exception, Frame};

use super::{Found, filled};

pub(super) fn parse(text: &str) -> Option<Vec<Exception>> {
    let mut found = Found::default();
    let mut header = String::new();
    let mut in_frames = false;
    for line in text.lines() {
        if let Some(frame) = frame(line.trim()) {
            in_frames = true;
            found.frame(frame);
            continue;
        }
        if let Some(cause) = cause_header(line) {
            found.end_reversed(&header);
            header = cause.to_owned();
            in_frames = false;
        } else if !in_frames && !line.trim().is_empty() {
            if !header.is_empty() {
                header.push('\n');
            }
            header.push_str(line);
        }
    }
    found.end_reversed(&header);
    let mut exceptions = found.finish()?;
    exceptions.reverse();
    Some(exceptions)
}

/// Tells a browser's stack, whose files have web addresses, from a server's.
pub(super) fn platform(exceptions: &[Exception]) -> &'static str {
    let mut frames = exceptions
        .iter()
        .filter_map(|exception| exception.stacktrace.as_ref())
        .flat_map(|stack| &stack.frames);
    let is_web = |frame: &Frame| {
        frame
            .filename
            .as_deref()
            .is_some_and(|path| path.starts_with("http"))
    };
    if frames.any(is_web) {
        "javascript"
    } else {
        "node"
    }
}

/// Returns the header of a cause, in the words of Node or of Pino's serializer.
fn cause_header(line: &str) -> Option<&str> {
    let line = line.trim();
    let rest = ["[cause]:", "caused by:", "Caused by:"]
        .iter()
        .find_map(|word| line.strip_prefix(word))?;
    Some(rest.trim().trim_end_matches('{').trim_end())
}

fn frame(line: &str) -> Option<Frame> {
    let (function, location) = match line.strip_prefix("at ") {
        Some(rest) => split_v8(rest.trim_end_matches('{').trim_end())?,
        None => line.split_once('@')?,
    };
    let function = function.strip_prefix("async ").unwrap_or(function);
    let (path, line, column) = match place(location) {
        Some((path, line, column)) => (path, Some(line), column),
        // Built-in functions have no place. Only V8 writes them.
        None if line.starts_with("at ") && matches!(location, "<anonymous>" | "native") => {
            (location, None, None)
        }
        None => return None,
    };
    let path = path.strip_prefix("file://").unwrap_or(path);
    Some(Frame {
        function: filled(function),
        filename: filled(path),
        abs_path: filled(path),
        lineno: line,
        colno: column,
        ..Frame::default()
    })
}

/// Splits `name (place)` or a place alone.
fn split_v8(rest: &str) -> Option<(&str, &str)> {
    match rest.split_once(" (") {
        Some((function, location)) => Some((function, location.strip_suffix(')')?)),
        None => Some(("", rest.strip_prefix("async ").unwrap_or(rest))),
    }
}

/// Splits `path:line:column` or `path:line`.
fn place(location: &str) -> Option<(&str, u64, Option<u64>)> {
    let (rest, last) = location.rsplit_once(':')?;
    let last: u64 = last.parse().ok()?;
    match rest.rsplit_once(':') {
        Some((path, line)) if !path.is_empty() => match line.parse() {
            Ok(line) => Some((path, line, Some(last))),
            Err(_) => Some((rest, last, None)),
        },
        _ if !rest.is_empty() => Some((rest, last, None)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::outline;

    #[test]
    fn a_stack_of_v8_is_turned_around() {
        let text = "TypeError: x is not a function\n    at Object.run [as go] (/app/a.js:10:5)\n    \
                    at async Promise.all (index 0)\n    at new Cart (file:///app/b.mjs:3:1)\n    \
                    at Array.map (<anonymous>)\n    at C:\\app\\main.js:1:2\n    \
                    at async https://cdn.example.com/x.js:7:9";
        let expected = "TypeError|x is not a function|?@https://cdn.example.com/x.js:7 \
                        ?@C:\\app\\main.js:1 Array.map@<anonymous>:0 new Cart@/app/b.mjs:3 \
                        Object.run [as go]@/app/a.js:10";
        assert_eq!(outline(text).unwrap(), [expected]);
    }

    #[test]
    fn causes_come_first() {
        let text = "Error: outer\n    at a (/app/a.js:1:1) {\n  [cause]: Error: inner\nsecond line\n      \
                    at b (/app/b.js:2:2)\n}";
        assert_eq!(
            outline(text).unwrap(),
            [
                "Error|inner\nsecond line|b@/app/b.js:2",
                "Error|outer|a@/app/a.js:1"
            ]
        );
    }

    #[test]
    fn a_stack_of_firefox_has_no_header() {
        let text = "run@https://example.com/a.js:10:5\n@https://example.com/a.js:20:1\n";
        assert_eq!(
            outline(text).unwrap(),
            ["?|?|?@https://example.com/a.js:20 run@https://example.com/a.js:10"]
        );
    }
}
