//! Recomputes one cell from its readings, so that a person can check the score by hand: steps by band, points, weights
//! and losses of each member and metric.

mod counts;
mod moment;

use std::collections::BTreeMap;

use crate::analysis::findings::median;
use crate::heatmap::Folding;
use crate::readings::{Member, Window};
use crate::score::{DayScores, ScoreTable, StepState, Worth};
use crate::spec::{Cap, Companion, FULL_POINTS, METRICS, Metric, POINT, Profile, Rule, Unit};
use crate::time::{LocalCell, count_within};

pub(crate) use counts::{Found, Histogram, Increase, Last, MetricCounts, Moves, RawCounts, Span, counted};
pub(crate) use moment::{ColumnMoment, Led, MemberMoment, Moment, PointsMoment, Reading, around, explain_moment};

/// Number of finite buckets in etcd's fsync histograms; their upper bounds are 1 ms, 2 ms, 4 ms, … 8.192 s
/// (`prometheus.ExponentialBuckets(0.001, 2, 14)` in etcd's sources).
const BUCKETS: i32 = 14;
const FIRST_BUCKET_SECONDS: f64 = 0.001;
/// The upper bound of the last of them: Prometheus cuts a percentile in the `+Inf` bucket off there.
pub(crate) const LAST_BUCKET_SECONDS: f64 = 8.192;

/// The readings of one UTC day, and the scores computed from them.
#[derive(Debug)]
pub(crate) struct ScoredWindow {
    pub(crate) window: Window,
    /// Scores of the window's members and steps, as codes of the score table.
    pub(crate) scores: DayScores,
}

/// The steps, members and metrics behind one cell of a cluster.
#[derive(Debug)]
pub(crate) struct Explanation {
    pub(crate) place: LocalCell,
    /// Sums of the cluster's own score, after the rollup of its members.
    pub(crate) cluster: StepTotals,
    /// Expected steps for which the server returned a partial response.
    pub(crate) partial: u64,
    /// What the source lacks around the cell, in a sentence.
    pub(crate) without_data: Option<String>,
    /// Members with at least one expected step in the cell, sorted by name.
    pub(crate) members: Vec<MemberPart>,
}

/// Sums over the steps of a cell. Scores and losses are integers in the unit of the score table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct StepTotals {
    /// For a member, the steps between its first and last seen; for a cluster, the steps at
    /// which any member is expected.
    pub(crate) expected: u64,
    pub(crate) scored: u64,
    /// Steps that have no score only because some readings are idle.
    pub(crate) idle: u64,
    /// Sum of the scores of the scored steps.
    pub(crate) score: u64,
    /// Sum of the losses of the scored steps, by metric.
    pub(crate) losses: [u64; METRICS],
    /// Lowest score of a step; `None` if no step is scored.
    pub(crate) min: Option<u64>,
}

impl StepTotals {
    fn add(&mut self, step: StepState) {
        match step {
            StepState::Absent => {}
            StepState::Unknown => self.expected += 1,
            StepState::Idle => {
                self.expected += 1;
                self.idle += 1;
            }
            StepState::Scored(Worth { score, losses }) => {
                self.expected += 1;
                self.scored += 1;
                self.score += score;
                self.min = Some(self.min.map_or(score, |min| min.min(score)));
                for (total, loss) in self.losses.iter_mut().zip(losses) {
                    *total += loss;
                }
            }
        }
    }

    /// Converts a sum to its mean per scored step, in points; `None` if no step is scored.
    pub(crate) fn mean(&self, table: &ScoreTable, amount: u64) -> Option<f64> {
        (self.scored > 0).then(|| amount as f64 / (table.denominator() * self.scored) as f64)
    }
}

/// One member's steps and readings in the cell.
#[derive(Debug)]
pub(crate) struct MemberPart {
    pub(crate) member: Member,
    pub(crate) totals: StepTotals,
    /// Steps marked as shortly after a restart of the member's process.
    pub(crate) after_restart: u64,
    /// Expected steps at which the member is a learner, which its cluster's score leaves out.
    pub(crate) learner: u64,
    /// All metrics, in the order of the specification.
    pub(crate) metrics: Vec<MetricPart>,
    /// The evidence that has readings in the cell, in the order of the specification.
    pub(crate) evidence: Vec<EvidencePart>,
}

