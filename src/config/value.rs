//! The text of a setting and where it came from.

use std::fmt::{self, Display};
use std::path::PathBuf;

use super::ConfigError;
use super::keys::Key;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Nobody said otherwise.
    Default,
    /// This preset.
    Preset(&'static str),
    /// A line of a file.
    File {
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// The key as it is written there: the original's INI has other names.
        written: String,
    },
    /// This environment variable.
    Environment(String),
    /// This flag, without its dashes.
    Flag(&'static str),
}

/// As `config show` says it.
impl Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Preset(name) => write!(f, "preset {name}"),
            Self::File { path, line, .. } => write!(f, "{}, line {line}", path.display()),
            Self::Environment(variable) => write!(f, "environment {variable}"),
            Self::Flag(flag) => write!(f, "flag --{flag}"),
        }
    }
}

/// A setting that was given a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Given {
    pub(crate) key: &'static Key,
    /// As it was written; several values are one text.
    pub(crate) text: String,
    /// By whom.
    pub(crate) origin: Origin,
}

impl Given {
    /// What is wrong with it, after where it stands.
    pub(super) fn error(&self, reason: impl Display) -> ConfigError {
        let place = match &self.origin {
            Origin::Default | Origin::Preset(_) => self.key.name.to_owned(),
            Origin::File { path, line, written } => format!("{}, line {line}: {written}", path.display()),
            Origin::Environment(variable) => variable.clone(),
            Origin::Flag(flag) => format!("--{flag}"),
        };
        ConfigError::Value { place, reason: reason.to_string() }
    }

    /// Its line, where it stands in a file.
    pub(super) fn line(&self) -> usize {
        if let Origin::File { line, .. } = self.origin { line } else { 0 }
    }
}

/// All values that were given, of which the later ones outrank the earlier.
#[derive(Clone, Debug)]
pub(super) struct Values(Vec<Given>);

impl Values {
    /// Takes values in ascending order of rank. All must be right, those that are outranked as well:
    /// they would come into force when another goes.
    pub(super) fn of(given: Vec<Given>) -> Result<Self, ConfigError> {
        for given in &given {
            given.key.check(&given.text).map_err(|reason| given.error(reason))?;
        }
        Ok(Self(given))
    }

    /// The value in force.
    pub(super) fn get(&self, name: &str) -> Option<&Given> {
        self.0.iter().rev().find(|given| given.key.name == name)
    }

    /// Its text; nothing where there is none.
    pub(super) fn text(&self, name: &str) -> &str {
        self.get(name).map_or("", |given| &given.text)
    }

    /// Its text, where there is any.
    pub(super) fn optional(&self, name: &str) -> Option<&str> {
        Some(self.text(name)).filter(|text| !text.is_empty())
    }

    /// What it means.
    pub(super) fn read<T, E: Display>(
        &self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, ConfigError> {
        parse(self.text(name)).map_err(|reason| self.error(name, reason))
    }

    /// What is wrong with a value in force.
    pub(super) fn error(&self, name: &str, reason: impl Display) -> ConfigError {
        match self.get(name) {
            Some(given) => given.error(reason),
            None => ConfigError::Value { place: name.to_owned(), reason: reason.to_string() },
        }
    }
}
