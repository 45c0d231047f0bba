//! Parse, run, print one error, exit code.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use etcd_heatmap::{Cli, USAGE, one_sentence, print_help, run};

fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => ended(run(cli), ExitCode::SUCCESS),
        Err(error) => match one_sentence(&error) {
            Some(sentence) => {
                complain(format_args!("error: {sentence}"));
                ExitCode::from(USAGE)
            }
            // 2 where help stands in for a subcommand that is missing.
            None => ended(print_help(&error), if error.use_stderr() { USAGE.into() } else { ExitCode::SUCCESS }),
        },
    }
}

fn ended(outcome: Result<(), etcd_heatmap::Failure>, success: ExitCode) -> ExitCode {
    match outcome {
        Ok(()) => success,
        Err(failure) => {
            complain(format_args!("{failure}"));
            failure.exit_code()
        }
    }
}

/// Where standard error takes nothing either, the exit code is all that is left; `eprintln` would panic.
fn complain(sentence: std::fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stderr(), "{sentence}");
}
