//! The rows, group by group, with the bars they are held to.

use std::error::Error;

use crate::lab::{Lab, found};
use crate::note;
use crate::program::Figures;
use crate::table::{Bar, Row, Unit};

type Rows = Result<Vec<Row>, Box<dyn Error>>;

const FRAMES: f64 = 38.0;
const BURST: f64 = 10_000.0;
/// Sizes of the two 25 KB envelopes may differ by this share.
const SIZE_TOLERANCE: f64 = 0.02;

fn figure(name: &'static str) -> impl Fn(&Figures) -> Result<f64, Box<dyn Error>> {
    move |figures| figures.get(name)
}

pub fn init(lab: &mut Lab) -> Rows {
    let measured = lab.measure(3, |_| "init DSN".into())?;
    let row = |label, what: &str, bar| {
        Row::compare_with(label, what, bar, Unit::Nanos, &measured, figure("nanos"))
    };
    Ok(vec![
        row("reqwest", "`init`, default features", Bar::AtMost(0.1))?,
        row("ureq", "`init`, ureq and rustls", Bar::None)?,
    ])
}

pub fn capture(lab: &mut Lab) -> Rows {
    let mut rows = Vec::new();
    for (kind, what) in [("error", "an error"), ("message", "a message")] {
        for (burst, batches, how) in [(1, 1000, "one at a time"), (20, 200, "in bursts of 20")] {
            let measured = lab.measure(1, |_| format!("capture {kind} DSN 0 {burst} {batches}"))?;
            rows.push(Row::compare(
                format!("capture of {what}, {how}"),
                Bar::AtMost(0.5),
                Unit::Nanos,
                &measured,
                figure("nanos"),
            )?);
        }
    }
    let depths = lab.depths(FRAMES, |depth| format!("capture stack DSN {depth} 1 2"))?;
    for (burst, batches, how) in [(1, 300, "one at a time"), (10, 60, "in bursts of 10")] {
        let measured = lab.measure(1, |program| {
            let depth = found(&depths, program);
            format!("capture stack DSN {depth} {burst} {batches}")
        })?;
        rows.push(Row::compare(
            format!("capture with a stack of {FRAMES} frames, {how}"),
            Bar::AtMost(0.05),
            Unit::Nanos,
            &measured,
            figure("nanos"),
        )?);
    }
    Ok(rows)
}

pub fn breadcrumbs(lab: &mut Lab) -> Rows {
    let mut rows = Vec::new();
    for (kind, what) in [
        ("full", "breadcrumb, ring full"),
        ("made", "breadcrumb, ring full, message formatted"),
        ("filling", "breadcrumb, ring filling"),
        ("captures", "breadcrumb, ten after each capture"),
    ] {
        let measured = lab.measure(1, |_| format!("breadcrumbs {kind} DSN"))?;
        // Formatting the message costs both sides the same.
        let bar = if kind == "made" {
            Bar::None
        } else {
            Bar::AtMost(0.5)
        };
        rows.push(Row::compare(
            what,
            bar,
            Unit::Nanos,
            &measured,
            figure("nanos"),
        )?);
    }
    Ok(rows)
}

/// With a core for the client and one for the sink, as if they were two machines; then as the
/// system places them, when a sink that shares the client's core makes a sleeping client cheap.
pub fn deliver(lab: &mut Lab) -> Rows {
    lab.keep_apart(true)?;
    let mut rows = deliver_placed(lab, "", true)?;
    lab.keep_apart(false)?;
    rows.extend(deliver_placed(lab, ", cores shared", false)?);
    Ok(rows)
}

