//! The texts that an import into Prometheus prints.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use crate::import::{Fate, ImportError, Plan, PlannedFile, Promtool};
use crate::outputs::Retention;
use crate::text::count;
use crate::time::{HOUR_MS, format_instant};

/// Age at which a sample has left the head: Prometheus cuts a block within minutes once the head spans three hours.
const LEAVES_HEAD_MS: i64 = 3 * HOUR_MS + HOUR_MS / 4;
/// Maximum number of files that an error names.
const NAMED: usize = 3;

/// The plan printed by `--dry-run`, one line per file.
pub(super) fn plan(plan: &Plan, promtool: &Promtool, data: &Path) -> String {
    let mut text = format!("using {promtool}, into {}:\n", data.display());
    for file in &plan.files {
        let fate = match file.fate {
            Fate::Import => format!("would become the block {}", file.ulid),
            Fate::There => "already imported".to_owned(),
            Fate::InHead => "too recent: its time range may still be in the head".to_owned(),
        };
        let (samples, range) = (count(file.block.samples, "sample"), range([file].into_iter()));
        let _ = writeln!(text, "  {}  {samples}{range}: {fate}", file.block.path);
    }
    text.push_str("nothing was written; existing values were not compared\n");
    text
}

/// The summary that a finished import prints.
pub(super) fn summary(plan: &Plan, took: Duration) -> String {
    let of = |fate| plan.of(fate).count();
    let there = match of(Fate::There) {
        0 => String::new(),
        there => format!("{there} of {} already existed\n", count(plan.files.len(), "block")),
    };
    if of(Fate::Import) == 0 {
        return format!("{there}nothing was imported\n");
    }
    let samples = count(plan.of(Fate::Import).map(|file| file.block.samples).sum::<u64>(), "sample");
    let series = plan.of(Fate::Import).map(|file| file.block.series).max().unwrap_or(0);
    format!(
        "{there}imported {}, {samples}{} (at most {series} series a block) in {:.1} s; a running Prometheus sees them within a minute or two\n",
        count(of(Fate::Import), "block"),
        range(plan.of(Fate::Import)),
        took.as_secs_f64()
    )
}

/// The warning about samples that the server will delete.
pub(super) fn too_old(samples: u64, retention: &Retention, before_ms: i64) -> String {
    format!(
        "{} before {} will be deleted by the server after the import, because its retention is {retention}; set --retention to your server's retention",
        count(samples, "sample"),
        format_instant(before_ms)
    )
}

/// Returns an error if the import left out files whose time range may still be in the head.
pub(super) fn left(plan: &Plan) -> Result<(), ImportError> {
    let left: Vec<&PlannedFile> = plan.of(Fate::InHead).collect();
    let Some(last_ms) = left.iter().map(|file| file.last_ms()).max() else { return Ok(()) };
    let mut names: Vec<&str> = left.iter().take(NAMED).map(|file| file.block.path.as_str()).collect();
    let more = format!("{} more", left.len().saturating_sub(NAMED));
    if left.len() > NAMED {
        names.push(&more);
    }
    let was = if left.len() == 1 { "was" } else { "were" };
    Err(ImportError::InHead {
        left: format!("{} {was}", count(left.len(), "file")),
        names: names.join(", "),
        head_ms: plan.head_ms / 1000 * 1000,
        again_ms: last_ms + LEAVES_HEAD_MS,
    })
}

fn range<'f>(files: impl Iterator<Item = &'f PlannedFile> + Clone) -> String {
    let (first, last) = (files.clone().map(PlannedFile::first_ms).min(), files.map(PlannedFile::last_ms).max());
    match (first, last) {
        (Some(first), Some(last)) => format!(" from {} to {}", format_instant(first), format_instant(last)),
        _ => String::new(),
    }
}
