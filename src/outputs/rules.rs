//! The score as recording rules for Prometheus.
//!
//! All rules are in one group, so that each reads what earlier rules recorded at the same instant: the six series
//! under their original names, readings by `cluster` and `member`, points, caps, the score, `etcd_score_unknown`, the
//! score of the cluster, thresholds and weights. Sums are computed in whole numbers with one division at the end,
//! as in the module `score`, so both give the same scores to the last bit.

mod alerts;
mod caps;

use std::fmt::Write;

pub(crate) use alerts::alerting_rules;

use super::shared::figures::{Figures, number, origin};
use super::shared::thresholds;
use crate::sources::prometheus::{QuerySet, in_promql, label_names, quoted};
use crate::spec::{Column, Companion, FULL_POINTS, Metric, Profile};

/// Series that records the readings of a metric, without NaN, by the labels that name a
/// cluster and member in the user's series.
const OF_TARGET: &str = "target:etcd_reading:max";
/// Series that records the limits (quota, max_fds) by the labels of [`OF_TARGET`]: the smallest positive limit
/// if several series have the same labels.
const LIMIT_OF_TARGET: &str = "target:etcd_limit:min";

/// Reasons why rules cannot be generated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RulesError {
    /// A flag names a label that the rules set themselves.
    #[error(
        "the rules write the label '{label}' themselves, so {flag} cannot name it: choose another label that your series have"
    )]
    TakenLabel {
        label: String,
        /// The flag that named the label.
        flag: &'static str,
    },
    /// The metric's query has no recorded form (a form that reads a series that was recorded earlier), so there is no
    /// name under which to record the metric.
    #[error(
        "cannot name the recorded series of {0}: in {0}.promql of --queries, add a line '# recorded:' and below it the name of the series"
    )]
    NoName(Metric),
}

/// The rule file of a profile. `queries` must be built with the same `cluster_label` and `member_label`. The header
/// names `command` as the way to generate the file again.
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
    rules.cluster(profile);
    rules.thresholds(profile);
    rules.weights(profile);
    Ok(rules.text)
}

/// Expression that is 1 for a member without a score, else 0. Limits, who is a learner, and what caps look at, do not
/// count: only a reading of one of the six metrics shows that a member exists.
fn unknown(profile: &Profile) -> String {
    let others = [Companion::Quota, Companion::MaxFds, Companion::IsLearner].into_iter().chain(caps::flags(profile));
    let matchers: Vec<String> = others.map(|other| format!("metric!=\"{other}\"")).collect();
    format!("0 * etcd_score\nor\ngroup by (cluster, member) (etcd_reading{{{}}})", matchers.join(", "))
}

