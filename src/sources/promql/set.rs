//! The set operators `or` and `and`, between expressions whose labels match.

use super::Column;

/// `left or right` for one set of matching labels: the left value, and the right one where there is none.
pub fn or(left: &[Option<f64>], right: &[Option<f64>]) -> Column {
    left.iter().zip(right).map(|(left, right)| left.or(*right)).collect()
}

/// `left and on (…) right`: the left value where any of the series on the right, whose labels match, has a sample of
/// any value.
pub fn and<C: AsRef<[Option<f64>]>>(left: &[Option<f64>], right: &[C]) -> Column {
    let present = |time: usize| right.iter().any(|series| series.as_ref().get(time).is_some_and(Option::is_some));
    left.iter().enumerate().map(|(time, value)| value.filter(|_| present(time))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn or_fills_gaps_of_the_left_side() {
        let left = [Some(1.0), None, None];
        let right = [Some(2.0), Some(3.0), None];
        assert_eq!(or(&left, &right), [Some(1.0), Some(3.0), None]);
    }

    #[test]
    fn and_needs_a_sample_of_any_value_on_the_right() {
        let left = [Some(1.0), Some(2.0), Some(3.0), None];
        let right = [[None, Some(0.0), None, Some(1.0)], [None, None, Some(f64::NAN), None]];
        assert_eq!(and(&left, &right), [None, Some(2.0), Some(3.0), None]);
        assert_eq!(and::<Column>(&left, &[]), [None; 4]);
    }
}
