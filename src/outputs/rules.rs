//! The score as recording rules for Prometheus, in pure PromQL.
//!
//! One group, whose rules see what those above them recorded at the same instant: the six series
//! under their original names, readings by `cluster` and `member`, points, the score, who has none,
//! the cluster's score, thresholds and weights. Every number that is added up is whole, and one division ends it,
//! as everywhere else.

mod alerts;

use std::fmt::Write;

pub(crate) use alerts::alerting_rules;

use super::shared::figures::{Figures, number, origin};
use super::shared::thresholds;
use crate::sources::prometheus::QuerySet;
use crate::spec::{Column, Companion, FULL_POINTS, Metric, Profile};

/// A metric's readings with the labels of their targets, NaN left out.
const OF_TARGET: &str = "target:etcd_reading:max";
/// The same of the limits that metrics are judged against: the smallest.
const LIMIT_OF_TARGET: &str = "target:etcd_limit:min";

/// Rules that cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RulesError {
    /// A label that the rules set themselves.
    #[error(
        "the rules set the label '{label}' themselves: give {flag} another label, under which the members differ too"
    )]
    TakenLabel {
        label: String,
        /// Where it was given.
        flag: &'static str,
    },
    /// A metric without a name for its recorded series.
    #[error("the query of {0} has no recorded form to take the name of its series from")]
    NoName(Metric),
}

/// The rule file of a profile; `queries` are those of the two labels, `command` is what it was made with.
pub(crate) fn recording_rules(
    profile: &Profile,
    queries: &QuerySet,
    cluster_label: Option<&str>,
    member_label: &str,
    command: &str,
) -> Result<String, RulesError> {
    let labels = Labels::new(cluster_label, member_label)?;
    let mut rules = Rules { text: format!("{}\n{HOW_TO}", origin("#", profile, command)) };
    rules.series(profile, queries)?;
    rules.readings(&labels, profile);
    rules.points(profile);
    rules.score(profile);
    rules.cluster();
    rules.thresholds(profile);
    rules.weights(profile);
    Ok(rules.text)
}

