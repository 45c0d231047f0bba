//! The command line: subcommands, their flags, their help, and their errors.
//!
//! The flags of settings come from the table in `config`; this module adds the other flags. Values of settings are
//! checked here but passed on as text: `config` parses them like those from the environment and the file.

mod anonymize;
mod diff;
mod examples;
mod explain;
mod findings;
mod flags;
mod folders;
mod forecast;
mod help;
mod import;
mod only_source;
mod package;
mod pull;
mod show;
mod textfile;
mod wrong;

pub(crate) use anonymize::AnonymizeArgs;
pub(crate) use diff::DiffArgs;
pub(crate) use explain::ExplainArgs;
pub(crate) use findings::FindingsArgs;
pub(crate) use flags::{
    All, Flags, OfCheck, OfDiff, OfExplain, OfFindings, OfForecast, OfImport, OfPull, OfRules, OfScore, OfShow, OfSql,
    OfTextfile,
};
pub(crate) use folders::{Slot, Use};
pub(crate) use forecast::{ForecastArgs, WantedMetric};
pub(crate) use import::ImportArgs;
pub(crate) use only_source::OnlySource;
pub(crate) use package::{CompletionsArgs, ManArgs};
pub(crate) use pull::{BackfillArgs, CheckArgs, Leave, MergeArgs, PullArgs};
pub(crate) use show::ShowArgs;
pub(crate) use textfile::TextfileArgs;
pub use wrong::one_sentence;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Arg, ArgAction, Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::config::{Given, Heading};
use crate::outputs::Dialect;
use crate::readings::SourceName;
use crate::spec::Profile;
use crate::time::{TimeError, Zone};
use examples::{
    ANONYMIZE_EXAMPLES, BACKFILL_EXAMPLES, CHECK_EXAMPLES, COMPLETIONS_EXAMPLES, CONFIG_SHOW_EXAMPLES, DIFF_EXAMPLES,
    EXPLAIN_EXAMPLES, FINDINGS_EXAMPLES, FORECAST_EXAMPLES, IMPORT_EXAMPLES, LAYERS, LINT_EXAMPLES, MAN_EXAMPLES,
    MERGE_EXAMPLES, PULL_EXAMPLES, RULES_EXAMPLES, SCORE_EXAMPLES, SHOW_EXAMPLES, SQL_EXAMPLES, TEXTFILE_EXAMPLES,
};

/// Help of the folder argument of `score`, `explain` and `findings`.
const HISTORY_FOLDER: &str = "Folder that holds history/ [env: ETCD_HEATMAP_OUT]";
/// Help of the folder argument of `import` and `show`.
const SCORED_FOLDER: &str = "Folder that backfill or score wrote to [env: ETCD_HEATMAP_OUT]";

/// Show from Prometheus history when an etcd cluster was unhealthy, and why
///
/// etcd-heatmap reads the history of six etcd metrics from Prometheus, scores every member at every step from 0
/// (critical) to 10 (healthy), and shows the result as a heat map with one cell per hour.
#[derive(Debug, Parser)]
#[command(
    version, propagate_version = true, max_term_width = 100, after_help = LAYERS,
    disable_help_flag = true, disable_version_flag = true, arg = help_flag(), arg = version_flag()
)]
pub struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// Settings file [default: etcd-heatmap.toml, if present]
    #[arg(
        long, global = true, value_name = "FILE", display_order = 899, help_heading = Heading::Behavior.title(),
        long_help = "Settings file: TOML if named *.toml, else the INI of the Python script this replaces \
                     [env: ETCD_HEATMAP_CONFIG] [default: etcd-heatmap.toml, if present]"
    )]
    pub(crate) config: Option<PathBuf>,

    /// Print only errors and the requested output
    #[arg(
        long, short, global = true, display_order = 900, help_heading = Heading::Behavior.title(),
        long_help = "Print only errors and the requested output: no progress, notes, or tables"
    )]
    pub(crate) quiet: bool,

    /// Log to standard error; -vv logs more
    #[arg(
        long, short, global = true, action = ArgAction::Count, display_order = 901,
        help_heading = Heading::Behavior.title(),
        long_help = "Log each query, retry, split query, and written file to standard error; -vv adds PromQL \
                     and HTTP requests. Without -v, RUST_LOG sets the level"
    )]
    pub(crate) verbose: u8,
}

// Replaces clap's own help flag, which clap would list under a separate heading, "Options".
fn help_flag() -> Arg {
    let help = "Print common flags (-h), or all flags and examples (--help)";
    let flag = Arg::new("help").short('h').long("help").action(ArgAction::Help).help(help);
    flag.global(true).display_order(902).help_heading(Heading::Behavior.title())
}