fn deliver_placed(lab: &mut Lab, place: &str, has_bars: bool) -> Rows {
    let bar = |bar| if has_bars { bar } else { Bar::None };
    let mut rows = Vec::new();
    for (kind, what, events) in [("plain", "plain", 5_000), ("stack", "with a stack", 3_000)] {
        let depths = match kind {
            "stack" => lab.depths(FRAMES, |depth| format!("deliver stack DSN {depth} 1 10"))?,
            _ => Vec::new(),
        };
        let paces = best_paces(lab, kind, &depths)?;
        let measured = lab.measure(1, |program| {
            let (depth, pace) = (found(&depths, program), found(&paces, program));
            format!("deliver {kind} DSN {depth} {events} {pace}")
        })?;
        let row =
            |what: String, bar, unit, name| Row::compare(what, bar, unit, &measured, figure(name));
        rows.push(row(
            format!("CPU per delivered event, {what}{place}"),
            bar(Bar::AtMost(0.5)),
            Unit::Micros,
            "cpu_micros",
        )?);
        rows.push(row(
            format!("events per second until flushed, {what}{place}"),
            bar(Bar::AtLeast(2.0)),
            Unit::PerSecond,
            "events_per_second",
        )?);
        if !has_bars {
            continue;
        }
        rows.push(Row::compare(
            format!("bytes on the wire per event, {what}"),
            Bar::None,
            Unit::Bytes,
            &measured,
            |figures| Ok(figures.get("wire_bytes")? / figures.get("delivered")?),
        )?);
        if kind == "stack" {
            for (name, what) in [("rss_kb", "resident"), ("hwm_kb", "most resident")] {
                let what = format!("{what} memory after {events} events with stacks");
                rows.push(row(what, Bar::AtMost(0.3), Unit::KiloBytes, name)?);
            }
        }
    }
    Ok(rows)
}

/// After how many events each program is best told to flush: the fastest pace that loses nothing.
fn best_paces(
    lab: &mut Lab,
    kind: &str,
    depths: &[(&'static str, f64)],
) -> Result<Vec<(&'static str, f64)>, Box<dyn Error>> {
    let mut paces = Vec::new();
    for program in lab.programs() {
        let depth = found(depths, &program);
        let mut best = (0.0, 1.0);
        for pace in [10.0, 30.0, 100.0, 500.0] {
            let words = format!("deliver {kind} DSN {depth} 500 {pace}");
            let figures = lab.sample(&program, &words)?;
            if figures.get("delivered")? < figures.get("sent")? {
                break;
            }
            let rate = figures.get("events_per_second")?;
            if rate > best.0 {
                best = (rate, pace);
            }
        }
        let (label, pace) = (program.label, best.1);
        note(&format!("{label}: {kind} events are flushed every {pace}"));
        paces.push((label, pace));
    }
    Ok(paces)
}

pub fn burst(lab: &mut Lab) -> Rows {
    let measured = lab.measure(1, |_| format!("burst DSN {BURST}"))?;
    let all = |figures: &Figures| Ok(figures.get("delivered")? + figures.get("reported")?);
    let row = |what: &str, bar, name| {
        let what = format!("{BURST} captures at once: {what}");
        Row::compare(what, bar, Unit::Count, &measured, figure(name))
    };
    Ok(vec![
        row("delivered", Bar::AtLeast(1.0), "delivered")?,
        Row::compare(
            format!("{BURST} captures at once: delivered or reported as lost"),
            Bar::OursIs(BURST),
            Unit::Count,
            &measured,
            all,
        )?,
        Row::compare(
            format!("{BURST} captures at once: caller's time for each"),
            Bar::None,
            Unit::Nanos,
            &measured,
            figure("nanos"),
        )?,
    ])
}

pub fn serialise(lab: &mut Lab) -> Rows {
    let measured = lab.measure(1, |_| "serialise".into())?;
    let mut row = Row::compare(
        "serialising a 25 KB event envelope",
        Bar::AtLeast(1.0),
        Unit::GigaBytesPerSecond,
        &measured,
        |figures| Ok(figures.get("bytes")? / figures.get("nanos")?),
    )?;
    let sizes: Vec<f64> = measured
        .0
        .iter()
        .filter_map(|(_, samples)| samples.first()?.get("bytes").ok())
        .collect();
    let most = sizes.iter().copied().fold(0.0, f64::max);
    let least = sizes.iter().copied().fold(f64::INFINITY, f64::min);
    if most > least * (1.0 + SIZE_TOLERANCE) {
        row.remark += &format!("; sizes differ: {least} to {most} bytes");
    }
    Ok(vec![row])
}
