//! One rounding for every displayed figure: scores and coverage are rounded down, losses and readings up.
//!
//! So 9.996 is never shown as a score of 10, 99.96 % never as full coverage, and 0.001 never as no loss.
//!
//! Doubles need a tolerance: 8.7 × 100 is 869.999…, and the error of a mean of n cells is at most n·ε·10: about
//! 2e-9 for a million cells, and usually 1e-12. A score less than [`SLACK`] below the next displayable value is
//! shown as that value. The tolerance is the same for any number of digits, so that a score shown as 9.99 in
//! one place is never shown as 10 in another. A full score, full coverage and no loss need no tolerance,
//! because sums of integers are exact in doubles.

/// Tolerance for floating-point errors, in points or as a share.
const SLACK: f64 = 1e-9;
/// The points of a step without loss.
const FULL: f64 = 10.0;

/// `quantity × parts`, rounded down to an integer. Only a `quantity` of at least `full` gives
/// the maximum, `full × parts`.
fn down(quantity: f64, full: f64, parts: u32) -> u32 {
    let most = (full * f64::from(parts)) as u32;
    let reached = ((quantity.max(0.0) + SLACK) * f64::from(parts)).floor() as u32;
    if quantity >= full { most } else { reached.min(most.saturating_sub(1)) }
}

/// A score (0 to 10) in units of `1 / parts` of a point, rounded down.
pub(crate) fn score_parts(score: f64, parts: u32) -> u32 {
    down(score, FULL, parts)
}

/// A share (0 to 1) in units of `1 / parts`, rounded down.
pub(crate) fn share_parts(share: f64, parts: u32) -> u32 {
    down(share, 1.0, parts)
}

/// A confidence (0 to 1) in units of `1 / parts`, rounded down and always below `parts`: for a p-value of 1e-17,
/// the double nearest to the confidence is 1, but the result is not certain.
pub(crate) fn confidence_parts(confidence: f64, parts: u32) -> u32 {
    share_parts(confidence, parts).min(parts.saturating_sub(1))
}

/// A confidence in percent, rounded down to hundredths, as a number for formats with numeric cells; always below 100.
pub(crate) fn confidence_percent(confidence: f64) -> f64 {
    f64::from(confidence_parts(confidence, 10_000)) / 100.0
}

/// A loss in units of `1 / parts` of a point (or point hour), rounded up. Only a loss of 0 gives 0.
pub(crate) fn loss_parts(loss: f64, parts: u32) -> u64 {
    let whole = ((loss - SLACK) * f64::from(parts)).ceil().max(0.0) as u64;
    if loss > 0.0 { whole.max(1) } else { 0 }
}

/// The whole points of a score: `9`.
pub(crate) fn score_points(score: f64) -> u32 {
    score_parts(score, 1)
}

/// A score with two decimals: `9.99`, `10.00`.
pub(crate) fn score_text(score: f64) -> String {
    two_digits(score_parts(score, 100).into())
}

/// A score with at most two decimals: `9.99`, `9.5`, `10`.
pub(crate) fn score_short(score: f64) -> String {
    without_zeros(&score_text(score))
}

/// A score rounded down to hundredths, as a number for formats with numeric cells.
pub(crate) fn score_number(score: f64) -> f64 {
    f64::from(score_parts(score, 100)) / 100.0
}

/// A loss with two decimals: `0.01`.
pub(crate) fn loss_text(loss: f64) -> String {
    two_digits(loss_parts(loss, 100))
}

/// A loss with at most two decimals: `0.01`, `3`.
pub(crate) fn loss_short(loss: f64) -> String {
    without_zeros(&loss_text(loss))
}

/// A loss rounded up to hundredths, as a number for formats with numeric cells.
pub(crate) fn loss_number(loss: f64) -> f64 {
    loss_parts(loss, 100) as f64 / 100.0
}

/// A coverage in percent, with one decimal: `99.9`.
pub(crate) fn percent_text(share: f64) -> String {
    one_digit(share_parts(share, 1000))
}

