//! The health of a cluster over the whole range, and the verdict about all clusters.

use std::cmp::Ordering;

use super::super::ProblemCause;
use super::super::ledger::Ledger;
use super::super::tracks::ClusterTrack;
use super::Problem;
use crate::score::StepState;
use crate::text::count;
use crate::text::palette::{LOW_BELOW, RED_BELOW};
use crate::time::HOUR_MS;

/// A cluster needs attention if its problems cost at least this many points on average, over all of its hours: as much
/// as 18 hours a month at a score of 0. A cluster in which a member is missing at the end needs it as well.
const ATTENTION_POINTS: f64 = 0.25;
/// A cluster needs attention as well if its source has no data for at least this share of its time: as if each of these hours
/// had cost two points, like an hour in which a member is missing and further failures are tolerated.
const UNKNOWN_SHARE: f64 = ATTENTION_POINTS / 2.0;
/// Tolerance for the rounding errors of a mean, in points: an hour at exactly 7 is not below 7.
const SLACK: f64 = 1e-9;

/// One cluster over the whole range. Hours are local hours.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ClusterHealth {
    pub(crate) cluster: String,
    /// Hours with at least one expected step.
    pub(crate) hours: usize,
    /// Hours whose mean score is below 7, including those below 5.
    pub(crate) below_7: usize,
    /// Hours whose mean score is below 5.
    pub(crate) below_5: usize,
    /// Time without a score, in hours. Idle steps do not count.
    pub(crate) unknown_hours: f64,
    /// Mean score of all scored steps; `None` if no step is scored.
    pub(crate) mean: Option<f64>,
    /// Σ (10 − score) × hours over all scored steps.
    pub(crate) lost: f64,
    /// The cause with the highest impact.
    pub(crate) main_cause: Option<ProblemCause>,
    /// Number of problems, without scattered dips.
    pub(crate) problems: usize,
    pub(crate) needs_attention: bool,
    impact: f64,
}

impl ClusterHealth {
    pub(super) fn of(cluster: &ClusterTrack, ledger: &Ledger<'_>, problems: &[Problem]) -> Self {
        let mut scored_ms = 0;
        let mut unknown_ms = 0;
        for run in &cluster.line {
            match run.state {
                StepState::Scored(_) => scored_ms += run.end_ms - run.start_ms,
                StepState::Unknown => unknown_ms += run.end_ms - run.start_ms,
                StepState::Idle | StepState::Absent => {}
            }
        }
        let means = cluster.hours.iter().filter(|h| h.scored > 0).map(|h| 10.0 - h.lost / f64::from(h.scored));
        let below = |limit: f64| means.clone().filter(|mean| *mean < limit - SLACK).count();
        let lost = ledger.point_hours(ledger.total());
        let scored_hours = scored_ms as f64 / HOUR_MS as f64;
        let impact: f64 = problems.iter().map(|problem| problem.impact).sum();
        let lacking = problems.iter().filter(|problem| problem.cause == ProblemCause::SourceWithoutData);
        let lacks_ms: i64 = lacking.map(|problem| problem.low_ms).sum();
        let expected_hours = (scored_ms + unknown_ms) as f64 / HOUR_MS as f64;
        Self {
            cluster: cluster.cluster.to_string(),
            hours: cluster.hours.len(),
            below_7: below(LOW_BELOW),
            below_5: below(RED_BELOW),
            unknown_hours: unknown_ms as f64 / HOUR_MS as f64,
            mean: (scored_ms > 0).then(|| 10.0 - lost / scored_hours),
            lost,
            main_cause: main_cause(problems),
            problems: problems.iter().filter(|problem| !problem.is_rest()).count(),
            needs_attention: (impact >= ATTENTION_POINTS * expected_hours && impact > 0.0)
                || problems.iter().any(Problem::lacks_member_at_the_end)
                || lacks_ms as f64 >= UNKNOWN_SHARE * (scored_ms + unknown_ms) as f64 && lacks_ms > 0,
            impact,
        }
    }

    /// An expected cluster that was never seen, in a range of this length.
    pub(crate) fn never_seen(cluster: &str, cause: ProblemCause, range_ms: i64) -> Self {
        let unknown_hours = range_ms as f64 / HOUR_MS as f64;
        Self {
            cluster: cluster.to_owned(),
            hours: 0,
            below_7: 0,
            below_5: 0,
            unknown_hours,
            mean: None,
            lost: 0.0,
            main_cause: Some(cause),
            problems: 1,
            needs_attention: true,
            impact: 10.0 * unknown_hours,
        }
    }

    /// The order of clusters everywhere: by impact of their problems, then by name.
    pub(in super::super) fn worst_first(&self, other: &Self) -> Ordering {
        other.impact.total_cmp(&self.impact).then_with(|| self.cluster.cmp(&other.cluster))
    }
}

fn main_cause(problems: &[Problem]) -> Option<ProblemCause> {
    let impact = |cause: &ProblemCause| problems.iter().filter(|p| p.cause == *cause).map(|p| p.impact).sum::<f64>();
    let worst = ProblemCause::ALL.into_iter().rev().max_by(|a, b| impact(a).total_cmp(&impact(b)))?;
    // What is unknown costs nothing, so it is the main cause only of clusters that lost nothing.
    let unknown = Some(ProblemCause::SourceWithoutData).filter(|cause| problems.iter().any(|p| p.cause == *cause));
    if impact(&worst) > 0.0 { Some(worst) } else { unknown }
}

/// The answer in one sentence, with four figures.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Verdict {
    pub(crate) clusters: usize,
    /// Clusters that need attention, worst first.
    pub(crate) attention: Vec<String>,
    /// Hours with a mean score below 7, over all clusters.
    pub(crate) below_7: usize,
    /// Hours without a score, over all clusters.
    pub(crate) unknown_hours: f64,
    /// Number of problems, without scattered dips.
    pub(crate) problems: usize,
    /// Clusters with at least one problem, without scattered dips.
    pub(crate) with_problems: usize,
}

impl Verdict {
    pub(crate) fn of(clusters: &[ClusterHealth]) -> Self {
        let attention = clusters.iter().filter(|c| c.needs_attention).map(|c| c.cluster.clone());
        Self {
            clusters: clusters.len(),
            attention: attention.collect(),
            below_7: clusters.iter().map(|c| c.below_7).sum(),
            unknown_hours: clusters.iter().map(|c| c.unknown_hours).sum(),
            problems: clusters.iter().map(|c| c.problems).sum(),
            with_problems: clusters.iter().filter(|c| c.problems > 0).count(),
        }
    }

    /// The verdict in one sentence: `1 of 3 clusters needs attention: c01`.
    pub(crate) fn sentence(&self) -> String {
        const NAMED: usize = 5;
        let all = count(self.clusters, "cluster");
        let names = self.attention.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
        let more = match self.attention.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        match self.attention.len() {
            0 if self.clusters == 1 => "the cluster needs no attention".to_owned(),
            0 => format!("none of {all} needs attention"),
            1 if self.clusters == 1 => format!("{names} needs attention"),
            1 => format!("1 of {all} needs attention: {names}"),
            several => format!("{several} of {all} need attention: {names}{more}"),
        }
    }
}
