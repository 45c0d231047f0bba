//! The table of all codes of a profile, each with its points, score and losses.

use super::caps::CapDigit;
use crate::readings::{Window, is_idle};
use crate::spec::{Cap, Column, Companion, FULL_POINTS, METRICS, Metric, POINT, Profile};

/// The code of a step at which a member is not expected.
pub const ABSENT: u16 = u16::MAX;

/// The score and losses of a scored step, in integers of `1 / ScoreTable::denominator` points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Worth {
    /// The score: ten points minus all losses.
    pub score: u64,
    /// The weighted loss of each metric, and what its cap takes. Score and losses add up to ten points.
    pub losses: [u64; METRICS],
}

/// The state of a member or cluster at one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StepState {
    /// Not expected: before the member was first seen, after it was last seen, or never requested.
    Absent,
    /// Expected but unscored. For a member: a reading of a metric with a weight is missing.
    Unknown,
    /// Expected but unscored, only because readings are idle: with values instead, there would be a score. For a
    /// member: readings of metrics with a weight are idle, and none is missing.
    Idle,
    /// Scored. For a member: every metric with a weight has a reading, or a cap of 0 applies.
    Scored(Worth),
}

/// Points, score and losses that a code stands for.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The points of each metric, 0 to 10; `None` if its reading is missing or idle.
    pub points: [Option<f64>; METRICS],
    /// Which readings are idle.
    pub idle: [bool; METRICS],
    /// The cap that applies, as its place in [`ScoreTable::caps`]: the lowest, and of equal ones the first.
    pub cap: Option<usize>,
    /// The score and losses; `None` if a reading of a metric with a weight is missing or idle, and no cap of 0 applies.
    pub worth: Option<Worth>,
    /// Whether a reading of a metric with a weight is missing.
    lacks: bool,
}

impl Entry {
    /// The state of a member at a step with this combination of bands.
    pub(super) fn state(&self) -> StepState {
        match self.worth {
            Some(worth) => StepState::Scored(worth),
            None if self.lacks => StepState::Unknown,
            None => StepState::Idle,
        }
    }
}

/// The digit that one metric contributes to a code, which is a number in mixed radix. For a metric with n bands,
/// the digit is 0 for full points, 1 to n for a band, n + 1 for a missing reading, and n + 2 for an idle one.
#[derive(Clone, Debug)]
struct Digit {
    /// If set, the metric's thresholds apply to reading / limit rather than to the reading.
    limit: Option<Companion>,
    thresholds: Vec<f64>,
    stride: u16,
    unknown: u16,
    /// The digit of an idle reading: `unknown` if the metric cannot be idle.
    idle: u16,
}

/// All codes of one profile, and their results.
#[derive(Clone, Debug)]
pub struct ScoreTable {
    digits: [Digit; METRICS],
    caps: CapDigit,
    pub(super) entries: Vec<Entry>,
    denominator: u64,
}

impl ScoreTable {
    /// Computes the table of a profile. It has one entry per combination of bands, where a missing reading counts as
    /// one more band of its metric, and an idle percentile as another: 720 for `seed`. With caps, it has as many for each
    /// cap.
    pub fn new(profile: &Profile) -> Self {
        let mut size = 1_u16;
        let digits = Metric::ALL.map(|metric| {
            let bands = &profile.rule(metric).bands.list;
            let unknown = bands.len() as u16 + 1;
            let digit = Digit {
                limit: profile.limit(metric),
                thresholds: bands.iter().map(|b| b.above).collect(),
                stride: size,
                unknown,
                idle: if Column::from(metric).can_be_idle() { unknown + 1 } else { unknown },
            };
            size *= digit.idle + 1;
            digit
        });
        let caps = CapDigit::new(profile, size);
        let codes = 0..size * caps.values();
        let entries = codes.map(|code| Self::entry(profile, &digits, &caps, code)).collect();
        Self { digits, caps, entries, denominator: profile.denominator() }
    }

    fn entry(profile: &Profile, digits: &[Digit; METRICS], caps: &CapDigit, code: u16) -> Entry {
        let (cap, mut losses, mut is_known) = (caps.place(code), [0; METRICS], true);
        let mut entry = Entry { points: [None; METRICS], idle: [false; METRICS], cap, worth: None, lacks: false };
        for (metric, digit) in Metric::ALL.into_iter().zip(digits) {
            let rule = profile.rule(metric);
            let band = code / digit.stride % (digit.idle + 1);
            if band >= digit.unknown {
                entry.idle[metric.index()] = band > digit.unknown;
                if rule.weight > 0 {
                    entry.lacks |= band == digit.unknown;
                    is_known = false;
                }
                continue;
            }
            let points = band.checked_sub(1).map_or(FULL_POINTS, |b| rule.bands.list[b as usize].points);
            entry.points[metric.index()] = Some(points as f64 / POINT as f64);
            losses[metric.index()] = rule.weight * (FULL_POINTS - points);
        }
        let total = profile.total_weight();
        let mut score = total * FULL_POINTS - losses.iter().sum::<u64>();
        if let Some((metric, cap)) = cap.map(|place| caps.list()[place]) {
            let taken = score.saturating_sub(total * cap.most);
            losses[metric.index()] += taken;
            score -= taken;
            // No score is below 0, so a cap of 0 decides it, whatever the missing readings would be worth.
            is_known |= cap.is_zero();
        }
        entry.worth = is_known.then_some(Worth { score, losses });
        entry
    }

