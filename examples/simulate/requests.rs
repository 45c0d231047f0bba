//! Parses `--incident NAME=key=value,…`, and builds the default set of incidents.

use crate::incidents::{Incident, Kind, Setting};
use crate::timeline::{DAY, HOUR, Interval, MINUTE, parse_instant};

/// The names of all kinds, in the order of the default set.
pub(crate) const NAMES: [&str; 6] =
    ["slow-disk", "election-storm", "fd-leak", "member-down", "member-replaced", "late-cluster"];

/// The names of kinds that happen only on request.
const ON_REQUEST: [&str; 9] = [
    "leader-restart",
    "leader-slow-disk",
    "leader-change",
    "network",
    "process-stopped",
    "planned-move",
    "overload",
    "quota-full",
    "follower-restart",
];

/// A parsed `NAME` or `NAME=key=value,key=value…`; missing keys have defaults.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    name: &'static str,
    options: Vec<(String, String)>,
}

impl std::str::FromStr for Request {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, rest) = text.split_once('=').unwrap_or((text, ""));
        let name = NAMES.into_iter().chain(ON_REQUEST).find(|known| *known == name).ok_or_else(|| {
            format!("unknown incident `{name}`: choose one of {}, {}", NAMES.join(", "), ON_REQUEST.join(", "))
        })?;
        let mut options: Vec<(String, String)> = Vec::new();
        for option in rest.split(',').filter(|option| !option.is_empty()) {
            let (key, value) = option.split_once('=').ok_or_else(|| format!("`{option}` is not key=value"))?;
            let keys = keys(name);
            if !keys.contains(&key) {
                return Err(format!("{name} has no `{key}`; it has {}", keys.join(", ")));
            }
            if options.iter().any(|(known, _)| known == key) {
                return Err(format!("{name} has `{key}` twice"));
            }
            options.push((key.to_owned(), value.to_owned()));
        }
        Ok(Self { name, options })
    }
}

/// The options that a kind of incident has.
fn keys(name: &str) -> &'static [&'static str] {
    match name {
        "slow-disk" => &["cluster", "member", "start", "hours", "from", "to"],
        "election-storm" => &["cluster", "start", "hours", "changes"],
        "fd-leak" => &["cluster", "member", "start", "hours", "peak"],
        "late-cluster" | "leader-change" | "planned-move" => &["cluster", "start"],
        "leader-restart" | "follower-restart" => &["cluster", "member", "start"],
        "leader-slow-disk" | "network" => &["cluster", "member", "start", "hours", "changes"],
        "overload" => &["cluster", "start", "hours", "factor", "changes"],
        "quota-full" => &["cluster", "start", "hours"],
        _ => &["cluster", "member", "start", "hours"],
    }
}

impl Request {
    /// One of the default set: only cluster and member are given.
    fn placed(name: &'static str, cluster: usize, member: Option<usize>) -> Self {
        let mut options = vec![("cluster".to_owned(), (cluster + 1).to_string())];
        if let Some(member) = member {
            options.push(("member".to_owned(), (member + 1).to_string()));
        }
        Self { name, options }
    }

    /// The value of an option, read by `parse`, or its default.
    fn option<T>(&self, key: &str, default: T, parse: impl Fn(&str) -> Option<T>) -> Result<T, String> {
        match self.options.iter().find(|(known, _)| known == key) {
            None => Ok(default),
            Some((_, value)) => parse(value).ok_or_else(|| format!("{}: `{value}` is no value for `{key}`", self.name)),
        }
    }

    /// The incident with defaults filled in, or an error if it does not fit the setting.
    pub(crate) fn resolve(&self, setting: &Setting) -> Result<Incident, String> {
        let last = setting.clusters - 1;
        let default = if self.name == "late-cluster" { last } else { 0 };
        let cluster =
            self.option("cluster", default, |text| ordinal(text.trim_start_matches('c'), setting.clusters))?;
        let member = match self.name {
            "election-storm" | "late-cluster" | "leader-change" | "planned-move" | "overload" | "quota-full" => None,
            _ => Some(self.option("member", 0, |text| ordinal(text, setting.members))?),
        };
        let incident = Incident { kind: self.kind()?, cluster, member, during: self.during(setting)? };
        match incident.misfit(setting) {
            None => Ok(incident),
            Some(reason) => Err(format!("{}: {reason}", self.name)),
        }
    }

