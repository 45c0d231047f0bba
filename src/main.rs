//! The program: reads the command line, runs the command, prints at most one error, and sets the exit code.

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use etcd_heatmap::{Cli, USAGE, one_sentence, print_help, run};

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    match Cli::from_words(&words) {
        Ok(cli) => ended(run(cli), ExitCode::SUCCESS),
        Err(error) => match one_sentence(&error, &words) {
            Some(sentence) => {
                complain(format_args!("error: {sentence}"));
                ExitCode::from(USAGE)
            }
            // clap prints the help if the subcommand is missing, but that is still a usage error.
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

/// Prints to standard error and ignores a failure: there is no other place to report
/// it, and `eprintln!` would panic.
fn complain(sentence: std::fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stderr(), "{sentence}");
}