/// Readings of evidence of one member in the cell.
#[derive(Debug)]
pub(crate) struct EvidencePart {
    pub(crate) companion: Companion,
    /// Expected steps with a reading.
    pub(crate) known: u64,
    /// Median of the readings; the mean of the two middle ones if their number is even.
    pub(crate) median: f64,
    /// The worst reading: the highest, but for the knowledge of a leader the lowest.
    pub(crate) worst: f64,
}

/// Readings of one metric of one member in the cell, and the points they got.
#[derive(Debug)]
pub(crate) struct MetricPart {
    pub(crate) metric: Metric,
    /// Expected steps with a reading that has a value.
    pub(crate) known: u64,
    /// Expected steps at which the reading is idle.
    pub(crate) idle: u64,
    /// Median of the readings; the mean of the two middle ones if their number is even.
    pub(crate) median: Option<f64>,
    pub(crate) max: Option<f64>,
    /// The companion that holds the limit (such as the quota) if the bands are shares of a limit;
    /// `None` if they are absolute.
    pub(crate) of_limit: Option<Companion>,
    /// Highest ratio of reading to limit; `None` if no reading has a limit.
    pub(crate) share: Option<f64>,
    /// Bounds, in seconds, of the histogram bucket that holds the highest reading. A p99 inside a bucket is
    /// interpolated, so the true value may lie anywhere between them. `None` if the metric is not a latency, has no
    /// readings, or its highest reading lies in the `+Inf` bucket.
    pub(crate) bucket: Option<(f64, f64)>,
    /// Bands with at least one reading, best first.
    pub(crate) bands: Vec<BandPart>,
    /// The metric's caps that were the lowest one at a step, the lowest first.
    pub(crate) caps: Vec<CapPart>,
    /// Weight as a share of the score, 0 to 1, after the weight of left-out metrics is spread over the others.
    pub(crate) weight: f64,
}

/// Number of steps whose reading fell into one band.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BandPart {
    /// Points of the band, 0 to 10.
    pub(crate) points: f64,
    pub(crate) steps: u64,
    /// Lower threshold of the band, in the metric's unit or as a share of the limit; `None` for the best band.
    pub(crate) above: Option<f64>,
}

/// Number of steps at which a cap applied.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CapPart {
    pub(crate) cap: Cap,
    pub(crate) steps: u64,
}

/// Explains one cell of a cluster. `days` are the UTC days that the cell touches, with only that cluster's members.
pub(crate) fn explain(
    table: &ScoreTable,
    profile: &Profile,
    folding: Folding,
    place: LocalCell,
    days: &[ScoredWindow],
) -> Explanation {
    let mut cluster = StepTotals::default();
    let mut members: Vec<Member> = days.iter().flat_map(|day| day.scores.members.iter().cloned()).collect();
    members.sort_unstable();
    members.dedup();
    let mut partial = 0;
    for day in days {
        let line = folding.rollup.line(table, &day.scores, 0..day.scores.members.len());
        for step in steps_of(folding, place, day) {
            cluster.add(line[step]);
            // Count partial responses as heat map cells do: only at steps where the cluster is expected.
            let is_partial = || day.scores.members.first().is_some_and(|of| day.scores.is_partial(&of.cluster, step));
            partial += u64::from(line[step] != StepState::Absent && is_partial());
        }
    }
    let parts = members.into_iter().map(|member| explain_member(table, profile, folding, place, days, member));
    Explanation {
        place,
        cluster,
        partial,
        without_data: None,
        members: parts.filter(|part| part.totals.expected > 0).collect(),
    }
}

/// Indices of the day's steps that belong to the cell.
fn steps_of(folding: Folding, place: LocalCell, day: &ScoredWindow) -> impl Iterator<Item = usize> + use<> {
    let cells = folding.zone.cells(&day.scores.grid, folding.width);
    cells.into_iter().filter(move |(cell, _)| *cell == place).flat_map(|(_, steps)| steps)
}

