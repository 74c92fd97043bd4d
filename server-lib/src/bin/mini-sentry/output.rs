//! What a command prints: lines for people, or with `--json` one object for programs.

use std::io::Write as _;

use serde::Serialize;

use crate::failure::{During as _, Failure};

/// Where and how a command prints.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    is_json: bool,
}

impl Output {
    pub(crate) fn new(is_json: bool) -> Self {
        Self { is_json }
    }

    /// Prints the value as JSON, or else the text that `text` makes of it.
    pub(crate) fn show<T: Serialize>(
        self,
        value: &T,
        text: impl FnOnce(&T) -> String,
    ) -> Result<(), Failure> {
        let shown = match self.is_json {
            true => serde_json::to_string_pretty(value),
            false => Ok(text(value)),
        };
        print(shown.map_err(|error| Failure::other(error.to_string()))?)
    }

    /// The same with the JSON on one line, for programs that read while the command goes on.
    pub(crate) fn show_line<T: Serialize>(
        self,
        value: &T,
        text: impl FnOnce(&T) -> String,
    ) -> Result<(), Failure> {
        let shown = match self.is_json {
            true => serde_json::to_string(value),
            false => Ok(text(value)),
        };
        print(shown.map_err(|error| Failure::other(error.to_string()))?)
    }

    /// Tells a failure on stderr.
    pub(crate) fn fail(self, failure: &Failure) {
        if self.is_json {
            warn(&failure.to_json().to_string());
        } else {
            warn(&format!("mini-sentry: {failure}"));
        }
    }

    /// Tells what people should know and programs need not.
    pub(crate) fn remark(self, text: &str) {
        if !self.is_json {
            warn(text);
        }
    }
}

/// Lines up rows under headings, two blanks between columns.
pub(crate) fn table(headings: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = headings
        .iter()
        .map(|heading| heading.chars().count())
        .collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let headings: Vec<String> = headings
        .iter()
        .map(|heading| (*heading).to_owned())
        .collect();
    std::iter::once(&headings)
        .chain(rows)
        .map(|row| {
            let cells = row.iter().zip(&widths);
            let cells = cells.map(|(cell, width)| format!("{cell:width$}"));
            format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
        })
        .collect()
}

/// Writes a number of bytes for people: `12.3 MiB`.
pub(crate) fn human_bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut tenths = bytes.saturating_mul(10) / 1024;
    let mut unit = "KiB";
    for next in UNITS.iter().skip(1) {
        if tenths < 10_240 {
            break;
        }
        tenths /= 1024;
        unit = next;
    }
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

fn print(mut shown: String) -> Result<(), Failure> {
    if !shown.ends_with('\n') {
        shown.push('\n');
    }
    let mut stdout = std::io::stdout().lock();
    match stdout
        .write_all(shown.as_bytes())
        .and_then(|()| stdout.flush())
    {
        // The reader has seen enough, as `head` does.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => result.during("print"),
    }
}

fn warn(text: &str) {
    // Nobody may be listening.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [
            vec!["a".to_owned(), "long".to_owned()],
            vec!["bbb".to_owned(), "x".to_owned()],
        ];
        assert_eq!(
            table(&["id", "name"], &rows),
            "id   name\na    long\nbbb  x\n"
        );
    }

    #[test]
    fn bytes_are_written_with_one_decimal() {
        assert_eq!(human_bytes(1023), "1023 B");
        assert_eq!(human_bytes(1536), "1.5 KiB");
        assert_eq!(human_bytes(64 << 20), "64.0 MiB");
        assert_eq!(human_bytes(3 << 40), "3.0 TiB");
    }
}
