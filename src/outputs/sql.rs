//! The score as SQL for DuckDB: fills the template `sql/score.sql` with the weights, bands and limits of a profile.

mod caps;

use caps::CapsSql;

use super::shared::figures::{Figures, number, origin};
use crate::spec::{Column, Companion, FULL_POINTS, LOOK_BACK_SECONDS, Metric, Profile};

const TEMPLATE: &str = include_str!("sql/score.sql");

/// Number of bits for a member's position in the list of all members. The script packs rank of the score, this
/// position and the band number into one integer, whose minimum at a step identifies the worst member.
const POSITION_BITS: u32 = 30;
/// Maximum width of a line in a list; it leaves room for the rest of a statement within 100 columns.
const WIDTH: usize = 88;

/// The companions that the script reads whatever the profile: they are in no band.
const NOT_IN_BANDS: [Companion; 2] = [Companion::StartTime, Companion::IsLearner];

/// The script that scores a history with this profile. `command` is named in its header as the
/// way to generate it again.
pub(crate) fn score_sql(profile: &Profile, min_coverage: f64, command: &str) -> String {
    let parts = Parts::of(profile);
    let bands = parts.bands();
    let caps = &parts.caps;
    let life_columns = Metric::ALL.into_iter().filter(|m| m.shows_life()).map(|m| m.reading_column().to_owned());
    let shares = parts.limits.iter().any(|&(_, limit)| limit);
    let values = [
        ("columns", parts.columns()),
        ("metrics_to_pull", names(25)),
        ("metrics_by_place", names(13)),
        ("life_columns", wrapped(life_columns, ", ", 21)),
        ("sum_of_weights", wrapped(Metric::ALL.map(|m| m.to_string()), " + ", 12)),
        ("sum_of_losses", wrapped(Metric::ALL.map(|m| m.loss_column().to_owned()), " + ", 25)),
        ("lost", lost()),
        ("mean_losses", mean_losses()),
        ("share_of", if shares { format!("{SHARE_OF}\n") } else { String::new() }),
        ("band_parameters", parts.band_parameters()),
        ("band_digits", bands.digits.join("\n    + ")),
        ("band_arguments", parts.band_arguments()),
        ("band_type", if 2 * bands.codes > 1 << 15 { "INTEGER" } else { "SMALLINT" }.to_owned()),
        ("learner", Companion::IsLearner.reading_column().to_owned()),
        ("young_seconds", LOOK_BACK_SECONDS.to_string()),
        ("codes", bands.codes.to_string()),
        ("numbers", (2 * bands.codes).to_string()),
        ("weights", parts.weights()),
        ("points", bands.points.join(",\n           ")),
        ("idle", bands.idle.join(",\n           ")),
        // The highest digit of a percentile stands for idle; that of any other metric, for full points.
        ("idle_band", (bands.of_metrics - 1).to_string()),
        ("only_idle", wrapped(Metric::ALL.map(has_loss_or_is_idle), " AND ", 12)),
        ("point_times", if parts.figures.point == 1 { String::new() } else { format!("{} * ", parts.figures.point) }),
        ("losses", parts.losses()),
        ("capped", caps.capped()),
        ("judged", caps.judged().to_owned()),
        ("members_judged", caps.members_judged().to_owned()),
        ("point_columns", parts.point_columns()),
        ("place_shift", (POSITION_BITS + bands.bits).to_string()),
        ("position_shift", bands.bits.to_string()),
        ("band_mask", ((1_u64 << bands.bits) - 1).to_string()),
        ("min_coverage", number(min_coverage)),
        // Fill this placeholder last, so that a placeholder in a user's text (such as the source of
        // a profile) is not replaced.
        ("origin", origin("--", profile, command)),
    ];
    let filled = |text: String, (name, value): &(&str, String)| text.replace(&format!("{{{{{name}}}}}"), value);
    values.iter().fold(TEMPLATE.to_owned(), filled)
}

/// SQL macro that divides a reading by its limit, included if the profile compares a metric with a limit.
const SHARE_OF: &str = "\
-- Ratio of a reading to its limit: 0 if the limit is 0 or less (no limit), NULL if the limit is missing.
CREATE OR REPLACE MACRO share_of(reading, most) AS
    CASE WHEN most <= 0 THEN if(reading IS NULL, NULL, CAST(0 AS DOUBLE))
         ELSE nullif(reading / most, CAST('NaN' AS DOUBLE)) END;
";

