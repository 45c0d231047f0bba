//! A series of a response. Its chunks stay encoded until their samples are needed.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use super::error::RemoteReadError;
use crate::sources::tsdb::block::{Conflict, Decoder, Encoding, Samples, Unsupported, in_promql, label_of, merge};

/// A chunk, or all samples of a series in a response of samples.
#[derive(Clone, Debug, PartialEq)]
pub struct RemoteChunk {
    /// Time of its first sample, in milliseconds since 1970.
    pub min_ms: i64,
    /// Time of its last sample, in milliseconds since 1970. Of a chunk that still grows, it may be later.
    pub max_ms: i64,
    pub(super) content: Content,
}

/// What a chunk consists of.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Content {
    /// Data in the encoding with this number.
    Encoded { encoding: u64, data: Vec<u8> },
    /// Samples that were sent as such.
    Plain(Samples),
}

impl Content {
    /// Bytes of memory.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Encoded { data, .. } => data.len(),
            Self::Plain(samples) => samples.len() * size_of::<(i64, f64)>(),
        }
    }
}

/// A series and its chunks.
#[derive(Clone, Debug, PartialEq)]
pub struct RemoteSeries {
    /// Number of the query in the request, counted from 0.
    pub query: usize,
    /// Names and values in the order of names, `__name__` and the external labels of the server included. Series share
    /// the texts.
    pub labels: Vec<(Arc<str>, Arc<str>)>,
    /// In the order of the response. They may overlap.
    pub chunks: Vec<RemoteChunk>,
}

impl RemoteSeries {
    /// The value of a label.
    pub fn label(&self, name: &str) -> Option<&str> {
        label_of(&self.labels, name)
    }

    /// Removes labels that have both the name and the value of one of these: the `external_labels` of the server, which
    /// it adds to all series that have no label of the same name.
    pub fn remove_labels<Name: AsRef<str>, Value: AsRef<str>>(&mut self, external: &[(Name, Value)]) {
        let is_external = |name: &str, value: &str| {
            external.iter().any(|(other, its_value)| other.as_ref() == name && its_value.as_ref() == value)
        };
        self.labels.retain(|(name, value)| !is_external(name, value));
    }

    /// The samples in a half-open range of milliseconds. Stale markers are samples too: NaN with the bits
    /// 7ff0000000000002. Fails if the range has other samples than plain ones.
    pub fn samples(&self, range_ms: Range<i64>) -> Result<Samples, RemoteReadError> {
        let (mut decoder, mut samples) = (Decoder::default(), Samples::default());
        for chunk in &self.chunks {
            if chunk.min_ms >= range_ms.end || chunk.max_ms < range_ms.start {
                continue;
            }
            let from = samples.len();
            self.decode(chunk, &mut decoder, &mut samples)?;
            samples.trim_from(from, &range_ms);
            if from > 0 && samples.times_ms.get(from).is_some_and(|time| *time <= samples.times_ms[from - 1]) {
                samples = self.merge_overlapping(samples, from)?;
            }
        }
        Ok(samples)
    }

    /// Adds the samples of a chunk, and compares their times with those that the server gives for it.
    fn decode(&self, chunk: &RemoteChunk, decoder: &mut Decoder, samples: &mut Samples) -> Result<(), RemoteReadError> {
        let from = samples.len();
        let malformed = |problem| RemoteReadError::Chunk { series: self.to_string(), min_ms: chunk.min_ms, problem };
        match &chunk.content {
            Content::Plain(plain) => samples.extend(plain, 0..plain.len()),
            Content::Encoded { encoding, data } => {
                let encoding = self.plain_encoding(chunk.min_ms, *encoding)?;
                decoder.decode(encoding, data, samples).map_err(malformed)?;
            }
        }
        let times = &samples.times_ms[from..];
        let inside = |time: Option<&i64>| time.is_none_or(|time| (chunk.min_ms..=chunk.max_ms).contains(time));
        if inside(times.first()) && inside(times.last()) {
            return Ok(());
        }
        Err(malformed("its samples exceed the time that the server gives"))
    }

    /// Fails for chunks that are no plain samples.
    fn plain_encoding(&self, min_ms: i64, number: u64) -> Result<Encoding, RemoteReadError> {
        // 0 is unknown too.
        Encoding::of(u8::try_from(number).unwrap_or(0)).map_err(|Unsupported { name, is_histogram }| {
            let remedy = match is_histogram {
                true => "ask for a metric with classic buckets, or use the query API",
                false => "use the query API",
            };
            RemoteReadError::Encoding { series: self.to_string(), min_ms, encoding: number, name, remedy }
        })
    }

    /// Merges the samples of a chunk, from an index on, with those of the chunks before, which it overlaps.
    fn merge_overlapping(&self, mut samples: Samples, from: usize) -> Result<Samples, RemoteReadError> {
        let last = Samples { times_ms: samples.times_ms.split_off(from), values: samples.values.split_off(from) };
        let merged = merge([samples, last]);
        let Some(Conflict { at_ms, kept: first, dropped: second }) = merged.example else { return Ok(merged.samples) };
        Err(RemoteReadError::TwoValues { series: self.to_string(), at_ms, first, second })
    }
}

/// The series in PromQL notation, for messages.
impl fmt::Display for RemoteSeries {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&in_promql(&self.labels))
    }
}
