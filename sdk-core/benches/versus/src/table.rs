//! The table of ratios, and the bars.

use std::error::Error;
use std::fmt;

use crate::lab::Measured;
use crate::program::Figures;

/// What the ratio ours/theirs has to be.
#[derive(Clone, Copy)]
pub enum Bar {
    AtMost(f64),
    AtLeast(f64),
    /// Our figure itself has to be this one; theirs stands beside it.
    OursIs(f64),
    /// For information; less is better.
    None,
}

/// How a figure is written.
#[derive(Clone, Copy)]
pub enum Unit {
    Nanos,
    Micros,
    Seconds,
    PerSecond,
    Bytes,
    KiloBytes,
    Count,
    GigaBytesPerSecond,
}

/// One comparison.
pub struct Row {
    pub what: String,
    pub bar: Bar,
    pub unit: Unit,
    pub ours: f64,
    pub theirs: f64,
    /// Which of their programs this is, and what else the reader must know.
    pub remark: String,
}

impl Row {
    /// Compares the medians of one figure; of their programs, the better one.
    pub fn compare(
        what: impl Into<String>,
        bar: Bar,
        unit: Unit,
        measured: &Measured,
        figure: impl Fn(&Figures) -> Result<f64, Box<dyn Error>>,
    ) -> Result<Self, Box<dyn Error>> {
        let mut remarks = Vec::new();
        let mut medians = Vec::new();
        for (program, samples) in &measured.0 {
            let values = samples.iter().map(&figure).collect::<Result<_, _>>()?;
            medians.push((program.label, median(values)));
            let lost: f64 = samples.iter().map(lost).sum();
            if lost != 0.0 && !matches!(bar, Bar::OursIs(_)) {
                remarks.push(format!("{} lost {lost} events", program.label));
            }
        }
        let (Some((_, ours)), Some(theirs)) = (medians.first(), medians.get(1..)) else {
            return Err("nothing was measured".into());
        };
        let is_more_better = matches!(bar, Bar::AtLeast(_));
        let best = theirs.iter().min_by(|(_, a), (_, b)| {
            if is_more_better {
                b.total_cmp(a)
            } else {
                a.total_cmp(b)
            }
        });
        let (label, best) = best.ok_or("they were not measured")?;
        remarks.insert(0, (*label).to_owned());
        Ok(Self {
            what: what.into(),
            bar,
            unit,
            ours: *ours,
            theirs: *best,
            remark: remarks.join("; "),
        })
    }

    /// The same comparison with one of their programs only.
    pub fn compare_with(
        label: &str,
        what: impl Into<String>,
        bar: Bar,
        unit: Unit,
        measured: &Measured,
        figure: impl Fn(&Figures) -> Result<f64, Box<dyn Error>>,
    ) -> Result<Self, Box<dyn Error>> {
        let some = measured.0.iter();
        let some = some.filter(|(program, _)| ["ours", label].contains(&program.label));
        Self::compare(what, bar, unit, &Measured(some.cloned().collect()), figure)
    }

    fn ratio(&self) -> f64 {
        self.ours / self.theirs
    }

    fn is_met(&self) -> Option<bool> {
        match self.bar {
            Bar::AtMost(most) => Some(self.ratio() <= most),
            Bar::AtLeast(least) => Some(self.ratio() >= least),
            Bar::OursIs(figure) => Some(self.ours == figure),
            Bar::None => None,
        }
    }
}

/// Events that were sent and did not arrive; samples that do not tell lose nothing.
fn lost(figures: &Figures) -> f64 {
    match (figures.get("sent"), figures.get("delivered")) {
        (Ok(sent), Ok(delivered)) => sent - delivered,
        _ => 0.0,
    }
}

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
    if values.len().is_multiple_of(2) {
        f64::midpoint(at(middle.wrapping_sub(1)), at(middle))
    } else {
        at(middle)
    }
}

/// All comparisons, and the groups that could not be measured.
#[derive(Default)]
pub struct Table {
    rows: Vec<Row>,
    failures: Vec<String>,
}

impl Table {
    pub fn extend(&mut self, group: &str, rows: Result<Vec<Row>, Box<dyn Error>>) {
        match rows {
            Ok(rows) => self.rows.extend(rows),
            Err(error) => self.failures.push(format!("{group}: {error}")),
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| what | bar | ours/theirs | ours | theirs | | theirs is with |"
        )?;
        writeln!(f, "| --- | --- | --- | --- | --- | --- | --- |")?;
        for row in &self.rows {
            let bar = match row.bar {
                Bar::AtMost(most) => format!("≤ {most}"),
                Bar::AtLeast(least) => format!("≥ {least}"),
                Bar::OursIs(figure) => format!("ours = {}", Unit::Count.write(figure)),
                Bar::None => String::new(),
            };
            let verdict = match row.is_met() {
                Some(true) => "met",
                Some(false) => "**missed**",
                None => "",
            };
            let digits = if row.ratio() < 0.1 { 4 } else { 2 };
            let Row { what, remark, .. } = row;
            let ratio = row.ratio();
            let (ours, theirs) = (row.unit.write(row.ours), row.unit.write(row.theirs));
            writeln!(
                f,
                "| {what} | {bar} | {ratio:.digits$} | {ours} | {theirs} | {verdict} | {remark} |"
            )?;
        }
        writeln!(f)?;
        let bars = self.rows.iter().filter_map(Row::is_met);
        writeln!(
            f,
            "{} of {} bars met",
            bars.clone().filter(|met| *met).count(),
            bars.count()
        )?;
        for row in self.rows.iter().filter(|row| row.is_met() == Some(false)) {
            writeln!(f, "MISSED: {} ({:.3})", row.what, row.ratio())?;
        }
        for failure in &self.failures {
            writeln!(f, "NOT MEASURED: {failure}")?;
        }
        Ok(())
    }
}

impl Unit {
    fn write(self, value: f64) -> String {
        match self {
            Self::Nanos if value >= 1e6 => format!("{:.2} ms", value / 1e6),
            Self::Nanos if value >= 1e3 => format!("{:.2} µs", value / 1e3),
            Self::Nanos => format!("{value:.0} ns"),
            Self::Micros => format!("{value:.1} µs"),
            Self::Seconds => format!("{value:.1} s"),
            Self::PerSecond => format!("{value:.0}/s"),
            Self::Bytes => format!("{value:.0} B"),
            Self::KiloBytes if value >= 1e3 => format!("{:.2} MB", value / 1e3),
            Self::KiloBytes => format!("{value:.0} kB"),
            Self::Count => format!("{value:.0}"),
            Self::GigaBytesPerSecond => format!("{value:.2} GB/s"),
        }
    }
}
