//! The error of every command: its text, whether it is a usage error, and the signal that caused it, if any.

use std::error::Error;
use std::path::PathBuf;

use super::anonymize::AnonymizeError;
use super::diff::DiffError;
use super::interrupt::Signal;
use super::merge::MergeError;
use super::several::SeveralError;
use super::show;
use super::stdout::StdoutError;
use crate::analysis::annotations::AnnotationsError;
use crate::analysis::gate::Shortfall;
use crate::config::ConfigError;
use crate::files::FileError;
use crate::folder::FolderError;
use crate::history::HistoryError;
use crate::import::ImportError;
use crate::outputs::{OutputError, RulesError};
use crate::places::PlaceError;
use crate::readings::SourceName;
use crate::readings::identity::MixedMembers;
use crate::sources::prometheus::{PromError, QueryError};
use crate::spec::{Companion, Metric, ProfileError};
use crate::text::count;
use crate::time::{Step, TimeError};

/// The reason why a command did not finish its work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Time(#[from] TimeError),
    /// An invalid time in the flag `flag`. Unlike settings, this flag is parsed by the command, in the time
    /// zone of a folder's cells.
    #[error("{flag}: {error}")]
    Instant { flag: &'static str, error: TimeError },
    #[error(transparent)]
    Annotations(#[from] AnnotationsError),
    #[error("--victoria-metrics: {0}")]
    ImportUrl(PromError),
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error(transparent)]
    Prom(#[from] PromError),
    /// The series of a member come from different processes.
    #[error(transparent)]
    Mixed(#[from] MixedMembers),
    /// Failed to open a source other than a server.
    #[error(transparent)]
    Source(Box<dyn Error + Send + Sync>),
    #[error(transparent)]
    History(#[from] HistoryError),
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Stdout(#[from] StdoutError),
    #[error(transparent)]
    Export(#[from] OutputError),
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A place in an object store for a command that repeats.
    #[error("--every needs a folder on disk, not {0}: run the command without --every from a timer")]
    OnDiskOnly(String),
    /// A place in an object store.
    #[error(transparent)]
    Place(#[from] PlaceError),
    #[error(transparent)]
    Rules(#[from] RulesError),
    #[error(transparent)]
    Show(#[from] show::ShowError),
    #[error(transparent)]
    Import(#[from] ImportError),
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The asynchronous runtime or the signal thread cannot start, or a background task panicked.
    #[error("cannot start threads: {0}")]
    Threads(String),
    /// A saved network that cannot be read or written, or is one of other data.
    #[error("{}: {reason}", .path.display())]
    Network { path: PathBuf, reason: String },
    /// The server that `--retention` names does not report its retention.
    #[error("{0} does not report its retention: set --retention to a duration, such as 90d")]
    NoRetention(String),
    #[error("stopped by {0} before any file was written: run the same command again")]
    StoppedEarly(Signal),
    #[error(
        "stopped by {signal}: {there} of {} pulled into {}; run the same command again to pull the rest",
        count(*.asked, "day"), .out.display()
    )]
    StoppedPulling {
        signal: Signal,
        /// Number of days of the range that are on disk.
        there: usize,
        /// Number of days in the range.
        asked: usize,
        out: PathBuf,
    },
    #[error(
        "stopped by {signal}: {there} of {} scored and no heat map written; the history is complete: run 'etcd-heatmap score {}'",
        count(*.asked, "day"), .folder.display()
    )]
    StoppedScoring {
        signal: Signal,
        /// Number of days scored before the signal.
        there: usize,
        /// Number of days to score.
        asked: usize,
        /// The folder with the history.
        folder: PathBuf,
    },
    #[error("stopped by {signal}: {} sent; run the same command again to send the rest", count(*.sent, "sample"))]
    StoppedSending {
        signal: Signal,
        /// Samples that the server has acknowledged.
        sent: u64,
    },
    #[error("stopped by {0} before any block was imported: run the same command again")]
    StoppedImporting(Signal),
    /// The first problem that `check` found.
    #[error("fix this before a pull: {0}")]
    WouldFail(String),
    #[error("cannot pull {}: {cause}", if *.asked == 1 { "the day".to_owned() } else { format!("any of {asked} days") })]
    NoDay {
        /// Number of days in the range.
        asked: usize,
        /// The error of the earliest day.
        cause: Box<dyn Error + Send + Sync>,
    },
    #[error(
        "cannot pull {failed} of {} ({days}): {cause}; the other days are on disk: once this is solved, run the same command again to pull the rest",
        count(*.asked, "day")
    )]
    Partial {
        failed: usize,
        /// Number of days in the range.
        asked: usize,
        days: String,
        /// The error of the first day that failed.
        cause: Box<dyn Error + Send + Sync>,
    },
    /// `--overwrite` could not pull every day.
    #[error("{cause}; {} keeps its old history until every day of the new one has been pulled", .out.display())]
    NotReplaced { cause: Box<CommandError>, out: PathBuf },
    /// The folder was written by `score --out`.
    #[error(
        "{} holds scores but not their history: {}", .folder.display(),
        .history.as_ref().map_or_else(
            || "name the folder that 'etcd-heatmap score' read".to_owned(),
            |history| format!("use {}, from which they were scored", history.display())
        )
    )]
    ScoresOnly {
        folder: PathBuf,
        /// The folder with the history, if the manifest names it.
        history: Option<PathBuf>,
    },
    #[error("no cluster '{cluster}' in this history: choose one of {known}")]
    NoCluster {
        cluster: String,
        /// The names of all clusters, separated by commas.
        known: String,
    },
    #[error("no member '{member}' of {cluster} in this history: choose one of {known}")]
    NoMember {
        member: String,
        cluster: String,
        /// The names of the cluster's members, separated by commas.
        known: String,
    },
    #[error("no cell of {cluster} at {at}: choose --at within the history, {range}")]
    NoCell {
        cluster: String,
        at: String,
        /// The range of the history, from its first step to its end.
        range: crate::time::TimeRange,
    },
    #[error(
        "no cell of {cluster} at {at}: source {source_name} has no data after {last}, so the cluster is unknown then"
    )]
    NoCellOfSource {
        cluster: String,
        at: String,
        source_name: SourceName,
        /// The last instant with a reading of any of the source's clusters, as text.
        last: String,
    },
    /// A day could not be read; all other days are scored.
    #[error("{0}; this day is left unscored, all other days are scored")]
    BrokenDay(HistoryError),
    /// Several days could not be read; all other days are scored.
    #[error("{first}; {files} cannot be read either; these {count} days are left unscored, all other days are scored")]
    BrokenDays {
        count: usize,
        /// The paths of all broken files but the first.
        files: String,
        /// The error of the first file.
        first: HistoryError,
    },
    #[error(
        "the history has no readings of {0}: pull it again with --overwrite and a query that finds the series (--queries), or use --without {0}"
    )]
    NoReadings(Metric),
    /// `lint` could not read one of its files.
    #[error("cannot read {}: {reason}; name OpenMetrics text files, or - for standard input", .path.display())]
    Unreadable { path: PathBuf, reason: std::io::Error },
    /// `lint` found faults and has printed them.
    #[error(
        "{} in {bad} of {}: fix these before an import, because promtool silently drops or changes samples",
        count(*.faults, "fault"), count(*.files, "file")
    )]
    Faulty {
        faults: u64,
        /// Number of files with a fault.
        bad: usize,
        /// The number of files that were checked.
        files: usize,
    },
    #[error("--compare needs at least two different profiles, for example --compare seed,etcd-faq,fleet")]
    NothingToCompare,
    #[error("--every needs --out FILE: only a single evaluation can go to standard output")]
    EveryWithoutOut,
    /// A flag of the server, and nothing to pull.
    #[error("--{0} belongs to --every: add --every 1h, or pull first with 'etcd-heatmap pull --{0}'")]
    WithoutEvery(&'static str),
    /// A flag of `explain` that has no effect without another one.
    #[error("--{flag} belongs to {needs}: add that, or leave out --{flag}")]
    WithoutFlag { flag: &'static str, needs: &'static str },
    /// Another `textfile` process already writes this file.
    #[error("another etcd-heatmap is writing {}: stop it, or choose another --out", .0.display())]
    Written(PathBuf),
    /// An evaluation took longer than `--every`.
    #[error("the evaluation took longer than --every {0}: set a longer --every, or narrow --selector")]
    TooSlow(Step),
    /// The textfile records no successful evaluation.
    #[error("{}: no successful evaluation recorded yet: read the log of the 'etcd-heatmap textfile' that writes it", .0.display())]
    NoSuccess(PathBuf),
    /// The last success in the textfile is too old: its writer has stopped, or its evaluations fail.
    #[error("{}: the last successful evaluation was {seconds} s ago, longer than --max-age {max_age}: check that 'etcd-heatmap textfile' is running, and read its log", .path.display())]
    Stale {
        path: PathBuf,
        /// Seconds since the last successful evaluation.
        seconds: i64,
        max_age: String,
    },
    #[error(transparent)]
    Diff(#[from] DiffError),
    #[error(transparent)]
    Merge(#[from] MergeError),
    #[error(transparent)]
    Several(#[from] SeveralError),
    /// Raw counts were asked for, and the history was joined from several sources.
    #[error(
        "raw counts are read beside the history of one source: explain {cluster} of {} in place of {}", .own.display(), .folder.display()
    )]
    SeveralCounts {
        folder: PathBuf,
        /// The folder of the source with the cluster.
        own: PathBuf,
        /// The name of the cluster there.
        cluster: String,
    },
    #[error(transparent)]
    Anonymize(#[from] AnonymizeError),
    /// Raw counts were asked for, and the folder has pseudonyms, which no source knows.
    #[error("no raw counts can be read for {}, in which clusters and members have pseudonyms: leave out --url and --from, or explain the folder that was anonymized", .0.display())]
    Anonymized(PathBuf),
    /// The run succeeded but does not meet `--fail-below`: cells are below it, a cluster has too few scored steps, or
    /// there are no cells to check.
    #[error("{0}")]
    Below(Box<Shortfall>),
    /// The profile compares a metric with its limit (such as the database quota), and the limit was not pulled.
    #[error(
        "profile {profile} compares {metric} with {limit}, which the history lacks: pull it again with --profile {profile} --overwrite, or use --without {metric}"
    )]
    NoLimits { profile: String, metric: Metric, limit: Companion },
}

