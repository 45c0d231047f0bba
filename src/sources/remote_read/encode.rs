//! An encoder of responses for tests.

use super::protobuf::Writer;
use super::series::{Content, RemoteSeries};

/// A message of fields.
pub(super) fn message(write: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut message = Writer::default();
    write(&mut message);
    message.0
}

fn label(name: &str, value: &str) -> Vec<u8> {
    message(|message| {
        message.bytes(1, name.as_bytes());
        message.bytes(2, value.as_bytes());
    })
}

/// A `ChunkedReadResponse` with one part of a series.
pub(super) fn part(series: &RemoteSeries) -> Vec<u8> {
    let chunked = message(|message| {
        series.labels.iter().for_each(|(name, value)| message.bytes(1, &label(name, value)));
        for chunk in &series.chunks {
            let Content::Encoded { encoding, data } = &chunk.content else { continue };
            message.bytes(
                2,
                &self::message(|message| {
                    message.signed(1, chunk.min_ms);
                    message.signed(2, chunk.max_ms);
                    message.signed(3, *encoding as i64);
                    message.bytes(4, data);
                }),
            );
        }
    });
    message(|message| {
        message.bytes(1, &chunked);
        message.signed(2, series.query as i64);
    })
}

/// A frame of a message.
pub(super) fn frame(content: &[u8]) -> Vec<u8> {
    let mut frame = Writer::default();
    frame.varint(content.len() as u64);
    frame.0.extend(crc32c::crc32c(content).to_be_bytes());
    frame.0.extend(content);
    frame.0
}

/// The body of a response of samples. Each series has its plain samples, and the first millisecond of its other chunks
/// as a native histogram.
pub(super) fn samples(queries: usize, all: &[RemoteSeries]) -> Vec<u8> {
    let message = message(|response| {
        for query in 0..queries {
            let series = all.iter().filter(|series| series.query == query);
            response.bytes(1, &message(|result| series.for_each(|series| result.bytes(1, &time_series(series)))));
        }
    });
    snap::raw::Encoder::new().compress_vec(&message).expect("a short message")
}

fn time_series(series: &RemoteSeries) -> Vec<u8> {
    message(|time_series| {
        series.labels.iter().for_each(|(name, value)| time_series.bytes(1, &label(name, value)));
        for chunk in &series.chunks {
            match &chunk.content {
                Content::Plain(samples) => samples.iter().for_each(|(time_ms, value)| {
                    time_series.bytes(
                        2,
                        &message(|sample| {
                            sample.double(1, value);
                            sample.signed(2, time_ms);
                        }),
                    );
                }),
                Content::Encoded { .. } => {
                    time_series.bytes(4, &message(|histogram| histogram.signed(15, chunk.min_ms)));
                }
            }
        }
    })
}
