//! Metric families: their types, and the samples that each type has.

use crate::text::named::named;

named! {
    /// The type of a family.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Kind {
        /// Grows only.
        Counter = "counter",
        /// Goes up and down.
        Gauge = "gauge",
        /// Counts by buckets.
        Histogram = "histogram",
        /// Counts by buckets, up and down.
        GaugeHistogram = "gaugehistogram",
        /// Quantiles.
        Summary = "summary",
        /// Labels that say what something is.
        Info = "info",
        /// One of several states.
        StateSet = "stateset",
        /// Not said.
        Unknown = "unknown",
    }
    parsed "no type is called"
}

impl Kind {
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

/// Whether a sample of this name could belong to the family, were it of another type.
pub(super) fn is_of(family: &str, sample: &str) -> bool {
    Kind::ALL.into_iter().any(|kind| kind.has(family, sample))
}
