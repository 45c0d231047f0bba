//! Evenly spaced values of one metric of one member, on the scale on which models compute.

use crate::spec::{Column, Metric, Unit};
use crate::time::Zone;

/// Values at even distances; NaN is missing. The values are on the scale of the models ([`Scale`]).
#[derive(Clone, Debug)]
pub struct Series {
    /// The instant of the first value, milliseconds since 1970.
    pub start_ms: i64,
    /// The distance of two values in milliseconds.
    pub step_ms: i64,
    /// The values.
    pub values: Vec<f64>,
    /// The time zone of days and weeks.
    pub zone: Zone,
}

impl Series {
    /// What is known after the first `end` values.
    pub fn until(&self, end: usize) -> Past<'_> {
        Past { series: self, start: 0, end }
    }

    /// The instant of a value, which may lie after the last one.
    pub fn at_ms(&self, index: usize) -> i64 {
        self.start_ms + index as i64 * self.step_ms
    }

    /// How many steps a duration has, at least one.
    pub fn steps_in(&self, duration_ms: i64) -> usize {
        (duration_ms / self.step_ms).max(1) as usize
    }
}

/// The part of a series that a model may see: what lies before an origin, and after the last break in the history.
#[derive(Clone, Copy, Debug)]
pub struct Past<'a> {
    /// The whole series. Models must not look at values from `end` on.
    series: &'a Series,
    start: usize,
    end: usize,
}

impl<'a> Past<'a> {
    /// The part that starts at the value with this index, for a history that has a break there.
    #[must_use]
    pub fn from(self, start: usize) -> Self {
        Self { start: start.clamp(self.start, self.end), ..self }
    }

    /// The part without its last `steps` values.
    #[must_use]
    pub fn without_last(self, steps: usize) -> Self {
        Self { end: self.end.saturating_sub(steps).max(self.start), ..self }
    }

    /// The values, oldest first; NaN is missing.
    pub fn values(self) -> &'a [f64] {
        &self.series.values[self.start..self.end]
    }

    /// The last `steps` values, or fewer at the start of the history.
    pub fn last(self, steps: usize) -> &'a [f64] {
        let values = self.values();
        &values[values.len().saturating_sub(steps)..]
    }

    /// The value this many steps before the end of the past: 1 is the last one. NaN if missing or before the start.
    pub fn back(self, steps: usize) -> f64 {
        let index = self.end.checked_sub(steps).filter(|index| *index >= self.start && steps > 0);
        index.map_or(f64::NAN, |index| self.series.values[index])
    }

    /// The distance of two values in milliseconds.
    pub fn step_ms(self) -> i64 {
        self.series.step_ms
    }

    /// How many steps a duration has, at least one.
    pub fn steps_in(self, duration_ms: i64) -> usize {
        self.series.steps_in(duration_ms)
    }

    /// The instant of the last value: the origin of a forecast, milliseconds since 1970.
    pub fn origin_ms(self) -> i64 {
        self.series.at_ms(self.end) - self.series.step_ms
    }

    /// The time zone of days and weeks.
    pub fn zone(self) -> Zone {
        self.series.zone
    }

    /// The index in the whole series of the first value that is not known yet.
    pub fn end(self) -> usize {
        self.end
    }
}

/// How readings become the values that models see.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scale {
    /// Base-2 logarithm of the reading plus an offset, which is 0 unless the history contains zeros.
    Log2 {
        /// Added to each reading, in its unit.
        offset: f64,
    },
    /// The reading itself, for histories with negative values.
    Same,
}

impl Scale {
    /// Chooses a scale: logarithms for readings that are never negative. Readings that are not finite do not count.
    ///
    /// With zeros among the readings, the offset is half of the smallest positive one, so that a zero is one or two
    /// doublings below it instead of infinitely far.
    pub fn of(readings: &[f64]) -> Self {
        let finite = || readings.iter().copied().filter(|value| value.is_finite());
        if finite().any(|value| value < 0.0) {
            return Self::Same;
        }
        let smallest = finite().filter(|value| *value > 0.0).fold(f64::INFINITY, f64::min);
        match finite().any(|value| value == 0.0) {
            _ if smallest == f64::INFINITY => Self::Same,
            true => Self::Log2 { offset: smallest / 2.0 },
            false => Self::Log2 { offset: 0.0 },
        }
    }

    /// The scale of a metric. Its offset is far below every reading that matters, so that a zero is low but not infinitely so.
    pub fn of_metric(metric: Metric) -> Self {
        let offset = match Column::from(metric).unit() {
            Unit::Seconds | Unit::Instant => 1e-5,
            Unit::Count
            | Unit::BytesPerSecond
            | Unit::Bytes
            | Unit::PerSecond
            | Unit::Share
            | Unit::Flag
            | Unit::Version => 1.0,
        };
        Self::Log2 { offset }
    }

    /// The value of a reading; NaN unless the reading is finite.
    pub fn value(self, reading: f64) -> f64 {
        match self {
            _ if !reading.is_finite() => f64::NAN,
            Self::Log2 { offset } => {
                let value = (reading + offset).log2();
                if value.is_finite() { value } else { f64::NAN }
            }
            Self::Same => reading,
        }
    }

    /// The reading of a value; never below zero for logarithms.
    pub fn reading(self, value: f64) -> f64 {
        match self {
            Self::Log2 { offset } => (value.exp2() - offset).max(0.0),
            Self::Same => value,
        }
    }
}
