//! Decides which OpenMetrics files of an output folder to import.

use std::io;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::{DataDir, Exported, ExportedFile, ImportError, Ulid, own_lines};
use crate::folder::{ManifestBlock, ManifestOpenMetrics};

/// Whether a file is imported, or why it is skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Import,
    /// The data directory already holds the block of this file.
    There,
    /// Samples of the file may still be in the server's head.
    InHead,
}

/// An OpenMetrics file, and whether to import it.
#[derive(Clone, Debug)]
pub(crate) struct PlannedFile {
    pub(crate) path: PathBuf,
    /// Number of series and samples, and time range, from the manifest.
    pub(crate) block: ManifestBlock,
    /// Name of the block made from the file.
    pub(crate) ulid: Ulid,
    pub(crate) fate: Fate,
}

impl PlannedFile {
    /// Time of the first sample, in milliseconds.
    pub(crate) fn first_ms(&self) -> i64 {
        self.block.first * 1000
    }

    /// Time of the last sample, in milliseconds.
    pub(crate) fn last_ms(&self) -> i64 {
        self.block.last * 1000
    }
}

/// The plan for all files of an output folder.
#[derive(Debug)]
pub(crate) struct Plan {
    /// All files of the folder, ordered by time.
    pub(crate) files: Vec<PlannedFile>,
    /// Block size, retention, families and labels of the files, from the manifest.
    pub(crate) written: ManifestOpenMetrics,
    /// Earliest instant that may be in the server's head, in milliseconds.
    pub(crate) head_ms: i64,
}

impl Plan {
    /// Plans an import. Fails if a file to be imported has changed since it was written.
    pub(crate) fn new(folder: &Path, data: &DataDir, now_ms: i64) -> Result<Self, ImportError> {
        let Exported { files, written } = Exported::of(folder)?;
        let head_ms = data.head_begins_ms(now_ms);
        let plan = |file: ExportedFile| {
            let ulid = Ulid::of_file(file.last_ms(), &file.stat.sha256);
            let fate = match () {
                () if data.holds(ulid) => Fate::There,
                () if file.last_ms() >= head_ms => Fate::InHead,
                () => Fate::Import,
            };
            if fate == Fate::Import {
                file.check_unchanged()?;
            }
            Ok(PlannedFile { path: file.path, block: file.block, ulid, fate })
        };
        let files = files.into_par_iter().map(plan).collect::<Result<_, ImportError>>()?;
        Ok(Self { files, written, head_ms })
    }

    /// The files with this fate.
    pub(crate) fn of(&self, fate: Fate) -> impl Iterator<Item = &PlannedFile> + Clone {
        self.files.iter().filter(move |file| file.fate == fate)
    }

    /// Counts the samples that are older than `ms` in the files to be imported.
    pub(crate) fn samples_before(&self, ms: i64) -> io::Result<u64> {
        let counts = self.of(Fate::Import).map(|file| match file {
            file if file.last_ms() < ms => Ok(file.block.samples),
            file if file.first_ms() >= ms => Ok(0),
            _ => own_lines::samples_before(&file.path, ms),
        });
        counts.sum()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn a_sample_at_the_edge_of_the_retention_stays() {
        let folder = Scratch::new();
        let file = |name: &str, seconds: [i64; 2]| {
            let path = folder.path().join(name);
            let [first, last] = seconds;
            std::fs::write(&path, format!("# TYPE a gauge\na 1 {first}\na 1 {last}\n# EOF\n")).unwrap();
            let block = ManifestBlock { path: name.to_owned(), series: 1, samples: 2, first, last };
            PlannedFile { path, block, ulid: Ulid::of_file(0, name), fate: Fate::Import }
        };
        let files = vec![file("a.om", [60, 120]), file("b.om", [180, 240])];
        let there = PlannedFile { fate: Fate::There, ..file("c.om", [0, 30]) };
        let written = ManifestOpenMetrics {
            block_hours: 2,
            retention: "15d".to_owned(),
            emit: Vec::new(),
            labels: std::collections::BTreeMap::new(),
            blocks: Vec::new(),
        };
        let plan = Plan { files: files.into_iter().chain([there]).collect(), written, head_ms: 0 };
        for (ms, before) in [
            (60_000, 0),
            (60_001, 1),
            (120_000, 1),
            (120_001, 2),
            (180_000, 2),
            (180_001, 3),
            (240_000, 3),
            (240_001, 4),
        ] {
            assert_eq!(plan.samples_before(ms).unwrap(), before, "{ms}");
        }
    }

    #[test]
    fn the_ends_of_a_file_are_in_milliseconds() {
        let block = ManifestBlock { path: "a.om".to_owned(), series: 1, samples: 2, first: 60, last: 120 };
        let ulid = Ulid::of_file(0, "a.om");
        let file = PlannedFile { path: PathBuf::from("a.om"), block, ulid, fate: Fate::Import };
        assert_eq!((file.first_ms(), file.last_ms()), (60_000, 120_000));
    }
}
