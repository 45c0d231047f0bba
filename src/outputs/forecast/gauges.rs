//! The gauges of a forecast: `forecast.prom` for node_exporter's textfile collector, and `forecast.om` as OpenMetrics, with the
//! origin of the forecast as the time of every sample.
//!
//! What cannot be said has no series. A limit that is not reached within the range of the forecast is `+Inf`, which only a
//! member with readings, a limit and enough history has.

use crate::analysis::forecast::quota::When;
use crate::analysis::forecast::result::{Forecast, HORIZON_HOURS, Limit, Outlook};
use crate::outputs::ExtraLabels;
use crate::outputs::shared::exposition::{Text, exposed};

const PROBABILITY: &str = "etcd_breach_probability";
const BASE_RATE: &str = "etcd_breach_base_rate";
const SKILL: &str = "etcd_forecast_skill";
const GENERATED: &str = "etcd_forecast_generated_timestamp_seconds";

/// The gauges without times, as node_exporter reads them. Every series carries the extra labels.
pub(crate) fn forecast_textfile(forecast: &Forecast, labels: &ExtraLabels) -> String {
    let mut text = Text::new(labels);
    write(&mut text, forecast);
    text.into_text()
}

/// The gauges as OpenMetrics, for an import.
pub(crate) fn forecast_openmetrics(forecast: &Forecast, labels: &ExtraLabels) -> String {
    let mut text = Text::at(labels, seconds(forecast.origin_ms));
    write(&mut text, forecast);
    text.into_text() + "# EOF\n"
}

fn write(text: &mut Text<'_>, forecast: &Forecast) {
    write_outlooks(
        text,
        forecast,
        PROBABILITY,
        |outlook| outlook.probability,
        "Calibrated probability that the mean score of an etcd cluster is below 5 in some hour within the horizon.",
    );
    write_outlooks(
        text,
        forecast,
        BASE_RATE,
        |outlook| outlook.usual,
        "Share of earlier forecasts of an etcd cluster after which it became red within the horizon.",
    );
    let until = "Seconds from the forecast until";
    let never = "+Inf is not within 90 days or never, and 0 is reached.";
    write_limits(
        text,
        forecast,
        Limit::Quota,
        "etcd_db_quota_seconds",
        &format!("{until} the database of an etcd member reaches its quota. {never}"),
    );
    write_limits(
        text,
        forecast,
        Limit::MaxFds,
        "etcd_fds_limit_seconds",
        &format!("{until} an etcd member reaches its limit of open file descriptors. {never}"),
    );
    text.begin(
        SKILL,
        "gauge",
        "Brier skill of earlier breach probabilities above the usual rate: 1 is perfect, 0 or less is of no use.",
    );
    for (hours, skill) in HORIZON_HOURS.into_iter().zip(&forecast.trust.breach) {
        if let Some(skill) = skill.filter(|skill| skill.value.is_finite()) {
            text.sample(SKILL, &[("horizon", &horizon(hours))], skill.value);
        }
    }
    let help = "The last instant of the history that the forecast was made from.";
    text.single(GENERATED, "gauge", help, seconds(forecast.origin_ms));
}

fn write_outlooks(text: &mut Text<'_>, forecast: &Forecast, name: &str, value: fn(&Outlook) -> f64, help: &str) {
    text.begin(name, "gauge", help);
    for cluster in &forecast.clusters {
        for outlook in cluster.outlooks.iter().flatten().filter(|outlook| value(outlook).is_finite()) {
            let own = [("cluster", &*cluster.cluster), ("horizon", &*horizon(outlook.hours))];
            text.sample(name, &own, value(outlook));
        }
    }
}

fn write_limits(text: &mut Text<'_>, forecast: &Forecast, limit: Limit, name: &str, help: &str) {
    text.begin(name, "gauge", help);
    for of in forecast.limits.iter().filter(|of| of.limit == limit) {
        for (bound, value) in bounds(of.when, forecast.origin_ms).into_iter().flatten() {
            let own = [("cluster", &*of.cluster), ("member", &*of.member), ("bound", bound)];
            text.sample(name, &own, exposed(value));
        }
    }
}