/// [`percent_text`] without trailing zeros: `99.9`, `100`.
pub(crate) fn percent_short(share: f64) -> String {
    without_zeros(&percent_text(share))
}

/// A coverage (0 to 1) rounded down to tenths of a percent, as a number for formats with numeric cells.
pub(crate) fn share_number(share: f64) -> f64 {
    f64::from(share_parts(share, 1000)) / 1000.0
}

/// A reading with this many decimals, rounded up: 10.004 is shown as `10.01`. So a reading above a threshold never looks
/// like the threshold, as far as the threshold has no more decimals.
pub(crate) fn reading_text(reading: f64, decimals: i32) -> String {
    let parts = 10_f64.powi(decimals);
    // A reading times a power of ten has an error of about 1e-16 of itself: 0.07 × 1000 is 70.00000000000001.
    let exact = reading * parts;
    let rounded = (exact - exact.abs() * 1e-12).ceil() / parts;
    format!("{rounded:.decimals$}", decimals = decimals.unsigned_abs() as usize)
}

/// The difference of two scores with its sign and two decimals: `+0.26`. Neither direction is the careful one, so it is
/// rounded to the nearest.
pub(crate) fn change_text(change: f64) -> String {
    format!("{change:+.2}")
}

/// A reading rounded up to hundredths, so that one above a threshold never equals the threshold.
pub(crate) fn number_up(value: f64) -> f64 {
    ((value - SLACK) * 100.0).ceil().max(0.0) / 100.0
}

/// A quantity without a side to be careful on, such as a duration, rounded to the nearest hundredth.
pub(crate) fn number_near(value: f64) -> f64 {
    (value * 100.0).round_ties_even() / 100.0
}

/// Losses as numbers in hundredths that add up to their rounded sum. Each differs from its loss by less than 0.01, except
/// that a loss above 0 stays above 0.
pub(crate) fn loss_numbers(losses: &[f64]) -> Vec<f64> {
    let exact: Vec<f64> = losses.iter().map(|loss| loss * 100.0).collect();
    let mut parts: Vec<u64> =
        exact.iter().map(|loss| ((loss + SLACK).floor() as u64).max(u64::from(*loss > 0.0))).collect();
    let sum = exact.iter().sum::<f64>().round_ties_even() as u64;
    let mut order: Vec<usize> = (0..parts.len()).collect();
    // Hundredths that are missing go to the largest remainders; those that are too many come from the largest losses.
    order.sort_by(|a, b| (exact[*b] - parts[*b] as f64).total_cmp(&(exact[*a] - parts[*a] as f64)));
    let missing = sum.saturating_sub(parts.iter().sum());
    order.iter().take(missing as usize).for_each(|index| parts[*index] += 1);
    order.sort_by_key(|index| std::cmp::Reverse(parts[*index]));
    for index in order {
        let over = parts.iter().sum::<u64>().saturating_sub(sum);
        parts[index] -= over.min(parts[index].saturating_sub(1));
    }
    parts.into_iter().map(|part| part as f64 / 100.0).collect()
}

fn one_digit(tenths: u32) -> String {
    format!("{}.{}", tenths / 10, tenths % 10)
}

