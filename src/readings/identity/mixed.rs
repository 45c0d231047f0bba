//! The error for members whose series come from several processes, and the notes about
//! members whose series were merged.

use std::collections::BTreeSet;

use super::advice::{Advice, Naming, values};
use super::{Labels, Pair, Verdict};
use crate::readings::Member;
use crate::text::count;
use crate::text::terminal::terminal_label;

/// At most this many values of a label are shown.
const SHOWN: usize = 3;

/// Members whose series come from different processes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("member {member} is {processes}{others}: set {flags}, or merge them with --merge-members")]
pub(crate) struct MixedMembers {
    /// The first of them, with its cluster, such as `etcd-0 of prod`.
    pub(crate) member: String,
    /// The number of its processes, and the labels in which they differ: `2 processes that
    /// differ in env (north, south)`.
    pub(crate) processes: String,
    /// The end of the clause, such as `, as are 2 other members`; empty if this is the only member.
    pub(crate) others: String,
    /// The flags that tell them apart.
    pub(crate) flags: String,
}

impl MixedMembers {
    /// Describes the different processes of a verdict; `None` if there are none. `everyone` are the targets of all
    /// members at one time, and `hide` removes secrets from the names and values of a server.
    pub(crate) fn of(
        verdict: &Verdict,
        everyone: &[(Member, Labels)],
        naming: &Naming,
        hide: impl Fn(&str) -> String,
    ) -> Option<Self> {
        let first = &verdict.different.first()?.member;
        let advice = Advice::of(verdict, everyone, naming);
        let shown = |text: &str| terminal_label(&hide(text));
        let names: Vec<&str> = advice.labels.iter().map(String::as_str).collect();
        let of_first = verdict.different.iter().filter(|pair| pair.member == *first).flat_map(|pair| &pair.labels);
        let of_everyone = everyone.iter().filter(|(member, _)| member == first).map(|(_, labels)| labels);
        let of_first = of_first.chain(of_everyone);
        let processes: BTreeSet<String> = of_first.map(|labels| values(labels, &names).join("/")).collect();
        let others = members(&verdict.different).len() - 1;
        Some(Self {
            member: shown(&format!("{} of {}", first.member, first.cluster)),
            processes: shown(&format!(
                "{} that differ in {} ({})",
                count(processes.len(), "process"),
                advice.labels.join(","),
                listed(processes)
            )),
            others: match others {
                0 => String::new(),
                1 => ", as is 1 other member".to_owned(),
                _ => format!(", as are {}", count(others, "other member")),
            },
            flags: advice.flags(naming),
        })
    }

    /// The note that replaces the error with --merge-members.
    pub(crate) fn note(&self) -> String {
        let Self { member, processes, others, .. } = self;
        format!("member {member} is {processes}{others}: merged, the worse reading counts (--merge-members)")
    }
}

impl Verdict {
    /// Notes about members whose series are merged because they are one process, or because nothing shows the contrary.
    pub(crate) fn notes(&self, hide: impl Fn(&str) -> String) -> Vec<String> {
        let note = |pairs: &[Pair], end: &str| {
            let all = members(pairs).len();
            let names: BTreeSet<&str> = pairs.iter().flat_map(Pair::differing).collect();
            let labels: Vec<String> = names
                .into_iter()
                .take(SHOWN)
                .map(|name| {
                    let of_pairs = pairs.iter().flat_map(|pair| &pair.labels);
                    let values: BTreeSet<String> = of_pairs.filter_map(|labels| labels.get(name).cloned()).collect();
                    terminal_label(&hide(&format!("{name} ({})", listed(values))))
                })
                .collect();
            (all > 0).then(|| format!("the series of {} differ in {}: {end}", count(all, "member"), labels.join(", ")))
        };
        let same = note(&self.same, "they are merged, because each member is one process");
        let unknown = note(&self.unknown, "they are merged, but nothing shows whether each member is one process");
        same.into_iter().chain(unknown).collect()
    }
}

fn members(pairs: &[Pair]) -> BTreeSet<&Member> {
    pairs.iter().map(|pair| &pair.member).collect()
}

/// The first few values.
fn listed(values: BTreeSet<String>) -> String {
    let more = values.len() > SHOWN;
    let shown = values.into_iter().take(SHOWN).map(|value| if value.is_empty() { "none".to_owned() } else { value });
    let shown: Vec<String> = shown.chain(more.then(|| "…".to_owned())).collect();
    shown.join(", ")
}
