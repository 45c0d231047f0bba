//! Databases with a known future, to measure how often dates are right. A reading every 15 minutes.

use super::{HORIZON_DAYS, Resource, Usage, When, outlook};
use crate::time::DAY_MS;

/// Steps a day.
const DAY: usize = 96;
const STEP_MS: i64 = DAY_MS / DAY as i64;
const QUOTA: f64 = 8_589_934_592.0;
/// Days after the history in which the truth is looked for.
const FUTURE: usize = 180;

/// SplitMix64 (Steele, Lea and Flood, 2014).
pub(super) struct Random(pub(super) u64);

impl Random {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to 1.
    pub(super) fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(super) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Normal, from twelve uniform ones.
    pub(super) fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// More growth in the daytime, days that differ by a third.
    Days,
    /// No growth on most of a weekend.
    Weekdays,
    /// Rates of neighboring days resemble each other.
    Slow,
    /// Most growth in few steps.
    Bursts,
    /// The file grows by allocations that last for hours to days.
    Allocations,
    /// One or two defragmentations at irregular times.
    Defragmented,
    /// One bulk load in the history.
    BulkLoad,
    /// Readings with noise.
    Noise,
}

const KINDS: [Kind; 8] = [
    Kind::Days,
    Kind::Weekdays,
    Kind::Slow,
    Kind::Bursts,
    Kind::Allocations,
    Kind::Defragmented,
    Kind::BulkLoad,
    Kind::Noise,
];

struct Case {
    history: Vec<f64>,
    /// The step after the history at which the quota is reached.
    truth: Option<usize>,
}

fn increments(kind: Kind, per_day: f64, steps: usize, random: &mut Random) -> Vec<f64> {
    let mut slow = 0.0;
    let mut of_day = 1.0;
    let weekday = (random.unit() * 7.0) as usize;
    let mut grown = Vec::with_capacity(steps);
    for step in 0..steps {
        if step % DAY == 0 {
            slow = 0.7 * slow + 0.35 * random.normal();
            of_day = match kind {
                Kind::Slow => f64::exp(slow),
                Kind::Weekdays if (step / DAY + weekday) % 7 < 2 => 0.15,
                Kind::Noise => 1.0,
                _ => f64::exp(0.3 * random.normal()),
            };
        }
        let phase = (step % DAY) as f64 / DAY as f64 * std::f64::consts::TAU;
        let shape = match kind {
            Kind::Bursts => 24.0 * random.unit().powi(23),
            _ => (1.0 + 0.6 * phase.sin()) * random.between(0.2, 1.8),
        };
        grown.push(per_day / DAY as f64 * of_day * shape);
    }
    grown
}

fn case(kind: Kind, random: &mut Random) -> Case {
    let now = QUOTA * random.between(0.5, 0.95);
    let per_day = QUOTA * f64::exp(random.between(f64::ln(0.001), f64::ln(0.03)));
    let most = (0.9 * now / per_day).min(28.0);
    let length = (random.between(4.0, most.max(4.5)) * DAY as f64) as usize;
    let grown = increments(kind, per_day, length + FUTURE * DAY, random);
    let mut total = 0.0;
    let mut sizes: Vec<f64> = grown
        .iter()
        .map(|step| {
            total += step;
            total
        })
        .collect();
    let offset = now - sizes[length - 1];
    sizes.iter_mut().for_each(|size| *size += offset);
    match kind {
        Kind::Allocations => {
            let usual = per_day * random.between(0.2, 3.0);
            let mut file = sizes[0];
            for size in &mut sizes {
                while *size > file {
                    file += usual * random.between(0.7, 1.3);
                }
                *size = file;
            }
        }
        Kind::Defragmented => {
            for _ in 0..1 + (random.unit() * 2.0) as usize {
                let at = (length as f64 * random.between(0.05, 0.95)) as usize;
                let saved = QUOTA * random.between(0.1, 0.4);
                sizes[..at].iter_mut().for_each(|size| *size += saved);
            }
        }
        Kind::BulkLoad => {
            let at = (length as f64 * random.between(0.1, 0.9)) as usize;
            let load = QUOTA * random.between(0.05, 0.3);
            sizes[..at].iter_mut().for_each(|size| *size = (*size - load).max(1e6));
        }
        Kind::Noise => {
            let noise = random.between(0.001, 0.01);
            sizes[..length].iter_mut().for_each(|size| *size *= 1.0 + noise * random.normal());
        }
        _ => {}
    }
    let truth = sizes[length..].iter().position(|size| *size >= QUOTA).map(|step| step + 1);
    sizes.truncate(length);
    Case { history: sizes, truth }
}

pub(super) fn when(used: &[f64]) -> When {
    outlook(Resource::Database, &Usage { start_ms: 0, step_ms: STEP_MS, used, limit: &[QUOTA], started: &[] }).when
}

