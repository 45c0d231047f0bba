//! What a person types.

mod diff;
mod examples;
mod findings;
mod flags;
mod import;
mod package;
mod show;
mod textfile;

pub(crate) use diff::DiffArgs;
pub(crate) use findings::FindingsArgs;
pub(crate) use flags::{All, Flags, OfCheck, OfDiff, OfExplain, OfImport, OfPull, OfRules, OfScore, OfSql, OfTextfile};
pub(crate) use import::ImportArgs;
pub(crate) use package::{CompletionsArgs, ManArgs};
pub(crate) use show::ShowArgs;
pub(crate) use textfile::TextfileArgs;

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand};

use crate::config::Given;
use crate::spec::Profile;
use crate::time::{TimeError, Zone};
use examples::{
    BACKFILL_EXAMPLES, CHECK_EXAMPLES, COMPLETIONS_EXAMPLES, CONFIG_SHOW_EXAMPLES, DIFF_EXAMPLES, EXPLAIN_EXAMPLES,
    FINDINGS_EXAMPLES, IMPORT_EXAMPLES, LAYERS, LINT_EXAMPLES, MAN_EXAMPLES, PULL_EXAMPLES, RULES_EXAMPLES,
    SCORE_EXAMPLES, SHOW_EXAMPLES, SQL_EXAMPLES, TEXTFILE_EXAMPLES,
};

/// Finds out when an etcd cluster was unhealthy, and why, from the history in Prometheus.
///
/// Six metrics of every member (WAL fsync p99, backend commit p99, open file descriptors, leader
/// changes, client traffic, database size) are judged at every step and weighed into a score from
/// 0 (red) to 10 (green). The scores are folded into one cell an hour.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, max_term_width = 100, after_help = LAYERS)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,

    /// File of settings: TOML where its name ends in .toml, else the original's INI [default: etcd-heatmap.toml, if it
    /// is there].
    #[arg(long, global = true, value_name = "FILE", display_order = 899)]
    pub(crate) config: Option<PathBuf>,

    /// Print no progress, notes, summaries or closing picture, and no table of diff: only errors, what was asked for
    /// (findings, an explanation, CSV, rules), and the log of -v.
    #[arg(long, short, global = true, display_order = 900)]
    pub(crate) quiet: bool,

    /// Log to standard error which queries are sent, retried and split and why, and which files are written; -vv adds
    /// PromQL, HTTP requests and lookups. Secrets are never logged. Without -v, RUST_LOG sets the level.
    #[arg(long, short, global = true, action = ArgAction::Count, display_order = 901)]
    pub(crate) verbose: u8,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Pull a history, score it and write everything: pull and score in one.
    #[command(after_help = BACKFILL_EXAMPLES)]
    Backfill(BackfillArgs),
    /// Stage 1: pull the six readings of every member into a history on disk.
    #[command(after_help = PULL_EXAMPLES)]
    Pull(PullArgs),
    /// Stage 2: score a history on disk and write everything else. Needs no server.
    #[command(after_help = SCORE_EXAMPLES)]
    Score(ScoreArgs),
    /// Put the scores of a folder into a Prometheus, as blocks that promtool makes of its OpenMetrics files.
    ///
    /// One promtool a file runs beside the data directory. A block goes in only when it holds every sample that was
    /// written, and only once: a second import adds nothing.
    #[command(after_help = IMPORT_EXAMPLES)]
    Import(ImportArgs),
    /// The heat map of a folder that was scored, in the terminal or as a picture.
    ///
    /// As wide as the window, in as many colours as the terminal has; into a pipe go digits. A place that is too narrow
    /// for its cells joins them.
    #[command(after_help = SHOW_EXAMPLES)]
    Show(ShowArgs),
    /// Before a long pull, in seconds: would it work, what would it take, and what is wrong?
    #[command(after_help = CHECK_EXAMPLES)]
    Check(CheckArgs),
    /// Take one cell of the heat map apart: the arithmetic behind its score, as on paper.
    ///
    /// The folder's manifest says how its scores were made (profile, bands, rollup, zone, cell); a flag says otherwise.
    #[command(after_help = EXPLAIN_EXAMPLES)]
    Explain(ExplainArgs),
    /// What to look at: incidents, why leaders changed, what comes back, defragmentation, growth, a quiet hour.
    ///
    /// Each finding tells its evidence and its rule. The folder's manifest says how its scores were made, as for explain.
    #[command(after_help = FINDINGS_EXAMPLES)]
    Findings(FindingsArgs),
    /// What changed, by cluster and metric: between two folders, or before and after an instant of one.
    ///
    /// Means, hours below 7 and 5, how sure the difference is (a 95 % interval that knows that neighbouring hours are
    /// alike) and how large (Cliff's delta). Unknown cells are left out, and told.
    #[command(after_help = DIFF_EXAMPLES)]
    Diff(DiffArgs),
    /// Check OpenMetrics files for what promtool takes without a word, and should not.
    ///
    /// Samples out of order or twice, milliseconds for seconds, a missing or early # EOF, blank lines, CR LF, name{},
    /// series and families that are not in one piece, samples in the head of a running Prometheus.
    #[command(after_help = LINT_EXAMPLES)]
    Lint(LintArgs),
    /// The score as it is now, for node_exporter's textfile collector: once, or again and again.
    ///
    /// Instant queries, one evaluation time for all, and the score that a backfill computes. A member of whom something
    /// is unknown has no etcd_score, and etcd_score_unknown is 1. The file is renamed into place; a loop that is ended
    /// takes it away, so that no score outlives its writer.
    #[command(after_help = TEXTFILE_EXAMPLES)]
    Textfile(TextfileArgs),
    /// Settings: what is in force, and where it came from.
    Config(ConfigArgs),
    /// Print Prometheus recording rules that compute the score from now on, or alerts on it.
    #[command(after_help = RULES_EXAMPLES)]
    Rules(RulesArgs),
    /// Print the score as SQL for DuckDB, which reads a history on disk.
    #[command(after_help = SQL_EXAMPLES)]
    Sql(SqlArgs),
    /// Print the completions of a shell.
    #[command(after_help = COMPLETIONS_EXAMPLES)]
    Completions(CompletionsArgs),
    /// Print the manual page, or write those of all subcommands.
    #[command(after_help = MAN_EXAMPLES)]
    Man(ManArgs),
}

