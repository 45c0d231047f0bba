//! What a person types.

mod generate;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::prometheus::SeriesForm;
use crate::score::Rollup;
use crate::spec::{Bands, Metric, PROFILES, Profile, RuleError, parse_weight};
use crate::time::{CellWidth, Step, Zone};
pub use generate::{ProfileArgs, RulesArgs, SqlArgs};

/// Finds out when an etcd cluster was unhealthy, and why, from the history in Prometheus.
///
/// Six metrics of every member (WAL fsync p99, backend commit p99, open file descriptors, leader
/// changes, client traffic, database size) are judged at every step and weighed into a score from
/// 0 (red) to 10 (green). The scores are folded into one cell an hour.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,

    /// Print no progress and no picture, only errors.
    #[arg(long, short, global = true, display_order = 900)]
    pub quiet: bool,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Pull a history, score it and write everything: pull and score in one.
    #[command(after_help = BACKFILL_EXAMPLES)]
    Backfill(BackfillArgs),
    /// Stage 1: pull the six readings of every member into a history on disk.
    #[command(after_help = PULL_EXAMPLES)]
    Pull(PullArgs),
    /// Stage 2: score a history on disk and write everything else. Needs no server.
    #[command(after_help = SCORE_EXAMPLES)]
    Score(ScoreArgs),
    /// Take one cell of the heat map apart: the arithmetic behind its score, as on paper.
    #[command(after_help = EXPLAIN_EXAMPLES)]
    Explain(ExplainArgs),
    /// Print Prometheus recording rules that compute the score from now on.
    #[command(after_help = generate::RULES_EXAMPLES)]
    Rules(RulesArgs),
    /// Print the score as SQL for DuckDB, which reads a history on disk.
    #[command(after_help = generate::SQL_EXAMPLES)]
    Sql(SqlArgs),
}