/// Whether the truth lies inside what was said, and the width of the interval relative to the time left.
fn judge(case: &Case) -> Option<(bool, f64)> {
    let truth = case.truth.map_or(f64::INFINITY, |step| step as f64 / DAY as f64);
    let end = (case.history.len() - 1) as i64 * STEP_MS;
    let days = |at: i64| (at - end) as f64 / DAY_MS as f64;
    match when(&case.history) {
        When::Dates { earliest, latest, .. } => {
            let latest = latest.map_or(f64::INFINITY, days);
            let inside = days(earliest) <= truth && truth <= latest;
            Some((inside, (latest - days(earliest)) / truth))
        }
        When::NotWithin => Some((truth > HORIZON_DAYS as f64, f64::NAN)),
        _ => None,
    }
}

#[test]
fn at_least_eighty_percent_of_quota_dates_lie_in_their_interval() {
    for kind in KINDS {
        let mut random = Random(17);
        let judged: Vec<(bool, f64)> = (0..200).filter_map(|_| judge(&case(kind, &mut random))).collect();
        let inside = judged.iter().filter(|(inside, _)| *inside).count();
        let mut widths: Vec<f64> = judged.iter().map(|(_, width)| *width).filter(|width| !width.is_nan()).collect();
        widths.sort_by(f64::total_cmp);
        println!(
            "{kind:?}: {inside} of {}, {} dates, median width {:.2}",
            judged.len(),
            widths.len(),
            widths[widths.len() / 2]
        );
        assert!(judged.len() >= 190 && widths.len() >= 100, "{kind:?}: {} judged", judged.len());
        assert!(inside * 100 >= judged.len() * 80, "{kind:?}: {inside} of {} inside", judged.len());
    }
}

/// Sizes that are defragmented regularly, well below the quota; `drift` is the growth a day of what is left.
fn sawtooth(random: &mut Random, drift: f64, days: usize) -> Vec<f64> {
    let (low, high, every) = (random.between(0.15, 0.4), random.between(0.5, 0.75), random.between(0.8, 6.5));
    let wobble = random.between(0.0, 0.08);
    let mut next = random.unit() * every;
    let mut size = low + (high - low) * (1.0 - next / every);
    let mut rate = (high - low) / every;
    let mut sizes = Vec::with_capacity(days * DAY);
    for step in 0..days * DAY {
        let day = step as f64 / DAY as f64;
        if day >= next {
            next += every * (1.0 + wobble * random.normal());
            size = (low + drift * day) * (1.0 + 0.03 * random.normal());
            rate = (high - low) / every * random.between(0.85, 1.15);
        }
        let phase = day * std::f64::consts::TAU;
        size += rate / DAY as f64 * (1.0 + 0.5 * phase.sin()) * random.between(0.0, 2.0);
        sizes.push((size * 400.0).ceil() / 400.0 * QUOTA);
    }
    sizes
}

#[test]
fn a_sawtooth_of_defragmentations_gives_no_date() {
    let mut random = Random(99);
    let (mut near, mut dates) = (0, Vec::new());
    for _ in 0..400 {
        let sizes = sawtooth(&mut random, 0.0, 28);
        match when(&sizes) {
            When::NotNear => {}
            When::NotWithin => near += 1,
            other => dates.push(other),
        }
    }
    println!("{near} near, {} dates", dates.len());
    assert!(near >= 100);
    assert!(dates.is_empty(), "{dates:?}");
}

#[test]
fn a_sawtooth_whose_peaks_grow_gives_a_date_for_the_peaks() {
    let mut random = Random(5);
    let (mut dates, mut inside) = (0, 0);
    for _ in 0..400 {
        let drift = random.between(0.003, 0.01);
        let sizes = sawtooth(&mut random, drift, 170);
        let history = 28 * DAY;
        let truth = sizes[history..].iter().position(|size| *size >= QUOTA).map(|step| step + 1);
        if truth.is_none() {
            continue;
        }
        if let Some((is_inside, width)) = judge(&Case { history: sizes[..history].to_vec(), truth }) {
            if !width.is_nan() {
                dates += 1;
                inside += usize::from(is_inside)
            } else {
                println!("miss {:?}", truth.map(|t| t as f64 / 96.0))
            }
        }
    }
    println!("growing sawtooth: {inside} of {dates}");
}

#[test]
fn a_bulk_load_that_has_stopped_gives_no_date() {
    let mut random = Random(3);
    let (mut median_dates, mut dates) = (0, 0);
    for _ in 0..200 {
        let (base, top, slow) = (random.between(0.15, 0.4), random.between(0.55, 0.85), random.between(0.0, 0.0008));
        let stop = 28.0 - random.between(1.0, 120.0) / 24.0;
        let start = stop - random.between(6.0, 48.0) / 24.0;
        let mut size = base;
        let sizes: Vec<f64> = (0..28 * DAY)
            .map(|step| {
                let day = step as f64 / DAY as f64;
                size += slow / DAY as f64 * random.between(0.0, 2.0);
                if (start..stop).contains(&day) {
                    size += (top - base) / (stop - start) / DAY as f64 * random.between(0.2, 1.8);
                }
                (size * 500.0).ceil() / 500.0 * QUOTA
            })
            .collect();
        if let When::Dates { median, .. } = when(&sizes) {
            dates += 1;
            median_dates += usize::from(median.is_some());
            println!("{:?} start {start} stop {stop} {slow} {}", when(&sizes), sizes[sizes.len() - 1] / QUOTA)
        }
    }
    println!("bulk: {dates} dates, {median_dates} with median");
}
