//! The aggregations `sum` and `max` over the series of one group.

use super::{Column, Version};

/// The sum of the series at each time. Sums of floats depend on the order: that of the answer of a server is the
/// order of the series' labels. `None` where no series has a sample.
pub fn sum<C: AsRef<[Option<f64>]>>(series: &[C], version: Version) -> Column {
    if version.compensates_sums() {
        let sums = fold(series, |value| Compensated { sum: value, error: 0.0 }, Compensated::add);
        sums.into_iter().map(|sum| sum.map(|sum| sum.sum + sum.error)).collect()
    } else {
        fold(series, |value| value, |sum, value| *sum += value)
    }
}

/// The highest value at each time. NaN only where every sample is NaN, `None` where no series has a sample.
pub fn max<C: AsRef<[Option<f64>]>>(series: &[C]) -> Column {
    let raise = |max: &mut f64, value: f64| {
        if *max < value || max.is_nan() {
            *max = value;
        }
    };
    fold(series, |value| value, raise)
}

/// Folds the values of each time, in the order of the series. The first value starts the group: Prometheus does not
/// start a sum with 0, which would turn a lone -0 into 0.
fn fold<C: AsRef<[Option<f64>]>, G: Copy>(
    series: &[C],
    start: impl Fn(f64) -> G,
    add: impl Fn(&mut G, f64),
) -> Vec<Option<G>> {
    let times = series.iter().map(|column| column.as_ref().len()).max().unwrap_or(0);
    let mut groups: Vec<Option<G>> = vec![None; times];
    for column in series {
        for (group, value) in groups.iter_mut().zip(column.as_ref()) {
            match (group.as_mut(), value) {
                (_, None) => {}
                (Some(group), Some(value)) => add(group, *value),
                (None, Some(value)) => *group = Some(start(*value)),
            }
        }
    }
    groups
}

/// A sum with the error that rounding has made so far (Kahan's summation with Neumaier's improvement).
#[derive(Clone, Copy)]
struct Compensated {
    sum: f64,
    error: f64,
}

impl Compensated {
    fn add(&mut self, value: f64) {
        let sum = self.sum + value;
        if sum.is_infinite() {
            // The error of an infinite sum would be NaN.
            self.error = 0.0;
        } else if self.sum.abs() >= value.abs() {
            self.error += (self.sum - sum) + value;
        } else {
            self.error += (value - sum) + self.sum;
        }
        self.sum = sum;
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;

    fn sum_of(values: &[f64], version: &str) -> f64 {
        let series: Vec<Column> = values.iter().map(|value| vec![Some(*value)]).collect();
        sum(&series, version.parse().unwrap())[0].unwrap()
    }

    #[test]
    fn from_2_54_on_a_sum_keeps_what_rounding_loses() {
        let values = [1e100, 1.0, -1e100, 2.0];
        assert_eq!(sum_of(&values, "2.53"), 2.0);
        assert_eq!(sum_of(&values, "2.54"), 3.0);
        assert_eq!(sum_of(&[0.1; 10], "2.53"), 0.999_999_999_999_999_9);
        assert_eq!(sum_of(&[0.1; 10], "2.54"), 1.0);
    }

    #[test]
    fn infinities_and_nan_add_up_as_floats_do() {
        for version in ["2.53", "2.54"] {
            assert_eq!(sum_of(&[f64::INFINITY, 1.0], version), f64::INFINITY);
            assert_eq!(sum_of(&[f64::MAX, f64::MAX, -1.0], version), f64::INFINITY);
            assert_eq!(sum_of(&[1.0, f64::NEG_INFINITY], version), f64::NEG_INFINITY);
            assert!(sum_of(&[f64::INFINITY, f64::NEG_INFINITY], version).is_nan());
            assert!(sum_of(&[f64::NAN, 1.0], version).is_nan());
        }
        assert_eq!(sum_of(&[-0.0], "2.53").to_bits(), (-0.0_f64).to_bits());
        // -0 + 0, the error of nothing.
        assert_eq!(sum_of(&[-0.0], "2.54").to_bits(), 0.0_f64.to_bits());
    }

    #[test]
    fn series_without_a_sample_are_left_out() {
        let series = [[Some(1.0), None, None], [Some(2.0), Some(3.0), None]];
        assert_eq!(sum(&series, Version::default()), [Some(3.0), Some(3.0), None]);
        assert_eq!(max(&series), [Some(2.0), Some(3.0), None]);
        assert!(sum::<Column>(&[], Version::default()).is_empty());
    }

    #[test]
    fn max_is_nan_only_if_every_value_is() {
        let max_of = |values: [f64; 3]| max(&values.map(|value| [Some(value)]))[0].unwrap();
        assert_eq!(max_of([f64::NAN, 1.0, 2.0]), 2.0);
        assert_eq!(max_of([3.0, f64::NAN, 2.0]), 3.0);
        assert_eq!(max_of([1.0, f64::NEG_INFINITY, f64::NAN]), 1.0);
        assert!(max_of([f64::NAN; 3]).is_nan());
    }
}
