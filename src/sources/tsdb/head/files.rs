//! Which files the head consists of.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::error::HeadError;

/// Folders of checkpoints begin with this.
const CHECKPOINT: &str = "checkpoint.";

/// A segment of a log.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    Segment(PathBuf),
    /// A segment that must have existed, because later ones do. More may be missing after it.
    Missing(PathBuf),
}

/// The files of the head, in the order in which they were written.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// The newest checkpoint: what older, removed segments contained and was still needed.
    pub(super) checkpoint: Vec<Part>,
    /// Segments after the checkpoint. The last one may still be written.
    pub(super) wal: Vec<Part>,
    /// The log of samples out of order.
    pub(super) wbl: Vec<Part>,
    /// Files of chunks, and whether their numbers have no gap.
    pub(super) chunks: Vec<PathBuf>,
    pub(super) chunks_are_complete: bool,
}

impl Files {
    /// Lists the files in a data directory. Folders that do not exist are empty.
    pub(super) fn list(data_dir: &Path) -> Result<Self, HeadError> {
        let (wal_dir, wbl_dir) = (data_dir.join("wal"), data_dir.join("wbl"));
        let (mut start, mut checkpoint) = (0, Vec::new());
        if let Some((number, dir)) = newest_checkpoint(&wal_dir)? {
            start = number.saturating_add(1);
            checkpoint = parts(&dir, 0, numbered(&dir)?);
            if checkpoint.is_empty() {
                checkpoint.push(Part::Missing(dir.join("00000000")));
            }
        }
        let mut wal = numbered(&wal_dir)?;
        // A server that stops between writing a checkpoint and removing segments leaves both.
        wal.retain(|(number, _)| *number >= start);
        let wbl = numbered(&wbl_dir)?;
        let wbl_start = wbl.first().map_or(0, |(number, _)| *number);
        let chunks = numbered(&data_dir.join("chunks_head"))?;
        Ok(Self {
            checkpoint,
            wal: parts(&wal_dir, start, wal),
            wbl: parts(&wbl_dir, wbl_start, wbl),
            chunks_are_complete: chunks.windows(2).all(|pair| pair[0].0.checked_add(1) == Some(pair[1].0)),
            chunks: chunks.into_iter().map(|(_, path)| path).collect(),
        })
    }

    /// The first segment that is missing.
    pub(super) fn missing(&self) -> Option<&Path> {
        let mut parts = self.checkpoint.iter().chain(&self.wal).chain(&self.wbl);
        parts.find_map(|part| match part {
            Part::Missing(path) => Some(path.as_path()),
            Part::Segment(_) => None,
        })
    }
}

/// The complete checkpoint with the highest number: temporary ones have another name.
fn newest_checkpoint(wal: &Path) -> Result<Option<(u64, PathBuf)>, HeadError> {
    let number = |name: &str| decimal(name.strip_prefix(CHECKPOINT)?);
    Ok(list(wal, number)?.into_iter().next_back())
}

/// Files whose name is a number, in ascending order.
fn numbered(dir: &Path) -> Result<Vec<(u64, PathBuf)>, HeadError> {
    list(dir, decimal)
}

fn decimal(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

fn list(dir: &Path, number: impl Fn(&str) -> Option<u64>) -> Result<Vec<(u64, PathBuf)>, HeadError> {
    let io = |source: io::Error| HeadError::Io { file: dir.to_owned(), source };
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(io)?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(io)?.path();
        let number = path.file_name().and_then(|name| number(name.to_str()?));
        files.extend(number.map(|number| (number, path)));
    }
    files.sort();
    Ok(files)
}

/// Segments, and the first one of each gap in their numbers from `start` on.
fn parts(dir: &Path, start: u64, files: Vec<(u64, PathBuf)>) -> Vec<Part> {
    let mut expected = start;
    let mut parts = Vec::new();
    for (number, path) in files {
        if number != expected {
            parts.push(Part::Missing(dir.join(format!("{expected:08}"))));
        }
        parts.push(Part::Segment(path));
        expected = number.saturating_add(1);
    }
    parts
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    /// Paths in the folder, after `-` if they are missing.
    fn names(scratch: &Scratch, parts: &[Part]) -> Vec<String> {
        let name = |path: &Path| path.strip_prefix(scratch.path()).unwrap().display().to_string();
        let name = |part: &Part| match part {
            Part::Segment(path) => name(path),
            Part::Missing(path) => format!("-{}", name(path)),
        };
        parts.iter().map(name).collect()
    }

    #[test]
    fn the_newest_checkpoint_replaces_older_ones_and_segments() {
        let scratch = Scratch::new();
        for file in ["checkpoint.00000003/00000000", "checkpoint.00000005/00000000", "checkpoint.00000005/00000001"] {
            scratch.write(&format!("wal/{file}"), b"");
        }
        for file in ["wal/checkpoint.00000009.tmp/00000000", "wal/00000005", "wal/00000007", "wal/00000006", "wal/x"] {
            scratch.write(file, b"");
        }
        scratch.write("chunks_head/000002", b"");
        scratch.write("wbl/00000004", b"");
        let files = Files::list(scratch.path()).unwrap();
        let checkpoint = ["wal/checkpoint.00000005/00000000", "wal/checkpoint.00000005/00000001"];
        assert_eq!(names(&scratch, &files.checkpoint), checkpoint);
        assert_eq!(names(&scratch, &files.wal), ["wal/00000006", "wal/00000007"]);
        assert_eq!(names(&scratch, &files.wbl), ["wbl/00000004"]);
        assert!(files.chunks.len() == 1 && files.chunks_are_complete && files.missing().is_none());
        std::fs::create_dir(scratch.path().join("wal/checkpoint.00000006")).unwrap();
        let files = Files::list(scratch.path()).unwrap();
        assert_eq!(names(&scratch, &files.checkpoint), ["-wal/checkpoint.00000006/00000000"]);
        assert_eq!(names(&scratch, &files.wal), ["wal/00000007"]);
    }

    #[test]
    fn gaps_are_named_and_missing_folders_empty() {
        let scratch = Scratch::new();
        let files = Files::list(scratch.path()).unwrap();
        assert!(files.wal.is_empty() && files.chunks.is_empty() && files.missing().is_none());
        for file in ["wal/00000002", "wal/00000003", "wal/00000006", "wbl/00000003", "wbl/00000005"] {
            scratch.write(file, b"");
        }
        scratch.write("chunks_head/000002", b"");
        scratch.write("chunks_head/000004", b"");
        let files = Files::list(scratch.path()).unwrap();
        let wal = ["-wal/00000000", "wal/00000002", "wal/00000003", "-wal/00000004", "wal/00000006"];
        assert_eq!(names(&scratch, &files.wal), wal);
        assert_eq!(names(&scratch, &files.wbl), ["wbl/00000003", "-wbl/00000004", "wbl/00000005"]);
        assert!(!files.chunks_are_complete);
        assert_eq!(files.missing(), Some(scratch.path().join("wal/00000000").as_path()));
    }
}
