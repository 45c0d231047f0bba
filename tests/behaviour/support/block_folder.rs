//! Real blocks of Prometheus in the form in which Thanos and Mimir upload them, and what was pulled from them.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::{Folder, S3, Tree};

/// Copies the blocks of a data directory into the folder `to` of `folder`. The last letter of their names becomes `last`,
/// so that a block can be copied several times; `change` edits `meta.json`. Returns their names, by time.
pub(crate) fn copy_blocks(
    data: &str,
    folder: &Folder,
    to: &str,
    last: char,
    change: impl Fn(&mut Value),
) -> Vec<String> {
    let mut copied: Vec<(i64, String)> = Vec::new();
    for entry in fs::read_dir(data).expect("a data directory").flatten() {
        let Ok(meta) = fs::read_to_string(entry.path().join("meta.json")) else { continue };
        let mut meta: Value = serde_json::from_str(&meta).expect("a description of a block");
        let old = entry.file_name().into_string().expect("a plain name");
        let name = format!("{}{last}", &old[..old.len() - 1]);
        meta["ulid"] = json!(name);
        meta["compaction"]["sources"] = json!([name]);
        meta["thanos"] = json!({ "version": 1, "labels": {}, "downsample": { "resolution": 0 }, "source": "sidecar" });
        change(&mut meta);
        let block = folder.at(&format!("{to}/{name}"));
        copy(&entry.path().join("index"), &format!("{block}/index"));
        for chunks in fs::read_dir(entry.path().join("chunks")).expect("segments").flatten() {
            copy(&chunks.path(), &format!("{block}/chunks/{}", chunks.file_name().to_string_lossy()));
        }
        fs::write(format!("{block}/meta.json"), meta.to_string()).expect("the folder is writable");
        copied.push((meta["minTime"].as_i64().expect("a time"), name));
    }
    copied.sort();
    copied.into_iter().map(|(_, name)| name).collect()
}

fn copy(from: &Path, to: &str) {
    fs::create_dir_all(Path::new(to).parent().expect("a folder")).expect("folders can be made");
    fs::copy(from, to).unwrap_or_else(|error| panic!("cannot copy {}: {error}", from.display()));
}

/// The days of a history, with the name of the source in their footers replaced by one of equal length.
pub(crate) fn days_of(folder: &Folder, out: &str, source: &str) -> Tree {
    let mut tree = folder.tree(&format!("{out}/history"));
    for bytes in tree.values_mut() {
        let found: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(source.as_bytes())).collect();
        assert!(!found.is_empty(), "the footer does not name {source}");
        found.into_iter().for_each(|at| bytes[at..at + source.len()].fill(b'x'));
    }
    tree
}

/// A path in the bucket whose address is as long as this path on disk, so that footers that name them are equally long.
pub(crate) fn as_long_as(s3: &S3, on_disk: &str, last: &str) -> String {
    format!("{}/{last}", "p".repeat(on_disk.len() - s3.at(last).len() - 1))
}
