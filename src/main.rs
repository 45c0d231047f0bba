//! Parse, run, print one error, exit code.

use std::process::ExitCode;

use clap::Parser;
use etcd_heatmap::{Cli, USAGE, one_sentence, run};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => match one_sentence(&error) {
            Some(sentence) => {
                eprintln!("error: {sentence}");
                return ExitCode::from(USAGE);
            }
            None => error.exit(),
        },
    };
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            failure.exit_code()
        }
    }
}
