#![expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]

use std::sync::Arc;

use super::encode::{frame, message, part, samples};
use super::series::Content;
use super::*;
use crate::sources::tsdb::block::Samples;
use crate::sources::tsdb::block::encode::chunk as xor;
use crate::sources::tsdb::block::encode_xor2::{Started, chunk as xor2};

const STREAMED: Option<&str> = Some("application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse");

const ALL: std::ops::Range<i64> = i64::MIN..i64::MAX;

/// A chunk of the encoding with this number.
fn chunk(encoding: u64, times: &[i64]) -> RemoteChunk {
    let value = |time: &i64| *time as f64;
    let list: Vec<_> = times.iter().map(|time| (*time, value(time))).collect();
    let started: Vec<_> = times.iter().map(|time| Started { start: 0, time: *time, value: value(time) }).collect();
    let data = if encoding == 4 { xor2(&started) } else { xor(&list) };
    let content = Content::Encoded { encoding, data };
    RemoteChunk { min_ms: times[0], max_ms: times[times.len() - 1], content }
}

fn series(query: usize, labels: &[(&str, &str)], chunks: Vec<RemoteChunk>) -> RemoteSeries {
    let labels = labels.iter().map(|(name, value)| (Arc::from(*name), Arc::from(*value))).collect();
    RemoteSeries { query, labels, chunks }
}

fn plain(times: &[i64]) -> Samples {
    Samples { times_ms: times.to_vec(), values: times.iter().map(|time| *time as f64).collect() }
}

fn read(content_type: Option<&str>, queries: usize, body: &[u8]) -> Result<Vec<RemoteSeries>, RemoteReadError> {
    let mut response = Response::new(content_type, queries, Limits::default())?;
    let mut series = response.push(body)?;
    series.extend(response.finish()?);
    Ok(series)
}

/// The error of a streamed response to one query.
fn error(body: &[u8]) -> String {
    read(STREAMED, 1, body).unwrap_err().to_string()
}

