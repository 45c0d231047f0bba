//! The score as SQL for DuckDB or Spark: fills the template `sql/score.sql` with the weights, bands and limits of a
//! profile, and with the time zone, width and rollup of cells.

mod bands;
mod caps;
mod clock;
mod dialect;
mod rollup;

pub(crate) use dialect::Dialect;

use caps::CapsSql;
use clock::ClockSql;
use rollup::RollupSql;

use super::shared::figures::{Figures, number, origin};
use crate::heatmap::Folding;
use crate::score::Rollup;
use crate::spec::{Column, Companion, FULL_POINTS, LOOK_BACK_SECONDS, Metric, Profile};

/// Everything after the start of the script, in the words of DuckDB.
const TEMPLATE: &str = include_str!("sql/score.sql");

/// Number of bits for a member's position in the list of all members. The script packs rank of the score, this
/// position and the band number into one integer, which identifies a member at a step.
const POSITION_BITS: u32 = 30;
/// Maximum width of a line in a list; it leaves room for the rest of a statement within 100 columns.
const WIDTH: usize = 88;

/// The companions that the script reads whatever the profile: they are in no band.
const NOT_IN_BANDS: [Companion; 2] = [Companion::StartTime, Companion::IsLearner];

/// The script that scores a history with this profile. `command` is named in its header as the
/// way to generate it again.
pub(crate) fn score_sql(
    dialect: Dialect,
    profile: &Profile,
    folding: Folding,
    min_coverage: f64,
    command: &str,
) -> String {
    let parts = Parts::of(dialect, profile, folding.rollup);
    let values = [parts.of_start(), parts.of_bands(), parts.of_cells(folding, min_coverage)].concat();
    let filled = |text: String, (name, value): &(&str, String)| text.replace(&format!("{{{{{name}}}}}"), value);
    let script = values.iter().fold([dialect.start(), TEMPLATE].concat(), filled);
    // Fill this placeholder last, so that nothing in a user's text (such as the source of a profile) is replaced.
    filled(dialect.translated(&script), &("origin", origin("--", profile, command)))
}

/// The script's name for the column with the points of a metric.
fn short(metric: Metric) -> String {
    format!("p_{metric}")
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

/// The column with the ratio of a reading to its limit.
fn share(metric: Metric) -> String {
    format!("{metric}_share")
}

/// Column with the ratio of a reading to its limit: 0 if the limit is 0 or less (no limit), NULL if it is missing.
fn ratio(metric: Metric, limit: Companion) -> String {
    let [reading, most] = [Column::from(metric), Column::from(limit)].map(|column| column.reading_column().to_owned());
    format!(
        "CASE WHEN {most} <= 0 THEN if({reading} IS NULL, NULL, CAST(0 AS DOUBLE))
                ELSE nullif({reading} / {most}, CAST('NaN' AS DOUBLE)) END AS {}",
        share(metric)
    )
}

/// The column with the units that a cell lost to a metric.
fn lost(metric: Metric) -> String {
    format!("{metric}_lost")
}

/// Sums of the losses of each metric in a cell, in the order of the metrics.
fn sums_of_losses() -> String {
    let sum = |m: Metric| format!("sum(steps * {})", m.loss_column());
    let widest = Metric::ALL.map(|m| sum(m).len()).into_iter().max().unwrap_or(0);
    let filtered = |m: Metric| format!("{:<widest$} FILTER (WHERE units IS NOT NULL) AS {}", sum(m), lost(m));
    Metric::ALL.map(filtered).join(",\n           ")
}

fn mean_losses() -> String {
    Metric::ALL.map(|m| format!("{} / (weight * scored) AS {}", lost(m), m.loss_column())).join(",\n       ")
}

/// Generates the parts of the script that depend on the profile.
struct Parts<'a> {
    dialect: Dialect,
    profile: &'a Profile,
    rollup: Rollup,
    figures: Figures,
    /// Every limit that a metric can have, and whether this profile uses it.
    limits: Vec<(Companion, bool)>,
    caps: CapsSql,
}

