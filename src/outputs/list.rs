//! The list of all outputs. Everything that names them takes the names from here.

use super::output::{Output, OwnedFiles};
use super::{COMPARISON, csv, findings_csv, openmetrics, parquet, picture, report, xlsx};
use crate::folder::{HISTORY, MANIFEST, Owned, REPLACEMENT};
use crate::text::nearest::did_you_mean;

/// All outputs, in the order of `--formats`' default.
pub(crate) static OUTPUTS: [&dyn Output; 8] = [
    &parquet::Parquet,
    &csv::Csv,
    &openmetrics::OpenMetrics,
    &findings_csv::FindingsCsv,
    &report::Report,
    &xlsx::Xlsx,
    &picture::Svg,
    &picture::Png,
];

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
        let default = format!("formats = [{}]", OUTPUTS.map(|output| format!("\"{}\"", output.name())).join(", "));
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