impl CommandError {
    /// Whether the user must correct a flag, an environment variable or a settings file. Such errors are
    /// found before any work begins.
    pub(crate) const fn is_usage(&self) -> bool {
        use TimeError::{EmptyRange, FutureRange, NoStep};
        matches!(
            self,
            Self::Config(_)
                | Self::Instant { .. }
                | Self::Annotations(_)
                | Self::Time(EmptyRange { .. } | FutureRange { .. } | NoStep { .. })
                | Self::Query(_)
                | Self::Rules(_)
                | Self::ImportUrl(_)
                | Self::NothingToCompare
                | Self::EveryWithoutOut
                | Self::WithoutEvery(_)
                | Self::WithoutFlag { .. }
                | Self::Diff(DiffError::SameFolder(_))
                | Self::Anonymize(_)
                | Self::Anonymized(_)
                | Self::Several(SeveralError::Setting { .. })
                | Self::SeveralCounts { .. }
                | Self::OnDiskOnly(_)
                | Self::Place(
                    PlaceError::UnknownScheme(_) | PlaceError::NoLocalFolder(_) | PlaceError::BadAddress { .. }
                )
        )
    }

    /// Whether trying again is in vain until the user changes a flag, a setting, or the folder.
    pub(super) const fn is_lasting(&self) -> bool {
        self.is_usage()
            || matches!(
                self,
                Self::Mixed(_)
                    | Self::History(HistoryError::OtherSource { .. })
                    | Self::Profile(_)
                    | Self::NoReadings(_)
                    | Self::NoLimits { .. }
            )
    }

    /// Returns a function for `map_err` that puts the name of the flag in front of an error in its time.
    pub(super) fn instant(flag: &'static str) -> impl FnOnce(TimeError) -> Self {
        move |error| Self::Instant { flag, error }
    }

    /// The signal that stopped the run; `None` if the run failed without one. Every file on disk
    /// is complete in either case.
    pub(crate) fn signal(&self) -> Option<Signal> {
        match self {
            Self::StoppedEarly(signal)
            | Self::StoppedImporting(signal)
            | Self::StoppedPulling { signal, .. }
            | Self::StoppedScoring { signal, .. }
            | Self::StoppedSending { signal, .. } => Some(*signal),
            Self::Several(SeveralError::Stopped { signal, .. }) => Some(*signal),
            Self::NotReplaced { cause, .. } => cause.signal(),
            _ => None,
        }
    }
}
