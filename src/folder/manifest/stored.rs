//! The manifest as a file: reading, writing, and upgrading older formats.

use std::path::Path;

use serde_json::Value;

use super::super::FolderError;
use super::Manifest;
use crate::files::{FileError, WholeFile};

/// The name of the manifest in an output folder.
pub(crate) const MANIFEST: &str = "manifest.json";

/// The format that this version writes, and the latest that it reads. A manifest of format 1 has no `format` field,
/// and has the URL of the server in `asked.url` instead of `source`.
pub(super) const FORMAT: u64 = 2;
/// The first format that lists the requested ranges, so that a range that was never requested is
/// not taken for missing data.
pub(super) const FORMAT_WITH_RANGES: u64 = 2;

/// The format of a manifest that has no `format` field.
pub(super) const fn first_format() -> u64 {
    1
}

impl Manifest {
    /// Reads the manifest of an output folder; `None` if there is none. Fails if it is unreadable or broken, or its
    /// format is later than [`FORMAT`].
    pub(crate) fn read(out: &Path) -> Result<Option<Self>, FolderError> {
        let path = out.join(MANIFEST);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(FileError::new("read", &path, e).into()),
        };
        let broken = |e: serde_json::Error| FolderError::BrokenManifest { path: path.clone(), reason: e.to_string() };
        let mut value: Value = serde_json::from_slice(&text).map_err(broken)?;
        if value["format"].as_u64().is_some_and(|format| format > FORMAT) {
            let version = value["version"].as_str().unwrap_or("of a later version").to_owned();
            return Err(FolderError::LaterManifest { path, version });
        }
        upgrade(&mut value);
        serde_json::from_value(value).map(Some).map_err(broken)
    }

    /// Writes the manifest to the output folder.
    pub(crate) fn write(&self, out: &Path) -> Result<(), FolderError> {
        let path = out.join(MANIFEST);
        let mut text = serde_json::to_string_pretty(self).map_err(|e| FileError::new("write", &path, e.into()))?;
        text.push('\n');
        WholeFile::write(&path, text.as_bytes())?;
        Ok(())
    }
}

/// Sets `source` in a manifest of format 1, from the URL in `asked.url`.
fn upgrade(manifest: &mut Value) {
    let url = manifest["asked"]["url"].as_str().map(str::to_owned);
    if let (Some(fields), Some(url)) = (manifest.as_object_mut(), url) {
        fields.entry("source").or_insert_with(|| serde_json::json!({ "kind": "prometheus", "url": url }));
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;
    use crate::readings::Origin;
    use crate::scratch::Scratch;
    use crate::spec::{Metric, Profile, Rule};

    /// A manifest that version 0.1.0 wrote, shortened to two files.
    const OLD: &str = include_str!("0.1.0.json");

    fn read(text: &str) -> Result<Option<Manifest>, FolderError> {
        let scratch = Scratch::new();
        std::fs::write(scratch.path().join(MANIFEST), text).unwrap();
        Manifest::read(scratch.path())
    }

    #[test]
    fn the_url_in_a_manifest_of_0_1_0_becomes_its_source() {
        let manifest = read(OLD).unwrap().unwrap();
        assert_eq!(manifest.source, Origin::server("http://127.0.0.1:9090", Default::default()));
        assert_eq!(manifest.asked.start, "2026-10-01T00:00:00Z");
        assert_eq!(manifest.asked_ranges(), None, "the format has no ranges, so gaps cannot be excluded");
        assert_eq!(manifest.profile().unwrap().name, "seed");
        assert_eq!((manifest.history.len(), manifest.files.len()), (1, 1));
    }

    #[test]
    fn a_metric_that_the_manifest_lacks_has_no_weight() {
        let mut older: Value = serde_json::from_str(OLD).unwrap();
        older["profile"]["rules"].as_object_mut().unwrap().remove("db_size").unwrap();
        let profile = read(&older.to_string()).unwrap().unwrap().profile().unwrap();
        assert_eq!(profile.rule(Metric::DbSize), &Rule::default());
        assert_eq!(profile.rule(Metric::WalFsync), Profile::seed().rule(Metric::WalFsync));
    }

    #[test]
    fn a_folder_without_a_manifest_is_not_an_error() {
        assert!(Manifest::read(Scratch::new().path()).unwrap().is_none());
    }

    #[test]
    fn a_broken_manifest_is_reported_with_its_path_and_fault() {
        for (text, fault) in
            [("{\"version\": ", "EOF"), ("[]", "invalid"), ("{\"version\": \"0.1.0\"}", "missing field")]
        {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains("manifest.json is broken") && error.contains(fault), "{text}: {error}");
        }
    }

    #[test]
    fn a_manifest_of_a_later_format_is_rejected_with_the_version_that_wrote_it() {
        let error = read("{\"version\": \"9.8.7\", \"format\": 3, \"all\": \"else differs\"}").unwrap_err().to_string();
        assert!(error.contains("etcd-heatmap 9.8.7") && error.contains("update etcd-heatmap"), "{error}");
    }
}
