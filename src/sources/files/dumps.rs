//! Dumps as a store of samples: read once as a whole, and held compressed in a temporary file.

use std::io::{self, Read};
use std::ops::Range;

use indicatif::BinaryBytes;

use super::{FilesError, Opening};
use crate::sources::archive::Dumps;
use crate::sources::dump::{self, Cut, Wanted};
use crate::sources::raw::{Label, LostSpan, SampleStore, Sighted, metric_names};
use crate::sources::spool::{Spool, SpoolError};
use crate::sources::tsdb::block::{Samples, SeriesEntry};
use crate::text::count;

/// Dumps of more bytes are announced before they are read.
const LARGE: u64 = 64 << 20;

/// The samples of dumps.
#[derive(Debug)]
pub(crate) struct DumpStore {
    spool: Spool,
    /// By labels, without the series of metrics that a dump has only in part.
    series: Vec<SeriesEntry>,
    /// Bytes of all dumps after decompression.
    bytes: u64,
    notes: Vec<String>,
}

impl DumpStore {
    /// Reads the series that the queries need from all dumps.
    pub(super) fn read(dumps: &Dumps, opening: &Opening<'_>) -> Result<Self, FilesError> {
        let size: u64 = dumps.files().iter().map(|file| file.bytes).sum();
        if size > LARGE {
            (opening.tell)(&format!("reading {} of {}", BinaryBytes(size), description(dumps)));
        }
        let names = metric_names(opening.queries);
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let wanted = Wanted::new(&names).allow_partial(opening.allow_partial);
        let mut writer = Spool::create(None)?;
        let (mut bytes, mut cuts) = (0, Vec::new());
        dumps.for_each(|file, input| {
            let input = Stoppable { input, is_stopped: opening.is_stopped };
            let summary = dump::read(input, &file.to_string(), &wanted, &mut writer)?;
            bytes += summary.bytes;
            cuts.extend(summary.cut.map(|cut| (file.to_string(), cut)));
            Ok::<_, FilesError>(())
        })?;
        let spool = writer.finish()?;
        let cut: Vec<&str> = cuts.iter().filter_map(|(_, cut)| last_metric(cut)).collect();
        let is_whole = |one: &SeriesEntry| !one.label("__name__").is_some_and(|name| cut.contains(&name));
        let series = spool.series().filter(is_whole).collect();
        let notes = cuts.iter().map(|(name, cut)| cut_note(name, cut)).collect();
        Ok(Self { spool, series, bytes, notes })
    }

    fn named<'a>(&'a self, names: &'a [&str]) -> impl Iterator<Item = (usize, &'a SeriesEntry)> {
        let is_named = |one: &SeriesEntry| one.label("__name__").is_some_and(|name| names.contains(&name));
        self.series.iter().enumerate().filter(move |(_, one)| is_named(one))
    }
}

/// What dumps are, in words.
pub(super) fn description(dumps: &Dumps) -> String {
    match dumps.files() {
        [only] if only.archive.is_some() => format!("the dump {}", only.path.display()),
        files => count(files.len(), "dump"),
    }
}

/// The metric in whose series a dump ends. Its other series, such as buckets of the same histogram, are missing.
fn last_metric(cut: &Cut) -> Option<&str> {
    cut.last_series.as_deref().map(|series| series.split('{').next().unwrap_or_default())
}

fn cut_note(name: &str, cut: &Cut) -> String {
    let left_out = last_metric(cut).map(|metric| format!("; {metric} is left out")).unwrap_or_default();
    format!("{name} {cut}{left_out}")
}

/// An input that fails when the run is stopped.
struct Stoppable<'a> {
    input: &'a mut dyn Read,
    is_stopped: &'a dyn Fn() -> bool,
}

impl Read for Stoppable<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match (self.is_stopped)() {
            true => Err(io::Error::other("stopped")),
            false => self.input.read(buffer),
        }
    }
}

impl SampleStore for DumpStore {
    type Error = SpoolError;
    /// The place of the series.
    type Series = usize;

    fn series(&self, names: &[&str], range_ms: &Range<i64>) -> Result<Vec<usize>, SpoolError> {
        let overlaps = |one: &SeriesEntry| {
            one.chunks.iter().any(|chunk| chunk.min_ms < range_ms.end && chunk.max_ms >= range_ms.start)
        };
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
            let inside = || one.chunks.iter().filter(|c| c.min_ms < range_ms.end && c.max_ms >= range_ms.start);
            let first_ms = inside().map(|chunk| chunk.min_ms).min()?.max(range_ms.start);
            let last_ms = inside().map(|chunk| chunk.max_ms).max()?.min(range_ms.end - 1);
            let bytes = inside().count() as u64 * usual;
            Some(Sighted { labels: one.labels.clone(), first_ms, last_ms, bytes })
        };
        Ok(self.named(names).filter_map(sighted).collect())
    }

    fn lost(&self) -> &[LostSpan] {
        &[]
    }

    fn bytes_read(&self) -> u64 {
        self.bytes
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}