/// The script's name for the column with the points of a metric.
fn short(metric: Metric) -> String {
    format!("p_{metric}")
}

/// Expression that shifts the band number so that the digit of the metric with this stride is the lowest.
fn band_over(stride: u64) -> String {
    if stride == 1 { "band".to_owned() } else { format!("band // {stride}") }
}

/// Joins a list and breaks it at [`WIDTH`]: after the separator `, `, before any other separator.
/// All lines begin at the column `indent`.
fn wrapped(items: impl IntoIterator<Item = String>, separator: &str, indent: usize) -> String {
    let (before, after) = if separator == ", " { (",", "") } else { ("", separator.trim_start()) };
    let (mut text, mut used) = (String::new(), indent);
    for (place, item) in items.into_iter().enumerate() {
        let separator = if place == 0 { "" } else { separator };
        if used + separator.len() + item.len() < WIDTH {
            text.push_str(separator);
            used += separator.len() + item.len();
        } else {
            text.push_str(&format!("{before}\n{}{after}", " ".repeat(indent)));
            used = indent + after.len() + item.len();
        }
        text.push_str(&item);
    }
    text
}

/// The columns of the history that mark idle readings.
fn idle_columns() -> impl Iterator<Item = String> {
    Metric::ALL.into_iter().filter_map(Metric::idle_column).map(str::to_owned)
}

/// Condition that the metric has a loss or is idle. A loss is NULL if the reading is missing or idle, but never
/// for a metric without weight.
fn has_loss_or_is_idle(metric: Metric) -> String {
    match metric.idle_column() {
        Some(idle) => format!("({} IS NOT NULL OR {idle})", metric.loss_column()),
        None => format!("{} IS NOT NULL", metric.loss_column()),
    }
}

/// The names of all metrics as a list of SQL strings.
fn names(indent: usize) -> String {
    wrapped(Metric::ALL.map(|metric| format!("'{metric}'")), ", ", indent)
}

/// Expressions that sum the losses of each metric in a cell, in the order of the metrics.
fn lost() -> String {
    let sum = |m: Metric| format!("sum(steps * {})", m.loss_column());
    let widest = Metric::ALL.map(|m| sum(m).len()).into_iter().max().unwrap_or(0);
    Metric::ALL.map(|m| format!("{:<widest$} FILTER (units IS NOT NULL)", sum(m))).join(",\n            ")
}

fn mean_losses() -> String {
    let mean = |(place, m): (usize, Metric)| format!("lost[{place}] / (weight * scored) AS {}", m.loss_column());
    (1..).zip(Metric::ALL).map(mean).collect::<Vec<_>>().join(",\n       ")
}

/// Generates the parts of the script that depend on the profile.
struct Parts<'a> {
    profile: &'a Profile,
    figures: Figures,
    /// Every limit that a metric can have, and whether this profile uses it.
    limits: Vec<(Companion, bool)>,
    caps: CapsSql,
}

/// The bands of a step as one number with a digit for each metric. `digits` holds the expressions that compute
/// a digit from a reading, `points` those that look up points by a digit, `idle` those that test for an idle reading.
struct BandNumber {
    digits: Vec<String>,
    points: Vec<String>,
    idle: Vec<String>,
    codes: u64,
    /// The number of codes without the digit of the cap that applies.
    of_metrics: u64,
    bits: u32,
}

impl<'a> Parts<'a> {
    fn of(profile: &'a Profile) -> Self {
        let of_caps: Vec<Companion> = profile.cap_limits().map(|(_, limit)| limit).collect();
        let is_used = |m: Metric, limit: Companion| profile.limit(m).is_some() || of_caps.contains(&limit);
        let limits = Metric::ALL.into_iter().filter_map(|m| m.limit().map(|limit| (limit, is_used(m, limit))));
        let figures = Figures::of(profile);
        Self { profile, limits: limits.collect(), caps: CapsSql::of(profile, &figures), figures }
    }

