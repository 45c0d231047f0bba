//! Values derived from `OUTPUTS`: the names for `--formats`, and the files in an output folder that belong to
//! etcd-heatmap and may be replaced or removed.

use super::output::{Output, OwnedFiles};
use super::{ANNOTATIONS_FILE, COMPARISON, FORECAST_FILES, OUTPUTS};
use crate::folder::{HISTORY, MANIFEST, Owned, REPLACEMENT};
use crate::text::nearest::did_you_mean;

/// The names of all outputs, separated by `, `, for help and errors.
pub(crate) fn names() -> String {
    OUTPUTS.map(|output| output.name()).join(", ")
}

/// Finds an output by its name. The error suggests the nearest name and lists all names.
pub(crate) fn named(name: &str) -> Result<&'static dyn Output, String> {
    OUTPUTS.into_iter().find(|output| output.name() == name).ok_or_else(|| {
        let suggestion = did_you_mean(name, OUTPUTS.map(|output| output.name()));
        format!("unknown format '{name}'{suggestion}: use one or more of {}", names())
    })
}

/// All files that outputs write, grouped by kind.
pub(crate) fn files() -> impl Iterator<Item = &'static OwnedFiles> {
    OUTPUTS.iter().flat_map(|output| output.files())
}

/// The files in an output folder that a scoring run replaces, including the comparison of profiles.
pub(crate) fn replaced() -> impl Iterator<Item = Owned> {
    files().map(|files| files.owned).chain([Owned::Single(COMPARISON)])
}

/// All files in an output folder that etcd-heatmap writes: history, manifest, annotations, outputs and forecast.
pub(crate) fn owned() -> Vec<Owned> {
    [HISTORY, REPLACEMENT, Owned::Single(MANIFEST), ANNOTATIONS_FILE]
        .into_iter()
        .chain(replaced())
        .chain(FORECAST_FILES)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const README: &str = include_str!("../../README.md");
    const EXAMPLE: &str = include_str!("../../etcd-heatmap.example.toml");

    #[test]
    fn every_output_is_documented_and_no_two_outputs_write_the_same_file() {
        let names = OUTPUTS.map(|output| output.name());
        assert!(README.contains(&format!("--formats {}", names.join(","))), "README lacks {}", names.join(","));
        let default = format!("formats = [{}]", names.map(|name| format!("\"{name}\"")).join(", "));
        assert!(EXAMPLE.contains(&default), "the example lacks {default}");
        for output in OUTPUTS {
            let name = output.name();
            for files in output.files() {
                let (Owned::Single(shown) | Owned::Daily { folder: shown, .. } | Owned::Many { folder: shown, .. }) =
                    files.owned;
                assert!(README.contains(shown), "README does not name {shown} of {name}");
            }
            assert!(!output.files().is_empty() && !output.about().is_empty(), "{name}");
        }
        let mut owned: Vec<String> = owned().iter().map(Owned::pattern).collect();
        let all = owned.len();
        owned.sort();
        owned.dedup();
        assert_eq!(owned.len(), all, "two outputs write the same file");
    }

    #[test]
    fn a_misspelled_format_gets_a_suggestion_and_the_list_of_all() {
        let error = named("parket").map(|output| output.name()).err();
        assert!(error.is_some_and(|e| e.contains("did you mean 'parquet'") && e.contains(&names())));
        assert!(OUTPUTS.iter().all(|output| named(output.name()).is_ok_and(|found| found.name() == output.name())));
    }
}