const BACKFILL_EXAMPLES: &str = "\
Examples:
  Try it without a server, on the embedded sample history:
    etcd-heatmap backfill --sample --out audit
  Last month at one minute, from a Prometheus:
    etcd-heatmap backfill --url http://127.0.0.1:9090 --start 2026-10-01 --end 2026-11-01 --step 1m --out audit
  Import the scores into a Prometheus:
    for f in audit/openmetrics/*.om; do promtool tsdb create-blocks-from openmetrics \"$f\" /var/lib/prometheus; done";

const PULL_EXAMPLES: &str = "\
Examples:
  The last 30 days of one job at five minutes:
    etcd-heatmap pull --url http://127.0.0.1:9090 --start now-30d --end now --step 5m --selector 'job=\"etcd\"' --out audit
  Members named by their pod:
    etcd-heatmap pull --url http://127.0.0.1:9090 --member-label pod --out audit";

const SCORE_EXAMPLES: &str = "\
Examples:
  Score what a pull wrote, into the same folder:
    etcd-heatmap score audit
  Without open_fds, into another folder:
    etcd-heatmap score audit --without open_fds --out audit-without-fds
  What would other thresholds have said?
    etcd-heatmap score audit --compare seed,etcd-faq,fleet";

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  Why was c01 red at two in the afternoon (UTC) of 7 October?
    etcd-heatmap explain audit --cluster c01 --at 2026-10-07T14
  The same cell by the clocks of Berlin:
    etcd-heatmap explain audit --cluster c01 --at 2026-10-07T16 --time-zone Europe/Berlin";

/// Arguments of `backfill`.
#[derive(Debug, Args)]
pub struct BackfillArgs {
    /// Use the sample history that is embedded in the program instead of a server.
    #[arg(long, conflicts_with_all = ["url", "start", "end", "step", "selector", "queries"])]
    pub sample: bool,

    /// Base URL of a Prometheus-compatible server, such as http://127.0.0.1:9090.
    #[arg(long, value_name = "URL", required_unless_present = "sample")]
    pub url: Option<String>,

    /// What to pull.
    #[command(flatten)]
    pub what: WhatArgs,

    /// How to score.
    #[command(flatten)]
    pub how: HowArgs,

    /// Folder to write to; made where it is missing.
    #[arg(long, short, value_name = "DIR")]
    pub out: PathBuf,
}

/// Arguments of `pull`.
#[derive(Debug, Args)]
pub struct PullArgs {
    /// Base URL of a Prometheus-compatible server, such as http://127.0.0.1:9090.
    #[arg(long, value_name = "URL")]
    pub url: String,

    /// What to pull.
    #[command(flatten)]
    pub what: WhatArgs,

    /// Pull what these profiles need beside the six metrics; separated by commas.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', default_value = PROFILES[0], value_parser = Profile::named)]
    pub profile: Vec<Profile>,

    /// Leave a metric out; the rest share its weight. May be given several times.
    #[arg(long, value_name = "METRIC")]
    pub without: Vec<Metric>,

    /// Folder to write to; made where it is missing.
    #[arg(long, short, value_name = "DIR")]
    pub out: PathBuf,
}

/// What to pull, and how.
#[derive(Clone, Debug, Args)]
pub struct WhatArgs {
    /// Start of the range: RFC 3339, a date (midnight UTC), seconds since 1970, now, now-30d.
    #[arg(long, value_name = "TIME", default_value = "now-7d", allow_hyphen_values = true)]
    pub start: String,

    /// End of the range, not part of it; written like --start.
    #[arg(long, value_name = "TIME", default_value = "now", allow_hyphen_values = true)]
    pub end: String,

    /// Distance between two evaluations, whole seconds up to 1h. Rates look back 5 minutes: with a
    /// longer step they see only a part of the time.
    #[arg(long, value_name = "DURATION", default_value = "1m")]
    pub step: Step,

    /// Label matchers that every query carries, such as 'job="etcd"'.
    #[arg(long, value_name = "MATCHERS", default_value = "")]
    pub selector: String,

    /// Label that names the cluster [default: cluster, else job].
    #[arg(long, value_name = "LABEL", value_parser = label_name)]
    pub cluster_label: Option<String>,

    /// Label that names the member.
    #[arg(long, value_name = "LABEL", default_value = "instance", value_parser = label_name)]
    pub member_label: String,

    /// Which series to read: etcd's own, or what the original system's recording rules made of them.
    #[arg(long, value_enum, default_value_t = SeriesArg::Auto)]
    pub series: SeriesArg,

    /// Folder with METRIC.promql files that replace the embedded queries of the same name.
    #[arg(long, value_name = "DIR")]
    pub queries: Option<PathBuf>,

    /// Range queries in flight at once.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub concurrency: u16,

    /// Replace what --out holds when it was pulled from elsewhere or in another way.
    #[arg(long)]
    pub overwrite: bool,
}

/// Arguments of `score`.
#[derive(Debug, Args)]
pub struct ScoreArgs {
    /// Folder that holds history/, as pull wrote it.
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,

    /// Folder to write to [default: DIR].
    #[arg(long, short, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// Compare what these profiles call red, yellow and green, instead of writing scores; separated by
    /// commas. With --weight or --band the profile that they change is compared as well.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = Profile::named)]
    pub compare: Vec<Profile>,

    /// How to score.
    #[command(flatten)]
    pub how: HowArgs,
}

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// Folder that holds history/, as pull wrote it.
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,

    /// The cluster.
    #[arg(long, value_name = "NAME")]
    pub cluster: String,

    /// An instant in the cell: 2026-10-07T14 (local in --time-zone), RFC 3339, a date, seconds since 1970.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub at: String,

    /// How to score.
    #[command(flatten)]
    pub how: HowArgs,
}

/// How to score.
#[derive(Clone, Debug, Args)]
pub struct HowArgs {
    /// Whose thresholds and weights: seed, etcd-faq, mixin, openshift or fleet.
    #[arg(long, value_name = "NAME", default_value = PROFILES[0], value_parser = Profile::named)]
    pub profile: Profile,

    /// What if a metric weighed this much? METRIC=SHARE, such as wal_fsync=0.5; the others share the
    /// rest in proportion. May be given several times.
    #[arg(long, value_name = "METRIC=SHARE", value_parser = weight)]
    pub weight: Vec<(Metric, u64)>,

    /// What if a metric had other bands? METRIC=THRESHOLD:POINTS,…, such as wal_fsync=0.02:5,0.05:0
    /// or, of its limit, db_size=80%:0; METRIC=none never costs a point. May be given several times.
    #[arg(long, value_name = "METRIC=BANDS", value_parser = bands)]
    pub band: Vec<(Metric, Bands)>,

    /// Leave a metric out; the rest share its weight. May be given several times.
    #[arg(long, value_name = "METRIC")]
    pub without: Vec<Metric>,

    /// How the members of a cluster become its score: worst, mean, or quorum (what a majority reaches).
    #[arg(long, value_name = "ROLLUP", default_value_t)]
    pub rollup: Rollup,

    /// Whose days and hours: an IANA time zone such as Europe/Berlin.
    #[arg(long, value_name = "ZONE", default_value_t)]
    pub time_zone: Zone,

    /// Width of a cell: 15m, 30m, 1h or 2h.
    #[arg(long, value_name = "WIDTH", default_value_t)]
    pub cell: CellWidth,

    /// Share of its steps that must be scored for a cell not to be uncertain, 0 to 1.
    #[arg(long, value_name = "SHARE", default_value_t = 0.5, value_parser = share)]
    pub min_coverage: f64,
}

/// The values of `--series`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SeriesArg {
    /// Recorded series where they cover all that etcd's own cover, else etcd's own.
    Auto,
    /// etcd's own metrics.
    Raw,
    /// The recorded series of the original system.
    Recorded,
}

impl From<SeriesArg> for SeriesForm {
    fn from(arg: SeriesArg) -> Self {
        match arg {
            SeriesArg::Auto => Self::Auto,
            SeriesArg::Raw => Self::Raw,
            SeriesArg::Recorded => Self::Recorded,
        }
    }
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

/// `wal_fsync=0.5`, in millionths.
fn weight(text: &str) -> Result<(Metric, u64), String> {
    let (metric, weight) = of_metric(text, "wal_fsync=0.5")?;
    Ok((metric, parse_weight(weight).map_err(|e| e.to_string())?))
}

/// `wal_fsync=0.02:5,0.05:0`
fn bands(text: &str) -> Result<(Metric, Bands), String> {
    let (metric, bands) = of_metric(text, "wal_fsync=0.02:5,0.05:0")?;
    Ok((metric, bands.parse().map_err(|e: RuleError| e.to_string())?))
}

fn of_metric<'a>(text: &'a str, example: &str) -> Result<(Metric, &'a str), String> {
    let (metric, value) = text.split_once('=').ok_or_else(|| format!("write it like {example}"))?;
    Ok((metric.trim().parse()?, value))
}

/// A share, 0 to 1.
fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("write a number from 0 to 1, such as 0.5".to_owned()),
    }
}

/// A label name as Prometheus allows it: it stands in the queries as it is.
fn label_name(text: &str) -> Result<String, String> {
    let mut chars = text.chars();
    let starts = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    if starts && chars.all(|c| c.is_ascii_alphanumeric() || c == '_') {
        Ok(text.to_owned())
    } else {
        Err("a label name is made of letters, digits and underscores".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_flags_fit_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn what_is_wrong_is_said_in_one_sentence() {
        let sentence =
            |args: &[&str]| Cli::try_parse_from(args).err().and_then(|e| one_sentence(&e)).unwrap_or_default();
        let missing = sentence(&["etcd-heatmap", "pull", "--url", "http://h"]);
        assert_eq!(missing, "the following required arguments were not provided: --out <DIR>");
        let typo = sentence(&["etcd-heatmap", "pull", "--url", "http://h", "--out", "o", "--strat", "now"]);
        assert_eq!(typo, "unexpected argument '--strat' found; tip: a similar argument exists: '--start'");
        assert_eq!(one_sentence(&Cli::command().error(clap::error::ErrorKind::DisplayHelp, "")), None);
    }

    #[test]
    fn a_label_name_that_would_break_the_query_is_refused() {
        assert!(label_name("k8s_cluster").is_ok());
        for bad in ["", "a-b", "1a", "a)"] {
            assert!(label_name(bad).is_err(), "{bad}");
        }
    }
}