/// Expression for the score of a cluster. It is absent while a member has no score, because that
/// member could be the worst. Learners do not count.
const WORST: &str = "\
min by (cluster) (etcd_score unless on (cluster, member) etcd_reading{metric=\"is_learner\"} == 1)
unless on (cluster)
(etcd_score_unknown == 1 unless on (cluster, member) etcd_reading{metric=\"is_learner\"} == 1)";

/// Text that follows the comment of [`origin`] in a rule file: how to use the file, then the
/// start of the rule group.
const HOW_TO: &str = "\
#
# List this file under rule_files in prometheus.yml; promtool check rules checks it. The score
# etcd_score{cluster,member} ranges from 0 (red) to 10 (green) and is absent while a reading that
# counts is missing. It continues the backfilled history of the same name. If the first six series
# are recorded already, remove those rules and put the remaining ones after yours.
groups:
  - name: etcd-heatmap
    rules:
";

/// The labels of the user's series that name a cluster and a member. If `cluster` is `None`, the rules read the
/// label `cluster`, or `job` if `cluster` is missing.
struct Labels<'a> {
    cluster: Option<Vec<&'a str>>,
    member: Vec<&'a str>,
}

impl<'a> Labels<'a> {
    /// Refuses labels that one rule would overwrite before another rule reads them.
    fn new(cluster: Option<&'a str>, member: &'a str) -> Result<Self, RulesError> {
        let cluster: Option<Vec<&str>> = cluster.map(|list| label_names(list).collect());
        let member: Vec<&str> = label_names(member).collect();
        let refuse = |names: &[&str], own: &[&str], flag| match own.iter().find(|label| names.contains(label)) {
            Some(label) => Err(RulesError::TakenLabel { label: (*label).to_owned(), flag }),
            None => Ok(()),
        };
        refuse(&member, &["metric", "cluster"], "--member-label")?;
        match &cluster {
            Some(names) => refuse(names, &["metric"], "--cluster-label")?,
            None => refuse(&member, &["cluster_of"], "--member-label")?,
        }
        Ok(Self { cluster, member })
    }

    /// Expression for the series `name` with its labels copied to `cluster` and `member`; series without one of
    /// the labels are left out.
    fn renamed(&self, name: &str) -> String {
        let present = |names: &[&str]| {
            names.iter().map(|name| format!("{}!=\"\"", in_promql(name))).collect::<Vec<_>>().join(", ")
        };
        let member = present(&self.member);
        let of_labels = |labels: &[&str], matchers: &str| {
            format!("label_join({name}{{{matchers}, {member}}}, \"cluster\", {})", sources(labels))
        };
        let clusters = match &self.cluster {
            Some(labels) => of_labels(labels, &present(labels)),
            // The extra label cluster_of makes the two sides of `or` differ. Without it, `or` would drop a job
            // that is named like a cluster.
            None => format!(
                "{name}{{cluster!=\"\", {member}}}\n  or\n  label_replace({},\n    \"cluster_of\", \"job\", \"\", \"\")",
                of_labels(&["job"], "cluster=\"\", job!=\"\"")
            ),
        };
        format!("label_join(\n  {clusters},\n  \"member\", {}\n)", sources(&self.member))
    }
}

/// The last arguments of `label_join`: the separator, and the labels to join.
fn sources(labels: &[&str]) -> String {
    let separator = if labels.len() == 1 { "" } else { "/" };
    [separator].iter().chain(labels).map(|text| quoted(text)).collect::<Vec<_>>().join(", ")
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

    /// Adds the rules that record the six series, the readings of each target, and the limits of each target.
    fn series(&mut self, profile: &Profile, queries: &QuerySet) -> Result<(), RulesError> {
        let mut names = Vec::new();
        self.heading("The six series under their original names.");
        for metric in Metric::ALL {
            let name = recorded_name(queries, metric).ok_or(RulesError::NoName(metric))?;
            self.rule(&name, &[], &raw(metric, queries));
            names.push((metric, name));
        }
        self.heading("Readings with the labels that name a member. The comparison drops NaN, a missing reading.");
        let by = queries.labels();
        for (metric, name) in names {
            self.rule(OF_TARGET, &[("metric", metric.name())], &format!("max by ({by}) ({name} >= -Inf)"));
        }
        for flag in caps::flags(profile) {
            let largest = format!("max by ({by}) ({})", raw(flag, queries));
            self.rule(OF_TARGET, &[("metric", flag.name())], &largest);
        }
        for limit in caps::all_limits(profile) {
            let smallest = smallest_limit(by, &format!("({})", raw(limit, queries)));
            self.rule(LIMIT_OF_TARGET, &[("metric", limit.name())], &smallest);
        }
        self.heading(
            "Learners do not vote. If several series name the same target, one that votes decides: of a learner that was\npromoted, a series with other labels goes on for a day.",
        );
        let votes = format!("min by ({by}) ({})", raw(Companion::IsLearner, queries));
        self.rule(OF_TARGET, &[("metric", Companion::IsLearner.name())], &votes);
        Ok(())
    }

    fn readings(&mut self, labels: &Labels<'_>, profile: &Profile) {
        const BY: &str = "cluster, member, metric";
        let mut readings = format!("max by ({BY}) ({})", labels.renamed(OF_TARGET));
        match caps::all_limits(profile).first() {
            None => self.heading("Readings by cluster and member: the largest if several series name the same member."),
            Some(_) => {
                self.heading(
                    "Readings by cluster and member: if several series name the same member, the largest reading and the\nsmallest positive limit.",
                );
                // Record readings and limits in one rule, because promtool reports two rules with equal
                // name and labels as duplicates.
                readings = format!("{readings}\nor\n{}", smallest_limit(BY, &labels.renamed(LIMIT_OF_TARGET)));
            }
        }
        self.rule("etcd_reading", &[], &readings);
    }

    fn points(&mut self, profile: &Profile) {
        let shares = caps::shares(profile);
        if !shares.is_empty() {
            self.heading(
                "Ratios of readings to limits; absent for 0 / 0 and Inf / Inf. A limit of 0 or less means no limit, and\nthe ratio is 0.",
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
        let is_capped = !profile.caps().is_empty();
        let name = if is_capped { "The score before caps" } else { "The score" };
        self.heading(&format!(
            "{name}: a weighted sum in whole numbers and one division. Absent unless every metric that counts has points."
        ));
        self.rule(if is_capped { caps::UNCAPPED } else { "etcd_score" }, &[], &score(profile));
        if !is_capped {
            return;
        }
        self.heading("The lowest cap of each metric that applies. One whose reading is missing does not apply.");
        for (metric, expression) in caps::caps(profile) {
            self.rule(caps::CAP, &[("metric", metric.name())], &expression);
        }
        self.heading("The score: the lowest of the sum and the caps. A cap of 0 needs no other readings.");
        self.rule("etcd_score", &[], &caps::capped());
    }

    fn cluster(&mut self, profile: &Profile) {
        self.heading(
            "1 for a member without a score, else 0. Any of the six readings makes a member. Leader changes of the last day\nlinger, so a removed member is reported for a day and then disappears.",
        );
        self.rule("etcd_score_unknown", &[], &unknown(profile));
        if profile.caps().iter().any(|(_, cap)| cap.is_zero()) {
            self.heading(
                "The score of a cluster is that of its worst member that votes. It is absent while such a member has no score,\nunless another one has 0.",
            );
            self.rule("cluster:etcd_score:worst", &[], &caps::worst_with_zero(WORST));
        } else {
            self.heading("The score of a cluster is that of its worst member that votes, and absent while such a member has no score.");
            self.rule("cluster:etcd_score:worst", &[], WORST);
        }
    }

    fn weights(&mut self, profile: &Profile) {
        self.heading("Share of each metric in the score, 0 to 1.");
        for metric in Metric::ALL {
            let labels = [("profile", profile.name.as_str()), ("metric", metric.name())];
            self.rule("etcd_weight", &labels, &format!("vector({})", number(profile.share(metric))));
        }
    }

    fn thresholds(&mut self, profile: &Profile) {
        let thresholds = thresholds::of(profile);
        if !thresholds.is_empty() {
            self.heading("A reading strictly above the threshold gets `points`: constants for dashboards to draw.");
        }
        for threshold in thresholds {
            self.rule("etcd_threshold", &threshold.labels(), &format!("vector({})", number(threshold.above)));
        }
    }
}

/// A YAML scalar that is always read as a string: quoted unless it is a plain word.
fn scalar(text: &str) -> String {
    let is_word = text.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    if is_word && !text.is_empty() {
        text.to_owned()
    } else {
        format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
    }
}

/// The name under which the rules record a metric: the name in the recorded form of its query, without matchers.
fn recorded_name(queries: &QuerySet, metric: Metric) -> Option<String> {
    let recorded = queries.recorded(metric)?;
    recorded.split('{').next().map(|name| name.trim().to_owned())
}

/// The limits that the profile uses, including those of metrics left out of the score,
/// because these metrics still have points.
fn limits(profile: &Profile) -> impl Iterator<Item = Companion> + '_ {
    Metric::ALL.into_iter().filter_map(|metric| profile.limit(metric))
}

/// Expression for the smallest positive limit by these labels. If no limit is positive, the result is 0 or less,
/// which means no limit (etcd's quota is negative when disabled).
fn smallest_limit(by: &str, limit: &str) -> String {
    format!("min by ({by}) ({limit} > 0)\nor\nmax by ({by}) ({limit} >= -Inf)")
}

/// The form of a query that reads etcd's own metrics, without empty braces.
fn raw(column: impl Into<Column>, queries: &QuerySet) -> String {
    let raw = queries.raw(column);
    if queries.selector().is_empty() { raw.replace("{}", "") } else { raw }
}

fn reading(name: &str) -> String {
    format!("etcd_reading{{metric=\"{name}\"}}")
}

/// The series that records the ratio of a metric's reading to its limit.
fn share_series(metric: Metric) -> String {
    format!("etcd_share_of_limit{{metric=\"{metric}\"}}")
}

/// Expression for the ratio of a reading to its limit. A limit of 0 or less means no limit, so the ratio is 0
/// for every reading. `> bool +Inf` yields this 0; multiplying by 0 would yield NaN for a reading of Inf.
fn share(metric: Metric, limit: Companion) -> String {
    let (reading, limit) = (reading(metric.name()), reading(limit.name()));
    format!(
        "{reading} / ignoring (metric) ({limit} > 0) >= -Inf\nor\n{reading} > bool +Inf and ignoring (metric) {limit} <= 0"
    )
}

fn points(profile: &Profile, metric: Metric) -> String {
    let (bands, figures) = (&profile.rule(metric).bands, Figures::of(profile));
    let value = match profile.limit(metric) {
        Some(_) => share_series(metric),
        None => reading(metric.name()),
    };
    let mut text = figures.points(FULL_POINTS).to_string();
    let mut worth = FULL_POINTS;
    for band in &bands.list {
        let _ = write!(text, "\n  - {} * ({value} > bool {})", figures.points(worth - band.points), number(band.above));
        worth = band.points;
    }
    match (bands.list.is_empty(), figures.point) {
        // Without bands, any reading gets full points; `> bool +Inf` is always 0.
        (true, _) => format!("10 + ({value} > bool +Inf)"),
        (false, 1) => text,
        (false, point) => format!("({text}\n) / {point}"),
    }
}

fn score(profile: &Profile) -> String {
    let figures = Figures::of(profile);
    let whole = |metric: Metric| match figures.point {
        1 => format!("etcd_points{{metric=\"{metric}\"}}"),
        // If points are fractions, `etcd_points` is only the nearest double; rounding restores
        // the whole number of thousandths.
        point => format!("round({point} * etcd_points{{metric=\"{metric}\"}})"),
    };
    let counting = Metric::ALL.into_iter().filter(|m| profile.counts(*m));
    let parts: Vec<_> = counting.map(|m| format!("{} * {}", figures.weights[m.index()], whole(m))).collect();
    let divisor = figures.total() * figures.point;
    match parts.as_slice() {
        // A sum of several parts loses the label `metric` through `ignoring (metric)`; a single part needs `without`.
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
    fn a_metric_that_is_left_out_has_points_but_no_weight_in_the_score() {
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
    fn selector_and_labels_are_applied_to_every_query() {
        let profile = Profile::named("fleet").unwrap();
        let text = rules(&profile, "env=\"prod\"", Some("k8s"), "pod").unwrap();
        // The six queries have eight selectors in total, and that of learners one. The queries of the two limits have three,
        // and the rule of a limit contains its query twice.
        assert_eq!(text.matches("{env=\"prod\"}").count(), 8 + 1 + 2 * 3, "{text}");
        assert!(text.contains("and on (k8s, pod)") && text.contains("{k8s!=\"\", pod!=\"\"}"), "{text}");
        assert!(!text.contains("instance"), "{text}");
    }

    #[test]
    fn labels_that_the_rules_set_themselves_are_refused() {
        let error = |cluster, member| rules(&Profile::seed(), "", cluster, member).unwrap_err().to_string();
        assert!(error(None, "metric").contains("--member-label"));
        assert!(error(Some("k8s"), "cluster").contains("'cluster'"));
        assert!(error(Some("metric"), "pod").contains("--cluster-label"));
        assert!(rules(&Profile::seed(), "", Some("member"), "pod").is_ok());
        assert!(error(None, "node,cluster_of").contains("'cluster_of'"));
        assert!(error(Some("env,metric"), "pod").contains("--cluster-label"));
    }

    #[test]
    fn several_labels_are_joined_with_a_slash_and_utf_8_names_are_quoted() {
        let text = rules(&Profile::seed(), "", Some("env,k8s.cluster.name"), "node,port").unwrap();
        for part in [
            r#"max by (env, "k8s.cluster.name", node, port) ("#,
            r#"{env!="", "k8s.cluster.name"!="", node!="", port!=""}, "cluster", "/", "env", "k8s.cluster.name")"#,
            r#""member", "/", "node", "port""#,
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let default = rules(&Profile::seed(), "", None, "node,port").unwrap();
        assert!(default.contains(r#"{cluster!="", node!="", port!=""}"#), "{default}");
        assert!(default.contains(r#"job!="", node!="", port!=""}, "cluster", "", "job")"#), "{default}");
    }
}
