//! Steps of the past that no forecast expected, as findings. They cost no points by themselves, so they change neither
//! losses nor problems.

use std::collections::BTreeMap;

use super::{Evidence, Finding, Findings, Kind, told};
use crate::analysis::forecast::result::Anomaly;
use crate::spec::Metric;
use crate::text::count;

/// With more anomalies of one metric in a cluster than this, they are one finding with their number: a list of dozens
/// would hide the other findings.
const MOST_EACH: usize = 5;

pub(super) const RULE: &str = "consecutive steps outside of the 99 % interval of a forecast by a model that had not seen them; more \
    than 5 of one metric in a cluster are one finding";

impl Findings {
    /// Adds the anomalies of a forecast. Problems, losses, ranks and clusters stay as they are. Call it before
    /// [`Findings::of_cluster`] and [`Findings::of_kind`], which also apply to anomalies.
    #[must_use]
    pub(crate) fn with_anomalies(mut self, anomalies: &[Anomaly]) -> Self {
        self.all.extend(found(anomalies));
        super::put_in_order(&mut self.all);
        self
    }
}

/// A finding for each anomaly; those of a metric with many of them in a cluster are folded into one.
fn found(anomalies: &[Anomaly]) -> Vec<Finding> {
    let mut groups: BTreeMap<(&str, Metric), Vec<&Anomaly>> = BTreeMap::new();
    for anomaly in anomalies {
        groups.entry((&anomaly.cluster, anomaly.metric)).or_default().push(anomaly);
    }
    let tell = |group: Vec<&Anomaly>| match group.len() {
        ..=MOST_EACH => group.into_iter().map(single).collect(),
        _ => vec![folded(&group)],
    };
    groups.into_values().flat_map(tell).collect()
}

fn single(anomaly: &Anomaly) -> Finding {
    let mut finding = Finding::new(Kind::Anomaly, &anomaly.cluster, anomaly.start_ms, anomaly.end_ms, RULE);
    finding.members = vec![anomaly.member.clone()];
    finding.metric = Some(anomaly.metric);
    let lasted = told::duration(anomaly.end_ms - anomaly.start_ms);
    finding.says = format!(
        "{} of {}: {} {} for {lasted}; {} expected",
        anomaly.member,
        anomaly.cluster,
        anomaly.metric.title(),
        extreme(anomaly),
        expected(anomaly),
    );
    finding.tell("duration", Evidence::Duration(anomaly.end_ms - anomaly.start_ms));
    tell(&mut finding, anomaly);
    finding
}

/// One finding about all anomalies of a metric in a cluster; its evidence is that of the furthest.
fn folded(group: &[&Anomaly]) -> Finding {
    let furthest = group.iter().copied().max_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap_or(group[0]);
    let start_ms = group.iter().map(|anomaly| anomaly.start_ms).min().unwrap_or(furthest.start_ms);
    let end_ms = group.iter().map(|anomaly| anomaly.end_ms).max().unwrap_or(furthest.end_ms);
    let mut finding = Finding::new(Kind::Anomaly, &furthest.cluster, start_ms, end_ms, RULE);
    let mut members: Vec<String> = group.iter().map(|anomaly| anomaly.member.clone()).collect();
    members.sort_unstable();
    members.dedup();
    let lasted: i64 = group.iter().map(|anomaly| anomaly.end_ms - anomaly.start_ms).sum();
    finding.says = format!(
        "{} of {}: {} left its expected range {}, for {} in all; furthest: {} {}, {} expected",
        count(members.len(), "member"),
        furthest.cluster,
        furthest.metric.title(),
        count(group.len(), "time"),
        told::duration(lasted),
        furthest.member,
        extreme(furthest),
        expected(furthest),
    );
    finding.members = members;
    finding.metric = Some(furthest.metric);
    finding.tell("times", group.len());
    finding.tell("duration", Evidence::Duration(lasted));
    finding.tell("furthest", Evidence::Instant(furthest.start_ms));
    tell(&mut finding, furthest);
    finding
}

fn tell(finding: &mut Finding, anomaly: &Anomaly) {
    let Anomaly { metric, expected: [low, high], .. } = *anomaly;
    finding.tell("metric", metric.name());
    finding.tell("member", anomaly.member.clone());
    finding.tell("reading", Evidence::Reading(metric, anomaly.reading));
    finding.tell("expected_low", Evidence::Reading(metric, low));
    finding.tell("expected_high", Evidence::Reading(metric, high));
}

/// `reached 31 ms`, or `fell to 0.4 ms`.
fn extreme(anomaly: &Anomaly) -> String {
    let verb = if anomaly.reading > anomaly.expected[1] { "reached" } else { "fell to" };
    format!("{verb} {}", told::reading(anomaly.metric, anomaly.reading))
}

/// `2 to 5 ms were`, or `3 was` if both ends are shown as the same.
fn expected(anomaly: &Anomaly) -> String {
    let [low, high] = anomaly.expected.map(|end| told::reading(anomaly.metric, end));
    if low == high {
        return format!("{low} was");
    }
    let parts = |text: &str| text.split_once(' ').map(|(number, unit)| (number.to_owned(), unit.to_owned()));
    match (parts(&low), parts(&high)) {
        (Some((number, unit)), Some((_, same))) if unit == same => format!("{number} to {high} were"),
        _ => format!("{low} to {high} were"),
    }
}

