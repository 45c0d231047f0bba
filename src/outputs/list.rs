//! What follows from the list of all outputs: their names, and which files of an output folder are ours.

use super::output::{Output, OwnedFiles};
use super::{COMPARISON, OUTPUTS};
use crate::folder::{HISTORY, MANIFEST, Owned, REPLACEMENT};
use crate::text::nearest::did_you_mean;

/// The names of all outputs, separated by commas and blanks.
pub(crate) fn names() -> String {
    OUTPUTS.map(|output| output.name()).join(", ")
}

/// The output of this name; the error names the nearest one and lists all.
pub(crate) fn named(name: &str) -> Result<&'static dyn Output, String> {
    OUTPUTS.into_iter().find(|output| output.name() == name).ok_or_else(|| {
        let suggestion = did_you_mean(name, OUTPUTS.map(|output| output.name()));
        format!("no format is called '{name}'{suggestion}: use some of {}", names())
    })
}

/// All files that outputs write, kind by kind.
pub(crate) fn files() -> impl Iterator<Item = &'static OwnedFiles> {
    OUTPUTS.iter().flat_map(|output| output.files())
}

/// What a scoring run replaces in an output folder.
pub(crate) fn replaced() -> impl Iterator<Item = Owned> {
    files().map(|files| files.owned).chain([Owned::Single(COMPARISON)])
}

/// All files of ours in an output folder: history, manifest and outputs.
pub(crate) fn owned() -> Vec<Owned> {
    [HISTORY, REPLACEMENT, Owned::Single(MANIFEST)].into_iter().chain(replaced()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const README: &str = include_str!("../../README.md");
    const EXAMPLE: &str = include_str!("../../etcd-heatmap.example.toml");

    #[test]
    fn every_output_stands_in_the_readme_and_the_example_and_has_its_own_files() {
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
    fn a_typo_suggests_the_nearest_output_and_lists_all() {
        let error = named("parket").map(|output| output.name()).err();
        assert!(error.is_some_and(|e| e.contains("did you mean 'parquet'") && e.contains(&names())));
        assert!(OUTPUTS.iter().all(|output| named(output.name()).is_ok_and(|found| found.name() == output.name())));
    }
}
