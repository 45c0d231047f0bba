//! The manifest as a file: reading, writing, and upgrading older formats.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::super::FolderError;
use super::{Manifest, ManifestMember, NEVER};
use crate::files::{FileError, WholeFile};
use crate::score::Rollup;
use crate::text::terminal::terminal_label;
use crate::time::{CellWidth, Zone, parse_instant};

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
        let broken = |reason: String| FolderError::BrokenManifest { path: path.clone(), reason };
        let mut value: Value = serde_json::from_slice(&text).map_err(|e| broken(damage(&text, &e)))?;
        if value["format"].as_u64().is_some_and(|format| format > FORMAT) {
            let version = value["version"].as_str().unwrap_or("of a later version").to_owned();
            return Err(FolderError::LaterManifest { path, version });
        }
        if let Some(reason) = foreign(&value) {
            return Err(FolderError::ForeignManifest { path, reason });
        }
        upgrade(&mut value);
        let version = value["version"].as_str().map(str::to_owned);
        let read = serde_json::from_value(value).map_err(|e| e.to_string());
        let read = read.and_then(|manifest: Self| manifest.check().map(|()| manifest));
        read.map(Some).map_err(|reason| match version {
            Some(version) if is_older(&version) => FolderError::OldManifest { path: path.clone(), version, reason },
            _ => broken(reason),
        })
    }

    /// Fails if a value is invalid: an invalid setting must not be taken for one that was not set.
    fn check(&self) -> Result<(), String> {
        let is_scored = self.profile.is_some();
        let settings = [
            ("rollup", self.rollup.as_deref().map(|text| text.parse::<Rollup>().is_ok())),
            ("time_zone", self.time_zone.as_deref().map(|text| text.parse::<Zone>().is_ok())),
            ("cell", self.cell.as_deref().map(|text| text.parse::<CellWidth>().is_ok())),
            ("profile", self.profile.as_ref().map(|_| self.profile().is_some())),
        ];
        for (name, is_valid) in settings {
            match is_valid {
                Some(false) => return Err(format!("invalid {name}")),
                None if is_scored => return Err(format!("missing field `{name}`")),
                _ => {}
            }
        }
        let is_time = |text: &String| parse_instant(text, 0).is_ok();
        let ranges = self.asked.ranges.iter().flat_map(|range| [&range.start, &range.end]);
        // A history without any requested range has empty texts.
        let mut asked = ranges.chain([&self.asked.start, &self.asked.end]).filter(|text| !text.is_empty());
        if !asked.all(is_time) {
            return Err("invalid time in asked".to_owned());
        }
        let is_valid = |member: &&ManifestMember| {
            let votes = member.votes_from.iter().filter(|text| *text != NEVER);
            [&member.first, &member.last].into_iter().chain(votes).all(is_time)
        };
        match self.members.iter().find(|member| !is_valid(member)) {
            Some(member) => Err(format!("invalid time of the member {}", terminal_label(&member.member))),
            None => Ok(()),
        }
    }

    /// Writes the manifest to the output folder.
    pub(crate) fn write(&self, out: &Path) -> Result<(), FolderError> {
        let path = out.join(MANIFEST);
        let mut text = serde_json::to_string_pretty(self).map_err(|e| FileError::new("write", &path, e.into()))?;
        text.push('\n');
        WholeFile::write(&path, text.as_bytes())?;
        Ok(())
    }

    /// The text of a manifest that no longer lists these files; `None` if it lists none of them. Paths are relative to the
    /// output folder.
    pub(crate) fn without(text: &[u8], paths: &BTreeSet<String>) -> Option<Vec<u8>> {
        let mut manifest: Value = serde_json::from_slice(text).ok()?;
        // A history elsewhere has paths of its own.
        let lists = if manifest["history_folder"].is_null() { &["history", "files"][..] } else { &["files"] };
        let mut is_less = false;
        for list in lists {
            let Some(files) = manifest[list].as_array_mut() else { continue };
            let before = files.len();
            files.retain(|file| !file["path"].as_str().is_some_and(|path| paths.contains(path)));
            is_less |= files.len() < before;
        }
        let mut text = serde_json::to_vec_pretty(&manifest).ok().filter(|_| is_less)?;
        text.push(b'\n');
        Some(text)
    }
}

