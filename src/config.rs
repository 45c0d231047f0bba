//! Settings: flags, environment variables, a file, presets, and defaults become one [`Settings`] for a run.
//!
//! One table, [`keys()`], holds for each setting its key in the file, its flag and variable, its default, and its
//! check. Every layer gives texts, which are checked by that table. The highest layer that gives a setting wins: flag,
//! environment, file, preset, default. [`Config`] keeps the texts with their origins, for errors and for `config show`.
//!
//! Files are read here, but no server is asked. A URL, or a time that depends on now, stays a text
//! until a command uses it.

mod formats;
mod heading;
mod keys;
mod layers;
mod lookup;
mod original;
mod parse;
mod settings;
mod several;
mod show;
mod source_settings;
mod value;

pub(crate) use formats::Formats;
pub(crate) use heading::Heading;
pub(crate) use keys::{Key, Shape, VARIABLES, keys};
pub(crate) use layers::Environment;
pub(crate) use parse::RetentionSetting;
pub(crate) use settings::{How, Settings, TextfileSettings};
pub(crate) use source_settings::{OneSource, SourceSettings};
pub(crate) use value::{Given, Origin};

use std::path::{Path, PathBuf};

use crate::readings::SourceName;
use crate::sources::prometheus::AccessError;
use crate::text::key_file::KeyFileError;
use value::Values;

/// A wrong or missing setting. Each message names the flag, the variable, or the file and line.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// A line that is not valid TOML or INI.
    #[error(transparent)]
    File(KeyFileError),
    /// A file that does not exist or may not be read.
    #[error("{by}{source}")]
    Unreadable {
        /// The start of the message, `--config: ` or `ETCD_HEATMAP_CONFIG: `; empty for the file in the working directory.
        by: &'static str,
        source: KeyFileError,
    },
    #[error("{}, line {line}: unknown key '{key}'{instead}", .path.display())]
    UnknownKey {
        path: PathBuf,
        /// Line number in the file, counted from 1.
        line: usize,
        /// The key with its table, as written in the file.
        key: String,
        /// The end of the message, such as the nearest key or all keys of the table.
        instead: String,
    },
    /// A text that its setting does not accept.
    #[error("{place}: {reason}")]
    Value {
        /// The flag, the variable, or the file, line, and key.
        place: String,
        /// The fault, and what to write instead.
        reason: String,
    },
    /// The environment variable of this name is not UTF-8.
    #[error("{0} is not UTF-8: set it to UTF-8 text")]
    NotText(String),
    /// An error in the file of `--http.config.file`.
    #[error(transparent)]
    Access(#[from] AccessError),
    #[error("no server: give its URL as --url, ETCD_HEATMAP_URL, or url under [source] in etcd-heatmap.toml")]
    NoUrl,
    /// Several sources, for a command that reads one.
    #[error("{command} reads one source, and {names} are set: name one of them as --source")]
    Several { command: &'static str, names: String },
    /// A name of `--source` that the settings do not have.
    #[error("--source {name}: {}", known_sources(.names))]
    NoSuchSource { name: SourceName, names: Vec<SourceName> },
    #[error("no output folder: name it as --out, ETCD_HEATMAP_OUT, or dir under [output] in etcd-heatmap.toml")]
    NoOut,
    #[error(
        "no folder: name the one with history/ as DIR, ETCD_HEATMAP_OUT, or dir under [output] in etcd-heatmap.toml"
    )]
    NoFolder,
}

/// All settings with their origins.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) settings: Settings,
    /// Messages for the user that do not stop the run.
    pub(crate) notes: Vec<String>,
    values: Values,
    /// The tables `[[source]]`, each with all values of its source.
    sources: Vec<(several::SourceTable, Values)>,
    /// What flags, variables and the file give to all sources.
    given: Vec<Given>,
}

impl Config {
    /// Merges the layers. `file` is the file that `--config` names. Without it, reads the file that
    /// `ETCD_HEATMAP_CONFIG` names, or else `etcd-heatmap.toml` in the working directory, if it exists.
    pub(crate) fn load(flags: &[Given], file: Option<&Path>, environment: &Environment) -> Result<Self, ConfigError> {
        let (from_environment, notes) = layers::of_environment(environment)?;
        let layers::FileLayer { mut given, sources } = layers::of_file(file, environment)?;
        given.extend(layers::by_metric(from_environment)?);
        given.extend(layers::by_metric(flags.to_vec())?);
        let lowest = layers::defaults().chain(layers::of_preset(&given)?);
        let values = Values::of(lowest.chain(given.iter().cloned()).collect())?;
        let mut settings = Settings::of(&values)?;
        settings.several = several::several(&sources, &given, &values, &settings.source)?;
        let with_values = |table: several::SourceTable| Ok((table.clone(), table.values(&given)?));
        let sources = sources.into_iter().map(with_values).collect::<Result<_, ConfigError>>()?;
        Ok(Self { settings, notes, values, sources, given })
    }

    /// A note for each variable that changes nothing in a pull, because every `[[source]]` sets its own value. Fails for
    /// such a flag.
    pub(crate) fn without_effect(&self) -> Result<Vec<String>, ConfigError> {
        several::without_effect(&self.sources.iter().map(|(table, _)| table), &self.given)
    }

    /// The configuration with only one of several sources.
    pub(crate) fn only(mut self, name: &SourceName) -> Result<Self, ConfigError> {
        let Some(one) = self.settings.several.iter().find(|one| one.name == *name) else {
            let names = self.settings.several.iter().map(|one| one.name.clone()).collect();
            return Err(ConfigError::NoSuchSource { name: name.clone(), names });
        };
        self.settings = self.settings.of_one(one);
        self.sources.retain(|(table, _)| table.name == *name);
        Ok(self)
    }

    /// All settings as TOML, each with its origin in a comment.
    pub(crate) fn show(&self) -> Result<String, ConfigError> {
        show::toml(&self.values, &self.sources, &self.settings.how.profile)
    }
}

/// What may be named instead of a source that the settings do not have.
fn known_sources(names: &[SourceName]) -> String {
    match names {
        [] => "the settings have one source, which has no name: leave out --source".to_owned(),
        names => {
            let names: Vec<&str> = names.iter().map(SourceName::as_str).collect();
            format!("the settings have the sources {}: name one of them", names.join(", "))
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests;
