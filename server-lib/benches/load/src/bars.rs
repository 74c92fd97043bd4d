//! Figures beside their targets.

/// Prints a heading.
pub fn heading(text: &str) {
    println!("\n{text}");
}

/// Prints a figure without a target.
pub fn row(name: &str, figure: &str) {
    println!("  {name:<58} {figure:>14}");
}

/// Prints a figure beside the most that it may be.
pub fn at_most(name: &str, figure: f64, target: f64) {
    bar(name, figure, "<=", target, figure <= target);
}

/// Prints a figure beside the least that it may be.
pub fn at_least(name: &str, figure: f64, target: f64) {
    bar(name, figure, ">=", target, figure >= target);
}

fn bar(name: &str, figure: f64, sign: &str, target: f64, met: bool) {
    let verdict = if met { "met" } else { "MISSED" };
    println!("  {name:<58} {figure:>14.3}  {sign} {target:<8} {verdict}");
}

/// The middle one.
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
