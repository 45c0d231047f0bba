//! `etcd-heatmap completions`: prints a completion script for a shell.

use clap::CommandFactory;
use clap_complete::Shell;

use super::CommandError;
use super::stdout::print;
use crate::cli::{Cli, CompletionsArgs};

/// clap_complete's bash script spells the name of a command with a hyphen in two different ways, which breaks the
/// completion of subcommands' flags (clap#6421). This spelling is replaced with [`SPELT`].
const MISSPELT: &str = "etcd__subcmd__heatmap";
const SPELT: &str = "etcd__heatmap";

/// Prints the completion script for the shell in `args`.
pub(super) fn run(args: CompletionsArgs) -> Result<(), CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), env!("CARGO_PKG_NAME"), &mut script);
    let mut script = String::from_utf8_lossy(&script).into_owned();
    if args.shell == Shell::Bash {
        script = script.replace(MISSPELT, SPELT);
    }
    Ok(print(&script)?)
}
