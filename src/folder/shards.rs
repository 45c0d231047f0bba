//! The folders of shards in an output folder: each is an output folder of its own.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::{HISTORY, MANIFEST};
use crate::files::FileError;
use crate::readings::Shard;

const SHARDS: &str = "shards";

/// The output folder of a shard: `shards/3-of-16` in the output folder `out`.
pub(crate) fn shard_folder(out: &Path, shard: Shard) -> PathBuf {
    out.join(SHARDS).join(shard.folder())
}

/// Whether a path in an output folder is of the history of a shard, or its manifest.
pub(crate) fn is_in_shard(path: &str) -> bool {
    let inside = path.strip_prefix(SHARDS).and_then(|rest| rest.strip_prefix('/')?.split_once('/'));
    inside.is_some_and(|(shard, file)| Shard::in_folder(shard).is_some() && (file == MANIFEST || HISTORY.has(file)))
}

/// The shards with a folder in the output folder `out`, in order.
pub(crate) fn shards_in(out: &Path) -> Result<Vec<Shard>, FileError> {
    let folder = out.join(SHARDS);
    let failed = |e| FileError::new("read", &folder, e);
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(failed(e)),
    };
    let mut shards = Vec::new();
    for entry in entries {
        shards.extend(entry.map_err(failed)?.file_name().to_str().and_then(Shard::in_folder));
    }
    shards.sort_unstable();
    Ok(shards)
}
