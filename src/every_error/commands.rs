//! Samples of the errors of `commands`.

use std::io::ErrorKind;

use super::sources::{too_many_samples, unreachable_server};
use super::{START_MS, Samples, copied, day, disk, filled, io_error, path, quarter, samples_of, url};
use crate::analysis::gate::{Demand, Gate, Shortfall};
use crate::analysis::membership::{Shortage, Staffing};
use crate::commands::{
    AnonymizeError, CommandError, DiffError, Failed, MergeError, SeveralError, ShowError, Signal, StdoutError, finished,
};
use crate::heatmap::{Cell, Line};
use crate::readings::{PseudonymError, Shard, ShardError};
use crate::spec::{Companion, Metric};
use crate::time::{HOUR_MS, Step, UtcDay, Zone, parse_instant};

pub(super) fn samples() -> Vec<Samples> {
    let mut errors = starting();
    errors.extend(stopped());
    errors.extend(pulling());
    errors.extend(scoring());
    errors.extend(linting());
    errors.extend(textfile());
    let shard = |text, index| Shard::asked(text, index).expect_err("not a shard");
    let shards = vec![shard("17/16", None), shard("index/16", None), shard("index/16", Some("16"))];
    vec![
        samples_of(errors),
        samples_of(stdout()),
        samples_of(show()),
        samples_of(diff()),
        samples_of(merge()),
        samples_of(anonymize()),
        samples_of(several()),
        samples_of(vec![PseudonymError::Short(4), PseudonymError::Same("prod".to_owned(), "staging".to_owned())]),
        samples_of::<ShardError>(shards),
    ]
}

fn merge() -> Vec<MergeError> {
    let shard = |text: &str| -> Shard { text.parse().expect("a shard") };
    let missing = |missing, list: &str| MergeError::Missing { missing, of: 16, list: list.to_owned() };
    vec![
        MergeError::NoShards(path("audit")),
        MergeError::Mixed { folder: path("audit"), one: 8, other: 16 },
        missing(1, "3/16"),
        missing(2, "3/16, 4/16"),
        MergeError::Different {
            shard: shard("3/16"),
            first: shard("1/16"),
            difference: "step 60s instead of 300s".to_owned(),
        },
        MergeError::Incomplete { shard: shard("3/16"), days: "2026-10-02".to_owned() },
        MergeError::OtherSource {
            path: path("audit/history/date=2026-10-02/readings.parquet"),
            difference: "source http://other:9090 instead of http://127.0.0.1:9090".to_owned(),
        },
        MergeError::Damaged {
            path: path("audit/shards/3-of-16/history/date=2026-10-02/readings.parquet"),
            shard: shard("3/16"),
        },
    ]
}

fn several() -> Vec<SeveralError> {
    let failed = |name: &str, lacks: Vec<UtcDay>, is_there| Failed {
        name: name.parse().expect("a name"),
        cause: unreachable_server().to_string(),
        lacks,
        is_there,
    };
    let name = || "us-1".parse().expect("a name");
    vec![
        SeveralError::Setting { name: name(), cause: Box::new(disk::broken_day().into()) },
        SeveralError::Failed { failed: vec![failed("us-1", vec![day()], true)], of: 3, is_joined: true },
        SeveralError::Failed {
            failed: vec![failed("eu-1", Vec::new(), true), failed("us-1", Vec::new(), false)],
            of: 2,
            is_joined: false,
        },
        SeveralError::Stopped { signal: Signal::Interrupt, pulled: 1, of: 3 },
        SeveralError::Lost {
            path: path("audit/history/date=2026-10-02/readings.parquet"),
            name: name(),
            folder: path("audit/sources/us-1"),
        },
    ]
}

fn anonymize() -> Vec<AnonymizeError> {
    vec![
        AnonymizeError::Key { path: path("key.txt"), reason: PseudonymError::Short(4) },
        AnonymizeError::KeyInCopy { path: path("anonymous/key.txt"), out: path("anonymous") },
        AnonymizeError::OtherCopy {
            path: path("anonymous/history/date=2026-10-01/readings.parquet"),
            difference: "source source-b4d724f42491 instead of source-408cfba21fdc".to_owned(),
        },
        AnonymizeError::SameFolder(path("audit")),
        AnonymizeError::Already(path("anonymous")),
    ]
}

