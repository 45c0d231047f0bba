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
    /// `heatmap.csv` and `heatmap_wide.csv`.
    Csv,
    /// `openmetrics/`.
    OpenMetrics,
    /// `findings.csv`.
    Findings,
    /// `report.html`.
    Report,
    /// `heatmap.xlsx`.
    Xlsx,
    /// `heatmap.svg`.
    Svg,
    /// `heatmap.png`.
    Png,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 8] =
        [Self::Parquet, Self::Csv, Self::OpenMetrics, Self::Findings, Self::Report, Self::Xlsx, Self::Svg, Self::Png];

    /// The name in flags and files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Csv => "csv",
            Self::OpenMetrics => "openmetrics",
            Self::Findings => "findings",
            Self::Report => "report",
            Self::Xlsx => "xlsx",
            Self::Svg => "svg",
            Self::Png => "png",
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
    /// Whether something is to be written that is made of all cells together.
    pub fn draws(&self) -> bool {
        [Format::Csv, Format::Report, Format::Xlsx, Format::Svg, Format::Png].iter().any(|format| self.has(*format))
    }

    /// Whether something is to be written that tells findings.
    pub fn tells_findings(&self) -> bool {
        [Format::Findings, Format::Report, Format::Xlsx].iter().any(|format| self.has(*format))
    }

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
        assert!(
            read("")
                .is_err_and(|e| e.contains("name some of parquet, csv, openmetrics, findings, report, xlsx, svg, png"))
        );
        assert!(read("parket").is_err_and(|e| e.contains("did you mean 'parquet'")));
    }
}