/// The seconds until a limit at each bound; `None` where that is unknown.
fn bounds(when: When, origin_ms: i64) -> Option<[(&'static str, f64); 3]> {
    let ahead = |at: Option<i64>| at.map_or(f64::INFINITY, |at| seconds((at - origin_ms).max(0)));
    let [earliest, median, latest] = match when {
        When::NoReadings | When::NoLimit | When::TooShort => return None,
        When::Unlimited | When::NotNear | When::NotWithin => [f64::INFINITY; 3],
        When::Reached => [0.0; 3],
        When::Dates { earliest, median, latest } => [ahead(Some(earliest)), ahead(median), ahead(latest)],
    };
    Some([("earliest", earliest), ("median", median), ("latest", latest)])
}

fn horizon(hours: i64) -> String {
    format!("{hours}h")
}

fn seconds(ms: i64) -> f64 {
    ms as f64 / 1000.0
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;
    use crate::analysis::forecast::result::sample::sample;

    fn labels() -> ExtraLabels {
        ExtraLabels::parse(["job=node"].into_iter()).unwrap()
    }

    /// The values were written by hand from the sample.
    #[test]
    fn gauges_have_what_is_known_and_nothing_else() {
        let text = forecast_textfile(&sample(), &labels());
        let series: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        for line in [
            r#"etcd_breach_probability{cluster="c01",horizon="1h",job="node"} 0.03"#,
            r#"etcd_breach_probability{cluster="c01",horizon="6h",job="node"} 0.61"#,
            r#"etcd_breach_base_rate{cluster="c01",horizon="24h",job="node"} 0.2"#,
            r#"etcd_db_quota_seconds{bound="earliest",cluster="c01",job="node",member="10.0.1.3"} 2246400"#,
            r#"etcd_db_quota_seconds{bound="latest",cluster="c01",job="node",member="10.0.1.2"} +Inf"#,
            r#"etcd_db_quota_seconds{bound="median",cluster="c02",job="node",member="10.0.2.1"} 0"#,
            r#"etcd_db_quota_seconds{bound="earliest",cluster="c02",job="node",member="10.0.2.2"} +Inf"#,
            r#"etcd_fds_limit_seconds{bound="median",cluster="c01",job="node",member="10.0.1.1"} 7200"#,
            r#"etcd_forecast_skill{horizon="6h",job="node"} 0.22"#,
            r#"etcd_forecast_generated_timestamp_seconds{job="node"} 1791374400"#,
        ] {
            assert!(series.contains(&line), "{line}:\n{text}");
        }
        // c04 has no score, 24 h no skill; 10.0.1.1 and 10.0.2.3 have no quota or readings.
        for absent in [
            "cluster=\"c04\"",
            "etcd_forecast_skill{horizon=\"24h\"",
            "etcd_db_quota_seconds{bound=\"latest\",cluster=\"c01\",job=\"node\",member=\"10.0.1.1\"}",
            "etcd_db_quota_seconds{bound=\"median\",cluster=\"c02\",job=\"node\",member=\"10.0.2.3\"}",
            "NaN",
        ] {
            assert!(!text.contains(absent), "{absent}:\n{text}");
        }
    }

    #[test]
    fn openmetrics_has_the_same_samples_at_the_origin() {
        let (plain, timed) = (forecast_textfile(&sample(), &labels()), forecast_openmetrics(&sample(), &labels()));
        let expected: String = plain
            .lines()
            .map(|line| if line.starts_with('#') { format!("{line}\n") } else { format!("{line} 1791374400\n") })
            .collect();
        assert_eq!(timed, expected + "# EOF\n");
    }

    #[test]
    fn a_skill_that_is_not_a_number_is_absent() {
        let mut forecast = sample();
        forecast.trust.breach[1].as_mut().unwrap().value = f64::NAN;
        assert!(!forecast_textfile(&forecast, &labels()).contains("etcd_forecast_skill{horizon=\"6h\""));
    }
}
