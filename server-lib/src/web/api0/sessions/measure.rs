//! What is asked of sessions: names of fields, and the numbers that answer them.

use serde_json::{Value, json};

use crate::store::Health;
use crate::store::health::DurationTotals;

/// Which sessions or people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    All,
    Healthy,
    Errored,
    Abnormal,
    Crashed,
    CrashFree,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    Sessions,
    People,
}

/// How sessions ended, where sums are split by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Abnormal,
    Crashed,
    Errored,
    Healthy,
}

impl Ending {
    /// All of them, in the order of their names.
    pub(super) const ALL: [Self; 4] = [Self::Abnormal, Self::Crashed, Self::Errored, Self::Healthy];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Abnormal => "abnormal",
            Self::Crashed => "crashed",
            Self::Errored => "errored",
            Self::Healthy => "healthy",
        }
    }

    fn part(self) -> Part {
        match self {
            Self::Abnormal => Part::Abnormal,
            Self::Crashed => Part::Crashed,
            Self::Errored => Part::Errored,
            Self::Healthy => Part::Healthy,
        }
    }
}

/// A number that is told of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measure {
    /// How many there are, of each ending where sums are split by it.
    Count(Of),
    /// How many there are of a part, whatever sums are split by.
    Part(Of, Part),
    /// How large a part is, from 0 to 1.
    Rate(Of, Part),
    /// How large the part of the people is for whom the program hung.
    Hung,
    /// The same, where they looked at it.
    HungInFront,
    /// The mean of how long sessions took.
    Avg,
    /// The longest.
    Max,
    /// So many of a hundred took at most so long.
    Share(u8),
}

/// The names in the interface of sessions.
const SESSIONS: &[(&str, Measure)] = &[
    ("sum(session)", Measure::Count(Of::Sessions)),
    ("count_unique(user)", Measure::Count(Of::People)),
    (
        "crash_rate(session)",
        Measure::Rate(Of::Sessions, Part::Crashed),
    ),
    ("crash_rate(user)", Measure::Rate(Of::People, Part::Crashed)),
    (
        "crash_free_rate(session)",
        Measure::Rate(Of::Sessions, Part::CrashFree),
    ),
    (
        "crash_free_rate(user)",
        Measure::Rate(Of::People, Part::CrashFree),
    ),
    (
        "errored_rate(session)",
        Measure::Rate(Of::Sessions, Part::Errored),
    ),
    (
        "errored_rate(user)",
        Measure::Rate(Of::People, Part::Errored),
    ),
    (
        "abnormal_rate(session)",
        Measure::Rate(Of::Sessions, Part::Abnormal),
    ),
    (
        "abnormal_rate(user)",
        Measure::Rate(Of::People, Part::Abnormal),
    ),
    ("anr_rate()", Measure::Hung),
    ("foreground_anr_rate()", Measure::HungInFront),
];

