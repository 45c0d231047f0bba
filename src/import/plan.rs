//! What is to be done with each file.

use std::io;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::{DataDir, Exported, ExportedFile, ImportError, Ulid, own_lines};
use crate::folder::{ManifestBlock, ManifestOpenMetrics};

/// What becomes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is to be imported.
    Import,
    /// Its block is there.
    There,
    /// The head may hold samples of its time.
    InHead,
}

/// One file.
#[derive(Clone, Debug)]
pub(crate) struct PlannedFile {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// What was written into it.
    pub(crate) block: ManifestBlock,
    /// The name that its block gets.
    pub(crate) ulid: Ulid,
    /// What becomes of it.
    pub(crate) fate: Fate,
}

impl PlannedFile {
    /// Its first sample.
    pub(crate) fn first_ms(&self) -> i64 {
        self.block.first * 1000
    }

    /// Its last sample.
    pub(crate) fn last_ms(&self) -> i64 {
        self.block.last * 1000
    }
}

/// All files of an output folder.
#[derive(Debug)]
pub(crate) struct Plan {
    /// In the order of their time.
    pub(crate) files: Vec<PlannedFile>,
    /// What the manifest says of all.
    pub(crate) written: ManifestOpenMetrics,
    /// Where the head of the server may begin.
    pub(crate) head_ms: i64,
}

impl Plan {
    /// Of an output folder and a data directory; files that are to be imported must be as they were written.
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

    /// The files of a fate.
    pub(crate) fn of(&self, fate: Fate) -> impl Iterator<Item = &PlannedFile> + Clone {
        self.files.iter().filter(move |file| file.fate == fate)
    }

    /// Samples that are to be imported and come before an instant.
    pub(crate) fn samples_before(&self, ms: i64) -> io::Result<u64> {
        let counts = self.of(Fate::Import).map(|file| match file {
            file if file.last_ms() < ms => Ok(file.block.samples),
            file if file.first_ms() >= ms => Ok(0),
            _ => own_lines::samples_before(&file.path, ms),
        });
        counts.sum()
    }
}
