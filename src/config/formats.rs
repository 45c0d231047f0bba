//! Which outputs to write.

use std::fmt;
use std::str::FromStr;

use super::parse::list;
use crate::nearest::did_you_mean;

/// One output of the scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `scores/` and `heatmap.parquet`.
    Parquet,
    /// `heatmap.csv`.
    Csv,
    /// `openmetrics/`.
    OpenMetrics,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Parquet, Self::Csv, Self::OpenMetrics];

    /// The name in flags and files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Csv => "csv",
            Self::OpenMetrics => "openmetrics",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|format| format.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name);
            format!("no format is called '{text}'{}: name some of {}", did_you_mean(text, names), names.join(", "))
        })
    }
}

/// Some of the outputs, at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Formats(Vec<Format>);

impl Formats {
    /// Whether this one is to be written.
    pub fn has(&self, format: Format) -> bool {
        self.0.contains(&format)
    }
}

impl FromStr for Formats {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let formats = list(text)?;
        if formats.is_empty() {
            return Err(format!("no format is left: name some of {}", Format::ALL.map(Format::name).join(", ")));
        }
        Ok(Self(formats))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_least_one_format_is_named() {
        let read = |text: &str| text.parse::<Formats>();
        assert!(
            read("csv, parquet").is_ok_and(|formats| formats.has(Format::Csv) && !formats.has(Format::OpenMetrics))
        );
        assert!(read("").is_err_and(|e| e.contains("name some of parquet, csv, openmetrics")));
        assert!(read("parket").is_err_and(|e| e.contains("did you mean 'parquet'")));
    }
}