impl<'a> Parts<'a> {
    fn of(dialect: Dialect, profile: &'a Profile, rollup: Rollup) -> Self {
        let of_caps: Vec<Companion> = profile.cap_limits().map(|(_, limit)| limit).collect();
        let is_used = |m: Metric, limit: Companion| profile.limit(m).is_some() || of_caps.contains(&limit);
        let limits = Metric::ALL.into_iter().filter_map(|m| m.limit().map(|limit| (limit, is_used(m, limit))));
        // A mean is rounded to a unit, so its units must be those of `etcd-heatmap score`.
        let figures = if rollup == Rollup::Mean { Figures::finest(profile) } else { Figures::of(profile) };
        let caps = CapsSql::of(profile, &figures);
        Self { dialect, profile, rollup, limits: limits.collect(), caps, figures }
    }

    /// What the start of the script and the table of members need.
    fn of_start(&self) -> Vec<(&'static str, String)> {
        let life_columns = Metric::ALL.into_iter().filter(|m| m.shows_life()).map(|m| m.reading_column().to_owned());
        vec![
            ("columns", self.columns()),
            ("history_columns", self.history_columns()),
            ("metrics_to_pull", wrapped(Metric::ALL.map(|metric| format!("'{metric}'")), ", ", 25)),
            ("life_columns", wrapped(life_columns, ", ", 21)),
        ]
    }

    /// What the bands and steps need.
    fn of_bands(&self) -> Vec<(&'static str, String)> {
        let bands = self.bands();
        let place_bits = POSITION_BITS + bands.bits;
        let rollup = RollupSql::of(self.rollup, self);
        vec![
            ("weights", self.weights()),
            ("points", bands.points.join(",\n           ")),
            ("idle", bands.idle.join(",\n           ")),
            ("sum_of_weights", wrapped(Metric::ALL.map(|m| m.to_string()), " + ", 12)),
            ("losses", self.losses()),
            ("capped", self.caps.capped()),
            ("judged", self.caps.judged().to_owned()),
            ("sum_of_losses", wrapped(Metric::ALL.map(|m| m.loss_column().to_owned()), " + ", 25)),
            ("only_idle", wrapped(Metric::ALL.map(has_loss_or_is_idle), " AND ", 12)),
            ("point_times", if self.figures.point == 1 { String::new() } else { format!("{} * ", self.figures.point) }),
            ("named", self.named()),
            ("learner", Companion::IsLearner.reading_column().to_owned()),
            ("band_digits", bands.digits.join("\n    + ")),
            ("days", self.dialect.series("greatest(first, since) // 86400 * 86400", "least(last + 1, until)", "86400")),
            ("steps", self.dialect.series("day_first", "day_until", "getvariable('step_seconds')")),
            ("point_columns", self.point_columns()),
            ("order", rollup.order.to_owned()),
            ("rollup_words", rollup.words),
            ("of_cluster", rollup.of_cluster),
            ("cluster_bands", rollup.by_band),
            ("cluster_means", rollup.by_loss),
            // The highest digit of a percentile stands for idle; that of any other metric, for full points.
            ("idle_band", (bands.of_metrics - 1).to_string()),
            ("band_type", if 2 * bands.codes > 1 << 15 { "INTEGER" } else { "SMALLINT" }.to_owned()),
            ("young_seconds", LOOK_BACK_SECONDS.to_string()),
            ("codes", bands.codes.to_string()),
            ("numbers", (2 * bands.codes).to_string()),
            ("place_times", (1_u64 << place_bits).to_string()),
            ("place_bands", (1_u64 << bands.bits).to_string()),
        ]
    }

