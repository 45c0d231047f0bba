//! The current score in the format of node_exporter's textfile collector: metrics without timestamps.
//!
//! One evaluation comes in; the text of a file goes out. Every series carries the extra labels, including the
//! series about the writer, so that writers with different labels on one node never write the same series.

use std::time::Duration;

use super::shared::exposition::{Text, exposed};
use super::shared::figures::number;
use super::shared::thresholds;
use super::{ExtraLabels, Family};
use crate::readings::{Member, Window};
use crate::score::{DayScores, Rollup, ScoreTable, StepState};
use crate::spec::{Column, Metric, Profile};

/// Time of the last successful evaluation; an old time shows that the writer stopped or fails.
const LAST_SUCCESS: &str = "etcd_heatmap_last_success_timestamp_seconds";

/// Settings that are the same for all evaluations.
#[derive(Clone, Debug)]
pub(crate) struct Live {
    pub(crate) profile: Profile,
    /// The score table of `profile`.
    pub(crate) table: ScoreTable,
    pub(crate) rollup: Rollup,
    /// Labels added to each series.
    pub(crate) labels: ExtraLabels,
}

/// Readings of one evaluation, and the scores computed from them.
#[derive(Clone, Debug)]
pub(crate) struct LiveScores {
    /// Readings of a single step.
    pub(crate) window: Window,
    /// Scores of the same members at the same step.
    pub(crate) scores: DayScores,
}

/// Counters and times of the writer itself, for monitoring it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct WriterHealth {
    /// Evaluations since the writer started.
    pub(crate) evaluations: u64,
    /// Failed evaluations since the writer started.
    pub(crate) failures: u64,
    /// Duration of the last evaluation.
    pub(crate) took: Duration,
    /// Time of the last successful evaluation, in seconds since 1970.
    pub(crate) last_success: Option<f64>,
    /// The step that the scores in the file are for, in seconds since 1970; `None` if the file has no scores.
    pub(crate) evaluated: Option<i64>,
}

impl Live {
    /// The file's series after a successful evaluation, without those about the writer: scores, points and readings
    /// of members, scores of clusters, `etcd_score_unknown` of each member, thresholds and weights.
    pub(crate) fn scores_text(&self, found: &LiveScores) -> String {
        let mut text = Text::new(&self.labels);
        let LiveScores { window, scores } = found;
        self.write_scores(&mut text, scores);
        self.write_points(&mut text, scores);
        self.write_readings(&mut text, window);
        self.write_clusters(&mut text, scores);
        let is_unknown = |member| self.score_of(scores, member).is_none();
        unknown(&mut text, scores.members.iter().enumerate().map(|(index, member)| (member, is_unknown(index))));
        self.write_thresholds(&mut text);
        self.write_weights(&mut text);
        text.into_text()
    }

    /// The file's series once the scores are too old, without those about the writer: no scores, only
    /// `etcd_score_unknown` with the value 1 for each of these members.
    pub(crate) fn unknown_text(&self, members: &[Member]) -> String {
        let mut text = Text::new(&self.labels);
        unknown(&mut text, members.iter().map(|member| (member, true)));
        text.into_text()
    }

    /// The series about the writer itself, as text.
    pub(crate) fn health_text(&self, health: &WriterHealth) -> String {
        let mut text = Text::new(&self.labels);
        if let Some(at) = health.evaluated {
            let name = "etcd_heatmap_evaluation_timestamp_seconds";
            text.single(name, "gauge", "The instant that the scores were evaluated at.", at);
        }
        let took = health.took.as_secs_f64();
        text.single("etcd_heatmap_evaluation_duration_seconds", "gauge", "How long the last evaluation took.", took);
        let name = "etcd_heatmap_evaluations_total";
        text.single(name, "counter", "Evaluations since the writer was started.", health.evaluations);
        let name = "etcd_heatmap_evaluation_failures_total";
        text.single(name, "counter", "Evaluations that failed since the writer was started.", health.failures);
        if let Some(at) = health.last_success {
            text.single(LAST_SUCCESS, "gauge", "When an evaluation succeeded last.", at);
        }
        text.begin("etcd_heatmap_info", "gauge", "The program and the profile that the scores are of.");
        let own = [("version", env!("CARGO_PKG_VERSION")), ("profile", self.profile.name.as_str())];
        text.sample("etcd_heatmap_info", &own, 1);
        text.into_text()
    }

    fn score_of(&self, scores: &DayScores, member: usize) -> Option<f64> {
        match self.table.state(scores.codes(member)[0]) {
            StepState::Scored(worth) => Some(self.table.points(worth.score)),
            StepState::Unknown | StepState::Idle | StepState::Absent => None,
        }
    }

    fn write_scores(&self, text: &mut Text<'_>, scores: &DayScores) {
        text.begin(Family::Scores.metric_name(), "gauge", Family::Scores.help());
        for (index, member) in scores.members.iter().enumerate() {
            if let Some(score) = self.score_of(scores, index) {
                text.sample(Family::Scores.metric_name(), &names(member), score);
            }
        }
    }

    fn write_points(&self, text: &mut Text<'_>, scores: &DayScores) {
        text.begin(Family::Points.metric_name(), "gauge", Family::Points.help());
        for (index, member) in scores.members.iter().enumerate() {
            let points = self.table.look_up(scores.codes(index)[0]).points;
            for metric in Metric::ALL {
                if let Some(points) = points[metric.index()] {
                    let [cluster, name] = names(member);
                    text.sample(Family::Points.metric_name(), &[cluster, name, ("metric", metric.name())], points);
                }
            }
        }
    }

