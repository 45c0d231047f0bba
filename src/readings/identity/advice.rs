//! Chooses the labels that tell different processes apart, and the flags that use them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Labels, Pair, Verdict};
use crate::readings::Member;

/// At most this many pairs of targets are looked at.
const MOST_PAIRS: usize = 5_000;
/// At most this many labels are combined.
const MOST_CANDIDATES: usize = 16;

/// Words in names of labels that are likely to identify a cluster, from best to worst row. Words in
/// one row rank the same.
const OF_CLUSTERS: [&[&str]; 6] = [
    &["cluster", "clustername"],
    &["env", "environment", "stage", "tier"],
    &["region", "datacenter", "dc", "zone", "site", "location", "shard"],
    &["tenant", "project", "account", "team", "customer", "org"],
    &["namespace", "ns"],
    &["job", "service", "prometheus"],
];
/// Words in names of labels that are likely to identify a member, from best to worst row.
const OF_MEMBERS: [&[&str]; 4] = [
    &["node", "nodename", "host", "hostname", "machine", "vm"],
    &["pod", "member", "name"],
    &["instance", "target"],
    &["address", "ip", "endpoint", "port"],
];
/// Words in names of labels whose values change when a process restarts, or differ between replicas of Prometheus.
const FLEETING: [&str; 6] = ["uid", "container", "replica", "image", "version", "revision"];

/// The current settings: the labels that form the names of clusters and members, and the selector.
#[derive(Clone, Debug, Default)]
pub(crate) struct Naming {
    /// Empty means the label `cluster`, or `job` for series without it.
    pub(crate) cluster: Vec<String>,
    pub(crate) member: Vec<String>,
    /// Matchers without braces.
    pub(crate) selector: String,
}

/// The labels to use so that different processes become different members.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Advice {
    /// Labels in which the processes differ.
    pub(super) labels: Vec<String>,
    /// Labels for --cluster-label; empty if the flag stays as it is.
    cluster: Vec<String>,
    /// Labels for --member-label; empty if the flag stays as it is.
    member: Vec<String>,
    /// The labels from `cluster` and `member` that some series lack: the selector must require them.
    required: Vec<String>,
}

impl Advice {
    /// Chooses labels for the different processes of a verdict. `everyone` holds the targets of all members at one
    /// time, including members that are one process.
    pub(super) fn of(verdict: &Verdict, everyone: &[(Member, Labels)], naming: &Naming) -> Self {
        let different = &verdict.different[..verdict.different.len().min(MOST_PAIRS)];
        let of_pairs = different.iter().flat_map(|pair| pair.labels.iter().map(|labels| (&pair.member, labels)));
        let targets: Vec<(&Member, &Labels)> =
            everyone.iter().map(|(member, labels)| (member, labels)).chain(of_pairs).collect();
        let field = Field { different, same: &verdict.same, targets: &targets };
        let labels = field.labels();
        let (mut cluster, mut member) = field.split(&labels);
        if !cluster.is_empty() && field.joins(&cluster, |member| ("", &*member.cluster)) {
            cluster.splice(0..0, field.cluster_labels(naming));
        }
        let both = [&cluster[..], &member].concat();
        if !member.is_empty() && field.joins(&both, |member| (&*member.cluster, &*member.member)) {
            member.splice(0..0, naming.member.iter().cloned());
        }
        let is_lacking = |name: &&String| targets.iter().any(|(_, labels)| !labels.contains_key(*name));
        let required = cluster.iter().chain(&member).filter(is_lacking).cloned().collect();
        Self { labels, cluster, member, required }
    }

    /// The flags to set, for a message.
    pub(super) fn flags(&self, naming: &Naming) -> String {
        let flag = |name: &str, labels: &[String]| format!("--{name} {}", shell_word(&labels.join(",")));
        let mut flags = Vec::new();
        if !self.cluster.is_empty() {
            flags.push(flag("cluster-label", &self.cluster));
        }
        if !self.member.is_empty() {
            flags.push(flag("member-label", &self.member));
        }
        if !self.required.is_empty() {
            let present = self.required.iter().map(|name| format!("{}!=\"\"", in_matcher(name)));
            let all: Vec<String> =
                Some(naming.selector.clone()).filter(|s| !s.is_empty()).into_iter().chain(present).collect();
            flags.push(format!("--selector '{}'", all.join(", ")));
        }
        flags.join(" ")
    }
}

/// The data from which labels are chosen: the compared pairs and all targets.
struct Field<'a> {
    different: &'a [Pair],
    same: &'a [Pair],
    /// The targets of all members.
    targets: &'a [(&'a Member, &'a Labels)],
}

