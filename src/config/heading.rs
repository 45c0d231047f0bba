//! The groups in which a subcommand's help lists its flags.

/// A group of flags; groups appear in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Heading {
    /// Flags that select a part of an existing folder.
    Selection,
    /// How `forecast` looks ahead.
    Forecast,
    Source,
    /// Where `explain` reads raw counts.
    RawCounts,
    /// The server or data directory that `import` writes to, and how to connect.
    Target,
    Range,
    Scoring,
    Output,
    /// When `textfile` evaluates, and how long its scores stay valid.
    Schedule,
    ServerLoad,
    /// Flags that every subcommand has.
    Behavior,
}

impl Heading {
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Selection => "Selection",
            Self::Forecast => "Forecast",
            Self::Source => "Source",
            Self::RawCounts => "Raw counts of --instant",
            Self::Target => "Target",
            Self::Range => "Range",
            Self::Scoring => "Scoring",
            Self::Output => "Output",
            Self::Schedule => "Schedule",
            Self::ServerLoad => "Server load",
            Self::Behavior => "Behavior",
        }
    }
}
