//! `etcd-heatmap lint`: prints the line and column of each fault that makes promtool
//! silently drop or misread samples.

use std::fmt::Write;
use std::fs::File;
use std::io::{self, BufReader, stdin};
use std::path::Path;

use chrono::Utc;
use indicatif::HumanCount;

use super::CommandError;
use super::progress::Reporter;
use super::stdout::print;
use crate::cli::LintArgs;
use crate::openmetrics::{Faults, HeadWindow, Summary, lint};
use crate::text::count;
use crate::time::format_instant;

const BUFFER_BYTES: usize = 1 << 18;

/// Checks each file; prints its faults (even with `--quiet`), or a summary if it has none.
pub(super) fn run(args: &LintArgs, reporter: &Reporter) -> Result<(), CommandError> {
    let head = HeadWindow::before(Utc::now().timestamp_millis());
    let (mut faults, mut bad) = (0, 0);
    for path in &args.files {
        match read(path, head).map_err(|reason| CommandError::Unreadable { path: path.clone(), reason })? {
            Ok(summary) => reporter.summary(&describe(path, &summary))?,
            Err(found) => {
                faults += found.count();
                bad += 1;
                print(&list(path, &found))?;
            }
        }
    }
    match faults {
        0 => Ok(()),
        _ => Err(CommandError::Faulty { faults, bad, files: args.files.len() }),
    }
}

fn read(path: &Path, head: HeadWindow) -> io::Result<Result<Summary, Faults>> {
    if path == Path::new("-") {
        lint(stdin().lock(), Some(head))
    } else {
        lint(BufReader::with_capacity(BUFFER_BYTES, File::open(path)?), Some(head))
    }
}

fn describe(path: &Path, summary: &Summary) -> String {
    format!(
        "{}: {}, {} from {} to {}\n",
        path.display(),
        count(summary.series, "series"),
        count(summary.samples, "sample"),
        format_instant(summary.first_ms),
        format_instant(summary.last_ms),
    )
}

fn list(path: &Path, faults: &Faults) -> String {
    let mut text = String::new();
    for fault in faults.told() {
        let _ = writeln!(text, "{}:{fault}", path.display());
    }
    match faults.count() - faults.told().len() as u64 {
        0 => {}
        more => {
            let _ = writeln!(text, "{}: and {} more", path.display(), HumanCount(more));
        }
    }
    text
}
