//! `report.html`: the heat map with findings as one self-contained page, for example for a post-mortem.
//!
//! Verdict, problems, the table of clusters and the method are plain HTML. Cells, readings and findings are embedded as
//! compressed data, from which the script builds the maps, charts and lists that a reader opens. Without a script, the latest days are shown as plain tables.

mod ahead;
mod cards;
mod clusters_table;
mod colours;
mod data;
mod events;
mod facts;
mod heat_cell;
mod method;
mod notes;
mod page;
mod plain;
mod readings;
mod sparkline;
mod verdict;

use page::Shown;

use super::OutputError;
use super::output::{Needs, Output, OwnedFiles, Scored};
use crate::files::WholeFile;
use crate::folder::{Owned, Written};
use crate::heatmap::PackedLine;

/// Name of the file in the output folder.
const REPORT: &str = "report.html";

/// The output `report`. Its number of rows in the manifest is the number of cells.
pub(crate) struct Report;

impl Output for Report {
    fn name(&self) -> &'static str {
        "report"
    }

    fn about(&self) -> &'static str {
        "report.html, one page that needs no network"
    }

    fn files(&self) -> &'static [OwnedFiles] {
        &[OwnedFiles { owned: Owned::Single(REPORT), row: "cell" }]
    }

    fn needs(&self) -> Needs {
        Needs { cells: true, findings: true, readings: true, ..Needs::default() }
    }

    fn write(&self, scored: &Scored<'_>) -> Result<Option<Written>, OutputError> {
        let path = scored.out.join(REPORT);
        let page = page::page(Shown {
            manifest: scored.manifest,
            lines: scored.lines,
            findings: scored.findings,
            annotations: scored.annotations,
            readings: scored.readings,
            forecast: scored.forecast,
        });
        let stat = WholeFile::write(&path, page.as_bytes())?;
        let cells = scored.lines.iter().map(|line| line.len() as u64).sum();
        Ok(Some(Written::new(scored.out, &path, cells, stat)))
    }
}

/// Groups the lines by cluster. A group starts with the line of the cluster itself; those of its members follow.
fn clusters(lines: &[PackedLine]) -> impl Iterator<Item = &[PackedLine]> {
    lines.chunk_by(|a, b| a.cluster == b.cluster)
}

/// The index of a cluster among all, by which the script finds it.
fn number_of(cluster: &str, lines: &[PackedLine]) -> Option<usize> {
    clusters(lines).position(|lines| *lines[0].cluster == *cluster)
}
