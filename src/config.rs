//! Settings: from flags, the environment, a file and defaults to what a run works with.
//!
//! What a person gives and what is in force are two things. Every layer gives texts, one table
//! ([`keys()`]) says what they are called and how they are read, and the highest layer that gives a
//! setting wins: flag, environment, file, preset, default.

mod formats;
mod heading;
mod keys;
mod layers;
mod lookup;
mod original;
mod parse;
mod settings;
mod show;
mod value;

pub(crate) use formats::Formats;
pub(crate) use heading::Heading;
pub(crate) use keys::{Key, Shape, VARIABLES, keys};
pub(crate) use layers::Environment;
pub(crate) use parse::RetentionSetting;
pub(crate) use settings::{How, Settings, SourceSettings, TextfileSettings};
pub(crate) use value::{Given, Origin};

use std::path::{Path, PathBuf};

use crate::sources::prometheus::AccessError;
use crate::text::key_file::KeyFileError;
use value::Values;

/// A setting that cannot be; each message names where it stands.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// A line that is no TOML or no INI.
    #[error(transparent)]
    File(KeyFileError),
    /// A file that is not there, or not ours to read.
    #[error("{by}{source}")]
    Unreadable {
        /// `--config: ` where that names it, nothing where it was found.
        by: &'static str,
        /// What is wrong with it.
        source: KeyFileError,
    },
    /// A key that no setting has.
    #[error("{}, line {line}: there is no key '{key}'{instead}", .path.display())]
    UnknownKey {
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// As it is written.
        key: String,
        /// What was meant, or what there is.
        instead: String,
    },
    /// A text that is no value of its setting.
    #[error("{place}: {reason}")]
    Value {
        /// The flag, the variable, or file, line and key.
        place: String,
        /// What is wrong, and what to write.
        reason: String,
    },
    /// An environment variable that is not UTF-8.
    #[error("{0} is no text: write it in UTF-8")]
    NotText(String),
    /// The file that says how to log in.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// No server.
    #[error("name the server with --url, ETCD_HEATMAP_URL or url under [source] in etcd-heatmap.toml")]
    NoUrl,
    /// No folder to write to.
    #[error("name the folder to write to with --out, ETCD_HEATMAP_OUT or dir under [output] in etcd-heatmap.toml")]
    NoOut,
    /// No folder to read from.
    #[error(
        "name the folder that holds history/ as DIR, with ETCD_HEATMAP_OUT or as dir under [output] in etcd-heatmap.toml"
    )]
    NoFolder,
}

/// All settings and where they came from.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// What is in force.
    pub(crate) settings: Settings,
    /// What a person should know and that stops nothing.
    pub(crate) notes: Vec<String>,
    values: Values,
}

impl Config {
    /// Puts the layers together: flags, the environment, the file that is named or lies here, defaults.
    pub(crate) fn load(flags: &[Given], file: Option<&Path>, environment: &Environment) -> Result<Self, ConfigError> {
        let (from_environment, notes) = layers::of_environment(environment)?;
        let mut given = layers::of_file(file, environment)?;
        given.extend(layers::by_metric(from_environment)?);
        given.extend(layers::by_metric(flags.to_vec())?);
        let lowest = layers::defaults().chain(layers::of_preset(&given)?);
        let values = Values::of(lowest.chain(given.iter().cloned()).collect())?;
        Ok(Self { settings: Settings::of(&values)?, notes, values })
    }

    /// All settings as TOML, each with where it came from.
    pub(crate) fn show(&self) -> Result<String, ConfigError> {
        show::toml(&self.values, &self.settings.how.profile)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests;