    fn kind(&self) -> Result<Kind, String> {
        let changes = |default| self.option("changes", default, |text| text.parse().ok());
        Ok(match self.name {
            "slow-disk" => Kind::SlowDisk {
                hours: Interval {
                    start: self.option("from", 14 * HOUR, time_of_day)?,
                    end: self.option("to", 17 * HOUR, time_of_day)?,
                },
            },
            "election-storm" => Kind::ElectionStorm { changes: changes(9)? },
            "fd-leak" => Kind::FdLeak { peak: self.option("peak", 1400, |text| text.parse().ok())? },
            "member-down" => Kind::MemberDown,
            "late-cluster" => Kind::LateCluster,
            "leader-restart" => Kind::LeaderRestart,
            "leader-slow-disk" => Kind::LeaderSlowDisk { changes: changes(1)? },
            "leader-change" => Kind::LeaderChange,
            "network" => Kind::Network { changes: changes(1)? },
            "process-stopped" => Kind::ProcessStopped,
            "planned-move" => Kind::PlannedMove,
            "overload" => {
                Kind::Overload { factor: self.option("factor", 10, |text| text.parse().ok())?, changes: changes(1)? }
            }
            "quota-full" => Kind::QuotaFull,
            "follower-restart" => Kind::FollowerRestart,
            _ => Kind::MemberReplaced,
        })
    }

    /// When it happens. The defaults are fractions of the range that do not overlap, so that one member can have all
    /// incidents.
    fn during(&self, setting: &Setting) -> Result<Interval, String> {
        let range = setting.range;
        let whole = range.length();
        let (fraction, length) = match self.name {
            "slow-disk" => (0.0, whole),
            "member-down" => (0.15, (4 * HOUR).min(whole / 6)),
            "fd-leak" => (0.35, whole * 2 / 5),
            "election-storm" => (0.5, HOUR),
            "member-replaced" => (0.8, (HOUR / 2).min(whole / 20)),
            "leader-restart" => (0.25, MINUTE),
            "leader-slow-disk" => (0.3, HOUR.min(whole / 6)),
            "leader-change" => (0.7, MINUTE),
            "network" => (0.55, (HOUR / 6).min(whole / 20)),
            "process-stopped" => (0.6, (HOUR / 12).min(whole / 20)),
            "planned-move" => (0.65, MINUTE),
            "overload" => (0.75, HOUR.min(whole / 10)),
            "quota-full" => (0.85, (2 * HOUR).min(whole / 10)),
            "follower-restart" => (0.97, MINUTE),
            _ => (1.0 / 3.0, 0),
        };
        let default = if fraction == 0.0 { range.start } else { range.at(fraction) };
        let start = self.option("start", default, |text| parse_instant(text).ok())?;
        if self.name == "late-cluster" {
            return Ok(Interval { start: range.start, end: start });
        }
        let length = self.option("hours", length - length % MINUTE, |text| {
            let hours: f64 = text.parse().ok()?;
            (hours > 0.0 && hours < 1e6).then_some((hours * HOUR as f64) as i64)
        })?;
        let end = start + length;
        // Without `hours`, a slow disk lasts until the end of the range.
        let end = if self.name == "slow-disk" { end.min(range.end) } else { end };
        Ok(Interval { start, end })
    }
}

/// A number counted from 1, at most `count`, as an index.
fn ordinal(text: &str, count: usize) -> Option<usize> {
    let number: usize = text.parse().ok()?;
    (1..=count).contains(&number).then(|| number - 1)
}

/// Parses `14:00` as milliseconds since midnight; `24:00` is the end of the day.
fn time_of_day(text: &str) -> Option<i64> {
    let (hours, minutes) = text.split_once(':')?;
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    let at = hours * HOUR + minutes * MINUTE;
    ((0..60).contains(&minutes) && (0..=DAY).contains(&at)).then_some(at)
}

/// All incidents: the default set if wanted (those that do not fit are noted in `skipped`), then the requests, each of
/// which must fit.
pub(crate) fn plan(
    setting: &Setting,
    defaults: bool,
    requests: &[Request],
    mut skipped: impl FnMut(String),
) -> Result<Vec<Incident>, String> {
    let mut incidents: Vec<Incident> = Vec::new();
    for request in default_set(setting).into_iter().filter(|_| defaults) {
        match request.map(|request| request.resolve(setting)) {
            Ok(Ok(incident)) => incidents.push(incident),
            Ok(Err(reason)) | Err(reason) => skipped(reason),
        }
    }
    for request in requests {
        let incident = request.resolve(setting)?;
        if let Some(other) = incidents.iter().find(|other| other.excludes(&incident, setting.range)) {
            return Err(format!(
                "{} and {} overlap in cluster {}: move one, or leave the defaults out with --incidents none",
                incident.name(),
                other.name(),
                incident.cluster + 1
            ));
        }
        incidents.push(incident);
    }
    Ok(incidents)
}

