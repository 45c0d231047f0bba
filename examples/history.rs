//! Writes a realistic history of any size within seconds, without a Prometheus. It is the input of the benchmark
//! `benches/score`, and useful for trying an analysis at scale.
//!
//! ```text
//! cargo run --release --example history -- --members 300 --clusters 20 --start 2026-08-01 --days 47 --out DIR
//! ```
//!
//! The same arguments give the same readings on any number of cores, because every number is derived from (seed,
//! member, day). For raw etcd metrics, which Prometheus can import, see `simulate`.

use std::collections::BTreeMap;
use std::error::Error;
use std::f64::consts::TAU;
use std::ops::Range;
use std::path::PathBuf;

use clap::Parser;
use etcd_heatmap::history::{History, write_day};
use etcd_heatmap::readings::{Member, Origin, QuerySource, Source, Window};
use etcd_heatmap::spec::{Column, Companion, Metric};
use etcd_heatmap::time::{Grid, Step, UtcDay, parse_instant};
use rayon::prelude::*;

const DAY_SECONDS: i64 = 86_400;
const PAGE_BYTES: f64 = 4096.0;
/// etcd's default quota, and the descriptor limit that systemd units commonly set.
const QUOTA_BYTES: f64 = 2_147_483_648.0;
const MAX_FDS: f64 = 65_536.0;

/// The command line.
#[derive(Parser)]
#[command(about = "Writes a realistic history of etcd readings")]
struct Arguments {
    /// Number of members, over all clusters
    #[arg(long, default_value_t = 300)]
    members: u32,
    /// Number of clusters
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    clusters: u32,
    /// First UTC day
    #[arg(long, default_value = "2026-08-01")]
    start: String,
    /// Number of days
    #[arg(long, default_value_t = 47, value_parser = clap::value_parser!(u32).range(1..))]
    days: u32,
    /// Time between two readings
    #[arg(long, default_value = "1m")]
    step: Step,
    /// Seed of all random numbers
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Folder in which history/ is written
    #[arg(long)]
    out: PathBuf,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let first = UtcDay::of(parse_instant(&arguments.start, 0)?);
    let last = UtcDay::of(first.start_ms() + i64::from(arguments.days - 1) * DAY_SECONDS * 1000);
    let fleet = Fleet::new(&arguments, first, last);
    let source = source(arguments.step);
    let history = History::within(&arguments.out);
    let days: Vec<UtcDay> = first.through(last).collect();
    let written = days
        .par_iter()
        .map(|&day| {
            let window = fleet.readings(day, arguments.step);
            let (meta, stat) = write_day(&history.file(day), &window, day.range(), &source)?;
            Ok::<_, Box<dyn Error + Send + Sync>>((meta.rows, stat.bytes))
        })
        .try_reduce(|| (0, 0), |a, b| Ok((a.0 + b.0, a.1 + b.1)));
    let (rows, bytes) = written.map_err(|e| e as Box<dyn Error>)?;
    println!("{} days, {rows} rows, {bytes} bytes in {}", days.len(), history.folder().display());
    Ok(())
}

