//! The sample: an embedded history, with which users can try the program from any folder, without a server.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::history::{EmbeddedDay, HistoryError};
use crate::readings::{Origin, Progress, ReadingSource, Source, Window, Work};
use crate::spec::{Column, Companion, Metric};
use crate::time::{Grid, Step, TimeError, TimeRange, UtcDay};

/// `(date, content of readings.parquet)` for each day of `notebooks-data/sample`.
macro_rules! embedded_days {
    ($($date:literal)*) => {
        &[$((
            $date,
            include_bytes!(concat!("../../notebooks-data/sample/history/date=", $date, "/readings.parquet")),
        )),*]
    };
}

const DAYS: &[(&str, &[u8])] = embedded_days! {
    "2026-10-01" "2026-10-02" "2026-10-03" "2026-10-04" "2026-10-05" "2026-10-06" "2026-10-07"
    "2026-10-08" "2026-10-09" "2026-10-10" "2026-10-11" "2026-10-12" "2026-10-13" "2026-10-14"
};

/// The embedded sample is unusable, because the program was built from the wrong files.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SampleError {
    #[error("the embedded sample is broken: install etcd-heatmap again")]
    Day(#[from] HistoryError),
    /// A date or the step is invalid.
    #[error("the embedded sample is broken ({0}): install etcd-heatmap again")]
    Time(#[from] TimeError),
    #[error("the embedded sample is empty: install etcd-heatmap again")]
    Empty,
}

/// The embedded days as a source of readings.
#[derive(Debug)]
pub(crate) struct SampleSource {
    days: BTreeMap<UtcDay, EmbeddedDay>,
    description: Source,
    step: Step,
    range: TimeRange,
    days_read: AtomicU64,
    samples_read: AtomicU64,
    bytes_read: AtomicU64,
}

impl SampleSource {
    /// Opens the sample: reads the Parquet footers of all its days.
    pub(crate) fn open() -> Result<Self, SampleError> {
        let mut days = BTreeMap::new();
        for (date, content) in DAYS {
            days.insert(date.parse()?, EmbeddedDay::open(format!("sample/date={date}"), content)?);
        }
        let ends = days.values().map(|day| day.meta.range).reduce(TimeRange::hull).zip(days.values().next());
        let (range, first) = ends.ok_or(SampleError::Empty)?;
        let mut description = first.meta.source.clone();
        description.origin = Origin::named("sample", "the sample that is embedded in etcd-heatmap")
            .first_pulled_from(&description.origin);
        let step = Step::from_millis(description.step_seconds * 1000)?;
        let [days_read, samples_read, bytes_read] = [const { AtomicU64::new(0) }; 3];
        Ok(Self { days, description, step, range, days_read, samples_read, bytes_read })
    }

    /// From the first step of the sample to the end of its last step.
    pub(crate) fn range(&self) -> TimeRange {
        self.range
    }
}

impl ReadingSource for SampleSource {
    type Error = SampleError;

    fn describe(&self) -> &Source {
        &self.description
    }

    fn parts(&self, range: TimeRange) -> Vec<(UtcDay, TimeRange)> {
        self.days.iter().filter_map(|(day, file)| Some((*day, range.intersect(file.meta.range)?))).collect()
    }

    fn work(&self, parts: &[(UtcDay, TimeRange)]) -> Work {
        Work { unit: "days", total: parts.len() as u64 }
    }

    fn in_flight(&self) -> usize {
        1
    }

    async fn read(&self, part: TimeRange) -> Result<Window, SampleError> {
        let (day, grid) = (UtcDay::of(part.start_ms), Grid::within(part, self.step));
        let file = self.days.get(&day).ok_or(HistoryError::MissingDay(day))?;
        let window = file.read(grid)?;
        let columns = Metric::ALL.map(Column::from).into_iter();
        let columns = columns.chain(window.companions().iter().map(|companion: &Companion| (*companion).into()));
        let samples = columns.map(|column| window.known_readings(column)).sum();
        self.days_read.fetch_add(1, Ordering::Relaxed);
        self.samples_read.fetch_add(samples, Ordering::Relaxed);
        self.bytes_read.fetch_add(file.bytes(), Ordering::Relaxed);
        Ok(window)
    }

    fn progress(&self) -> Progress {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Progress { done: count(&self.days_read), samples: count(&self.samples_read), bytes: count(&self.bytes_read) }
    }

    fn notes(&self) -> Vec<String> {
        Vec::new()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;

    #[test]
    fn every_day_gives_as_many_readings_as_the_pull_that_made_the_sample_counted() {
        let sample = SampleSource::open().unwrap();
        let parts = sample.parts(sample.range());
        assert_eq!(parts.len(), DAYS.len());
        let threads = tokio::runtime::Builder::new_multi_thread().build().unwrap();
        for (day, part) in parts {
            let window = threads.block_on(sample.read(part)).unwrap();
            for (name, count) in &sample.days[&day].meta.known {
                let column = Column::all().find(|column| column.name() == name).unwrap();
                assert_eq!(window.known_readings(column), *count, "{name} on {day}");
            }
        }
        assert_eq!(sample.progress().done, DAYS.len() as u64);
    }

    #[test]
    fn the_sample_is_no_part_of_a_range_outside_its_days() {
        let sample = SampleSource::open().unwrap();
        let TimeRange { start_ms, end_ms } = sample.range();
        assert_eq!(sample.parts(TimeRange { start_ms: end_ms, end_ms: end_ms + 1 }), []);
        let first_hour = TimeRange { start_ms, end_ms: start_ms + 3_600_000 };
        let earlier = TimeRange { start_ms: start_ms - 1, end_ms: first_hour.end_ms };
        assert_eq!(sample.parts(earlier), [(UtcDay::of(start_ms), first_hour)]);
    }
}
