//! Measures how many samples per second are written as OpenMetrics on one core, including hashing and syncing to disk.
//!
//! ```text
//! cargo run --release --example emit -- --members 300 --days 6 --out /dev/shm/emit
//! ```

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use clap::Parser;
use etcd_heatmap::readings::{Life, Member, Window};
use etcd_heatmap::score::{DayScores, ScoreTable, score_window};
use etcd_heatmap::spec::{Metric, Profile};
use etcd_heatmap::time::{Grid, Step, TimeRange, UtcDay, parse_instant};
use etcd_heatmap::{Emission, ExtraLabels, Family, write_window};

/// The command line.
#[derive(Parser)]
#[command(about = "Measures how fast OpenMetrics is written")]
struct Arguments {
    /// Members, three a cluster
    #[arg(long, default_value_t = 300)]
    members: usize,
    /// Days at one minute
    #[arg(long, default_value_t = 6)]
    days: i64,
    /// Number of runs
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Folder to write to
    #[arg(long)]
    out: PathBuf,
}

fn main() -> Result<(), Box<dyn Error>> {
    let asked = Arguments::parse();
    let table = ScoreTable::new(&Profile::seed());
    let start_ms = parse_instant("2026-10-01", 0)?;
    let range = TimeRange { start_ms, end_ms: start_ms + asked.days * 86_400_000 };
    let days = range.days().map(|day| score(&table, day, asked.members)).collect::<Result<Vec<_>, _>>()?;
    let emission =
        Emission { retention: "1y".parse()?, families: vec![Family::Scores], labels: ExtraLabels::default() };
    let mut rates = Vec::new();
    for _ in 0..asked.runs {
        let (mut samples, started) = (0, Instant::now());
        for window in emission.windows(range) {
            let written = write_window(&asked.out, &table, &emission, window, &days)?;
            samples += written.map_or(0, |(_, block)| block.samples);
        }
        rates.push(samples as f64 / started.elapsed().as_secs_f64() / 1e6);
    }
    rates.sort_by(f64::total_cmp);
    println!(
        "{:.1} million samples a second on one core (median of {}; {:.1} to {:.1})",
        rates[rates.len() / 2],
        rates.len(),
        rates[0],
        rates[rates.len() - 1]
    );
    Ok(())
}

/// A day on which, for each member, every seventh step has a slow disk and every hundredth has no readings.
fn score(table: &ScoreTable, day: UtcDay, members: usize) -> Result<Arc<DayScores>, Box<dyn Error>> {
    let grid = Grid::within(day.range(), Step::from_millis(60_000)?);
    let mut names: Vec<Member> = (0..members)
        .map(|index| {
            Member::new(&format!("cluster-{:03}", index / 3), &format!("10.0.{}.{}:2379", index / 250, index % 250))
        })
        .collect();
    names.sort_unstable();
    let mut window = Window::unknown(grid, names, &[]);
    for member in 0..members {
        for metric in Metric::ALL {
            for (step, value) in window.row_mut(metric, member).iter_mut().enumerate() {
                *value = match (metric, (step + member) % 700) {
                    (_, known) if known % 100 == 0 => f64::NAN,
                    (Metric::WalFsync, slow) if slow % 7 == 0 => 0.02,
                    _ => 0.0,
                };
            }
        }
    }
    let life = Life { first_ms: grid.first_ms(), last_ms: grid.last_ms() };
    let alive: Vec<(Member, Life)> = window.members().iter().map(|member| (member.clone(), life)).collect();
    Ok(Arc::new(score_window(table, &window, &alive)))
}