/// One incident of each kind. With three or more clusters, the last one joins late and the one before it is healthy.
/// With two, the second is healthy. The others share the incidents.
fn default_set(setting: &Setting) -> Vec<Result<Request, String>> {
    let sick = setting.clusters.saturating_sub(2).max(1);
    let member = |n: usize| Some(n.min(setting.members - 1));
    NAMES
        .into_iter()
        .enumerate()
        .map(|(n, name)| match name {
            "late-cluster" if setting.clusters < 3 => {
                Err("late-cluster: the default set includes it only with three or more clusters".to_owned())
            }
            "late-cluster" => Ok(Request::placed(name, setting.clusters - 1, None)),
            "election-storm" => Ok(Request::placed(name, n % sick, None)),
            "slow-disk" => Ok(Request::placed(name, n % sick, member(0))),
            "fd-leak" => Ok(Request::placed(name, n % sick, member(1))),
            _ => Ok(Request::placed(name, n % sick, member(2))),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(clusters: usize, members: usize, hours: i64) -> Setting {
        let start = parse_instant("2026-10-01").expect("an instant");
        Setting {
            clusters,
            members,
            range: Interval { start, end: start + hours * HOUR },
            scrape: MINUTE,
            seed: 1,
            evidence: false,
        }
    }

    #[test]
    fn the_default_set_fits_every_setting_and_leaves_a_healthy_cluster() {
        for clusters in 1..9 {
            for members in 1..6 {
                for hours in [1, 6, 24, 72, 168, 2160] {
                    let setting = setting(clusters, members, hours);
                    let incidents = plan(&setting, true, &[], |_| ()).expect("they fit");
                    for (n, incident) in incidents.iter().enumerate() {
                        let excluded = incidents[..n].iter().find(|other| other.excludes(incident, setting.range));
                        assert!(excluded.is_none(), "{setting:?} {incident:?} {excluded:?}");
                    }
                    let healthy = (0..clusters).any(|cluster| incidents.iter().all(|i| i.cluster != cluster));
                    assert!(clusters == 1 || healthy, "{setting:?}");
                }
            }
        }
    }

    #[test]
    fn a_week_of_three_clusters_has_all_kinds() {
        let mut skipped = Vec::new();
        let incidents = plan(&setting(3, 3, 168), true, &[], |note| skipped.push(note)).expect("they fit");
        let names: Vec<&str> = incidents.iter().map(Incident::name).collect();
        assert_eq!(names, NAMES);
        assert!(skipped.is_empty(), "{skipped:?}");
    }

    #[test]
    fn a_wrong_request_is_refused_with_the_reason() {
        let refused = |text: &str| {
            let resolved = text.parse::<Request>().and_then(|request| request.resolve(&setting(2, 3, 72)));
            resolved.expect_err(text)
        };
        assert!(refused("earthquake").contains("slow-disk"));
        assert!(refused("slow-disk=peak=3").contains("has no `peak`"));
        assert!(refused("fd-leak=cluster=c03").contains("no value for `cluster`"));
        assert!(refused("fd-leak=member=0").contains("no value for `member`"));
        assert!(refused("member-down=start=2026-11-01").contains("inside the range"));
        assert!(refused("election-storm=changes=1000").contains("scrapes"));
        assert!(refused("slow-disk=from=17:00,to=14:00").contains("half an hour"));
    }

    #[test]
    fn a_request_is_parsed_with_all_its_options() {
        let request: Request = "slow-disk=cluster=c02,member=3,from=09:30,to=24:00".parse().expect("a request");
        let incident = request.resolve(&setting(2, 3, 72)).expect("it fits");
        assert_eq!((incident.cluster, incident.member), (1, Some(2)));
        assert_eq!(incident.slow_hours().len(), 3);
        assert_eq!(incident.slow_hours()[0].length(), 14 * HOUR + HOUR / 2);
    }

    #[test]
    fn overlapping_incidents_are_refused() {
        let clash = ["late-cluster=cluster=1", "election-storm=start=2026-10-01"];
        let requests = clash.map(|text| text.parse().expect("a request"));
        let error = plan(&setting(2, 3, 72), false, &requests, |_| ()).expect_err("they meet");
        assert!(error.contains("overlap in cluster 1"), "{error}");
    }
}
