//! `etcd-heatmap completions`: subcommands and flags, for a shell to complete.

use clap::CommandFactory;
use clap_complete::Shell;

use super::CommandError;
use super::stdout::print;
use crate::cli::{Cli, CompletionsArgs};

/// How clap_complete spells the name of a program with a hyphen where it looks for its subcommands' flags, and how where
/// it has found them: bash would complete nothing behind a subcommand (clap-rs/clap#6421).
const MISSPELT: &str = "etcd__subcmd__heatmap";
const SPELT: &str = "etcd__heatmap";

/// Prints the script of a shell.
pub(super) fn run(args: CompletionsArgs) -> Result<(), CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), env!("CARGO_PKG_NAME"), &mut script);
    let mut script = String::from_utf8_lossy(&script).into_owned();
    if args.shell == Shell::Bash {
        script = script.replace(MISSPELT, SPELT);
    }
    Ok(print(&script)?)
}
