//! The simulated history that several tests share, in one Prometheus.

use std::path::Path;
use std::sync::OnceLock;

use super::program::example;
use super::server::ONE_BLOCK;
use super::{DAY, Folder, Prometheus, START, import};

/// Three clusters of three members over three days, scraped once a minute, with all default incidents.
pub(crate) struct Simulated {
    pub(crate) prometheus: Prometheus,
    /// The file with its samples as OpenMetrics text.
    pub(crate) file: String,
}

impl Simulated {
    pub(crate) const END: i64 = START + 3 * DAY;
    /// The arguments of the simulator; the same arguments give the same labels.
    pub(crate) const ARGUMENTS: [&str; 12] =
        ["--clusters", "3", "--members", "3", "--days", "3", "--scrape", "60s", "--start", "2026-10-01", "--seed", "7"];

    pub(crate) fn url(&self) -> String {
        self.prometheus.url()
    }
}

pub(crate) fn simulated() -> &'static Simulated {
    static SHARED: OnceLock<Simulated> = OnceLock::new();
    SHARED.get_or_init(|| {
        let folder = Folder::new("simulated");
        let file = folder.at("raw.om");
        example("simulate", &[&Simulated::ARGUMENTS[..], &["--out", &file]].concat()).succeeds();
        import(Path::new(&file), &folder, &ONE_BLOCK);
        Simulated { prometheus: Prometheus::start(folder, |_| String::new()), file }
    })
}