/// Who has no score. A metric that only says what another is judged against finds nobody.
const UNKNOWN: &str = "\
0 * etcd_score
or
group by (cluster, member) (etcd_reading{metric!=\"quota\", metric!=\"max_fds\"})";

/// The score of a cluster; the worst of those that are known could be far from the worst.
const WORST: &str = "\
min by (cluster) (etcd_score)
unless on (cluster) (etcd_score_unknown == 1)";

/// The rest of the head, and the group.
const HOW_TO: &str = "\
#
# Name this file under rule_files of prometheus.yml, and promtool check rules checks it. The score
# etcd_score{cluster,member} goes from 0 (red) to 10 (green); there is none while a reading that
# counts is unknown. It goes on where the history that was backfilled under the same name ends. Where
# the first six series are recorded already, leave those rules out and put the others after them.
groups:
  - name: etcd-heatmap
    rules:
";

/// The labels that name a member.
struct Labels<'a> {
    cluster: Option<&'a str>,
    member: &'a str,
}

impl<'a> Labels<'a> {
    /// Refuses those that a rule would overwrite before another reads them.
    fn new(cluster: Option<&'a str>, member: &'a str) -> Result<Self, RulesError> {
        let taken = |label: &str, flag| Err(RulesError::TakenLabel { label: label.to_owned(), flag });
        match (cluster, member) {
            (_, "metric" | "cluster") => taken(member, "--member-label"),
            (Some(cluster @ "metric"), _) => taken(cluster, "--cluster-label"),
            (None, "cluster_of") => taken(member, "--member-label"),
            _ => Ok(Self { cluster, member }),
        }
    }

    /// The series `name` of targets that have both labels, under `cluster` and `member`.
    fn renamed(&self, name: &str) -> String {
        let member = self.member;
        let of_label = |label: &str, matchers: &str| {
            format!("label_join({name}{{{matchers}{member}!=\"\"}}, \"cluster\", \"\", \"{label}\")")
        };
        let clusters = match self.cluster {
            Some(label) => of_label(label, &format!("{label}!=\"\", ")),
            // The label cluster_of keeps `or` from taking a job for the cluster of the same name.
            None => format!(
                "{name}{{cluster!=\"\", {member}!=\"\"}}\n  or\n  label_replace({},\n    \"cluster_of\", \"job\", \"\", \"\")",
                of_label("job", "cluster=\"\", job!=\"\", ")
            ),
        };
        format!("label_join(\n  {clusters},\n  \"member\", \"\", \"{member}\"\n)")
    }
}

struct Rules {
    text: String,
}

impl Rules {
    fn heading(&mut self, heading: &str) {
        let blank = if self.text.ends_with("rules:\n") { "" } else { "\n" };
        self.text.push_str(blank);
        for line in heading.lines() {
            let _ = writeln!(self.text, "      # {line}");
        }
    }

    fn rule(&mut self, name: &str, labels: &[(&str, &str)], expression: &str) {
        let _ = writeln!(self.text, "      - record: {name}");
        let heading = if labels.is_empty() { "" } else { "        labels:\n" };
        self.text.push_str(heading);
        for (label, value) in labels {
            let _ = writeln!(self.text, "          {label}: {}", scalar(value));
        }
        self.text.push_str("        expr: |\n");
        for line in expression.lines() {
            let _ = writeln!(self.text, "          {line}");
        }
    }

    /// The six series, and from them and the limits what is known of each target.
    fn series(&mut self, profile: &Profile, queries: &QuerySet) -> Result<(), RulesError> {
        let mut names = Vec::new();
        self.heading("The six series under their original names.");
        for metric in Metric::ALL {
            let name = recorded_name(queries, metric).ok_or(RulesError::NoName(metric))?;
            self.rule(&name, &[], &raw(metric, queries));
            names.push((metric, name));
        }
        self.heading("Readings with the labels that name a member. A comparison drops NaN, which is unknown.");
        let by = queries.labels();
        for (metric, name) in names {
            self.rule(OF_TARGET, &[("metric", metric.name())], &format!("max by ({by}) ({name} >= -Inf)"));
        }
        for limit in limits(profile) {
            let smallest = smallest_limit(by, &format!("({})", raw(limit, queries)));
            self.rule(LIMIT_OF_TARGET, &[("metric", limit.name())], &smallest);
        }
        Ok(())
    }

    fn readings(&mut self, labels: &Labels<'_>, profile: &Profile) {
        const BY: &str = "cluster, member, metric";
        let mut readings = format!("max by ({BY}) ({})", labels.renamed(OF_TARGET));
        match limits(profile).next() {
            None => self.heading("The same by cluster and member: the largest where two series name the same member."),
            Some(_) => {
                self.heading(
                    "The same by cluster and member: where two series name the same member, the largest reading, and the\nsmallest limit that is positive.",
                );
                // In one rule: promtool's linter takes two rules of one name and the same labels for duplicates.
                readings = format!("{readings}\nor\n{}", smallest_limit(BY, &labels.renamed(LIMIT_OF_TARGET)));
            }
        }
        self.rule("etcd_reading", &[], &readings);
    }

    fn points(&mut self, profile: &Profile) {
        let shares: Vec<_> = Metric::ALL.into_iter().filter_map(|m| Some((m, profile.limit(m)?))).collect();
        if !shares.is_empty() {
            self.heading(
                "Shares of a limit; nothing is known of 0 / 0 and Inf / Inf. A limit of 0 or below is none, and\nthe share of it 0.",
            );
        }
        for (metric, limit) in shares {
            self.rule("etcd_share_of_limit", &[("metric", metric.name())], &share(metric, limit));
        }
        self.heading("Points, 0 to 10.");
        for metric in Metric::ALL {
            self.rule("etcd_points", &[("metric", metric.name())], &points(profile, metric));
        }
    }

    fn score(&mut self, profile: &Profile) {
        self.heading(
            "The score: a weighted sum in whole numbers, and one division. It needs every metric that counts.",
        );
        self.rule("etcd_score", &[], &score(profile));
    }

    fn cluster(&mut self) {
        self.heading(
            "1 for a member that has no score, else 0. A member is one of which any of the six readings is known; the\nlast one is known for a day, so a member that is gone is unknown for a day, and then forgotten.",
        );
        self.rule("etcd_score_unknown", &[], UNKNOWN);
        self.heading("The score of a cluster is that of its worst member: none while one of them is unknown.");
        self.rule("cluster:etcd_score:worst", &[], WORST);
    }

    fn weights(&mut self, profile: &Profile) {
        self.heading("The share of the score that each metric has.");
        for metric in Metric::ALL {
            let labels = [("profile", profile.name.as_str()), ("metric", metric.name())];
            self.rule("etcd_weight", &labels, &format!("vector({})", number(profile.share(metric))));
        }
    }

    fn thresholds(&mut self, profile: &Profile) {
        let thresholds = thresholds::of(profile);
        if !thresholds.is_empty() {
            self.heading("Above these, strictly, a reading is worth `points`: constants, for a dashboard to draw.");
        }
        for threshold in thresholds {
            self.rule("etcd_threshold", &threshold.labels(), &format!("vector({})", number(threshold.above)));
        }
    }
}

/// A text that is a string in YAML, whatever it looks like.
fn scalar(text: &str) -> String {
    let is_word = text.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    if is_word && !text.is_empty() {
        text.to_owned()
    } else {
        format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
    }
}

/// The name in the recorded form of a query, without its matchers.
fn recorded_name(queries: &QuerySet, metric: Metric) -> Option<String> {
    let recorded = queries.recorded(metric)?;
    recorded.split('{').next().map(|name| name.trim().to_owned())
}

/// The limits that any metric is judged against, whether it counts or not: its points are told too.
fn limits(profile: &Profile) -> impl Iterator<Item = Companion> + '_ {
    Metric::ALL.into_iter().filter_map(|metric| profile.limit(metric))
}

