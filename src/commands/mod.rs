//! One file a subcommand: wiring only.

mod backfill;
mod check;
mod compare;
mod completions;
mod config;
mod days;
mod diff;
mod evidence;
mod explain;
mod findings;
mod generated;
mod import;
mod interrupt;
mod lint;
mod log;
mod man;
mod progress;
mod pull;
mod rules;
mod runtime;
mod score;
mod show;
mod sources;
mod sql;
mod stdout;
mod textfile;

use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::analysis::gate::{Gate, Shortfall};
use crate::cli::{Cli, Command, ConfigArgs, ConfigCommand};
use crate::config::{Config, ConfigError, Environment, VARIABLES};
use crate::files::FileError;
use crate::folder::{FolderError, OutputFolder};
use crate::history::{History, HistoryError};
use crate::import::ImportError;
use crate::outputs::{self, OutputError, RulesError};
use crate::sources::prometheus::{PromError, QueryError};
use crate::spec::{Companion, Metric, ProfileError};
use crate::time::{Step, TimeError};
pub(crate) use diff::DiffError;
use interrupt::Interrupt;
pub(crate) use interrupt::Signal;
use progress::Reporter;
use stdout::StdoutError;

/// Exit code for a command line, an environment or a file of settings that cannot be understood.
pub const USAGE: u8 = 2;

/// Exit code of a run that did all it was asked to, and found less than `--fail-below` demands.
const BELOW: u8 = 3;

