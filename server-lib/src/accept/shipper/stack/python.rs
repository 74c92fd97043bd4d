//! Python: tracebacks, chained ones included. They are written outermost frame and oldest cause
//! first, as events want them.

use mini_sentry::protocol::{Exception, Frame};

use super::{Found, filled};

const BEGIN: &str = "Traceback (most recent call last):";
const BETWEEN: [&str; 2] = [
    "During handling of the above exception",
    "The above exception was the direct cause",
];

pub(super) fn parse(text: &str) -> Option<Vec<Exception>> {
    let begin = text.find(BEGIN)?;
    let mut found = Found::default();
    let mut header: Option<String> = None;
    let mut source_follows = false;
    for line in text.get(begin..)?.lines() {
        if line.trim() == BEGIN {
            end(&mut found, &mut header);
        } else if let Some(frame) = frame(line) {
            found.frame(frame);
            source_follows = true;
            continue;
        } else if BETWEEN.iter().any(|words| line.starts_with(words)) {
            end(&mut found, &mut header);
        } else if let Some(header) = &mut header {
            header.push('\n');
            header.push_str(line);
        } else if line.starts_with(' ') {
            let is_marker = line.trim().bytes().all(|byte| b"^~".contains(&byte));
            if let Some(frame) = found.frames.last_mut().filter(|_| source_follows)
                && !is_marker
            {
                frame.context_line = filled(line);
            }
        } else if !line.is_empty() && found.has_frames {
            header = Some(line.to_owned());
        }
        source_follows = false;
    }
    end(&mut found, &mut header);
    found.finish()
}

fn end(found: &mut Found, header: &mut Option<String>) {
    let header = header.take();
    if header.is_some() || !found.frames.is_empty() {
        found.end(&header.unwrap_or_default());
    }
}

/// Reads `  File "a.py", line 3, in main`.
fn frame(line: &str) -> Option<Frame> {
    let rest = line.trim().strip_prefix("File \"")?;
    let (path, rest) = rest.split_once("\", line ")?;
    let (number, function) = match rest.split_once(", in ") {
        Some((number, function)) => (number, function),
        None => (rest, ""),
    };
    Some(Frame {
        function: filled(function),
        filename: filled(path),
        abs_path: filled(path),
        lineno: Some(number.trim().parse().ok()?),
        ..Frame::default()
    })
}

#[cfg(test)]
mod tests {
    use super::super::{parse, tests::outline};

    const CHAINED: &str = r#"worker failed
Traceback (most recent call last):
  File "/app/db.py", line 7, in read
    return rows[key]
           ~~~~^^^^^
KeyError: 'user'

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/app/main.py", line 3, in <module>
    main()
  File "/app/main.py", line 9, in main
app.errors.Missing: no user
in this list
"#;

    #[test]
    fn chained_tracebacks_keep_their_order() {
        assert_eq!(
            outline(CHAINED).unwrap(),
            [
                "KeyError|'user'|read@/app/db.py:7",
                "Missing|no user\nin this list|<module>@/app/main.py:3 main@/app/main.py:9",
            ]
        );
    }

    #[test]
    fn the_source_line_goes_with_its_frame() {
        let parsed = parse(CHAINED).unwrap();
        let stack = parsed.exceptions[0].stacktrace.as_ref().unwrap();
        assert_eq!(
            stack.frames[0].context_line.as_deref(),
            Some("return rows[key]")
        );
        assert_eq!(parsed.exceptions[1].module.as_deref(), Some("app.errors"));
    }
}