    /// The columns that the script reads besides the metrics: limits in use, what caps look at, process start
    /// times, and who is a learner.
    fn companions(&self) -> impl Iterator<Item = Companion> + '_ {
        let limits = Companion::ALL.into_iter().filter(|c| self.limits.contains(&(*c, true)));
        limits.chain(self.caps.flags().iter().copied()).chain(NOT_IN_BANDS)
    }

    /// SELECT list with every column that the script reads as NULL, so that the script also
    /// works on a history that lacks some of them.
    fn columns(&self) -> String {
        let columns = Metric::ALL.into_iter().map(Column::from).chain(self.companions().map(Column::from));
        let column = |c: Column| format!("CAST(NULL AS DOUBLE) AS {}", c.reading_column());
        let idle = idle_columns().map(|name| format!("CAST(NULL AS BOOLEAN) AS {name}"));
        columns.map(column).chain(idle).collect::<Vec<_>>().join(",\n             ")
    }

    /// The limits that the profile uses, and what its caps look at.
    fn limits(&self) -> impl Iterator<Item = Companion> + '_ {
        self.companions().filter(|c| !NOT_IN_BANDS.contains(c))
    }

    fn band_parameters(&self) -> String {
        let names = Metric::ALL.map(|m| m.to_string()).into_iter().chain(self.limits().map(|c| c.to_string()));
        wrapped(names.chain(idle_columns()).chain(["age_seconds".to_owned()]), ", ", 32)
    }

    fn band_arguments(&self) -> String {
        let columns = Metric::ALL.map(Column::from).into_iter().chain(self.limits().map(Column::from));
        let columns = columns.map(|column| column.reading_column().to_owned());
        let age = format!("step - {}", Companion::StartTime.reading_column());
        wrapped(columns.chain(idle_columns()).chain([age]), ", ", 19)
    }

    fn bands(&self) -> BandNumber {
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
            bands.points.extend(self.caps.columns(&band_over(bands.of_metrics)));
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
        let value = match self.profile.limit(metric) {
            Some(limit) => format!("share_of({metric}, {})", limit.name()),
            None => metric.to_string(),
        };
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
        format!("[NULL, {}{idle}][1 + {band} % {digits}] AS {}", list.join(", "), short(metric))
    }

    /// Weights as BIGINT, which is large enough for the sums of any profile.
    fn weights(&self) -> String {
        let weight = |m: Metric| {
            let units = self.figures.weights[m.index()];
            format!("CAST(if('{m}' IN getvariable('without'), 0, {units}) AS BIGINT) AS {m}")
        };
        Metric::ALL.map(weight).join(",\n           ")
    }

    fn losses(&self) -> String {
        let full = self.figures.points(FULL_POINTS);
        let loss = |m: Metric| format!("if({m} = 0, 0, {m} * ({full} - {})) AS {}", short(m), m.loss_column());
        Metric::ALL.map(loss).into_iter().chain(self.caps.most()).collect::<Vec<_>>().join(",\n           ")
    }

    fn point_columns(&self) -> String {
        let column = |m: Metric| match self.figures.point {
            1 => format!("CAST({} AS DOUBLE) AS {}", short(m), m.points_column()),
            point => format!("{} / {point} AS {}", short(m), m.points_column()),
        };
        Metric::ALL.map(column).join(",\n       ")
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;
    use crate::spec::PROFILES;

    #[test]
    fn every_placeholder_of_the_template_is_filled() {
        for name in PROFILES {
            let sql = score_sql(&Profile::named(name).unwrap(), 0.5, "etcd-heatmap sql");
            assert!(!sql.contains("{{") && !sql.contains("}}"), "{name}");
            let weight = if name == "operator" { 0.25 } else { 0.3 };
            assert!(sql.contains(&format!("-- Profile {name}: wal_fsync {weight} (")), "{name}");
        }
    }

    #[test]
    fn a_limit_is_read_only_if_a_band_is_a_share_of_it() {
        assert!(!score_sql(&Profile::seed(), 0.5, "").contains("share_of"));
        let profile = Profile::seed().with_bands(Metric::DbSize, "80%:2.5".parse().unwrap()).unwrap();
        let sql = score_sql(&profile, 0.25, "");
        for part in ["share_of(db_size, quota) > 0.8 THEN", "[NULL, 2500, 10000]", "p_db_size / 1000 AS", "< 0.25 AS"] {
            assert!(sql.contains(part), "{part}");
        }
        assert!(sql.contains("CAST(NULL AS DOUBLE) AS quota_bytes,") && !sql.contains("max_fds"));
    }

    #[test]
    fn long_lists_break_after_commas_and_before_plus_signs() {
        let items = || ["a".repeat(40), "b".repeat(40), "c".repeat(40)];
        let [a, b, c] = items();
        assert_eq!(wrapped(items(), ", ", 2), format!("{a}, {b},\n  {c}"));
        assert_eq!(wrapped(items(), " + ", 2), format!("{a} + {b}\n  + {c}"));
    }
}
