//! Every way in which a step can look under a profile, and what it is worth.

use crate::readings::Window;
use crate::spec::{Companion, FULL_POINTS, METRICS, Metric, POINT, Profile};

/// The code of a step at which a member does not exist.
pub const ABSENT: u16 = u16::MAX;

/// What a scored step is worth, in integers whose unit is `1 / ScoreTable::denominator` points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Worth {
    /// The score.
    pub score: u64,
    /// What each metric cost of the ten points, weighted; score and losses add up to ten points.
    pub losses: [u64; METRICS],
}

/// What is known of one step of a member or a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepState {
    /// It does not exist then.
    Absent,
    /// It exists, and a reading that counts is unknown.
    Unknown,
    /// It is scored.
    Scored(Worth),
}

/// One way in which a step can look.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The points of each metric, 0 to 10; `None` where its reading is unknown.
    pub points: [Option<f64>; METRICS],
    /// The score; `None` where a reading that counts is unknown.
    pub worth: Option<Worth>,
}

/// How one metric's reading turns into its share of the code.
#[derive(Clone, Debug)]
struct Digit {
    /// What the reading is a share of before it is compared with the thresholds.
    limit: Option<Companion>,
    thresholds: Vec<f64>,
    stride: u16,
    unknown: u16,
}

/// Every way in which a step can look under one profile.
#[derive(Clone, Debug)]
pub struct ScoreTable {
    digits: [Digit; METRICS],
    pub(super) entries: Vec<Entry>,
    denominator: u64,
}

impl ScoreTable {
    /// Computes the table of a profile: at most a few thousand entries.
    pub fn new(profile: &Profile) -> Self {
        let mut size = 1_u16;
        let digits = Metric::ALL.map(|metric| {
            let bands = &profile.rule(metric).bands.list;
            let digit = Digit {
                limit: profile.limit(metric),
                thresholds: bands.iter().map(|b| b.above).collect(),
                stride: size,
                unknown: bands.len() as u16 + 1,
            };
            size *= digit.unknown + 1;
            digit
        });
        let entries = (0..size).map(|code| Self::entry(profile, &digits, code)).collect();
        Self { digits, entries, denominator: profile.denominator() }
    }

    fn entry(profile: &Profile, digits: &[Digit; METRICS], code: u16) -> Entry {
        let mut entry = Entry { points: [None; METRICS], worth: Some(Worth { score: 0, losses: [0; METRICS] }) };
        for (metric, digit) in Metric::ALL.into_iter().zip(digits) {
            let rule = profile.rule(metric);
            let band = code / digit.stride % (digit.unknown + 1);
            if band == digit.unknown {
                if rule.weight > 0 {
                    entry.worth = None;
                }
                continue;
            }
            let points = band.checked_sub(1).map_or(FULL_POINTS, |b| rule.bands.list[b as usize].points);
            entry.points[metric.index()] = Some(points as f64 / POINT as f64);
            if let Some(worth) = &mut entry.worth {
                worth.score += rule.weight * points;
                worth.losses[metric.index()] = rule.weight * (FULL_POINTS - points);
            }
        }
        entry
    }

    /// How the steps with this code look; not for [`ABSENT`].
    pub fn look_up(&self, code: u16) -> &Entry {
        &self.entries[code as usize]
    }

    /// What is known of a step with this code.
    pub fn state(&self, code: u16) -> StepState {
        match self.entries.get(code as usize) {
            None => StepState::Absent,
            Some(entry) => entry.worth.map_or(StepState::Unknown, StepState::Scored),
        }
    }

    /// How many codes there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Never: even a profile without bands tells known from unknown.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The integer that stands for one point.
    pub fn denominator(&self) -> u64 {
        self.denominator
    }

    /// A score or loss as a number of points: the nearest `f64` of the exact quotient, because both
    /// integers are below 2⁵³ and IEEE division rounds correctly.
    pub fn points(&self, amount: u64) -> f64 {
        amount as f64 / self.denominator as f64
    }

    /// The scores of all codes as numbers; `None` where unknown.
    pub fn scores(&self) -> Vec<Option<f64>> {
        self.entries.iter().map(|e| e.worth.map(|w| self.points(w.score))).collect()
    }

    /// The companions that readings are judged against.
    pub fn limits(&self) -> impl Iterator<Item = Companion> + '_ {
        self.digits.iter().filter_map(|digit| digit.limit)
    }

    /// Adds the share of one metric of one member to the codes.
    pub(super) fn add_metric(&self, metric: Metric, window: &Window, member: usize, codes: &mut [u16]) {
        let readings = window.row(metric, member);
        match self.digits[metric.index()].limit {
            None => self.add_codes(metric, readings, codes),
            Some(limit) if window.companions().contains(&limit) => {
                let limits = window.row(limit, member);
                let shares: Vec<f64> = readings.iter().zip(limits).map(|(&r, &l)| share_of_limit(r, l)).collect();
                self.add_codes(metric, &shares, codes);
            }
            Some(_) => self.add_codes(metric, &vec![f64::NAN; readings.len()], codes),
        }
    }

    /// Adds each value's share to the codes.
    fn add_codes(&self, metric: Metric, readings: &[f64], codes: &mut [u16]) {
        let Digit { thresholds, stride, unknown, .. } = &self.digits[metric.index()];
        match thresholds.as_slice() {
            [] => add_each(readings, codes, *stride, *unknown, |_| 0),
            [t] => add_each(readings, codes, *stride, *unknown, |v| u16::from(v > *t)),
            [t, u] => add_each(readings, codes, *stride, *unknown, |v| u16::from(v > *t) + u16::from(v > *u)),
            many => add_each(readings, codes, *stride, *unknown, |v| many.iter().map(|t| u16::from(v > *t)).sum()),
        }
    }
}

/// What is compared with a threshold that is a share of a limit; NaN where either is unknown. A limit
/// that is not positive is none (etcd's quota is negative when it is disabled), and nothing is judged
/// against it.
fn share_of_limit(reading: f64, limit: f64) -> f64 {
    if limit <= 0.0 && !reading.is_nan() { 0.0 } else { reading / limit }
}

/// The closure is a different type for each number of thresholds, so that each loop is vectorised.
fn add_each(readings: &[f64], codes: &mut [u16], stride: u16, unknown: u16, band: impl Fn(f64) -> u16) {
    for (code, &value) in codes.iter_mut().zip(readings) {
        *code += stride * if value.is_nan() { unknown } else { band(value) };
    }
}
