//! Real blocks of Prometheus in the form in which Thanos and Mimir upload them.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::Folder;

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
