//! The messages of a response: `ChunkedReadResponse`, one a frame, and `ReadResponse`.

use std::collections::HashSet;
use std::sync::Arc;

use super::error::Malformed;
use super::protobuf::{Field, Reader};
use super::series::{Content, RemoteChunk, RemoteSeries};
use crate::sources::tsdb::block::Samples;

/// The number of the encoding of native histograms, which a response of samples has as messages of their own.
const HISTOGRAM: u64 = 2;

/// A label.
type Label = (Arc<str>, Arc<str>);

/// The names and values of all labels so far, so that series share them.
#[derive(Debug, Default)]
pub(super) struct Texts(HashSet<Arc<str>>);

impl Texts {
    fn get(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.0.get(text) {
            return known.clone();
        }
        let new: Arc<str> = text.into();
        self.0.insert(new.clone());
        new
    }
}

/// Decodes a frame: parts of series, usually one. `queries` is the number of queries in the request.
pub(super) fn chunked_read_response(
    bytes: &[u8],
    queries: usize,
    texts: &mut Texts,
) -> Result<Vec<RemoteSeries>, Malformed> {
    let (mut series, mut query, mut reader) = (Vec::new(), 0, Reader::new(bytes));
    while let Some(field) = reader.next()? {
        match field.number {
            1 => series.push(chunked_series(&field, texts)?),
            2 => query = query_index(&field, queries)?,
            _ => {}
        }
    }
    // The index is written after the series.
    series.iter_mut().for_each(|series| series.query = query);
    Ok(series)
}

fn query_index(field: &Field<'_>, queries: usize) -> Result<usize, Malformed> {
    let index = usize::try_from(field.unsigned()?).ok().filter(|index| *index < queries);
    index.ok_or(Malformed { at: field.at, problem: "a frame answers a query that was not sent" })
}

fn chunked_series(field: &Field<'_>, texts: &mut Texts) -> Result<RemoteSeries, Malformed> {
    let (mut labels, mut chunks, mut reader) = (Vec::new(), Vec::new(), field.message()?);
    while let Some(field) = reader.next()? {
        match field.number {
            1 => labels.push(label(&field, texts)?),
            2 => chunks.push(chunk(&field)?),
            _ => {}
        }
    }
    Ok(RemoteSeries { query: 0, labels: sorted(labels, field)?, chunks })
}

/// Fails for a message without a name, which also bounds the memory that short messages can need.
fn label(field: &Field<'_>, texts: &mut Texts) -> Result<Label, Malformed> {
    let (mut name, mut value, mut reader) = ("", "", field.message()?);
    while let Some(field) = reader.next()? {
        match field.number {
            1 => name = field.text()?,
            2 => value = field.text()?,
            _ => {}
        }
    }
    if name.is_empty() {
        return Err(Malformed { at: field.at, problem: "a label has no name" });
    }
    Ok((texts.get(name), texts.get(value)))
}

/// Labels by name. Servers send them in this order.
fn sorted(mut labels: Vec<Label>, series: &Field<'_>) -> Result<Vec<Label>, Malformed> {
    labels.sort();
    if labels.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        return Err(Malformed { at: series.at, problem: "a series has two labels of the same name" });
    }
    Ok(labels)
}

/// Fails for a message without data, which also bounds the memory that short messages can need.
fn chunk(field: &Field<'_>) -> Result<RemoteChunk, Malformed> {
    let (mut min_ms, mut max_ms, mut encoding, mut data, mut reader) = (0, 0, 0, &[][..], field.message()?);
    while let Some(field) = reader.next()? {
        match field.number {
            1 => min_ms = field.signed()?,
            2 => max_ms = field.signed()?,
            3 => encoding = field.unsigned()?,
            4 => data = field.bytes()?,
            _ => {}
        }
    }
    let problem = match () {
        () if data.is_empty() => "a chunk has no data",
        () if min_ms > max_ms => "a chunk ends before it begins",
        () => return Ok(RemoteChunk { min_ms, max_ms, content: Content::Encoded { encoding, data: data.to_vec() } }),
    };
    Err(Malformed { at: field.at, problem })
}