fn version_flag() -> Arg {
    let flag = Arg::new("version").short('V').long("version").action(ArgAction::Version).help("Print the version");
    flag.global(true).display_order(903).help_heading(Heading::Behavior.title())
}

impl Cli {
    /// Parses a command line, whose first word is the name of the program. If it asks for help or for the version, the
    /// result is an error of that kind.
    pub fn from_words(words: &[OsString]) -> Result<Self, clap::Error> {
        let command = match help::asks_for_all(words) {
            true => help::long(Self::command()),
            false => help::short(Self::command()),
        };
        Self::from_arg_matches(&command.try_get_matches_from(words)?)
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Pull a history, score it, and write all outputs: pull and score in one
    #[command(after_help = BACKFILL_EXAMPLES)]
    Backfill(BackfillArgs),
    /// Pull the readings of every member from a server into a history on disk
    #[command(after_help = PULL_EXAMPLES)]
    Pull(PullArgs),
    /// Join the shards of a history that several runs of pull --shard have pulled
    ///
    /// Checks that every shard is there, and that all have the same source, range and days. The history is the one that a
    /// single pull would have written, to the byte.
    #[command(after_help = MERGE_EXAMPLES)]
    Merge(MergeArgs),
    /// Copy a history with stable pseudonyms for clusters and members
    ///
    /// A pseudonym is a keyed hash of the name. The copy has no URL, path, header, or label value either; score it as any
    /// history.
    #[command(after_help = ANONYMIZE_EXAMPLES)]
    Anonymize(AnonymizeArgs),
    /// Score a history on disk and write all outputs; needs no server
    #[command(after_help = SCORE_EXAMPLES)]
    Score(ScoreArgs),
    /// Import the scores of a folder into Prometheus or VictoriaMetrics
    ///
    /// promtool makes blocks of the folder's OpenMetrics files, one process per file. A block is added only if it holds
    /// every sample that was written, and only once: a second import adds nothing.
    #[command(after_help = IMPORT_EXAMPLES)]
    Import(ImportArgs),
    /// Show the heat map of a scored folder in the terminal, or as SVG or PNG
    ///
    /// The map is as wide as the terminal, with as many colors as it has; a pipe gets digits. Cells are joined if
    /// they do not all fit.
    #[command(after_help = SHOW_EXAMPLES)]
    Show(ShowArgs),
    /// Check in seconds whether a pull would work, what it would take, and what is wrong
    #[command(after_help = CHECK_EXAMPLES)]
    Check(CheckArgs),
    /// Explain one cell of the heat map: the arithmetic behind its score
    ///
    /// Without flags, the cell is scored as the manifest of the folder describes.
    #[command(after_help = EXPLAIN_EXAMPLES)]
    Explain(ExplainArgs),
    /// List problems, worst first, or the findings behind them
    ///
    /// Each problem shows when it happened, what it cost, its worst reading, and a command to look closer. Without
    /// flags for scoring, the history is scored as the manifest of the folder describes.
    #[command(after_help = FINDINGS_EXAMPLES)]
    Findings(FindingsArgs),
    /// Forecast whether clusters become red, when limits are reached, and how far to trust that
    ///
    /// Uses the last 28 days of a history on disk; --every keeps it and the forecast current. Each forecast shows the usual rate beside the probability, and how
    /// forecasts like it did on these days: none of them saw what came after it.
    #[command(after_help = FORECAST_EXAMPLES)]
    Forecast(ForecastArgs),
    /// Compare two folders, or one folder before and after an instant
    ///
    /// Shows for each cluster and metric the means, the hours below 7 and 5, the difference with a 95 % interval
    /// (widened for the correlation between neighboring hours), and its size (Cliff's delta). Cells without a score are left
    /// out and counted. --fail-below judges AFTER, or the part after --at.
    #[command(after_help = DIFF_EXAMPLES)]
    Diff(DiffArgs),
    /// Find what promtool would silently drop or change in OpenMetrics files
    ///
    /// Finds samples that are out of order or duplicate, milliseconds in place of seconds, a missing or early # EOF,
    /// blank lines, CR LF, name{}, split series and families, and samples in the head of a running Prometheus.
    #[command(after_help = LINT_EXAMPLES)]
    Lint(LintArgs),
    /// Write the current score for node_exporter's textfile collector, once or repeatedly
    ///
    /// Uses instant queries with one evaluation time, and scores like a backfill. A member with a missing reading has
    /// no etcd_score, and its etcd_score_unknown is 1. The file is renamed into place, and removed when a loop ends.
    #[command(after_help = TEXTFILE_EXAMPLES)]
    Textfile(TextfileArgs),
    /// Show the settings in force and where each comes from
    Config(ConfigArgs),
    /// Print Prometheus recording rules for the score, or alerts on it
    #[command(after_help = RULES_EXAMPLES)]
    Rules(RulesArgs),
    /// Print SQL that computes the score in DuckDB or Spark from a history
    #[command(after_help = SQL_EXAMPLES)]
    Sql(SqlArgs),
    /// Print completions for a shell, such as bash
    #[command(after_help = COMPLETIONS_EXAMPLES)]
    Completions(CompletionsArgs),
    /// Print the manual page, or write one page per subcommand
    #[command(after_help = MAN_EXAMPLES)]
    Man(ManArgs),
}

impl Command {
    /// Whether the command pulls from all sources of the settings, or would.
    pub(crate) fn pulls(&self) -> bool {
        match self {
            Self::Backfill(args) => !args.sample,
            Self::Forecast(args) => args.every.is_some(),
            Self::Pull(_) | Self::Check(_) => true,
            _ => false,
        }
    }

