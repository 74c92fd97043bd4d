//! Dates and times in the forms that programs write.

const MONTHS: &[&str] = &[
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const DAYS: &[&str] = &["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const ZONES: &[&str] = &["UTC", "GMT", "CET", "CEST", "EST", "EDT", "PST", "PDT", "Z"];

/// Returns the length of the date or time that a text begins with.
pub(super) fn length(text: &str) -> Option<usize> {
    let mut cursor = Cursor { text, at: 0 };
    let had_day = cursor.name(DAYS);
    if had_day {
        cursor.take(',');
        cursor.take(' ');
    }
    let has_date = cursor.date();
    if has_date {
        let before = cursor.at;
        let is_apart = cursor.any(&['T', ' ', ':', '_', ',']);
        cursor.take(' ');
        if !(is_apart && cursor.time(2)) {
            cursor.at = before;
        } else {
            cursor.zone();
            cursor.year_behind();
        }
    } else if !had_day && cursor.time(3) {
        cursor.zone();
    } else {
        return None;
    }
    let goes_on = cursor
        .rest()
        .starts_with(|c: char| c.is_ascii_alphanumeric());
    (!goes_on).then_some(cursor.at)
}

/// A place in a text. What a method does not find it leaves.
struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl Cursor<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn take(&mut self, c: char) -> bool {
        let is_there = self.rest().starts_with(c);
        if is_there {
            self.at = self.at.saturating_add(c.len_utf8());
        }
        is_there
    }

    fn any(&mut self, of: &[char]) -> bool {
        of.iter().any(|c| self.take(*c))
    }

    /// Reads a name by its first three letters, and the rest of its letters.
    fn name(&mut self, names: &[&str]) -> bool {
        let rest = self.rest();
        let letters = rest
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(rest.len());
        let is_known =
            (3..=9).contains(&letters) && rest.get(..3).is_some_and(|start| names.contains(&start));
        if is_known {
            self.at = self.at.saturating_add(letters);
        }
        is_known
    }

    /// Reads so many digits.
    fn digits(&mut self, least: usize, most: usize) -> bool {
        let count = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        let is_right = (least..=most).contains(&count);
        if is_right {
            self.at = self.at.saturating_add(count);
        }
        is_right
    }

    fn try_all(&mut self, read: impl FnOnce(&mut Self) -> bool) -> bool {
        let before = self.at;
        let is_there = read(self);
        if !is_there {
            self.at = before;
        }
        is_there
    }

    fn date(&mut self) -> bool {
        // 2026-11-20, 2026/11/20
        self.try_all(|c| {
            c.digits(4, 4)
                && c.any(&['-', '/', '.'])
                && c.digits(2, 2)
                && c.any(&['-', '/', '.'])
                && c.digits(2, 2)
        })
        // 20 Nov 2026, 20/Nov/2026, 20-Nov-2026
        || self.try_all(|c| {
            c.digits(1, 2)
                && c.any(&[' ', '/', '-'])
                && c.name(MONTHS)
                && c.any(&[' ', '/', '-'])
                && c.digits(4, 4)
        })
        // Nov 20, 2026, and Nov 20 before a time
        || self.try_all(|c| {
            c.name(MONTHS) && c.take(' ') && {
                c.take(' ');
                c.digits(1, 2)
            } && {
                c.try_all(|c| {
                    c.take(',');
                    c.take(' ') && c.digits(4, 4)
                });
                true
            }
        })
        // 20/11/2026, 20.11.2026
        || self.try_all(|c| {
            c.digits(1, 2)
                && c.any(&['/', '.'])
                && c.digits(1, 2)
                && c.any(&['/', '.'])
                && c.digits(4, 4)
        })
    }

    /// Reads a time of at least so many parts.
    fn time(&mut self, least: usize) -> bool {
        self.try_all(|c| {
            if !(c.digits(1, 2) && c.take(':') && c.digits(2, 2)) {
                return false;
            }
            let has_seconds = c.try_all(|c| c.take(':') && c.digits(2, 2));
            if has_seconds {
                c.try_all(|c| c.any(&['.', ',']) && c.digits(1, 9));
            }
            has_seconds || least < 3
        })
    }

    fn zone(&mut self) {
        self.try_all(|c| {
            c.take(' ');
            if c.any(&['+', '-']) {
                return c.digits(4, 4) || (c.digits(2, 2) && c.take(':') && c.digits(2, 2));
            }
            let rest = c.rest();
            let letters = rest
                .find(|c: char| !c.is_ascii_alphabetic())
                .unwrap_or(rest.len());
            let is_zone = rest
                .get(..letters)
                .is_some_and(|name| ZONES.contains(&name));
            if is_zone {
                c.at = c.at.saturating_add(letters);
            }
            is_zone
        });
    }

    /// Reads the year of `Fri Nov 20 10:20:30 2026`.
    fn year_behind(&mut self) {
        self.try_all(|c| c.take(' ') && c.digits(4, 4));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_end_where_they_end() {
        for (text, expected) in [
            ("2026-11-20", Some(10)),
            ("2026-11-20T10:20:30Z!", Some(20)),
            ("2026-11-20 10:20:30.123 UTC is", Some(27)),
            ("2026-11-20T10:20:30+02:00", Some(25)),
            ("2026-11-20 is", Some(10)),
            ("20/Nov/2026:10:20:30 +0000", Some(26)),
            ("Fri, 20 Nov 2026 10:20:30 GMT", Some(29)),
            ("Fri Nov 20 10:20:30 2026", Some(24)),
            ("November 20, 2026", Some(17)),
            ("20.11.2026", Some(10)),
            ("10:20:30", Some(8)),
            ("10:20", None),
            ("Friday is near", None),
            ("May I", None),
            ("2026-11-2001", None),
            ("1204", None),
        ] {
            assert_eq!(length(text), expected, "{text}");
        }
    }
}