fn two_digits(hundredths: u64) -> String {
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

/// Removes trailing zeros from a text with a decimal point.
fn without_zeros(text: &str) -> String {
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The largest double that is below a positive `value`.
    fn just_below(value: f64) -> f64 {
        f64::from_bits(value.to_bits() - 1)
    }

    /// Expected texts are cut off by hand after the second decimal.
    #[test]
    fn scores_are_rounded_down_and_only_a_full_score_is_ten() {
        for (score, text, short, whole) in [
            (0.0, "0.00", "0", 0),
            (0.001, "0.00", "0", 0),
            (0.01, "0.01", "0.01", 0),
            (5.0, "5.00", "5", 5),
            // In doubles 8.7 × 100 is 869.9999999999999, and 1.1 + 2.2 is more than 3.3.
            (8.7, "8.70", "8.7", 8),
            (4.35, "4.35", "4.35", 4),
            (1.1 + 2.2, "3.30", "3.3", 3),
            (0.1 + 0.7, "0.80", "0.8", 0),
            (6.842_105_263_157_895, "6.84", "6.84", 6),
            // Seven steps of 8.7 added up and divided are 8.699999999999998.
            ((0..7).map(|_| 8.7).sum::<f64>() / 7.0, "8.70", "8.7", 8),
            (9.995_833_333_333_333, "9.99", "9.99", 9),
            (9.999_999_999_9, "9.99", "9.99", 9),
            (just_below(10.0), "9.99", "9.99", 9),
            (10.0, "10.00", "10", 10),
        ] {
            assert_eq!((score_text(score).as_str(), score_short(score).as_str()), (text, short), "{score}");
            assert_eq!((score_points(score), score_number(score).to_string().as_str()), (whole, short), "{score}");
        }
        assert_eq!([9.95, 9.999, 10.0].map(|score| score_parts(score, 10)), [99, 99, 100]);
    }

    #[test]
    fn coverage_is_rounded_down_and_only_full_coverage_is_100_percent() {
        for (share, text) in [
            (0.0, "0.0"),
            (0.999, "99.9"),
            (0.9996, "99.9"),
            (just_below(1.0), "99.9"),
            (1.0, "100.0"),
            (0.29, "29.0"),
            (5.0 / 12.0, "41.6"),
            (2.0 / 3.0, "66.6"),
        ] {
            assert_eq!(percent_text(share), text, "{share}");
            assert_eq!(percent_short(share), text.strip_suffix(".0").unwrap_or(text), "{share}");
        }
        assert_eq!([0.29, 0.99996, 1.0].map(share_number), [0.29, 0.999, 1.0]);
    }

    #[test]
    fn readings_are_rounded_up_so_that_they_stay_on_their_side_of_a_threshold() {
        for (reading, decimals, text) in [
            (10.0, 2, "10.00"),
            (10.000_1, 2, "10.01"),
            (9.991, 2, "10.00"),
            // In doubles, this is 70.00000000000001.
            (0.07 * 1000.0, 2, "70.00"),
            (80.04, 1, "80.1"),
            (0.0, 1, "0.0"),
            (-0.5, 1, "-0.5"),
        ] {
            assert_eq!(reading_text(reading, decimals), text, "{reading}");
        }
        assert_eq!([0.264, -0.001, 0.0].map(change_text), ["+0.26", "-0.00", "+0.00"]);
    }

    #[test]
    fn losses_are_rounded_up_and_only_no_loss_is_zero() {
        for (loss, text, short) in [
            (0.0, "0.00", "0"),
            (1e-12, "0.01", "0.01"),
            (0.004_166_666_666_666_667, "0.01", "0.01"),
            (0.07, "0.07", "0.07"),
            (3.0, "3.00", "3"),
            (1.1 + 2.2, "3.30", "3.3"),
            (0.301, "0.31", "0.31"),
            (1234.5, "1234.50", "1234.5"),
        ] {
            assert_eq!((loss_text(loss).as_str(), loss_short(loss).as_str()), (text, short), "{loss}");
            assert_eq!(loss_number(loss).to_string(), short, "{loss}");
        }
    }

    /// Sums and shares were worked out by hand.
    #[test]
    fn rounded_losses_add_up_to_their_rounded_sum() {
        assert_eq!(loss_numbers(&[1.006, 2.006, 3.006]), [1.01, 2.01, 3.0]);
        assert_eq!(loss_numbers(&[49.833, 20.004, 0.0]), [49.83, 20.01, 0.0]);
        assert_eq!(loss_numbers(&[100.0, 0.0001, 0.0001]), [99.98, 0.01, 0.01]);
        assert_eq!(loss_numbers(&[]), [0.0; 0]);
    }

    #[test]
    fn readings_are_rounded_up_and_durations_to_the_nearest() {
        assert_eq!([10.000_001, 10.0, 38.2, 0.0].map(number_up), [10.01, 10.0, 38.2, 0.0]);
        assert_eq!([0.125, 0.375, 1.0 / 3.0].map(number_near), [0.12, 0.38, 0.33]);
    }
}
