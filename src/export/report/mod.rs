//! `report.html`: the heat map as one page that needs nothing else, for a person and for a post-mortem.
//!
//! The shell, the overview, the findings and the method are HTML; the cells lie deflated in the page, and its script
//! makes tables of those that are looked at. Without a script the latest days are there as plain tables.

mod colours;
mod data;
mod findings;
mod heat_cell;
mod legible;
mod method;
mod overview;
mod page;
mod plain;

use std::path::Path;

use super::{ExportError, Manifest, Written};
use crate::findings::Finding;
use crate::heatmap::Line;
use crate::history::WholeFile;

/// Its name in the output folder.
pub const REPORT: &str = "report.html";

/// Writes the report; its rows are cells.
///
/// `lines` as [`read_cells`](super::read_cells) gives them: each cluster, then its members.
pub fn write_report(
    out: &Path,
    manifest: &Manifest,
    lines: &[Line],
    findings: &[Finding],
) -> Result<Written, ExportError> {
    let path = out.join(REPORT);
    let stat = WholeFile::write(&path, page::page(manifest, lines, findings).as_bytes())?;
    let cells = lines.iter().map(|line| line.cells.len() as u64).sum();
    Ok(Written::new(out, &path, cells, stat))
}

/// The lines of each cluster: its own, then those of its members.
fn clusters(lines: &[Line]) -> impl Iterator<Item = &[Line]> {
    lines.chunk_by(|a, b| a.cluster == b.cluster)
}
