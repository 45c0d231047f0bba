//! What the records and chunks mean together, in the order in which they were logged.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use super::super::block::{Decoder, Encoding, Place, Samples};
use super::chunks::Meta;
use super::error::HeadError;
use super::lost::{Damage, Log, Losses};
use super::record::{self, RawLabels, Record, Sample, Tombstone};
use super::references::{References, Target};
use super::stream::{self, Labels, Stream};

/// The label that has the name of a metric.
const METRIC_NAME: &[u8] = b"__name__";

/// A metric of the head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadMetric {
    /// Its name. Bytes that are not UTF-8 are replaced.
    pub name: Arc<str>,
    /// First and last sample of all its series, in milliseconds since 1970: not limited to what was asked for, and
    /// including samples that were deleted. `None` without samples.
    pub range_ms: Option<(i64, i64)>,
}

/// What is wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    /// Samples before are not kept.
    pub(super) from_ms: i64,
    /// Samples in order before this time are in blocks, or were deleted there.
    pub(super) in_order_ms: i64,
}

/// Everything that was read so far.
pub(super) struct Replay<'n> {
    names: HashSet<&'n [u8]>,
    wanted: Wanted,
    references: References,
    metric_numbers: HashMap<Box<[u8]>, u32>,
    pub(super) metrics: Vec<HeadMetric>,
    pub(super) streams: Vec<Stream>,
    texts: HashSet<Arc<str>>,
    pub(super) losses: Losses,
    /// How many records of each unknown type there are.
    pub(super) unknown_types: BTreeMap<u8, u64>,
    /// Damaged chunks, and those of unknown encoding.
    pub(super) bad_chunks: u64,
    samples: Vec<Sample>,
    decoder: Decoder,
}

