//! Names of spooled files: the stamp in hexadecimal, so that names sort by age.

use crate::transport::parcel::Stamp;

/// Of a whole envelope.
const ENVELOPE: &str = "envelope";
/// Of one that is being written, or never was finished.
const PART: &str = "part";

/// The name of a whole file.
pub(super) fn whole(stamp: Stamp) -> String {
    format!("{}.{ENVELOPE}", stem(stamp))
}

/// The name of a file that is still being written.
pub(super) fn part(stamp: Stamp) -> String {
    format!("{}.{PART}", stem(stamp))
}

/// The stamp in a name of either kind; `None` for a file that is not ours.
pub(super) fn parse(name: &str) -> Option<Stamp> {
    let (stem, kind) = name.split_once('.')?;
    if kind != ENVELOPE && kind != PART {
        return None;
    }
    let mut parts = stem.split('-');
    let at_ms = u64::from_str_radix(parts.next()?, 16).ok()?;
    let serial = u32::from_str_radix(parts.next()?, 16).ok()?;
    let run = u32::from_str_radix(parts.next()?, 16).ok()?;
    let stamp = Stamp { at_ms, serial, run };
    // Only the one form that is written, so that a stamp leads back to its file.
    (parts.next().is_none() && stem == self::stem(stamp)).then_some(stamp)
}

fn stem(stamp: Stamp) -> String {
    let Stamp { at_ms, serial, run } = stamp;
    format!("{at_ms:016x}-{serial:08x}-{run:08x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_by_age_and_lead_back_to_the_stamp() {
        let stamps = [(9, 0), (10, 3), (10, 20), (1_700_000_000_000, 1)];
        let stamps = stamps.map(|(at_ms, serial)| Stamp {
            at_ms,
            serial,
            run: 7,
        });
        let names = stamps.map(whole);
        assert!(names.is_sorted());
        assert_eq!(names.map(|name| parse(&name).unwrap()), stamps);
        assert_eq!(parse(&part(stamps[0])), Some(stamps[0]));
    }

    #[test]
    fn other_names_are_left_alone() {
        for name in [
            "lock",
            "a.envelope",
            "1-1-1.envelope",
            ".envelope",
            "x-y-z.part",
        ] {
            assert_eq!(parse(name), None, "{name}");
        }
    }
}