    /// The one of several sources that is read; `None` reads all.
    pub(crate) fn only_source(&self) -> Option<&SourceName> {
        let only = match self {
            Self::Pull(args) => &args.only,
            Self::Check(args) => &args.only,
            Self::Rules(args) => &args.only,
            Self::Textfile(args) => &args.only,
            _ => return None,
        };
        only.source.as_ref()
    }

    /// The settings that were given as flags of the subcommand.
    pub(crate) fn given(&self) -> &[Given] {
        match self {
            Self::Backfill(args) => &args.flags.given,
            Self::Pull(args) => &args.flags.given,
            Self::Score(args) => &args.flags.given,
            Self::Check(args) => &args.flags.given,
            Self::Explain(args) => &args.flags.given,
            Self::Findings(args) => &args.flags.given,
            Self::Forecast(args) => &args.flags.given,
            Self::Diff(args) => &args.flags.given,
            Self::Show(args) => &args.flags.given,
            Self::Merge(_) | Self::Anonymize(_) | Self::Lint(_) | Self::Completions(_) | Self::Man(_) => &[],
            Self::Rules(args) => &args.flags.given,
            Self::Sql(args) => &args.flags.given,
            Self::Import(args) => &args.flags.given,
            Self::Textfile(args) => &args.flags.given,
            Self::Config(ConfigArgs { command: ConfigCommand::Show(args) }) => &args.flags.given,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct ScoreArgs {
    #[arg(value_name = "DIR", help = HISTORY_FOLDER)]
    pub(crate) folder: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) flags: Flags<OfScore>,

    /// Folder to write to [default: the folder that is scored]
    #[arg(long, short, value_name = "DIR", display_order = 0, help_heading = Heading::Output.title())]
    pub(crate) out: Option<PathBuf>,

    /// Compare these profiles instead of writing scores
    #[arg(
        long, value_name = "NAMES", value_delimiter = ',', value_parser = Profile::named, conflicts_with = "fail-below",
        help_heading = Heading::Scoring.title(),
        long_help = "Compare how these profiles color each cell instead of writing scores, such as seed,mixin. \
                     --weight or --band adds --profile with these changes"
    )]
    pub(crate) compare: Vec<Profile>,
}

#[derive(Debug, Args)]
pub(crate) struct RulesArgs {
    #[command(flatten)]
    pub(crate) flags: Flags<OfRules>,

    #[command(flatten)]
    pub(crate) only: OnlySource,

    /// Print alerts on the scores instead of recording rules
    #[arg(
        long, help_heading = Heading::Output.title(),
        long_help = "Print alerts on the scores instead of recording rules: a critical metric, a low score, a missing \
                     score, and a stale textfile. Use the settings of the rules or the textfile: the profile sets the \
                     limit of a low score"
    )]
    pub(crate) alerts: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SqlArgs {
    #[command(flatten)]
    pub(crate) flags: Flags<OfSql>,

    /// Engine that runs the SQL: duckdb, spark [default: duckdb]
    #[arg(
        long, value_name = "ENGINE", default_value = "duckdb", hide_default_value = true,
        help_heading = Heading::Output.title()
    )]
    pub(crate) dialect: Dialect,
}

/// Refuses a text that is not a valid time. The command parses it again, in the time zone of the folder's cells.
fn instant(text: &str) -> Result<String, TimeError> {
    Zone::default().parse_instant(text, 0).map(|_| text.to_owned())
}

#[derive(Debug, Args)]
pub(crate) struct LintArgs {
    /// OpenMetrics files; - is standard input
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    pub(crate) command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print all settings as TOML, each with its origin; logins are never shown
    #[command(after_help = CONFIG_SHOW_EXAMPLES)]
    Show(ConfigShowArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ConfigShowArgs {
    #[command(flatten)]
    pub(crate) flags: Flags<All>,
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests;
