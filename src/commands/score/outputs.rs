//! What an earlier scoring left in the output folder.

use std::fs;
use std::path::{Path, PathBuf};

use crate::export::{CELLS, COMPARISON, FINDINGS};
use crate::history::FileError;
use crate::time::UtcDay;

/// What scoring writes one of.
pub(in crate::commands) const SINGLE: [&str; 9] = [
    CELLS,
    "heatmap.csv",
    "heatmap_wide.csv",
    FINDINGS,
    "report.html",
    "heatmap.xlsx",
    "heatmap.svg",
    "heatmap.png",
    COMPARISON,
];

/// Removes what an earlier scoring wrote, and only that, so that no file of another range or profile
/// stays. Folders go when nobody else has put anything in them.
pub(super) fn remove_outputs(out: &Path) -> Result<(), FileError> {
    let is_day = |name: &str| name.strip_prefix("date=").is_some_and(|date| date.parse::<UtcDay>().is_ok());
    let scores = out.join("scores");
    for day in entries(&scores, is_day)? {
        remove(&day.join("scores.parquet"))?;
        let _ = fs::remove_dir(day);
    }
    let openmetrics = out.join("openmetrics");
    for file in entries(&openmetrics, |name| name.starts_with("etcd_score-") && name.ends_with(".om"))? {
        remove(&file)?;
    }
    for folder in [scores, openmetrics] {
        let _ = fs::remove_dir(folder);
    }
    for name in SINGLE {
        remove(&out.join(name))?;
    }
    Ok(())
}

/// What lies in a folder and has such a name; nothing where there is no folder.
fn entries(folder: &Path, has_name: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>, FileError> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let failed = |e| FileError::new("read", folder, e);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_name().to_str().is_some_and(&has_name) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

fn remove(file: &Path) -> Result<(), FileError> {
    match fs::remove_file(file) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(FileError::new("replace", file, e)),
        _ => Ok(()),
    }
}
