//! Runs `etcd-heatmap backfill` or `pull` and checks the result with the oracle.

use super::{Folder, Prometheus, Run, etcd_heatmap, oracle};

/// The settings of a backfill.
#[derive(Clone, Default)]
pub(crate) struct Asked<'a> {
    pub(crate) url: String,
    /// Epoch seconds; the end is exclusive.
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) step: i64,
    pub(crate) selector: Option<&'a str>,
    pub(crate) cluster_label: Option<&'a str>,
    pub(crate) member_label: Option<&'a str>,
    pub(crate) without: Option<&'a str>,
    pub(crate) profile: Option<&'a str>,
    /// Which evidence of causes to pull; by default what findings need.
    pub(crate) evidence: Option<&'a str>,
    /// Metrics that the oracle expects to be pulled from recorded series.
    pub(crate) recorded: Vec<&'a str>,
}

impl Asked<'_> {
    /// The readings between two seconds at one minute.
    pub(crate) fn all(prometheus: &Prometheus, start: i64, end: i64) -> Self {
        Self { url: prometheus.url(), start, end, step: 60, ..Self::default() }
    }

    /// Runs `backfill` or `pull` into `folder/audit`.
    pub(crate) fn run(&self, subcommand: &str, folder: &Folder) -> Run {
        let (start, end, step, out) =
            (self.start.to_string(), self.end.to_string(), format!("{}s", self.step), folder.at("audit"));
        let mut arguments = vec![subcommand, "--quiet", "--url", &self.url, "--out", &out];
        arguments.extend(["--start", &start, "--end", &end, "--step", &step]);
        for (flag, value) in self.flags() {
            arguments.extend([flag, value]);
        }
        etcd_heatmap(&arguments)
    }

    /// Runs `backfill` and checks readings, scores and cells with the oracle.
    #[track_caller]
    pub(crate) fn is_answered_exactly(&self, folder: &Folder) {
        self.run("backfill", folder).succeeds();
        self.agrees_with_the_oracle(&folder.at("audit"));
    }

    #[track_caller]
    pub(crate) fn agrees_with_the_oracle(&self, out: &str) {
        let (start, end, step) = (self.start.to_string(), self.end.to_string(), self.step.to_string());
        let mut arguments = vec![self.url.as_str(), out, "--start", &start, "--end", &end, "--step", &step];
        for (flag, value) in self.flags() {
            arguments.extend([flag, value]);
        }
        for metric in &self.recorded {
            arguments.extend(["--recorded", metric]);
        }
        oracle("history.py", &arguments);
        let mut arguments = vec![out, "--step", &step];
        for (flag, value) in [("--without", self.without), ("--profile", self.profile)] {
            arguments.extend(value.map(|value| [flag, value]).into_iter().flatten());
        }
        oracle("score.py", &arguments);
    }

    pub(crate) fn flags(&self) -> impl Iterator<Item = (&str, &str)> {
        let flags = [
            ("--selector", self.selector),
            ("--cluster-label", self.cluster_label),
            ("--member-label", self.member_label),
            ("--without", self.without),
            ("--profile", self.profile),
            ("--evidence", self.evidence),
        ];
        flags.into_iter().filter_map(|(flag, value)| Some((flag, value?)))
    }
}
