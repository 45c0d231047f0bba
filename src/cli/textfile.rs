//! What somebody types who wants the score as it is now.

use std::path::PathBuf;

use clap::Args;

use super::{Flags, OfTextfile};

/// Arguments of `textfile`.
#[derive(Debug, Args)]
pub(crate) struct TextfileArgs {
    /// File to write, in the folder of node_exporter's --collector.textfile.directory and named *.prom [default:
    /// standard output, once].
    #[arg(long, short, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,

    /// Ask nothing of the server: say whether the file tells of a success that is no older than --max-age, and exit with
    /// 0 or 1.
    #[arg(long, requires = "out")]
    pub(crate) check_health: bool,

    /// Take answers of which the server says that they are partial: what they lack is unknown.
    #[arg(long)]
    pub(crate) allow_partial: bool,

    /// What to ask, and how to score.
    #[command(flatten)]
    pub(crate) flags: Flags<OfTextfile>,
}