/// The source that the footer of each file names.
fn source(step: Step) -> Source {
    let query = |column: Column| {
        (column.name().to_owned(), QuerySource { form: "raw".to_owned(), promql: format!("synthetic_{column}") })
    };
    Source {
        origin: Origin::named("synthetic", "examples/history.rs"),
        step_seconds: step.seconds(),
        cluster_label: None,
        member_label: "instance".to_owned(),
        queries: Column::all().map(query).collect::<BTreeMap<_, _>>(),
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): good enough for realistic noise, and its state is one number, so that a
/// generator can be seeded by (seed, member, day).
struct Random(u64);

impl Random {
    fn of(parts: &[u64]) -> Self {
        let mut state = Self(0);
        for &part in parts {
            state.0 ^= part;
            state.0 = state.next();
        }
        state
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in [0, 1).
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    fn once_in(&mut self, n: f64) -> bool {
        self.unit() * n < 1.0
    }

    /// A random stretch of the day between `shortest` and `longest` seconds long, in seconds of the day.
    fn stretch(&mut self, shortest: f64, longest: f64) -> Range<i64> {
        let start = self.between(0.0, DAY_SECONDS as f64) as i64;
        start..start + self.between(shortest, longest) as i64
    }
}

/// Independent streams of random numbers.
#[derive(Clone, Copy)]
enum Stream {
    Member,
    Day,
    Elections,
}

/// All members, with their properties that do not change from day to day.
struct Fleet {
    seed: u64,
    members: Vec<MemberTraits>,
}

/// The fixed properties of a member.
struct MemberTraits {
    name: Member,
    cluster: u64,
    number: u64,
    /// When it is scraped, in seconds since 1970.
    life: Range<i64>,
    wal_seconds: f64,
    commit_seconds: f64,
    open_fds: f64,
    traffic: f64,
    pages: f64,
    /// Whether its disk is slow every afternoon.
    slow_afternoons: bool,
}

impl Fleet {
    fn new(arguments: &Arguments, first: UtcDay, last: UtcDay) -> Self {
        let all = first.start_ms() / 1000..last.start_ms() / 1000 + DAY_SECONDS;
        let per_cluster = arguments.members.div_ceil(arguments.clusters);
        let mut members: Vec<MemberTraits> = (0..arguments.members)
            .map(|number| MemberTraits::new(arguments.seed, number / per_cluster, number, &all))
            .collect();
        members.sort_by(|a, b| a.name.cmp(&b.name));
        Self { seed: arguments.seed, members }
    }

    fn readings(&self, day: UtcDay, step: Step) -> Window {
        let names = self.members.iter().map(|m| m.name.clone()).collect();
        let mut window = Window::unknown(Grid::within(day.range(), step), names, &Companion::ALL);
        for (index, member) in self.members.iter().enumerate() {
            let elections = Elections::before_end_of(self.seed, member.cluster, day);
            let started = MemberDay::started_before(self.seed, member, day);
            MemberDay::new(self.seed, member, day).fill(&mut window, index, &elections, started);
        }
        window
    }
}

impl MemberTraits {
    fn new(seed: u64, cluster: u32, number: u32, all: &Range<i64>) -> Self {
        let mut random = Random::of(&[seed, Stream::Member as u64, u64::from(number)]);
        let mut life = all.clone();
        // A few members are replaced: one ends within the range, and another starts.
        let span = (all.end - all.start) as f64;
        if random.once_in(60.0) {
            life.start += random.between(0.0, span * 0.5) as i64;
        } else if random.once_in(60.0) {
            life.end -= random.between(0.0, span * 0.5) as i64;
        }
        Self {
            name: Member::new(&format!("etcd-{cluster:02}"), &format!("10.0.{cluster}.{}:2379", number % 250 + 1)),
            cluster: u64::from(cluster),
            number: u64::from(number),
            life,
            wal_seconds: random.between(0.0012, 0.0055),
            commit_seconds: random.between(0.004, 0.014),
            open_fds: random.between(80.0, 420.0).floor(),
            traffic: random.between(2e3, 4e5),
            pages: random.between(5e3, 5e5).floor(),
            slow_afternoons: random.once_in(60.0),
        }
    }
}

/// The times at which a cluster elected a leader, in seconds since 1970.
struct Elections(Vec<i64>);

impl Elections {
    /// Leader changes of the day and the day before, because readings look back one day.
    fn before_end_of(seed: u64, cluster: u64, day: UtcDay) -> Self {
        let today = day.start_ms() / 1000;
        let mut all = Self::of_day(seed, cluster, today - DAY_SECONDS);
        all.extend(Self::of_day(seed, cluster, today));
        Self(all)
    }

    fn of_day(seed: u64, cluster: u64, midnight: i64) -> Vec<i64> {
        let mut random = Random::of(&[seed, Stream::Elections as u64, cluster, midnight as u64]);
        let mut elections = Vec::new();
        if random.once_in(4.0) {
            elections.push(midnight + random.between(0.0, DAY_SECONDS as f64) as i64);
        }
        if random.once_in(30.0) {
            let storm = random.stretch(1_800.0, 14_400.0);
            let count = random.between(6.0, 18.0) as usize;
            elections
                .extend((0..count).map(|_| midnight + random.between(storm.start as f64, storm.end as f64) as i64));
        }
        elections
    }

    fn in_the_day_before(&self, second: i64) -> f64 {
        self.0.iter().filter(|&&at| at <= second && at > second - DAY_SECONDS).count() as f64
    }
}

/// What happens to one member on one day; stretches are in seconds of the day.
struct MemberDay<'a> {
    member: &'a MemberTraits,
    random: Random,
    midnight: i64,
    down: Range<i64>,
    slow_wal: Range<i64>,
    slow_commit: Range<i64>,
    leak: Range<i64>,
}

impl<'a> MemberDay<'a> {
    fn new(seed: u64, member: &'a MemberTraits, day: UtcDay) -> Self {
        let midnight = day.start_ms() / 1000;
        let mut random = Random::of(&[seed, Stream::Day as u64, member.number, midnight as u64]);
        let mut sometimes = |days: f64, shortest: f64, longest: f64| {
            if random.once_in(days) { random.stretch(shortest, longest) } else { 0..0 }
        };
        let down = sometimes(40.0, 300.0, 21_600.0);
        let slow_wal = if member.slow_afternoons { 50_400..61_200 } else { sometimes(20.0, 600.0, 10_800.0) };
        let slow_commit = sometimes(25.0, 600.0, 10_800.0);
        let leak = sometimes(60.0, 7_200.0, 43_200.0);
        Self { member, random, midnight, down, slow_wal, slow_commit, leak }
    }

    /// When the process that runs at the start of the day was started: after the last day with an outage.
    fn started_before(seed: u64, member: &MemberTraits, day: UtcDay) -> i64 {
        let midnight = day.start_ms() / 1000;
        let earlier = (1..).map(|days| midnight - days * DAY_SECONDS).take_while(|&at| at >= member.life.start);
        let up_again = earlier.map(|at| {
            let down = MemberDay::new(seed, member, UtcDay::of(at * 1000)).down;
            if down.is_empty() { member.life.start } else { at + down.end }
        });
        up_again.max().unwrap_or(member.life.start).max(member.life.start)
    }

    fn fill(mut self, window: &mut Window, index: usize, elections: &Elections, mut started: i64) {
        let grid = *window.grid();
        for step in 0..grid.len() {
            let second = grid.at(step) / 1000;
            let of_day = second - self.midnight;
            let mut set = |column: Column, value| window.row_mut(column, index)[step] = value;
            // changes(…[1d]) has values for a day after the last scrape.
            if (self.member.life.start..self.member.life.end + DAY_SECONDS).contains(&second) {
                set(Metric::LeaderChanges.into(), elections.in_the_day_before(second));
            }
            // Now and then a scrape fails, and all readings of that step are missing.
            if !self.member.life.contains(&second) || self.down.contains(&of_day) || self.random.once_in(4_000.0) {
                continue;
            }
            let load = 1.0 + 0.4 * (of_day as f64 / DAY_SECONDS as f64 * TAU - 2.2).sin();
            set(Metric::WalFsync.into(), self.wal(of_day, load));
            set(Metric::BackendCommit.into(), self.commit(of_day, load));
            set(Metric::OpenFds.into(), self.open_fds(of_day, load));
            set(Metric::ClientTrafficIn.into(), self.member.traffic * load * self.random.between(0.8, 1.25));
            set(Metric::DbSize.into(), self.db_size(of_day));
            if !self.down.is_empty() && of_day >= self.down.end {
                started = self.midnight + self.down.end;
            }
            set(Companion::Quota.into(), QUOTA_BYTES);
            set(Companion::MaxFds.into(), MAX_FDS);
            set(Companion::StartTime.into(), started as f64);
        }
    }

    /// Noise with a long tail, like that of a 99th percentile.
    fn tail(&mut self) -> f64 {
        let u = self.random.unit();
        0.85 + 0.3 * u + 0.6 * u.powi(12)
    }

    /// Missing at some steps: a histogram without observations has no quantile.
    fn wal(&mut self, of_day: i64, load: f64) -> f64 {
        if self.random.once_in(2_500.0) {
            return f64::NAN;
        }
        let slow = if self.slow_wal.contains(&of_day) { self.random.between(1.5, 6.0) } else { 1.0 };
        self.member.wal_seconds * load * slow * self.tail()
    }

    fn commit(&mut self, of_day: i64, load: f64) -> f64 {
        let slow = if self.slow_commit.contains(&of_day) { self.random.between(1.5, 5.0) } else { 1.0 };
        self.member.commit_seconds * load * slow * self.tail()
    }

    fn open_fds(&mut self, of_day: i64, load: f64) -> f64 {
        let leaked = if self.leak.contains(&of_day) { (of_day - self.leak.start) / 20 } else { 0 };
        (self.member.open_fds * load + self.random.between(0.0, 6.0)).floor() + leaked as f64
    }

    /// Grows during the day until the nightly defragmentation; changes every few minutes.
    fn db_size(&self, of_day: i64) -> f64 {
        let grown = (of_day / 240) as f64 * (self.member.pages / 4_000.0);
        (self.member.pages + grown).floor() * PAGE_BYTES
    }
}
