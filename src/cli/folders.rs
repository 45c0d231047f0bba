//! The output folders that a command line names, and what the command does with each.

use std::path::PathBuf;

use super::Command;

/// Where a folder is named.
#[derive(Debug)]
pub(crate) enum Slot<'a> {
    /// The output folder of the settings: `--out`, the environment or the settings file.
    Settings,
    /// An argument; without it, the output folder of the settings.
    Argument(&'a mut Option<PathBuf>),
    /// A flag; without it, there is no such folder.
    Flag(&'a mut Option<PathBuf>),
    /// An argument that must be given.
    Given(&'a mut PathBuf),
}

/// What a command does with a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// Reads its history and its cells.
    Reads,
    /// Reads its cells, and the days of its history that they belong to; the history may be another folder's.
    Explains,
    /// Reads its cells and its history, which may be another folder's.
    Finds,
    /// Reads its cells alone.
    ReadsCells,
    /// Reads what is imported elsewhere.
    ReadsOpenMetrics,
    /// Writes a history.
    Pulls,
    /// Joins the shards in it to a history.
    Merges,
    /// Reads its history, and writes what is computed from it.
    Scores,
    /// Writes a history, and what is computed from it.
    Backfills,
    /// Reads its history and cells, and writes what is computed from them.
    Forecasts,
    /// Writes to it again and again, which only a folder on disk allows.
    Repeats,
}

impl Use {
    /// Whether files of the folder change.
    pub(crate) const fn writes(self) -> bool {
        matches!(self, Self::Pulls | Self::Merges | Self::Scores | Self::Backfills | Self::Forecasts | Self::Repeats)
    }
}

impl Command {
    /// The folders of this command line; those that it writes come first.
    pub(crate) fn folders(&mut self) -> Vec<(Slot<'_>, Use)> {
        use Slot::{Argument, Flag, Given, Settings};
        match self {
            Self::Backfill(_) => vec![(Settings, Use::Backfills)],
            Self::Pull(_) => vec![(Settings, Use::Pulls)],
            Self::Merge(args) => vec![(Argument(&mut args.folder), Use::Merges)],
            Self::Anonymize(args) => {
                vec![(Flag(&mut args.out), Use::Pulls), (Argument(&mut args.folder), Use::Reads)]
            }
            Self::Score(args) => match args.out {
                Some(_) => vec![(Flag(&mut args.out), Use::Scores), (Argument(&mut args.folder), Use::Reads)],
                None => vec![(Argument(&mut args.folder), Use::Scores)],
            },
            Self::Forecast(args) => {
                let how = if args.every.is_some() { Use::Repeats } else { Use::Forecasts };
                vec![(Argument(&mut args.folder), how)]
            }
            Self::Explain(args) => vec![(Argument(&mut args.folder), Use::Explains)],
            Self::Findings(args) => vec![(Argument(&mut args.folder), Use::Finds)],
            Self::Diff(args) => {
                let after = Flag(&mut args.after);
                vec![(Given(&mut args.before), Use::Reads), (after, Use::Reads)]
            }
            Self::Show(args) => vec![(Argument(&mut args.folder), Use::ReadsCells)],
            Self::Import(args) => vec![(Argument(&mut args.folder), Use::ReadsOpenMetrics)],
            Self::Check(_)
            | Self::Lint(_)
            | Self::Textfile(_)
            | Self::Config(_)
            | Self::Rules(_)
            | Self::Sql(_)
            | Self::Completions(_)
            | Self::Man(_) => Vec::new(),
        }
    }
}