impl Field<'_> {
    /// The fewest labels that distinguish every pair of different processes; if several choices are equally short, the
    /// one with the lowest cost.
    fn labels(&self) -> Vec<String> {
        let differing: BTreeSet<&str> = self.different.iter().flat_map(Pair::differing).collect();
        let mut candidates: Vec<&str> = differing.into_iter().collect();
        candidates.sort_by_key(|name| rank(name));
        candidates.truncate(MOST_CANDIDATES);
        for size in 1..=3 {
            let separate = |names: &Vec<&str>| self.different.iter().all(|pair| differs(pair, names));
            let choices = subsets(&candidates, size).into_iter().filter(separate);
            if let Some(best) = choices.min_by_key(|names| self.cost(names)) {
                return owned(&best);
            }
        }
        owned(&candidates)
    }

    /// The cost of a choice, most important part first: whether it splits replicas of one process, whether it does not
    /// identify clusters although several members of a cluster are affected, and the sum of the labels' ranks.
    fn cost(&self, names: &[&str]) -> (bool, bool, usize) {
        let splits = self.same.iter().any(|pair| differs(pair, names));
        let mut mixed: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for pair in self.different {
            mixed.entry(&pair.member.cluster).or_default().insert(host(&pair.member.member));
        }
        let is_of_many = mixed.values().any(|members| members.len() > 1);
        (splits, is_of_many && !self.is_of_clusters(names), names.iter().map(|name| rank(name)).sum())
    }

    /// Whether every combination of values of these labels occurs on several members of a cluster,
    /// as a cluster's name does.
    fn is_of_clusters(&self, names: &[&str]) -> bool {
        let mixed: BTreeSet<&str> = self.different.iter().map(|pair| &*pair.member.cluster).collect();
        let mut members: BTreeMap<(&str, Vec<&str>), BTreeSet<&str>> = BTreeMap::new();
        for (member, labels) in self.targets.iter().filter(|(member, _)| mixed.contains(&*member.cluster)) {
            let values = values(labels, names);
            if values.iter().any(|value| !value.is_empty()) {
                members.entry((&member.cluster, values)).or_default().insert(host(&member.member));
            }
        }
        !members.is_empty() && members.values().all(|members| members.len() > 1)
    }

    /// Divides the chosen labels into those for --cluster-label and those for --member-label.
    fn split(&self, labels: &[String]) -> (Vec<String>, Vec<String>) {
        let names: Vec<&str> = labels.iter().map(String::as_str).collect();
        if self.is_of_clusters(&names) {
            return (labels.to_vec(), Vec::new());
        }
        let (cluster, member): (Vec<_>, Vec<_>) = labels.iter().cloned().partition(|name| is_of_clusters_by_name(name));
        (cluster, member)
    }

    /// Whether these labels would give the same name to clusters or members that now have different names. `today`
    /// returns the scope of the name (the cluster of a member, or nothing) and the name.
    fn joins<'b>(&'b self, names: &[String], today: impl Fn(&'b Member) -> (&'b str, &'b str)) -> bool {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut joined: BTreeMap<(&str, Vec<&str>), BTreeSet<&str>> = BTreeMap::new();
        for &(member, labels) in self.targets {
            let ((within, name), values) = (today(member), values(labels, &names));
            // The selector will leave out series without one of the labels.
            if !values.contains(&"") {
                joined.entry((within, values)).or_default().insert(name);
            }
        }
        joined.values().any(|names| names.len() > 1)
    }

    /// The labels that currently form the names of clusters.
    fn cluster_labels(&self, naming: &Naming) -> Vec<String> {
        let everywhere = |name: &&str| self.targets.iter().all(|(_, labels)| labels.contains_key(*name));
        match naming.cluster.is_empty() {
            false => naming.cluster.clone(),
            true => ["cluster", "job"].into_iter().find(everywhere).map(str::to_owned).into_iter().collect(),
        }
    }
}

/// The values of these labels; empty where a label is missing.
pub(super) fn values<'a>(labels: &'a Labels, names: &[&str]) -> Vec<&'a str> {
    names.iter().map(|name| labels.get(*name).map_or("", String::as_str)).collect()
}

fn differs(pair: &Pair, names: &[&str]) -> bool {
    let [one, other] = &pair.labels;
    names.iter().any(|name| one.get(*name) != other.get(*name))
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// All choices of `size` of these names, in their order.
fn subsets<'a>(names: &[&'a str], size: usize) -> Vec<Vec<&'a str>> {
    if size == 0 {
        return vec![Vec::new()];
    }
    let rest_of = |at: usize| subsets(&names[at + 1..], size - 1);
    let with = |at: usize| rest_of(at).into_iter().map(move |rest| [&[names[at]][..], &rest].concat());
    (0..names.len()).flat_map(with).collect()
}

/// The words of a label's name: `k8s_node_name` has the words k8s, node and name.
fn words(name: &str) -> impl Iterator<Item = String> {
    name.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase)
}

/// The index of the first row that contains a word of this label name.
fn row(rows: &[&[&str]], name: &str) -> Option<usize> {
    rows.iter().position(|row| words(name).any(|word| row.contains(&&*word)))
}

/// How unlikely it is that a label with this name identifies a cluster or member; 0 is the best.
fn rank(name: &str) -> usize {
    let of_kind = row(&OF_CLUSTERS, name).into_iter().chain(row(&OF_MEMBERS, name)).min();
    let fleeting = if words(name).any(|word| FLEETING.contains(&&*word)) { 20 } else { 0 };
    fleeting + of_kind.unwrap_or(7)
}

/// Whether the label's name suggests that it identifies clusters rather than members.
fn is_of_clusters_by_name(name: &str) -> bool {
    // A label such as `cluster_node` names a node.
    row(&OF_MEMBERS[..1], name).is_none() && row(&OF_CLUSTERS, name).is_some()
}

/// A member's name without its port.
pub(super) fn host(member: &str) -> &str {
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    member.rsplit_once(':').filter(|(_, port)| is_port(port)).map_or(member, |(host, _)| host)
}

/// A label's name as written in a matcher: in quotes if it has other characters than a classic
/// name (letters, digits and underscores).
pub(super) fn in_matcher(name: &str) -> String {
    let is_classic = |c: char| c.is_ascii_alphanumeric() || c == '_';
    match name.chars().all(is_classic) && !name.starts_with(|c: char| c.is_ascii_digit()) {
        true => name.to_owned(),
        false => in_quotes(name),
    }
}

/// A PromQL string, whose escapes are those of JSON.
pub(super) fn in_quotes(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A word of a command line, quoted if a shell would change it.
fn shell_word(text: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "_-.,:/".contains(c);
    if text.chars().all(is_plain) { text.to_owned() } else { format!("'{text}'") }
}
