//! Writes a small history of edge cases, on which engines could disagree: readings on each threshold of a profile and
//! its neighboring doubles, both zeros and infinities, shares of limits that are missing, negative or infinite, members
//! that lead, follow, have no leader or are learners, and gaps in one metric or in all, for hours or for a day.
//!
//! ```text
//! cargo run --release --example thresholds -- --profile openshift --days 3 --step 5m --out DIR
//! ```
//!
//! The same arguments give the same readings. For realistic readings see `history`.

use std::collections::BTreeMap;
use std::error::Error;
use std::ops::Range;
use std::path::PathBuf;

use clap::Parser;
use etcd_heatmap::history::{History, write_day};
use etcd_heatmap::readings::{Member, Origin, QuerySource, Source, Window};
use etcd_heatmap::spec::{Column, Companion, Condition, METRICS, Metric, PROFILES, Profile};
use etcd_heatmap::time::{Grid, Step, UtcDay, parse_instant};

const DAY_MS: i64 = 86_400_000;
const HOUR_MS: i64 = 3_600_000;
/// Limits, valid and invalid. Shares of powers of two are exact; shares of the others are rounded.
const LIMITS: [f64; 10] =
    [2_147_483_648.0, 65_536.0, 1_000_000.0, 2_999_999_999.0, 1024.3, -1.0, 0.0, -0.0, f64::INFINITY, f64::NAN];
/// A limit that healthy readings are far below.
const AMPLE: f64 = 1e12;

/// The command line.
#[derive(Parser)]
#[command(about = "Writes a history of readings on and next to the thresholds of a profile")]
struct Arguments {
    /// Profile with the thresholds
    #[arg(long, default_value = PROFILES[0])]
    profile: String,
    /// First UTC day
    #[arg(long, default_value = "2026-10-01")]
    start: String,
    /// Number of days
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    days: u32,
    /// Time between two readings
    #[arg(long, default_value = "5m")]
    step: Step,
    /// Folder in which history/ is written
    #[arg(long)]
    out: PathBuf,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let profile = Profile::named(&arguments.profile)?;
    let first = UtcDay::of(parse_instant(&arguments.start, 0)?);
    let end_ms = first.start_ms() + i64::from(arguments.days) * DAY_MS;
    let cast =
        Cast { edge_cases: Metric::ALL.map(|metric| edge_cases(&profile, metric)), members: members(first, end_ms) };
    let history = History::within(&arguments.out);
    let mut rows = 0;
    for day in first.through(UtcDay::of(end_ms - 1)) {
        let window = cast.readings(day, arguments.step);
        rows += write_day(&history.file(day), &window, day.range(), &source(arguments.step))?.0.rows;
    }
    let edge_cases: usize = cast.edge_cases.iter().map(Vec::len).sum();
    println!("{rows} rows, {edge_cases} edge cases in {}", history.folder().display());
    Ok(())
}

/// The source that the footer of each file names.
fn source(step: Step) -> Source {
    let query = |column: Column| {
        (column.name().to_owned(), QuerySource { form: "raw".to_owned(), promql: format!("synthetic_{column}") })
    };
    Source {
        origin: Origin::named("synthetic", "examples/thresholds.rs"),
        step_seconds: step.seconds(),
        cluster_label: None,
        member_label: "instance".to_owned(),
        queries: Column::all().map(query).collect::<BTreeMap<_, _>>(),
    }
}

/// A reading, and its limit if the metric has one.
#[derive(Clone, Copy)]
struct Reading {
    value: f64,
    limit: f64,
}

/// All readings of a metric that an engine could compare wrongly.
fn edge_cases(profile: &Profile, metric: Metric) -> Vec<Reading> {
    let rule = profile.rule(metric);
    let of_bands = rule.bands.list.iter().map(|band| (band.above, rule.bands.of_limit));
    let of_caps = rule.caps.list.iter().filter_map(|cap| match cap.condition {
        Condition::Above { threshold, of_limit, .. } => Some((threshold, of_limit)),
        Condition::NoLeader => None,
    });
    let thresholds: Vec<(f64, bool)> = of_bands.chain(of_caps).collect();
    let anywhere = [0.0, -0.0, f64::MIN_POSITIVE, 1.0, f64::MAX, f64::INFINITY, f64::NEG_INFINITY];
    let mut readings = Vec::new();
    let limits: &[f64] = if thresholds.iter().any(|(_, of_limit)| *of_limit) { &LIMITS } else { &[AMPLE] };
    for &limit in limits {
        let mut add = |values: &[f64]| readings.extend(values.iter().map(|&value| Reading { value, limit }));
        add(&anywhere);
        for &(above, of_limit) in &thresholds {
            // Dividing by the limit gives exactly the share for some of the doubles, and its neighbor for others.
            let at = if of_limit { above * limit } else { above };
            let around = |value: f64| [value.next_down(), value, value.next_up()];
            let values: Vec<f64> = around(at).into_iter().flat_map(around).filter(|value| !value.is_nan()).collect();
            add(&values);
        }
    }
    readings
}

