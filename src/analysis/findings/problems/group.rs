//! Groups the incidents of a cluster into problems, and gathers what is left of its losses.

use super::super::full::Fullness;
use super::super::incidents::Incident;
use super::super::ledger::{Ledger, Loss};
use super::super::recurrence::Schedule;
use super::super::runs::{Run, within};
use super::super::spans::{length, length_within, union, without};
use super::super::tracks::ClusterTrack;
use super::super::{Collector, Finding, ProblemCause, Worst, told};
use super::{ClusterHealth, Problem, Shape};
use crate::score::StepState;
use crate::time::{DAY_MS, TimeRange};

/// What is left of a cause's losses is constant rather than scattered if it lasts for at least this share of the time.
const CONSTANT_SHARE: f64 = 0.25;

/// Findings, problems and health of one cluster (or, for clusters that were never seen, of several).
#[derive(Debug, Default)]
pub(in super::super) struct OfCluster {
    pub(in super::super) findings: Vec<Finding>,
    pub(in super::super) problems: Vec<Problem>,
    pub(in super::super) health: Vec<ClusterHealth>,
}

/// Everything that grouping one cluster's incidents needs.
#[derive(Clone, Copy)]
struct Grouping<'a> {
    of: &'a Collector<'a>,
    cluster: &'a ClusterTrack,
    ledger: &'a Ledger<'a>,
    total: Loss,
}

/// The problems of one cluster; their losses add up to what the cluster lost.
pub(in super::super) fn of_cluster(
    of: &Collector<'_>,
    cluster: &ClusterTrack,
    ledger: &Ledger<'_>,
    mut incidents: Vec<Incident>,
    schedules: Vec<Schedule>,
) -> OfCluster {
    let grouping = Grouping { of, cluster, ledger, total: ledger.total() };
    incidents.sort_by_key(|incident| (incident.finding.start_ms, incident.finding.end_ms));
    let (mut problems, mut findings) = (Vec::new(), Vec::new());
    for cause in ProblemCause::ALL {
        let (own, rest) = incidents.into_iter().partition(|incident| incident.cause == cause);
        incidents = rest;
        let mut own: Vec<Incident> = own;
        let schedules: Vec<&Schedule> = schedules.iter().filter(|schedule| schedule.cause == cause).collect();
        let groups = grouped(&own, &schedules, &cluster.hours);
        let mut of_cause: Vec<Problem> = groups
            .iter()
            .map(|group| grouping.problem(cause, &group.incidents.iter().map(|i| &own[*i]).collect::<Vec<_>>(), group))
            .collect();
        of_cause.extend(grouping.rest(cause, &own));
        number(&mut of_cause, &cluster.cluster, cause, &groups, &mut own);
        findings.extend(own.into_iter().map(|incident| incident.finding));
        problems.extend(of_cause);
    }
    findings.extend(schedules.into_iter().map(|schedule| {
        let mut finding = schedule.finding;
        let is_its = |p: &&Problem| p.cause == schedule.cause && p.shape == Shape::Scheduled(schedule.words.clone());
        finding.problem = problems.iter().find(is_its).map(|problem| problem.id.clone());
        finding
    }));
    let health = vec![ClusterHealth::of(cluster, ledger, &problems)];
    OfCluster { findings, problems, health }
}

/// The problems of clusters that are expected and were never seen, one for each.
pub(in super::super) fn unseen(of: &Collector<'_>, incidents: Vec<Incident>) -> impl Iterator<Item = OfCluster> {
    incidents.into_iter().map(|mut incident| {
        let cluster = incident.finding.cluster.clone();
        let mut problem = Problem::empty(&cluster, incident.cause, Shape::Once);
        problem.id = format!("{cluster}/{}/1", incident.cause.name());
        problem.staffing = incident.finding.staffing;
        problem.impact = incident.finding.impact;
        problem.source = of.source_without_data(incident.cause, &cluster);
        problem.occurrences = 1;
        problem.is_open = true;
        problem.low_ms = incident.low_ms();
        problem.unknown_ms = problem.low_ms;
        problem.spans.clone_from(&incident.spans);
        incident.finding.problem = Some(problem.id.clone());
        let health = ClusterHealth::never_seen(&cluster, incident.cause, problem.low_ms);
        OfCluster { findings: vec![incident.finding], problems: vec![problem], health: vec![health] }
    })
}

/// Incidents that belong together, by their indices.
struct Group {
    shape: Shape,
    incidents: Vec<usize>,
}