impl<'n> Replay<'n> {
    pub(super) fn new(names: &[&'n str], wanted: Wanted) -> Self {
        Self {
            names: names.iter().map(|name| name.as_bytes()).collect(),
            wanted,
            references: References::default(),
            metric_numbers: HashMap::new(),
            metrics: Vec::new(),
            streams: Vec::new(),
            texts: HashSet::new(),
            losses: Losses::default(),
            unknown_types: BTreeMap::new(),
            bad_chunks: 0,
            samples: Vec::new(),
            decoder: Decoder::default(),
        }
    }

    /// Adds a record that begins at `offset` of a file.
    pub(super) fn record(&mut self, log: Log, file: &Path, offset: u64, bytes: &[u8]) -> Result<(), HeadError> {
        let mut samples = std::mem::take(&mut self.samples);
        let result = match record::decode(bytes, &mut samples) {
            Some(Record::Series(list)) => {
                if !list.into_iter().fold(true, |valid, (reference, labels)| self.series(reference, &labels) && valid) {
                    self.malformed(log, file, offset, bytes);
                }
                Ok(())
            }
            Some(Record::Samples) => {
                self.samples(log, &samples);
                Ok(())
            }
            Some(Record::Histograms) => self.histograms(log, file, offset, &samples),
            Some(Record::Tombstones(list)) => {
                list.into_iter().for_each(|tombstone| self.tombstone(tombstone));
                Ok(())
            }
            Some(Record::Other) => Ok(()),
            Some(Record::Unknown(kind)) => {
                *self.unknown_types.entry(kind).or_default() += 1;
                Ok(())
            }
            None => {
                self.malformed(log, file, offset, bytes);
                Ok(())
            }
        };
        self.samples = samples;
        result
    }

    fn malformed(&mut self, log: Log, file: &Path, offset: u64, bytes: &[u8]) {
        let problem = "the content of a record is malformed";
        self.losses.add(log, file, Damage { offset, bytes: bytes.len() as u64, problem });
    }

    /// Adds a series. `false` if its labels are not UTF-8.
    fn series(&mut self, reference: u64, labels: &RawLabels<'_>) -> bool {
        let name = labels.iter().find(|(name, _)| *name == METRIC_NAME).map_or(&b""[..], |(_, value)| value);
        let metric = self.metric(name);
        let mut target = Target { metric, stream: None };
        if self.names.contains(name) {
            let Some(labels) = self.labels(labels) else { return false };
            let known = self.references.get(&reference).and_then(|target| target.stream);
            target.stream = known.filter(|stream| self.streams[*stream as usize].labels == labels);
            if target.stream.is_none() {
                target.stream = Some(self.streams.len() as u32);
                self.streams.push(Stream::new(labels));
            }
        }
        self.references.insert(reference, target);
        true
    }

    /// The number of a metric.
    fn metric(&mut self, name: &[u8]) -> u32 {
        if let Some(number) = self.metric_numbers.get(name) {
            return *number;
        }
        let number = self.metrics.len() as u32;
        self.metric_numbers.insert(name.into(), number);
        self.metrics.push(HeadMetric { name: String::from_utf8_lossy(name).into(), range_ms: None });
        number
    }

    /// Labels as texts that the series share.
    fn labels(&mut self, labels: &RawLabels<'_>) -> Option<Labels> {
        let mut text = |bytes: &[u8]| {
            let text = std::str::from_utf8(bytes).ok()?;
            if let Some(shared) = self.texts.get(text) {
                return Some(shared.clone());
            }
            let shared: Arc<str> = text.into();
            self.texts.insert(shared.clone());
            Some(shared)
        };
        labels.iter().map(|(name, value)| Some((text(name)?, text(value)?))).collect()
    }

    /// Whether a sample of a log is not in blocks.
    fn is_new(&self, log: Log, time_ms: i64) -> bool {
        log == Log::Wbl || time_ms >= self.wanted.in_order_ms
    }

    /// The wanted series that a sample is of, unless the sample is in blocks.
    fn stream_of(&mut self, log: Log, sample: &Sample, orphans: &mut Times) -> Option<u32> {
        if !self.is_new(log, sample.time_ms) {
            return None;
        }
        let Some(target) = self.references.get(&sample.reference) else {
            orphans.add(sample.time_ms);
            return None;
        };
        widen(&mut self.metrics[target.metric as usize], sample.time_ms, sample.time_ms);
        target.stream
    }

    fn samples(&mut self, log: Log, samples: &[Sample]) {
        self.advance(log, samples);
        let mut orphans = Times::default();
        for sample in samples {
            let Some(stream) = self.stream_of(log, sample, &mut orphans) else { continue };
            let stream = &mut self.streams[stream as usize];
            match log {
                Log::Wal => stream.log(sample.time_ms, sample.value, self.wanted.from_ms),
                Log::Wbl if sample.time_ms >= self.wanted.from_ms => stream.log_late(sample.time_ms, sample.value),
                Log::Wbl => {}
            }
        }
        self.note(&orphans);
    }

    fn histograms(&mut self, log: Log, file: &Path, offset: u64, samples: &[Sample]) -> Result<(), HeadError> {
        self.advance(log, samples);
        let mut orphans = Times::default();
        for sample in samples {
            if let Some(stream) = self.stream_of(log, sample, &mut orphans)
                && sample.time_ms >= self.wanted.from_ms
            {
                return Err(self.refuse_histograms(file, offset, stream));
            }
        }
        self.note(&orphans);
        Ok(())
    }

    fn refuse_histograms(&self, file: &Path, offset: u64, stream: u32) -> HeadError {
        let series = stream::name(&self.streams[stream as usize].labels);
        HeadError::NativeHistograms { place: Place { file: file.to_owned(), offset }, series }
    }

    fn tombstone(&mut self, tombstone: Tombstone) {
        let stream = self.references.get(&tombstone.reference).and_then(|target| target.stream);
        if let Some(stream) = stream {
            self.streams[stream as usize].delete(tombstone);
        }
    }

    fn advance(&mut self, log: Log, samples: &[Sample]) {
        let mut times = Times::default();
        samples.iter().for_each(|sample| times.add(sample.time_ms));
        if let Some(range_ms) = times.range_ms {
            self.losses.advance(log, range_ms);
        }
    }

    fn note(&mut self, orphans: &Times) {
        if let Some(range_ms) = orphans.range_ms {
            self.losses.orphans(orphans.count, range_ms);
        }
    }

    /// Adds a chunk whose checksum is right. The logs must have been read before.
    pub(super) fn chunk(&mut self, file: &Path, meta: &Meta, data: &[u8]) -> Result<(), HeadError> {
        if !meta.out_of_order && meta.last_ms < self.wanted.in_order_ms {
            return Ok(());
        }
        let Some(target) = self.references.get(&meta.reference).copied() else {
            self.losses.orphans(1, (meta.first_ms, meta.last_ms));
            return Ok(());
        };
        widen(&mut self.metrics[target.metric as usize], meta.first_ms, meta.last_ms);
        let Some(stream) = target.stream.filter(|_| meta.last_ms >= self.wanted.from_ms) else { return Ok(()) };
        let encoding = match Encoding::of(meta.encoding) {
            Ok(encoding) => encoding,
            Err(other) if other.is_histogram => return Err(self.refuse_histograms(file, meta.offset, stream)),
            Err(_) => {
                self.bad_chunk(file, meta, "the encoding of a chunk is unknown");
                return Ok(());
            }
        };
        let mut samples = Samples::default();
        let decoded = self.decoder.decode(encoding, data, &mut samples);
        let ends = (samples.times_ms.first().copied(), samples.times_ms.last().copied());
        if decoded.is_err() || ends != (Some(meta.first_ms), Some(meta.last_ms)) {
            self.bad_chunk(file, meta, "a chunk is malformed");
            return Ok(());
        }
        if let Some(before) = self.wanted.in_order_ms.checked_sub(1)
            && !meta.out_of_order
        {
            samples.remove(i64::MIN, before);
        }
        self.streams[stream as usize].add_chunk(samples, meta.out_of_order);
        Ok(())
    }

    /// Notes a chunk without usable samples. They are only lost if the logs do not have them.
    pub(super) fn bad_chunk(&mut self, file: &Path, meta: &Meta, problem: &'static str) {
        self.bad_chunks += 1;
        let kept_ms = if meta.out_of_order { i64::MIN } else { self.wanted.in_order_ms }.max(self.wanted.from_ms);
        let Some(stream) = self.references.get(&meta.reference).and_then(|target| target.stream) else { return };
        let stream = &self.streams[stream as usize];
        if !stream.has_logged(meta.first_ms, meta.last_ms, kept_ms, meta.out_of_order) {
            let damage = Damage { offset: meta.offset, bytes: meta.size, problem };
            self.losses.add_span(file, &damage, (meta.first_ms.max(kept_ms), meta.last_ms));
        }
    }
}

/// Number and times of samples.
#[derive(Default)]
struct Times {
    count: u64,
    range_ms: Option<(i64, i64)>,
}

impl Times {
    fn add(&mut self, time_ms: i64) {
        let (first, last) = self.range_ms.unwrap_or((time_ms, time_ms));
        self.count += 1;
        self.range_ms = Some((first.min(time_ms), last.max(time_ms)));
    }
}

fn widen(metric: &mut HeadMetric, first_ms: i64, last_ms: i64) {
    let (first, last) = metric.range_ms.unwrap_or((first_ms, last_ms));
    metric.range_ms = Some((first.min(first_ms), last.max(last_ms)));
}
