//! The text of a forecast for a terminal: which clusters become red and when, which limits are near, and how far to trust it.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt::Write;

use super::{limits_text, metrics_text, trust_text};
use crate::analysis::forecast::result::{ClusterForecast, FirstHour, Forecast, HORIZON_HOURS, Outlook};
use crate::outputs::shared::ahead::{Clock, chance, names, percent};
use crate::outputs::terminal::Palette;
use crate::text::count;
use crate::text::palette::RED_BELOW;
use crate::text::rounding::score_short;
use crate::text::terminal::{terminal_label, terminal_line};
use crate::text::wrap::wrapped;
use crate::time::{DAY_MS, Zone};

/// A cluster is quiet if its probabilities within all horizons are below this.
const QUIET_BELOW: f64 = 0.05;
/// Nor does a cluster get a line of its own that is no more likely to become red than usual within any horizon, if its
/// probability within 6 hours is below this.
const COMMON_BELOW: f64 = 0.2;
/// Most clusters with a line of their own.
const MOST: usize = 20;
/// Indent of lines that continue another.
const HANG: usize = 4;

/// The horizons within an array of [`HORIZON_HOURS`], most important first: warnings are about 6 hours.
const ORDER: [usize; HORIZON_HOURS.len()] = [1, 2, 0];

/// How a forecast is printed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ForecastListing {
    pub(crate) palette: Palette,
    /// Width of the window in characters; `None` leaves sentences on one line.
    pub(crate) width: Option<usize>,
    /// Time zone of all times.
    pub(crate) zone: Zone,
    /// Whether to list the forecast of every metric of every member, as after `--metric`.
    pub(crate) metrics: bool,
}

/// The whole text.
pub(crate) fn forecast_text(forecast: &Forecast, listing: &ForecastListing) -> String {
    let clock = Clock { zone: listing.zone, origin_ms: forecast.origin_ms };
    let mut text = head(forecast, listing);
    let mut part = |lines: Vec<String>| {
        if !lines.is_empty() {
            let _ = write!(text, "\n{}\n", lines.join("\n"));
        }
    };
    part(clusters(forecast, clock, listing.palette));
    if listing.metrics {
        part(metrics_text::lines(forecast));
    }
    part(limits_text::lines(forecast, clock));
    part(trust_text::lines(forecast));
    wrapped(&text, listing.width, HANG)
}

fn head(forecast: &Forecast, listing: &ForecastListing) -> String {
    let days = (forecast.origin_ms - forecast.from_ms).max(0) as f64 / DAY_MS as f64;
    let history = if days >= 1.0 { count(days as u64, "day") } else { count((days * 24.0) as u64, "hour") };
    format!(
        "forecast from {} on, made from {history} of history; profile {}, model {}; red is an hour with a mean score below {RED_BELOW}\n",
        listing.zone.in_words(forecast.origin_ms),
        terminal_line(&forecast.profile),
        terminal_line(&forecast.model)
    )
}

/// What a line about a cluster has.
type Known<'a> = (&'a ClusterForecast, &'a [Outlook; HORIZON_HOURS.len()]);

/// The clusters with a probability, the highest first; those with nothing to look at in a line each kind, and those that are
/// unknown.
fn clusters(forecast: &Forecast, clock: Clock, palette: Palette) -> Vec<String> {
    let (mut known, mut common, mut quiet): (Vec<Known<'_>>, Vec<Known<'_>>, Vec<&str>) = Default::default();
    let mut unknown: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for cluster in &forecast.clusters {
        match &cluster.outlooks {
            Err(reason) => unknown.entry(reason).or_default().push(&cluster.cluster),
            Ok(outlooks) if is_red(cluster) => known.push((cluster, outlooks)),
            Ok(outlooks) if outlooks.iter().all(|of| of.probability < QUIET_BELOW) => quiet.push(&cluster.cluster),
            Ok(outlooks) if is_common(outlooks) => common.push((cluster, outlooks)),
            Ok(outlooks) => known.push((cluster, outlooks)),
        }
    }
    sort(&mut known);
    sort(&mut common);
    let mut lines: Vec<String> =
        known.iter().take(MOST).map(|(cluster, outlooks)| line(cluster, *outlooks, clock, palette)).collect();
    let mut folded = |count: String, first: Option<&Known<'_>>, names: &str| {
        if let Some((_, first)) = first {
            lines.push(format!("{count}: {}{names}", at_most(&first[ORDER[0]])));
        }
    };
    folded(count(known.len().saturating_sub(MOST), "more cluster"), known.get(MOST), "; forecast.json has them");
    let named = format!(", no more likely than usual: {}", names(common.iter().map(|(cluster, _)| &*cluster.cluster)));
    folded(count(common.len(), "cluster"), common.first(), &named);
    if !quiet.is_empty() {
        let (below, longest) = (percent(QUIET_BELOW), HORIZON_HOURS[HORIZON_HOURS.len() - 1]);
        lines.push(format!("{}: below {below} within {longest} h: {}", count(quiet.len(), "cluster"), names(quiet)));
    }
    for (reason, of) in unknown {
        let reason = terminal_line(reason);
        lines.push(format!("{}: unknown ({reason}): {}", count(of.len(), "cluster"), names(of)));
    }
    lines
}

