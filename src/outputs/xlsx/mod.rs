//! `heatmap.xlsx`: the heat map as a workbook.
//!
//! Its sheets are summary, problems, findings, evidence, rules, members, method and cells, then one per cluster. Numbers and dates are written
//! as such, not as text. No cell is a formula: labels are always text. The same content always gives the same bytes.

mod cells;
mod cluster;
mod look;
mod members;
mod method;
mod row_figures;
mod summary;
mod table;
mod tables;

use std::path::Path;

use rust_xlsxwriter::{DocProperties, ExcelDateTime, Workbook, Worksheet, XlsxError};

use super::OutputError;
use super::output::{Needs, Output, OwnedFiles, Scored};
use super::shared::day_columns::DayColumns;
use super::shared::tables as columns;
use crate::analysis::findings::Findings;
use crate::files::{FileError, WholeFile};
use crate::folder::{Manifest, Owned, Written};
use crate::heatmap::{Folding, PackedLine};
use crate::text::sheet::SheetNames;
use look::Look;
use tables::{Clock, write_table};

/// Name of the file in the output folder.
const WORKBOOK: &str = "heatmap.xlsx";

const SUMMARY: &str = "Summary";
const PROBLEMS: &str = "Problems";
const FINDINGS: &str = "Findings";
const EVIDENCE: &str = "Evidence";
const RULES: &str = "Rules";
const MEMBERS: &str = "Members";
const METHOD: &str = "Method";
const CELLS: &str = "Cells";
/// The sheets, besides those of clusters, that the summary links to.
const OTHERS: [&str; 7] = [PROBLEMS, FINDINGS, EVIDENCE, RULES, MEMBERS, METHOD, CELLS];

/// The number of clusters whose sheets are kept in temporary files. Each of these files stays open until the workbook is
/// saved, and a process often may not open more than 1,024.
const IN_FILES: usize = 200;

/// The clusters, each with the name of its sheet.
struct Sheets<'a> {
    clusters: Vec<(&'a PackedLine, String)>,
}

impl<'a> Sheets<'a> {
    fn of(lines: &'a [PackedLine]) -> Self {
        let mut names = SheetNames::without(&[&[SUMMARY], &OTHERS[..]].concat());
        let clusters = lines.iter().filter(|line| line.member.is_none());
        Self { clusters: clusters.map(|line| (line, names.name(&line.cluster))).collect() }
    }
}

/// The output `xlsx`. The manifest counts the cells of all clusters as the rows of this output.
pub(crate) struct Xlsx;

impl Output for Xlsx {
    fn name(&self) -> &'static str {
        "xlsx"
    }

    fn about(&self) -> &'static str {
        "heatmap.xlsx, a workbook with one sheet per cluster"
    }

    fn files(&self) -> &'static [OwnedFiles] {
        &[OwnedFiles { owned: Owned::Single(WORKBOOK), row: "cell" }]
    }

    fn needs(&self) -> Needs {
        Needs { cells: true, findings: true, ..Needs::default() }
    }

    fn write(&self, scored: &Scored<'_>) -> Result<Option<Written>, OutputError> {
        let sheets = Sheets::of(scored.lines);
        let path = scored.out.join(WORKBOOK);
        let mut workbook = workbook(scored, &sheets)?;
        let mut file = WholeFile::create(&path)?;
        workbook.save_to_writer(&mut file).map_err(|error| failed(&path, error))?;
        let cells = sheets.clusters.iter().map(|(line, _)| line.len() as u64).sum();
        Ok(Some(Written::new(scored.out, &path, cells, file.commit()?)))
    }
}

/// Why the workbook could not be saved: a full disk is an error of the file, not of the library.
fn failed(path: &Path, error: XlsxError) -> OutputError {
    match error {
        XlsxError::IoError(error) => FileError::new("write", path, error).into(),
        XlsxError::ZipError(error) => FileError::new("write", path, error.into()).into(),
        other => other.into(),
    }
}

fn workbook(scored: &Scored<'_>, sheets: &Sheets<'_>) -> Result<Workbook, OutputError> {
    let Scored { manifest, lines, .. } = *scored;
    let columns = DayColumns::of(scored.out, manifest, lines)?;
    let mut workbook = begin()?;
    // Not the system's folder for temporary files, which may be read-only in a container.
    workbook.set_tempdir(scored.out)?;
    write_tables(&mut workbook, manifest, columns.folding(), lines, sheets, scored.findings)?;
    let look = Look::new();
    for (place, (line, name)) in sheets.clusters.iter().enumerate() {
        let sheet = if place < IN_FILES { in_a_file(&mut workbook, name)? } else { named(&mut workbook, name)? };
        cluster::draw(sheet, &look, manifest, &columns, &line.line())?;
    }
    Ok(workbook)
}

/// An empty workbook with a fixed creation time, so that its bytes depend only on the content.
fn begin() -> Result<Workbook, XlsxError> {
    let mut workbook = Workbook::new();
    let made = ExcelDateTime::from_ymd(2000, 1, 1)?;
    workbook.set_properties(&DocProperties::new().set_title("Health of etcd clusters").set_creation_datetime(&made));
    Ok(workbook)
}

fn named<'w>(workbook: &'w mut Workbook, name: &str) -> Result<&'w mut Worksheet, XlsxError> {
    workbook.add_worksheet().set_name(name)
}

/// Like [`named`], for large sheets: each row is kept in a temporary file as soon as the next one begins, so rows must be
/// written in order. In memory, a cell takes a hundred bytes.
fn in_a_file<'w>(workbook: &'w mut Workbook, name: &str) -> Result<&'w mut Worksheet, XlsxError> {
    workbook.add_worksheet_with_low_memory()?.set_name(name)
}

fn write_tables(
    workbook: &mut Workbook,
    manifest: &Manifest,
    folding: Folding,
    lines: &[PackedLine],
    sheets: &Sheets<'_>,
    findings: &Findings,
) -> Result<(), XlsxError> {
    let look = Look::new();
    summary::write_summary(named(workbook, SUMMARY)?, &look, manifest, sheets, findings)?;
    let clock = Clock::of(folding.zone);
    write_found(workbook, &look, clock, findings)?;
    members::write_members(named(workbook, MEMBERS)?, &look, manifest, lines)?;
    method::write_method(named(workbook, METHOD)?, &look, manifest)?;
    cells::write_cells(in_a_file(workbook, CELLS)?, &look, clock, sheets.clusters.iter().map(|(line, _)| *line))
}

/// Writes the sheets of the same columns as `problems.csv`, `findings.csv`, `evidence.csv` and `rules.csv`.
fn write_found(workbook: &mut Workbook, look: &Look, clock: Clock, findings: &Findings) -> Result<(), XlsxError> {
    let none = "Nothing was found.";
    let problems = columns::problems(findings.problems());
    let sheet = in_a_file(workbook, PROBLEMS)?;
    write_table(sheet, look, clock, &columns::PROBLEMS, problems.len(), problems.into_iter(), "No problem was found.")?;
    let rows = findings.iter().map(columns::findings);
    write_table(in_a_file(workbook, FINDINGS)?, look, clock, &columns::FINDINGS, rows.len(), rows, none)?;
    let rows = || findings.iter().flat_map(columns::evidence);
    write_table(in_a_file(workbook, EVIDENCE)?, look, clock, &columns::EVIDENCE, rows().count(), rows(), none)?;
    let rows = columns::rules();
    write_table(named(workbook, RULES)?, look, clock, &columns::RULES, rows.len(), rows, none)
}
