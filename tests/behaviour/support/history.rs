//! Histories with a step of five minutes, pulled once and scored with different settings.

use std::path::Path;
use std::sync::OnceLock;

use super::server::ONE_BLOCK;
use super::{Asked, DAY, Folder, METRICS, Metrics, Prometheus, Tree, etcd_heatmap, import, oracle};

/// The files of `history/` after a pull, by relative path.
pub(crate) struct History(Tree);

impl History {
    const STEP: i64 = 300;

    /// Pulls the range between two seconds.
    pub(crate) fn pull(prometheus: &Prometheus, start: i64, end: i64) -> Self {
        let folder = Folder::new("pulled");
        Asked { step: Self::STEP, ..Asked::all(prometheus, start, end) }.run("pull", &folder).succeeds();
        Self(folder.tree("audit/history"))
    }

    /// The days of the history, in order.
    pub(crate) fn days(&self) -> Vec<String> {
        self.0.keys().map(|name| name["date=".len()..][..10].to_owned()).collect()
    }

    /// A history with only some of the days.
    pub(crate) fn only(&self, days: &[String]) -> Self {
        let is_kept = |name: &str| days.iter().any(|day| name.starts_with(&format!("date={day}/")));
        Self(self.0.iter().filter(|(name, _)| is_kept(name)).map(|(n, bytes)| (n.clone(), bytes.clone())).collect())
    }

    /// Copies the history to `audit` in a new folder, scores it with these flags, and checks it with the oracle.
    #[track_caller]
    pub(crate) fn is_scored_exactly(&self, flags: &[&str]) -> Folder {
        let folder = Folder::new("scored");
        for (name, bytes) in &self.0 {
            let path = folder.path().join("audit/history").join(name);
            std::fs::create_dir_all(path.parent().expect("it lies in a folder")).expect("a folder of our own");
            std::fs::write(path, bytes).expect("a file of our own");
        }
        etcd_heatmap(&[&["score", "--quiet", &folder.at("audit")], flags].concat()).succeeds();
        agrees_with_the_oracle(&folder, flags);
        folder
    }
}

/// Scores the sample with these flags in `audit` of a new folder, and checks the result with the oracle.
#[track_caller]
pub(crate) fn sample_is_scored_exactly(flags: &[&str]) -> Folder {
    let folder = Folder::new("sample");
    etcd_heatmap(&[&["backfill", "--quiet", "--sample", "--out", &folder.at("audit")], flags].concat()).succeeds();
    agrees_with_the_oracle(&folder, flags);
    folder
}

/// Checks `folder/audit` with the oracle, which takes the same flags as `etcd-heatmap score`.
#[track_caller]
pub(crate) fn agrees_with_the_oracle(folder: &Folder, flags: &[&str]) {
    let step = History::STEP.to_string();
    oracle("score.py", &[&[folder.at("audit").as_str(), "--step", &step], flags].concat());
}

/// 2026-03-28, the day before clocks go forward in Europe; in the southern hemisphere they go back on April 5.
const SPRING: i64 = 1_774_656_000;
/// 2026-10-24, the day before clocks go back in Europe.
const AUTUMN: i64 = 1_792_800_000;

/// Nine days from 2026-03-28.
pub(crate) fn spring() -> &'static History {
    &clock_changes().0
}

/// Two and a half days from 2026-10-24.
pub(crate) fn autumn() -> &'static History {
    &clock_changes().1
}

fn clock_changes() -> &'static (History, History) {
    static SHARED: OnceLock<(History, History)> = OnceLock::new();
    SHARED.get_or_init(|| {
        let (spring_end, autumn_end) = (SPRING + 9 * DAY, AUTUMN + 5 * DAY / 2);
        let folder = Folder::new("clock-changes");
        // Two files, because promtool would create a block for every week in between.
        for (name, start, end) in [("spring.om", SPRING, spring_end), ("autumn.om", AUTUMN, autumn_end)] {
            let file = folder.write(name, ups_and_downs(start, end).text());
            import(Path::new(&file), &folder, &ONE_BLOCK);
        }
        let prometheus = Prometheus::start(folder, |_| String::new());
        (History::pull(&prometheus, SPRING, spring_end), History::pull(&prometheus, AUTUMN, autumn_end))
    })
}

/// Members whose readings change every 20 minutes between healthy, bad and missing. One of them is replaced. Another
/// cluster has one member, which exists for a few hours.
fn ups_and_downs(start: i64, end: i64) -> Metrics {
    let mut metrics = Metrics::every(History::STEP);
    let (replaced, replacing) = (start + 30 * 3600 + 1200, start + 30 * 3600 + 4500);
    let lives = [
        ("c", "m1", start..end),
        ("c", "m2", start..end),
        ("c", "m3", start..replaced),
        ("c", "m4", replacing..end),
        ("d", "m1", start + DAY + 300..start + DAY + 3 * 3600),
    ];
    for (place, (cluster, member, seconds)) in lives.into_iter().enumerate() {
        let labels = format!(r#"cluster="{cluster}",job="etcd",instance="{member}""#);
        for (column, metric) in METRICS.into_iter().enumerate() {
            let (bad, healthy) = bad_and_healthy(metric);
            metrics.recorded(metric, &labels, seconds.clone(), |second| {
                match mix((second / 1200) as u64 * 64 + (place * METRICS.len() + column) as u64) % 50 {
                    0 => f64::NAN,
                    1..=6 => bad,
                    _ => healthy,
                }
            });
        }
    }
    metrics
}

/// A reading that costs points (if the metric has thresholds), and one that costs none.
pub(crate) fn bad_and_healthy(metric: &str) -> (f64, f64) {
    match metric {
        "wal_fsync" => (0.02, 0.001),
        "backend_commit" => (0.03, 0.002),
        "open_fds" => (2000.0, 60.0),
        "leader_changes" => (6.0, 1.0),
        _ => (1e6, 1e6),
    }
}

/// Reproducible pseudo-random numbers (the finalizer of SplitMix64).
pub(crate) fn mix(seed: u64) -> u64 {
    let mut mixed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
