//! Measures how far apart the samples of a metric are, and compares that with the window of rates.

use std::fmt;

use serde_json::Value;

use super::query::Base;
use super::{Client, PromError, QuerySet};
use crate::spec::LOOK_BACK_SECONDS;
use crate::time::Step;

/// How far back to look for samples. A longer window is tried only if no series has three
/// samples in the shorter one.
const WINDOWS: [&str; 3] = ["20m", "2h", "12h"];
/// Windows of rates to recommend, in seconds.
const ROUND_WINDOWS: [i64; 8] = [60, 120, 300, 600, 900, 1200, 1800, 3600];
/// How many scrapes a window of rates should span, so that a late or failed one does not matter.
const SCRAPES_A_WINDOW: i64 = 3;

/// The usual distance between two samples of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ScrapeDistance {
    millis: i64,
}

impl ScrapeDistance {
    /// A distance in milliseconds.
    pub(crate) fn of_millis(millis: i64) -> Self {
        Self { millis: millis.max(1) }
    }

    /// The share of the steps at which `rate` over this window sees two samples, from 0 to 1.
    fn share_with_a_rate(self, window: Step) -> f64 {
        ((window.millis() - self.millis) as f64 / self.millis as f64).clamp(0.0, 1.0)
    }

    /// The share of the steps at which a sample is recent enough to count, from 0 to 1.
    fn share_with_a_sample(self) -> f64 {
        ((LOOK_BACK_SECONDS * 1000) as f64 / self.millis as f64).clamp(0.0, 1.0)
    }

    /// The shortest round window that spans enough scrapes; `None` if an hour does not span two.
    fn window(self) -> Option<Step> {
        let long_enough = |scrapes: i64| {
            let round = ROUND_WINDOWS.into_iter().find(|seconds| seconds * 1000 >= scrapes * self.millis)?;
            Step::from_millis(round * 1000).ok()
        };
        long_enough(SCRAPES_A_WINDOW).or_else(|| long_enough(2))
    }

    /// What is wrong with these scrapes for a query, and the remedy; `None` if nothing is wrong. `rate_window` is the
    /// window of the query's rate, or `None` for a query that reads the latest sample.
    pub(crate) fn advice(self, rate_window: Option<Step>) -> Option<String> {
        let every = format!("scraped every {self}");
        let Some(window) = rate_window else {
            let share = self.share_with_a_sample();
            return (share < 1.0).then(|| {
                format!(
                    "{every}: a sample counts for 5 min, so {} of the steps have a value; scrape more often, or raise \
                     the server's --query.lookback-delta",
                    percent(share)
                )
            });
        };
        let share = self.share_with_a_rate(window);
        let remedy = match self.window() {
            Some(longer) => format!("use --rate-window {longer}"),
            None => "scrape at least every 30 min".to_owned(),
        };
        (share < 1.0).then(|| match share {
            // If scrapes are exactly one window apart, two samples are in it only if they fall on both of its ends.
            0.0 if self.millis <= window.millis() => {
                format!("{every}: rate[{window}] hardly ever sees two samples; {remedy}")
            }
            0.0 => format!("{every}: rate[{window}] never sees two samples; {remedy}"),
            share => format!("{every}: rate[{window}] sees two samples in {} of windows; {remedy}", percent(share)),
        })
    }
}

impl fmt::Display for ScrapeDistance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.millis + 500) / 1000 {
            seconds if seconds < 120 => write!(f, "{seconds} s"),
            seconds if seconds % 60 == 0 || seconds > 600 => write!(f, "{} min", (seconds + 30) / 60),
            seconds => write!(f, "{:.1} min", seconds as f64 / 60.0),
        }
    }
}

fn percent(share: f64) -> String {
    format!("{} %", (share * 100.0).round().clamp(1.0, 99.0))
}

