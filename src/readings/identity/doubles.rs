//! Finds processes that are counted as several members, because several jobs or ports scrape them.

use std::collections::{BTreeMap, BTreeSet};

use super::advice::{Naming, host, in_matcher, in_quotes};
use super::{Evidence, Labels, Likeness, Target, compare};
use crate::readings::Member;
use crate::text::count;
use crate::text::terminal::terminal_label;

/// If more targets than this share a start time, only those on the same host are compared.
const FEW: usize = 8;

/// A target with the start time of its process, in seconds since 1970.
pub(crate) type Started = (Member, Labels, f64);

/// Pairs of targets of different members that may be the same process: their start times are equal to the
/// millisecond, and they are on the same host or have different jobs. The numbers are indexes into `started`.
pub(crate) fn shares_start(started: &[Started]) -> Vec<[usize; 2]> {
    let mut by_start: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
    for (at, (_, _, start)) in started.iter().enumerate() {
        by_start.entry((start * 1000.0).round() as i64).or_default().push(at);
    }
    let mut pairs = Vec::new();
    for group in by_start.values().filter(|group| group.len() > 1) {
        for (place, &one) in group.iter().enumerate() {
            let likely = |other: &&usize| may_be_one(&started[one], &started[**other], group.len());
            pairs.extend(group[place + 1..].iter().filter(likely).map(|&other| [one, other]));
        }
    }
    pairs
}

fn may_be_one((member, labels, _): &Started, (other, others, _): &Started, group: usize) -> bool {
    let name = |member: &Member, labels: &Labels| {
        host(labels.get("instance").map_or(&*member.member, String::as_str)).to_owned()
    };
    let is_one_host = name(member, labels) == name(other, others);
    member != other && (is_one_host || group <= FEW && labels.get("job") != others.get("job"))
}

/// Processes that are counted as several members.
#[derive(Clone, Debug)]
pub(crate) struct Doubles {
    /// The targets of each such process.
    processes: Vec<Vec<(Member, Labels)>>,
}

impl Doubles {
    /// Checks pairs of [`shares_start`] against the evidence about their targets; `None` if none is one process.
    pub(crate) fn of(pairs: &[[usize; 2]], started: &[Started], evidence: &Evidence) -> Option<Self> {
        let target = |at: usize| -> Option<&Target> {
            let (member, labels, _) = &started[at];
            evidence.members.get(member)?.get(labels)
        };
        let is_one = |&&[one, other]: &&[usize; 2]| {
            let both = target(one).zip(target(other));
            both.is_some_and(|(one, other)| compare(one, other, evidence.slack_ms) == Likeness::Same)
        };
        let mut processes: Vec<BTreeSet<usize>> = Vec::new();
        for pair in pairs.iter().filter(is_one) {
            let (touched, mut rest): (Vec<_>, Vec<_>) =
                processes.into_iter().partition(|process| pair.iter().any(|at| process.contains(at)));
            rest.push(touched.into_iter().flatten().chain(*pair).collect());
            processes = rest;
        }
        let of = |at: usize| (started[at].0.clone(), started[at].1.clone());
        let mut processes: Vec<Vec<(Member, Labels)>> =
            processes.into_iter().map(|process| process.into_iter().map(of).collect()).collect();
        processes.sort_unstable();
        (!processes.is_empty()).then_some(Self { processes })
    }

    /// The note, with the selector that counts each process once. `everyone` are the targets of all members.
    pub(crate) fn note(&self, everyone: &[Started], naming: &Naming, hide: impl Fn(&str) -> String) -> String {
        let shown = |text: &str| terminal_label(&hide(text));
        let first = &self.processes[0];
        let clusters: BTreeSet<&str> = first.iter().map(|(member, _)| &*member.cluster).collect();
        let names: BTreeSet<String> = first
            .iter()
            .map(|(member, _)| match clusters.len() {
                1 => member.member.to_string(),
                _ => format!("{} of {}", member.member, member.cluster),
            })
            .collect();
        let jobs: BTreeSet<&str> =
            first.iter().filter_map(|(_, labels)| labels.get("job").map(String::as_str)).collect();
        let jobs: Vec<&str> = jobs.into_iter().collect();
        let jobs = if jobs.len() > 1 { format!(" (jobs {})", jobs.join(", ")) } else { String::new() };
        let are = if self.processes.len() == 1 { "is" } else { "are" };
        let times = if names.len() == 2 { "twice" } else { "several times" };
        let names: Vec<String> = names.into_iter().collect();
        let remedy = match self.selector(everyone) {
            Some(matcher) if naming.selector.is_empty() => format!("use --selector '{matcher}'"),
            Some(matcher) => format!("use --selector '{}, {matcher}'", naming.selector),
            None => "narrow --selector to one of them".to_owned(),
        };
        let processes = count(self.processes.len(), "process");
        shown(&format!("{processes} {are} counted {times}, as {}{jobs}: {remedy}", names.join(" and ")))
    }

