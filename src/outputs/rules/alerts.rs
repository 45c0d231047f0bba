//! Alerting rules on live scores, from either the recording rules or `textfile`.

use super::super::shared::figures::{Figures, number, origin};
use crate::analysis::forecast::trust::WARNS_FROM;
use crate::spec::{FULL_POINTS, Metric, Profile};
use crate::text::comment::comment_lines;
use crate::text::palette::RED_BELOW;

/// Text that follows the comment of [`origin`]: how to use the file, then the start of the rule group.
const HOW_TO: &str = "\
#
# List this file under rule_files in prometheus.yml; promtool check rules checks it. It works with both
# sources of live scores: the recording rules of `etcd-heatmap rules`, and `etcd-heatmap textfile`
# with node_exporter; generate it with the settings of that source. Scores of a textfile carry the
# labels instance and job of the node that wrote them, so the alerts aggregate these labels away. If
# the scrape job of node_exporter sets a label cluster itself, scrape it with honor_labels: true.
groups:
  - name: etcd-heatmap-alerts
    rules:
";

/// The alert for one metric of a member.
const METRIC_CRITICAL: &str = include_str!("alerts/metric_critical.yml");
/// The alert for the score of a member, with [`LOW_SCORE`] for the threshold.
const SCORE_LOW: &str = include_str!("alerts/score_low.yml");
/// The alerts that are the same for every profile.
const OTHERS: &str = include_str!("alerts/others.yml");

/// The alerts on the gauges of `forecast`, with [`FORECAST_FIGURES`] for numbers.
const FORECAST: &str = include_str!("alerts/forecast.yml");

/// What stands for numbers in [`FORECAST`].
const FORECAST_FIGURES: [(&str, f64); 2] = [("WARNS_FROM", WARNS_FROM), ("RED_BELOW", RED_BELOW)];

/// Stands for the threshold in [`SCORE_LOW`].
const LOW_SCORE: &str = "LOW_SCORE";

/// Start of each comment line within the rules.
const INDENTED: &str = "      #";

/// The file of alerting rules on the scores of a profile. Its header names `command` as the way to generate the file
/// again.
pub(crate) fn alerting_rules(profile: &Profile, command: &str) -> String {
    let comment = |text: &str| comment_lines(INDENTED, text);
    let critical = comment(&critical_comment(profile));
    let low = match LowScore::of(profile) {
        Some(low) => {
            let score = number(low.score);
            format!("{}\n{}", comment(&low.comment(&score)), SCORE_LOW.replace(LOW_SCORE, &score))
        }
        None => format!("{}\n\n", comment("EtcdScoreLow is left out: no metric that counts has a threshold.")),
    };
    let forecast = format!("{}\n{}", comment(&forecast_comment()), forecast_alerts());
    format!("{}\n{HOW_TO}{critical}\n{METRIC_CRITICAL}\n{low}{OTHERS}\n{forecast}", origin("#", profile, command))
}

/// The alerts on the gauges of `forecast`, which are the same for every profile.
fn forecast_alerts() -> String {
    FORECAST_FIGURES.iter().fold(FORECAST.to_owned(), |text, (name, value)| text.replace(name, &number(*value)))
}

/// Explains the conditions of the alert on a red cluster.
fn forecast_comment() -> String {
    let from = number(WARNS_FROM);
    format!(
        "The gauges of `etcd-heatmap forecast`, run each hour. A warning needs a probability of {from}, which \
         announces most disks that slow down; two forecasts in a row (of the last 65 minutes, or of 125 minutes, so \
         that one failed run does not end the alert); forecasts that were better than the usual rate so far; and one that \
         is less than 3 hours old, half of its horizon. It ends when the cluster is red."
    )
}

/// Explains which metrics can fire the alert on a single metric.
fn critical_comment(profile: &Profile) -> String {
    let reaches_zero = |m: &Metric| profile.rule(*m).bands.list.last().is_some_and(|band| band.points == 0);
    let (can, cannot): (Vec<_>, Vec<_>) = Metric::ALL.into_iter().partition(|m| profile.counts(*m) && reaches_zero(m));
    let cannot = match cannot.as_slice() {
        [] => String::new(),
        cannot => format!(
            " These metrics of the profile never fire this alert: {} (they have no threshold above which they get 0 \
             points, or their weight is 0).",
            names(cannot)
        ),
    };
    let none = if can.is_empty() { " No metric can fire it." } else { "" };
    format!("A metric that counts has no points left, because its reading is in the worst band.{cannot}{none}")
}

