//! Any bytes as a chunk of samples: the first one chooses the encoding.

#![no_main]

use libfuzzer_sys::fuzz_target;
use under_test::sources::chunks::{Chunks, spooled, xor, xor2};
use under_test::sources::tsdb::block::Samples;

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, data)) = bytes.split_first() else { return };
    let mut chunks = Chunks::default();
    let decoded = chunks.decode(choice & 1 == 1, data);
    assert_eq!(decoded, chunks.decode(choice & 1 == 1, data), "decoded twice");
    let Ok(samples) = decoded else { return };
    assert_eq!(samples.len(), usize::from(u16::from_be_bytes([data[0], data[1]])));
    assert_eq!(samples.len(), samples.values.len());
    assert!(samples.times_ms.windows(2).all(|pair| pair[0] < pair[1]), "times ascend: {samples:?}");
    comes_back(&mut chunks, &samples, i64::from(*choice));
});

/// What encoders make of the samples is decoded to the same.
fn comes_back(chunks: &mut Chunks, samples: &Samples, seed: i64) {
    let encoded = spooled(samples);
    assert_eq!(chunks.decode(false, &encoded).as_ref(), Ok(samples), "XOR of the spool");
    assert_eq!(encoded, xor(samples), "the encoders differ");
    let first = samples.times_ms.first().copied().unwrap_or_default();
    for starts in [&[0][..], &[first.wrapping_sub(seed)], &[0, seed, seed << 20, first, i64::MIN, 5]] {
        let encoded = xor2(samples, starts);
        assert_eq!(chunks.decode(true, &encoded).as_ref(), Ok(samples), "XOR2 with starts {starts:?}");
    }
}
