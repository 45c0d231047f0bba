//! Limits memory by the number of days that are processed at once.

/// Maximum size of the readings of all days in progress, unless a single day (members × steps × columns
/// × 8 bytes) is larger.
const READINGS_BYTES: usize = 256 << 20;

/// How many days of this size to process at once, at least one.
pub(crate) fn days_at_once(members: usize, steps: usize, columns: usize) -> usize {
    let day = [steps, columns, size_of::<f64>()].into_iter().fold(members, usize::saturating_mul);
    (READINGS_BYTES / day.max(1)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_days_as_fit_into_256_mib_are_in_progress_and_at_least_one() {
        // A day of 300 members at one minute: 300 × 1440 × 9 × 8 = 31,104,000 bytes, so 8 fit.
        for (members, steps, columns, expected) in [
            (300, 1_440, 9, 8),
            (300, 1_440, 6, 12),
            (300, 288, 9, 43),
            (1_500, 1_440, 9, 1),
            (3_000, 86_400, 9, 1),
            // The size of a day must not overflow: with wrapping arithmetic, 2^63 × 2 would be 0 bytes.
            (usize::MAX / 2 + 1, 2, 2, 1),
        ] {
            assert_eq!(days_at_once(members, steps, columns), expected, "{members} {steps} {columns}");
        }
        assert!(days_at_once(0, 1_440, 9) > 1_000);
    }
}
