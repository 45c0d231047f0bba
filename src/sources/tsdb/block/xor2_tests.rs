#![expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]

use super::super::encode_xor2::{Started, chunk};
use super::super::random::Random;
use super::*;

fn decode(data: &[u8]) -> Result<Samples, Problem> {
    let mut samples = Samples::default();
    Decoder::default().decode(data, &mut samples).map(|()| samples)
}

fn expected(list: &[Started]) -> Samples {
    let (times_ms, values) = list.iter().map(|sample| (sample.time, sample.value)).unzip();
    Samples { times_ms, values }
}

/// Samples without start timestamps.
fn unstarted(list: &[(i64, f64)]) -> Vec<Started> {
    list.iter().map(|(time, value)| Started { start: 0, time: *time, value: *value }).collect()
}

/// Samples with every width of times, values and start timestamps.
fn random_samples(random: &mut Random) -> Vec<Started> {
    let (kind, shape, starts) = (random.below(7), random.below(7), random.below(6));
    let (mut time, mut value) = (random.next() as i64 >> (1 + random.below(60)), 0.0_f64);
    let mut start = if random.below(2) == 0 { 0 } else { time.wrapping_sub(random.below(100_000) as i64) };
    let mut list = Vec::new();
    for _ in 0..random.below(400) {
        let gap = match kind {
            0 => 15_000,
            1 => 15_000 + random.below(20),
            2 => 1 + random.below(9_000),
            3 => 1 + random.below(1_100_000),
            4 => 1 + random.below(4_000_000),
            5 => [15_000, 15_000, 15_001, 60_000][random.below(4) as usize],
            _ => 1 + (random.next() >> (20 + random.below(44))),
        };
        let Some(next) = time.checked_add_unsigned(gap) else { break };
        let before = std::mem::replace(&mut time, next);
        value = match shape {
            0 => value,
            1 => value + random.below(9) as f64,
            2 => f64::from_bits(random.next()),
            3 => f64::from_bits(value.to_bits() ^ random.next() >> random.below(64) << random.below(64)),
            4 => [f64::NAN, f64::INFINITY, -0.0, 0.0, STALE][random.below(5) as usize],
            5 if random.below(3) == 0 => STALE,
            // A counter that is reset.
            5 => random.below(40) as f64,
            _ => random.next() as f64 * 1e-19,
        };
        start = match starts {
            0 | 1 => start,
            2 if random.below(50) == 0 => time.wrapping_sub(random.below(20_000) as i64),
            2 => start,
            3 => before,
            4 => before.wrapping_sub(random.below(300) as i64),
            _ => before.wrapping_sub((random.next() as i64) >> random.below(64)),
        };
        list.push(Started { start, time, value });
    }
    list
}

#[test]
fn samples_of_every_width_are_decoded() {
    let mut random = Random(1);
    let mut decoded = 0;
    for _ in 0..20_000 {
        let list = random_samples(&mut random);
        assert_eq!(decode(&chunk(&list)), Ok(expected(&list)), "{list:?}");
        decoded += list.len();
    }
    println!("{decoded} samples");
}

#[test]
fn the_ends_of_each_width_are_decoded() {
    for width in [13, 20, 40] {
        let half = 1_i64 << (width - 1);
        for difference in [half - 1, half, half + 1, -half + 1, -half, -half - 1] {
            let delta = half + 2;
            for value in [2.0, 3.0, STALE] {
                let list = [(-7, 1.0), (-7 + delta, 2.0), (-7 + 2 * delta + difference, value)];
                assert_eq!(decode(&chunk(&unstarted(&list))), Ok(expected(&unstarted(&list))));
            }
        }
    }
}

#[test]
fn a_value_after_stale_markers_refers_to_the_last_value_before_them() {
    for stale in 0..16_u32 {
        let value = |step: u32| if stale >> (step % 4) & 1 == 1 { STALE } else { f64::from(step * step) };
        for jitter in [0, 1, 5000, 600_000, 1 << 40] {
            let list: Vec<_> = (0..40)
                .map(|step| (i64::from(step) * (1 << 41) + i64::from(step / 2 % 2) * jitter, value(step)))
                .collect();
            let decoded = decode(&chunk(&unstarted(&list)));
            assert_eq!(decoded, Ok(expected(&unstarted(&list))));
        }
    }
}

#[test]
fn a_chunk_that_ends_early_or_goes_back_is_an_error() {
    let mut random = Random(2);
    for _ in 0..200 {
        let list = random_samples(&mut random);
        let data = chunk(&list);
        for end in 0..data.len() {
            assert!(decode(&data[..end]).is_err(), "{end} of {}", data.len());
        }
    }
    for times in [&[5, 5][..], &[5, 6, 4], &[5, 6, 6]] {
        let list: Vec<_> = times.iter().map(|time| (*time, 0.0)).collect();
        assert_eq!(decode(&chunk(&unstarted(&list))).err(), Some(ORDER));
    }
    // 110, 31 leading zeroes and 63 significant bits.
    assert_eq!(decode(&[0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xdf, 0xff, 0xff]).err(), Some(WINDOW));
    assert_eq!(decode(&[0, 0, 0]), Ok(Samples::default()));
}

#[test]
fn random_bytes_never_panic() {
    let mut random = Random(3);
    let mut decoder = Decoder::default();
    for _ in 0..200_000 {
        let mut data: Vec<u8> = (0..random.below(60)).map(|_| random.next() as u8).collect();
        // A small count is more often valid.
        data.iter_mut().take(1).for_each(|byte| *byte = 0);
        let _ = decoder.decode(&data, &mut Samples::default());
    }
}

/// A line of hexadecimal bytes and of samples: start, time and bits of the value.
fn vector(line: &str) -> (Vec<u8>, Vec<Started>) {
    let (bytes, samples) = line.split_once(' ').unwrap();
    let byte = |at: usize| u8::from_str_radix(&bytes[at..at + 2], 16).unwrap();
    let sample = |text: &str| {
        let (start, rest) = text.split_once(',').unwrap();
        let (time, value) = rest.split_once(',').unwrap();
        let value = f64::from_bits(u64::from_str_radix(value, 16).unwrap());
        Started { start: start.parse().unwrap(), time: time.parse().unwrap(), value }
    };
    ((0..bytes.len()).step_by(2).map(byte).collect(), samples.split(' ').map(sample).collect())
}

#[test]
fn chunks_are_those_of_prometheus() {
    // Each line is a chunk of Prometheus 3.14.0 (tsdb/chunkenc) and the samples that were appended to it.
    let mut long = 0;
    for line in include_str!("xor2_vectors.txt").lines() {
        let (bytes, samples) = vector(line);
        assert_eq!(decode(&bytes), Ok(expected(&samples)), "{line}");
        assert_eq!(chunk(&samples), bytes, "{line}");
        long += usize::from(samples.len() > 128);
    }
    assert!(long > 0);
}
