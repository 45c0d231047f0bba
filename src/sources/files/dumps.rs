//! Dumps as a store of samples: read once as a whole, and held compressed in a temporary file.

use std::collections::BTreeSet;
use std::ops::Range;

use indicatif::BinaryBytes;

use super::{FilesError, Opening};
use crate::sources::archive::{Dumps, Stoppable};
use crate::sources::dump::{self, Cut, Wanted};
use crate::sources::promql::is_stale_marker;
use crate::sources::raw::{Label, LostSpan, METRIC_NAME, SampleStore, Sighted, classic_names, is_named, label_of};
use crate::sources::spool::{Labels, Sink, Spool, SpoolError};
use crate::sources::tsdb::block::{Samples, SeriesEntry};
use crate::text::count;

/// Dumps of more bytes are announced before they are read.
const LARGE: u64 = 64 << 20;

/// The samples of dumps.
#[derive(Debug)]
pub(crate) struct DumpStore {
    spool: Spool,
    /// By labels.
    series: Vec<SeriesEntry>,
    /// Bytes of all dumps after decompression.
    bytes: u64,
    lost: Vec<LostSpan>,
    /// Dumps that end early, with the place.
    cuts: Vec<String>,
}

impl DumpStore {
    /// Reads the series that the queries need from all dumps.
    pub(super) fn read(dumps: &Dumps, opening: &Opening<'_>) -> Result<Self, FilesError> {
        let size: u64 = dumps.files().iter().map(|file| file.bytes).sum();
        if size > LARGE {
            (opening.tell)(&format!("reading {} of {}", BinaryBytes(size), description(dumps)));
        }
        let wanted = Wanted::new(&classic_names(opening.names)).allow_partial(opening.allow_partial);
        let mut writer = Spool::create(None)?;
        let (mut bytes, mut cuts, mut lost) = (0, Vec::new(), Vec::new());
        dumps.for_each(|file, input| {
            let input = Stoppable { content: input, is_stopped: opening.is_stopped };
            let mut sink = Watched {
                sink: &mut writer,
                last_name: String::new(),
                recorded: BTreeSet::new(),
                is_sorted: true,
                span_ms: None,
            };
            let summary = dump::read(input, &file.to_string(), &wanted, &mut sink)?;
            bytes += summary.bytes;
            if let Some(cut) = summary.cut {
                lost.push(sink.lost(&cut));
                cuts.push(format!("{file} {cut}"));
            }
            Ok::<_, FilesError>(())
        })?;
        let spool = writer.finish()?;
        let series = spool.series().collect();
        Ok(Self { spool, series, bytes, lost, cuts })
    }

    /// The dumps that end early, each with the place.
    pub(super) fn cuts(&self) -> &[String] {
        &self.cuts
    }

    fn named<'a>(&'a self, names: &'a [&str]) -> impl Iterator<Item = (usize, &'a SeriesEntry)> {
        self.series.iter().enumerate().filter(move |(_, one)| is_named(&one.labels, names))
    }
}

/// What dumps are, in words.
pub(super) fn description(dumps: &Dumps) -> String {
    match dumps.files() {
        [only] if only.archive.is_some() => format!("the dump {}", only.path.display()),
        files => count(files.len(), "dump"),
    }
}

/// Passes samples on, and watches what a dump has in case that it ends early.
struct Watched<'a, S> {
    sink: &'a mut S,
    /// The name of the metric of the last series.
    last_name: String,
    /// The series of recording rules.
    recorded: BTreeSet<u32>,
    /// Whether the names have ascended so far, as promtool writes them.
    is_sorted: bool,
    /// Times of the first and the last sample.
    span_ms: Option<(i64, i64)>,
}

impl<S: Sink> Sink for Watched<'_, S> {
    fn dump(&mut self, name: &str) -> Result<(), SpoolError> {
        self.sink.dump(name)
    }

    fn series(&mut self, labels: Labels) -> Result<u32, SpoolError> {
        let name = label_of(&labels, METRIC_NAME).unwrap_or_default();
        self.is_sorted &= *self.last_name <= *name;
        name.clone_into(&mut self.last_name);
        let is_recorded = name.contains(':');
        let number = self.sink.series(labels)?;
        if is_recorded {
            self.recorded.insert(number);
        }
        Ok(number)
    }

    fn sample(&mut self, series: u32, line: u64, time_ms: i64, value: f64) -> Result<(), SpoolError> {
        let (first_ms, last_ms) = self.span_ms.unwrap_or((time_ms, time_ms));
        self.span_ms = Some((first_ms.min(time_ms), last_ms.max(time_ms)));
        // etcd has no NaN, so that a NaN in its series is a staleness marker; a recorded percentile is NaN where etcd is idle.
        let is_idle = is_stale_marker(value) && self.recorded.contains(&series);
        self.sink.sample(series, line, time_ms, if is_idle { f64::NAN } else { value })
    }
}

impl<S> Watched<'_, S> {
    /// What a dump lacks that ends early: in the time that it covers, the metrics from the last one on. If its series are
    /// not sorted, any metric may lack some.
    fn lost(&self, cut: &Cut) -> LostSpan {
        let last = cut.last_series.as_deref().map(|series| series.split('{').next().unwrap_or_default());
        let from_metric = last.filter(|_| self.is_sorted).unwrap_or_default().to_owned();
        let (first_ms, last_ms) = self.span_ms.unwrap_or((i64::MIN, i64::MAX));
        LostSpan { first_ms, last_ms, from_metric }
    }
}

impl SampleStore for DumpStore {
    type Error = SpoolError;
    /// The place of the series.
    type Series = usize;

    fn series(&self, names: &[&str], range_ms: &Range<i64>) -> Result<Vec<usize>, SpoolError> {
        let overlaps = |one: &SeriesEntry| one.chunks.iter().any(|chunk| chunk.overlaps(range_ms));
        Ok(self.named(names).filter(|(_, one)| overlaps(one)).map(|(at, _)| at).collect())
    }

    fn labels<'a>(&'a self, series: &'a usize) -> &'a [Label] {
        &self.series[*series].labels
    }

    fn samples(&self, series: &usize, range_ms: &Range<i64>) -> Result<Samples, SpoolError> {
        self.spool.samples(&self.series[*series], range_ms.clone())
    }

    fn survey(&self, names: &[&str], range_ms: &Range<i64>) -> Result<Vec<Sighted>, SpoolError> {
        let all: usize = self.series.iter().map(|one| one.chunks.len()).sum();
        let usual = self.spool.size() / all.max(1) as u64;
        let sighted = |(_, one): (usize, &SeriesEntry)| {
            let inside = || one.chunks.iter().filter(|chunk| chunk.overlaps(range_ms));
            let first_ms = inside().map(|chunk| chunk.min_ms).min()?.max(range_ms.start);
            let last_ms = inside().map(|chunk| chunk.max_ms).max()?.min(range_ms.end - 1);
            let bytes = inside().count() as u64 * usual;
            Some(Sighted { labels: one.labels.clone(), first_ms, last_ms, bytes })
        };
        Ok(self.named(names).filter_map(sighted).collect())
    }

    fn lost(&self) -> &[LostSpan] {
        &self.lost
    }

    fn bytes_read(&self) -> u64 {
        self.bytes
    }

    fn notes(&self) -> Vec<String> {
        self.cuts.iter().map(|cut| format!("{cut}; their readings are unknown in the time of this dump")).collect()
    }
}
