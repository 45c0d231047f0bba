//! Metric families: their types, and the sample names that each type allows.

use crate::text::named::named;

named! {
    /// The type of a metric family.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Kind {
        /// A value that only increases, except at resets.
        Counter = "counter",
        /// A value that goes up and down.
        Gauge = "gauge",
        /// Cumulative counts per bucket, with a count and a sum.
        Histogram = "histogram",
        /// Counts per bucket that may go up and down.
        GaugeHistogram = "gaugehistogram",
        /// Quantiles, a count and a sum.
        Summary = "summary",
        /// Labels that describe something, such as a version.
        Info = "info",
        /// One of several named states.
        StateSet = "stateset",
        /// The file does not state the type, or states that it is unknown.
        Unknown = "unknown",
    }
    parsed "there is no type called"
}

impl Kind {
    /// The suffixes that follow the family's name in the names of its samples.
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

    /// Whether a family of this type may have a sample with this name.
    pub(super) fn has(self, family: &str, sample: &str) -> bool {
        sample.strip_prefix(family).is_some_and(|rest| self.suffixes().contains(&rest))
    }

    /// The sample names that a family may have, as a list for an error message.
    pub(super) fn names(self, family: &str) -> String {
        let names: Vec<_> = self.suffixes().iter().map(|suffix| format!("{family}{suffix}")).collect();
        names.join(", ")
    }

    /// The label that distinguishes the samples of one metric, such as `le`. Series that differ only in
    /// this label belong to one metric, so a file may list the samples of all these series for one
    /// instant before the next instant.
    pub(super) fn inner_label(self, family: &str) -> Option<&str> {
        match self {
            Self::Histogram | Self::GaugeHistogram => Some("le"),
            Self::Summary => Some("quantile"),
            Self::StateSet => Some(family),
            _ => None,
        }
    }
}

/// Whether a sample of this name could belong to the family under any type.
pub(super) fn is_of(family: &str, sample: &str) -> bool {
    Kind::ALL.into_iter().any(|kind| kind.has(family, sample))
}
