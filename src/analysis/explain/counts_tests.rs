#![expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]

use super::*;

/// A series with a sample each 10 s.
fn series(labels: &[(&str, &str)], values: &[f64]) -> Sampled {
    let times_ms = (1..=values.len() as i64).map(|step| step * 10_000).collect();
    let labels = labels.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    Sampled { labels, samples: Samples { times_ms, values: values.to_vec() } }
}

fn bucket(target: &str, le: &str, values: &[f64]) -> Sampled {
    series(&[("__name__", "m_bucket"), ("instance", target), ("le", le)], values)
}

fn histogram_of(series: &[Sampled]) -> Histogram {
    match counted(Computes::Quantile(0.99), &series.iter().collect::<Vec<_>>()) {
        Some(Found::Histogram(histogram)) => histogram,
        other => panic!("{other:?}"),
    }
}

const INF: f64 = f64::INFINITY;

/// `increase` of Prometheus without its extrapolation: 9 - 7, plus the 8 and the 5 before the resets.
#[test]
fn what_was_counted_before_a_reset_is_added() {
    assert_eq!(increase(&[7.0, 8.0, 1.0, 5.0, 0.0, 9.0]), (15.0, 2));
    assert_eq!(increase(&[7.0, 7.0]), (0.0, 0));
    // Added one after the other, as Prometheus does: 1e16 hides what is added first.
    assert_eq!(increase(&[1e16, 1.0, 0.5, 3.0]), ((3.0 - 1e16) + 1e16 + 1.0, 2));
    // A NaN is no reset.
    assert_eq!(increase(&[1.0, f64::NAN, 3.0]), (2.0, 0));
}

/// 41 observations: 20 up to 1 ms, 18 up to 2 ms, 3 above it. The 99th percentile is the 40.59th, above 2 ms.
#[test]
fn buckets_have_their_own_observations() {
    let all = [
        bucket("a", "+Inf", &[100.0, 120.0, 141.0]),
        bucket("a", "0.001", &[50.0, 60.0, 70.0]),
        bucket("a", "0.002", &[80.0, 100.0, 118.0]),
        bucket("a", "0.004", &[100.0, 120.0, 141.0]),
        bucket("a", "x", &[1.0, 2.0, 3.0]),
    ];
    let histogram = histogram_of(&all);
    assert_eq!(histogram.buckets, [(0.001, 20.0), (0.002, 18.0), (0.004, 3.0), (INF, 0.0)]);
    assert_eq!((histogram.total, histogram.slow), (41.0, vec![(0.002, 3.0), (0.004, 0.0)]));
    assert_eq!(histogram.span, Span { samples: 3, first_ms: 10_000, last_ms: 30_000 });
    assert_eq!((histogram.targets, histogram.is_uneven), (1, false));
}

#[test]
fn the_lowest_and_the_highest_bucket_have_one_finite_bound() {
    let lowest = [bucket("a", "0.001", &[1.0, 5.0]), bucket("a", "+Inf", &[1.0, 5.0])];
    assert_eq!(histogram_of(&lowest).slow, [(0.001, 0.0)]);
    let highest = [bucket("a", "0.001", &[1.0, 5.0]), bucket("a", "+Inf", &[1.0, 6.0])];
    assert_eq!(histogram_of(&highest).slow, [(0.001, 1.0)]);
    let idle = [bucket("a", "0.001", &[5.0, 5.0]), bucket("a", "+Inf", &[7.0, 7.0])];
    assert_eq!((histogram_of(&idle).total, histogram_of(&idle).slow), (0.0, Vec::new()));
}

#[test]
fn targets_are_added_up_and_equal_bounds_are_one_bucket() {
    let all = [
        bucket("a", "1", &[0.0, 5.0]),
        bucket("a", "+Inf", &[0.0, 6.0]),
        bucket("b", "1.0", &[7.0, 2.0]),
        bucket("b", "+Inf", &[9.0, 4.0]),
    ];
    let histogram = histogram_of(&all);
    assert_eq!(histogram.buckets, [(1.0, 7.0), (INF, 3.0)]);
    assert_eq!((histogram.targets, histogram.span.samples, histogram.is_uneven), (2, 4, false));
    let late = [bucket("a", "1", &[5.0]), bucket("a", "+Inf", &[0.0, 6.0])];
    assert!(histogram_of(&late).is_uneven);
}

#[test]
fn a_counter_moves_at_the_sample_that_differs() {
    let one = series(&[("__name__", "m")], &[3.0, 3.0, 4.0, 4.0, 0.0]);
    let Some(Found::Moves(moves)) = counted(Computes::Changes, &[&one]) else { panic!("no moves") };
    assert_eq!(moves[0].moves, [(30_000, [3.0, 4.0]), (50_000, [4.0, 0.0])]);
    assert_eq!((moves[0].first, moves[0].last, moves[0].series.as_str()), (3.0, 0.0, "m"));
}

#[test]
fn one_sample_is_a_last_value_but_no_increase() {
    let one = series(&[("__name__", "m")], &[3.0]);
    let single = Found::Single(Span { samples: 1, first_ms: 10_000, last_ms: 10_000 });
    for computes in [Computes::Increase, Computes::Changes, Computes::Quantile(0.99)] {
        assert_eq!(counted(computes, &[&one]).unwrap(), single);
    }
    let last = Found::Last(vec![Last { series: "m".to_owned(), at_ms: 10_000, value: 3.0 }]);
    assert_eq!(counted(Computes::Last, &[&one]), Some(last));
    assert_eq!(counted(Computes::Last, &[]), None);
    // Of two replicas, one of which has just begun, the other has an increase.
    let Some(Found::Increases(all)) = counted(Computes::Increase, &[&one, &series(&[], &[1.0, 5.0])]) else {
        panic!("no increases")
    };
    assert_eq!(all.iter().map(|one| one.amount).collect::<Vec<_>>(), [0.0, 4.0]);
}