impl Command {
    /// The flags of settings that were typed.
    pub(crate) fn given(&self) -> &[Given] {
        match self {
            Self::Backfill(args) => &args.flags.given,
            Self::Pull(args) => &args.flags.given,
            Self::Score(args) => &args.flags.given,
            Self::Check(args) => &args.flags.given,
            Self::Explain(args) => &args.flags.given,
            Self::Findings(args) => &args.flags.given,
            Self::Diff(args) => &args.flags.given,
            Self::Show(_) | Self::Lint(_) | Self::Completions(_) | Self::Man(_) => &[],
            Self::Rules(args) => &args.flags.given,
            Self::Sql(args) => &args.flags.given,
            Self::Import(args) => &args.flags.given,
            Self::Textfile(args) => &args.flags.given,
            Self::Config(ConfigArgs { command: ConfigCommand::Show(args) }) => &args.flags.given,
        }
    }
}

/// Arguments of `backfill`.
#[derive(Debug, Args)]
pub(crate) struct BackfillArgs {
    /// Use the sample history that is embedded in the program instead of a server.
    #[arg(long, conflicts_with_all = ["url", "start", "end", "step", "selector", "queries"])]
    pub(crate) sample: bool,

    /// All settings.
    #[command(flatten)]
    pub(crate) flags: Flags<All>,

    /// What it may do.
    #[command(flatten)]
    pub(crate) leave: Leave,
}

/// What a pull does only where it is told to.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Leave {
    /// Replace the history in the folder if it was pulled from another source or in another way.
    ///
    /// The old history stays in place until every day of the new one has been pulled; until then the new days wait in
    /// history.new. If some days fail, run the same command again to pull only those.
    #[arg(long)]
    pub(crate) overwrite: bool,

    /// Take answers of which the server says that they are partial (a store of Thanos is down); the
    /// manifest lists their days, and a pull without this flag pulls these again.
    #[arg(long)]
    pub(crate) allow_partial: bool,
}

/// Arguments of `pull`.
#[derive(Debug, Args)]
pub(crate) struct PullArgs {
    /// What to pull, and where to.
    #[command(flatten)]
    pub(crate) flags: Flags<OfPull>,

    /// What it may do.
    #[command(flatten)]
    pub(crate) leave: Leave,
}

/// Arguments of `check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// What a pull would be asked.
    #[command(flatten)]
    pub(crate) flags: Flags<OfCheck>,
}

/// Arguments of `score`.
#[derive(Debug, Args)]
pub(crate) struct ScoreArgs {
    /// Folder that holds history/, as pull wrote it [default: the one that the environment or the file names].
    #[arg(value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,

    /// Folder to write to [default: DIR].
    #[arg(long, short, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,

    /// Compare what these profiles call red, yellow and green, instead of writing scores; separated by
    /// commas. With --weight or --band the profile that they change is compared as well.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = Profile::named, conflicts_with = "fail-below")]
    pub(crate) compare: Vec<Profile>,

    /// How to score.
    #[command(flatten)]
    pub(crate) flags: Flags<OfScore>,
}

