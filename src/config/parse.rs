//! Parses the texts of settings. A text has the same form in a flag, a variable and a file.
//!
//! Errors are the end of a message that begins with the flag, the variable, or the file and line.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use crate::analysis::membership::ExpectedMembers;
use crate::outputs::{ExtraLabels, Family, Retention};
use crate::sources::prometheus::shown_url;
use crate::sources::tsdb::directory::{NoReplica, Replica};
use crate::spec::{Bands, Metric, Profile, ProfileError, RuleError, parse_weight};
use crate::text::characters::CharKind;
use crate::time::{Step, TimeError, parse_instant};

/// Drops the parsed value, because a check returns only the error.
pub(super) fn ok<T, E: Display>(read: Result<T, E>) -> Result<(), String> {
    read.map(|_| ()).map_err(|e| e.to_string())
}

/// Parses values separated by commas. An empty text gives an empty list.
pub(super) fn list<T: FromStr>(text: &str) -> Result<Vec<T>, T::Err> {
    parts(text, ',').map(str::parse).collect()
}

/// The longest name of a tenant that Mimir takes.
const LONGEST_TENANT: usize = 150;

/// Reads the tenants of `--tenant`, such as `team-a,team-b`, with the characters that Mimir allows.
pub(super) fn tenants(text: &str) -> Result<Vec<String>, String> {
    let mut tenants: Vec<String> = Vec::new();
    for tenant in items(text) {
        if tenant.contains('|') {
            let shown = tenant.escape_debug();
            return Err(format!(
                "'{shown}' is several tenants in one: put commas between them, or use --header 'X-Scope-OrgID: {shown}' to read \
                 them as one source"
            ));
        }
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || "!-_.*'()".contains(c);
        if tenant.is_empty() || tenant.len() > LONGEST_TENANT || !tenant.chars().all(is_allowed) {
            return Err(format!(
                "'{}' is not the name of a tenant: use up to {LONGEST_TENANT} letters, digits, or characters of !-_.*'()",
                tenant.escape_debug()
            ));
        }
        if tenants.iter().any(|other| other == tenant) {
            return Err(format!("'{tenant}' is listed twice: name each tenant once"));
        }
        tenants.push(tenant.to_owned());
    }
    Ok(tenants)
}

/// Names of profiles, separated by commas.
pub(super) fn profile_list(text: &str) -> Result<Vec<Profile>, ProfileError> {
    parts(text, ',').map(Profile::named).collect()
}

/// The texts between commas, trimmed.
pub(super) fn items(text: &str) -> impl Iterator<Item = &str> {
    parts(text, ',')
}

fn parts(text: &str, separator: char) -> impl Iterator<Item = &str> {
    // `split` gives one empty part for an empty text.
    text.split(separator).map(str::trim).filter(move |_| !text.trim().is_empty())
}

/// Reads a list such as `wal_fsync=0.5,db_size=0.1`. The returned weights are in millionths.
pub(super) fn weight_list(text: &str) -> Result<Vec<(Metric, u64)>, String> {
    let weight = |part| {
        let (metric, weight) = of_metric(part, "wal_fsync=0.5")?;
        Ok((metric, parse_weight(weight).map_err(|e| e.to_string())?))
    };
    parts(text, ',').map(weight).collect()
}

/// Reads the bands of several metrics, such as `wal_fsync=0.02:5,0.05:0;db_size=80%:0`.
pub(super) fn band_list(text: &str) -> Result<Vec<(Metric, Bands)>, String> {
    let bands = |part| {
        let (metric, bands) = of_metric(part, "wal_fsync=0.02:5,0.05:0")?;
        Ok((metric, bands.parse().map_err(|e: RuleError| e.to_string())?))
    };
    parts(text, ';').map(bands).collect()
}

fn of_metric<'a>(text: &'a str, example: &str) -> Result<(Metric, &'a str), String> {
    let (metric, value) =
        text.split_once('=').ok_or_else(|| format!("'{text}' has no '=': write it like {example}"))?;
    Ok((metric.trim().parse()?, value))
}

/// The replica to read; `None` for an empty text.
pub(super) fn replica(text: &str) -> Result<Option<Replica>, NoReplica> {
    if text.is_empty() { Ok(None) } else { text.parse().map(Some) }
}

/// Reads a number from 0 to 1.
pub(super) fn share(text: &str) -> Result<f64, String> {
    match text.trim().parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err(format!("invalid share '{text}': use a number from 0 to 1, such as 0.5")),
    }
}

