//! How fast the blocks of a Prometheus data directory are read, with all checksums, on one core:
//!
//! ```text
//! cargo run --release --example block_speed -- DIR METRIC...
//! ```
//!
//! For each block, prints its samples of the metrics, the bytes read of it, the time to find the series, and the samples a
//! second of the fastest of some rounds.

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use etcd_heatmap::tsdb::block::{Block, BlockError, BlockFolders};

const ROUNDS: u32 = 10;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((dir, metrics)) = arguments.split_first().filter(|(_, metrics)| !metrics.is_empty()) else {
        eprintln!("usage: block_speed DIR METRIC...");
        return ExitCode::from(2);
    };
    match measure(Path::new(dir), &metrics.iter().map(String::as_str).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(dir: &Path, metrics: &[&str]) -> Result<(), BlockError> {
    for folder in BlockFolders::read(dir)?.current {
        let started = Instant::now();
        let block = Block::open(&folder.dir)?;
        let series = block.series_named(metrics)?;
        let (found, of_index) = (started.elapsed(), block.bytes_read());
        let (mut fastest, mut samples) = (f64::INFINITY, 0);
        for _ in 0..ROUNDS {
            let started = Instant::now();
            samples = 0;
            for entry in &series {
                samples += block.samples(entry, i64::MIN..i64::MAX)?.len();
            }
            fastest = fastest.min(started.elapsed().as_secs_f64());
        }
        println!(
            "{}: {} series found in {:.1} ms with {of_index} bytes; {samples} samples in {} bytes, {:.0} million a second",
            folder.dir.display(),
            series.len(),
            found.as_secs_f64() * 1e3,
            (block.bytes_read() - of_index) / u64::from(ROUNDS),
            samples as f64 / fastest / 1e6
        );
    }
    Ok(())
}
