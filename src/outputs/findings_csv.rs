//! `findings.csv`, one row per finding, with its evidence in `evidence.csv` and the rules in `rules.csv`.

use super::OutputError;
use super::output::{Needs, Output, OwnedFiles, Scored};
use super::shared::tables::{self, EVIDENCE, FINDINGS, RULES};
use crate::analysis::findings::Finding;
use crate::files::WholeFile;
use crate::folder::{Owned, Written};

const FINDINGS_CSV: &str = "findings.csv";
const EVIDENCE_CSV: &str = "evidence.csv";
const RULES_CSV: &str = "rules.csv";

pub(crate) struct FindingsCsv;

impl Output for FindingsCsv {
    fn name(&self) -> &'static str {
        "findings"
    }

    fn about(&self) -> &'static str {
        "findings.csv, with evidence.csv and rules.csv"
    }

    fn files(&self) -> &'static [OwnedFiles] {
        &[
            OwnedFiles { owned: Owned::Single(FINDINGS_CSV), row: "finding" },
            OwnedFiles { owned: Owned::Single(EVIDENCE_CSV), row: "value" },
            OwnedFiles { owned: Owned::Single(RULES_CSV), row: "rule" },
        ]
    }

    fn needs(&self) -> Needs {
        Needs { findings: true, ..Needs::default() }
    }

    fn write_all(&self, scored: &Scored<'_>) -> Result<Vec<Written>, OutputError> {
        let all = || scored.findings.iter();
        let files = [
            (FINDINGS_CSV, tables::csv(&FINDINGS, all().map(tables::findings))),
            (EVIDENCE_CSV, tables::csv(&EVIDENCE, all().flat_map(tables::evidence))),
            (RULES_CSV, tables::csv(&RULES, tables::rules())),
        ];
        let write = |(name, (text, rows)): (&str, (String, u64))| {
            let path = scored.out.join(name);
            let stat = WholeFile::write(&path, text.as_bytes())?;
            Ok(Written::new(scored.out, &path, rows, stat))
        };
        files.into_iter().map(write).collect()
    }
}

/// Findings as CSV in the given order, like `findings.csv`.
pub(crate) fn findings_csv<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> String {
    tables::csv(&FINDINGS, findings.into_iter().map(tables::findings)).0
}