/// What is wrong with a text that is not JSON.
fn damage(text: &[u8], error: &serde_json::Error) -> String {
    match text.iter().all(u8::is_ascii_whitespace) {
        true => "the file is empty".to_owned(),
        false if error.is_eof() => format!("it is cut off in line {}: {error}", error.line()),
        false => format!("not JSON: {error}"),
    }
}

/// Why the JSON cannot be a manifest of any version: other programs write files of this name too.
fn foreign(value: &Value) -> Option<&'static str> {
    let Some(fields) = value.as_object() else { return Some("it is not a JSON object") };
    let is_ours = fields.contains_key("asked") || fields.keys().all(|key| key == "version" || key == "format");
    (!is_ours).then_some("it has other fields")
}

/// Whether a version is earlier than this one.
fn is_older(version: &str) -> bool {
    let parts = |text: &str| text.split('.').map(|part| part.parse().ok()).collect::<Option<Vec<u64>>>();
    parts(version).zip(parts(env!("CARGO_PKG_VERSION"))).is_some_and(|(theirs, ours)| theirs < ours)
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
        let cut = &OLD[..OLD.len() / 2];
        for (text, fault) in [
            ("{\"version\": ", "cut off in line 1: EOF"),
            (cut, "cut off in line"),
            ("{\"version\": \"0.1.0\"}", "missing field"),
            ("", "the file is empty"),
            (" \n", "the file is empty"),
            ("PAR1", "not JSON"),
            ("{}", "missing field"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains("manifest.json is broken") && error.contains(fault), "{text}: {error}");
        }
    }

    #[test]
    fn an_invalid_value_is_not_taken_for_one_that_is_not_set() {
        let with = |change: fn(&mut Value)| {
            let mut value: Value = serde_json::from_str(OLD).unwrap();
            change(&mut value);
            read(&value.to_string()).unwrap_err().to_string()
        };
        type Change = fn(&mut Value);
        let changes: [(Change, &str); 8] = [
            (|m| m["time_zone"] = "Mars/Olympus".into(), "invalid time_zone"),
            (|m| m["cell"] = "7m".into(), "invalid cell"),
            (|m| m["rollup"] = "best".into(), "invalid rollup"),
            (|m| m["time_zone"] = Value::Null, "missing field `time_zone`"),
            (|m| m["profile"]["rules"] = serde_json::json!({}), "invalid profile"),
            (|m| m["members"][0]["last"] = "yesterday".into(), "invalid time of the member"),
            (|m| m["asked"]["end"] = "soon".into(), "invalid time in asked"),
            (|m| m["files"] = "none".into(), "invalid type"),
        ];
        for (change, fault) in changes {
            let error = with(change);
            assert!(error.contains("is broken") && error.contains(fault), "{fault}: {error}");
        }
    }

    #[test]
    fn a_manifest_of_another_program_is_not_called_broken() {
        for text in [
            "[]",
            "3",
            "{\"name\": \"web\", \"short_name\": \"w\", \"icons\": []}",
            "{\"manifest_version\": 3, \"name\": \"x\", \"version\": \"1.0\"}",
            "{\"collection_info\": {}, \"format\": 1}",
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains("is not a manifest of etcd-heatmap"), "{text}: {error}");
        }
    }

    #[test]
    fn an_unreadable_manifest_of_an_older_version_is_called_old() {
        let mut older: Value = serde_json::from_str(OLD).unwrap();
        older["version"] = "0.0.9".into();
        older.as_object_mut().unwrap().remove("history");
        let error = read(&older.to_string()).unwrap_err().to_string();
        assert!(error.contains("etcd-heatmap 0.0.9, an older version") && error.contains("missing field"), "{error}");
    }

    #[test]
    fn a_manifest_of_a_later_format_is_rejected_with_the_version_that_wrote_it() {
        let error = read("{\"version\": \"9.8.7\", \"format\": 3, \"all\": \"else differs\"}").unwrap_err().to_string();
        assert!(error.contains("etcd-heatmap 9.8.7") && error.contains("update etcd-heatmap"), "{error}");
    }
}
