//! Which server it is, and how long it keeps samples.

use super::{Client, PromError};

/// What a server says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServerInfo {
    /// Its name and version; `None` where it does not say.
    pub(crate) name: Option<String>,
    /// How long it keeps samples, in its own words; `None` where it does not say.
    pub(crate) retention: Option<String>,
}

/// Asks a server which it is.
pub(crate) async fn identify(client: &Client) -> Result<ServerInfo, PromError> {
    let build = client.api("/api/v1/status/buildinfo", &[]).await?.unwrap_or_default();
    let runtime = client.api("/api/v1/status/runtimeinfo", &[]).await?.unwrap_or_default();
    let metrics = client.text("/metrics", &[]).await?.unwrap_or_default();
    let version = build["version"].as_str().filter(|version| !version.is_empty());
    let victoria = victoria(&metrics);
    let name = match (build["application"].as_str(), victoria) {
        (Some(application), _) => Some(application.to_owned()),
        // It says that it is a Prometheus, for the sake of dashboards.
        (None, Some(version)) => {
            return Ok(ServerInfo { name: Some(named("VictoriaMetrics", version)), retention: months(&metrics) });
        }
        (None, None) if client.api("/api/v1/stores", &[]).await?.is_some() => Some("Thanos".to_owned()),
        (None, None) => version.map(|_| "Prometheus".to_owned()),
    };
    let name = name.map(|name| version.map_or_else(|| name.clone(), |version| named(&name, version)));
    let retention = runtime["storageRetention"].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    Ok(ServerInfo { name, retention })
}

fn named(name: &str, version: &str) -> String {
    if version.is_empty() { name.to_owned() } else { format!("{name} {version}") }
}

/// The version of a VictoriaMetrics, empty where its build, as Debian's, has none; `None` for other servers.
fn victoria(metrics: &str) -> Option<&str> {
    const NAME: &str = "vm_app_version";
    let version = label(metrics, NAME, "short_version").or(label(metrics, NAME, "version"));
    version.or_else(|| metrics.lines().any(|line| line.starts_with("vm_app_version{")).then_some(""))
}

/// VictoriaMetrics counts in months where it names no unit.
fn months(metrics: &str) -> Option<String> {
    let line = metrics.lines().find(|line| line.starts_with("flag{") && line.contains("name=\"retentionPeriod\""))?;
    let value = value_of(line, "value")?;
    Some(if value.bytes().all(|b| b.is_ascii_digit()) { format!("{value} months") } else { value.to_owned() })
}

/// A label of a metric in the text that a server exposes of itself.
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
    }
}