/// Why a command did not do all that it was asked to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A time, a step or a range.
    #[error(transparent)]
    Time(#[from] TimeError),
    /// An instant that only a command knows how to read: in the time zone of a folder's cells.
    #[error("{flag}: {error}")]
    Instant {
        /// The flag it was given with.
        flag: &'static str,
        /// What is wrong with it.
        error: TimeError,
    },
    /// The URL of an import.
    #[error("--victoria-metrics: {0}")]
    ImportUrl(PromError),
    /// The folder of queries.
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error(transparent)]
    Prom(#[from] PromError),
    /// A source other than a server that cannot be opened.
    #[error(transparent)]
    Source(Box<dyn Error + Send + Sync>),
    /// The history on disk.
    #[error(transparent)]
    History(#[from] HistoryError),
    #[error(transparent)]
    File(#[from] FileError),
    /// Standard output.
    #[error(transparent)]
    Stdout(#[from] StdoutError),
    #[error(transparent)]
    Export(#[from] OutputError),
    /// An output folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// Recording rules.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// Cells that were to be shown.
    #[error(transparent)]
    Show(#[from] show::ShowError),
    /// An import.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// How to judge.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The asynchronous runtime or a thread of it.
    #[error("the program cannot start its threads: {0}")]
    Threads(String),
    /// A server that will import and does not say how long it keeps samples.
    #[error("{0} does not say how long it keeps samples: give --retention as a duration, such as 90d")]
    NoRetention(String),
    /// A signal, before anything was written.
    #[error("stopped by {0} before anything was written: run the same command again")]
    StoppedEarly(Signal),
    /// A signal during a pull.
    #[error(
        "stopped by {signal}: {there} of {asked} days are in {} and whole; run the same command again to pull the rest", .out.display()
    )]
    StoppedPulling {
        signal: Signal,
        /// Days of the range that are on disk.
        there: usize,
        /// Days of the range.
        asked: usize,
        out: PathBuf,
    },
    /// A signal while scores were written.
    #[error(
        "stopped by {signal}: {there} of {asked} days are scored, the history is whole, and the heat map is not written; run 'etcd-heatmap score {}' or the same command again", .folder.display()
    )]
    StoppedScoring {
        signal: Signal,
        /// Days whose scores are on disk.
        there: usize,
        /// Days of the history.
        asked: usize,
        /// The folder that holds the history.
        folder: PathBuf,
    },
    /// A signal while samples were sent.
    #[error("stopped by {signal}: {sent} samples were sent; run the same command again to send the rest")]
    StoppedSending {
        signal: Signal,
        /// How many are there for certain.
        sent: u64,
    },
    /// A signal before the blocks of an import were in place.
    #[error("stopped by {0}: the data directory is as it was; run the same command again")]
    StoppedImporting(Signal),
    /// What `check` found first.
    #[error("a pull would not work: {0}")]
    WouldFail(String),
    /// No day came.
    #[error("none of the {asked} days could be pulled: {cause}")]
    NoDay {
        /// How many were asked for.
        asked: usize,
        /// What the first of them failed with.
        cause: Box<dyn Error + Send + Sync>,
    },
    /// Some days are missing.
    #[error(
        "{failed} of {asked} days could not be pulled ({days}): {cause}; the other days are kept: run the same command again to pull what is missing"
    )]
    Partial {
        /// How many failed.
        failed: usize,
        /// How many were asked for.
        asked: usize,
        days: String,
        /// What the first of them failed with.
        cause: Box<dyn Error + Send + Sync>,
    },
    /// A new history that is not whole yet, and leaves the old one in its place.
    #[error(
        "{cause}; {} still holds the history that was there: it is replaced once all days have been pulled", .out.display()
    )]
    NotReplaced {
        /// Why it is not whole.
        cause: Box<CommandError>,
        out: PathBuf,
    },
    /// The cluster that was named is not there.
    #[error("the history has no cluster '{cluster}': it has {known}")]
    NoCluster {
        cluster: String,
        /// Those that there are.
        known: String,
    },
    /// The cell that was named is not there.
    #[error("{cluster} has no step in the cell of {at}: the history goes from {range}")]
    NoCell {
        cluster: String,
        at: String,
        /// What the history covers.
        range: crate::time::TimeRange,
    },
    /// A day whose file broke; the others came out.
    #[error("{0}; the other days are scored, and that one is unknown")]
    BrokenDay(HistoryError),
    /// Several of them.
    #[error("{first}; neither can {files} be read: the other days are scored, and these {count} are unknown")]
    BrokenDays {
        count: usize,
        /// All but the first.
        files: String,
        /// What is wrong with the first.
        first: HistoryError,
    },
    /// A metric of which the history knows no reading.
    #[error(
        "the history has no reading of {0}: pull it again with a query that finds its series, or leave it out with --without {0}"
    )]
    NoReadings(Metric),
    /// A file that was to be looked at.
    #[error("cannot read {}: {reason}; name files of OpenMetrics text, or - for standard input", .path.display())]
    Unreadable { path: PathBuf, reason: std::io::Error },
    /// What `lint` found.
    #[error("{faults} {} in {bad} of {files} {}: mend them before an import, for promtool does not tell what it drops and changes",
        if *.faults == 1 { "fault" } else { "faults" }, if *.files == 1 { "file" } else { "files" }
    )]
    Faulty {
        /// In all files.
        faults: u64,
        /// Files with a fault.
        bad: usize,
        /// All files.
        files: usize,
    },
    /// One profile alone, or one twice.
    #[error("--compare needs at least two different profiles: name them like --compare seed,etcd-faq,fleet")]
    NothingToCompare,
    /// A loop without a file.
    #[error("--every needs --out FILE: standard output gets one evaluation")]
    EveryWithoutOut,
    /// Two writers of one file.
    #[error("another etcd-heatmap writes {}: end it, or choose another --out", .0.display())]
    Written(PathBuf),
    /// An evaluation that took too long.
    #[error(
        "no answer within {0}, when the next evaluation is due: give a longer --every, or ask for less with --selector"
    )]
    TooSlow(Step),
    /// A textfile whose writer has never got an answer.
    #[error("{} tells of no success: its writer has had no answer yet", .0.display())]
    NoSuccess(PathBuf),
    /// A textfile whose writer gets no answer any more, or is gone.
    #[error("the last success that {} tells of is {seconds} s ago, and --max-age is {max_age}", .path.display())]
    Stale {
        path: PathBuf,
        /// How long ago.
        seconds: i64,
        /// How long it may be.
        max_age: String,
    },
    /// A comparison of two times.
    #[error(transparent)]
    Diff(#[from] DiffError),
    /// All was done, and what came out is less than `--fail-below` demands.
    #[error("{0}")]
    Below(Box<Shortfall>),
    /// A limit that a profile needs and the history does not know.
    #[error(
        "the profile {profile} judges {metric} against {limit}, which the history does not hold: pull it again with that --profile and --overwrite, or leave {metric} out with --without {metric}"
    )]
    NoLimits { profile: String, metric: Metric, limit: Companion },
}

/// A run that failed or was stopped: one sentence for a person, and an exit code.
#[derive(Debug)]
pub struct Failure(CommandError);

impl Failure {
    /// 2 if the command line or the settings cannot be understood, 3 if all was done and less came out than
    /// `--fail-below` demands, 130 or 143 after a signal, else 1.
    pub fn exit_code(&self) -> ExitCode {
        match &self.0 {
            CommandError::Below(_) => ExitCode::from(BELOW),
            error if error.is_usage() => ExitCode::from(USAGE),
            error => error.signal().map_or(ExitCode::FAILURE, |signal| ExitCode::from(signal.exit_code())),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A run that somebody stopped is no error.
        let prefix = if self.0.signal().is_some() { "" } else { "error: " };
        write!(f, "{prefix}{}", self.0)
    }
}

impl CommandError {
    /// Whether a flag, a variable or a file of settings has a value that cannot be understood or used, whatever the
    /// history and the server hold: nothing was begun.
    pub(crate) const fn is_usage(&self) -> bool {
        use TimeError::{EmptyRange, FutureRange, NoStep};
        matches!(
            self,
            Self::Config(_)
                | Self::Instant { .. }
                | Self::Time(EmptyRange { .. } | FutureRange { .. } | NoStep { .. })
                | Self::Query(_)
                | Self::Rules(_)
                | Self::ImportUrl(_)
                | Self::NothingToCompare
                | Self::EveryWithoutOut
                | Self::Diff(DiffError::SameFolder(_))
        )
    }

