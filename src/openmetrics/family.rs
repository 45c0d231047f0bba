//! Metric families: their types, and the samples that each type has.

use std::fmt;
use std::str::FromStr;

/// The type of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Grows only.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts by buckets.
    Histogram,
    /// Counts by buckets, up and down.
    GaugeHistogram,
    /// Quantiles.
    Summary,
    /// Labels that say what something is.
    Info,
    /// One of several states.
    StateSet,
    /// Not said.
    Unknown,
}

impl Kind {
    const ALL: [(Self, &'static str); 8] = [
        (Self::Counter, "counter"),
        (Self::Gauge, "gauge"),
        (Self::Histogram, "histogram"),
        (Self::GaugeHistogram, "gaugehistogram"),
        (Self::Summary, "summary"),
        (Self::Info, "info"),
        (Self::StateSet, "stateset"),
        (Self::Unknown, "unknown"),
    ];

    /// What follows the name of the family in those of its samples.
    const fn suffixes(self) -> &'static [&'static str] {
        match self {
            Self::Counter => &["_total", "_created"],
            Self::Gauge | Self::StateSet | Self::Unknown => &[""],
            Self::Histogram => &["_bucket", "_count", "_sum", "_created"],
            Self::GaugeHistogram => &["_bucket", "_gcount", "_gsum"],
            Self::Summary => &["", "_count", "_sum", "_created"],
            Self::Info => &["_info"],
        }
    }

    /// Whether a family of this type has such samples.
    pub(super) fn has(self, family: &str, sample: &str) -> bool {
        sample.strip_prefix(family).is_some_and(|rest| self.suffixes().contains(&rest))
    }

    /// The names of the samples of a family, for a sentence.
    pub(super) fn names(self, family: &str) -> String {
        let names: Vec<_> = self.suffixes().iter().map(|suffix| format!("{family}{suffix}")).collect();
        names.join(", ")
    }

    /// The label that tells the samples of one metric apart: those of one instant stand together, so that its series
    /// take turns.
    pub(super) fn inner_label(self, family: &str) -> Option<&str> {
        match self {
            Self::Histogram | Self::GaugeHistogram => Some("le"),
            Self::Summary => Some("quantile"),
            Self::StateSet => Some(family),
            _ => None,
        }
    }
}

impl FromStr for Kind {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.iter().find(|(_, name)| *name == text).map(|(kind, _)| *kind).ok_or(())
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::ALL.iter().find(|(kind, _)| kind == self).map_or("", |(_, name)| name))
    }
}

/// Whether a sample of this name could belong to the family, were it of another type.
pub(super) fn is_of(family: &str, sample: &str) -> bool {
    Kind::ALL.iter().any(|(kind, _)| kind.has(family, sample))
}
