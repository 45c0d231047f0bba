//! The check behind `--fail-below`: every cell of every cluster must reach a score, at least a minimum share of each
//! cluster's steps must be scored, and no cluster may have fewer members than `--expect-members`.

use std::collections::BTreeMap;
use std::fmt;

use polars::prelude::{DataFrame, Int64Chunked, PolarsResult};

use crate::analysis::membership::{Shortage, Staffing};
use crate::heatmap::{IDLE, Line};
use crate::spec::{Metric, percent};
use crate::text::count;
use crate::text::rounding::{percent_text, score_text};
use crate::text::terminal::terminal_label;
use crate::time::Zone;

/// Maximum number of cells, and of clusters, that the error lists; it only counts the rest.
const NAMED: usize = 10;

/// The requirements for every cluster.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Demand {
    /// Lowest allowed mean of a cell, 0 to 10.
    pub(crate) score: f64,
    /// Share of a cluster's expected steps that must be scored, 0 to 1; otherwise missing data would pass.
    pub(crate) min_coverage: f64,
}

/// Collects the cells of clusters, and keeps the lowest cells below [`Demand::score`].
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    demand: Demand,
    zone: Zone,
    clusters: BTreeMap<String, Steps>,
    /// Up to [`NAMED`] cells below [`Demand::score`], lowest first.
    low: Vec<LowCell>,
    low_cells: u64,
    /// Stretches in which a cluster has fewer members than expected.
    shortages: Vec<Shortage>,
}

/// The steps of a cluster.
#[derive(Clone, Copy, Debug, Default)]
struct Steps {
    scored: u64,
    expected: u64,
    idle: u64,
}

impl Steps {
    fn share(&self, steps: u64) -> f64 {
        steps as f64 / self.expected.max(1) as f64
    }
}

/// A cell whose mean is below [`Demand::score`].
#[derive(Clone, Debug, PartialEq)]
struct LowCell {
    mean: f64,
    start_ms: i64,
    cluster: String,
    worst: Option<Metric>,
}

/// The values of a cluster's cell that the gate needs, from a row of a frame or from a cell of a [`Line`].
struct Seen<'a> {
    cluster: &'a str,
    start_ms: i64,
    mean: Option<f64>,
    steps: Steps,
    worst: Option<Metric>,
}

impl Gate {
    /// `zone` formats the times of cells in the error.
    pub(crate) fn new(demand: Demand, zone: Zone) -> Self {
        Self { demand, zone, clusters: BTreeMap::new(), low: Vec::new(), low_cells: 0, shortages: Vec::new() }
    }

    /// Adds the cells of clusters from a frame that [`crate::heatmap::finish`] returned; skips the rows of members.
    pub(crate) fn add_cells(&mut self, cells: &DataFrame) -> PolarsResult<()> {
        let text = |name: &str| cells.column(name)?.str();
        let (levels, clusters, worst) = (text("level")?, text("cluster")?, text("worst_metric")?);
        let (starts, means) = (cells.column("start")?.datetime()?.physical(), cells.column("mean")?.f64()?);
        let steps = |name: &str| cells.column(name)?.i64();
        let (scored, expected, idle) = (steps("steps_scored")?, steps("steps_expected")?, steps(IDLE)?);
        let count = |column: &Int64Chunked, row: usize| column.get(row).unwrap_or(0).unsigned_abs();
        for row in (0..cells.height()).filter(|&row| levels.get(row) == Some("cluster")) {
            let (Some(cluster), Some(start_ms)) = (clusters.get(row), starts.get(row)) else { continue };
            self.add(&Seen {
                cluster,
                start_ms,
                mean: means.get(row),
                steps: Steps { scored: count(scored, row), expected: count(expected, row), idle: count(idle, row) },
                worst: worst.get(row).and_then(|name| name.parse().ok()),
            });
        }
        Ok(())
    }

