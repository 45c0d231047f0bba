use super::made::{ORIGIN, cluster, forecast, limit, trust, unknown};
use super::*;
use crate::analysis::forecast::quota::When;
use crate::analysis::forecast::result::{Limit, Skill};
use crate::time::DAY_MS;

#[test]
fn a_probability_is_never_shown_as_certain() {
    let shown = [0.0, 0.0099, 0.0101, 0.04, 0.606, 0.989, 0.991, 1.0].map(chance);
    assert_eq!(shown, ["under 1 %", "under 1 %", "1 %", "4 %", "61 %", "99 %", "over 99 %", "over 99 %"]);
    assert_eq!([0.0, 0.3, 1.0].map(chance_short), ["< 1 %", "30 %", "> 99 %"]);
}

#[test]
fn latencies_are_told_by_the_bucket_of_their_histogram() {
    let told = |low: f64, high: f64| between(Metric::WalFsync, low, high);
    assert_eq!(told(0.0104, 0.0104), "8 to 16 ms");
    // A reading at a bound belongs to the bucket below it.
    assert_eq!(told(0.008, 0.008), "4 to 8 ms");
    assert_eq!(told(0.0031, 0.0201), "2 to 32 ms");
    assert_eq!(told(0.0003, 0.0004), "at most 1 ms");
    assert_eq!(told(0.6, 1.5), "512 ms to 2.05 s");
    assert_eq!(told(5.0, 9.0), "4.1 s or more");
    // What Prometheus cut off.
    assert_eq!(told(8.192, 8.192), "8.2 s or more");
    assert_eq!(told(8.191, 8.191), "4.1 to 8.2 s");
    assert_eq!(between(Metric::OpenFds, 310.2, 310.2), "311");
    assert_eq!(between(Metric::DbSize, 1_073_741_824.0, 2_147_483_648.0), "1.00 to 2.00 GiB");
}

#[test]
fn likely_clusters_come_first_then_unknown_ones_and_many_quiet_ones_are_folded() {
    let mut made = forecast();
    let names = |of: &[&ClusterForecast]| of.iter().map(|of| of.cluster.clone()).collect::<Vec<_>>();
    assert_eq!(
        (names(&Ordered::of(&made).open), Ordered::of(&made).folded.len()),
        (vec!["c01".to_owned(), "c03".to_owned(), "c02".to_owned()], 0)
    );
    made.clusters
        .extend((10..14).map(|number| cluster(&format!("c{number}"), [0.0, f64::from(number) / 1000.0, 0.09], 9.7)));
    let ordered = Ordered::of(&made);
    assert_eq!(names(&ordered.open), ["c01", "c03"]);
    assert_eq!(names(&ordered.folded), ["c13", "c12", "c11", "c10", "c02"]);
    assert_eq!(ordered.quiet(), 5);
    // Exactly one in ten is not quiet, and of more than twelve that are not quiet the unlikeliest are folded.
    made.clusters =
        (0..13).map(|number| cluster(&format!("c{number:02}"), [0.0, f64::from(number) / 1000.0, 0.1], 9.7)).collect();
    let ordered = Ordered::of(&made);
    assert_eq!((ordered.open.len(), names(&ordered.folded), ordered.quiet()), (12, vec!["c00".to_owned()], 0));
    // All quiet: one is shown.
    made.clusters = (0..7).map(|number| cluster(&format!("c{number}"), [0.0, 0.01, 0.02], 9.7)).collect();
    assert_eq!((Ordered::of(&made).open.len(), Ordered::of(&made).quiet()), (1, 6));
    made.clusters = vec![unknown("c")];
    assert_eq!(Ordered::of(&made).open.len(), 1);
}

#[test]
fn the_headline_is_the_shortest_warning_or_else_six_hours() {
    let hours = |probabilities, warns_from| {
        headline(cluster("c", probabilities, 9.7).outlooks.as_ref().unwrap(), warns_from).hours
    };
    assert_eq!(hours([0.1, 0.2, 0.86], 0.3), 24);
    assert_eq!(hours([0.3, 0.4, 0.86], 0.3), 1);
    assert_eq!(hours([0.1, 0.2, 0.29], 0.3), 6);
}

