//! Identifies the server and its retention.

use super::{Client, PromError};
use crate::text::count;

/// Name and retention of a server.
#[derive(Clone, Debug)]
pub(crate) struct ServerInfo {
    /// Name and version; `None` if unknown.
    pub(crate) name: Option<String>,
    /// Retention in the server's own notation; `None` if unknown.
    pub(crate) retention: Option<String>,
    /// The error of the first lookup that the server refused; name and retention may then be missing or wrong. A lookup
    /// that the server does not offer is not a refusal.
    pub(crate) refused: Option<PromError>,
}

/// Identifies the server. A refused lookup is not an error, because a login for queries may
/// lack access to the status pages.
pub(crate) async fn identify(client: &Client) -> Result<ServerInfo, PromError> {
    let mut refused = None;
    let build = unless_refused(client.api("/api/v1/status/buildinfo", &[]).await, &mut refused)?.unwrap_or_default();
    let metrics = unless_refused(client.text("/metrics", &[]).await, &mut refused)?.unwrap_or_default();
    // Check VictoriaMetrics first: for compatibility with dashboards, its buildinfo looks like that of Prometheus.
    if let Some(version) = victoria(&metrics) {
        let name = Some(named("VictoriaMetrics", version));
        return Ok(ServerInfo { name, retention: months(&metrics), refused: None });
    }
    let version = build["version"].as_str().filter(|version| !version.is_empty());
    let name = match build["application"].as_str() {
        Some(application) => Some(application),
        None if unless_refused(client.api("/api/v1/stores", &[]).await, &mut refused)?.is_some() => Some("Thanos"),
        // Other servers have the same API, so the name is certain only if every lookup was allowed.
        None => version.filter(|_| refused.is_none()).map(|_| "Prometheus"),
    };
    let name = name.map(|name| version.map_or_else(|| name.to_owned(), |version| named(name, version)));
    let runtime =
        unless_refused(client.api("/api/v1/status/runtimeinfo", &[]).await, &mut refused)?.unwrap_or_default();
    let retention = runtime["storageRetention"].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    Ok(ServerInfo { name, retention, refused })
}

/// Turns the error of a refused lookup into `None`, and stores it in `refused` if it is the first. `None` also
/// means that the server does not offer the lookup.
fn unless_refused<T>(
    answer: Result<Option<T>, PromError>,
    refused: &mut Option<PromError>,
) -> Result<Option<T>, PromError> {
    match answer {
        Err(error) if error.is_about_the_path() => {
            refused.get_or_insert(error);
            Ok(None)
        }
        other => other,
    }
}

fn named(name: &str, version: &str) -> String {
    if version.is_empty() { name.to_owned() } else { format!("{name} {version}") }
}

/// The version of VictoriaMetrics: an empty string for a build without a version, such as Debian's; `None` if
/// the server is not VictoriaMetrics.
fn victoria(metrics: &str) -> Option<&str> {
    const NAME: &str = "vm_app_version";
    let version = label(metrics, NAME, "short_version").or(label(metrics, NAME, "version"));
    version.or_else(|| metrics.lines().any(|line| line.starts_with("vm_app_version{")).then_some(""))
}

/// VictoriaMetrics's retention, with `months` added to a number without a unit.
fn months(metrics: &str) -> Option<String> {
    let line = metrics.lines().find(|line| line.starts_with("flag{") && line.contains("name=\"retentionPeriod\""))?;
    let value = value_of(line, "value")?;
    Some(value.parse().map_or_else(|_| value.to_owned(), |months: u64| count(months, "month")))
}

/// The value of a label of metric `name` in the server's own `/metrics`; `None` if missing or empty.
fn label<'a>(metrics: &'a str, name: &str, label: &str) -> Option<&'a str> {
    let line = metrics.lines().find(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with('{')))?;
    value_of(line, label).filter(|value| !value.is_empty())
}

fn value_of<'a>(line: &'a str, label: &str) -> Option<&'a str> {
    let start = ["{", ",", " "].iter().find_map(|before| {
        let key = format!("{before}{label}=\"");
        line.find(&key).map(|at| at + key.len())
    })?;
    line[start..].split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_read_from_the_text_of_metrics() {
        let text = "vm_app_version{version=\"victoria-metrics-x\", short_version=\"v1.79.5\"} 1\n\
                    flag{name=\"retentionPeriod\", value=\"100y\", is_set=\"true\"} 1\n";
        assert_eq!(label(text, "vm_app_version", "short_version"), Some("v1.79.5"));
        assert_eq!(label(text, "vm_app", "version"), None);
        assert_eq!(victoria(text), Some("v1.79.5"));
        assert_eq!(victoria("vm_app_version{version=\"\", short_version=\"\"} 1\n"), Some(""));
        assert_eq!(victoria("prometheus_build_info{version=\"2.42.0\"} 1\n"), None);
        assert_eq!(months(text).as_deref(), Some("100y"));
        assert_eq!(months(&text.replace("100y", "3")).as_deref(), Some("3 months"));
        assert_eq!(months(&text.replace("100y", "1")).as_deref(), Some("1 month"));
    }
}