/// The score that counts as low: what a single metric leaves at worst.
struct LowScore {
    /// 0 to 10, to the last bit the score that both sources compute.
    score: f64,
    /// The metrics that can cause this score alone.
    metrics: Vec<Metric>,
    /// Whether caps of the profile can cause a lower one.
    has_caps: bool,
}

impl LowScore {
    /// `None` if no metric that counts has a threshold, so that every score is 10.
    fn of(profile: &Profile) -> Option<Self> {
        let figures = Figures::of(profile);
        let loss = |m: Metric| {
            let left = profile.rule(m).bands.list.last().map_or(FULL_POINTS, |band| band.points);
            figures.weights[m.index()] * figures.points(FULL_POINTS - left)
        };
        let worst = Metric::ALL.into_iter().map(loss).max().filter(|worst| *worst > 0)?;
        let left = figures.total() * figures.points(FULL_POINTS) - worst;
        Some(Self {
            // One division of whole numbers, as in the rules of the score.
            score: left as f64 / (figures.total() * figures.point) as f64,
            metrics: Metric::ALL.into_iter().filter(|m| loss(*m) == worst).collect(),
            has_caps: !profile.caps().is_empty(),
        })
    }

    fn comment(&self, score: &str) -> String {
        let names = names(&self.metrics);
        let by_points = if self.has_caps { " by its points; a cap may cause a lower one" } else { "" };
        format!(
            "{score} is the lowest score that a single metric can cause in the profile ({names}){by_points}. This alert also \
             fires for several metrics that cost as much together while none of them is critical. It is a warning, so that \
             a critical metric does not page twice."
        )
    }
}

fn names(metrics: &[Metric]) -> String {
    metrics.iter().map(|metric| metric.name()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;
    use crate::spec::PROFILES;

    fn low(profile: &Profile) -> Option<f64> {
        LowScore::of(profile).map(|low| low.score)
    }

    #[test]
    fn a_score_is_low_if_a_single_metric_can_cause_it() {
        // By hand: 0.3 of 10 points are lost to wal_fsync in every built-in profile, but 0.35 to leader_changes in operator.
        for name in PROFILES {
            let expected = if name == "operator" { 6.5 } else { 7.0 };
            assert_eq!(low(&Profile::named(name).unwrap()), Some(expected), "{name}");
        }
        // 5 of 10 points at 0.3 cost more than 10 at 0.1, and less than 8 at 0.2.
        let bands = |of: &[(Metric, &str)]| {
            let start = Profile::named("seed").unwrap();
            of.iter().fold(start, |profile, (m, bands)| profile.with_bands(*m, bands.parse().unwrap()).unwrap())
        };
        use Metric::{BackendCommit, LeaderChanges, OpenFds, WalFsync};
        let none = [(WalFsync, "0.01:5"), (LeaderChanges, "none"), (BackendCommit, "none")];
        assert_eq!(low(&bands(&none)), Some(8.5));
        assert_eq!(low(&bands(&[&none[..], &[(BackendCommit, "0.1:2")]].concat())), Some(8.4));
        assert_eq!(low(&bands(&[&none[1..], &[(WalFsync, "none"), (OpenFds, "none")]].concat())), None);
        let alone = Profile::seed().without(&Metric::ALL[1..]).unwrap();
        assert_eq!(low(&alone), Some(0.0));
    }

    #[test]
    fn a_profile_without_thresholds_has_no_alert_on_low_scores() {
        let profile = Profile::seed().without(&[Metric::WalFsync, Metric::BackendCommit, Metric::OpenFds]).unwrap();
        let profile = profile.with_bands(Metric::LeaderChanges, "none".parse().unwrap()).unwrap();
        let text = alerting_rules(&profile, "etcd-heatmap rules --alerts");
        assert!(!text.contains("- alert: EtcdScoreLow") && text.contains("EtcdScoreLow is left out"), "{text}");
        assert!(text.contains("No metric can fire it."), "{text}");
    }

    #[test]
    fn the_file_names_metrics_that_cannot_be_critical() {
        let text = alerting_rules(&Profile::named("mixin").unwrap(), "etcd-heatmap rules --alerts");
        let words = text.replace("\n      #", "");
        assert!(
            words.contains("of the profile never fire this alert: backend_commit, leader_changes, client_traffic_in ("),
            "{text}"
        );
        assert!(words.contains("in the profile (wal_fsync)"), "{text}");
        assert!(!text.contains(LOW_SCORE), "{text}");
    }
}
