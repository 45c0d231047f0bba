//! Arguments of `show`, which draws the heat map of a scored folder.

use std::path::PathBuf;

use clap::Args;

use super::{Flags, OfShow, SCORED_FOLDER, instant};
use crate::config::Heading;

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    #[arg(value_name = "DIR", help = SCORED_FOLDER)]
    pub(crate) folder: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) flags: Flags<OfShow>,

    /// Cluster to show; repeatable [default: all]
    #[arg(long, value_name = "NAME", help_heading = Heading::Selection.title())]
    pub(crate) cluster: Vec<String>,

    /// Also show the members of each cluster
    #[arg(long, help_heading = Heading::Selection.title())]
    pub(crate) members: bool,

    /// Number of latest days to show [default: as many as fit]
    #[arg(
        long, value_name = "NUMBER", conflicts_with = "since", value_parser = days,
        help_heading = Heading::Selection.title(),
        long_help = "Number of latest days to show [default: as many as fit the terminal, else all]"
    )]
    pub(crate) days: Option<u32>,

    /// First day to show, such as 2026-10-01
    #[arg(
        long, value_name = "DATE", value_parser = instant, help_heading = Heading::Selection.title(),
        long_help = "First day to show: a date, RFC 3339, or seconds since 1970"
    )]
    pub(crate) since: Option<String>,

    /// Write an SVG file instead
    #[arg(long, value_name = "FILE", help_heading = Heading::Output.title())]
    pub(crate) svg: Option<PathBuf>,

    /// Write a PNG file instead
    #[arg(long, value_name = "FILE", help_heading = Heading::Output.title())]
    pub(crate) png: Option<PathBuf>,
}

fn days(text: &str) -> Result<u32, String> {
    text.parse().ok().filter(|days| *days > 0).ok_or_else(|| format!("'{text}' is not a number of days: use 1 or more"))
}