/// The names in the interface of metrics.
const METRICS: &[(&str, Measure)] = &[
    ("session.all", Measure::Count(Of::Sessions)),
    (
        "session.healthy",
        Measure::Part(Of::Sessions, Part::Healthy),
    ),
    (
        "session.errored",
        Measure::Part(Of::Sessions, Part::Errored),
    ),
    (
        "session.abnormal",
        Measure::Part(Of::Sessions, Part::Abnormal),
    ),
    (
        "session.crashed",
        Measure::Part(Of::Sessions, Part::Crashed),
    ),
    (
        "session.crash_free",
        Measure::Part(Of::Sessions, Part::CrashFree),
    ),
    ("session.all_user", Measure::Count(Of::People)),
    (
        "count_unique(sentry.sessions.user)",
        Measure::Count(Of::People),
    ),
    (
        "session.healthy_user",
        Measure::Part(Of::People, Part::Healthy),
    ),
    (
        "session.errored_user",
        Measure::Part(Of::People, Part::Errored),
    ),
    (
        "session.abnormal_user",
        Measure::Part(Of::People, Part::Abnormal),
    ),
    (
        "session.crashed_user",
        Measure::Part(Of::People, Part::Crashed),
    ),
    (
        "session.crash_free_user",
        Measure::Part(Of::People, Part::CrashFree),
    ),
    (
        "session.crash_rate",
        Measure::Rate(Of::Sessions, Part::Crashed),
    ),
    (
        "session.crash_user_rate",
        Measure::Rate(Of::People, Part::Crashed),
    ),
    (
        "session.crash_free_rate",
        Measure::Rate(Of::Sessions, Part::CrashFree),
    ),
    (
        "session.crash_free_user_rate",
        Measure::Rate(Of::People, Part::CrashFree),
    ),
    (
        "session.errored_rate",
        Measure::Rate(Of::Sessions, Part::Errored),
    ),
    (
        "session.errored_user_rate",
        Measure::Rate(Of::People, Part::Errored),
    ),
    (
        "session.abnormal_rate",
        Measure::Rate(Of::Sessions, Part::Abnormal),
    ),
    (
        "session.abnormal_user_rate",
        Measure::Rate(Of::People, Part::Abnormal),
    ),
    ("session.anr_rate", Measure::Hung),
    ("session.foreground_anr_rate", Measure::HungInFront),
];

/// The functions of how long sessions took.
const DURATIONS: &[(&str, Measure)] = &[
    ("avg", Measure::Avg),
    ("max", Measure::Max),
    ("p50", Measure::Share(50)),
    ("p75", Measure::Share(75)),
    ("p90", Measure::Share(90)),
    ("p95", Measure::Share(95)),
    ("p99", Measure::Share(99)),
];

impl Measure {
    /// Finds what a name asks. Both interfaces take the names of both.
    pub(super) fn named(name: &str) -> Option<Self> {
        let of_duration = name
            .strip_suffix("(session.duration)")
            .or_else(|| name.strip_suffix("(sentry.sessions.session.duration)"));
        let (tables, name): (&[_], _) = match of_duration {
            Some(function) => (&[DURATIONS], function),
            None => (&[SESSIONS, METRICS], name),
        };
        let mut named = tables.iter().flat_map(|table| table.iter());
        named
            .find(|(it, _)| *it == name)
            .map(|(_, measure)| *measure)
    }

    /// Returns all names, for the one who asked for another.
    pub(super) fn names() -> String {
        let plain = SESSIONS
            .iter()
            .chain(METRICS)
            .map(|(name, _)| (*name).to_owned());
        let durations = DURATIONS.iter();
        let durations = durations.map(|(function, _)| format!("{function}(session.duration)"));
        plain.chain(durations).collect::<Vec<_>>().join(", ")
    }

    /// Reports whether it needs more than counts of sessions.
    pub(super) fn needs_detail(self) -> bool {
        !matches!(
            self,
            Self::Count(Of::Sessions) | Self::Part(Of::Sessions, _) | Self::Rate(Of::Sessions, _)
        )
    }

    /// Returns the number of sums; of an ending, where sums are split by it. Null where nothing is
    /// known.
    pub(super) fn value(self, sums: &Health, ending: Option<Ending>) -> Value {
        match self {
            Self::Count(of) => {
                let part = ending.map_or(Part::All, Ending::part);
                json!(count(sums, of, part))
            }
            Self::Part(of, part) => match ending {
                Some(ending) if ending.part() != part => json!(0),
                _ => json!(count(sums, of, part)),
            },
            Self::Rate(of, part) => json!(rate(count(sums, of, part), count(sums, of, Part::All))),
            Self::Hung => json!(rate(sums.people.hung, sums.people.total)),
            Self::HungInFront => json!(rate(sums.people.hung_in_front, sums.people.total)),
            Self::Avg | Self::Max | Self::Share(_) => match ending {
                None | Some(Ending::Healthy) => json!(self.duration(sums.durations.as_ref())),
                // Only sessions that ended well have a full length.
                Some(_) => Value::Null,
            },
        }
    }