/// Arguments of `rules`.
#[derive(Debug, Args)]
pub(crate) struct RulesArgs {
    /// Print alerts on the scores instead: one that is low, one that is unknown, a textfile that is stale. They are
    /// the same for every profile.
    #[arg(long)]
    pub(crate) alerts: bool,

    /// How to judge, and how series are named.
    #[command(flatten)]
    pub(crate) flags: Flags<OfRules>,
}

/// Arguments of `sql`.
#[derive(Debug, Args)]
pub(crate) struct SqlArgs {
    /// How to judge.
    #[command(flatten)]
    pub(crate) flags: Flags<OfSql>,
}

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// Folder that holds history/, as pull wrote it [default: the one that the environment or the file names].
    #[arg(value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,

    /// The cluster.
    #[arg(long, value_name = "NAME")]
    pub(crate) cluster: String,

    /// An instant in the cell: 2026-10-07T14 (local in --time-zone), RFC 3339, a date, seconds since 1970.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = instant)]
    pub(crate) at: String,

    /// How to score.
    #[command(flatten)]
    pub(crate) flags: Flags<OfExplain>,
}

/// Refuses what is no time in any zone; which instant it is depends on the zone of the folder's cells.
fn instant(text: &str) -> Result<String, TimeError> {
    Zone::default().parse_instant(text, 0).map(|_| text.to_owned())
}

/// Arguments of `lint`.
#[derive(Debug, Args)]
pub(crate) struct LintArgs {
    /// Files of OpenMetrics text; - is standard input.
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
}

/// Arguments of `config`.
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    /// What to do with the settings.
    #[command(subcommand)]
    pub(crate) command: ConfigCommand,
}

/// The subcommands of `config`.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print all settings as TOML, each with where it came from; a login is never shown.
    #[command(after_help = CONFIG_SHOW_EXAMPLES)]
    Show(ConfigShowArgs),
}

/// Arguments of `config show`.
#[derive(Debug, Args)]
pub(crate) struct ConfigShowArgs {
    /// Those of a backfill.
    #[command(flatten)]
    pub(crate) flags: Flags<All>,
}

/// What is wrong with a command line, in one sentence; `None` where help or the version was asked for.
pub fn one_sentence(error: &clap::Error) -> Option<String> {
    use clap::error::ErrorKind::{DisplayHelp, DisplayHelpOnMissingArgumentOrSubcommand, DisplayVersion};
    if matches!(error.kind(), DisplayHelp | DisplayHelpOnMissingArgumentOrSubcommand | DisplayVersion) {
        return None;
    }
    let text = error.to_string();
    let said = text.strip_prefix("error: ").unwrap_or(&text);
    let words =
        said.trim_end().split("\n\n").take_while(|part| !part.starts_with("Usage:") && !part.starts_with("For more"));
    let parts = words.map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "));
    Some(parts.collect::<Vec<_>>().join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Origin;
    use clap::CommandFactory;

    #[test]
    fn the_flags_fit_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_help_of_formats_has_a_line_for_each_output() {
        let help =
            |command: &str| Cli::command().find_subcommand_mut(command).map(|c| c.render_long_help().to_string());
        for command in ["backfill", "score"] {
            let help = help(command).unwrap_or_default();
            for output in crate::outputs::OUTPUTS {
                assert!(help.contains(&format!("- {}: ", output.name())), "{command} does not list {}", output.name());
            }
        }
    }

    #[test]
    fn what_is_wrong_is_said_in_one_sentence() {
        let sentence =
            |args: &[&str]| Cli::try_parse_from(args).err().and_then(|e| one_sentence(&e)).unwrap_or_default();
        let missing = sentence(&["etcd-heatmap", "explain", "audit", "--cluster", "c"]);
        assert_eq!(missing, "the following required arguments were not provided: --at <TIME>");
        let typo = sentence(&["etcd-heatmap", "pull", "--url", "http://h", "--out", "o", "--strat", "now"]);
        assert_eq!(typo, "unexpected argument '--strat' found; tip: a similar argument exists: '--start'");
        assert_eq!(one_sentence(&Cli::command().error(clap::error::ErrorKind::DisplayHelp, "")), None);
    }

    #[test]
    fn flags_are_kept_as_they_were_typed() {
        let cli = Cli::try_parse_from(["etcd-heatmap", "score", "--without", "open_fds", "--without", "db_size"]);
        let given = cli.map(|cli| cli.command.given().to_vec()).unwrap_or_default();
        assert_eq!(given.len(), 1);
        assert_eq!((given[0].key.name, given[0].text.as_str()), ("score.without", "open_fds,db_size"));
        assert_eq!(given[0].origin, Origin::Flag("without"));
    }
}