/// Whether no horizon is more likely red than usual, and red is not likely soon anyway.
fn is_common(outlooks: &[Outlook; HORIZON_HOURS.len()]) -> bool {
    outlooks[ORDER[0]].probability < COMMON_BELOW && outlooks.iter().all(|of| of.probability <= of.usual)
}

/// Sorts by probability, the highest first. Equal ones stay in the order of their names.
fn sort(clusters: &mut [Known<'_>]) {
    clusters.sort_by(|(_, a), (_, b)| {
        let of = |place: usize| b[place].probability.total_cmp(&a[place].probability);
        ORDER.into_iter().map(of).fold(Ordering::Equal, Ordering::then)
    });
}

/// `at most 12 % within 6 h`, or `under 1 % within 6 h`.
fn at_most(outlook: &Outlook) -> String {
    let highest = chance(outlook.probability);
    let limit = if highest.starts_with("under") { "" } else { "at most " };
    format!("{limit}{highest} within {} h", outlook.hours)
}

/// `c01: red within 1 h 3 % (usually 4 %), …;  likely first at …, because of …`. Two spaces between parts: a window that is
/// too narrow breaks lines there first.
fn line(cluster: &ClusterForecast, outlooks: &[Outlook], clock: Clock, palette: Palette) -> String {
    let within: Vec<String> = outlooks
        .iter()
        .map(|of| format!("{} h {} (usually {})", of.hours, chance(of.probability), chance(of.usual)))
        .collect();
    let within = within.join(", ");
    let name = palette.bold(&terminal_label(&cluster.cluster));
    let mut line = match cluster.now.filter(|_| is_red(cluster)) {
        Some(now) => format!("{name}: red now ({} of 10);  red again or still within {within}", score_short(now)),
        None => format!("{name}: red within {within}"),
    };
    // The longest horizon has most of the courses that become red.
    let last = outlooks.iter().rev().find(|of| of.first.is_some());
    let Some((last, first)) = last.and_then(|of| Some((of, of.first?))) else { return line };
    if !is_red(cluster) {
        let _ = write!(line, ";  {}", likely(first, clock));
    }
    if let Some(blame) = &last.blame {
        let comma = if is_red(cluster) { ";  " } else { ", " };
        let _ = write!(line, "{comma}because of {} of {}", blame.metric.title(), terminal_label(&blame.member));
    }
    line
}

fn likely(first: FirstHour, clock: Clock) -> String {
    let FirstHour { earliest_ms, median_ms, latest_ms } = first;
    let median = clock.instant(median_ms);
    if earliest_ms == latest_ms {
        return format!("likely first at {median}");
    }
    let [from, to] = [earliest_ms, latest_ms].map(|ms| clock.beside(ms, median_ms));
    format!("likely first at {median} ({from} to {to})")
}

fn is_red(cluster: &ClusterForecast) -> bool {
    cluster.now.is_some_and(|now| now < RED_BELOW)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;
    use crate::analysis::forecast::result::sample::sample;

    fn printed(forecast: &Forecast, width: Option<usize>, metrics: bool) -> String {
        let listing = ForecastListing { palette: Palette::plain(), width, zone: Zone::default(), metrics };
        forecast_text(forecast, &listing)
    }

    /// Written by hand from the sample.
    #[test]
    fn the_text_says_what_comes_and_how_far_to_trust_it() {
        let expected = "\
forecast from 2026-10-07 at 12:00 on, made from 28 days of history; profile seed, model auto; red is an hour with a mean score below 5

c05: red now (3.21 of 10);  red again or still within 1 h over 99 % (usually 10 %), 6 h over 99 % (usually 20 %), 24 h over 99 % (usually 30 %);  because of WAL fsync p99 of 10.0.1.3
c01: red within 1 h 3 % (usually 4 %), 6 h 61 % (usually 9 %), 24 h 70 % (usually 20 %);  likely first at Oct 7 14:00 (12:00 to 17:00), because of WAL fsync p99 of 10.0.1.3
2 clusters: below 5 % within 24 h: c02, c03
1 cluster: unknown (it has had no score for an hour): c04

c02: 10.0.2.1's database has reached the quota (2.00 GiB)
c01: 10.0.1.1's open files reach the limit (65536) between Oct 7 13:00 and Oct 8 18:00 (median Oct 7 14:00)
c01: 10.0.1.2's database reaches the quota (2.00 GiB) on Oct 17 at the earliest, more likely on Oct 27, or not within 90 days
c01: 10.0.1.3's database reaches the quota (2.00 GiB) between Nov 2 and Nov 20 (median Nov 9)
c01: 10.0.1.2's open files reach the limit (65536) on Nov 26 at the earliest, more likely not within 90 days
not within 90 days, less than half used, or no limit: 1 database and 3 limits of open files
unknown, no readings in the last day: 1 database
unknown, no readings of the limit: 1 database
unknown, less than three days of history: 1 limit of open files

how far to trust it, judged by 372 earlier forecasts over 28 days:
  red within 1 h: better than the usual rate: Brier skill 0.31 (0.20 to 0.42)
  red within 6 h: better than the usual rate: Brier skill 0.22 (0.08 to 0.34)
  red within 24 h: cannot be judged, too few red hours: do not rely on it
  of the last 30 warnings (50 % or more within 6 h) 24 came true (33 of all 41); 3 times a cluster became red without a warning
  metrics 0 to 1 h ahead: better than the best one-liner: skill 0.21 (0.15 to 0.27); the 80 % interval held 79 % of readings, the 95 % interval 95 %; mostly arima (2 of 2)
  metrics 1 to 6 h ahead: no better than the best one-liner: skill 0.08 (-0.01 to 0.16); the 80 % interval held 81 % of readings, the 95 % interval 95 %; mostly last-hour (2 of 2)
  metrics 6 to 24 h ahead: cannot be judged; mostly hour-of-week (2 of 2)
";
        assert_eq!(printed(&sample(), None, false), expected);
    }

    #[test]
    fn metrics_are_listed_if_asked_for_and_percentiles_no_finer_than_their_buckets() {
        let text = printed(&sample(), None, true);
        for line in [
            "c01: open file descriptors of 10.0.1.1: no reading in the last hour;  no forecast (too short: 2 h of history, 1 d is needed)",
            "c01: WAL fsync p99 of 10.0.1.3: now 2 ms;  in 1 h 2 to 4 ms (1 to 8 ms), 0.75 arima + 0.25 last-hour;  \
             in 6 h 4 to 8 ms (2 to 16 ms), last-hour;  in 1 d 4.1 to 8.2 s (2.05 s or more), hour-of-week",
            "c01: database size of 10.0.1.3: now 1.86 GiB;  in 1 h 1.86 GiB (1.07 to 3.23 GiB), \
             0.75 arima + 0.25 last-hour;  in 6 h 1.86 GiB (1.07 to 3.24 GiB), last-hour;  in 1 d 1.88 GiB \
             (1.08 to 3.26 GiB), hour-of-week",
        ] {
            assert!(text.lines().any(|l| l == line), "{line}\n{text}");
        }
    }

    #[test]
    fn lines_fit_the_window_and_have_the_same_words() {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let whole = printed(&sample(), None, true);
        for width in [40, 60, 80, 120] {
            let text = printed(&sample(), Some(width), true);
            assert!(text.lines().all(|line| line.chars().count() <= width), "{text}");
            assert_eq!(words(&text), words(&whole), "{width}");
        }
    }

    #[test]
    fn what_is_left_out_is_counted() {
        let mut forecast = sample();
        let risky = forecast.clusters[0].clone();
        // c00 to c29, and one of the sample's with 99.9 %.
        forecast.clusters.extend((0..30).map(|number| {
            let mut cluster = ClusterForecast { cluster: format!("r{number:02}"), ..risky.clone() };
            let outlooks = cluster.outlooks.as_mut().unwrap();
            outlooks[1].probability = 0.5 - f64::from(number) / 100.0;
            cluster
        }));
        let text = printed(&forecast, None, false);
        // r18 has 32 % and is the 21st, after c05, c01, and r00 to r17.
        assert!(text.contains("\nr17: red within"), "{text}");
        assert!(text.contains("\n12 more clusters: at most 32 % within 6 h; forecast.json has them\n"), "{text}");
    }

    #[test]
    fn clusters_that_are_no_more_likely_red_than_usual_share_a_line() {
        let mut forecast = sample();
        let with = |cluster: &mut ClusterForecast, within: [(f64, f64); 3]| {
            let outlooks = cluster.outlooks.as_mut().unwrap();
            outlooks.iter_mut().zip(within).for_each(|(of, (probability, usual))| {
                (of.probability, of.usual) = (probability, usual);
            });
        };
        // The same as usual; below it, but likely; above it for one horizon.
        with(&mut forecast.clusters[1], [(0.02, 0.02), (0.19, 0.3), (0.5, 0.6)]);
        with(&mut forecast.clusters[2], [(0.02, 0.02), (0.05, 0.05), (0.1, 0.1)]);
        with(&mut forecast.clusters[0], [(0.02, 0.02), (0.2, 0.3), (0.5, 0.6)]);
        let text = printed(&forecast, None, false);
        assert!(
            text.contains("\n2 clusters: at most 19 % within 6 h, no more likely than usual: c02, c03\n"),
            "{text}"
        );
        assert!(text.contains("\nc01: red within"), "{text}");
        with(&mut forecast.clusters[1], [(0.03, 0.02), (0.19, 0.3), (0.5, 0.6)]);
        let text = printed(&forecast, None, false);
        assert!(text.contains("\n1 cluster: at most 5 % within 6 h, no more likely than usual: c03\n"), "{text}");
        with(&mut forecast.clusters[2], [(0.002, 0.01), (0.004, 0.02), (0.1, 0.2)]);
        let text = printed(&forecast, None, false);
        assert!(text.contains("\n1 cluster: under 1 % within 6 h, no more likely than usual: c03\n"), "{text}");
    }

    #[test]
    fn a_first_hour_without_a_range_has_none() {
        let mut forecast = sample();
        let first = forecast.clusters[0].outlooks.as_mut().unwrap()[2].first.as_mut().unwrap();
        (first.earliest_ms, first.latest_ms) = (first.median_ms, first.median_ms);
        let text = printed(&forecast, None, false);
        assert!(text.contains(";  likely first at Oct 7 14:00, because of"), "{text}");
    }

    #[test]
    fn a_forecast_without_judged_origins_is_not_to_be_relied_on() {
        let mut forecast = sample();
        forecast.trust.origins = 0;
        let text = printed(&forecast, None, false);
        assert!(
            text.ends_with("\nhow far to trust it: no earlier forecast could be judged, do not rely on it\n"),
            "{text}"
        );
        forecast = sample();
        forecast.trust.breach[1].as_mut().unwrap().low = 0.0;
        forecast.trust.warnings.clear();
        forecast.trust.missed = 0;
        let text = printed(&forecast, None, false);
        for words in [
            "within 6 h: no better than the usual rate: do not rely on it (Brier skill 0.22 (0.00 to 0.34))",
            "no warning, which is 50 % or more within 6 h; no cluster became red without a warning",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
    }

    #[test]
    fn names_cannot_control_the_terminal() {
        let mut forecast = sample();
        forecast.clusters[0].cluster = "a\x1b[2Jb".to_owned();
        forecast.clusters[1].cluster = "q\x1b[2Jb".to_owned();
        if let Err(reason) = &mut forecast.clusters[3].outlooks {
            reason.push('\x1b');
        }
        forecast.limits.iter_mut().for_each(|of| of.member.push('\u{202e}'));
        forecast.metrics.iter_mut().for_each(|of| of.member.push('\n'));
        let text = printed(&forecast, None, true);
        let lines = printed(&sample(), None, true).lines().count();
        assert!(!text.contains(['\x1b', '\u{202e}']) && text.lines().count() == lines, "{text}");
    }
}
