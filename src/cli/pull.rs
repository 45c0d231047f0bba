//! The arguments of commands that fetch a history: `backfill`, `pull` with `merge`, and `check`.

use std::path::PathBuf;

use clap::Args;

use super::{All, Flags, OfCheck, OfPull, OnlySource};
use crate::config::Heading;
use crate::readings::{Shard, ShardError};

/// Help of the folder argument of `merge`.
const SHARDS_FOLDER: &str = "Folder that holds shards/ [env: ETCD_HEATMAP_OUT]";

#[derive(Debug, Args)]
pub(crate) struct BackfillArgs {
    #[command(flatten)]
    pub(crate) flags: Flags<All>,

    /// Use the embedded sample history instead of a server
    #[arg(
        long, conflicts_with_all = ["url", "from", "start", "end", "step", "selector", "queries"], display_order = 0,
        help_heading = Heading::Source.title()
    )]
    pub(crate) sample: bool,

    #[command(flatten)]
    pub(crate) leave: Leave,
}

/// Flags that let a pull do what it refuses by default.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(crate) struct Leave {
    /// Replace a history of another source, step, or query
    #[arg(
        long, help_heading = Heading::Output.title(),
        long_help = "Replace a history of another source, step, or query; all or nothing"
    )]
    pub(crate) overwrite: bool,

    /// Accept partial responses, and dumps that end early
    #[arg(
        long, help_heading = Heading::Source.title(), hide_short_help = true,
        long_help = "Accept partial responses, and dumps that end early"
    )]
    pub(crate) allow_partial: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PullArgs {
    #[command(flatten)]
    pub(crate) flags: Flags<OfPull>,

    /// Pull only one of several shares of the clusters
    #[arg(
        long, value_name = "NUMBER/COUNT", value_parser = shard, help_heading = Heading::Output.title(),
        hide_short_help = true,
        long_help = "Pull one share of the clusters, such as 3/16, into DIR/shards/3-of-16; 'etcd-heatmap merge' joins \
                     them. index/16 is the share of a pod of an Indexed Job of Kubernetes"
    )]
    pub(crate) shard: Option<Shard>,

    #[command(flatten)]
    pub(crate) only: OnlySource,

    #[command(flatten)]
    pub(crate) leave: Leave,
}

fn shard(text: &str) -> Result<Shard, ShardError> {
    let index = std::env::var_os(Shard::INDEX_VARIABLE);
    Shard::asked(text, index.as_ref().map(|index| index.to_string_lossy()).as_deref())
}

#[derive(Debug, Args)]
pub(crate) struct MergeArgs {
    #[arg(value_name = "DIR", help = SHARDS_FOLDER)]
    pub(crate) folder: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) flags: Flags<OfCheck>,

    #[command(flatten)]
    pub(crate) only: OnlySource,
}