    fn write_readings(&self, text: &mut Text<'_>, window: &Window) {
        text.begin("etcd_reading", "gauge", "What was read of an etcd member, in the metric's own unit.");
        let columns = || Metric::ALL.map(Column::from).into_iter().chain(window.companions().iter().map(|&c| c.into()));
        for (index, member) in window.members().iter().enumerate() {
            for column in columns() {
                let value = window.row(column, index)[0];
                if !value.is_nan() {
                    let [cluster, name] = names(member);
                    text.sample("etcd_reading", &[cluster, name, ("metric", column.name())], exposed(value));
                }
            }
        }
    }

    fn write_clusters(&self, text: &mut Text<'_>, scores: &DayScores) {
        // Not `cluster:etcd_score:worst`: a name with a colon is for recording rules, and `promtool check metrics` refuses
        // it in an exposition.
        let name = format!("etcd_cluster_score_{}", self.rollup);
        let help = format!("Health of an etcd cluster, {}, from 0 (red) to 10 (green).", self.rollup.of_members());
        text.begin(&name, "gauge", &help);
        for members in scores.clusters() {
            let cluster = &*scores.members[members.start].cluster;
            if let Some(StepState::Scored(worth)) = self.rollup.line(&self.table, scores, members).first() {
                text.sample(&name, &[("cluster", cluster)], self.table.points(worth.score));
            }
        }
    }

    fn write_thresholds(&self, text: &mut Text<'_>) {
        text.begin("etcd_threshold", "gauge", "Above it a reading, or its share of a limit, has so many points.");
        for threshold in thresholds::of(&self.profile) {
            text.sample("etcd_threshold", &threshold.labels(), number(threshold.above));
        }
    }

    fn write_weights(&self, text: &mut Text<'_>) {
        text.begin("etcd_weight", "gauge", "The share of the score that a metric has, 0 to 1.");
        for metric in Metric::ALL {
            let own = [("profile", self.profile.name.as_str()), ("metric", metric.name())];
            text.sample("etcd_weight", &own, self.profile.share(metric));
        }
    }
}

/// Time of the last successful evaluation in a textfile, in seconds since 1970; `None` if the text has no such sample.
pub(crate) fn last_success(text: &str) -> Option<f64> {
    let sample =
        text.lines().find_map(|line| line.strip_prefix(LAST_SUCCESS).filter(|rest| rest.starts_with([' ', '{'])))?;
    sample.rsplit(' ').next()?.parse().ok()
}

fn names(member: &Member) -> [(&str, &str); 2] {
    [("cluster", &*member.cluster), ("member", &*member.member)]
}

fn unknown<'a>(text: &mut Text<'_>, members: impl Iterator<Item = (&'a Member, bool)>) {
    text.begin(
        "etcd_score_unknown",
        "gauge",
        "Whether an etcd member has no score, because a reading is missing or idle (no WAL fsync or backend commit).",
    );
    for (member, is_unknown) in members {
        text.sample("etcd_score_unknown", &names(member), u8::from(is_unknown));
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;
    use crate::readings::Life;
    use crate::score::score_window;
    use crate::time::Grid;

    fn live(labels: &[&str]) -> Live {
        let profile = Profile::named("fleet").unwrap();
        let labels = ExtraLabels::parse(labels.iter().copied()).unwrap();
        Live { table: ScoreTable::new(&profile), profile, rollup: Rollup::Worst, labels }
    }

    #[test]
    fn a_member_with_a_missing_reading_has_points_but_no_score() {
        let profile = Profile::seed();
        let live = Live { table: ScoreTable::new(&profile), profile, ..live(&[]) };
        let members = vec![Member::new("c", "a\"b"), Member::new("c", "b")];
        let mut window = Window::unknown(Grid::second(1_790_812_800), members.clone(), &[]);
        for metric in Metric::ALL {
            window.row_mut(metric, 0)[0] = 0.0;
        }
        window.row_mut(Metric::WalFsync, 1)[0] = f64::INFINITY;
        let alive: Vec<_> = members.iter().map(|m| (m.clone(), Life { first_ms: 0, last_ms: i64::MAX })).collect();
        let scores = score_window(&live.table, &window, &alive);
        let text = live.scores_text(&LiveScores { window, scores });
        for line in [
            r#"etcd_score{cluster="c",member="a\"b"} 10"#,
            r#"etcd_points{cluster="c",member="b",metric="wal_fsync"} 0"#,
            r#"etcd_reading{cluster="c",member="b",metric="wal_fsync"} +Inf"#,
            r#"etcd_score_unknown{cluster="c",member="a\"b"} 0"#,
            r#"etcd_score_unknown{cluster="c",member="b"} 1"#,
            r#"etcd_threshold{metric="backend_commit",points="5",profile="seed"} 0.025"#,
            r#"etcd_weight{metric="leader_changes",profile="seed"} 0.3"#,
        ] {
            assert!(text.lines().any(|l| l == line), "{line}:\n{text}");
        }
        assert!(!text.contains(r#"etcd_score{cluster="c",member="b"}"#) && !text.contains("cluster:"), "{text}");
    }

    #[test]
    fn the_time_of_the_last_success_is_read_back_from_a_text() {
        for labels in [&[][..], &["node=a b"]] {
            let mut health = WriterHealth::default();
            assert_eq!(last_success(&live(labels).health_text(&health)), None);
            health.last_success = Some(1_790_812_800.25);
            assert_eq!(last_success(&live(labels).health_text(&health)), Some(1_790_812_800.25));
        }
    }

    #[test]
    fn thresholds_that_are_shares_of_a_limit_name_the_limit() {
        let text = {
            let live = live(&[]);
            let mut text = Text::new(&live.labels);
            live.write_thresholds(&mut text);
            text.into_text()
        };
        assert!(text.contains(r#"metric="db_size",of="quota""#), "{text}");
    }
}
