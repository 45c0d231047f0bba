//! One file for each subcommand: its `run` takes the settings, calls the other modules in order, and prints. Work
//! that another program could use belongs in those other modules.

mod annotations;
mod anonymize;
mod backfill;
mod check;
mod compare;
mod completions;
mod config;
mod days;
mod diff;
mod error;
mod evidence;
mod explain;
mod files;
mod findings;
mod forecast;
mod generated;
mod import;
mod interrupt;
mod lint;
mod log;
mod man;
mod merge;
mod places;
mod progress;
mod pull;
mod rewrite;
mod rules;
mod runtime;
mod score;
mod several;
mod show;
mod sources;
mod sql;
mod stdout;
mod textfile;
mod window;

use std::fmt;
use std::path::Path;
use std::process::ExitCode;

use crate::analysis::gate::Gate;
use crate::cli::{Cli, Command, ConfigArgs, ConfigCommand};
use crate::config::{Config, Environment, Settings, VARIABLES};
use crate::folder::{Manifest, OutputFolder, check_given};
use crate::history::History;
use crate::outputs;
use crate::places::shown;
#[cfg(test)]
pub(crate) use anonymize::AnonymizeError;
#[cfg(test)]
pub(crate) use diff::DiffError;
pub(crate) use error::CommandError;
use interrupt::Interrupt;
pub(crate) use interrupt::Signal;
#[cfg(test)]
pub(crate) use merge::MergeError;
use places::Places;
use progress::Reporter;
#[cfg(test)]
pub(crate) use several::{Failed, SeveralError};
#[cfg(test)]
pub(crate) use {
    show::ShowError,
    stdout::{StdoutError, finished},
};

/// Exit code for a mistake in the command line, the environment or a settings file.
pub const USAGE: u8 = 2;

/// Exit code of a run that succeeded but does not meet `--fail-below`.
const BELOW: u8 = 3;

/// A run that failed or was stopped: one sentence for the user, and an exit code.
#[derive(Debug)]
pub struct Failure(CommandError);

impl Failure {
    /// The exit code: 2 for a mistake in the command line or the settings, 3 if `--fail-below` is not met, 130 after
    /// SIGINT, 143 after SIGTERM, and 1 for every other error.
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
        // A run that a signal stopped has not failed.
        let prefix = if self.0.signal().is_some() { "" } else { "error: " };
        write!(f, "{prefix}{}", shown(&self.0.to_string()))
    }
}

/// Prints the help or version that the command line asked for.
pub fn print_help(help: &clap::Error) -> Result<(), Failure> {
    let printed = help.print().and_then(|()| std::io::Write::flush(&mut std::io::stdout()));
    stdout::finished(printed).map_err(|error| Failure(error.into()))
}

/// Runs a parsed command line.
pub fn run(cli: Cli) -> Result<(), Failure> {
    run_command(cli).map_err(Failure)
}

fn run_command(cli: Cli) -> Result<(), CommandError> {
    // These commands read no settings: a shell must get its completions even in a folder with a broken settings file.
    match &cli.command {
        Command::Completions(args) => return completions::run(*args),
        Command::Man(args) => return man::run(args),
        _ => {}
    }
    let reporter = Reporter::new(cli.quiet);
    if let Some(note) = log::start(cli.verbose) {
        reporter.note(&note);
    }
    let mut config = Config::load(cli.command.given(), cli.config.as_deref(), &environment())?;
    for note in &config.notes {
        reporter.note(note);
    }
    if let Some(name) = cli.command.only_source() {
        config = config.only(name)?;
    }
    if cli.command.pulls() || cli.command.only_source().is_some() {
        config.without_effect()?.iter().for_each(|note| reporter.note(note));
    }
    if let Command::Pull(args) = &cli.command
        && let Some(shard) = args.shard
    {
        config.settings.only_one("pull --shard")?;
        config.settings = config.settings.of_shard(shard);
    }
    let mut command = cli.command;
    let places = Places::open(&mut command, &mut config.settings, reporter)?;
    places.end(run_on_disk(command, &config, reporter))
}

