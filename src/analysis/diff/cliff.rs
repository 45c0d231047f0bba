//! Cliff's delta, an effect size that makes no assumption about distributions.

/// Cliff's delta (N. Cliff, "Dominance statistics: ordinal analyses to answer ordinal questions", Psychological
/// Bulletin 114 (1993) 494): of all pairs of a value before and a value after, the share in which the later one is
/// higher minus the share in which it is lower. `None` if a side is empty.
pub(super) fn cliffs_delta(mut before: Vec<f64>, mut after: Vec<f64>) -> Option<f64> {
    if before.is_empty() || after.is_empty() {
        return None;
    }
    before.sort_by(f64::total_cmp);
    after.sort_by(f64::total_cmp);
    // Both lists are sorted and both counts only increase, so the loop takes linear time.
    let (mut below, mut not_above, mut dominance) = (0, 0, 0_i64);
    for value in &after {
        below += before[below..].iter().take_while(|earlier| *earlier < value).count();
        not_above += before[not_above..].iter().take_while(|earlier| *earlier <= value).count();
        let above = before.len() - not_above;
        dominance += below as i64 - above as i64;
    }
    Some(dominance as f64 / (before.len() as f64 * after.len() as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delta_is_one_when_all_values_rise_and_zero_when_they_are_equal() {
        let delta = |before: &[f64], after: &[f64]| cliffs_delta(before.to_vec(), after.to_vec());
        assert_eq!(delta(&[1.0, 2.0], &[3.0, 4.0]), Some(1.0));
        assert_eq!(delta(&[3.0, 4.0], &[1.0]), Some(-1.0));
        assert_eq!(delta(&[10.0, 10.0], &[10.0]), Some(0.0));
        assert_eq!(delta(&[], &[1.0]), None);
        // Counted by hand: of nine pairs, the value after is higher in 3, lower in 4 and equal in 2.
        assert_eq!(delta(&[1.0, 5.0, 7.0], &[5.0, 7.0, 0.0]), Some(-1.0 / 9.0));
    }
}