/// The score of `--fail-below`; `None` for 0, because no cell is below 0.
pub(super) fn lowest_score(text: &str) -> Result<Option<f64>, String> {
    match text.trim().parse() {
        Ok(score) if (0.0..=10.0).contains(&score) => Ok(Some(score).filter(|score| *score > 0.0)),
        _ => Err(format!("invalid score '{text}': use a number from 0 to 10, such as 7")),
    }
}

/// The members of `--expect-members`, such as `3` or `3,edge=1`.
pub(super) fn expected_members(text: &str) -> Result<ExpectedMembers, String> {
    ExpectedMembers::parse(parts(text, ','))
}

/// Checks label matchers. They must fit on one line, because a rule file has each query on one line.
pub(super) fn selector(text: &str) -> Result<(), String> {
    match text
        .chars()
        .any(|c| matches!(CharKind::of(c), CharKind::Control | CharKind::LineSeparator) || c == '\u{feff}')
    {
        true => Err("the matchers have a line break or control character: write them on one line".to_owned()),
        false => Ok(()),
    }
}

pub(super) fn concurrency(text: &str) -> Result<u16, String> {
    match text.trim().parse() {
        Ok(queries) if (1..=64).contains(&queries) => Ok(queries),
        _ => Err(format!("invalid number of queries '{text}': use 1 to 64")),
    }
}

/// Reads a limit of queries per second; 0 becomes `None`, no limit.
pub(super) fn queries_a_second(text: &str) -> Result<Option<f64>, String> {
    match text.trim().parse() {
        Ok(0.0) => Ok(None),
        Ok(queries) if (0.001..=10_000.0).contains(&queries) => Ok(Some(queries)),
        _ => {
            Err(format!("'{text}' is not a number of queries per second: use one such as 2 or 0.5, or 0 for no limit"))
        }
    }
}

pub(super) fn retries(text: &str) -> Result<u32, String> {
    match text.trim().parse() {
        Ok(times) if times <= 100 => Ok(times),
        _ => Err(format!("invalid number of retries '{text}': use 0 to 100")),
    }
}

/// Reads `--timeout`, the time limit for a whole response.
pub(super) fn patience(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text.trim()) {
        Ok(time) if (1..=3600).contains(&time.as_secs()) => Ok(time),
        _ => Err(format!("invalid time limit '{text}': use 1s to 1h, such as 5m")),
    }
}

/// Parses the value of `--rate-window`: whole seconds, 1 minute to 1 hour.
pub(super) fn rate_window(text: &str) -> Result<Step, String> {
    let window = text.parse::<Step>().ok().filter(|window| window.seconds() >= 60);
    window.ok_or_else(|| format!("'{text}' is not a window of rates: use whole seconds from 1m to 1h, such as 15m"))
}

/// Reads `--every`, the interval between evaluations. An empty text becomes `None`: evaluate only once.
pub(super) fn every(text: &str) -> Result<Option<Step>, TimeError> {
    if text.is_empty() { Ok(None) } else { text.parse().map(Some) }
}

/// Reads `--query-offset`: how far in the past to evaluate.
pub(super) fn offset(text: &str) -> Result<Duration, String> {
    whole_seconds(text, 0..=3600)
        .ok_or_else(|| format!("invalid offset '{text}': use whole seconds from 0s to 1h, such as 15s"))
}

/// Reads `--max-age`: how old the scores in a textfile may get.
pub(super) fn age(text: &str) -> Result<Duration, String> {
    whole_seconds(text, 1..=86_400)
        .ok_or_else(|| format!("invalid age '{text}': use whole seconds from 1s to 1d, such as 5m"))
}

/// Reads `--min-duration`: how long a low score must last to be an incident.
pub(super) fn min_duration(text: &str) -> Result<Duration, String> {
    whole_seconds(text, 0..=86_400)
        .ok_or_else(|| format!("invalid duration '{text}': use whole seconds from 0s to 1d, such as 15m"))
}

fn whole_seconds(text: &str, within: RangeInclusive<u64>) -> Option<Duration> {
    let duration = humantime::parse_duration(text.trim()).ok()?;
    (duration.subsec_nanos() == 0 && within.contains(&duration.as_secs())).then_some(duration)
}

/// The retention of the target Prometheus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RetentionSetting {
    Known(Retention),
    /// Ask the server at this URL for its retention. The URL may hold a login.
    AskedOf(String),
}

/// Reads `--retention`: a duration, or the URL of a server to ask for its retention.
pub(super) fn retention(text: &str) -> Result<RetentionSetting, String> {
    match text.contains("://") {
        true => shown_url(text).map(|_| RetentionSetting::AskedOf(text.to_owned())).map_err(|e| e.to_string()),
        false => text.parse().map(RetentionSetting::Known),
    }
}

