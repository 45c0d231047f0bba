//! What is made of all cells together, once they are there: for people to look at.

use std::fs;
use std::path::Path;

use rayon::prelude::*;

use crate::config::{Format, Formats};
use crate::export::{
    CELLS, ExportError, Manifest, Written, read_cells, write_findings, write_png, write_report, write_svg,
    write_wide_csv, write_workbook,
};
use crate::findings::Findings;
use crate::heatmap::Line;
use crate::history::FileError;

/// Writes what is asked for of the cells in `out`, one file beside the other, and lists it.
pub(super) fn draw(
    out: &Path,
    formats: &Formats,
    manifest: &mut Manifest,
    findings: &Findings,
) -> Result<(), ExportError> {
    let lines = if formats.draws() { read_cells(out)? } else { Vec::new() };
    let is_only_drawn_of = formats.draws() && !formats.has(Format::Parquet);
    if is_only_drawn_of {
        manifest.files.retain(|file| file.path != CELLS);
    }
    let write = |format: &Format| write_one(*format, out, manifest, &lines, findings);
    let wanted: Vec<&Format> = Format::ALL.iter().filter(|format| formats.has(**format)).collect();
    let written: Vec<Written> = wanted.into_par_iter().filter_map(write).collect::<Result<_, _>>()?;
    for file in written {
        manifest.list(file);
    }
    if is_only_drawn_of {
        let path = out.join(CELLS);
        fs::remove_file(&path).map_err(|e| FileError::new("remove", &path, e))?;
    }
    Ok(())
}

fn write_one(
    format: Format,
    out: &Path,
    manifest: &Manifest,
    lines: &[Line],
    findings: &Findings,
) -> Option<Result<Written, ExportError>> {
    Some(match format {
        // Written while the cells are finished.
        Format::Parquet | Format::OpenMetrics => return None,
        Format::Csv => write_wide_csv(out, manifest, lines),
        Format::Findings => write_findings(out, findings),
        Format::Report => write_report(out, manifest, lines, findings.as_slice()),
        Format::Xlsx => write_workbook(out, manifest, lines, findings.as_slice()),
        Format::Svg => write_svg(out, manifest, lines),
        Format::Png => write_png(out, manifest, lines),
    })
}