fn starting() -> Vec<CommandError> {
    let flag =
        |flag, text: &str| CommandError::Instant { flag, error: parse_instant(text, 0).expect_err("not a time") };
    vec![
        flag("--at", "noon"),
        flag("--since", "1790812800000"),
        CommandError::ImportUrl(crate::sources::prometheus::shown_url("vm:8428").expect_err("no scheme")),
        CommandError::Threads("Resource temporarily unavailable (os error 11)".to_owned()),
        CommandError::NoRetention(url()),
        CommandError::Anonymized(path("anonymous")),
        CommandError::SeveralCounts {
            folder: path("audit"),
            own: path("audit/sources/us-1"),
            cluster: "kube-etcd".to_owned(),
        },
        CommandError::Network {
            path: path("networks/lstm-wal_fsync.safetensors"),
            reason: "trained on a step of 300 s, but the history has 3600 s".to_owned(),
        },
        CommandError::NothingToCompare,
        CommandError::WithoutFlag { flag: "from", needs: "--instant" },
    ]
}

fn stopped() -> Vec<CommandError> {
    let signal = Signal::Interrupt;
    let pulling = |there, asked| CommandError::StoppedPulling { signal, there, asked, out: path("audit") };
    let scoring = |there, asked| CommandError::StoppedScoring { signal, there, asked, folder: path("audit") };
    vec![
        CommandError::StoppedEarly(Signal::Terminate),
        pulling(0, 1),
        pulling(1, 2),
        pulling(12, 90),
        scoring(0, 1),
        scoring(1, 2),
        scoring(12, 90),
        CommandError::StoppedSending { signal, sent: 0 },
        CommandError::StoppedSending { signal, sent: 1 },
        CommandError::StoppedSending { signal, sent: 5000 },
        CommandError::StoppedImporting(signal),
    ]
}

fn partial(failed: usize, asked: usize) -> CommandError {
    let days = [day(), UtcDay::of(START_MS + 4 * 24 * HOUR_MS)];
    CommandError::Partial {
        failed,
        asked,
        days: UtcDay::describe(&days[..failed]),
        cause: Box::new(too_many_samples()),
    }
}

fn pulling() -> Vec<CommandError> {
    let no_day = |asked| CommandError::NoDay { asked, cause: Box::new(unreachable_server()) };
    let not_replaced = |cause| CommandError::NotReplaced { cause: Box::new(cause), out: path("audit") };
    vec![
        CommandError::WouldFail(unreachable_server().to_string()),
        no_day(1),
        no_day(90),
        partial(1, 2),
        partial(2, 90),
        not_replaced(partial(2, 90)),
    ]
}

fn scoring() -> Vec<CommandError> {
    let file = |day: u32| format!("audit/history/date=2026-10-{day:02}/readings.parquet");
    let broken = |count, files| CommandError::BrokenDays { count, files, first: disk::broken_day() };
    let shortfall = |cells: &[Option<f64>]| CommandError::Below(Box::new(shortfall(cells)));
    let no_limits = |metric, limit| CommandError::NoLimits { profile: "openshift".to_owned(), metric, limit };
    vec![
        CommandError::NoMember {
            member: "10.0.1.9:2379".to_owned(),
            cluster: "c01".to_owned(),
            known: "10.0.1.1:2379, 10.0.1.2:2379".to_owned(),
        },
        CommandError::NoCluster { cluster: "kube-ectd".to_owned(), known: "kube-etcd, north".to_owned() },
        CommandError::NoCell {
            cluster: "kube-etcd".to_owned(),
            at: "2027-02-01T14:00:00Z".to_owned(),
            range: quarter(),
        },
        CommandError::NoCellOfSource {
            cluster: "eu-1/kube-etcd".to_owned(),
            at: "2026-10-02T14:00:00Z".to_owned(),
            source_name: "eu-1".parse().expect("a name"),
            last: "2026-10-01T23:54:00Z".to_owned(),
        },
        CommandError::BrokenDay(disk::broken_day()),
        broken(2, file(3)),
        broken(3, [file(3), file(4)].join(", ")),
        CommandError::ScoresOnly { folder: path("elsewhere"), history: Some(path("audit")) },
        CommandError::ScoresOnly { folder: path("elsewhere"), history: None },
        CommandError::NoReadings(Metric::BackendCommit),
        shortfall(&[]),
        shortfall(&[Some(4.0)]),
        shortfall(&[Some(4.0), Some(6.999)]),
        shortfall(&[None]),
        shortfall(&[Some(0.0); 13]),
        CommandError::Below(Box::new(too_few_members())),
        no_limits(Metric::DbSize, Companion::Quota),
    ]
}

