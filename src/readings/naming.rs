//! Which labels of a series name its cluster and its member.

use std::borrow::Cow;

use super::Member;

/// The names in a list such as `env,region`, trimmed.
pub(crate) fn label_names(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|name| !name.is_empty())
}

/// The labels that name a series' cluster and member. The values of several labels are joined by `/`.
#[derive(Clone, Debug)]
pub(crate) struct NamingLabels {
    /// Empty means the label `cluster`, or `job` for series without it.
    cluster: Vec<String>,
    member: Vec<String>,
}

/// A label, and the value that it must have; empty means that a series must lack it.
pub(crate) type Pin = (String, String);

/// A series lacks a label that names its cluster or member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MissingLabel {
    pub(crate) label: String,
    pub(crate) remedy: &'static str,
}

impl NamingLabels {
    /// Each argument is a list of names such as `env,region`.
    pub(crate) fn new(cluster: Option<&str>, member: &str) -> Self {
        let names = |list| label_names(list).map(str::to_owned).collect();
        Self { cluster: cluster.map(names).unwrap_or_default(), member: names(member) }
    }

    /// The labels of the cluster; none means the label `cluster`, or `job` for series without it.
    pub(crate) fn cluster(&self) -> &[String] {
        &self.cluster
    }

    /// The labels of the member.
    pub(crate) fn member(&self) -> &[String] {
        &self.member
    }

    /// The names that are set, those of the cluster first.
    pub(crate) fn all(&self) -> impl Iterator<Item = &str> {
        self.cluster.iter().chain(&self.member).map(String::as_str)
    }

    /// The matchers of a cluster's series, or of one of its members: several alternatives, each a list of labels with the
    /// value that a series must have. A name that does not have one part for each of its labels gives no matchers, so what
    /// they find still has to be named.
    pub(crate) fn pins(&self, cluster: &str, member: Option<&str>) -> Vec<Vec<Pin>> {
        let pin = |label: &str, value: &str| (label.to_owned(), value.to_owned());
        let pins = |labels: &[String], name: &str| -> Vec<Pin> {
            let values: Vec<&str> = if labels.len() == 1 { vec![name] } else { name.split('/').collect() };
            match values.len() == labels.len() {
                true => labels.iter().zip(values).map(|(label, value)| pin(label, value)).collect(),
                false => Vec::new(),
            }
        };
        let clusters = match self.cluster.as_slice() {
            [] => vec![vec![pin("cluster", cluster)], vec![pin("cluster", ""), pin("job", cluster)]],
            labels => vec![pins(labels, cluster)],
        };
        let member = member.map(|member| pins(&self.member, member)).unwrap_or_default();
        clusters.into_iter().map(|cluster| [cluster, member.clone()].concat()).collect()
    }

    /// The member that a series belongs to. `label` returns the value of a label of the series; an empty one counts as
    /// absent.
    pub(crate) fn name<'a>(&self, label: impl Fn(&str) -> Option<&'a str>) -> Result<Member, MissingLabel> {
        let label = |name: &str| label(name).filter(|value| !value.is_empty());
        let missing = |label: &str, remedy| MissingLabel { label: label.to_owned(), remedy };
        let joined = |names: &[String], remedy| -> Result<Cow<'_, str>, MissingLabel> {
            let value = |name: &String| label(name).ok_or_else(|| missing(name, remedy));
            match names {
                [only] => value(only).map(Cow::Borrowed),
                several => Ok(several.iter().map(value).collect::<Result<Vec<_>, _>>()?.join("/").into()),
            }
        };
        let cluster = match self.cluster.as_slice() {
            [] => label("cluster").or_else(|| label("job")).map(Cow::Borrowed).ok_or_else(|| {
                missing(
                    "cluster or job",
                    "set --cluster-label to the label that distinguishes clusters, or use --series raw",
                )
            }),
            names => joined(names, "set --cluster-label to an existing label"),
        }?;
        let member = joined(&self.member, "set --member-label to the label that distinguishes members")?;
        Ok(Member::new(&cluster, &member))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_series_of_a_member_are_pinned_by_the_labels_that_name_it() {
        let pins = |cluster, member, of: (&str, Option<&str>)| {
            let text = |pins: &Vec<Pin>| pins.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>();
            let all = NamingLabels::new(cluster, member).pins(of.0, of.1);
            all.iter().map(|pins| text(pins).join(",")).collect::<Vec<_>>()
        };
        assert_eq!(
            pins(None, "instance", ("c", Some("a/b:1"))),
            ["cluster=c,instance=a/b:1", "cluster=,job=c,instance=a/b:1"]
        );
        assert_eq!(pins(None, "instance", ("c", None)), ["cluster=c", "cluster=,job=c"]);
        assert_eq!(pins(Some("env,region"), "pod", ("p/eu", Some("m"))), ["env=p,region=eu,pod=m"]);
        assert_eq!(pins(Some("env"), "ns,pod", ("p", Some("kube/m"))), ["env=p,ns=kube,pod=m"]);
        // Which part belongs to which label cannot be seen.
        assert_eq!(pins(Some("env"), "ns,pod", ("p", Some("a/b/c"))), ["env=p"]);
    }
}
