//! What is in a folder, without following links.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::dumps::DumpFile;
use super::error::ArchiveError;
use super::names::{self, Kind};
use super::survey::{SNIFFED, Survey};
use super::walk;
use crate::sources::dump::looks_like_dump;

/// How deep folders are read: a must-gather has at most about ten levels.
const MOST_DEPTH: usize = 24;

/// Files that are neither dumps nor in a data directory.
#[derive(Default)]
struct Rest {
    archives: Vec<PathBuf>,
    others: Vec<PathBuf>,
}

/// Adds what is in a folder; archives in it and files that begin like dumps only if there is nothing else.
pub(super) fn survey(dir: &Path, survey: &mut Survey) -> Result<(), ArchiveError> {
    let is_block = ["meta.json", "index", "chunks"].iter().all(|name| dir.join(name).exists());
    if is_block {
        return Err(ArchiveError::SingleBlock { path: dir.to_owned() });
    }
    let mut rest = Rest::default();
    read(dir, dir, 0, survey, &mut rest)?;
    let found = !survey.data.is_empty() || survey.dumps.iter().any(|dump| dump.bytes > 0);
    for archive in &rest.archives {
        if found {
            survey.notes.push(format!("{} is not read: the folder has samples itself", archive.display()));
            continue;
        }
        // One damaged archive of logs must not hide the samples in another one.
        let result = walk::is_archive(archive).and_then(|is| if is { survey.archive(archive) } else { Ok(()) });
        survey.failed.extend(result.err());
    }
    if survey.data.is_empty() && survey.dumps.is_empty() {
        survey.alike.extend(rest.others.into_iter().filter(|path| begins_like_dump(path)).map(DumpFile::in_folder));
    }
    Ok(())
}

fn begins_like_dump(path: &Path) -> bool {
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(SNIFFED).read_to_end(&mut start));
    read.is_ok() && looks_like_dump(&start)
}

fn read(top: &Path, dir: &Path, depth: usize, survey: &mut Survey, rest: &mut Rest) -> Result<(), ArchiveError> {
    let io = |source| ArchiveError::Io { file: dir.to_owned(), source };
    let mut entries = fs::read_dir(dir).map_err(io)?.collect::<Result<Vec<_>, _>>().map_err(io)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        // The type of the entry itself: a link is neither a folder nor a file.
        let (path, kind) = (entry.path(), entry.file_type().map_err(io)?);
        if depth == 0 {
            survey.name(&entry.file_name().to_string_lossy());
        }
        if kind.is_dir() && depth < MOST_DEPTH {
            // The samples may be elsewhere: each file system has a folder lost+found that only root can read.
            let failed = read(top, &path, depth + 1, survey, rest).err();
            survey.failed.extend(failed);
        } else if kind.is_file() {
            file(top, path, survey, rest);
        }
    }
    Ok(())
}

fn file(top: &Path, path: PathBuf, survey: &mut Survey, rest: &mut Rest) {
    let inside = path.strip_prefix(top).unwrap_or(&path).components();
    let inside = inside.map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/");
    match names::kind(&inside) {
        Kind::Data(root, inside) => {
            let root = if root.is_empty() { top.to_owned() } else { top.join(root) };
            let bytes = path.metadata().map_or(0, |metadata| metadata.len());
            let key = (None, root.to_string_lossy().into_owned());
            survey.data.entry(key).or_default().files.insert(inside, bytes);
        }
        Kind::Dump => survey.dumps.push(DumpFile::in_folder(path)),
        Kind::Archive => rest.archives.push(path),
        Kind::Other => rest.others.push(path),
    }
}