/// How far a reading is outside of its interval, in doublings, so that metrics of any size compare. A reading of 0 is
/// further than all others.
fn distance(anomaly: &Anomaly) -> f64 {
    let [low, high] = anomaly.expected;
    let outside = if anomaly.reading > high { anomaly.reading / high } else { low / anomaly.reading };
    outside.log2()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::super::Problem;
    use super::*;
    use crate::time::HOUR_MS;

    const MINUTE_MS: i64 = 60_000;

    fn anomaly(member: &str, hour: i64, reading: f64) -> Anomaly {
        Anomaly {
            cluster: "c01".to_owned(),
            member: member.to_owned(),
            metric: Metric::WalFsync,
            start_ms: hour * HOUR_MS,
            end_ms: hour * HOUR_MS + 25 * MINUTE_MS,
            reading,
            expected: [0.002, 0.005],
        }
    }

    fn says(anomalies: &[Anomaly]) -> Vec<String> {
        Findings::default().with_anomalies(anomalies).iter().map(|finding| finding.says.clone()).collect()
    }

    #[test]
    fn the_sentence_has_the_reading_and_what_was_expected() {
        let high = anomaly("10.0.1.3", 5, 0.031);
        let text = "10.0.1.3 of c01: WAL fsync p99 reached 31 ms for 25 min; 2 to 5 ms were expected";
        assert_eq!(says(std::slice::from_ref(&high)), [text]);
        let low = Anomaly { metric: Metric::DbSize, reading: 1024.0, expected: [2048.0, 2_097_152.0], ..high.clone() };
        let text = "10.0.1.3 of c01: database size fell to 1.00 KiB for 25 min; 2.00 KiB to 2.00 MiB were expected";
        assert_eq!(says(&[low]), [text]);
        let constant = Anomaly { metric: Metric::LeaderChanges, reading: 4.0, expected: [0.0, 0.0], ..high };
        let text = "10.0.1.3 of c01: leader changes a day reached 4 for 25 min; 0 was expected";
        assert_eq!(says(&[constant]), [text]);
    }

    #[test]
    fn evidence_and_rule_are_those_of_a_table() {
        let found = Findings::default().with_anomalies(&[anomaly("m1", 5, 0.031)]);
        let finding = found.iter().next().unwrap();
        let evidence: Vec<String> = finding.evidence.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let expected = [
            "duration=25 min",
            "metric=wal_fsync",
            "member=m1",
            "reading=31 ms",
            "expected_low=2 ms",
            "expected_high=5 ms",
        ];
        assert_eq!(evidence, expected);
        assert_eq!((finding.rule_id(), finding.kind.name(), finding.rank), ("anomaly", "anomaly", None));
        assert_eq!((finding.lost, finding.impact, finding.problem.as_deref()), (None, 0.0, None));
    }

    #[test]
    fn more_than_five_of_a_metric_are_one_finding() {
        let many = |number: i64| {
            (0..number).map(|hour| anomaly(if hour == 3 { "m2" } else { "m1" }, hour, 0.01 + hour as f64 / 1000.0))
        };
        assert_eq!(says(&many(5).collect::<Vec<_>>()).len(), 5);
        let six: Vec<Anomaly> = many(6).collect();
        let text = "2 members of c01: WAL fsync p99 left its expected range 6 times, for 2 h 30 min in all; \
                    furthest: m1 reached 15 ms, 2 to 5 ms expected";
        let told = says(&six);
        assert_eq!(told, [text.replace("ms expected", "ms were expected")]);
        let found = Findings::default().with_anomalies(&six);
        let finding = found.iter().next().unwrap();
        assert_eq!((finding.start_ms, finding.end_ms), (0, 5 * HOUR_MS + 25 * MINUTE_MS));
        // Another metric of the same cluster is another finding.
        let other = Anomaly { metric: Metric::OpenFds, reading: 9.0, ..anomaly("m1", 7, 0.031) };
        assert_eq!(says(&[six, vec![other]].concat()).len(), 2);
    }

    #[test]
    fn anomalies_change_neither_problems_nor_ranks() {
        let mut incidents: Vec<Finding> =
            (0..3).map(|hour| Finding::new(Kind::Incident, "c02", hour, hour + 1, RULE)).collect();
        incidents[1].impact = 2.0;
        let before = Findings::of(incidents, Vec::new(), Vec::new());
        let after = before.clone().with_anomalies(&[anomaly("m1", 5, 0.031)]);
        assert_eq!(after.len(), before.len() + 1);
        let ranks = |of: &Findings| of.incidents().iter().map(|f| (f.start_ms, f.rank)).collect::<Vec<_>>();
        assert_eq!(ranks(&after), ranks(&before));
        let problems =
            |of: &Findings| of.problems().iter().map(|problem: &Problem| problem.id.clone()).collect::<Vec<_>>();
        assert_eq!(problems(&after), problems(&before));
        let numbers: Vec<usize> = after.iter().map(|finding| finding.number).collect();
        assert_eq!(numbers, [1, 2, 3, 4]);
        assert_eq!(after.clone().of_kind(Kind::Anomaly).len(), 1);
        // Ranks stay those among all clusters.
        let filtered = before.of_cluster("c02").with_anomalies(&[]);
        assert_eq!(ranks(&filtered), ranks(&after));
    }
}