/// Runs a command whose folders are all on disk.
fn run_on_disk(command: Command, config: &Config, reporter: Reporter) -> Result<(), CommandError> {
    let settings = &config.settings;
    match command {
        Command::Backfill(args) => {
            let run = Writing::to(settings.out()?, reporter)?;
            run.end(backfill::run(&args, settings, &run))
        }
        Command::Pull(args) => {
            let run = Writing::to(settings.out()?, reporter)?;
            run.end(sources::pull_set(settings, args.leave, &run).and_then(pull::Pulled::into_result))?;
            if let Some(name) = args.only.source.filter(|_| args.shard.is_none()) {
                reporter.note(&format!("source {name} is pulled: run the same command without --source to join it"));
            }
            Ok(())
        }
        Command::Merge(args) => {
            let folder = given_folder(settings, args.folder.as_deref())?;
            merge::check(folder)?;
            let run = Writing::to(folder, reporter)?;
            run.end(merge::run(folder, &run))
        }
        Command::Anonymize(args) => {
            let folder = given_folder(settings, args.folder.as_deref())?;
            let anonymized = anonymize::Anonymized::of(folder, &args)?;
            let Some(out) = &args.out else { return anonymized.list() };
            let run = Writing::to(out, reporter)?;
            run.end(anonymized.write(out, &run))
        }
        Command::Check(_) => check::run(settings, &reporter),
        Command::Findings(args) => findings::run(&args, settings, &reporter),
        Command::Forecast(args) => {
            let folder = given_folder(settings, args.folder.as_deref())?;
            forecast::check(folder, &args, settings)?;
            let run = Writing::to(folder, reporter)?;
            run.end(match args.every {
                Some(every) => forecast::run_every(every, folder, &args, settings, &run),
                None => forecast::run(folder, &args, settings, &run),
            })
        }
        Command::Explain(args) => explain::run(&args, settings, reporter),
        Command::Show(args) => show::run(&args, settings, &reporter),
        Command::Diff(args) => diff::run(&args, settings, &reporter),
        Command::Score(args) => {
            let compared = compare::profiles(&args.compare, &settings.how.profile)?;
            let folder = given_folder(settings, args.folder.as_deref())?;
            let out = args.out.as_deref().unwrap_or(folder);
            // Check before taking the lock, which creates `out`. Only `out` is locked: the history may be on a read-only disk.
            if History::within(folder).days()?.is_empty() {
                return Err(evidence::no_history(folder, Manifest::read(folder)?.as_ref()));
            }
            let run = Writing::to(out, reporter)?;
            run.end(match compared.as_slice() {
                [] => score::emission(settings).and_then(|emission| score::run(folder, out, settings, &emission, &run)),
                profiles => compare::run(folder, out, profiles, settings, &run),
            })
        }
        Command::Lint(args) => lint::run(&args, &reporter),
        Command::Import(args) => import::run(&args, settings, reporter),
        Command::Textfile(args) => {
            settings.only_one("textfile")?;
            textfile::run(&args, settings, reporter)
        }
        Command::Rules(args) => rules::run(&args, settings),
        Command::Sql(args) => sql::run(settings, args.dialect),
        // The first `match` in this function handles these.
        Command::Completions(_) | Command::Man(_) => Ok(()),
        Command::Config(ConfigArgs { command: ConfigCommand::Show(_) }) => config::show(config),
    }
}

/// The folder that a command reads: its argument, or else the output folder. Fails if it is a file, or inside an output
/// folder.
fn given_folder<'a>(settings: &'a Settings, typed: Option<&'a Path>) -> Result<&'a Path, CommandError> {
    let folder = settings.folder(typed)?;
    check_given(folder)?;
    Ok(folder)
}

/// A run that writes into a folder: it holds the folder's lock and listens for signals.
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

    /// Syncs the folders that the run wrote to, even after a failure: the files written so far are worth keeping.
    fn end(&self, outcome: Result<(), CommandError>) -> Result<(), CommandError> {
        let synced = self.folder.sync();
        outcome.and(synced.map_err(CommandError::from))
    }
}

/// Fails if the gate of `--fail-below` is not met.
fn met(gate: Option<Gate>) -> Result<(), CommandError> {
    gate.and_then(Gate::shortfall).map_or(Ok(()), |shortfall| Err(CommandError::Below(Box::new(shortfall))))
}

/// The environment variables that start with `ETCD_HEATMAP_`.
fn environment() -> Environment {
    let ours = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
    ours.filter(|(name, _)| name.starts_with(VARIABLES)).collect()
}