    /// For a time that was given with `flag`.
    fn instant(flag: &'static str) -> impl FnOnce(TimeError) -> Self {
        move |error| Self::Instant { flag, error }
    }

    /// The signal that stopped the run, where one did: what was done until then is whole.
    pub(crate) fn signal(&self) -> Option<Signal> {
        match self {
            Self::StoppedEarly(signal)
            | Self::StoppedImporting(signal)
            | Self::StoppedPulling { signal, .. }
            | Self::StoppedScoring { signal, .. }
            | Self::StoppedSending { signal, .. } => Some(*signal),
            Self::NotReplaced { cause, .. } => cause.signal(),
            _ => None,
        }
    }
}

/// Prints help or the version, as a command line asked for it.
pub fn print_help(help: &clap::Error) -> Result<(), Failure> {
    let printed = help.print().and_then(|()| std::io::Write::flush(&mut std::io::stdout()));
    stdout::finished(printed).map_err(|error| Failure(error.into()))
}

/// Runs what was typed.
pub fn run(cli: Cli) -> Result<(), Failure> {
    run_command(cli).map_err(Failure)
}

fn run_command(cli: Cli) -> Result<(), CommandError> {
    // About the program itself: a shell that starts where a file of settings is broken gets them all the same.
    match &cli.command {
        Command::Completions(args) => return completions::run(*args),
        Command::Man(args) => return man::run(args),
        _ => {}
    }
    let reporter = Reporter::new(cli.quiet);
    if let Some(note) = log::start(cli.verbose) {
        reporter.note(&note);
    }
    let config = Config::load(cli.command.given(), cli.config.as_deref(), &environment())?;
    for note in &config.notes {
        reporter.note(note);
    }
    let settings = &config.settings;
    match cli.command {
        Command::Backfill(args) => {
            let run = Writing::to(settings.out()?, reporter)?;
            run.end(backfill::run(&args, settings, &run))
        }
        Command::Pull(args) => {
            let run = Writing::to(settings.out()?, reporter)?;
            run.end(sources::pull_server(settings, args.leave, &run).and_then(pull::Pulled::into_result))
        }
        Command::Check(_) => check::run(settings),
        Command::Findings(args) => findings::run(&args, settings, &reporter),
        Command::Explain(args) => explain::run(&args, settings),
        Command::Show(args) => show::run(&args, settings, &reporter),
        Command::Diff(args) => diff::run(&args, settings, &reporter),
        Command::Score(args) => {
            let compared = compare::profiles(&args.compare, &settings.how.profile)?;
            let folder = settings.folder(args.folder.as_deref())?;
            let out = args.out.as_deref().unwrap_or(folder);
            // What is only read is not locked: it may lie where nothing can be written.
            if History::within(folder).days()?.is_empty() {
                return Err(HistoryError::Empty(folder.to_owned()).into());
            }
            let run = Writing::to(out, reporter)?;
            run.end(match compared.as_slice() {
                [] => score::emission(settings).and_then(|emission| score::run(folder, out, settings, &emission, &run)),
                profiles => compare::run(folder, out, profiles, settings, &run),
            })
        }
        Command::Lint(args) => lint::run(&args, &reporter),
        Command::Import(args) => import::run(&args, settings, reporter),
        Command::Textfile(args) => textfile::run(&args, settings, reporter),
        Command::Rules(args) => rules::run(&args, settings),
        Command::Sql(_) => sql::run(settings),
        // Done above, without any settings.
        Command::Completions(_) | Command::Man(_) => Ok(()),
        Command::Config(ConfigArgs { command: ConfigCommand::Show(_) }) => config::show(&config),
    }
}

/// A run that writes: the only one in its folder, and one that can be stopped.
struct Writing {
    reporter: Reporter,
    interrupt: Interrupt,
    folder: OutputFolder,
}

impl Writing {
    fn to(out: &Path, reporter: Reporter) -> Result<Self, CommandError> {
        let interrupt = Interrupt::listen(reporter)?;
        let (folder, note) = OutputFolder::take(out, &outputs::owned())?;
        if let Some(note) = note {
            reporter.note(&note);
        }
        Ok(Self { reporter, interrupt, folder })
    }

    /// Syncs what was written, whatever became of the run: what is there then stays.
    fn end(&self, outcome: Result<(), CommandError>) -> Result<(), CommandError> {
        let synced = self.folder.sync();
        outcome.and(synced.map_err(CommandError::from))
    }
}

/// An error where a demand is not met.
fn met(gate: Option<Gate>) -> Result<(), CommandError> {
    gate.and_then(Gate::shortfall).map_or(Ok(()), |shortfall| Err(CommandError::Below(Box::new(shortfall))))
}

/// The variables of the environment that are ours.
fn environment() -> Environment {
    let ours = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
    ours.filter(|(name, _)| name.starts_with(VARIABLES)).collect()
}
