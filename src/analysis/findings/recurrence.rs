//! Recurrences: hours of the day or of the week at which incidents are significantly more frequent.

use super::digest::HourSum;
use super::incidents::{Incident, LEAST_MS};
use super::spans::length_within;
use super::statistics::Factorials;
use super::tracks::ClusterTrack;
use super::{Collector, Finding, Kind, told};
use crate::heatmap::costliest;
use crate::spec::Metric;
use crate::time::{HOUR_MS, TimeRange};

const HOURS: usize = 24;
const WEEK: usize = 7 * HOURS;
/// Number of tests for each group of metrics: one for every hour of the day and of the week.
const LOOKS: usize = HOURS + WEEK;
/// Maximum probability that a cluster without any recurrence gets at least one finding by chance.
const LEVEL: f64 = 0.01;
/// An hour of the day or week is reported only if at least this share of its occurrences has incidents: a rarer
/// recurrence, even a significant one, is no help in planning.
const LEAST_SHARE: f64 = 0.5;
const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

const RULE: &str = "of the hours of the day (or of the week, where it is not every day) that are scored for at least \
    half, at least half have at least 15 minutes of incidents of the same metrics, and that is more than in the other \
    hours by Fisher's exact test, one-sided, at 1 % after Bonferroni's correction for 192 looks (24 + 168) at each \
    kind of incident; hours that follow on each other are told together";

/// One hour of the history, with at least half of its steps scored.
struct Slot {
    of_week: usize,
    /// Whether incidents cover at least [`LEAST_MS`] of the hour.
    bad: bool,
}

pub(super) fn find(of: &Collector<'_>, cluster: &ClusterTrack, incidents: &[Incident]) -> Vec<Finding> {
    let mut kinds: Vec<&'static [Metric]> = incidents.iter().map(|incident| incident.metrics).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let looks = (LOOKS * kinds.len()) as f64;
    let mut found = Vec::new();
    for metrics in kinds {
        let own: Vec<&Incident> = incidents.iter().filter(|incident| incident.metrics == metrics).collect();
        let slots = slots(&cluster.hours, &own);
        let factorials = Factorials::up_to(slots.len());
        let tested = |hours: usize| -> Vec<Option<Test>> {
            let mut counts = vec![(0, 0); hours];
            for slot in &slots {
                let (bad, looked_at) = &mut counts[slot.of_week % hours];
                *bad += usize::from(slot.bad);
                *looked_at += 1;
            }
            let all_bad = counts.iter().map(|(bad, _)| bad).sum();
            counts.into_iter().map(|count| test(count, all_bad, slots.len(), &factorials, looks)).collect()
        };
        let daily = tested(HOURS);
        let mut weekly = tested(WEEK);
        // A daily recurrence may make the same hour of each weekday significant as well; report it only as daily.
        for (hour, test) in weekly.iter_mut().enumerate() {
            test.take_if(|_| daily[hour % HOURS].is_some());
        }
        found.extend(runs(&daily).map(|run| tell(of, cluster, &own, run, looks, false)));
        found.extend(runs(&weekly).map(|run| tell(of, cluster, &own, run, looks, true)));
    }
    found
}

fn slots(hours: &[HourSum], incidents: &[&Incident]) -> Vec<Slot> {
    let spans: Vec<TimeRange> = incidents
        .iter()
        .map(|incident| TimeRange { start_ms: incident.finding.start_ms, end_ms: incident.finding.end_ms })
        .collect();
    let known = hours.iter().filter(|hour| hour.scored * 2 >= hour.expected);
    let slot = |hour: &HourSum| {
        let range = TimeRange { start_ms: hour.start_ms, end_ms: hour.start_ms + HOUR_MS };
        Slot { of_week: hour.of_week(), bad: length_within(&spans, range) >= LEAST_MS }
    };
    known.map(slot).collect()
}

/// Test result of one hour of the day or week; `corrected` is `p` after Bonferroni's correction.
#[derive(Clone, Copy, Debug)]
struct Test {
    bad: usize,
    looked_at: usize,
    others_bad: usize,
    others: usize,
    p: f64,
    corrected: f64,
}

