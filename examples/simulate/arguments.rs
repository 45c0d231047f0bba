//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use crate::incidents::Setting;
use crate::requests::Request;
use crate::timeline::{DAY, Interval, SECOND, parse_instant};

const INCIDENTS: &str = "\
Incidents (--incident NAME or --incident NAME=key=value,key=value…):
  slow-disk        a member's disk is slow every day between two times: WAL fsync p99 near
                   25 ms, backend commit p99 near 30 ms and, in the middle third, near 60 ms
                     keys: cluster, member, from (14:00), to (17:00), start, hours
  election-storm   the cluster elects a new leader again and again
                     keys: cluster, start, hours (1), changes (9)
  fd-leak          open descriptors rise past 1024 until the member is restarted
                     keys: cluster, member, start, hours, peak (1400)
  member-down      no samples; afterwards counters start again at 0
                     keys: cluster, member, start, hours (4)
  member-replaced  the instance disappears, and later a new one joins
                     keys: cluster, member, start, hours (0.5; until the new one joins)
  late-cluster     no samples before the cluster joins
                     keys: cluster (the last one), start (after a third of the range)
  leader-restart   the leader's process is restarted, which takes less than a minute (on request)
                     keys: cluster, member, start
  leader-slow-disk a leader's disk is slow, and the cluster elects another leader (on request)
                     keys: cluster, member, start, hours (1), changes (1)
  leader-change    one election without a visible cause (on request)
                     keys: cluster, start
  network          the others cannot reach the leader, and elect another one; with several changes,
                   each leader is cut off for a while and all round trips are long (on request)
                     keys: cluster, member, start, hours (1/6), changes (1)
  process-stopped  the leader's process hangs, and goes on afterwards (on request)
                     keys: cluster, member, start, hours (1/12)
  planned-move     an operator moves the leadership (on request)
                     keys: cluster, start
  overload         many more requests, and the cluster elects another leader (on request)
                     keys: cluster, start, hours (1), factor (10; 5 to 20), changes (1)
  quota-full       the database grows to its quota in half of the time and stays there; no election
                   (on request)
                     keys: cluster, start, hours (2)
  follower-restart the process of a member that does not lead is restarted (on request)
                     keys: cluster, member, start
  cluster and member count from 1 (c02 is the same as 2). start is a date or RFC 3339; from and
  to are UTC. The default set has one of each except those on request, as far as they fit. With
  two or more clusters, it leaves one of them healthy.

Labels (--truth): name,cluster,member,start,end,cause. The cause names the metrics that cross
  their thresholds (wal_fsync, backend_commit, open_fds, leader_changes), or is one of:
  elections, election, leaking, no samples, not there yet, restarted, replaced by ADDRESS, network,
  process stopped, moved, overload, filling, quota. Readings made with
  rate(…[5m]), and the end of a series, lag behind by up to five minutes.

Example: a week of three clusters, imported and served
  cargo run --release --example simulate -- --days 7 --out raw.om --truth truth.csv
  promtool tsdb create-blocks-from openmetrics raw.om data
  prometheus --storage.tsdb.path=data --storage.tsdb.retention.time=10y

Example: one cluster, six hours, healthy except for a member that is down for 90 minutes
  cargo run --release --example simulate -- --clusters 1 --days 0.25 --incidents none \\
    --incident member-down=member=2,start=2026-10-01T02:00:00Z,hours=1.5 --out raw.om";