#[test]
fn frames_with_the_same_labels_in_a_row_are_one_series() {
    let up = [("__name__", "up"), ("job", "etcd")];
    let other = [("__name__", "up"), ("job", "x")];
    let parts = [
        series(0, &up, vec![chunk(1, &[1, 2]), chunk(1, &[3])]),
        series(0, &up, vec![chunk(4, &[4, 5])]),
        series(0, &other, vec![chunk(1, &[1])]),
        series(1, &other, vec![chunk(1, &[7])]),
    ];
    let body: Vec<u8> = parts.iter().flat_map(|series| frame(&part(series))).collect();
    let mut first = parts[0].clone();
    first.chunks.extend(parts[1].chunks.clone());
    let whole = read(STREAMED, 2, &body).unwrap();
    assert_eq!(whole, [first, parts[2].clone(), parts[3].clone()]);
    assert_eq!(whole[0].samples(ALL).unwrap(), plain(&[1, 2, 3, 4, 5]));
    assert_eq!(whole[0].samples(2..5).unwrap(), plain(&[2, 3, 4]));
    assert_eq!(whole[0].to_string(), r#"up{job="etcd"}"#);
    // The texts are shared.
    assert!(Arc::ptr_eq(&whole[0].labels[0].1, &whole[2].labels[0].1));
    for size in 1..40 {
        let mut response = Response::new(STREAMED, 2, Limits::default()).unwrap();
        let mut pieces = Vec::new();
        body.chunks(size).for_each(|bytes| pieces.extend(response.push(bytes).unwrap()));
        assert!(response.is_streamed() && pieces.len() == 2);
        pieces.extend(response.finish().unwrap());
        assert_eq!(pieces, whole);
    }
}

#[test]
fn a_response_of_samples_has_the_same_series() {
    let content = |times| Content::Plain(plain(times));
    let mut all = vec![
        series(0, &[("__name__", "up")], vec![RemoteChunk { min_ms: -1, max_ms: 2, content: content(&[-1, 2]) }]),
        series(2, &[("a", "b")], Vec::new()),
    ];
    let body = samples(3, &all);
    for kind in [Some("application/x-protobuf"), Some("Application/X-Protobuf; charset=x"), None] {
        assert_eq!(read(kind, 3, &body).unwrap(), all);
    }
    assert_eq!(all[0].samples(0..3).unwrap(), plain(&[2]));
    for (queries, words) in [(2, "byte 57: there are more results"), (4, "there are fewer results")] {
        let text = read(None, queries, &body).unwrap_err().to_string();
        assert!(text.contains(words), "{text}");
    }
    // Two native histograms from 5 ms on.
    all[0].chunks.extend([chunk(2, &[5, 6]), chunk(2, &[7, 8])]);
    let mixed = read(None, 3, &samples(3, &all)).unwrap();
    assert_eq!((mixed[0].chunks[1].min_ms, mixed[0].chunks[1].max_ms), (5, 7));
    assert_eq!(mixed[0].samples(0..5).unwrap(), plain(&[2]));
    assert!(mixed[0].samples(0..6).unwrap_err().to_string().contains("has encoding 2 (histogram)"));
}

#[test]
fn encodings_without_plain_samples_are_refused_with_what_to_do() {
    for (encoding, words) in [
        (0, "has encoding 0 (unknown), not plain samples: use the query API"),
        (2, "(histogram), not plain samples: ask for a metric with classic buckets, or use the query API"),
        (3, "encoding 3 (floathistogram)"),
        (5, "encoding 5 (histogramST)"),
        (6, "encoding 6 (floathistogramST)"),
        (257, "encoding 257 (unknown)"),
    ] {
        let chunks = vec![chunk(1, &[1, 2]), chunk(encoding, &[3, 4])];
        let body = frame(&part(&series(0, &[("__name__", "h")], chunks)));
        let series = read(STREAMED, 1, &body).unwrap().remove(0);
        assert_eq!(series.samples(0..3).unwrap(), plain(&[1, 2]));
        let text = series.samples(ALL).unwrap_err().to_string();
        assert!(text.contains(words) && text.starts_with("a chunk of h from 1970-01-01T00:00:00.003Z on"), "{text}");
    }
}

#[test]
fn overlapping_chunks_are_merged_unless_they_contradict_each_other() {
    let mut series = series(0, &[("__name__", "up")], vec![chunk(1, &[1, 3, 5]), chunk(1, &[2, 3]), chunk(1, &[0, 9])]);
    assert_eq!(series.samples(ALL).unwrap(), plain(&[0, 1, 2, 3, 5, 9]));
    assert_eq!(series.samples(2..9).unwrap(), plain(&[2, 3, 5]));
    series
        .chunks
        .push(RemoteChunk { content: Content::Encoded { encoding: 1, data: xor(&[(3, 4.0)]) }, ..chunk(1, &[3]) });
    let text = series.samples(ALL).unwrap_err().to_string();
    assert!(text.contains("of up gives two values at 1970-01-01T00:00:00.003Z (3 and 4)"), "{text}");
    assert_eq!(series.samples(4..9).unwrap(), plain(&[5]));
}

#[test]
fn a_chunk_with_other_samples_than_announced_is_refused() {
    let chunk = RemoteChunk { max_ms: 4, ..chunk(1, &[1, 3, 5]) };
    let text = series(0, &[("__name__", "up")], vec![chunk]).samples(ALL).unwrap_err().to_string();
    assert!(text.contains("up, chunk from 1970-01-01T00:00:00.001Z on: its samples exceed the time"), "{text}");
    let content = Content::Encoded { encoding: 4, data: vec![0, 9, 0] };
    let chunk = RemoteChunk { min_ms: 1, max_ms: 2, content };
    let text = series(0, &[("a", "b")], vec![chunk]).samples(ALL).unwrap_err().to_string();
    assert!(
        text.contains(r#"{a="b"}, chunk from 1970-01-01T00:00:00.001Z on: an XOR2 chunk ends before its last sample"#),
        "{text}"
    );
}

#[test]
fn external_labels_are_removed_by_name_and_value() {
    let mut series = series(0, &[("__name__", "up"), ("cluster", "north"), ("region", "eu")], Vec::new());
    series.remove_labels(&[("cluster", "south"), ("region", "eu")]);
    assert_eq!(series.to_string(), r#"up{cluster="north"}"#);
    assert_eq!((series.label("cluster"), series.label("region")), (Some("north"), None));
}

#[test]
fn a_response_that_ends_inside_a_frame_is_an_error() {
    let body = frame(&part(&series(0, &[("a", "b")], vec![chunk(1, &[1, 2])])));
    let twice = [body.as_slice(), &body].concat();
    for end in 1..body.len() {
        let text = error(&twice[..body.len() + end]);
        let words = format!("remote-read frame 2 at byte {}: the response ends after {end} byte", body.len());
        assert!(text.contains(&words), "{text}");
    }
    assert!(read(STREAMED, 1, b"").unwrap().is_empty());
}

#[test]
fn a_message_of_the_server_instead_of_a_frame_is_shown() {
    let body = frame(&part(&series(0, &[("a", "b")], vec![chunk(1, &[1, 2])])));
    let long = "query timed out in expression evaluation: ü ".repeat(40);
    for text in ["context canceled\n", &long] {
        let whole = [body.as_slice(), text.as_bytes()].concat();
        // The server or the network may also cut the message off.
        for end in body.len() + 5..whole.len() {
            let message = error(&whole[..end]);
            let shown: String = text.trim().chars().take(4).collect();
            let words = format!("frame 2 at byte {}: the server stopped with the message \"{shown}", body.len());
            assert!(message.contains(&words) && message.chars().count() < 330, "{message}");
        }
    }
}

#[test]
fn wrong_frames_are_refused_with_number_and_byte() {
    let right = frame(&message(|_| ()));
    let label =
        |fields: &[(u64, &str)]| message(|label| fields.iter().for_each(|(n, text)| label.bytes(*n, text.as_bytes())));
    let series = |labels: &[Vec<u8>]| message(|series| labels.iter().for_each(|label| series.bytes(1, label)));
    let wrong = |content: Vec<u8>| [right.as_slice(), &frame(&content)].concat();
    let in_series = |content: Vec<u8>| wrong(message(|response| response.bytes(1, &content)));
    let two = [label(&[(1, "a"), (2, "b")]), label(&[(2, "c"), (1, "a")])];
    for (body, words) in [
        ([&right[..], &[0xff; 11]].concat(), "frame 2 at byte 5: the frame has no valid length"),
        (
            [&right[..], &[0xff, 0xff, 0xff, 0xff, 1]].concat(),
            "frame 2 at byte 5 has 536,870,911 bytes, but the limit is 67,108,864 bytes",
        ),
        ([&right[..], &[1, 0, 0, 0, 0, 200]].concat(), "frame 2 at byte 5: the checksum is 00000000, but"),
        (
            wrong(message(|response| response.signed(2, 1))),
            "frame 2 at byte 10: a frame answers a query that was not sent",
        ),
        (wrong(message(|response| response.signed(2, -1))), "a frame answers a query that was not sent"),
        (wrong(message(|response| response.signed(1, 1))), "a field has another type"),
        (wrong(vec![0x0a, 5]), "frame 2 at byte 12: a field is longer than its message"),
        (wrong(vec![0x0a]), "frame 2 at byte 11: an integer is longer"),
        (in_series(series(&[label(&[(2, "b")])])), "frame 2 at byte 12: a label has no name"),
        (in_series(series(&two)), "frame 2 at byte 10: a series has two labels of the same name"),
        (in_series(message(|series| series.bytes(2, &[]))), "frame 2 at byte 12: a chunk has no data"),
        (in_series(message(|series| series.bytes(2, &[0x08, 1, 0x22, 1, 0]))), "a chunk ends before it begins"),
        (in_series(message(|series| series.bytes(1, &[0x0a, 1, 0xff]))), "frame 2 at byte 14: a label is not UTF-8"),
    ] {
        let text = error(&body);
        assert!(text.contains(words), "{text}");
        // The error stays.
        let mut response = Response::new(STREAMED, 1, Limits::default()).unwrap();
        assert_eq!(response.push(&body).unwrap_err().to_string(), text);
        assert_eq!(response.push(&right).unwrap_err().to_string().split(':').next(), text.split(':').next());
        assert_eq!(response.finish().unwrap_err().to_string().split(':').next(), text.split(':').next());
    }
}

#[test]
fn memory_is_limited() {
    let limits = Limits { frame_bytes: 1000, message_bytes: 300 };
    let body = frame(&part(&series(0, &[("a", "b")], vec![chunk(1, &[1, 2]), chunk(1, &[3])])));
    let mut response = Response::new(STREAMED, 1, limits).unwrap();
    response.push(&body).unwrap();
    let text = response.push(&body).unwrap_err().to_string();
    assert!(text.contains(r#"series {a="b"} of the remote-read response needs more than 300 bytes"#), "{text}");
    assert!(response.finish().is_err());
    let mut response = Response::new(None, 1, limits).unwrap();
    response.push(&[0; 300]).unwrap();
    let text = response.push(&[0]).unwrap_err().to_string();
    assert!(text.contains("the compressed body of the remote-read response needs more than 300 bytes"), "{text}");
    assert!(response.push(&[]).is_err() && response.finish().is_err());
    // A block of zeroes that is longer than the limit.
    let body = snap::raw::Encoder::new().compress_vec(&[0; 301]).unwrap();
    let mut response = Response::new(None, 1, limits).unwrap();
    response.push(&body).unwrap();
    assert!(response.finish().unwrap_err().to_string().contains("the decompressed body"));
}

#[test]
fn other_content_types_are_refused() {
    for kind in ["text/html; charset=utf-8", "application/json", "application/x-protobuf; proto=io.prometheus.write.v2"]
    {
        let text = Response::new(Some(kind), 1, Limits::default()).unwrap_err().to_string();
        assert!(text.contains(&format!("content type {kind:?} instead of protobuf")), "{text}");
    }
    let text = read(None, 1, b"").unwrap_err().to_string();
    assert!(text.contains("cannot decompress the remote-read response"), "{text}");
}
