//! `forecast.csv`: the rows of the forecast, for spreadsheets. Labels are escaped so that none runs as a formula.

use std::fmt::Write;

use super::rows::{QUANTILES, Row};
use crate::text::csv::csv_field;
use crate::time::format_instant;

/// The whole file. Numbers are as exact as in `forecast.parquet`.
pub(super) fn csv(rows: &[Row<'_>]) -> String {
    let quantiles = QUANTILES.map(|(name, _)| name).join(",");
    let mut text = format!(
        "cluster,member,metric,unit,origin,ts,lead_seconds,model,{quantiles},red_share,bucket_low_seconds,bucket_high_seconds\n"
    );
    for row in rows {
        let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
        let label = |text: Option<&str>| text.map_or_else(String::new, csv_field);
        let instant = |ms: i64| format_instant(ms - ms.rem_euclid(1000));
        let _ = write!(text, "{},{},{},{}", csv_field(row.cluster), label(row.member), row.metric, row.unit);
        let [origin, ts] = [row.origin_ms, row.ts_ms].map(instant);
        let _ = write!(text, ",{origin},{ts},{},{}", row.lead_seconds(), label(row.model.as_deref()));
        for value in row.quantiles {
            let _ = write!(text, ",{value}");
        }
        let bucket = row.bucket;
        let [red, low, high] = [row.red, bucket.map(|of| of.low), bucket.and_then(|of| of.high)].map(number);
        let _ = writeln!(text, ",{red},{low},{high}");
    }
    text
}
