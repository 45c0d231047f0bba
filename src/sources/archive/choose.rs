//! Chooses what to read, and names the rest.

use std::path::{Path, PathBuf};

use super::dumps::{DumpFile, Dumps};
use super::error::ArchiveError;
use super::survey::{DataFiles, Survey};
use super::unpack::ArchivedData;
use super::{Found, Recognized};
use crate::text::count;

/// Most names in a message.
const MOST_NAMES: usize = 6;

/// A data directory: archive, path and files.
type Data = ((Option<PathBuf>, String), DataFiles);

/// Chooses by the rule of the module's documentation.
pub(super) fn choose(path: &Path, survey: Survey) -> Result<Recognized, ArchiveError> {
    let Survey { data, dumps, alike, names, mut failed, mut notes } = survey;
    let (empty, dumps): (Vec<_>, Vec<_>) = dumps.into_iter().partition(|dump| dump.bytes == 0);
    // A snapshot in a data directory has a part of its samples.
    let is_snapshot = |archive: &Option<PathBuf>, root: &str| {
        let of = root.rsplit_once("/snapshots/").map(|(of, _)| of).or(root.strip_prefix("snapshots/").map(|_| ""));
        of.is_some_and(|of| data.contains_key(&(archive.clone(), of.to_owned())))
    };
    let snapshots: Vec<_> = data.keys().filter(|(archive, root)| is_snapshot(archive, root)).cloned().collect();
    let (snapshots, data): (Vec<Data>, Vec<Data>) = data.into_iter().partition(|(key, _)| snapshots.contains(key));
    let (mut blocks, mut logs): (Vec<_>, Vec<_>) = data.into_iter().partition(|(_, files)| files.has_blocks());
    for data in [&mut blocks, &mut logs] {
        data.sort_by_key(|(_, files)| std::cmp::Reverse(files.bytes()));
    }
    let data = match (blocks.is_empty(), dumps.is_empty(), logs.is_empty()) {
        (false, ..) => Some(blocks.remove(0)),
        (true, true, false) => Some(logs.remove(0)),
        _ => None,
    };
    let (chosen, other_dumps) = if data.is_some() { (None, dumps) } else { (Some(dumps), Vec::new()) };
    let ignored = blocks
        .iter()
        .chain(&logs)
        .chain(&snapshots)
        .map(|data| format!("{} with {}", place(data), count(data.1.bytes(), "byte")));
    let ignored: Vec<String> = ignored.chain(other_dumps.iter().map(ToString::to_string)).collect();
    let empty: Vec<String> = empty.iter().map(ToString::to_string).collect();
    notes.extend(note("Found but not read", &ignored));
    notes.extend(note("Empty and not read", &empty));
    let found = match (data, chosen) {
        (Some(data), _) => found_data(data)?,
        (None, Some(dumps)) if !dumps.is_empty() => found_dumps(dumps),
        _ if !alike.is_empty() => found_dumps(alike),
        // The samples may be in what cannot be read.
        _ if !failed.is_empty() => return Err(failed.swap_remove(0)),
        _ => {
            let names: Vec<String> = names.into_iter().collect();
            let inside = if names.is_empty() { "nothing".to_owned() } else { list(&names) };
            // What is named like samples, but empty or unreadable, explains more than the names.
            let inside = [vec![inside], notes].concat().join("; ");
            return Err(ArchiveError::Nothing { path: path.to_owned(), inside });
        }
    };
    notes.extend(failed.iter().map(|error| format!("Not read: {error}")));
    Ok(Recognized { found, notes })
}

fn found_dumps(mut dumps: Vec<DumpFile>) -> Found {
    dumps.sort();
    Found::Dumps(Dumps::new(dumps))
}

fn found_data(((archive, root), files): Data) -> Result<Found, ArchiveError> {
    let Some(archive) = archive else { return Ok(Found::DataDirectory(PathBuf::from(root))) };
    if let Some((entry, problem)) = files.refused {
        return Err(ArchiveError::Entry { file: archive, entry, problem });
    }
    Ok(Found::ArchivedData(ArchivedData::new(archive, root, files.files, files.links)))
}

/// Where a data directory is.
fn place(((archive, root), _): &Data) -> String {
    match archive {
        Some(archive) => format!("{}: {}", archive.display(), if root.is_empty() { "." } else { root }),
        None => root.clone(),
    }
}

fn note(what: &str, names: &[String]) -> Option<String> {
    (!names.is_empty()).then(|| format!("{what}: {}", list(names)))
}

/// Some names, and the number of the others.
fn list(names: &[String]) -> String {
    let shown = names[..names.len().min(MOST_NAMES)].join(", ");
    match names.len().saturating_sub(MOST_NAMES) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