/// A reading that costs no points in any profile.
fn healthy(metric: Metric) -> Reading {
    let value = match metric {
        Metric::WalFsync | Metric::BackendCommit => 0.001,
        Metric::LeaderChanges => 0.0,
        _ => 100.0,
    };
    Reading { value, limit: AMPLE }
}

/// When the member is scraped, in milliseconds.
struct Part {
    member: Member,
    life: Range<i64>,
    /// When all readings are missing.
    away: Range<i64>,
}

/// Members that are present throughout, one that is replaced within an hour, one that exists only for hours, and one
/// that is absent for the second day. Some names need escaping or sort differently by bytes than by letters.
fn members(first: UtcDay, end_ms: i64) -> Vec<Part> {
    let start = first.start_ms();
    let (replaced, a_third) = (start + (end_ms - start) / 2 + 20 * 60_000, (end_ms - start) / 3);
    let part = |cluster: &str, member: &str, life: Range<i64>| Part {
        member: Member::new(cluster, member),
        life,
        away: if member == "Z" { start + DAY_MS..start + 2 * DAY_MS } else { 0..0 },
    };
    let mut parts = vec![
        part("a", "m10", start..end_ms),
        part("a", "m9", start..replaced),
        part("a", "n1", replaced + 25 * 60_000..end_ms),
        part("b", "Z", start..end_ms),
        part("b", "a", start + a_third + 7 * HOUR_MS..start + a_third + 11 * HOUR_MS),
        part("ä \"c\" \\ {x=\"1\"}", "é,1:2379", start..end_ms),
    ];
    parts.sort_by(|a, b| a.member.cmp(&b.member));
    parts
}

/// The values from which readings are drawn.
struct Cast {
    edge_cases: [Vec<Reading>; METRICS],
    members: Vec<Part>,
}

impl Cast {
    fn readings(&self, day: UtcDay, step: Step) -> Window {
        let grid = Grid::within(day.range(), step);
        let members = self.members.iter().map(|part| part.member.clone()).collect();
        let mut window = Window::unknown(grid, members, &Companion::ALL);
        for (index, part) in self.members.iter().enumerate() {
            for at in 0..grid.len() {
                let ms = grid.at(at);
                // changes(…[1d]) has values for a day after the last scrape.
                if (part.life.start..part.life.end + DAY_MS).contains(&ms) && !part.away.contains(&ms) {
                    self.fill(&mut window, index, at, part.life.contains(&ms));
                }
            }
        }
        window
    }

    /// One step of one member: the next edge case of one metric, and now and then one of a second metric.
    fn fill(&self, window: &mut Window, member: usize, at: usize, alive: bool) {
        let ms = window.grid().at(at);
        let turn = (ms / window.grid().step().seconds() / 1000) as usize;
        let mut chance = Chance::of(turn, member);
        let quiet = ms / HOUR_MS % 4 == 0;
        // Whole hours and single steps without readings.
        let silent = (ms / HOUR_MS) as usize % 17 == member || chance.once_in(40);
        let focus = Metric::ALL[turn % METRICS];
        let mut set = |column: Column, value: f64| window.row_mut(column, member)[at] = value;
        for metric in Metric::ALL {
            let edge_cases = &self.edge_cases[metric.index()];
            let reading = match (quiet, metric == focus) {
                (false, true) => edge_cases[(turn / METRICS + member * 37) % edge_cases.len()],
                (false, false) if chance.once_in(9) => edge_cases[chance.below(edge_cases.len())],
                _ => healthy(metric),
            };
            let unknown = silent || (!quiet && chance.once_in(50));
            if !unknown && (alive || metric == Metric::LeaderChanges) {
                set(metric.into(), reading.value);
            }
            if let Some(limit) = metric.limit().filter(|_| alive && !silent) {
                set(limit.into(), reading.limit);
            }
        }
        if alive && !silent && !chance.once_in(20) {
            // Started at the last even hour, or just inside or outside the time that counts as a restart.
            let started = [(ms / HOUR_MS / 2 * 2 * HOUR_MS) / 1000, ms / 1000 - 300, ms / 1000 - 299]
                [chance.below(40).saturating_sub(37)];
            set(Companion::StartTime.into(), started as f64);
        }
        // One member of three leads for an hour. Some flags are missing, and some members have no leader for a step.
        if alive && !silent && !chance.once_in(30) {
            let leads = (ms / HOUR_MS) as usize % 3 == member % 3;
            set(Companion::IsLeader.into(), f64::from(u8::from(leads)));
        }
        if alive && !silent && !chance.once_in(30) {
            let is_cut_off = !quiet && chance.once_in(25);
            set(Companion::HasLeader.into(), f64::from(u8::from(!is_cut_off)));
        }
        // Each member is a learner in one of five hours, and in one of 19 hours all are. The reading goes on without the
        // others, and is missing at some steps.
        if !chance.once_in(12) {
            let hour = (ms / HOUR_MS) as usize;
            set(Companion::IsLearner.into(), f64::from(u8::from(hour % 5 == member % 5 || hour % 19 == 7)));
        }
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014), which can be seeded for any step of any member.
struct Chance(u64);

impl Chance {
    fn of(turn: usize, member: usize) -> Self {
        Self((turn as u64) << 8 | member as u64)
    }

    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n as u64) as usize
    }

    fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}
