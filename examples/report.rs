//! Writes report.html of an output folder, or of made-up cells, and says how long that took and how large it is.
//!
//! ```text
//! cargo run --release --example report -- --out audit
//! cargo run --release --example report -- --clusters 20 --days 365 --out /dev/shm/year
//! ```
//!
//! Made-up cells need a scored folder for its manifest: `etcd-heatmap backfill --sample --out /dev/shm/year`.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use clap::Parser;
use etcd_heatmap::export::{Manifest, read_cells, write_report};
use etcd_heatmap::heatmap::{Cell, Line};
use etcd_heatmap::spec::{METRICS, Metric};
use etcd_heatmap::time::UtcDay;

/// What a person types.
#[derive(Parser)]
#[command(about = "Measures the report")]
struct Arguments {
    /// Clusters to make up, three members each; without it the cells of the folder are taken
    #[arg(long)]
    clusters: Option<usize>,
    /// Days to make up
    #[arg(long, default_value_t = 365)]
    days: i32,
    /// Output folder
    #[arg(long)]
    out: PathBuf,
}

fn main() -> Result<(), Box<dyn Error>> {
    let asked = Arguments::parse();
    let manifest = Manifest::read(&asked.out).ok_or("there is no manifest: score the folder first")?;
    let lines = match asked.clusters {
        None => read_cells(&asked.out)?,
        Some(clusters) => made_up(clusters, asked.days),
    };
    let started = Instant::now();
    let written = write_report(&asked.out, &manifest, &lines, &[])?;
    println!("{} cells, {} bytes, {:.2?}", written.rows, written.stat.bytes, started.elapsed());
    Ok(())
}

/// Clusters that are worse the higher their number, with noise in every cell of the last ones.
fn made_up(clusters: usize, days: i32) -> Vec<Line> {
    let first_day = UtcDay::of(1_759_276_800_000).start_ms() / 86_400_000;
    let mut noise = Noise(7);
    let mut lines = Vec::new();
    for cluster in 0..clusters {
        for member in [None, Some("etcd-0"), Some("etcd-1"), Some("etcd-2")] {
            let trouble = 0.02 + 0.4 * cluster as f64 / clusters as f64;
            let cells = (0..days * 24).map(|hour| cell(first_day as i32 + hour / 24, hour % 24, trouble, &mut noise));
            lines.push(Line {
                cluster: Arc::from(format!("production-{cluster:02}")),
                member: member.map(Arc::from),
                cells: cells.collect(),
            });
        }
    }
    lines
}

/// 60 steps, of which some are lost to disks and some are unknown.
fn cell(day: i32, hour: i32, trouble: f64, noise: &mut Noise) -> Cell {
    let date = UtcDay::from_days(day);
    let is_troubled = noise.next() < trouble;
    let steps = |noise: &mut Noise| if is_troubled { (noise.next() * 61.0).floor() } else { 0.0 };
    let missing = if noise.next() < 0.05 { (noise.next() * 61.0).floor() } else { 0.0 };
    let scored = 60.0 - missing;
    let mut losses = [0.0; METRICS];
    losses[Metric::WalFsync.index()] = 3.0 * (steps(noise) / 60.0);
    losses[Metric::BackendCommit.index()] = 1.0 * (steps(noise) / 60.0);
    let lost: f64 = losses.iter().sum();
    let worst = if losses[0] >= losses[1] { Metric::WalFsync } else { Metric::BackendCommit };
    let is_known = scored > 0.0;
    Cell {
        start_ms: date.start_ms() + i64::from(hour) * 3_600_000,
        date,
        hour: hour as u8,
        minute: 0,
        offset_minutes: 0,
        mean: is_known.then_some(10.0 - lost),
        min: is_known.then_some(if lost > 0.0 { 6.0 } else { 10.0 }),
        scored: scored as u32,
        expected: 60,
        uncertain: scored < 30.0,
        after_restart: Some(0),
        partial: 0,
        worst: (is_known && lost > 0.0).then_some(worst),
        losses: is_known.then_some(losses),
    }
}

/// Numbers from 0 to 1, the same in every run.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}
