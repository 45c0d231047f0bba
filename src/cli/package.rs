//! Arguments of `completions` and `man`.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

use crate::config::Heading;

#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// Shell to print completions for
    #[arg(value_name = "SHELL")]
    pub(crate) shell: Shell,
}

#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Write one page per subcommand into this folder
    #[arg(
        long, short, value_name = "DIR", help_heading = Heading::Output.title(),
        long_help = "Write one page per subcommand into this folder, such as etcd-heatmap-backfill.1 [default: the \
         main \
                     page to standard output]"
    )]
    pub(crate) out: Option<PathBuf>,
}
