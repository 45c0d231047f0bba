//! The values that the layers give to settings, each with its origin. The highest layer's value is in force.

use std::fmt::{self, Display};
use std::path::PathBuf;

use super::ConfigError;
use super::keys::Key;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Default,
    /// The name of the preset.
    Preset(&'static str),
    File {
        path: PathBuf,
        /// Line number in the file, counted from 1.
        line: usize,
        /// The key as written in the file: the original script's INI file uses other names.
        written: String,
    },
    /// The name of the variable.
    Environment(String),
    /// The name of the flag, without dashes.
    Flag(&'static str),
    /// A table `[[source]]` of the file, for one of several sources.
    OneSource {
        path: PathBuf,
        /// Line number in the file, counted from 1.
        line: usize,
        /// The key as an error shows it.
        written: String,
    },
}

impl Origin {
    /// The rank of the layer: a higher one outranks a lower one.
    pub(super) fn rank(&self) -> u8 {
        match self {
            Self::Default => 0,
            Self::Preset(_) => 1,
            Self::File { .. } => 2,
            Self::Environment(_) => 3,
            Self::Flag(_) => 4,
            Self::OneSource { .. } => 5,
        }
    }
}

/// The text that `config show` prints as a comment.
impl Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Preset(name) => write!(f, "preset {name}"),
            Self::File { path, line, .. } | Self::OneSource { path, line, .. } => {
                write!(f, "{}, line {line}", path.display())
            }
            Self::Environment(variable) => write!(f, "environment {variable}"),
            Self::Flag(flag) => write!(f, "flag --{flag}"),
        }
    }
}

/// A value that one layer gives to a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Given {
    pub(crate) key: &'static Key,
    /// The value as written; several values are one text with separators.
    pub(crate) text: String,
    pub(crate) origin: Origin,
}

impl Given {
    /// The error for this value: its origin, then the reason.
    pub(super) fn error(&self, reason: impl Display) -> ConfigError {
        let place = match &self.origin {
            Origin::Default | Origin::Preset(_) => self.key.name.to_owned(),
            Origin::File { path, line, written } | Origin::OneSource { path, line, written } => {
                format!("{}, line {line}: {written}", path.display())
            }
            Origin::Environment(variable) => variable.clone(),
            Origin::Flag(flag) => format!("--{flag}"),
        };
        ConfigError::Value { place, reason: reason.to_string() }
    }

    /// The value's line in the file; 0 if another layer gave the value.
    pub(super) fn line(&self) -> usize {
        if let Origin::File { line, .. } = self.origin { line } else { 0 }
    }
}

/// All values of all layers; a later one outranks an earlier one.
#[derive(Clone, Debug)]
pub(super) struct Values(Vec<Given>);

impl Values {
    /// Takes values in ascending order of rank. Outranked values are checked too: removing a higher one
    /// would bring them into force.
    pub(super) fn of(given: Vec<Given>) -> Result<Self, ConfigError> {
        for given in &given {
            given.key.check(&given.text).map_err(|reason| given.error(reason))?;
        }
        Ok(Self(given))
    }

    /// The value in force for a key such as `source.step`.
    pub(super) fn get(&self, name: &str) -> Option<&Given> {
        self.0.iter().rev().find(|given| given.key.name == name)
    }

    /// Whether the value is the default, unless a flag or a variable gives it: a file that lists all settings with their
    /// defaults sets nothing.
    pub(super) fn is_default(&self, name: &str) -> bool {
        let is_set_now = |origin: &Origin| matches!(origin, Origin::Flag(_) | Origin::Environment(_));
        self.get(name).is_none_or(|given| !is_set_now(&given.origin) && given.text == given.key.default())
    }

    /// The text in force; empty if there is none.
    pub(super) fn text(&self, name: &str) -> &str {
        self.get(name).map_or("", |given| &given.text)
    }

    /// The text in force, unless it is empty.
    pub(super) fn optional(&self, name: &str) -> Option<&str> {
        Some(self.text(name)).filter(|text| !text.is_empty())
    }

    /// Parses the text in force; the error names its origin.
    pub(super) fn read<T, E: Display>(
        &self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, ConfigError> {
        parse(self.text(name)).map_err(|reason| self.error(name, reason))
    }

    /// The error for the value in force.
    pub(super) fn error(&self, name: &str, reason: impl Display) -> ConfigError {
        match self.get(name) {
            Some(given) => given.error(reason),
            None => ConfigError::Value { place: name.to_owned(), reason: reason.to_string() },
        }
    }
}