/// Decodes a response of samples. `queries` is the number of queries in the request.
pub(super) fn read_response(bytes: &[u8], queries: usize) -> Result<Vec<RemoteSeries>, Malformed> {
    let (mut series, mut results, mut texts, mut reader) = (Vec::new(), 0, Texts::default(), Reader::new(bytes));
    while let Some(field) = reader.next()? {
        if field.number == 1 {
            if results == queries {
                return Err(Malformed { at: field.at, problem: "there are more results than queries" });
            }
            query_result(&field, results, &mut texts, &mut series)?;
            results += 1;
        }
    }
    if results < queries {
        return Err(Malformed { at: bytes.len(), problem: "there are fewer results than queries" });
    }
    Ok(series)
}

fn query_result(
    field: &Field<'_>,
    query: usize,
    texts: &mut Texts,
    series: &mut Vec<RemoteSeries>,
) -> Result<(), Malformed> {
    let mut reader = field.message()?;
    while let Some(field) = reader.next()? {
        if field.number == 1 {
            let (labels, chunks) = time_series(&field, texts)?;
            series.push(RemoteSeries { query, labels, chunks });
        }
    }
    Ok(())
}

/// A series with plain samples, native histograms, or both.
fn time_series(field: &Field<'_>, texts: &mut Texts) -> Result<(Vec<Label>, Vec<RemoteChunk>), Malformed> {
    let (mut labels, mut samples, mut histograms, mut reader) =
        (Vec::new(), Samples::default(), None, field.message()?);
    while let Some(field) = reader.next()? {
        match field.number {
            1 => labels.push(label(&field, texts)?),
            2 => {
                let (time_ms, value) = sample(&field)?;
                if samples.times_ms.last().is_some_and(|last| *last >= time_ms) {
                    return Err(Malformed { at: field.at, problem: "the timestamps of a series do not increase" });
                }
                samples.push(time_ms, value);
            }
            4 => {
                let time_ms = histogram_time(&field)?;
                let (first, last) = histograms.unwrap_or((time_ms, time_ms));
                histograms = Some((time_ms.min(first), time_ms.max(last)));
            }
            _ => {}
        }
    }
    Ok((sorted(labels, field)?, chunks(samples, histograms)))
}

/// The time in milliseconds, and the value.
fn sample(field: &Field<'_>) -> Result<(i64, f64), Malformed> {
    let (mut time_ms, mut value, mut reader) = (0, 0.0, field.message()?);
    while let Some(field) = reader.next()? {
        match field.number {
            1 => value = field.double()?,
            2 => time_ms = field.signed()?,
            _ => {}
        }
    }
    Ok((time_ms, value))
}

/// The time of a native histogram in milliseconds.
fn histogram_time(field: &Field<'_>) -> Result<i64, Malformed> {
    let (mut time_ms, mut reader) = (0, field.message()?);
    while let Some(field) = reader.next()? {
        if field.number == 15 {
            time_ms = field.signed()?;
        }
    }
    Ok(time_ms)
}

/// One chunk for all plain samples, and one for the time of all native histograms, whose values are not read.
fn chunks(samples: Samples, histograms: Option<(i64, i64)>) -> Vec<RemoteChunk> {
    let ends = samples.times_ms.first().copied().zip(samples.times_ms.last().copied());
    let plain = ends.map(|(min_ms, max_ms)| RemoteChunk { min_ms, max_ms, content: Content::Plain(samples) });
    let content = Content::Encoded { encoding: HISTOGRAM, data: Vec::new() };
    let other = histograms.map(|(min_ms, max_ms)| RemoteChunk { min_ms, max_ms, content });
    plain.into_iter().chain(other).collect()
}
