//! What somebody types who packages the program, or sets up a shell.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

/// Arguments of `completions`.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// For which shell.
    #[arg(value_name = "SHELL")]
    pub(crate) shell: Shell,
}

/// Arguments of `man`.
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Folder that gets all pages, one a subcommand, such as etcd-heatmap-backfill.1 [default: the main page goes to
    /// standard output].
    #[arg(long, short, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}
