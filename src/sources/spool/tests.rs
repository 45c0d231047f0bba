#![expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]

use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::scratch::Scratch;
use crate::sources::tsdb::block::encode::chunk as bit_by_bit;
use crate::sources::tsdb::block::random::Random;
use crate::sources::tsdb::block::{Samples, SeriesEntry};

fn labels(name: &str, number: u64) -> Labels {
    vec![(Arc::from("__name__"), Arc::from(name)), (Arc::from("n"), Arc::from(number.to_string()))]
}

fn encoded(list: &[(i64, f64)]) -> Vec<u8> {
    let (times, values): (Vec<_>, Vec<_>) = list.iter().copied().unzip();
    let mut bytes = Vec::new();
    encode::chunk(&times, &values, &mut bytes);
    bytes
}

#[test]
fn chunks_have_the_same_bytes_as_those_of_the_encoder_that_writes_single_bits() {
    let mut random = Random(1);
    for _ in 0..5000 {
        let list = random.samples(600);
        assert_eq!(encoded(&list), bit_by_bit(&list));
    }
    for width in [14, 17, 20, 40] {
        let half = 1_i64 << (width - 1);
        for difference in [half - 1, half, half + 1, -half + 1, -half, -half - 1] {
            let list = [(-7, 1.0), (half - 5, 2.0), (half - 5 + half + 2 + difference, 2.0)];
            assert_eq!(encoded(&list), bit_by_bit(&list));
        }
    }
    for list in [&[][..], &[(i64::MIN, 0.0), (i64::MAX, 1.0)], &[(0, f64::from_bits(u64::MAX)), (1, 0.0), (2, 1e-320)]]
    {
        assert_eq!(encoded(list), bit_by_bit(list));
    }
}

fn all(spool: &Spool) -> BTreeMap<String, Samples> {
    let entries = spool
        .series()
        .map(|entry: SeriesEntry| (entry.to_string(), spool.samples(&entry, i64::MIN..i64::MAX).unwrap()));
    entries.collect()
}

#[test]
fn samples_in_any_order_of_series_are_read_again_with_all_bits() {
    let mut random = Random(2);
    for round in 0..40 {
        let mut writer = Spool::create(None).unwrap();
        if round % 2 == 0 {
            // Many small chunks, as with very many series.
            writer.set_most_open(1 + random.below(500) as usize);
        }
        let series: Vec<Vec<(i64, f64)>> = (0..1 + random.below(8)).map(|_| random.samples(600)).collect();
        let numbers: Vec<u32> =
            (0..series.len()).map(|number| writer.series(labels("m", number as u64)).unwrap()).collect();
        let mut positions = vec![0; series.len()];
        let by_series = random.below(2) == 0;
        for index in (0..series.len()).cycle() {
            let left = &series[index][positions[index]..];
            let taken = if by_series { left.len() } else { left.len().min(1 + random.below(3) as usize) };
            for (time, value) in &left[..taken] {
                writer.sample(numbers[index], 1, *time, *value).unwrap();
            }
            positions[index] += taken;
            if series.iter().zip(&positions).all(|(samples, position)| samples.len() == *position) {
                break;
            }
        }
        let spool = writer.finish().unwrap();
        let read = all(&spool);
        for (number, list) in series.iter().enumerate() {
            let (times_ms, values) = list.iter().copied().unzip();
            assert_eq!(read[&format!("m{{n=\"{number}\"}}")], Samples { times_ms, values });
        }
    }
}

#[test]
fn samples_out_of_order_and_twice_are_sorted_and_merged() {
    let mut random = Random(3);
    for round in 0..60 {
        let mut writer = Spool::create(None).unwrap();
        writer.set_most_open(if round % 3 == 0 { 150 } else { usize::MAX });
        let number = writer.series(labels("m", 1)).unwrap();
        let mut times: Vec<i64> = (0..3000).map(|time| time * 10).collect();
        match round % 4 {
            0 => times.reverse(),
            1 => times.rotate_left(random.below(3000) as usize),
            2 => times.extend(times.clone()),
            _ => (0..3000).for_each(|index| times.swap(index, random.below(3000) as usize)),
        }
        for (line, time) in (1..).zip(&times) {
            writer.sample(number, line, *time, *time as f64).unwrap();
        }
        let spool = writer.finish().unwrap();
        let entry = spool.series().next().unwrap();
        let from = random.below(30_000) as i64;
        let read = spool.samples(&entry, from..from + 5000).unwrap();
        let expected: Vec<i64> =
            (0..3000).map(|time| time * 10).filter(|time| (from..from + 5000).contains(time)).collect();
        assert_eq!(read.times_ms, expected);
        assert!(read.iter().all(|(time, value)| time as f64 == value));
        assert!(round % 4 == 3 || entry.chunks.len() <= 60, "{} chunks in round {round}", entry.chunks.len());
    }
}