/// Divides the incidents of one cause by schedule; the others are one problem. A member that went for good is a problem
/// of its own.
fn grouped(incidents: &[Incident], schedules: &[&Schedule], hours: &[super::super::digest::HourSum]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut others: Option<usize> = None;
    for (index, incident) in incidents.iter().enumerate() {
        // An incident belongs to the schedule that covers most of it, if that is at least half.
        let covered = schedules.iter().map(|schedule| schedule.length_within(&incident.low, hours));
        let best = covered.enumerate().max_by_key(|(place, ms)| (*ms, std::cmp::Reverse(*place)));
        if let Some((place, _)) = best.filter(|(_, ms)| 2 * ms >= incident.low_ms()) {
            let shape = Shape::Scheduled(schedules[place].words.clone());
            match groups.iter_mut().find(|group| group.shape == shape) {
                Some(group) => group.incidents.push(index),
                None => groups.push(Group { shape, incidents: vec![index] }),
            }
            continue;
        }
        if incident.is_for_good {
            groups.push(Group { shape: Shape::Once, incidents: vec![index] });
            continue;
        }
        match others {
            Some(place) => {
                groups[place].incidents.push(index);
                groups[place].shape = Shape::Repeated;
            }
            None => {
                others = Some(groups.len());
                groups.push(Group { shape: Shape::Once, incidents: vec![index] });
            }
        }
    }
    groups
}

/// Gives the problems of a cause their ids, in order of time, and writes them into the incidents' findings.
fn number(problems: &mut [Problem], cluster: &str, cause: ProblemCause, groups: &[Group], incidents: &mut [Incident]) {
    let mut order: Vec<usize> = (0..problems.len()).collect();
    order.sort_by_key(|index| (problems[*index].is_rest(), problems[*index].first_ms()));
    for (place, index) in order.into_iter().enumerate() {
        let id = format!("{cluster}/{}/{}", cause.name(), place + 1);
        for incident in groups.get(index).into_iter().flat_map(|group| &group.incidents) {
            incidents[*incident].finding.problem = Some(id.clone());
        }
        problems[index].id = id;
    }
}

