//! Quantiles out of written histograms.

/// Estimates a quantile of a histogram in the text form, as Prometheus does: within the bucket
/// that holds it, values are taken as spread evenly. `None` when nothing was observed.
pub(super) fn quantile(text: &str, name: &str, share: f64) -> Option<f64> {
    let prefix = format!("{name}_bucket{{le=\"");
    let buckets = text.lines().filter_map(|line| {
        let (bound, count) = line.strip_prefix(&prefix)?.split_once("\"} ")?;
        Some((bound.parse::<f64>().ok()?, count.parse::<f64>().ok()?))
    });
    let buckets: Vec<_> = buckets.collect();
    let total = buckets.last().map(|(_, count)| *count)?;
    let rank = total * share;
    let mut below = (0.0, 0.0);
    for (bound, count) in buckets {
        if count >= rank && count > 0.0 {
            let (low, before) = below;
            // Beyond the last bound nothing is known.
            if bound.is_infinite() {
                return Some(low);
            }
            return Some(low + (bound - low) * (rank - before) / (count - before).max(1.0));
        }
        below = (bound, count);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# TYPE x histogram
x_sum 1.0
x_count 10
x_bucket{le=\"1.0\"} 5
x_bucket{le=\"2.0\"} 9
x_bucket{le=\"+Inf\"} 10
y_bucket{le=\"1.0\"} 100
";

    #[test]
    fn a_quantile_lies_in_the_bucket_that_holds_it() {
        assert_eq!(quantile(TEXT, "x", 0.5), Some(1.0));
        assert_eq!(quantile(TEXT, "x", 0.7), Some(1.5));
        assert_eq!(quantile(TEXT, "x", 0.99), Some(2.0));
        assert_eq!(quantile("x_bucket{le=\"+Inf\"} 0\n", "x", 0.95), None);
        assert_eq!(quantile("", "x", 0.95), None);
    }
}