fn explain_member(
    table: &ScoreTable,
    profile: &Profile,
    folding: Folding,
    place: LocalCell,
    days: &[ScoredWindow],
    member: Member,
) -> MemberPart {
    let mut totals = StepTotals::default();
    let (mut after_restart, mut learner) = (0, 0);
    let mut known: [KnownReadings; METRICS] = Default::default();
    let mut capped: Vec<u64> = vec![0; table.caps().len()];
    let mut evidence: BTreeMap<Companion, Vec<f64>> = BTreeMap::new();
    for day in days {
        let Ok(index) = day.scores.members.binary_search(&member) else { continue };
        let codes = day.scores.codes(index);
        let restarts = day.scores.after_restart(index..index + 1).unwrap_or_default();
        for step in steps_of(folding, place, day) {
            let state = table.state(codes[step]);
            totals.add(state);
            if state == StepState::Absent {
                continue;
            }
            after_restart += count_within(&restarts, &(step..step + 1)) as u64;
            learner += count_within(day.scores.learner_steps(index), &(step..step + 1)) as u64;
            // A version has no median.
            let has_median =
                |companion: &&Companion| companion.is_evidence() && **companion != Companion::ServerVersion;
            for companion in day.window.companions().iter().filter(has_median) {
                let reading = day.window.row(*companion, index)[step];
                evidence.entry(*companion).or_default().extend((!reading.is_nan()).then_some(reading));
            }
            let entry = table.look_up(codes[step]);
            entry.cap.into_iter().for_each(|place| capped[place] += 1);
            for metric in Metric::ALL {
                known[metric.index()].idle += u64::from(entry.idle[metric.index()]);
                let Some(got) = entry.points[metric.index()] else { continue };
                let reading = day.window.row(metric, index)[step];
                let limit = profile.limit(metric).filter(|limit| day.window.companions().contains(limit));
                let limit = limit.map(|limit| day.window.row(limit, index)[step]);
                known[metric.index()].push(reading, limit, got);
            }
        }
    }
    let explain = |(metric, known)| MetricPart {
        caps: caps_of(table, metric, &capped),
        ..explain_metric(profile, metric, known)
    };
    let metrics = Metric::ALL.into_iter().zip(known).map(explain).collect();
    let evidence = evidence.into_iter().filter_map(|(companion, readings)| explain_evidence(companion, readings));
    MemberPart { member, totals, after_restart, learner, metrics, evidence: evidence.collect() }
}

/// The caps of a metric that applied, from the steps of each cap of the table.
fn caps_of(table: &ScoreTable, metric: Metric, steps: &[u64]) -> Vec<CapPart> {
    let all = table.caps().iter().zip(steps);
    let own = all.filter(|((of, _), steps)| *of == metric && **steps > 0);
    own.map(|((_, cap), steps)| CapPart { cap: *cap, steps: *steps }).collect()
}

/// The middle and the worst of a member's readings; `None` without any.
fn explain_evidence(companion: Companion, mut readings: Vec<f64>) -> Option<EvidencePart> {
    let known = readings.len() as u64;
    let all = readings.iter().copied();
    let worst = match companion {
        Companion::HasLeader => all.min_by(f64::total_cmp),
        _ => all.max_by(f64::total_cmp),
    }?;
    let median = median(&mut readings)?;
    Some(EvidencePart { companion, known, median, worst })
}

/// Readings of one metric that have a value, each with its points, and the number of idle ones.
#[derive(Debug, Default)]
struct KnownReadings {
    readings: Vec<f64>,
    idle: u64,
    points: Vec<f64>,
    highest_share: Option<f64>,
}

impl KnownReadings {
    fn push(&mut self, reading: f64, limit: Option<f64>, points: f64) {
        self.readings.push(reading);
        self.points.push(points);
        // A limit of 0 or less means that there is no limit (etcd's quota is negative when disabled).
        if let Some(limit) = limit.filter(|limit| *limit > 0.0) {
            self.highest_share = Some((reading / limit).max(self.highest_share.unwrap_or(0.0)));
        }
    }

    /// Counts the readings in each band of a rule, best band first; empty bands are left out.
    fn by_band(&self, rule: &Rule) -> Vec<BandPart> {
        let bands = rule.bands.list.iter().map(|band| (band.points as f64 / POINT as f64, Some(band.above)));
        let all = [(FULL_POINTS as f64 / POINT as f64, None)].into_iter().chain(bands);
        let part = |(points, above)| {
            let steps = self.points.iter().filter(|&&got| got == points).count() as u64;
            BandPart { points, steps, above }
        };
        all.map(part).filter(|part| part.steps > 0).collect()
    }
}

