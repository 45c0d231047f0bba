//! Samples of the errors of `time` and `spec`.

use super::{Samples, samples_of};
use crate::spec::{Bands, Caps, Metric, Profile, ProfileError, RuleError, parse_weight};
use crate::time::{CellWidth, Step, TimeError, Zone, parse_instant};

pub(super) fn samples() -> Vec<Samples> {
    vec![samples_of(time()), samples_of(rules()), samples_of(profiles())]
}

fn time() -> Vec<TimeError> {
    let instant = |text: &str| text.to_owned();
    let (start, end) = (instant("2026-10-01T00:00:00Z"), instant("2026-09-30T00:00:00Z"));
    let mut errors = vec![
        parse_instant("yesterday", 0).expect_err("not a time"),
        parse_instant("1790812800000", 0).expect_err("milliseconds"),
        "often".parse::<Step>().expect_err("not a step"),
        "90m".parse::<Step>().expect_err("too long a step"),
        Step::from_millis(2500).expect_err("half a second"),
        "CEST".parse::<Zone>().expect_err("not an IANA name"),
        "45m".parse::<CellWidth>().expect_err("not a width"),
    ];
    let berlin: Zone = "Europe/Berlin".parse().expect("an IANA name");
    errors.push(berlin.parse_instant("2026-03-29T02:30", 0).expect_err("the clocks went forward"));
    let step = Step::from_millis(300_000).expect("five minutes");
    errors.extend([
        TimeError::EmptyRange { start: start.clone(), end },
        TimeError::NoStep { start: instant("2026-10-01T00:01:00Z"), end: instant("2026-10-01T00:04:00Z"), step },
        TimeError::FutureSamples { first: instant("2026-12-29T11:23:05Z") },
        TimeError::FutureRange { start, now: instant("2026-09-29T11:23:05Z") },
    ]);
    errors
}

fn rules() -> Vec<RuleError> {
    let bands = |text: &str| text.parse::<Bands>().expect_err("wrong bands");
    let caps = |text: &str| text.parse::<Caps>().expect_err("wrong caps");
    vec![
        parse_weight("1.5").expect_err("above 1"),
        bands("0.01"),
        bands("0.01:11"),
        bands("-1:0"),
        bands("0.04:0, 0.05:0"),
        bands("80%:5, 9:0"),
        caps("0.1@follower:4"),
        caps("no_leader:10"),
        caps("1:4, 1:3"),
    ]
}

fn profiles() -> Vec<ProfileError> {
    let seed = Profile::seed;
    let rule = |text: &str| parse_weight(text).expect_err("not a weight");
    let many: Vec<String> = (1..900).map(|i| format!("{i}:{:.2}", 10.0 - f64::from(i) / 100.0)).collect();
    let with = |metric, bands: &str| seed().with_bands(metric, bands.parse().expect("bands")).expect_err("refused");
    let odd = seed().with_weights(&[(Metric::WalFsync, 300_001), (Metric::BackendCommit, 199_999)]);
    vec![
        Profile::named("etcd_faq").expect_err("not a profile"),
        Profile::named("strict").expect_err("not a profile"),
        ProfileError::Rule { metric: Metric::WalFsync, error: rule("-0.3") },
        seed().with_weights(&[(Metric::WalFsync, 500_000)]).expect_err("more than 1"),
        seed().with_weight_shares(&[(Metric::WalFsync, 500_000), (Metric::OpenFds, 600_000)]).expect_err("more than 1"),
        odd.and_then(|odd| odd.with_weight_shares(&[(Metric::OpenFds, 123_457)])).expect_err("many decimals"),
        with(Metric::WalFsync, "80%:0"),
        with(Metric::OpenFds, &many.join(",")),
        seed().without(&Metric::ALL).expect_err("nothing left"),
    ]
}