    /// Adds the cells of a cluster, read back from an output folder, whose start `is_wanted` accepts.
    /// Skips the line of a member.
    pub(crate) fn add_line(&mut self, line: &Line, is_wanted: impl Fn(i64) -> bool) {
        if line.member.is_some() {
            return;
        }
        for cell in line.cells.iter().filter(|cell| is_wanted(cell.start_ms)) {
            self.add(&Seen {
                cluster: &line.cluster,
                start_ms: cell.start_ms,
                mean: cell.mean,
                steps: Steps { scored: cell.scored.into(), expected: cell.expected.into(), idle: cell.idle.into() },
                worst: cell.worst,
            });
        }
    }

    fn add(&mut self, seen: &Seen<'_>) {
        if !self.clusters.contains_key(seen.cluster) {
            self.clusters.insert(seen.cluster.to_owned(), Steps::default());
        }
        if let Some(steps) = self.clusters.get_mut(seen.cluster) {
            steps.scored += seen.steps.scored;
            steps.expected += seen.steps.expected;
            steps.idle += seen.steps.idle;
        }
        let Some(mean) = seen.mean.filter(|mean| *mean < self.demand.score) else { return };
        self.low_cells += 1;
        let key = |mean: f64, start_ms: i64, cluster: &str| (mean, start_ms, cluster.to_owned());
        let this = key(mean, seen.start_ms, seen.cluster);
        let place = self.low.partition_point(|low| key(low.mean, low.start_ms, &low.cluster) < this);
        if place < NAMED {
            let (cluster, worst) = (seen.cluster.to_owned(), seen.worst);
            self.low.insert(place, LowCell { mean, start_ms: seen.start_ms, cluster, worst });
            self.low.truncate(NAMED);
        }
    }

    /// Adds the stretches in which clusters have fewer members than expected.
    pub(crate) fn add_shortages(&mut self, shortages: impl IntoIterator<Item = Shortage>) {
        self.shortages.extend(shortages);
    }

    /// The reasons why the [`Demand`] is not met; `None` if it is met. Without any cell, it is not met.
    pub(crate) fn shortfall(self) -> Option<Shortfall> {
        let Demand { min_coverage, .. } = self.demand;
        // Without any scored step, a cluster fails even if the minimum coverage is 0.
        let is_unknown =
            |steps: &Steps| steps.scored == 0 || (steps.scored as f64) < min_coverage * steps.expected as f64;
        let unknown = self.clusters.iter().filter(|(_, steps)| is_unknown(steps));
        let unknown: Vec<(String, Steps)> = unknown.map(|(cluster, steps)| (cluster.clone(), *steps)).collect();
        let is_met =
            self.low_cells == 0 && unknown.is_empty() && self.shortages.is_empty() && !self.clusters.is_empty();
        (!is_met).then_some(Shortfall { unknown, gate: self })
    }
}

/// Why a [`Demand`] is not met. Displays one sentence, then a list of cells and clusters.
#[derive(Clone, Debug)]
pub(crate) struct Shortfall {
    gate: Gate,
    /// Clusters with too few scored steps.
    unknown: Vec<(String, Steps)>,
}

impl Shortfall {
    fn sentence(&self) -> String {
        let Demand { score, min_coverage } = self.gate.demand;
        if self.gate.clusters.is_empty() {
            return "no cells to check".to_owned();
        }
        let mut parts = Vec::new();
        if self.gate.low_cells > 0 {
            let low = self.gate.low_cells;
            parts.push(format!("{} {} below {score}", count(low, "cell"), is_or_are(low)));
        }
        if !self.unknown.is_empty() {
            let clusters = self.unknown.len();
            let share = percent(min_coverage).replace('%', " %");
            parts.push(format!(
                "{} {} scored at less than {share} of the steps, or not at all",
                count(clusters, "cluster"),
                is_or_are(clusters as u64)
            ));
        }
        let mut short: Vec<&str> = self.gate.shortages.iter().map(|shortage| shortage.cluster.as_str()).collect();
        short.sort_unstable();
        short.dedup();
        if !short.is_empty() {
            let verb = if short.len() == 1 { "has" } else { "have" };
            parts.push(format!("{} {verb} fewer members than --expect-members", count(short.len(), "cluster")));
        }
        parts.join("; ")
    }

