//! Histories at five minutes that are pulled once and scored many times, in different ways.

use std::path::Path;
use std::sync::OnceLock;

use super::server::ONE_BLOCK;
use super::{Asked, DAY, Folder, METRICS, Metrics, Prometheus, Tree, etcd_heatmap, import, oracle};

/// What `history/` of a pull holds, by its path in there.
pub(crate) struct History(Tree);

impl History {
    const STEP: i64 = 300;

    /// Pulls all that a Prometheus has between two seconds.
    pub(crate) fn pull(prometheus: &Prometheus, start: i64, end: i64) -> Self {
        let folder = Folder::new("pulled");
        Asked { step: Self::STEP, ..Asked::all(prometheus, start, end) }.run("pull", &folder).succeeds();
        Self(folder.tree("audit/history"))
    }

    /// The days of it, in order.
    pub(crate) fn days(&self) -> Vec<String> {
        self.0.keys().map(|name| name["date=".len()..][..10].to_owned()).collect()
    }

    /// Some days of it.
    pub(crate) fn only(&self, days: &[String]) -> Self {
        let is_kept = |name: &str| days.iter().any(|day| name.starts_with(&format!("date={day}/")));
        Self(self.0.iter().filter(|(name, _)| is_kept(name)).map(|(n, bytes)| (n.clone(), bytes.clone())).collect())
    }

    /// Puts it into `folder/audit`, scores it with these flags and lets the oracle recompute all of it.
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

/// The sample, scored with these flags and by the oracle, in `folder/audit`.
#[track_caller]
pub(crate) fn sample_is_scored_exactly(flags: &[&str]) -> Folder {
    let folder = Folder::new("sample");
    etcd_heatmap(&[&["backfill", "--quiet", "--sample", "--out", &folder.at("audit")], flags].concat()).succeeds();
    agrees_with_the_oracle(&folder, flags);
    folder
}

/// Lets the oracle recompute `folder/audit`; it takes the same flags as `etcd-heatmap score`.
#[track_caller]
pub(crate) fn agrees_with_the_oracle(folder: &Folder, flags: &[&str]) {
    let step = History::STEP.to_string();
    oracle("score.py", &[&[folder.at("audit").as_str(), "--step", &step], flags].concat());
}

/// 2026-03-28, the day before the clocks of Europe go forward; those of the south go back on 5 April.
const SPRING: i64 = 1_774_656_000;
/// 2026-10-24, the day before the clocks of Europe go back.
const AUTUMN: i64 = 1_792_800_000;

/// Nine days from 2026-03-28 on.
pub(crate) fn spring() -> &'static History {
    &clock_changes().0
}

/// Two days and a half from 2026-10-24 on.
pub(crate) fn autumn() -> &'static History {
    &clock_changes().1
}

fn clock_changes() -> &'static (History, History) {
    static SHARED: OnceLock<(History, History)> = OnceLock::new();
    SHARED.get_or_init(|| {
        let (spring_end, autumn_end) = (SPRING + 9 * DAY, AUTUMN + 5 * DAY / 2);
        let folder = Folder::new("clock-changes");
        // Two files: promtool would make a block of every week in between.
        for (name, start, end) in [("spring.om", SPRING, spring_end), ("autumn.om", AUTUMN, autumn_end)] {
            let file = folder.write(name, ups_and_downs(start, end).text());
            import(Path::new(&file), &folder, &ONE_BLOCK);
        }
        let prometheus = Prometheus::start(folder, |_| String::new());
        (History::pull(&prometheus, SPRING, spring_end), History::pull(&prometheus, AUTUMN, autumn_end))
    })
}

/// Members whose readings change every 20 minutes between healthy, bad and unknown; one of them is replaced, and the
/// one of another cluster lives for a few hours only.
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

/// A reading that costs points, where there is one, and one that costs none.
pub(crate) fn bad_and_healthy(metric: &str) -> (f64, f64) {
    match metric {
        "wal_fsync" => (0.02, 0.001),
        "backend_commit" => (0.03, 0.002),
        "open_fds" => (2000.0, 60.0),
        "leader_changes" => (6.0, 1.0),
        _ => (1e6, 1e6),
    }
}

/// Numbers without a pattern, the same in every run (the finaliser of SplitMix64).
pub(crate) fn mix(seed: u64) -> u64 {
    let mut mixed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
