//! Arguments of `show`.

use std::path::PathBuf;

use clap::Args;

use super::instant;

/// Arguments of `show`.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// Folder that backfill or score wrote to [default: the one that the environment or the file names].
    #[arg(value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,

    /// A cluster to show; may be given several times [default: all].
    #[arg(long, value_name = "NAME")]
    pub(crate) cluster: Vec<String>,

    /// Show the members of each cluster below it.
    #[arg(long)]
    pub(crate) members: bool,

    /// Show the latest days only [default: what the window has room for, else all].
    #[arg(long, value_name = "NUMBER", conflicts_with = "since", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) days: Option<u32>,

    /// Show the days from this one on: a date, or an instant as for --at of explain.
    #[arg(long, value_name = "DATE", value_parser = instant)]
    pub(crate) since: Option<String>,

    /// Draw it into this SVG file instead.
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,

    /// Draw it into this PNG file instead.
    #[arg(long, value_name = "FILE")]
    pub(crate) png: Option<PathBuf>,
}