    fn duration(self, durations: Option<&DurationTotals>) -> Option<f64> {
        let durations = durations?;
        let millis = match self {
            Self::Avg => return Some(durations.avg),
            Self::Share(50) => durations.p50,
            Self::Share(75) => durations.p75,
            Self::Share(90) => durations.p90,
            Self::Share(95) => durations.p95,
            Self::Share(_) => durations.p99,
            _ => durations.max,
        };
        #[expect(clippy::cast_precision_loss, reason = "a time below a year is exact")]
        let millis = millis as f64;
        Some(millis)
    }
}

fn count(sums: &Health, of: Of, part: Part) -> u64 {
    match of {
        Of::Sessions => {
            let sums = &sums.sessions;
            match part {
                Part::All => sums.total,
                Part::Healthy => sums
                    .total
                    .saturating_sub(sums.errored)
                    .saturating_sub(sums.abnormal)
                    .saturating_sub(sums.crashed),
                Part::Errored => sums.errored,
                Part::Abnormal => sums.abnormal,
                Part::Crashed => sums.crashed,
                Part::CrashFree => sums.total.saturating_sub(sums.crashed),
            }
        }
        Of::People => {
            let sums = &sums.people;
            match part {
                Part::All => sums.total,
                Part::Healthy => sums.healthy,
                Part::Errored => sums.errored,
                Part::Abnormal => sums.abnormal,
                Part::Crashed => sums.crashed,
                Part::CrashFree => sums.total.saturating_sub(sums.crashed),
            }
        }
    }
}

/// Returns how large a part is, from 0 to 1; `None` of nothing.
pub(in crate::web::api0) fn rate(part: u64, all: u64) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "a rate is not exact anyway")]
    let rate = part.min(all) as f64 / all as f64;
    (all > 0).then_some(rate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::SessionTotals;
    use crate::store::health::PeopleTotals;

    #[test]
    fn every_name_is_found_and_every_number_is_told() {
        let sums = Health {
            sessions: SessionTotals {
                total: 10,
                errored: 3,
                abnormal: 1,
                crashed: 2,
            },
            people: PeopleTotals {
                total: 8,
                healthy: 4,
                errored: 2,
                abnormal: 1,
                crashed: 2,
                hung: 1,
                hung_in_front: 0,
                is_exact: true,
            },
            durations: Some(DurationTotals {
                avg: 1.5,
                max: 9,
                ..DurationTotals::default()
            }),
        };
        for (name, expected) in [
            ("sum(session)", json!(10)),
            ("session.healthy", json!(4)),
            ("session.crash_free_rate", json!(0.8)),
            ("count_unique(user)", json!(8)),
            ("session.healthy_user", json!(4)),
            ("crash_free_rate(user)", json!(0.75)),
            ("session.crash_user_rate", json!(0.25)),
            ("session.anr_rate", json!(0.125)),
            ("avg(session.duration)", json!(1.5)),
            ("max(session.duration)", json!(9.0)),
        ] {
            let measure = Measure::named(name).unwrap();
            assert_eq!(measure.value(&sums, None), expected, "{name}");
        }
        for name in Measure::names().split(", ") {
            assert!(Measure::named(name).is_some(), "{name}");
        }
        assert_eq!(Measure::named("p60(session.duration)"), None);
    }

    #[test]
    fn by_ending_counts_are_parts_and_nothing_is_made_up() {
        let nothing = Health::default();
        let rate = Measure::named("crash_rate(session)").unwrap();
        assert_eq!(rate.value(&nothing, None), Value::Null);
        let sums = Health {
            sessions: SessionTotals {
                total: 5,
                crashed: 2,
                ..SessionTotals::default()
            },
            ..nothing
        };
        let told = |name, ending| Measure::named(name).unwrap().value(&sums, Some(ending));
        assert_eq!(told("sum(session)", Ending::Healthy), json!(3));
        assert_eq!(told("session.crashed", Ending::Crashed), json!(2));
        assert_eq!(told("session.crashed", Ending::Healthy), json!(0));
        assert_eq!(told("p50(session.duration)", Ending::Crashed), Value::Null);
    }
}