/// Writes realistic raw etcd metrics as OpenMetrics text. The same arguments give the same bytes.
#[derive(Debug, Parser)]
#[command(name = "simulate", after_help = INCIDENTS)]
pub(crate) struct Arguments {
    /// Number of clusters
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=9999), value_name = "N")]
    clusters: u16,

    /// Number of members per cluster
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=100), value_name = "N")]
    members: u16,

    /// Start of the range: a date (midnight UTC) or RFC 3339
    #[arg(long, default_value = "2026-10-01", value_parser = parse_start, value_name = "TIME")]
    start: i64,

    /// Number of days; may be a fraction such as 0.25
    #[arg(long, default_value_t = 7.0, value_parser = parse_days, value_name = "N")]
    days: f64,

    /// Scrape interval
    #[arg(long, value_enum, default_value_t = Scrape::Every30s)]
    scrape: Scrape,

    /// Seed of all random numbers
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,

    /// Output file; standard output if not given
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,

    /// Write the labels of the incidents to this file, as CSV
    #[arg(long, value_name = "FILE")]
    pub(crate) truth: Option<PathBuf>,

    /// Write every leader election and its cause (restart, slow_disk, network, process_stopped, planned_move,
    /// overload, unexplained) to this file, as CSV; with --evidence, also who led before and who leads afterwards
    #[arg(long, value_name = "FILE")]
    pub(crate) elections: Option<PathBuf>,

    /// Also write the metrics that explain leader changes: who leads, peers, proposals, slow applies, memory, calls
    #[arg(long)]
    evidence: bool,

    /// Which incidents to start from
    #[arg(long, value_enum, default_value_t = Incidents::Default)]
    incidents: Incidents,

    /// Add an incident; may be given several times (see below)
    #[arg(long, value_name = "NAME[=KEY=VALUE,…]")]
    pub(crate) incident: Vec<Request>,

    /// Time at which the database size changes its name from etcd_debugging_mvcc_db_total_size_in_bytes
    /// to its present one; everything else stays the same
    #[arg(long, value_parser = parse_instant, value_name = "TIME")]
    pub(crate) debugging_db_size_until: Option<i64>,

    /// The job label of the members
    #[arg(long, default_value = "etcd", value_name = "NAME")]
    pub(crate) job: String,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Scrape {
    #[value(name = "15s")]
    Every15s,
    #[value(name = "30s")]
    Every30s,
    #[value(name = "60s")]
    Every60s,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Incidents {
    Default,
    None,
}

impl Arguments {
    /// The setting to simulate, or why the arguments make none.
    pub(crate) fn setting(&self) -> Result<Setting, String> {
        let scrape = SECOND
            * match self.scrape {
                Scrape::Every15s => 15,
                Scrape::Every30s => 30,
                Scrape::Every60s => 60,
            };
        let length = (self.days * DAY as f64) as i64;
        let length = length - length % scrape;
        if length == 0 {
            return Err(format!("{} days are shorter than one scrape interval", self.days));
        }
        Ok(Setting {
            clusters: usize::from(self.clusters),
            members: usize::from(self.members),
            range: Interval { start: self.start, end: self.start + length },
            scrape,
            seed: self.seed,
            evidence: self.evidence,
        })
    }

    /// Whether the default set of incidents is wanted.
    pub(crate) fn has_defaults(&self) -> bool {
        self.incidents == Incidents::Default
    }
}

/// Years in which timestamps have ten digits.
fn parse_start(text: &str) -> Result<i64, String> {
    let start = parse_instant(text)?;
    let (earliest, latest) = (parse_instant("2002-01-01")?, parse_instant("2200-01-01")?);
    (earliest..latest)
        .contains(&start)
        .then_some(start)
        .ok_or_else(|| "it must be between the years 2002 and 2200".to_owned())
}

fn parse_days(text: &str) -> Result<f64, String> {
    let days: f64 = text.parse().map_err(|_| format!("`{text}` is not a number"))?;
    (days > 0.0 && days <= 10_000.0).then_some(days).ok_or_else(|| "it must be above 0 and at most 10000".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_range_is_whole_scrapes_long() {
        let arguments = Arguments::parse_from(["simulate", "--days", "0.0501", "--scrape", "60s"]);
        assert_eq!(arguments.setting().expect("a range").range.length(), 72 * 60 * SECOND);
        assert!(Arguments::try_parse_from(["simulate", "--days", "0"]).is_err());
        assert!(Arguments::try_parse_from(["simulate", "--start", "1999-01-01"]).is_err());
    }
}
