//! Label layouts of common etcd installations: selector, cluster label and member label.

use std::path::Path;

use crate::text::key_file::KeyFile;
use crate::text::nearest::did_you_mean;

/// The built-in presets; each file cites its source.
const EMBEDDED: [(&str, &str); 5] = [
    ("kubeadm", include_str!("presets/kubeadm.toml")),
    ("kube-prometheus-stack", include_str!("presets/kube-prometheus-stack.toml")),
    ("openshift", include_str!("presets/openshift.toml")),
    ("kubermatic", include_str!("presets/kubermatic.toml")),
    ("rke2-k3s", include_str!("presets/rke2-k3s.toml")),
];

pub(crate) const PRESETS: [&str; EMBEDDED.len()] =
    [EMBEDDED[0].0, EMBEDDED[1].0, EMBEDDED[2].0, EMBEDDED[3].0, EMBEDDED[4].0];

/// The label layout of one kind of installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Preset {
    /// Name for `--preset`, for example `openshift`.
    pub(crate) name: &'static str,
    /// Where the labels are documented.
    pub(crate) source: String,
    /// Matchers that select etcd's series.
    pub(crate) selector: String,
    /// Label with the cluster's name. If empty, the name comes from the label `cluster` or, without it, `job`.
    pub(crate) cluster: String,
    /// Label with the member's name.
    pub(crate) member: String,
}

impl Preset {
    /// The preset with this name, or an error message.
    pub(crate) fn named(name: &str) -> Result<Self, String> {
        let unknown =
            || format!("unknown preset '{name}'{}: use one of {}", did_you_mean(name, PRESETS), PRESETS.join(", "));
        let (known, text) = EMBEDDED.into_iter().find(|(known, _)| *known == name).ok_or_else(unknown)?;
        Ok(Self::read(known, text).expect("a test reads every preset that comes with the program"))
    }

    /// Parses a preset file; `None` if it is invalid or a key is missing.
    fn read(name: &'static str, text: &str) -> Option<Self> {
        let file = KeyFile::toml(Path::new(name), text).ok()?;
        let value = |key: &str| file.get(key).map(|entry| entry.text.clone());
        let (source, selector) = (value("source")?, value("selector")?);
        Some(Self { name, source, selector, cluster: value("cluster")?, member: value("member")? })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;

    #[test]
    fn every_preset_can_be_read_and_has_a_source() {
        for (name, text) in EMBEDDED {
            let preset = Preset::read(name, text).unwrap_or_else(|| panic!("{name}.toml is no preset"));
            assert!(preset.source.len() > 20 && preset.selector.contains('='), "{name}");
        }
        let error = Preset::named("open-shift").unwrap_err();
        assert!(error.contains("did you mean 'openshift'"), "{error}");
    }

    #[test]
    fn the_docs_list_the_labels_of_every_preset() {
        let page = include_str!("../../../docs/servers.md");
        for name in PRESETS {
            let Preset { selector, member, .. } = Preset::named(name).unwrap();
            let row = format!("| `{name}` | `{selector}` | `{member}` |");
            assert!(page.lines().any(|line| line.starts_with(&row)), "docs/servers.md has no row {row}");
        }
    }
}
