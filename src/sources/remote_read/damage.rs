//! Damaged responses: each gives an error, or all samples as before.

use std::sync::Arc;

use super::encode::{frame, part, samples};
use super::series::Content;
use super::*;
use crate::sources::tsdb::block::Samples;
use crate::sources::tsdb::block::encode::chunk as xor;
use crate::sources::tsdb::block::encode_xor2::{Started, chunk as xor2};
use crate::sources::tsdb::block::random::Random;

const STREAMED: Option<&str> = Some("application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse");

type Read = Result<Vec<(String, Samples)>, RemoteReadError>;

/// Series of two queries, each with some chunks.
fn series(random: &mut Random, plain: bool) -> Vec<RemoteSeries> {
    let mut all = Vec::new();
    for number in 0..8 {
        let label = |(name, value): (&str, String)| (Arc::from(name), Arc::from(value));
        let labels = [("__name__", "up".to_owned()), ("n", number.to_string())].map(label).to_vec();
        let mut time = 1_700_000_000_000;
        let mut chunks = Vec::new();
        for _ in 0..if plain { 1 } else { 1 + random.below(4) } {
            let mut list = Vec::new();
            for _ in 0..1 + random.below(60) {
                time += 15_000 + random.below(3) as i64;
                list.push((time, random.below(100) as f64));
            }
            let (times_ms, values) = list.iter().copied().unzip();
            let started = list.iter().map(|(time, value)| Started { start: 0, time: *time, value: *value });
            let content = match random.below(2) {
                _ if plain => Content::Plain(Samples { times_ms, values }),
                0 => Content::Encoded { encoding: 1, data: xor(&list) },
                _ => Content::Encoded { encoding: 4, data: xor2(&started.collect::<Vec<_>>()) },
            };
            chunks.push(RemoteChunk { min_ms: list[0].0, max_ms: time, content });
        }
        all.push(RemoteSeries { query: number / 4, labels, chunks });
    }
    all
}

fn read(content_type: Option<&str>, body: &[u8], piece: usize) -> Read {
    let mut response = Response::new(content_type, 2, Limits { frame_bytes: 1 << 20, message_bytes: 1 << 20 })?;
    let mut all = Vec::new();
    for bytes in body.chunks(piece) {
        all.extend(response.push(bytes)?);
    }
    all.extend(response.finish()?);
    all.iter().map(|series| Ok((format!("{} {series}", series.query), series.samples(i64::MIN..i64::MAX)?))).collect()
}

/// Changes some bytes.
fn damage(bytes: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(bytes.len() as u64) as usize;
    let end = (at + 1 + random.below(64) as usize).min(bytes.len());
    match random.below(8) {
        0 => bytes.truncate(at),
        1 => bytes[at..end].fill([0, 255][random.below(2) as usize]),
        2 => drop(bytes.drain(at..end)),
        3 => {
            let copy = bytes[at..end].to_vec();
            bytes.splice(at..at, copy);
        }
        4 => bytes[at..end].reverse(),
        5 => bytes[at] = random.next() as u8,
        _ => bytes[at] ^= 1 << random.below(8),
    }
}

#[test]
fn damage_of_a_streamed_response_is_found() {
    let mut random = Random(60);
    let all = series(&mut random, false);
    let frames: Vec<Vec<u8>> = all.iter().map(|series| frame(&part(series))).collect();
    let body = frames.concat();
    let intact = read(STREAMED, &body, 100).expect("an intact response");
    let mut ends = vec![0];
    frames.iter().for_each(|frame| ends.push(ends[ends.len() - 1] + frame.len()));
    let (mut found, mut cut) = (0, 0);
    for _ in 0..5000 {
        let mut damaged = body.clone();
        damage(&mut damaged, &mut random);
        match read(STREAMED, &damaged, 1 + random.below(500) as usize) {
            // A response that ends between frames cannot be told from a whole one; HTTP tells.
            Ok(content) if ends.contains(&damaged.len()) && intact.starts_with(&content) => cut += 1,
            Ok(content) => assert!(content == intact, "{damaged:?}"),
            Err(error) => {
                assert!(error.to_string().starts_with("remote-read frame "), "{error}");
                found += 1;
            }
        }
    }
    println!("{found} of 5000 found, {cut} cut between frames, of {} bytes", body.len());
    assert!(found > 4500, "{found}");
}

#[test]
fn a_damaged_response_of_samples_never_panics() {
    let mut random = Random(61);
    let body = samples(2, &series(&mut random, true));
    let intact = read(None, &body, 100).expect("an intact response");
    let (mut found, mut cuts) = (0, 0);
    for _ in 0..5000 {
        let mut damaged = body.clone();
        damage(&mut damaged, &mut random);
        // Only TCP and TLS protect these bytes: a changed value is a valid response.
        found += u32::from(read(None, &damaged, 1000).is_err());
    }
    for end in 0..body.len() {
        cuts += usize::from(read(None, &body[..end], 1000).is_err());
    }
    println!("{found} of 5000 found, {cuts} of {} cuts, {} series", body.len(), intact.len());
    assert_eq!(cuts, body.len());
}

#[test]
fn damaged_messages_with_a_right_checksum_never_panic() {
    let mut random = Random(62);
    let parts: Vec<Vec<u8>> = series(&mut random, false).iter().map(part).collect();
    let mut refused = 0;
    for _ in 0..20_000 {
        let mut damaged = parts[random.below(8) as usize].clone();
        damage(&mut damaged, &mut random);
        refused += u32::from(read(STREAMED, &frame(&damaged), 10_000).is_err());
    }
    for _ in 0..20_000 {
        let limit = [4, 40, 256][random.below(3) as usize];
        let content: Vec<u8> = (0..random.below(60)).map(|_| random.below(limit) as u8).collect();
        refused += u32::from(read(STREAMED, &frame(&content), 10_000).is_err());
    }
    println!("{refused} of 40000 refused");
}