fn explain_metric(profile: &Profile, metric: Metric, known: KnownReadings) -> MetricPart {
    let bands = known.by_band(profile.rule(metric));
    let KnownReadings { mut readings, highest_share, idle, .. } = known;
    let max = readings.iter().copied().max_by(f64::total_cmp);
    MetricPart {
        metric,
        known: readings.len() as u64,
        idle,
        median: median(&mut readings),
        max,
        of_limit: profile.limit(metric),
        share: highest_share,
        bucket: max.filter(|_| metric.unit() == Unit::Seconds).and_then(bucket),
        bands,
        caps: Vec::new(),
        weight: profile.share(metric),
    }
}

/// Bounds of the histogram bucket that holds a latency; `None` in the `+Inf` bucket, which has no upper bound.
pub(crate) fn bucket(seconds: f64) -> Option<(f64, f64)> {
    let bound = |i: i32| FIRST_BUCKET_SECONDS * f64::powi(2.0, i);
    let upper = (0..BUCKETS).find(|&i| seconds <= bound(i))?;
    Some((if upper == 0 { 0.0 } else { bound(upper - 1) }, bound(upper)))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;
    use crate::heatmap::{Marks, PARTIAL, finish, sum_clusters};
    use crate::readings::Life;
    use crate::score::score_window;
    use crate::time::{Grid, HOUR_MS, Step, TimeRange};

    #[test]
    fn explain_counts_the_same_partial_steps_as_the_heat_map() {
        let grid = Grid::within(TimeRange { start_ms: 0, end_ms: 2 * HOUR_MS }, Step::from_millis(600_000).unwrap());
        let mut window = Window::unknown(grid, vec![Member::new("c", "a")], &[]);
        // Steps 2 to 7 of twelve are partial. The cluster is expected at steps 4 to 6; only step 6 is in the second
        // hour.
        window.mark_partial(&[2..5, 5..8]);
        let lives = [(Member::new("c", "a"), Life { first_ms: 4 * 600_000, last_ms: 6 * 600_000 })];
        let (profile, folding) = (Profile::seed(), Folding::default());
        let table = ScoreTable::new(&profile);
        let scores = score_window(&table, &window, &lives);
        let sums = sum_clusters(&table, folding, &scores).unwrap();
        let marks = Marks { restarts: false, partial: true };
        let cells = finish(&table, &sums, 0.5, marks).unwrap();
        let of_cells: Vec<i64> = cells.column(PARTIAL).unwrap().i64().unwrap().into_no_null_iter().collect();
        let days = [ScoredWindow { window, scores }];
        let of_explain = [0, HOUR_MS].map(|start_ms| {
            let place = folding.zone.cell_at(start_ms, folding.width);
            explain(&table, &profile, folding, place, &days).partial
        });
        assert_eq!((of_cells, of_explain), (vec![2, 1], [2, 1]));
    }

    #[test]
    fn a_latency_is_placed_in_its_histogram_bucket_with_inclusive_upper_bound() {
        assert_eq!(bucket(0.0095), Some((0.008, 0.016)));
        assert_eq!(bucket(0.016), Some((0.008, 0.016)));
        assert_eq!(bucket(0.0005), Some((0.0, 0.001)));
        assert_eq!(bucket(9.0), None);
    }

    #[test]
    fn the_median_of_an_even_number_of_readings_is_the_mean_of_the_middle_two() {
        let part = |readings: &[f64]| {
            let points = vec![10.0, 0.0, 10.0];
            let known = KnownReadings { readings: readings.to_vec(), points, ..KnownReadings::default() };
            explain_metric(&Profile::seed(), Metric::OpenFds, known)
        };
        assert_eq!(part(&[4.0, 1.0, 3.0, 2.0]).median, Some(2.5));
        assert_eq!(part(&[3.0, 1.0, 2.0]).median, Some(2.0));
        assert_eq!(part(&[]).median, None);
        let bands = part(&[1.0]).bands;
        let counts: Vec<_> = bands.iter().map(|band| (band.points, band.steps, band.above)).collect();
        assert_eq!(counts, [(10.0, 2, None), (0.0, 1, Some(1024.0))]);
    }
}