/// The smallest limit by these labels. A negative quota is one that is disabled: it counts where there is no
/// positive one beside it.
fn smallest_limit(by: &str, limit: &str) -> String {
    format!("min by ({by}) ({limit} > 0)\nor\nmax by ({by}) ({limit} >= -Inf)")
}

/// The raw form of a query; without matchers a name needs no braces.
fn raw(column: impl Into<Column>, queries: &QuerySet) -> String {
    let raw = queries.raw(column);
    if queries.selector().is_empty() { raw.replace("{}", "") } else { raw }
}

fn reading(name: &str) -> String {
    format!("etcd_reading{{metric=\"{name}\"}}")
}

/// `> bool +Inf` is 0 for every reading, even Inf, where a product would be NaN.
fn share(metric: Metric, limit: Companion) -> String {
    let (reading, limit) = (reading(metric.name()), reading(limit.name()));
    format!(
        "{reading} / ignoring (metric) ({limit} > 0) >= -Inf\nor\n{reading} > bool +Inf and ignoring (metric) {limit} <= 0"
    )
}

fn points(profile: &Profile, metric: Metric) -> String {
    let (bands, figures) = (&profile.rule(metric).bands, Figures::of(profile));
    let value = match profile.limit(metric) {
        Some(_) => format!("etcd_share_of_limit{{metric=\"{metric}\"}}"),
        None => reading(metric.name()),
    };
    let mut text = figures.points(FULL_POINTS).to_string();
    let mut worth = FULL_POINTS;
    for band in &bands.list {
        let _ = write!(text, "\n  - {} * ({value} > bool {})", figures.points(worth - band.points), number(band.above));
        worth = band.points;
    }
    match (bands.list.is_empty(), figures.point) {
        // Known and never above: full points.
        (true, _) => format!("10 + ({value} > bool +Inf)"),
        (false, 1) => text,
        (false, point) => format!("({text}\n) / {point}"),
    }
}

fn score(profile: &Profile) -> String {
    let figures = Figures::of(profile);
    let whole = |metric: Metric| match figures.point {
        1 => format!("etcd_points{{metric=\"{metric}\"}}"),
        // The nearest double of a fraction, and from it the whole number again.
        point => format!("round({point} * etcd_points{{metric=\"{metric}\"}})"),
    };
    let counting = Metric::ALL.into_iter().filter(|m| profile.counts(*m));
    let parts: Vec<_> = counting.map(|m| format!("{} * {}", figures.weights[m.index()], whole(m))).collect();
    let divisor = figures.total() * figures.point;
    match parts.as_slice() {
        // No other vector takes the label away.
        [only] => format!("max without (metric) ({only}) / {divisor}"),
        parts => format!("(\n    {}\n) / {divisor}", parts.join("\n  + ignoring (metric) ")),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;

    fn rules(profile: &Profile, selector: &str, cluster: Option<&str>, member: &str) -> Result<String, RulesError> {
        let queries = QuerySet::load(None, selector, cluster, member).unwrap();
        recording_rules(profile, &queries, cluster, member, "etcd-heatmap rules")
    }

    #[test]
    fn a_metric_that_is_left_out_has_points_and_no_part_in_the_score() {
        let profile = Profile::seed().without(&Metric::ALL[1..]).unwrap();
        let text = rules(&profile, "", None, "instance").unwrap();
        assert!(text.contains("max without (metric) (1 * etcd_points{metric=\"wal_fsync\"}) / 1\n"), "{text}");
        assert_eq!(text.matches("- record: etcd_points").count(), 6);
    }

    #[test]
    fn fractions_of_points_are_computed_in_thousandths() {
        let profile = Profile::seed().with_bands(Metric::OpenFds, "900:2.5".parse().unwrap()).unwrap();
        let text = rules(&profile, "", None, "instance").unwrap();
        for part in ["- 7500 * (etcd_reading{metric=\"open_fds\"} > bool 900)", ") / 1000\n", "10 * round(1000 * "] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(text.contains(") / 100000\n"), "{text}");
    }

    #[test]
    fn selector_and_labels_reach_every_query() {
        let profile = Profile::named("fleet").unwrap();
        let text = rules(&profile, "env=\"prod\"", Some("k8s"), "pod").unwrap();
        // Six metrics, two of which select twice; each limit twice, max_fds with two selectors.
        assert_eq!(text.matches("{env=\"prod\"}").count(), 8 + 2 * 3, "{text}");
        assert!(text.contains("and on (k8s, pod)") && text.contains("{k8s!=\"\", pod!=\"\"}"), "{text}");
        assert!(!text.contains("instance"), "{text}");
    }

    #[test]
    fn a_label_that_a_rule_would_overwrite_is_refused() {
        let error = |cluster, member| rules(&Profile::seed(), "", cluster, member).unwrap_err().to_string();
        assert!(error(None, "metric").contains("--member-label"));
        assert!(error(Some("k8s"), "cluster").contains("'cluster'"));
        assert!(error(Some("metric"), "pod").contains("--cluster-label"));
        assert!(rules(&Profile::seed(), "", Some("member"), "pod").is_ok());
    }
}
