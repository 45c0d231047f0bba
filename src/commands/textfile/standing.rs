//! The content of the file: the latest scores until they are too old, and the state of the writer.

use std::time::Duration;

use crate::outputs::{Live, LiveScores, WriterHealth};
use crate::readings::Member;

/// The latest scores, and counters of evaluations.
pub(super) struct Standing {
    live: Live,
    max_age: Duration,
    scores: String,
    members: Vec<Member>,
    health: WriterHealth,
}

impl Standing {
    pub(super) fn new(live: Live, max_age: Duration) -> Self {
        Self { live, max_age, scores: String::new(), members: Vec::new(), health: WriterHealth::default() }
    }

    /// Records a successful evaluation at `now`, in seconds since 1970.
    pub(super) fn succeeded(&mut self, found: LiveScores, took: Duration, now: f64) {
        self.scores = self.live.scores_text(&found);
        self.health.evaluations += 1;
        self.health.took = took;
        self.health.last_success = Some(now);
        self.health.evaluated = Some(found.scores.grid.first_ms() / 1000);
        self.members = found.scores.members;
    }

    /// Records an evaluation that failed after `took`.
    pub(super) fn failed(&mut self, took: Duration) {
        self.health.evaluations += 1;
        self.health.failures += 1;
        self.health.took = took;
    }

    /// Whether any evaluation has succeeded since the writer started.
    pub(super) fn has_succeeded(&self) -> bool {
        self.health.last_success.is_some()
    }

    /// The content of the file at `now`. Once the scores are too old, it lists all members as unscored.
    pub(super) fn text(&self, now: f64) -> String {
        let is_young = self.health.last_success.is_some_and(|at| is_within(now - at, self.max_age));
        let scores = if is_young { self.scores.clone() } else { self.live.unknown_text(&self.members) };
        let health = WriterHealth { evaluated: self.health.evaluated.filter(|_| is_young), ..self.health };
        scores + &self.live.health_text(&health)
    }
}

/// Whether an age is at most `max_age`. A negative age (the clock was set back) counts like a positive
/// one of the same size.
pub(super) fn is_within(age_seconds: f64, max_age: Duration) -> bool {
    age_seconds.abs() <= max_age.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outputs::ExtraLabels;
    use crate::readings::{Life, Window};
    use crate::score::{Rollup, ScoreTable, score_window};
    use crate::spec::{Metric, Profile};
    use crate::time::Grid;

    #[test]
    fn scores_are_kept_through_an_outage_until_they_are_too_old() {
        let profile = Profile::seed();
        let labels = ExtraLabels::default();
        let live = Live { table: ScoreTable::new(&profile), profile, rollup: Rollup::Worst, labels };
        let mut window = Window::unknown(Grid::second(1_000_000), vec![Member::new("c", "m")], &[]);
        for metric in Metric::ALL {
            window.row_mut(metric, 0)[0] = 0.0;
        }
        let alive = [(Member::new("c", "m"), Life { first_ms: 0, last_ms: i64::MAX })];
        let scores = score_window(&live.table, &window, &alive);
        let mut standing = Standing::new(live, Duration::from_secs(60));
        assert!(!standing.has_succeeded() && !standing.text(1e6).contains("etcd_score"));
        standing.succeeded(LiveScores { window, scores }, Duration::from_millis(5), 1_000_015.0);
        standing.failed(Duration::from_secs(1));
        let young = standing.text(1_000_075.0);
        assert!(young.contains("etcd_score{") && young.contains("evaluation_failures_total 1"), "{young}");
        assert!(young.contains("etcd_heatmap_evaluation_timestamp_seconds 1000000\n"), "{young}");
        for now in [1_000_075.5, 999_000.0] {
            let old = standing.text(now);
            assert!(!old.contains("etcd_score{") && !old.contains("etcd_points") && !old.contains("cluster:"), "{old}");
            assert!(old.contains(r#"etcd_score_unknown{cluster="c",member="m"} 1"#), "{old}");
            assert!(old.contains("last_success_timestamp_seconds 1000015"), "{old}");
            assert!(!old.contains("evaluation_timestamp"), "no scores, so no time of their evaluation: {old}");
        }
    }
}
