//! Labels of the simulated incidents: kind, cluster, member, time, and their effect on the readings.

use crate::cluster::{Cluster, Instance};
use crate::incidents::{Incident, Kind, Setting};
use crate::leadership::Election;
use crate::member::Member;
use crate::strain::full_from;
use crate::timeline::{DAY, Interval, format_instant};

/// One line of the labels.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Label {
    name: &'static str,
    cluster: String,
    /// Such as `10.0.1.2:2379`; empty if it concerns the whole cluster.
    member: String,
    during: Interval,
    /// The metrics that cross their thresholds, or a short description.
    cause: String,
}

/// All labels as CSV, in order of their start.
pub(crate) fn csv(setting: &Setting, clusters: &[Cluster], incidents: &[Incident]) -> String {
    let mut labels = labels(setting, clusters, incidents);
    labels.retain(|label| label.during.length() > 0);
    labels.sort_by_key(|label| {
        let place = (label.cluster.clone(), label.member.clone());
        (label.during.start, label.name, place, label.during.end)
    });
    // Two storms in one cluster may produce the same label together.
    labels.dedup();
    let mut text = "name,cluster,member,start,end,cause\n".to_owned();
    for label in labels {
        let Interval { start, end } = label.during;
        let line =
            [label.name, &label.cluster, &label.member, &format_instant(start), &format_instant(end), &label.cause];
        text += &line.join(",");
        text.push('\n');
    }
    text
}

/// All elections as CSV.
pub(crate) fn elections_csv(clusters: &[Cluster]) -> String {
    let evident = clusters.iter().any(|cluster| cluster.leadership.is_some());
    let mut text = if evident { "time,cluster,cause,from,to\n" } else { "time,cluster,cause\n" }.to_owned();
    for cluster in clusters {
        if let Some(leadership) = &cluster.leadership {
            for Election { at, cause, from, to, .. } in &leadership.elections {
                let [from, to] = [from, to].map(|member| address(&cluster.instances[*member]));
                text += &format!("{},{},{},{from},{to}\n", format_instant(*at), cluster.label, cause.name());
            }
            continue;
        }
        for (at, cause) in cluster.elections.iter().zip(&cluster.causes) {
            text += &format!("{},{},{}\n", format_instant(*at), cluster.label, cause.name());
        }
    }
    text
}

fn labels(setting: &Setting, clusters: &[Cluster], incidents: &[Incident]) -> Vec<Label> {
    let mut labels = Vec::new();
    let mut successors = vec![setting.members; setting.clusters];
    for incident in incidents {
        let cluster = &clusters[incident.cluster];
        let instance = incident.member.map(|member| &cluster.instances[member]);
        let mut label = |instance: Option<&Instance>, during: Interval, cause: &str| {
            let member = instance.map_or_else(String::new, address);
            let (name, cluster, cause) = (incident.name(), cluster.label.clone(), cause.to_owned());
            labels.push(Label { name, cluster, member, during, cause });
        };
        match incident.kind {
            Kind::SlowDisk { .. } | Kind::LeaderSlowDisk { .. } => {
                let seen = |hours: Interval| instance.map_or(vec![hours], |slow| seen(slow, hours));
                for during in incident.slow_hours().into_iter().flat_map(seen) {
                    label(instance, during, "wal_fsync backend_commit");
                }
            }
            Kind::FdLeak { .. } => {
                let Interval { start, end } = incident.during;
                let member = instance.map(|leaking| Member::new(setting, cluster, leaking));
                let passed = member.map_or(end, |member| passes_1024(&member, incident.during));
                label(instance, Interval { start, end: passed }, "leaking");
                label(instance, Interval { start: passed, end }, "open_fds");
            }
            Kind::ElectionStorm { .. } => {
                label(None, incident.during, "elections");
                for instance in &cluster.instances {
                    for during in restless(&Member::new(setting, cluster, instance)) {
                        label(Some(instance), during, "leader_changes");
                    }
                }
            }
            Kind::MemberReplaced => {
                let successor = &cluster.instances[successors[incident.cluster]];
                successors[incident.cluster] += 1;
                label(instance, incident.during, &format!("replaced by {}", address(successor)));
            }
            Kind::MemberDown => label(instance, incident.during, "no samples"),
            Kind::LeaderRestart | Kind::FollowerRestart => label(instance, incident.during, "restarted"),
            Kind::LeaderChange => label(None, incident.during, "election"),
            Kind::LateCluster => label(None, incident.during, "not there yet"),
            Kind::Network { .. } => label(instance, incident.during, "network"),
            Kind::ProcessStopped => label(instance, incident.during, "process stopped"),
            Kind::PlannedMove => label(None, incident.during, "moved"),
            Kind::Overload { .. } => label(None, incident.during, "overload"),
            Kind::QuotaFull => {
                let full = full_from(incident.during);
                label(None, Interval { end: full, ..incident.during }, "filling");
                label(None, Interval { start: full, ..incident.during }, "quota");
            }
        }
    }
    labels
}

/// The parts of an interval in which the instance is scraped.
fn seen(instance: &Instance, during: Interval) -> Vec<Interval> {
    during.meet(instance.present).without(&instance.outages)
}

/// When a member has seen more than 5 leader changes within a day.
fn restless(member: &Member<'_>) -> Vec<Interval> {
    more_than_5_a_day(&changes(member), member.setting.range)
}

fn address(instance: &Instance) -> String {
    format!("{}:2379", instance.host)
}

/// The first scrape at which a leaking member has more than 1024 open descriptors.
fn passes_1024(member: &Member<'_>, leak: Interval) -> i64 {
    let mut scrapes = member.schedule.at.iter().zip(member.open_fds());
    scrapes.find(|(at, fds)| leak.contains(**at) && *fds > 1024).map_or(leak.end, |(at, _)| *at)
}

/// The scrapes at which the number of leader changes differs from the one before; resets by restarts count too, as in
/// Prometheus's `changes`.
fn changes(member: &Member<'_>) -> Vec<i64> {
    let seen = member.leader_changes();
    let scrapes = seen.windows(2).zip(member.schedule.at.iter().skip(1));
    scrapes.filter(|(two, _)| two[0] != two[1]).map(|(_, at)| *at).collect()
}

/// When the preceding day has more than 5 changes.
fn more_than_5_a_day(changes: &[i64], range: Interval) -> Vec<Interval> {
    let mut stretches: Vec<Interval> = Vec::new();
    for six in changes.windows(6) {
        let during = Interval { start: six[5], end: six[0] + DAY };
        match stretches.last_mut() {
            _ if during.length() <= 0 => {}
            Some(last) if last.end >= during.start => last.end = last.end.max(during.end),
            _ => stretches.push(during),
        }
    }
    stretches.iter().map(|stretch| stretch.meet(range)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeline::HOUR;

    #[test]
    fn six_changes_count_until_the_first_is_a_day_old() {
        let range = Interval { start: 0, end: 10 * DAY };
        let changes: Vec<i64> = (0..7).map(|n| DAY + n * HOUR).collect();
        let expected = Interval { start: DAY + 5 * HOUR, end: 2 * DAY + HOUR };
        assert_eq!(more_than_5_a_day(&changes, range), [expected]);
        assert!(more_than_5_a_day(&changes[..5], range).is_empty());
        let apart: Vec<i64> = (0..9).map(|n| n * 6 * HOUR).collect();
        assert!(more_than_5_a_day(&apart, range).is_empty());
    }
}
