//! Simulates the raw metrics of etcd clusters and writes them as OpenMetrics text, for tests, benchmarks and the sample
//! history. The same arguments give the same bytes on any machine. With `--evidence` it also writes the metrics that
//! explain leader changes, in the sizes of a real etcd under faults (`evidence.rs`, `peers.rs`).
//!
//! ```text
//! cargo run --release --example simulate -- --days 7 --out raw.om --truth truth.csv
//! promtool tsdb create-blocks-from openmetrics raw.om data
//! prometheus --storage.tsdb.path=data --storage.tsdb.retention.time=10y
//! ```

mod arguments;
mod cluster;
mod database;
mod disk;
mod elections;
mod evidence;
mod families;
mod incidents;
mod latency;
mod leadership;
mod load;
mod majority;
mod member;
mod openmetrics;
mod peers;
mod random;
mod requests;
mod schedule;
mod strain;
mod timeline;
mod truth;
mod whole_file;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;

use crate::arguments::Arguments;
use crate::families::Families;
use crate::openmetrics::Written;
use crate::whole_file::write_whole;

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), String> {
    let setting = arguments.setting()?;
    if arguments.out.is_some() && arguments.out == arguments.truth {
        return Err("--out and --truth name the same file".to_owned());
    }
    let renamed = arguments.debugging_db_size_until.unwrap_or(i64::MIN);
    let incidents = requests::plan(&setting, arguments.has_defaults(), &arguments.incident, |note| {
        eprintln!("left out {note}");
    })?;
    let clusters = cluster::clusters(&setting, &incidents);
    let write = |out: &mut dyn Write| Families::new(&setting, &clusters, &arguments.job, renamed, out).write();
    if let Some(written) = write_samples(arguments.out.as_deref(), write)? {
        eprintln!("{} samples of {} series", written.samples, written.series);
    }
    if let Some(path) = &arguments.truth {
        let labels = truth::csv(&setting, &clusters, &incidents);
        write_whole(path, |out| out.write_all(labels.as_bytes()))?;
    }
    if let Some(path) = &arguments.elections {
        write_whole(path, |out| out.write_all(truth::elections_csv(&clusters).as_bytes()))?;
    }
    Ok(())
}

/// Writes to a file or to standard output; `None` if the reader of standard output closed it early.
fn write_samples(
    path: Option<&Path>,
    write: impl FnOnce(&mut dyn Write) -> io::Result<Written>,
) -> Result<Option<Written>, String> {
    let Some(path) = path else {
        return match write(&mut io::stdout().lock()) {
            Ok(written) => Ok(Some(written)),
            // A reader that closes the pipe early (`| head`) is not an error.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(None),
            Err(error) => Err(format!("standard output: {error}")),
        };
    };
    write_whole(path, write).map(Some)
}