    /// Writes one line for each shortage: the cluster, how many of the expected members it had, and when.
    fn write_shortages(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for shortage in self.gate.shortages.iter().take(NAMED) {
            let (Staffing { left, expected }, zone) = (shortage.staffing, self.gate.zone);
            let cluster = terminal_label(&shortage.cluster);
            let (start, end) = (zone.format(shortage.range.start_ms), zone.format(shortage.range.end_ms));
            write!(f, "\n  {cluster}: {left} of {} ", count(expected, "member"))?;
            match (shortage.is_seen, shortage.is_open) {
                (false, _) => write!(f, "in the whole history")?,
                (true, true) => write!(f, "since {start}")?,
                (true, false) => write!(f, "from {start} to {end}")?,
            }
        }
        match self.gate.shortages.len().saturating_sub(NAMED) {
            0 => Ok(()),
            more => write!(f, "\n  and {} with too few members", count(more, "more stretch")),
        }
    }
}

fn is_or_are(n: u64) -> &'static str {
    if n == 1 { "is" } else { "are" }
}

impl fmt::Display for Shortfall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "--fail-below {}: {}", self.gate.demand.score, self.sentence())?;
        for low in &self.gate.low {
            let at = self.gate.zone.format(low.start_ms);
            write!(f, "\n  {at} {}: mean {}", terminal_label(&low.cluster), score_text(low.mean))?;
            if let Some(metric) = low.worst {
                write!(f, ", main cause {metric}")?;
            }
        }
        let more = self.gate.low_cells - self.gate.low.len() as u64;
        if more > 0 {
            write!(f, "\n  and {} below the threshold", count(more, "more cell"))?;
        }
        for (cluster, steps) in self.unknown.iter().take(NAMED) {
            let scored = percent_text(steps.share(steps.scored));
            write!(f, "\n  scored at {scored} % of the steps: {}", terminal_label(cluster))?;
            if steps.idle > 0 {
                let idle = percent_text(steps.share(steps.idle));
                write!(f, " ({idle} % idle: no WAL fsync or no backend commit, so no p99 and no score)")?;
            }
        }
        match self.unknown.len().saturating_sub(NAMED) {
            0 => {}
            more => write!(f, "\n  and {}", count(more, "more cluster"))?,
        }
        self.write_shortages(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::TimeRange;

    fn gate(cells: &[(&str, Option<f64>, u64)]) -> Gate {
        let mut gate = Gate::new(Demand { score: 7.0, min_coverage: 0.5 }, Zone::default());
        for (hour, &(cluster, mean, scored)) in (0_i64..).zip(cells) {
            let worst = Some(Metric::WalFsync);
            let steps = Steps { scored, expected: 12, idle: 0 };
            gate.add(&Seen { cluster, start_ms: hour * 3_600_000, mean, steps, worst });
        }
        gate
    }

    #[test]
    fn a_cluster_at_the_threshold_with_enough_coverage_passes() {
        assert!(gate(&[("a", Some(7.0), 12), ("a", Some(10.0), 6), ("a", None, 0)]).shortfall().is_none());
    }

    #[test]
    fn the_ten_lowest_cells_are_listed_and_the_others_counted() {
        let cells: Vec<_> = (0..13_u32).map(|hour| ("a", Some(6.999 - f64::from(hour) / 2.0), 12)).collect();
        let message = gate(&cells).shortfall().map(|s| s.to_string()).unwrap_or_default();
        let lines: Vec<&str> = message.lines().collect();
        assert_eq!(lines[0], "--fail-below 7: 13 cells are below 7");
        assert_eq!(lines[1], "  1970-01-01T12:00:00Z a: mean 0.99, main cause wal_fsync");
        assert_eq!((lines.len(), lines[11]), (12, "  and 3 more cells below the threshold"));
    }

    #[test]
    fn one_of_a_kind_is_counted_in_the_singular() {
        let first = |gate: Gate| gate.shortfall().map(|s| s.to_string()).unwrap_or_default();
        let low: Vec<_> = (0..11).map(|_| ("a", Some(6.0), 12)).collect();
        assert!(first(gate(&low)).ends_with("\n  and 1 more cell below the threshold"));
        assert!(first(gate(&low[..1])).starts_with("--fail-below 7: 1 cell is below 7\n"));
        let unscored = first(gate(&[("a", Some(9.0), 5)]));
        assert!(unscored.starts_with("--fail-below 7: 1 cluster is scored at less than 50 %"), "{unscored}");
        let many: Vec<_> = (0..1234).map(|_| ("a", Some(6.0), 12)).collect();
        assert!(first(gate(&many)).starts_with("--fail-below 7: 1,234 cells are below 7\n"));
    }

    #[test]
    fn a_cluster_with_too_few_members_does_not_pass_however_well_it_scores() {
        let shortage = |cluster: &str, left, is_open, is_seen| Shortage {
            cluster: cluster.to_owned(),
            range: TimeRange { start_ms: 0, end_ms: 7_200_000 },
            staffing: Staffing { left, expected: 3 },
            is_open,
            is_seen,
        };
        let mut healthy = gate(&[("a", Some(10.0), 12)]);
        let all = [shortage("a", 2, false, true), shortage("a", 1, true, true), shortage("b\u{1b}", 0, true, false)];
        healthy.add_shortages(all);
        assert_eq!(
            healthy.shortfall().map(|s| s.to_string()).unwrap_or_default(),
            "--fail-below 7: 2 clusters have fewer members than --expect-members\n  \
             a: 2 of 3 members from 1970-01-01T00:00:00Z to 1970-01-01T02:00:00Z\n  \
             a: 1 of 3 members since 1970-01-01T00:00:00Z\n  b\u{fffd}: 0 of 3 members in the whole history"
        );
        let mut many = gate(&[("a", Some(6.0), 12)]);
        many.add_shortages((0..12).map(|n| shortage(&format!("c{n}"), 2, true, true)));
        let message = many.shortfall().map(|s| s.to_string()).unwrap_or_default();
        assert!(message.starts_with("--fail-below 7: 1 cell is below 7; 12 clusters have fewer members"), "{message}");
        assert!(message.ends_with("and 2 more stretches with too few members"), "{message}");
    }

    #[test]
    fn a_cluster_with_too_few_scored_steps_does_not_pass() {
        let message = |gate: Gate| gate.shortfall().map(|s| s.to_string()).unwrap_or_default();
        let too_few_scored = message(gate(&[("a\n::", Some(10.0), 5), ("b", None, 0), ("c", Some(9.0), 12)]));
        assert_eq!(
            too_few_scored,
            "--fail-below 7: 2 clusters are scored at less than 50 % of the steps, or not at all\n  \
             scored at 41.6 % of the steps: a\u{fffd}::\n  scored at 0.0 % of the steps: b"
        );
        assert!(message(gate(&[])).contains("no cells to check"));
        let mut idle = gate(&[("d", Some(10.0), 2)]);
        idle.add(&Seen {
            cluster: "d",
            start_ms: 0,
            mean: None,
            steps: Steps { scored: 0, expected: 12, idle: 9 },
            worst: None,
        });
        // 2 of 24 steps are scored, and 9 are idle.
        assert_eq!(
            message(idle).lines().last(),
            Some(
                "  scored at 8.3 % of the steps: d (37.5 % idle: no WAL fsync or no backend commit, so no p99 and no score)"
            )
        );
        let mut nothing_asked = gate(&[("a", None, 0)]);
        nothing_asked.demand.min_coverage = 0.0;
        assert!(message(nothing_asked).contains("scored at 0.0 %"));
    }
}
