//! Medians and quantiles of values with gaps.

/// The present values, sorted.
pub fn sorted(values: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut present: Vec<f64> = values.into_iter().filter(|value| !value.is_nan()).collect();
    present.sort_unstable_by(f64::total_cmp);
    present
}

/// The median of the present values; `None` without any.
pub fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let present = sorted(values);
    (!present.is_empty()).then(|| quantile(&present, 0.5))
}

/// A quantile of sorted values, interpolated linearly between the two neighbors (NumPy's default). Panics without values.
pub fn quantile(sorted: &[f64], level: f64) -> f64 {
    let place = level * (sorted.len() - 1) as f64;
    let (low, share) = (place.floor() as usize, place.fract());
    match sorted.get(low + 1) {
        Some(high) if share > 0.0 => sorted[low] + (high - sorted[low]) * share,
        _ => sorted[low],
    }
}