#[test]
fn another_value_at_the_same_time_is_an_error_that_names_series_and_line() {
    let conflict = |samples: &[(i64, f64)], rest: i64| {
        let mut writer = Spool::create(None).unwrap();
        writer.dump("a.om").unwrap();
        let number = writer.series(labels("m", 1)).unwrap();
        let mut line = 0;
        let mut add = |time, value| {
            line += 1;
            writer.sample(number, line, time, value)
        };
        (0..rest).try_for_each(|time| add(time, 0.0))?;
        samples.iter().try_for_each(|(time, value)| add(*time, *value))?;
        writer.finish().map(|_| ())
    };
    let text = conflict(&[(1, 1.0), (2, 2.0), (2, 3.0)], 0).unwrap_err().to_string();
    assert!(text.contains("a.om line 3: m{n=\"1\"} has two values at 1970-01-01T00:00:00.002Z (2 and 3)"), "{text}");
    let text = conflict(&[(1, 1.0), (3, 0.0), (1, f64::NAN)], 0).unwrap_err().to_string();
    assert!(text.contains("a.om line 3") && text.contains("at 1970-01-01T00:00:00.001Z (1 and NaN)"), "{text}");
    let text = conflict(&[(5, 0.0), (6, 7.0)], 1000).unwrap_err().to_string();
    assert!(
        text.contains("a.om lines 961 to 1002: m{n=\"1\"} has two values at 1970-01-01T00:00:00.006Z (0 and 7)"),
        "{text}"
    );
    conflict(&[(5, 0.0), (999, 0.0), (7, 0.0)], 1000).unwrap();
    let text = conflict(&[(0, 0.0), (1, -0.0)], 0).and(conflict(&[(0, 0.0), (0, -0.0)], 0)).unwrap_err().to_string();
    assert!(text.contains("(0 and -0)"), "{text}");
}

#[test]
fn dumps_of_two_servers_are_not_united() {
    let result = |times: [&[i64]; 2]| {
        let mut writer = Spool::create(None).unwrap();
        for (dump, times) in ["north.om", "south.om"].into_iter().zip(times) {
            writer.dump(dump).unwrap();
            let number = writer.series(labels("m", 1)).unwrap();
            times.iter().try_for_each(|time| writer.sample(number, 1, *time, 0.0))?;
        }
        writer.finish().map(|_| ())
    };
    let text = result([&[10, 25, 40, 55], &[12, 27, 42, 57]]).unwrap_err().to_string();
    assert!(
        text.contains("north.om and south.om have different samples of m{n=\"1\"}: they are of two servers"),
        "{text}"
    );
    // One after the other, the same samples again, and one that lacks some.
    result([&[10, 25, 40], &[55, 70]]).unwrap();
    result([&[10, 25, 40], &[25, 40, 55]]).unwrap();
    result([&[10, 25, 40, 55], &[10, 40, 55, 70]]).unwrap();
}

#[test]
fn dumps_may_repeat_samples_but_not_contradict_each_other() {
    let result = |value: f64| {
        let mut writer = Spool::create(None).unwrap();
        for (dump, offset) in [("a.om", 0), ("b.om", 500)] {
            writer.dump(dump).unwrap();
            let number = writer.series(labels("m", 1)).unwrap();
            for time in offset..offset + 1000 {
                let value = if (dump, time) == ("b.om", 700) { value } else { time as f64 };
                writer.sample(number, (time - offset) as u64 + 1, time, value)?;
            }
        }
        let spool = writer.finish()?;
        let series = spool.series().next().unwrap();
        spool.samples(&series, 0..10_000)
    };
    assert!(result(700.0).unwrap().iter().map(|(time, _)| time).eq(0..1500));
    let text = result(701.0).unwrap_err().to_string();
    assert!(
        text.contains("b.om lines 1 to 480: m{n=\"1\"} has two values at 1970-01-01T00:00:00.700Z (700 and 701)"),
        "{text}"
    );
}

#[test]
fn series_are_sorted_like_those_of_prometheus_and_known_by_their_labels() {
    let mut writer = Spool::create(None).unwrap();
    let one = writer.series(labels("b", 1)).unwrap();
    let other = writer.series(labels("a", 2)).unwrap();
    writer.dump("second").unwrap();
    assert_eq!(writer.series(labels("b", 1)).unwrap(), one);
    assert_eq!(
        writer.series(vec![(Arc::from("Z"), Arc::from("1")), (Arc::from("__name__"), Arc::from("z"))]).unwrap(),
        2
    );
    writer.sample(other, 1, 5, 1.0).unwrap();
    let spool = writer.finish().unwrap();
    let series: Vec<String> = spool.series().map(|entry| entry.to_string()).collect();
    assert_eq!(series, ["z{Z=\"1\"}", "a{n=\"2\"}", "b{n=\"1\"}"]);
    assert_eq!(all(&spool)["a{n=\"2\"}"].times_ms, [5]);
    assert!(all(&spool)["b{n=\"1\"}"].is_empty());
}

#[test]
fn several_threads_can_read_at_once() {
    let mut writer = Spool::create(None).unwrap();
    for number in 0..50 {
        let series = writer.series(labels("m", number)).unwrap();
        (0..1000).for_each(|time| writer.sample(series, 1, time, (number as i64 * time) as f64).unwrap());
    }
    let spool = writer.finish().unwrap();
    let expected = all(&spool);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert!(all(&spool) == expected));
        }
    });
}

#[test]
fn the_file_has_no_name_and_a_missing_folder_is_an_error() {
    let scratch = Scratch::new();
    let mut writer = Spool::create(Some(scratch.path())).unwrap();
    let series = writer.series(labels("m", 1)).unwrap();
    (0..1000).for_each(|time| writer.sample(series, 1, time, 1.0).unwrap());
    assert!(writer.size() > 0);
    let spool = writer.finish().unwrap();
    if cfg!(unix) {
        assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0);
    }
    assert_eq!(all(&spool).len(), 1);
    let text = Spool::create(Some(&scratch.path().join("none"))).unwrap_err().to_string();
    assert!(text.contains("cannot create a temporary file in") && text.contains("TMPDIR"), "{text}");
}
