//! Idle readings: a percentile of a histogram in which nothing was observed.
//!
//! If a histogram of etcd does not increase within the rate window, Prometheus answers with a sample, and the value
//! of that sample is NaN: the member was scraped, and did no WAL fsync or backend commit. If it was not scraped,
//! there is no sample at all. Neither reading has a value, but only the one without a sample is missing.
//!
//! In memory, both are NaN, so code that only needs values treats them alike. They differ in their bits:
//!
//! | | in a [`Window`](super::Window) | in `readings.parquet` | sample of Prometheus |
//! |---|---|---|---|
//! | missing | any other NaN | null | none |
//! | idle | [`IDLE`] | null, and true in a column such as `wal_fsync_idle` | NaN |
//!
//! On disk a reading is never NaN: DuckDB and Polars order NaN above every number, so a query that does not handle
//! idle readings would take them for the slowest disk of all.
//!
//! Arithmetic does not keep the bits of a NaN, so only copies of a reading can be tested with [`is_idle`].

/// The value of an idle reading: a quiet NaN with a payload that neither the processor nor `str::parse` produces.
pub const IDLE: f64 = f64::from_bits(0x7ff8_0000_0069_646c);

/// Whether a reading is idle. False for every number and for every other NaN, which is a missing reading.
pub const fn is_idle(reading: f64) -> bool {
    reading.to_bits() == IDLE.to_bits()
}

/// Whether a reading is missing: neither a number nor idle.
pub const fn is_missing(reading: f64) -> bool {
    reading.is_nan() && !is_idle(reading)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_is_a_nan_and_no_other_nan_is_idle() {
        assert!(IDLE.is_nan() && is_idle(IDLE) && !is_missing(IDLE));
        // The NaN of the language, of the parser, of the processor's arithmetic (whose sign bit is set on x86-64),
        // Prometheus's staleness marker, and the NaN that Go's math.NaN returns.
        let stale = f64::from_bits(0x7ff0_0000_0000_0002);
        let of_go = f64::from_bits(0x7ff8_0000_0000_0001);
        let parsed: f64 = "NaN".parse().unwrap_or_default();
        for other in [f64::NAN, -f64::NAN, parsed, f64::INFINITY - f64::INFINITY, stale, of_go] {
            assert!(other.is_nan() && !is_idle(other) && is_missing(other), "{:x}", other.to_bits());
        }
        assert!([0.0, -0.0, f64::INFINITY].iter().all(|&number| !is_idle(number) && !is_missing(number)));
    }

    #[test]
    fn a_copied_reading_stays_idle() {
        let mut row = vec![f64::NAN; 3];
        row[1..].copy_from_slice(&[IDLE; 2]);
        let copied: Vec<f64> = row.iter().copied().chain(row.clone()).collect();
        assert_eq!(copied.iter().filter(|&&reading| is_idle(reading)).count(), 4);
    }
}