    /// The result for a code. Panics for [`ABSENT`].
    pub fn look_up(&self, code: u16) -> &Entry {
        &self.entries[code as usize]
    }

    /// The state of a member with this code at a step.
    pub fn state(&self, code: u16) -> StepState {
        match self.entries.get(code as usize) {
            None => StepState::Absent,
            Some(entry) => entry.state(),
        }
    }

    /// The number of codes, without [`ABSENT`].
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Always false: a profile has at least one code.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many integer units make one point.
    pub fn denominator(&self) -> u64 {
        self.denominator
    }

    /// Converts a score or loss to points. The result is the `f64` nearest to the exact quotient, because both integers
    /// are below 2⁵³ and IEEE 754 division rounds correctly.
    pub fn points(&self, amount: u64) -> f64 {
        amount as f64 / self.denominator as f64
    }

    /// The scores of all codes in points; `None` if unscored.
    pub fn scores(&self) -> Vec<Option<f64>> {
        self.entries.iter().map(|e| e.worth.map(|w| self.points(w.score))).collect()
    }

    /// The limit that thresholds of this metric are shares of; `None` if they are absolute.
    pub fn limit(&self, metric: Metric) -> Option<Companion> {
        self.digits[metric.index()].limit
    }

    /// The limits, such as the quota, that thresholds of this profile are shares of.
    pub fn limits(&self) -> impl Iterator<Item = Companion> + '_ {
        self.digits.iter().filter_map(|digit| digit.limit)
    }

    /// The caps of the profile, the lowest first, each with the metric that it costs points.
    pub fn caps(&self) -> &[(Metric, Cap)] {
        self.caps.list()
    }

    /// Whether a cap of the profile is 0, so that a score of 0 needs no other readings.
    pub fn has_cap_of_zero(&self) -> bool {
        self.caps.list().first().is_some_and(|(_, cap)| cap.is_zero())
    }

    /// The companions that scoring reads, in their order: limits of bands, and what caps look at.
    pub fn companions(&self) -> Vec<Companion> {
        let of_caps = self.caps().iter().flat_map(|(metric, cap)| cap.columns(*metric));
        let mut read: Vec<Companion> = self.limits().chain(of_caps).collect();
        read.sort_unstable();
        read.dedup();
        read
    }

    /// Adds the digit of one metric to the codes of one member. If the thresholds are shares of a limit that was not
    /// pulled, the readings count as missing.
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

    /// Adds the digit of the cap that applies to the codes of one member.
    pub(super) fn add_cap(&self, window: &Window, member: usize, codes: &mut [u16]) {
        self.caps.add(window, member, codes);
    }

    /// Adds the digit of each reading to the code of its step.
    fn add_codes(&self, metric: Metric, readings: &[f64], codes: &mut [u16]) {
        let digit = &self.digits[metric.index()];
        match digit.thresholds.as_slice() {
            [] => add_each(readings, codes, digit, |_| 0),
            [t] => add_each(readings, codes, digit, |v| u16::from(v > *t)),
            [t, u] => add_each(readings, codes, digit, |v| u16::from(v > *t) + u16::from(v > *u)),
            many => add_each(readings, codes, digit, |v| many.iter().map(|t| u16::from(v > *t)).sum()),
        }
    }
}

/// The share of the limit that a reading reaches; NaN if either is missing. Zero or a negative limit means
/// unlimited (etcd reports a negative quota if the quota is disabled), so the share is 0. Metrics with a limit cannot be
/// idle.
pub(super) fn share_of_limit(reading: f64, limit: f64) -> f64 {
    if limit <= 0.0 && !reading.is_nan() { 0.0 } else { reading / limit }
}

/// Adds a digit to each code. Generic over `band`, so that the compiler can vectorize the loop
/// for each number of thresholds.
fn add_each(readings: &[f64], codes: &mut [u16], digit: &Digit, band: impl Fn(f64) -> u16) {
    let &Digit { stride, unknown, idle, .. } = digit;
    for (code, &value) in codes.iter_mut().zip(readings) {
        let without_value = if is_idle(value) { idle } else { unknown };
        *code += stride * if value.is_nan() { without_value } else { band(value) };
    }
}