/// Measures the distance between samples near these instants, in milliseconds; `None` if no series has three
/// samples near any of them.
pub(super) async fn measure(
    client: &Client,
    queries: &QuerySet,
    base: &Base,
    instants: &[i64],
) -> Result<Option<ScrapeDistance>, PromError> {
    for window in WINDOWS {
        let mut distances = Vec::new();
        for at_ms in instants {
            for series in queries.selectors(base) {
                distances.extend(distances_at(client, &format!("{series}[{window}]"), *at_ms).await?);
            }
        }
        distances.sort_unstable();
        if let Some(&millis) = distances.get(distances.len() / 2) {
            return Ok(Some(ScrapeDistance { millis }));
        }
    }
    Ok(None)
}

/// The distances between the samples that a selector with a window returns. Ignores series with fewer than three
/// samples: the distance between two may be that of an outage.
async fn distances_at(client: &Client, selector: &str, at_ms: i64) -> Result<Vec<i64>, PromError> {
    let parameters = [("query", selector.to_owned()), ("time", (at_ms / 1000).to_string())];
    let data = client.api("/api/v1/query", &parameters).await?;
    let data = data.ok_or_else(|| PromError::NotFound { url: client.shown_url().to_owned() })?;
    let series = data["result"].as_array().map(Vec::as_slice).unwrap_or_default();
    Ok(series.iter().flat_map(|one| distances(&one["values"])).collect())
}

fn distances(values: &Value) -> Vec<i64> {
    let samples = values.as_array().map(Vec::as_slice).unwrap_or_default();
    let times: Vec<i64> =
        samples.iter().filter_map(|sample| Some((sample[0].as_f64()? * 1000.0).round() as i64)).collect();
    match times.len() {
        0..=2 => Vec::new(),
        _ => times.windows(2).map(|pair| pair[1] - pair[0]).filter(|distance| *distance > 0).collect(),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;

    fn every(seconds: i64) -> ScrapeDistance {
        ScrapeDistance { millis: seconds * 1000 }
    }

    fn minutes(count: i64) -> Step {
        Step::from_millis(count * 60_000).unwrap()
    }

    #[test]
    fn the_advice_for_slow_scrapes_names_distance_share_and_window() {
        for (seconds, window, expected) in [
            (240, 5, Some("scraped every 4 min: rate[5m] sees two samples in 25 % of windows; use --rate-window 15m")),
            (180, 5, Some("scraped every 3 min: rate[5m] sees two samples in 67 % of windows; use --rate-window 10m")),
            (300, 5, Some("scraped every 5 min: rate[5m] hardly ever sees two samples; use --rate-window 15m")),
            (600, 5, Some("scraped every 10 min: rate[5m] never sees two samples; use --rate-window 30m")),
            (90, 1, Some("scraped every 90 s: rate[1m] never sees two samples; use --rate-window 5m")),
            (1500, 5, Some("scraped every 25 min: rate[5m] never sees two samples; use --rate-window 60m")),
            (3600, 5, Some("scraped every 60 min: rate[5m] never sees two samples; scrape at least every 30 min")),
            (150, 5, None),
            (60, 5, None),
            (240, 15, None),
        ] {
            assert_eq!(every(seconds).advice(Some(minutes(window))).as_deref(), expected, "{seconds} {window}");
        }
    }

    #[test]
    fn a_gauge_has_no_value_where_its_last_sample_is_more_than_five_minutes_old() {
        assert_eq!(every(300).advice(None), None);
        let advice = every(600).advice(None).unwrap();
        assert!(advice.contains("every 10 min") && advice.contains("50 %") && advice.contains("lookback-delta"));
    }

    #[test]
    fn distances_come_from_at_least_three_samples() {
        let values = |times: &[f64]| Value::from_iter(times.iter().map(|time| serde_json::json!([time, "1"])));
        assert_eq!(distances(&values(&[0.0, 240.0, 480.5])), [240_000, 240_500]);
        assert!(distances(&values(&[0.0, 240.0])).is_empty() && distances(&Value::Null).is_empty());
    }
}
