use super::super::encode::chunk;
use super::super::random::Random;
use super::*;

fn decode(data: &[u8]) -> Result<Samples, Problem> {
    let mut samples = Samples::default();
    Decoder::default().decode(data, &mut samples).map(|()| samples)
}

fn samples(list: &[(i64, f64)]) -> Samples {
    let (times_ms, values) = list.iter().copied().unzip();
    Samples { times_ms, values }
}

#[test]
fn samples_of_every_width_are_decoded() {
    let mut random = Random(1);
    for _ in 0..20_000 {
        let list = random.samples(300);
        assert_eq!(decode(&chunk(&list)), Ok(samples(&list)));
    }
}

#[test]
fn the_ends_of_each_width_are_decoded() {
    for width in [14, 17, 20, 40] {
        let half = 1_i64 << (width - 1);
        for difference in [half - 1, half, half + 1, -half + 1, -half, -half - 1] {
            let delta = half + 2;
            let list = [(-7, 1.0), (-7 + delta, 2.0), (-7 + 2 * delta + difference, 2.0)];
            assert_eq!(decode(&chunk(&list)), Ok(samples(&list)));
        }
    }
}

#[test]
fn all_64_bits_of_a_value_can_change() {
    let list = [(0, f64::from_bits(0)), (1, f64::from_bits(u64::MAX)), (2, f64::from_bits(0)), (3, f64::from_bits(1))];
    assert_eq!(decode(&chunk(&list)), Ok(samples(&list)));
    assert_eq!(decode(&[0, 0]), Ok(Samples::default()));
}

#[test]
fn a_chunk_that_ends_early_or_goes_back_is_an_error() {
    let mut random = Random(2);
    for _ in 0..200 {
        let list = random.samples(300);
        let data = chunk(&list);
        for end in 0..data.len() {
            assert!(decode(&data[..end]).is_err(), "{end} of {}", data.len());
        }
    }
    assert_eq!(decode(&chunk(&[(5, 0.0), (5, 0.0)])).err(), Some(ORDER));
    assert_eq!(decode(&chunk(&[(5, 0.0), (6, 0.0), (4, 0.0)])).err(), Some(ORDER));
    assert_eq!(decode(&chunk(&[(5, 0.0), (6, 0.0), (6, 0.0)])).err(), Some(ORDER));
    // 31 leading zeroes and 63 significant bits.
    assert_eq!(decode(&[0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0xff, 0xff]).err(), Some(WINDOW));
}

#[test]
fn random_bytes_never_panic() {
    let mut random = Random(3);
    let mut decoder = Decoder::default();
    for _ in 0..200_000 {
        let data: Vec<u8> = (0..random.below(60)).map(|_| random.next() as u8).collect();
        let _ = decoder.decode(&data, &mut Samples::default());
    }
}