    /// What the cells need.
    fn of_cells(&self, folding: Folding, min_coverage: f64) -> Vec<(&'static str, String)> {
        let clock = ClockSql::of(folding);
        let worst = |m: Metric| format!("WHEN {} THEN '{m}'", lost(m));
        vec![
            ("defines", clock::defines(folding)),
            ("loss_columns", wrapped(Metric::ALL.map(|m| m.loss_column().to_owned()), ", ", 7)),
            ("zone", folding.zone.to_string()),
            ("clock", clock.rows),
            ("slot_words", format!("{} seconds", clock.slot)),
            ("slot", clock.slot.to_string()),
            ("width", clock.width.to_string()),
            ("lost", sums_of_losses()),
            ("lost_columns", wrapped(Metric::ALL.map(lost), ", ", 20)),
            ("min_coverage", number(min_coverage)),
            ("worst_metric", wrapped(Metric::ALL.map(worst), " ", 12)),
            ("mean_losses", mean_losses()),
            ("cells", self.dialect.cells().to_owned()),
        ]
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
        let column = |(name, of): (String, &str)| format!("CAST(NULL AS {of}) AS {name}");
        self.typed_columns().map(column).collect::<Vec<_>>().join(",\n             ")
    }

    /// The same columns as a list with types.
    fn history_columns(&self) -> String {
        wrapped(self.typed_columns().map(|(name, of)| format!("{name} {of}")), ", ", 4)
    }

    /// Every column that the script reads besides time, cluster and member, with its type.
    fn typed_columns(&self) -> impl Iterator<Item = (String, &'static str)> + '_ {
        let columns = Metric::ALL.into_iter().map(Column::from).chain(self.companions().map(Column::from));
        let columns = columns.map(|column| (column.reading_column().to_owned(), "DOUBLE"));
        columns.chain(idle_columns().map(|name| (name, "BOOLEAN")))
    }

    /// SELECT list of the readings under the names of their metrics, and of their ratios to limits.
    fn named(&self) -> String {
        let name = |column: Column| format!("{} AS {column}", column.reading_column());
        let limits = self.limits.iter().filter(|(_, used)| *used).map(|(limit, _)| *limit);
        let limits: Vec<Companion> = limits.collect();
        let shares =
            Metric::ALL.into_iter().filter_map(|m| m.limit().filter(|l| limits.contains(l)).map(|l| ratio(m, l)));
        let columns = Metric::ALL.into_iter().map(|m| name(m.into())).chain(shares);
        let flags = self.caps.flags().iter().map(|&flag| name(flag.into()));
        let age = format!("step - {} AS age_seconds", Companion::StartTime.reading_column());
        columns.chain(flags).chain(idle_columns()).chain([age]).collect::<Vec<_>>().join(",\n           ")
    }

    /// Weights as BIGINT, which is large enough for the sums of any profile.
    fn weights(&self) -> String {
        let weight = |m: Metric| {
            let units = self.figures.weights[m.index()];
            format!("CAST(if(list_contains(getvariable('without'), '{m}'), 0, {units}) AS BIGINT) AS {m}")
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
            let profile = Profile::named(name).unwrap();
            for (dialect, rollup) in Dialect::ALL.into_iter().flat_map(|d| Rollup::ALL.map(|rollup| (d, rollup))) {
                let sql =
                    score_sql(dialect, &profile, Folding { rollup, ..Folding::default() }, 0.5, "etcd-heatmap sql");
                assert!(!sql.contains("{{") && !sql.contains("}}"), "{name}");
                let weight = if name == "operator" { 0.25 } else { 0.3 };
                assert!(sql.contains(&format!("-- Profile {name}: wal_fsync {weight} (")), "{name}");
            }
        }
    }

    #[test]
    fn a_limit_is_read_only_if_a_band_is_a_share_of_it() {
        let sql = |profile: &Profile| score_sql(Dialect::DuckDb, profile, Folding::default(), 0.25, "");
        assert!(!sql(&Profile::seed()).contains("_share"));
        let profile = Profile::seed().with_bands(Metric::DbSize, "80%:2.5".parse().unwrap()).unwrap();
        let sql = sql(&profile);
        for part in [
            "db_size_share > 0.8 THEN",
            "db_size_bytes / quota_bytes",
            "[NULL, 2500, 10000]",
            "p_db_size / 1000 AS",
            "< 0.25 AS",
        ] {
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
