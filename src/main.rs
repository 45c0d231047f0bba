//! Parse, run, print one error, exit code.

use std::process::ExitCode;

use clap::Parser;
use etcd_heatmap::cli::{self, Cli};
use etcd_heatmap::commands::{self, CommandError};

/// What a command line, an environment or a file of settings that cannot be understood exits with.
const USAGE: u8 = 2;

/// What a run exits with that did all it was asked to, and found less than `--fail-below` demands.
const BELOW: u8 = 3;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => match cli::one_sentence(&error) {
            Some(sentence) => {
                eprintln!("error: {sentence}");
                return ExitCode::from(USAGE);
            }
            None => error.exit(),
        },
    };
    match commands::run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        // Nothing went wrong: somebody has asked for it.
        Err(error) if let Some(signal) = error.signal() => {
            eprintln!("{error}");
            ExitCode::from(signal.exit_code())
        }
        Err(error) => {
            eprintln!("error: {error}");
            match error {
                error if error.is_usage() => ExitCode::from(USAGE),
                CommandError::Below(_) => ExitCode::from(BELOW),
                _ => ExitCode::FAILURE,
            }
        }
    }
}