/// Reads `--emit`, the families of series to export. Scores are always included, and come first.
pub(super) fn families(text: &str) -> Result<Vec<Family>, String> {
    let mut families: Vec<Family> = list(text)?;
    families.push(Family::Scores);
    families.sort_unstable();
    families.dedup();
    Ok(families)
}

/// Reads labels for exported series, such as `job=node,instance=a:9100`.
pub(super) fn extra_labels(text: &str) -> Result<ExtraLabels, String> {
    ExtraLabels::parse(parts(text, ','))
}

/// Checks label names separated by commas, and returns them without surrounding spaces. Names may be UTF-8, as in
/// Prometheus 3, but quotes, brackets and operators are rejected: they come from a matcher or a typing error.
pub(super) fn label_list(text: &str) -> Result<String, String> {
    let names: Vec<&str> = text.split(',').map(str::trim).collect();
    let is_wrong = |c: char| !CharKind::of(c).is_legible() || "\"'`\\(){}[]=~!".contains(c);
    for (at, name) in names.iter().enumerate() {
        if name.is_empty() || name.contains(is_wrong) {
            return Err(format!(
                "'{name}' is not a label name: use letters, digits, underscores or dots, and commas between names"
            ));
        }
        if names[..at].contains(name) {
            return Err(format!("'{name}' is listed twice: name each label once"));
        }
    }
    Ok(names.join(","))
}

/// Reads a switch such as `--merge-members`: `true` or `false`.
pub(super) fn switch(text: &str) -> Result<bool, String> {
    text.trim().parse().map_err(|_| format!("'{text}' is neither true nor false: use one of them"))
}

/// Checks an instant. It is resolved when a command uses it, because `now-7d` depends on the current time.
pub(super) fn instant(text: &str) -> Result<(), TimeError> {
    parse_instant(text, 0).map(|_| ())
}

/// Checks the URL of a server; it may be empty.
pub(super) fn url(text: &str) -> Result<(), String> {
    if text.is_empty() { Ok(()) } else { ok(shown_url(text)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_name_that_would_break_a_query_is_an_error() {
        for (good, names) in [
            ("k8s_cluster", "k8s_cluster"),
            ("env, region ", "env,region"),
            ("k8s.cluster.name", "k8s.cluster.name"),
            ("service-name,größe", "service-name,größe"),
        ] {
            assert_eq!(label_list(good).as_deref(), Ok(names));
        }
        for bad in ["", "a)", "env=", "env!=\"x\"", "a,,b", "a,", "env,region,env", "a\u{202e}b", "\"k8s.name\""] {
            assert!(label_list(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_switch_is_true_or_false() {
        assert_eq!(["true", " false "].map(switch), [Ok(true), Ok(false)]);
        assert!(["", "yes", "1"].iter().all(|text| switch(text).is_err()));
    }

    #[test]
    fn a_list_may_be_empty_but_its_parts_may_not() {
        assert_eq!(list::<Metric>(""), Ok(vec![]));
        assert_eq!(list::<Metric>("open_fds, db_size"), Ok(vec![Metric::OpenFds, Metric::DbSize]));
        assert!(list::<Metric>("open_fds,").is_err());
        assert_eq!(weight_list("wal_fsync=0.5,db_size=0.1").map(|weights| weights.len()), Ok(2));
        assert_eq!(band_list("wal_fsync=0.02:5,0.05:0;db_size=80%:0").map(|bands| bands.len()), Ok(2));
        assert!(weight_list("wal_fsync").is_err());
    }

    #[test]
    fn numbers_out_of_bounds_are_errors() {
        for bad in ["-0.1", "1.1", "NaN", "inf", "half", ""] {
            assert!(share(bad).is_err(), "{bad}");
        }
        for bad in ["0", "65", "-1", "1.5", "many"] {
            assert!(concurrency(bad).is_err(), "{bad}");
        }
        for bad in ["-1", "NaN", "inf", "fast", "", "0.0001"] {
            assert!(queries_a_second(bad).is_err(), "{bad}");
        }
        assert_eq!([queries_a_second("0"), queries_a_second("0.5")], [Ok(None), Ok(Some(0.5))]);
        for bad in ["-1", "101", "1.5", ""] {
            assert!(retries(bad).is_err(), "{bad}");
        }
        for bad in ["0s", "500ms", "2h", "-1s", "30", ""] {
            assert!(patience(bad).is_err(), "{bad}");
        }
    }
}
