//! Any bytes as the body of the answer to a remote read, at once and in pieces.
//!
//! The first byte chooses the kind of answer, and whether the rest is taken as it is, or as messages that get a right
//! checksum (streamed) or compression (plain). The second one is the size of the pieces.

#![no_main]

use libfuzzer_sys::fuzz_target;
use under_test::parts::parts;
use under_test::sources::remote_read::{Limits, RemoteSeries, Response};

const STREAMED: &str = "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse";

const LIMITS: Limits = Limits { frame_bytes: 1 << 20, message_bytes: 1 << 20 };

fuzz_target!(|bytes: &[u8]| {
    let [choice, piece, rest @ ..] = bytes else { return };
    let (is_streamed, is_sealed) = (choice & 1 == 1, choice & 2 == 2);
    let body = match (is_sealed, is_streamed) {
        (false, _) => rest.to_vec(),
        (true, true) => parts(rest).flat_map(frame).collect(),
        (true, false) => snap::raw::Encoder::new().compress_vec(rest).expect("a short message"),
    };
    let whole = read(is_streamed, &body, body.len());
    let pieces = read(is_streamed, &body, usize::from(*piece));
    match (&whole, &pieces) {
        (Ok(whole), Ok(pieces)) => assert_eq!(whole, pieces),
        // A message that the server appends is shorter in the first pieces; its place is the same.
        (Err(whole), Err(pieces)) => assert_eq!(place(whole), place(pieces), "{whole} {pieces}"),
        _ => panic!("at once {whole:?}, in pieces of {piece} bytes {pieces:?}"),
    }
    whole.iter().flatten().for_each(has_samples_in_order);
});

/// A frame with a right checksum.
fn frame(message: &[u8]) -> Vec<u8> {
    let (mut frame, mut length) = (Vec::new(), message.len());
    while length > 127 {
        frame.push(length as u8 | 128);
        length >>= 7;
    }
    frame.push(length as u8);
    frame.extend(crc32c::crc32c(message).to_be_bytes());
    frame.extend(message);
    frame
}

fn read(is_streamed: bool, body: &[u8], piece: usize) -> Result<Vec<RemoteSeries>, String> {
    let mut response = Response::new(is_streamed.then_some(STREAMED), 2, LIMITS).expect("a known content type");
    let mut series = Vec::new();
    for bytes in body.chunks(piece.max(1)) {
        series.extend(response.push(bytes).map_err(|error| error.to_string())?);
    }
    series.extend(response.finish().map_err(|error| error.to_string())?);
    Ok(series)
}

/// The start of an error, which names the place.
fn place(error: &str) -> &str {
    error.split(':').next().unwrap_or_default()
}

fn has_samples_in_order(series: &RemoteSeries) {
    assert!(series.query < 2 && series.labels.windows(2).all(|pair| pair[0].0 < pair[1].0), "{series:?}");
    let all = series.samples(i64::MIN..i64::MAX);
    let Some(first) = series.chunks.first() else { return };
    let range = first.min_ms..first.max_ms;
    let some = series.samples(range.clone());
    for samples in all.iter().chain(&some) {
        assert!(samples.times_ms.windows(2).all(|pair| pair[0] < pair[1]), "times ascend: {samples:?}");
    }
    for error in [all.as_ref().err(), some.as_ref().err()].into_iter().flatten() {
        assert!(error.to_string().contains(&series.to_string()), "an error names the series: {error}");
    }
    if let Ok(some) = &some {
        assert!(some.times_ms.iter().all(|time| range.contains(time)), "{range:?}: {some:?}");
    }
    if let (Ok(all), Ok(some)) = (all, some) {
        let inside: Vec<_> = all.iter().filter(|(time, _)| range.contains(time)).map(bits).collect();
        assert_eq!(inside, some.iter().map(bits).collect::<Vec<_>>(), "a part differs from all");
    }
}

fn bits((time, value): (i64, f64)) -> (i64, u64) {
    (time, value.to_bits())
}