    /// A matcher that keeps one target of each process counted several times, and all other targets; `None` if neither
    /// a label nor the port allows that.
    fn selector(&self, everyone: &[Started]) -> Option<String> {
        let names: BTreeSet<&str> = self.all().flat_map(|(_, labels)| labels.keys().map(String::as_str)).collect();
        // The job comes first: it says best why a process is scraped twice.
        let names = ["job"].into_iter().chain(names.into_iter().filter(|name| !["job", "instance"].contains(name)));
        names.filter_map(|name| self.by_value(name, everyone)).next().or_else(|| self.by_port(everyone))
    }

    fn all(&self) -> impl Iterator<Item = &(Member, Labels)> {
        self.processes.iter().flatten()
    }

    /// A matcher on one label that keeps one target of each process: `=` with the value of these targets or, if other
    /// processes have other values, `!=` with the value of the targets to drop.
    fn by_value(&self, name: &str, everyone: &[Started]) -> Option<String> {
        let value = |labels: &Labels| labels.get(name).cloned().unwrap_or_default();
        let keep = self.kept(value)?;
        let doubled: BTreeSet<(&Member, &Labels)> = self.all().map(|(member, labels)| (member, labels)).collect();
        let is_single = |(member, labels, _): &&Started| !doubled.contains(&(member, labels));
        let singles: BTreeSet<String> = everyone.iter().filter(is_single).map(|(_, labels, _)| value(labels)).collect();
        let name = in_matcher(name);
        if singles.iter().all(|single| *single == keep) {
            return Some(format!("{name}={}", in_quotes(&keep)));
        }
        let others: BTreeSet<String> = self.all().map(|(_, labels)| value(labels)).filter(|v| *v != keep).collect();
        let [other] = others.into_iter().collect::<Vec<_>>().try_into().ok()?;
        let other: String = other;
        (!singles.contains(&other)).then(|| format!("{name}!={}", in_quotes(&other)))
    }

    /// A matcher for the port of one target of each process.
    fn by_port(&self, everyone: &[Started]) -> Option<String> {
        let port = |labels: &Labels| {
            let instance = labels.get("instance").map_or("", String::as_str);
            instance.strip_prefix(host(instance)).unwrap_or_default().to_owned()
        };
        let keep = self.kept(port).filter(|port| !port.is_empty())?;
        let doubled: BTreeSet<(&Member, &Labels)> = self.all().map(|(member, labels)| (member, labels)).collect();
        let is_kept = |(member, labels, _): &Started| doubled.contains(&(member, labels)) || port(labels) == keep;
        everyone.iter().all(is_kept).then(|| format!("instance=~\".+{keep}\""))
    }

    /// A value that exactly one member of each process has, preferably one that contains `etcd`.
    fn kept(&self, value: impl Fn(&Labels) -> String) -> Option<String> {
        let has_once = |process: &Vec<(Member, Labels)>, kept: &str| {
            let of_kept = process.iter().filter(|(_, labels)| value(labels) == kept);
            of_kept.map(|(member, _)| member).collect::<BTreeSet<_>>().len() == 1
        };
        let values: BTreeSet<String> = self.all().map(|(_, labels)| value(labels)).collect();
        let fits = |kept: &String| !kept.is_empty() && self.processes.iter().all(|process| has_once(process, kept));
        values.into_iter().filter(fits).min_by_key(|kept| !kept.contains("etcd"))
    }
}