impl Grouping<'_> {
    /// The problem that these incidents make up.
    fn problem(&self, cause: ProblemCause, incidents: &[&Incident], group: &Group) -> Problem {
        let mut problem = Problem::empty(&self.cluster.cluster, cause, group.shape.clone());
        problem.occurrences = incidents.len();
        // Absences of different members may overlap; their losses are none, so nothing is counted twice.
        problem.spans = union(incidents.iter().flat_map(|incident| incident.spans.iter().copied()));
        problem.low_ms = length(&union(incidents.iter().flat_map(|incident| incident.low.iter().copied())));
        problem.members = longest_first(incidents.iter().flat_map(|incident| incident.by_member.iter().cloned()));
        let staffing = incidents.iter().filter_map(|incident| incident.finding.staffing);
        problem.staffing = staffing.min_by_key(|s| (std::cmp::Reverse((s.severity() * 10.0) as u64), s.left));
        let lost = problem.spans.iter().map(|span| self.ledger.lost(cause.metrics(), *span)).sum();
        self.measure(&mut problem, lost);
        problem.impact = match cause.metrics() {
            [] => incidents.iter().map(|incident| incident.finding.impact).sum(),
            // A condition such as the last descriptors may cost no points.
            _ => problem.lost + incidents.iter().map(|incident| incident.unscored_impact()).sum::<f64>(),
        };
        problem
    }

    /// What a cause cost outside of its incidents; `None` if that is nothing.
    fn rest(&self, cause: ProblemCause, incidents: &[Incident]) -> Option<Problem> {
        let spans = union(incidents.iter().flat_map(|incident| incident.spans.iter().copied()));
        let told: Loss = spans.iter().map(|span| self.ledger.lost(cause.metrics(), *span)).sum();
        let left = self.ledger.total_of(cause) - told;
        if left == 0 {
            return None;
        }
        let dips = without(&union(self.ledger.losing(cause.metrics())), &spans);
        let scored = self.cluster.line.iter().filter(|run| matches!(run.state, StepState::Scored(_)));
        let scored: i64 = scored.map(|run| run.end_ms - run.start_ms).sum();
        let is_constant = length(&dips) as f64 >= CONSTANT_SHARE * scored as f64;
        let shape = if is_constant { Shape::Constant } else { Shape::Scattered };
        let mut problem = Problem::empty(&self.cluster.cluster, cause, shape);
        (problem.occurrences, problem.low_ms) = (dips.len(), length(&dips));
        // All members count the same leader changes.
        let members = self.cluster.members.iter().filter(|_| cause != ProblemCause::LeaderInstability);
        let members = members.map(|member| {
            let losing = member.voting(&union(member.losing(self.of.table, cause.metrics())));
            (member.name(), dips.iter().map(|dip| length_within(&losing, *dip)).sum::<i64>())
        });
        problem.members = longest_first(members.filter(|(_, ms)| *ms > 0));
        problem.spans = dips;
        self.measure(&mut problem, left);
        problem.impact = problem.lost;
        Some(problem)
    }

    /// Fills in what follows from the problem's spans and its loss.
    fn measure(&self, problem: &mut Problem, lost: Loss) {
        problem.lost = self.ledger.point_hours(lost);
        problem.share = (self.total > 0).then(|| lost as f64 / self.total as f64);
        let runs = || problem.spans.iter().flat_map(|span| parts(&self.cluster.line, *span));
        let scores = runs().filter_map(|(run, _)| match run.state {
            StepState::Scored(worth) => Some(self.of.table.points(worth.score)),
            _ => None,
        });
        problem.lowest = scores.reduce(f64::min);
        let unknown = runs().filter(|(run, _)| run.state == StepState::Unknown);
        problem.unknown_ms = unknown.map(|(_, part)| part.end_ms - part.start_ms).sum();
        problem.is_open = self.is_open(problem);
        problem.worst = self.worst(problem.cause, &problem.spans);
        let metric = problem.worst.as_ref().map(|worst| worst.metric);
        problem.threshold = metric.and_then(|metric| told::threshold(self.of.profile, metric));
        let last = problem.spans.last().filter(|_| problem.cause == ProblemCause::DatabaseFull);
        let fullness = last.and_then(|span| Fullness::of_problem(self.of, self.cluster, *span));
        problem.fullness = fullness.map(Fullness::says);
        problem.source = self.of.source_without_data(problem.cause, &problem.cluster);
    }

    /// Whether a problem goes on at the end of the history.
    fn is_open(&self, problem: &Problem) -> bool {
        let until_end = self.of.range.end_ms - problem.last_ms();
        match &problem.shape {
            Shape::Scheduled(words) if words.starts_with("daily") => until_end < 2 * DAY_MS,
            Shape::Scheduled(_) => until_end < 8 * DAY_MS,
            Shape::Once | Shape::Constant => until_end <= 0,
            Shape::Repeated | Shape::Scattered => false,
        }
    }

    /// The worst reading within some stretches: of the metric that cost the cluster the most there.
    fn worst(&self, cause: ProblemCause, spans: &[TimeRange]) -> Option<Worst> {
        let cost = |metric| spans.iter().map(|span| self.ledger.lost(&[metric], *span)).sum::<Loss>();
        let mut metrics = cause.metrics().to_vec();
        metrics.sort_by_key(|metric| std::cmp::Reverse(cost(*metric)));
        let of_metric = |metric| {
            let within = |span: &TimeRange| {
                let from = self.cluster.worst.partition_point(|worst| worst.at_ms < span.start_ms - DAY_MS);
                let near = self.cluster.worst[from..].iter().take_while(|worst| worst.at_ms < span.end_ms + DAY_MS);
                let inside = near.filter(|w| w.metric == metric && (span.start_ms..span.end_ms).contains(&w.at_ms));
                inside.cloned().reduce(Worst::or)
            };
            spans.iter().filter_map(within).reduce(Worst::or)
        };
        metrics.into_iter().find_map(of_metric)
    }
}

/// The runs that overlap a range, each with the part within it.
fn parts(line: &[Run<StepState>], range: TimeRange) -> impl Iterator<Item = (&Run<StepState>, TimeRange)> {
    within(line, range).iter().filter_map(move |run| Some((run, run.span().intersect(range)?)))
}

/// Names with their times added up, longest first, then by name.
fn longest_first(times: impl Iterator<Item = (String, i64)>) -> Vec<String> {
    let mut sums = std::collections::BTreeMap::new();
    for (name, ms) in times {
        *sums.entry(name).or_insert(0) += ms;
    }
    let mut names: Vec<(String, i64)> = sums.into_iter().collect();
    names.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    names.into_iter().map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_stretches_lies_outside_of_those_taken() {
        let range = |start_ms, end_ms| TimeRange { start_ms, end_ms };
        let from = [range(0, 10), range(20, 30), range(40, 50)];
        let taken = [range(2, 4), range(8, 22), range(25, 26), range(35, 60)];
        assert_eq!(without(&from, &taken), [range(0, 2), range(4, 8), range(22, 25), range(26, 30)]);
        assert_eq!(without(&from, &[]), from);
    }

    #[test]
    fn members_are_sorted_by_their_time_and_then_by_name() {
        let times = [("b", 2), ("a", 1), ("c", 3), ("a", 1)].map(|(name, ms)| (name.to_owned(), ms));
        assert_eq!(longest_first(times.into_iter()), ["c", "a", "b"]);
    }
}
