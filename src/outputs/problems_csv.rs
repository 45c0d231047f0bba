//! `problems.csv`: one row per problem, by rank.

use super::OutputError;
use super::output::{Needs, Output, OwnedFiles, Scored};
use super::shared::tables::{self, PROBLEMS};
use crate::files::WholeFile;
use crate::folder::{Owned, Written};

const PROBLEMS_CSV: &str = "problems.csv";

pub(crate) struct ProblemsCsv;

impl Output for ProblemsCsv {
    fn name(&self) -> &'static str {
        "problems"
    }

    fn about(&self) -> &'static str {
        "problems.csv, one row per problem"
    }

    fn files(&self) -> &'static [OwnedFiles] {
        &[OwnedFiles { owned: Owned::Single(PROBLEMS_CSV), row: "problem" }]
    }

    fn needs(&self) -> Needs {
        Needs { findings: true, ..Needs::default() }
    }

    fn write(&self, scored: &Scored<'_>) -> Result<Option<Written>, OutputError> {
        let path = scored.out.join(PROBLEMS_CSV);
        let (text, rows) = tables::csv(&PROBLEMS, tables::problems(scored.findings.problems()));
        let stat = WholeFile::write(&path, text.as_bytes())?;
        Ok(Some(Written::new(scored.out, &path, rows, stat)))
    }
}
