//! Arguments of `anonymize`, which copies a history under pseudonyms.

use std::path::PathBuf;

use clap::Args;

use super::HISTORY_FOLDER;
use crate::config::Heading;

#[derive(Debug, Args)]
pub(crate) struct AnonymizeArgs {
    #[arg(value_name = "DIR", help = HISTORY_FOLDER)]
    pub(crate) folder: Option<PathBuf>,

    /// File with the secret key: the same key gives the same pseudonyms
    #[arg(
        long, value_name = "FILE", help_heading = Heading::Source.title(),
        long_help = "File with the secret key, at least 16 bytes: the same key gives the same pseudonyms in each history. \
                     Whoever has it can verify a guessed name"
    )]
    pub(crate) key_file: PathBuf,

    /// Folder for the copy
    #[arg(
        long, short, value_name = "DIR", required_unless_present = "list", conflicts_with = "list",
        help_heading = Heading::Output.title()
    )]
    pub(crate) out: Option<PathBuf>,

    /// Print which pseudonym stands for which member, as CSV, and write nothing
    #[arg(long, help_heading = Heading::Output.title())]
    pub(crate) list: bool,
}