/// The shortfall that `--fail-below 7` reports for a cluster whose hours have these means;
/// `None` is an unscored hour.
fn shortfall(means: &[Option<f64>]) -> Shortfall {
    let mut gate = Gate::new(Demand { score: 7.0, min_coverage: 0.5 }, Zone::default());
    let hour = |(hour, mean): (i64, &Option<f64>)| Cell {
        start_ms: START_MS + hour * HOUR_MS,
        worst: mean.map(|_| Metric::WalFsync),
        ..Cell::hour(if mean.is_some() { 12 } else { 0 }, 12, *mean, &[])
    };
    if !means.is_empty() {
        let cells = (0..).zip(means).map(hour).collect();
        gate.add_line(&Line { cluster: "kube-etcd".into(), member: None, cells }, |_| true);
    }
    gate.shortfall().expect("a score below 7, or none")
}

/// The shortfall of a cluster that lost a member, and of one that was never seen.
fn too_few_members() -> Shortfall {
    let mut gate = Gate::new(Demand { score: 7.0, min_coverage: 0.5 }, Zone::default());
    let cells = vec![Cell { start_ms: START_MS, ..Cell::hour(12, 12, Some(10.0), &[]) }];
    gate.add_line(&Line { cluster: "kube-etcd".into(), member: None, cells }, |_| true);
    let shortage = |cluster: &str, left, is_seen| Shortage {
        cluster: cluster.to_owned(),
        range: quarter(),
        staffing: Staffing { left, expected: 3 },
        is_open: true,
        is_seen,
    };
    gate.add_shortages([shortage("kube-etcd", 2, true), shortage("edge", 0, false)]);
    gate.shortfall().expect("fewer members than expected")
}

fn linting() -> Vec<CommandError> {
    let faulty = |faults, bad, files| CommandError::Faulty { faults, bad, files };
    vec![
        CommandError::Unreadable { path: path("scores.om"), reason: io_error(ErrorKind::NotFound) },
        faulty(1, 1, 1),
        faulty(2, 1, 2),
        faulty(1200, 3, 12),
    ]
}

fn textfile() -> Vec<CommandError> {
    let file = || path("/var/lib/node_exporter/etcd_score.prom");
    vec![
        CommandError::EveryWithoutOut,
        CommandError::OnDiskOnly("s3://audits/prod".to_owned()),
        CommandError::WithoutEvery("url"),
        CommandError::Written(file()),
        CommandError::TooSlow(Step::from_millis(60_000).expect("a minute")),
        CommandError::NoSuccess(file()),
        CommandError::Stale { path: file(), seconds: 720, max_age: "5m".to_owned() },
    ]
}

fn stdout() -> Vec<StdoutError> {
    let failed = |kind| finished(Err(io_error(kind))).expect_err("not a closed pipe");
    vec![failed(ErrorKind::StorageFull), failed(ErrorKind::Other)]
}

fn show() -> Vec<ShowError> {
    let last = UtcDay::of(quarter().end_ms - 1);
    vec![
        ShowError::NoManifest(path("audit")),
        ShowError::NoDays { since: UtcDay::of(quarter().end_ms + 7 * 24 * HOUR_MS), first: day(), last },
    ]
}

fn diff() -> Vec<DiffError> {
    let alike = "commands/diff/alike.rs";
    let not_alike = |differs: String, flags: &str| DiffError::NotAlike {
        before: "september".to_owned(),
        after: "october".to_owned(),
        differs,
        remedy: filled(alike, "score one again, such as: etcd-heatmap score {} {}", &["october", flags]),
    };
    let setting = |values: &[&str]| filled(alike, "{what} {of_before} and {of_after}", values);
    let profile = |values: &[&str]| filled(alike, "profile {} and {}", values);
    let zone = setting(&["time zone", "Europe/Berlin", "UTC"]);
    let base = copied(alike, "--profile {base}{without} --weight … --band … (values in the other manifest.json)");
    vec![
        DiffError::NotScored(path("audit")),
        not_alike(zone.clone(), "--time-zone Europe/Berlin"),
        not_alike(profile(&["seed", "etcd-faq"]), "--profile seed"),
        not_alike(
            [profile(&["seed (changed)", "seed"]), zone, setting(&["cells of", "1h", "2h"])].join(", "),
            &format!("{} --time-zone Europe/Berlin --cell 1h", base.replace("{base}{without}", "seed")),
        ),
        DiffError::SameFolder(path("audit")),
        DiffError::NothingThere {
            side: "before",
            at: "2026-10-01T00:00:00Z".to_owned(),
            folder: path("audit"),
            from: "2026-10-01T00:00:00Z".to_owned(),
            to: "2026-12-29T23:00:00Z".to_owned(),
        },
        DiffError::NothingThere {
            side: "after",
            at: "2027-02-01T00:00:00Z".to_owned(),
            folder: path("audit"),
            from: "2026-10-01T00:00:00Z".to_owned(),
            to: "2026-12-29T23:00:00Z".to_owned(),
        },
    ]
}
