//! Go: the stacks of panics, of `zap`, and of errors that carry one.

use mini_sentry::protocol::{Exception, Frame};

use super::{Found, filled};

pub(super) fn parse(text: &str) -> Option<Vec<Exception>> {
    let mut found = Found::default();
    let mut header: Option<&str> = None;
    let mut before: Option<&str> = None;
    for line in text.lines() {
        if let Some((path, number)) = place(line) {
            let (module, function) = before.take().map(function).unwrap_or_default();
            found.frame(Frame {
                function: filled(function),
                module: filled(module),
                filename: filled(path),
                abs_path: filled(path),
                lineno: Some(number),
                ..Frame::default()
            });
            continue;
        }
        // The first line is a header when the second is none of its place.
        if let Some(text) = before.replace(line)
            && header.is_none()
            && !found.has_frames
        {
            header = Some(text);
        }
        // Other goroutines than the first did not fail.
        if found.has_frames && line.starts_with("goroutine ") {
            break;
        }
    }
    let header = header.unwrap_or_default();
    let header = header.strip_prefix("panic: ").unwrap_or(header);
    found.end_reversed(header);
    found.finish()
}

/// Reads the place of a call, such as `/app/main.go:12 +0x1d` after a tab.
fn place(line: &str) -> Option<(&str, u64)> {
    let rest = line.strip_prefix('\t')?;
    let rest = rest.split_once(" +0x").map_or(rest, |(place, _)| place);
    let (path, number) = rest.rsplit_once(':')?;
    let number = number.trim().parse().ok()?;
    (path.ends_with(".go") || path.ends_with(".s")).then_some((path, number))
}

/// Splits `github.com/a/b.(*T).Run(0x1, 0x2)` into package and function.
fn function(line: &str) -> (&str, &str) {
    let line = line.strip_prefix("created by ").unwrap_or(line);
    let line = match line.strip_suffix(')') {
        Some(open) => open.rsplit_once('(').map_or(line, |(name, _)| name),
        None => line,
    };
    let last = line.rfind('/').map_or(0, |at| at.saturating_add(1));
    match line.get(last..).and_then(|rest| rest.find('.')) {
        Some(dot) => {
            let at = last.saturating_add(dot);
            let module = line.get(..at).unwrap_or_default();
            let function = line.get(at.saturating_add(1)..).unwrap_or(line);
            (module, function)
        }
        None => ("", line),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{parse, tests::outline};

    #[test]
    fn a_panic_tells_its_first_goroutine() {
        let text = "panic: boom\n\ngoroutine 1 [running]:\n\
            github.com/acme/shop.(*Cart).Buy(0x1, 0x2)\n\t/app/cart.go:12 +0x1d\n\
            main.main()\n\t/app/main.go:5 +0x2\n\n\
            goroutine 7 [sleep]:\nmain.other()\n\t/app/other.go:1 +0x2\n";
        assert_eq!(
            outline(text).unwrap(),
            ["?|boom|main@/app/main.go:5 (*Cart).Buy@/app/cart.go:12"]
        );
        let parsed = parse(text).unwrap();
        let stack = parsed.exceptions[0].stacktrace.as_ref().unwrap();
        assert_eq!(
            stack.frames[1].module.as_deref(),
            Some("github.com/acme/shop")
        );
    }

    #[test]
    fn a_stack_of_zap_has_no_header() {
        let text = "main.run\n\t/app/main.go:12\nmain.main\n\t/app/main.go:5";
        assert_eq!(
            outline(text).unwrap(),
            ["?|?|main@/app/main.go:5 run@/app/main.go:12"]
        );
    }
}
