//! Parse, run, print one error, exit code.

use std::process::ExitCode;

use clap::Parser;
use etcd_heatmap::cli::Cli;
use etcd_heatmap::commands;

fn main() -> ExitCode {
    match commands::run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
