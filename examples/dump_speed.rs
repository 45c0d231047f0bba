//! How fast dumps are read on one core: a made one in memory, or a file.
//!
//! ```text
//! cargo run --release --example dump_speed -- [FILE METRIC...]
//! ```
//!
//! Prints the samples a second of the fastest of some rounds: of the parser alone, with the temporary file, without any
//! wanted metric, with all series alternating, and of reading the temporary file.

use std::fmt::Write as _;
use std::io::Read;
use std::process::ExitCode;
use std::time::Instant;

use etcd_heatmap::dump::{self, Summary, Wanted};
use etcd_heatmap::spool::{Labels, Sink, Spool, SpoolError};

const ROUNDS: u32 = 15;

/// Takes samples, and only adds them up.
#[derive(Default)]
struct Nothing {
    series: u32,
    sum: f64,
}

impl Sink for Nothing {
    fn dump(&mut self, _name: &str) -> Result<(), SpoolError> {
        Ok(())
    }

    fn series(&mut self, _labels: Labels) -> Result<u32, SpoolError> {
        self.series += 1;
        Ok(self.series)
    }

    fn sample(&mut self, series: u32, _line: u64, time_ms: i64, value: f64) -> Result<(), SpoolError> {
        self.sum += f64::from(series) + time_ms as f64 + value;
        Ok(())
    }
}

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.split_first() {
        None => made(),
        Some((file, metrics)) => of_file(file, &metrics.iter().map(String::as_str).collect::<Vec<_>>()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn of_file(file: &str, metrics: &[&str]) -> Result<(), Failure> {
    let mut bytes = Vec::new();
    std::fs::File::open(file)?.read_to_end(&mut bytes)?;
    measure("with the temporary file", &bytes, &Wanted::new(metrics))
}

fn made() -> Result<(), Failure> {
    let wanted = Wanted::new(&["etcd_disk_wal_fsync_duration_seconds_bucket"]);
    let (by_series, by_time) = (text(false), text(true));
    alone("parser alone", &by_series, &wanted)?;
    alone("nothing wanted", &by_series, &Wanted::new(&["up"]))?;
    measure("with the temporary file", &by_series, &wanted)?;
    alone("parser alone, series alternate", &by_time, &wanted)?;
    measure("with the temporary file, series alternate", &by_time, &wanted)
}

/// 400 series of 7200 samples in lines of about 110 bytes.
fn text(by_time: bool) -> Vec<u8> {
    let (series, samples) = (400_u64, 7200_u64);
    let mut text = String::new();
    let mut line = |series: u64, sample: u64| {
        let value = (series * 100_000 + sample * (series % 7)) as f64;
        let value = if value >= 1e6 { exponent(value) } else { value.to_string() };
        let time_ms = 1_700_000_000_123 + sample * 30_000;
        let _ = writeln!(
            text,
            "etcd_disk_wal_fsync_duration_seconds_bucket{{instance=\"10.0.{series}.1:9979\",le=\"0.001\",job=\"etcd\"}} {value} {}.{:03}",
            time_ms / 1000,
            time_ms % 1000
        );
    };
    for outer in 0..if by_time { samples } else { series } {
        for inner in 0..if by_time { series } else { samples } {
            if by_time { line(inner, outer) } else { line(outer, inner) }
        }
    }
    (text + "# EOF\n").into_bytes()
}

/// A number from a million on as Go's `%g` writes it.
fn exponent(value: f64) -> String {
    let text = format!("{value:e}");
    let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
    format!("{digits}e+{power:0>2}")
}

/// The fastest of some rounds, in seconds of the processor, and the last result.
fn fastest<T>(mut round: impl FnMut() -> Result<T, Failure>) -> Result<(f64, T), Failure> {
    let mut best: Option<(f64, T)> = None;
    for _ in 0..ROUNDS {
        let (started, cpu) = (Instant::now(), cpu_seconds());
        let result = round()?;
        let cpu = cpu.zip(cpu_seconds()).map(|(start, end)| end - start);
        let seconds = cpu.unwrap_or_else(|| started.elapsed().as_secs_f64());
        best = Some((seconds.min(best.map_or(f64::INFINITY, |(seconds, _)| seconds)), result));
    }
    best.ok_or_else(|| "no round".into())
}

/// Seconds that this thread has had a processor, if the system is Linux: other programs change them less than the time.
fn cpu_seconds() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(text.split(' ').next()?.parse::<f64>().ok()? / 1e9)
}

fn print(what: &str, summary: &Summary, seconds: f64) {
    println!(
        "{what}: {:.1} million lines a second, {:.2} GB/s ({} lines of {} bytes, {} samples)",
        summary.lines as f64 / seconds / 1e6,
        summary.bytes as f64 / seconds / 1e9,
        summary.lines,
        summary.bytes / summary.lines.max(1),
        summary.samples
    );
}

fn alone(what: &str, bytes: &[u8], wanted: &Wanted) -> Result<(), Failure> {
    let (seconds, summary) = fastest(|| Ok(dump::read(bytes, "made", wanted, &mut Nothing::default())?))?;
    print(what, &summary, seconds);
    Ok(())
}

fn measure(what: &str, bytes: &[u8], wanted: &Wanted) -> Result<(), Failure> {
    let (seconds, (summary, spool)) = fastest(|| {
        let mut writer = Spool::create(None)?;
        let summary = dump::read(bytes, "made", wanted, &mut writer)?;
        Ok((summary, writer.finish()?))
    })?;
    print(what, &summary, seconds);
    let (seconds, samples) = fastest(|| {
        let mut samples = 0;
        for series in spool.series() {
            samples += spool.samples(&series, i64::MIN..i64::MAX)?.len();
        }
        Ok(samples)
    })?;
    println!("  read again: {:.0} million samples a second, {} bytes", samples as f64 / seconds / 1e6, spool.size());
    Ok(())
}
