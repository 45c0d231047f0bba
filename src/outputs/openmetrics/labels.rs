//! Labels of series in the OpenMetrics format, and the extra labels of `--label`.

use std::collections::BTreeMap;
use std::fmt::Write;

/// Labels that our series set themselves; `--label` refuses them.
const OWN: [&str; 10] =
    ["cluster", "member", "metric", "profile", "points", "of", "version", "horizon", "bound", "__name__"];

/// Labels that are added to each series, to match series that already exist in Prometheus.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExtraLabels(BTreeMap<String, String>);

impl ExtraLabels {
    /// Parses labels of the form `NAME=VALUE`. The error describes the first invalid one.
    pub(crate) fn parse<'a>(pairs: impl Iterator<Item = &'a str>) -> Result<Self, String> {
        let mut labels = BTreeMap::new();
        for pair in pairs {
            let (name, value) =
                pair.split_once('=').ok_or_else(|| format!("'{pair}' has no '=': use NAME=VALUE, such as job=node"))?;
            let (name, value) = (name.trim(), value.trim());
            let mut chars = name.chars();
            let starts = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
            if !starts || !chars.all(|c| c.is_ascii_alphanumeric() || c == '_') {
                return Err(format!("invalid label name '{name}': use letters, digits and underscores"));
            }
            if OWN.contains(&name) {
                return Err(format!("the exported series already have a label {name}: use another name"));
            }
            if value.is_empty() {
                return Err(format!(
                    "the label {name} has no value: give it one, because Prometheus drops empty labels"
                ));
            }
            if labels.insert(name.to_owned(), value.to_owned()).is_some() {
                return Err(format!("the label {name} is given twice: remove one"));
            }
        }
        Ok(Self(labels))
    }

    /// Names and values, sorted by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The text of a series up to its value: `name{…} ` with its own and the extra labels sorted by name,
    /// or `name ` without labels.
    pub(in crate::outputs) fn series(&self, name: &str, own: &[(&str, &str)]) -> String {
        let mut labels: Vec<(&str, &str)> = own.iter().copied().chain(self.iter()).collect();
        if labels.is_empty() {
            return format!("{name} ");
        }
        labels.sort_unstable();
        let mut series = format!("{name}{{");
        for (index, (name, value)) in labels.into_iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let _ = write!(series, "{comma}{name}=\"{}\"", escape(value));
        }
        series + "} "
    }
}

/// Escapes backslash, quote and line feed in a label value, as OpenMetrics requires.
fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;

    #[test]
    fn labels_are_sorted_and_their_values_escaped() {
        let labels = ExtraLabels::parse(["job=node", "instance=a:9100"].into_iter()).unwrap();
        let series = labels.series("etcd_score", &[("cluster", "a\\b\"c\nd"), ("member", "m")]);
        assert_eq!(series, r#"etcd_score{cluster="a\\b\"c\nd",instance="a:9100",job="node",member="m"} "#);
        assert_eq!(ExtraLabels::default().series("x", &[("cluster", "c")]), r#"x{cluster="c"} "#);
        assert_eq!(ExtraLabels::default().series("x", &[]), "x ");
    }

    #[test]
    fn invalid_reserved_empty_and_repeated_labels_are_refused() {
        for wrong in ["job", "1a=b", "a-b=c", "cluster=x", "__name__=x", "a="] {
            assert!(ExtraLabels::parse([wrong].into_iter()).is_err(), "{wrong}");
        }
        assert!(ExtraLabels::parse(["a=b", "a=c"].into_iter()).is_err());
        assert_eq!(ExtraLabels::parse(["a=b=c"].into_iter()).unwrap().iter().next(), Some(("a", "b=c")));
    }
}
