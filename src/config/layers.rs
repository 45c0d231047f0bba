//! The layers below the flags: environment variables, a file, the preset, and defaults, each as
//! a list of [`Given`] values.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use tracing::info;

use super::ConfigError;
use super::keys::{Key, VARIABLES, keys};
use super::lookup::{find, instead_of};
use super::original;
use super::parse::band_list;
use super::several::{LIST, SourceTable, shared_key};
use super::value::{Given, Origin};
use crate::sources::prometheus::Preset;
use crate::text::key_file::{Entry, KeyFile, KeyFileError};
use crate::text::nearest::{did_you_mean, is_near};
use crate::text::terminal::terminal_label;

/// The settings file that is read from the working directory if no other file is named.
const FILE: &str = "etcd-heatmap.toml";
/// The environment variable that names a settings file.
const FILE_VARIABLE: &str = "ETCD_HEATMAP_CONFIG";

/// Environment variables by name. The values may be invalid UTF-8.
pub(crate) type Environment = BTreeMap<String, OsString>;

/// The defaults of all settings except weights and bands, which come from the profile.
pub(super) fn defaults() -> impl Iterator<Item = Given> {
    let keys = keys().filter(|key| key.is_in_files() && key.flag.is_some());
    keys.map(|key| Given { key, text: key.default().into_owned(), origin: Origin::Default })
}

/// The selector and labels of the preset in force; empty without a preset.
pub(super) fn of_preset(given: &[Given]) -> Result<Vec<Given>, ConfigError> {
    let Some(by) = given.iter().rev().find(|given| given.key.name == "source.preset" && !given.text.is_empty()) else {
        return Ok(Vec::new());
    };
    let preset = Preset::named(&by.text).map_err(|reason| by.error(reason))?;
    info!(preset = preset.name, selector = preset.selector, member = preset.member, "took a preset");
    let origin = Origin::Preset(preset.name);
    let texts =
        [("source.selector", preset.selector), ("labels.cluster", preset.cluster), ("labels.member", preset.member)];
    let key_of = |(name, text)| Some(Given { key: find(name)?, text, origin: origin.clone() });
    Ok(texts.into_iter().filter_map(key_of).collect())
}

/// What a file sets.
#[derive(Debug, Default)]
pub(super) struct FileLayer {
    pub(super) given: Vec<Given>,
    /// The tables `[[source]]`, in the order of the file.
    pub(super) sources: Vec<SourceTable>,
}

/// The settings of one file: the one that `--config` names, else the one that `ETCD_HEATMAP_CONFIG` names, else
/// `etcd-heatmap.toml` in the working directory. Empty if no file is named and this one does not exist.
pub(super) fn of_file(named: Option<&Path>, environment: &Environment) -> Result<FileLayer, ConfigError> {
    let variable = environment.get(FILE_VARIABLE).filter(|path| !path.is_empty());
    let (path, by) = match (named, variable) {
        (Some(path), _) => (path.to_owned(), "--config: "),
        (None, Some(path)) => (PathBuf::from(path), "ETCD_HEATMAP_CONFIG: "),
        (None, None) if Path::new(FILE).exists() => (PathBuf::from(FILE), ""),
        (None, None) => return Ok(FileLayer::default()),
    };
    let file = KeyFile::read(&path, LIST).map_err(|source| match source {
        KeyFileError::Unreadable { .. } => ConfigError::Unreadable { by, source },
        KeyFileError::Syntax { .. } => ConfigError::File(source),
    })?;
    info!(file = %path.display(), settings = file.entries.len(), "read the settings");
    let key_of = match (KeyFile::is_toml(&path), file.listed.is_empty()) {
        (true, true) => key_of_toml,
        (true, false) => key_beside_sources,
        (false, _) => original::key_of,
    };
    let mut sources = Vec::with_capacity(file.listed.len());
    for table in file.listed {
        sources.push(SourceTable::of(&path, table, &sources)?);
    }
    let given = file.entries.into_iter().map(|entry| of_entry(&path, entry, key_of)).collect::<Result<_, _>>()?;
    Ok(FileLayer { given, sources })
}

fn of_entry(
    path: &Path,
    entry: Entry,
    key_of: impl Fn(&str) -> Result<&'static Key, String>,
) -> Result<Given, ConfigError> {
    let Entry { key: written, text, line } = entry;
    let key = key_of(&written).map_err(|instead| ConfigError::UnknownKey {
        path: path.to_owned(),
        line,
        // The key may contain terminal escape sequences, so escape them.
        key: terminal_label(&written),
        instead,
    })?;
    let text = if KeyFile::is_toml(path) { text } else { original::text_of(&text) };
    Ok(Given { key, text, origin: Origin::File { path: path.to_owned(), line, written } })
}

fn key_of_toml(name: &str) -> Result<&'static Key, String> {
    find(name).ok_or_else(|| instead_of(name))
}

/// The key of a file that has tables `[[source]]`.
fn key_beside_sources(name: &str) -> Result<&'static Key, String> {
    shared_key(name).unwrap_or_else(|| key_of_toml(name))
}

/// The settings from the environment, and a note for each variable with our prefix that names no setting.
pub(super) fn of_environment(environment: &Environment) -> Result<(Vec<Given>, Vec<String>), ConfigError> {
    let (mut given, mut notes) = (Vec::new(), Vec::new());
    let known: Vec<(String, &Key)> = keys().filter_map(|key| Some((key.variable()?, key))).collect();
    let names = || known.iter().map(|(name, _)| name.as_str()).chain([FILE_VARIABLE]);
    for (variable, text) in environment.iter().filter(|(name, text)| name.starts_with(VARIABLES) && !text.is_empty()) {
        if let Some((_, key)) = known.iter().find(|(name, _)| name == variable) {
            let text = text.to_str().ok_or_else(|| ConfigError::NotText(variable.clone()))?.to_owned();
            given.push(Given { key, text, origin: Origin::Environment(variable.clone()) });
        } else if variable != FILE_VARIABLE {
            // All variables share the prefix, so compare what follows it first.
            let own = |name: &str| name.strip_prefix(VARIABLES).unwrap_or(name).to_owned();
            let meant = did_you_mean(variable, names().filter(|name| is_near(&own(variable), &own(name))));
            notes.push(format!("{variable} is ignored: no setting has this name{meant}"));
        }
    }
    Ok((given, notes))
}

/// Splits each text with bands of several metrics (`--band`) into one value per metric. Keeps all
/// other values as they are.
pub(super) fn by_metric(given: Vec<Given>) -> Result<Vec<Given>, ConfigError> {
    let mut each = Vec::with_capacity(given.len());
    for given in given {
        if given.key.is_in_files() {
            each.push(given);
            continue;
        }
        for (metric, bands) in band_list(&given.text).map_err(|reason| given.error(reason))? {
            let key = find(&format!("{}.{metric}", given.key.name)).ok_or_else(|| given.error(metric))?;
            each.push(Given { key, text: bands.to_string(), origin: given.origin.clone() });
        }
    }
    Ok(each)
}
