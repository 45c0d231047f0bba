//! The bands of a step as one number, from readings to digits and from digits to points.

use super::{Parts, share, short};
use crate::outputs::shared::figures::number;
use crate::spec::{FULL_POINTS, Metric};

/// Expression that shifts the band number so that the digit of the metric with this stride is the lowest.
fn band_over(stride: u64) -> String {
    if stride == 1 { "band".to_owned() } else { format!("band // {stride}") }
}

/// The bands of a step as one number with a digit for each metric. `digits` holds the expressions that compute
/// a digit from a reading, `points` those that look up points by a digit, `idle` those that test for an idle reading.
pub(super) struct BandNumber {
    pub(super) digits: Vec<String>,
    pub(super) points: Vec<String>,
    pub(super) idle: Vec<String>,
    pub(super) codes: u64,
    /// The number of codes without the digit of the cap that applies.
    pub(super) of_metrics: u64,
    pub(super) bits: u32,
}

impl Parts<'_> {
    pub(super) fn bands(&self) -> BandNumber {
        let (digits, points, idle) = (Vec::new(), Vec::new(), Vec::new());
        let mut bands = BandNumber { digits, points, idle, codes: 1, of_metrics: 0, bits: 0 };
        for metric in Metric::ALL {
            let (stride, last) = (bands.codes, self.digits(metric) - 1);
            bands.digits.push(self.digit(metric, stride));
            bands.points.push(self.points(metric, stride));
            let band = band_over(stride);
            bands.idle.extend(metric.idle_column().map(|name| format!("{band} % {} = {last} AS {name}", last + 1)));
            bands.codes *= last + 1;
        }
        bands.of_metrics = bands.codes;
        if let Some(digit) = self.caps.digit(bands.of_metrics) {
            bands.digits.push(digit);
            bands.points.extend(self.caps.columns(self.dialect, &band_over(bands.of_metrics)));
            bands.codes *= self.caps.digits();
        }
        bands.bits = u64::BITS - (2 * bands.codes - 1).leading_zeros();
        bands
    }

    /// The number of values that the digit of a metric can have: missing, each band, full points, and idle if
    /// the metric can be idle.
    fn digits(&self, metric: Metric) -> u64 {
        self.profile.rule(metric).bands.list.len() as u64 + 2 + u64::from(metric.idle_column().is_some())
    }

    /// Expression for the digit of a metric, times `stride`. Digits are 0 for a missing reading, then 1 and up for the
    /// bands from the worst, then one for full points and, if the metric can be idle, one for idle.
    fn digit(&self, metric: Metric, stride: u64) -> String {
        let bands = &self.profile.rule(metric).bands;
        let value = if self.profile.limit(metric).is_some() { share(metric) } else { metric.to_string() };
        let mut text = "CASE".to_owned();
        for (digit, band) in (1..).zip(bands.list.iter().rev()) {
            text.push_str(&format!(" WHEN {value} > {} THEN {}\n          ", number(band.above), digit * stride));
        }
        let known = (bands.list.len() as u64 + 1) * stride;
        text.push_str(&format!(" WHEN {value} IS NOT NULL THEN {known}"));
        if let Some(idle) = metric.idle_column() {
            text.push_str(&format!("\n           WHEN {idle} THEN {}", known + stride));
        }
        text.push_str(" ELSE 0 END");
        text
    }

    /// Expression for the points of a metric, looked up by its digit.
    fn points(&self, metric: Metric, stride: u64) -> String {
        let bands = &self.profile.rule(metric).bands.list;
        let worth = bands.iter().rev().map(|band| band.points).chain([FULL_POINTS]);
        let list: Vec<String> = worth.map(|points| self.figures.points(points).to_string()).collect();
        let idle = if metric.idle_column().is_some() { ", NULL" } else { "" };
        let (band, digits) = (band_over(stride), self.digits(metric));
        let items = format!("NULL, {}{idle}", list.join(", "));
        format!("{} AS {}", self.dialect.item(&items, &format!("{band} % {digits}")), short(metric))
    }
}
