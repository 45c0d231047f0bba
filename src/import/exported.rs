//! The OpenMetrics files that the manifest of an output folder lists.

use std::path::{Path, PathBuf};

use super::ImportError;
use crate::files::FileStat;
use crate::folder::{Manifest, ManifestBlock, ManifestOpenMetrics};

#[derive(Debug)]
pub(crate) struct Exported {
    /// The files in order of time; never empty.
    pub(crate) files: Vec<ExportedFile>,
    /// Block size, retention, families and labels of the files, from the manifest.
    pub(crate) written: ManifestOpenMetrics,
}

/// An OpenMetrics file of the output folder, as its manifest records it.
#[derive(Clone, Debug)]
pub(crate) struct ExportedFile {
    pub(crate) path: PathBuf,
    /// Number of series and samples, and time range, from the manifest.
    pub(crate) block: ManifestBlock,
    /// Size and hash recorded when the file was written.
    pub(super) stat: FileStat,
}

impl Exported {
    /// Lists the OpenMetrics files of an output folder. Fails if it has none.
    pub(crate) fn of(folder: &Path) -> Result<Self, ImportError> {
        let manifest = Manifest::read(folder)?.ok_or_else(|| ImportError::NoManifest(folder.to_owned()))?;
        let written = manifest.openmetrics.filter(|written| !written.blocks.is_empty());
        let written = written.ok_or_else(|| ImportError::NoOpenMetrics(folder.to_owned()))?;
        let listed = |block: &ManifestBlock| {
            let path = folder.join(&block.path);
            match manifest.files.iter().find(|file| file.path == block.path) {
                Some(listed) => Ok(ExportedFile { path, block: block.clone(), stat: listed.stat.clone() }),
                None => Err(ImportError::Changed(path)),
            }
        };
        Ok(Self { files: written.blocks.iter().map(listed).collect::<Result<_, _>>()?, written })
    }
}

impl ExportedFile {
    /// Returns an error if the file has changed since it was written.
    pub(crate) fn check_unchanged(&self) -> Result<(), ImportError> {
        match FileStat::read(&self.path)? == self.stat {
            true => Ok(()),
            false => Err(ImportError::Changed(self.path.clone())),
        }
    }

    /// Time of the last sample, in milliseconds.
    pub(super) fn last_ms(&self) -> i64 {
        self.block.last * 1000
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn a_file_that_was_changed_after_it_was_written_is_an_error() {
        let scratch = Scratch::new();
        let path = scratch.path().join("x.om");
        std::fs::write(&path, "x 1 60\n").unwrap();
        let block = ManifestBlock { path: "x.om".to_owned(), series: 1, samples: 1, first: 30, last: 60 };
        let file = ExportedFile { stat: FileStat::read(&path).unwrap(), path, block };
        assert_eq!(file.last_ms(), 60_000);
        file.check_unchanged().unwrap();
        std::fs::write(&file.path, "x 2 60\n").unwrap();
        assert!(matches!(file.check_unchanged(), Err(ImportError::Changed(path)) if path == file.path));
    }
}
