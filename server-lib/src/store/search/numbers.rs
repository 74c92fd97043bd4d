//! Numbers with units, and what they are compared by.

use std::fmt;

/// The largest number that is read, so that all that is computed of it stays exact enough.
const MAX: f64 = 1e15;

/// A finite number. Durations are milliseconds, sizes bytes, percentages fractions.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Number(f64);

impl Number {
    /// Returns the number.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }

    /// Reads a number, or one with a unit: `5`, `1.5k`, `300ms`, `2h`, `10kb`, `4mib`, `95%`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let unit_at = text
            .char_indices()
            .find(|(at, c)| is_unit_start(text, *at, *c))
            .map_or(text.len(), |(at, _)| at);
        let (digits, unit) = text.split_at_checked(unit_at)?;
        if !digits.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.')) {
            return None;
        }
        let number: f64 = digits.parse().ok()?;
        if unit == "%" {
            return Self::new(number / 100.0);
        }
        Self::new(number * scale(&unit.to_ascii_lowercase())?)
    }

    fn new(number: f64) -> Option<Self> {
        // The sum with 0 makes -0 the one zero.
        (number.abs() <= MAX).then_some(Self(number + 0.0))
    }
}

/// The `e` of `1e5` belongs to the number, any other letter begins the unit.
fn is_unit_start(text: &str, at: usize, c: char) -> bool {
    let next = at.checked_add(1).and_then(|next| text.get(next..));
    let is_exponent = matches!(c, 'e' | 'E')
        && next.is_some_and(|rest| {
            rest.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+'))
        });
    !is_exponent && !c.is_ascii_digit() && !matches!(c, '-' | '+' | '.')
}

fn scale(unit: &str) -> Option<f64> {
    Some(match unit {
        "" => 1.0,
        "k" => 1e3,
        "ns" => 1e-6,
        "us" => 1e-3,
        "ms" => 1.0,
        "s" | "sec" => 1e3,
        "m" | "min" => 60e3,
        "h" | "hr" => 3_600e3,
        "d" | "day" => 86_400e3,
        "w" | "wk" => 604_800e3,
        "b" | "bytes" => 1.0,
        "kb" => 1e3,
        "mb" => 1e6,
        "gb" => 1e9,
        "tb" => 1e12,
        "kib" => 1_024.0,
        "mib" => 1_048_576.0,
        "gib" => 1_073_741_824.0,
        "tib" => 1_099_511_627_776.0,
        _ => return None,
    })
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The debug form is the shortest that reads back to the same number.
        let text = format!("{:?}", self.0);
        f.write_str(text.strip_suffix(".0").unwrap_or(&text))
    }
}

/// Reads a count: digits, or with `k`, `m` or `b` for thousands, millions and billions.
pub(super) fn parse_count(text: &str) -> Option<u64> {
    let (digits, scale) = match text.chars().next_back()? {
        'k' | 'K' => (text.get(..text.len().checked_sub(1)?)?, 1_000),
        'm' | 'M' => (text.get(..text.len().checked_sub(1)?)?, 1_000_000),
        'b' | 'B' => (text.get(..text.len().checked_sub(1)?)?, 1_000_000_000),
        _ => (text, 1),
    };
    if !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    // Databases have signed numbers.
    let count = digits.parse::<u64>().ok()?.checked_mul(scale)?;
    i64::try_from(count).is_ok().then_some(count)
}

/// Where a value must lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Range<T> {
    /// More than this.
    Above(T),
    /// This or more.
    AtLeast(T),
    /// Less than this.
    Below(T),
    /// This or less.
    AtMost(T),
    /// From the first to the second, both included; the first is not larger.
    Between(T, T),
}

impl<T: PartialOrd> Range<T> {
    /// Returns true when the value lies there.
    #[must_use]
    pub fn contains(&self, value: &T) -> bool {
        match self {
            Self::Above(end) => value > end,
            Self::AtLeast(end) => value >= end,
            Self::Below(end) => value < end,
            Self::AtMost(end) => value <= end,
            Self::Between(from, to) => value >= from && value <= to,
        }
    }
}

impl<T: Clone> Range<T> {
    /// Makes the range of one value.
    pub(super) fn only(value: T) -> Self {
        Self::Between(value.clone(), value)
    }
}

impl Range<Number> {
    /// Returns true when the text is a number that lies there.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        Number::parse(text.trim()).is_some_and(|number| self.contains(&number))
    }
}

impl<T: fmt::Display> fmt::Display for Range<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Above(end) => write!(f, ">{end}"),
            Self::AtLeast(end) => write!(f, ">={end}"),
            Self::Below(end) => write!(f, "<{end}"),
            Self::AtMost(end) => write!(f, "<={end}"),
            Self::Between(from, to) => write!(f, "[{from} TO {to}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_become_milliseconds_and_bytes() {
        for (text, number) in [
            ("5", 5.0),
            ("-5.5", -5.5),
            ("+2", 2.0),
            ("1e3", 1_000.0),
            ("1.5k", 1_500.0),
            ("300ms", 300.0),
            ("5s", 5_000.0),
            ("2h", 7_200_000.0),
            ("10kb", 10_000.0),
            ("1KiB", 1_024.0),
            ("95%", 0.95),
        ] {
            assert_eq!(Number::parse(text).map(Number::get), Some(number), "{text}");
        }
        for text in [
            "", "s", "5x", "1e400", "inf", "NaN", "--5", "1.2.3", "5 s", "ä", "1e",
        ] {
            assert_eq!(Number::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_written_number_reads_back() {
        for number in [0.0, 1e-9, 0.1, 1.0 / 3.0, 5_000.0, -1e15, 123_456_789.125] {
            let number = Number::new(number).unwrap();
            assert_eq!(Number::parse(&number.to_string()), Some(number), "{number}");
        }
        assert_eq!(Number::new(-0.0).unwrap().to_string(), "0");
    }

    #[test]
    fn counts_are_whole() {
        assert_eq!(parse_count("12"), Some(12));
        assert_eq!(parse_count("2k"), Some(2_000));
        for text in [
            "",
            "k",
            "-1",
            "1.5",
            "+1",
            "99999999999999999999",
            "9223372036854775808",
        ] {
            assert_eq!(parse_count(text), None, "{text}");
        }
    }
}