fn test(
    (bad, looked_at): (usize, usize),
    all_bad: usize,
    all: usize,
    factorials: &Factorials,
    looks: f64,
) -> Option<Test> {
    let p = factorials.fisher(bad, looked_at, all_bad, all);
    let corrected = (p * looks).min(1.0);
    let is_one = bad > 1 && corrected < LEVEL && bad as f64 >= LEAST_SHARE * looked_at as f64;
    let (others_bad, others) = (all_bad - bad, all - looked_at);
    is_one.then_some(Test { bad, looked_at, others_bad, others, p, corrected })
}

/// Groups consecutive significant hours. Returns the first hour and the tests of each group; a group may wrap
/// around from the last hour to the first.
fn runs(tests: &[Option<Test>]) -> impl Iterator<Item = (usize, Vec<Test>)> + use<> {
    let count = tests.len();
    // Start at an hour that is not significant, so that no group is cut in two.
    let from = tests.iter().position(Option::is_none).unwrap_or(0);
    let mut runs: Vec<(usize, Vec<Test>)> = Vec::new();
    let mut is_open = false;
    for hour in (from..from + count).map(|hour| hour % count) {
        match (tests[hour], runs.last_mut()) {
            (None, _) => is_open = false,
            (Some(test), Some((_, run))) if is_open => run.push(test),
            (Some(test), _) => {
                runs.push((hour, vec![test]));
                is_open = true;
            }
        }
    }
    runs.into_iter()
}

fn tell(
    of: &Collector<'_>,
    cluster: &ClusterTrack,
    incidents: &[&Incident],
    (from, tests): (usize, Vec<Test>),
    looks: f64,
    of_week: bool,
) -> Finding {
    let mut finding = Finding::new(Kind::Recurrence, &cluster.cluster, of.range.start_ms, of.range.end_ms, RULE);
    let worst = tests.iter().copied().max_by(|a, b| a.p.total_cmp(&b.p)).unwrap_or(tests[0]);
    let to = from + tests.len();
    let bad: usize = tests.iter().map(|test| test.bad).sum();
    let looked_at: usize = tests.iter().map(|test| test.looked_at).sum();
    let day = |hour: usize| if of_week { format!("{} ", DAYS[hour / HOURS % DAYS.len()]) } else { String::new() };
    let clock = |hour: usize| format!("{:02}:00", hour % HOURS);
    let end = if of_week && (to - 1) / HOURS != from / HOURS { day(to - 1) } else { String::new() };
    let every = if of_week { "every week" } else { "every day" };
    let hours = format!("{}{} to {end}{} {}", day(from), clock(from), clock(to), of.folding.zone);
    let weights = |metric: Metric| incidents.iter().filter(|i| i.finding.metric == Some(metric)).count();
    finding.metric = costliest(incidents[0].metrics, |metric| weights(metric) as f64);
    let mut members: Vec<String> = incidents.iter().flat_map(|i| i.finding.members.iter().cloned()).collect();
    members.sort_unstable();
    members.dedup();
    finding.members = members;
    finding.confidence = Some(1.0 - worst.corrected);
    finding.says = format!(
        "incidents of {} of {} come back {every} from {hours}: in {} of {} such hours, and in {} of {} others",
        finding.metric.map_or_else(String::new, |metric| metric.to_string()),
        finding.cluster,
        bad,
        looked_at,
        worst.others_bad + worst.bad - bad,
        worst.others + worst.looked_at - looked_at,
    );
    finding.tell("hours", format!("{every} {hours}"));
    for (index, test) in tests.iter().enumerate() {
        let hour = from + index;
        let counts = format!(
            "{} of {} bad, {} of {} other hours, p {:.2e}, corrected {:.2e}",
            test.bad, test.looked_at, test.others_bad, test.others, test.p, test.corrected
        );
        finding.tell(&format!("{}{}", day(hour), clock(hour)), counts);
    }
    finding.tell("test", format!("Fisher's exact test, one-sided, corrected for {looks} looks (Bonferroni)"));
    finding.tell("confidence", told::confidence(1.0 - worst.corrected));
    finding
}
