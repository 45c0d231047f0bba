//! The heat map, the worst problems and the list of files that a run prints at its end.

use std::path::Path;

use indicatif::HumanBytes;
use polars::prelude::{DataFrame, PolarsResult};

use crate::analysis::findings::Findings;
use crate::commands::CommandError;
use crate::commands::progress::Reporter;
use crate::commands::window::Window;
use crate::config::{How, Settings};
use crate::folder::{HISTORY, Manifest, Written};
use crate::heatmap::{Folding, IDLE, clusters_only, divide, merge_sums};
use crate::outputs::{
    self, ANNOTATIONS_FILE, Listing, OutputError, OwnedFiles, Palette, Picture, Screen, problems_text,
};
use crate::score::ScoreTable;
use crate::text::count;
use crate::text::palette::Scale;

/// Most problems that the end of a run lists.
const MOST: usize = 3;

/// The picture of the latest days, and the totals of each cluster.
pub(super) struct Overall {
    picture: Picture,
    totals: Option<DataFrame>,
    table: ScoreTable,
    folding: Folding,
    min_coverage: f64,
}

impl Overall {
    pub(super) fn new(table: &ScoreTable, how: &How) -> Self {
        let (table, folding, min_coverage) = (table.clone(), how.folding, how.min_coverage);
        Self { picture: Picture::default(), totals: None, table, folding, min_coverage }
    }

    /// Adds the sums of finished cells. The picture has one place for each hour, so the cells of a cluster that share a
    /// date and an hour are merged.
    pub(super) fn add(&mut self, sums: &DataFrame) -> PolarsResult<()> {
        let clusters = clusters_only(sums)?;
        if clusters.height() == 0 {
            return Ok(());
        }
        let hours = merge_sums(&clusters, &["cluster", "date", "hour"])?;
        let mut columns = hours.select(["cluster", "date", "hour"])?.into_columns();
        columns.extend(divide(&self.table, &hours, self.min_coverage)?);
        columns.push(hours.column(IDLE)?.clone());
        self.picture.add(&DataFrame::new_infer_height(columns)?)?;
        let sums = merge_sums(&clusters, &["cluster"])?;
        let all = match self.totals.take() {
            Some(totals) => totals.vstack(&sums)?,
            None => sums,
        };
        self.totals = Some(merge_sums(&all, &["cluster"])?);
        Ok(())
    }

    /// Prints the heat map, the worst cluster first.
    pub(super) fn tell(&self, scale: Scale, reporter: &Reporter) -> Result<(), CommandError> {
        let Some(sums) = &self.totals else { return Ok(()) };
        let paint = || {
            let mut columns = vec![sums.column("cluster")?.clone()];
            columns.extend(divide(&self.table, sums, self.min_coverage)?);
            columns.push(sums.column(IDLE)?.clone());
            let screen = Screen {
                palette: Palette::of(&std::io::stdout(), scale),
                width: Window::of_stdout().width,
                zone: self.folding.zone,
                cell_minutes: Picture::shortest_column(self.folding.width),
                min_coverage: self.min_coverage,
            };
            self.picture.paint(&DataFrame::new_infer_height(columns)?, &screen)
        };
        Ok(reporter.summary(&paint().map_err(OutputError::from)?)?)
    }
}

/// Prints the verdict and the worst problems.
pub(super) fn tell_problems(
    findings: &Findings,
    settings: &Settings,
    out: &Path,
    reporter: &Reporter,
) -> Result<(), CommandError> {
    let folder = out.display().to_string();
    let [all, evidence] = ["--all", "--evidence"].map(|flag| format!("'etcd-heatmap findings {folder} {flag}'"));
    let listing = Listing {
        palette: Palette::of(&std::io::stdout(), settings.scale),
        width: Window::of_stdout().width,
        zone: settings.how.folding.zone,
        folder: &folder,
        most: Some(MOST),
        advises: false,
        all: &all,
        evidence: &evidence,
    };
    Ok(reporter.summary(&format!("\n{}", problems_text(findings, &listing)))?)
}

/// Lists the files in the output folder, one line for each kind.
pub(super) fn tell_files(
    out: &Path,
    holds_history: bool,
    manifest: &Manifest,
    reporter: &Reporter,
) -> Result<(), CommandError> {
    let mut text = format!("\nin {}:\n", out.display());
    let history: &[Written] = if holds_history { &manifest.history } else { &[] };
    let kinds = [OwnedFiles { owned: HISTORY, row: "reading" }];
    let annotations = OwnedFiles { owned: ANNOTATIONS_FILE, row: "annotation" };
    for OwnedFiles { owned, row } in kinds.into_iter().chain(outputs::files().copied()).chain([annotations]) {
        let shown = owned.pattern();
        let files: Vec<&Written> = manifest.files.iter().chain(history).filter(|f| owned.has(&f.path)).collect();
        if files.is_empty() {
            continue;
        }
        text.push_str(&file_line(&shown, &files, row));
    }
    text.push_str("  manifest.json\n");
    Ok(reporter.summary(&text)?)
}

/// The line of one kind of files: their pattern, and how many files, bytes and rows there are.
fn file_line(pattern: &str, files: &[&Written], row: &str) -> String {
    let bytes = HumanBytes(files.iter().map(|f| f.stat.bytes).sum()).to_string();
    let rows = count(files.iter().map(|f| f.rows).sum::<u64>(), row);
    // The number ends in the same column on every line.
    let (number, noun) = rows.split_once(' ').unwrap_or((&rows, ""));
    let files = count(files.len(), "file");
    format!("  {pattern:<27} {files:>9} {bytes:>12} {number:>12} {noun}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::FileStat;

    #[test]
    fn each_number_of_a_line_agrees_with_its_noun() {
        let file = |rows| {
            let stat = FileStat { bytes: 2048, sha256: String::new() };
            Written { path: "findings.csv".to_owned(), rows, stat }
        };
        let (none, one, many) = (file(0), file(1), file(1234));
        let words = |files: &[&Written], row: &str| {
            file_line("findings.csv", files, row).split_whitespace().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(words(&[&one], "finding"), "findings.csv 1 file 2.00 KiB 1 finding");
        assert_eq!(words(&[&none], "finding"), "findings.csv 1 file 2.00 KiB 0 findings");
        assert_eq!(words(&[&one, &many], "cell"), "findings.csv 2 files 4.00 KiB 1,235 cells");
        let ends = [&one, &many].map(|file| file_line("f", &[file], "row").find(" row"));
        assert_eq!(ends[0], ends[1], "numbers end in one column");
    }
}