#[test]
fn the_first_hour_names_a_day_only_where_it_changes() {
    let made = forecast();
    let outlook = detailed(&made.clusters[0], &made).unwrap();
    let text = first_hour(outlook.first.unwrap(), Zone::default());
    assert_eq!(text, "Oct 15 14:00, with 80 % between 13:00 and Oct 16 01:00");
    let berlin: Zone = "Europe/Berlin".parse().unwrap();
    assert_eq!(moment(berlin, ORIGIN), "Oct 15 01:55");
}

#[test]
fn what_is_expected_is_that_of_the_likely_hour() {
    let made = forecast();
    let outlook = detailed(&made.clusters[0], &made).unwrap();
    let metric = metric_of(&made, "c01", outlook.blame.as_ref().unwrap()).unwrap();
    // 10.4 ms and, at 10 % and 90 %, that divided and multiplied by 4^(8/11): 3.8 and 28.5 ms.
    let text = "now 2 to 4 ms, 8 to 16 ms expected at Oct 15 13:55 (80 % interval: 2 to 32 ms)";
    assert_eq!(expected(metric, outlook, made.origin_ms, Zone::default()).unwrap(), text);
}

#[test]
fn limits_are_sorted_by_date_and_the_others_are_counted() {
    let made = forecast();
    let (lines, counts) = limits(&made, Zone::default());
    let says: Vec<&str> = lines.iter().map(|line| line.says.as_str()).collect();
    let expected = [
        "open file descriptors reach their limit on 2026-10-16 (2026-10-15 to 2026-10-19), now 900 of 1024",
        "the database reaches its quota on 2026-10-23 (2026-10-18 at the earliest, perhaps not within 90 days), \
         now 1.61 GiB of 2.00 GiB",
    ];
    assert_eq!(says, expected);
    assert_eq!(counts.sentence().unwrap(), "not within 90 days: 1; unknown, for lack of readings: 1");
    assert_eq!(lines.len() + counts.total(), made.limits.len());
    let all = [
        When::Reached,
        When::Dates { earliest: ORIGIN + DAY_MS, median: None, latest: None },
        When::NotNear,
        When::Unlimited,
        When::NoLimit,
        When::TooShort,
    ];
    let made = Forecast { limits: all.iter().map(|when| limit("m", Limit::Quota, *when)).collect(), ..made };
    let (lines, counts) = limits(&made, Zone::default());
    let says: Vec<&str> = lines.iter().map(|line| line.says.as_str()).collect();
    let expected = [
        "the database has reached its quota, now 1.61 GiB of 2.00 GiB",
        "the database reaches its quota on 2026-10-15 at the earliest, probably not within 90 days, now 1.61 GiB of 2.00 GiB",
    ];
    assert_eq!(says, expected);
    assert_eq!((lines.len(), counts.total()), (2, 4));
    let text = "less than half of it used: 1; no limit set: 1; unknown, for lack of readings: 2";
    assert_eq!(counts.sentence().unwrap(), text);
}

#[test]
fn trust_is_claimed_only_if_the_whole_interval_is_above_the_usual_rate() {
    let with = |low: f64, high: f64| {
        let skill = Skill { value: 0.2, low, high };
        judgment(&crate::analysis::forecast::result::Trust { breach: [None, Some(skill), None], ..trust() })
    };
    let over = "in 412 earlier forecasts over 12 days";
    assert_eq!(
        with(0.01, 0.4),
        format!("Within 6 h, the probabilities were better than the usual rate by 20 % (1 to 40 %), {over}")
    );
    assert_eq!(
        with(0.0, 0.4),
        format!("Within 6 h, the probabilities were not clearly better than the usual rate (20 % (0 to 40 %), {over})")
    );
    assert!(
        with(-0.4, -0.01)
            .starts_with("Within 6 h, the probabilities were worse than the usual rate: do not rely on them")
    );
    let none = crate::analysis::forecast::result::Trust { breach: [None; 3], ..trust() };
    assert_eq!(judgment(&none), format!("Too few red hours to judge the probabilities, {over}"));
    let text = "14 of 17 warnings (from 30 % within 6 h) came true; 2 times a cluster became red without one";
    assert_eq!(warnings(&trust()), text);
    assert_eq!(brier(&trust())[2], ("within 24 h".to_owned(), "0 % (−10 to 10 %)".to_owned()));
    assert_eq!(coverage(&trust())[2][0], "too few to judge");
    assert_eq!(crps(&trust())[1], ("1 to 6 h".to_owned(), "5 % (−5 to 15 %)".to_owned()));
}
