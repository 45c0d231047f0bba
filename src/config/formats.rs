//! The setting `output.formats`: which outputs a run writes.

use std::str::FromStr;

use super::parse::items;
use crate::outputs::{Needs, OUTPUTS, Output, named, names};

/// The outputs that a run writes: at least one, in the order of [`OUTPUTS`].
#[derive(Clone)]
pub(crate) struct Formats(Vec<&'static dyn Output>);

impl Formats {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &'static dyn Output> + '_ {
        self.0.iter().copied()
    }

    /// Everything that at least one output needs.
    pub(crate) fn needs(&self) -> Needs {
        self.iter().map(Output::needs).fold(Needs::default(), Needs::and)
    }

    /// Whether one of the outputs writes the file at `path`, relative to the output folder.
    pub(crate) fn write(&self, path: &str) -> bool {
        self.iter().any(|output| output.files().iter().any(|files| files.owned.has(path)))
    }

    /// The names of all outputs, separated by commas.
    pub(crate) fn default_text() -> String {
        OUTPUTS.map(|output| output.name()).join(",")
    }
}

impl FromStr for Formats {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = items(text).map(named).collect::<Result<Vec<_>, _>>()?;
        if wanted.is_empty() {
            return Err(format!("no format is named: use some of {}", names()));
        }
        let is_wanted = |output: &&'static dyn Output| wanted.iter().any(|wanted| wanted.name() == output.name());
        Ok(Self(OUTPUTS.into_iter().filter(is_wanted).collect()))
    }
}

impl std::fmt::Debug for Formats {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter().map(Output::name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_sorted_without_duplicates_and_an_empty_list_is_an_error() {
        let read = |text: &str| text.parse::<Formats>().map(|formats| format!("{formats:?}"));
        assert_eq!(read("csv, parquet,csv"), Ok("[\"parquet\", \"csv\"]".to_owned()));
        assert_eq!(read(&Formats::default_text()).map(|all| all.split(',').count()), Ok(OUTPUTS.len()));
        assert!(read("").is_err_and(|e| e.contains(&names())));
        assert!(read("parket").is_err_and(|e| e.contains("did you mean 'parquet'")));
    }
}
