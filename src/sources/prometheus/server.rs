//! Identifies the server and its retention.

use super::dialect::ServerKind;
use super::{Client, PromError};
use crate::text::count;

const BUILD_INFO: &str = "/api/v1/status/buildinfo";
const RUNTIME_INFO: &str = "/api/v1/status/runtimeinfo";
/// An endpoint of Thanos only.
const STORES: &str = "/api/v1/stores";
const METRICS: &str = "/metrics";

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

/// What a server is.
#[derive(Clone, Debug, Default)]
pub(super) struct Identity {
    /// `None` if unknown.
    pub(super) kind: Option<ServerKind>,
    /// Name and version; `None` if unknown.
    pub(super) name: Option<String>,
    /// The retention of VictoriaMetrics, if the identification already had to read it from `/metrics`.
    pub(super) retention: Option<String>,
    /// The error of the first lookup that the server refused.
    pub(super) refused: Option<PromError>,
}

impl Identity {
    fn of(kind: ServerKind, name: &str, version: &str) -> Self {
        Self { kind: Some(kind), name: Some(named(name, version)), ..Self::default() }
    }
}

/// Identifies the server with few lookups: one for Mimir, two for Prometheus, Thanos and VictoriaMetrics. A refused
/// lookup is not an error, because a login for queries may lack access to the status pages.
pub(super) async fn identity_of(client: &Client) -> Result<Identity, PromError> {
    let mut refused = None;
    let page = client.status_page(BUILD_INFO).await?;
    let is_victoria = page.is_victoria;
    let build = unless_refused(client.data_of_page(BUILD_INFO, page), &mut refused)?;
    let text = |key: &str| build.as_ref().and_then(|data| data[key].as_str()).filter(|text| !text.is_empty());
    let version = text("version").unwrap_or_default();
    if let Some(application) = text("application") {
        return Ok(Identity::of(kind_of(application), application, version));
    }
    // For compatibility with dashboards, the buildinfo of VictoriaMetrics looks like that of Prometheus,
    // but has only a version.
    let is_bare = text("revision").or(text("goVersion")).is_none();
    if is_victoria || is_bare {
        let page = client.status_page(METRICS).await?;
        let is_victoria = is_victoria || page.is_victoria;
        let metrics = unless_refused(page.body, &mut refused)?;
        let is_hidden = metrics.is_none();
        let metrics = String::from_utf8_lossy(&metrics.unwrap_or_default()).into_owned();
        let of_victoria = victoria(&metrics);
        if is_victoria || of_victoria.is_some() || is_hidden && build.is_some() {
            let known = Identity::of(ServerKind::VictoriaMetrics, "VictoriaMetrics", of_victoria.unwrap_or_default());
            return Ok(Identity { retention: months(&metrics), ..known });
        }
    }
    if unless_refused(client.api(STORES, &[]).await, &mut refused)?.is_some() {
        return Ok(Identity::of(ServerKind::Thanos, "Thanos", version));
    }
    // Other servers have the same API as Prometheus, so the kind is certain only if no lookup was refused.
    match version {
        "" => Ok(Identity { refused, ..Identity::default() }),
        _ if refused.is_some() => Ok(Identity { refused, ..Identity::default() }),
        _ => Ok(Identity::of(ServerKind::Prometheus, "Prometheus", version)),
    }
}

/// The kind of server that an application's name stands for.
fn kind_of(application: &str) -> ServerKind {
    let name = application.to_lowercase();
    let of = |names: &[&str]| names.iter().any(|known| name.contains(known));
    match () {
        () if of(&["mimir", "cortex"]) => ServerKind::Mimir,
        () if of(&["thanos"]) => ServerKind::Thanos,
        () if of(&["victoria"]) => ServerKind::VictoriaMetrics,
        () => ServerKind::Prometheus,
    }
}

/// Identifies the server and looks up its retention. With `--server`, the server is what the flag names.
pub(crate) async fn identify(client: &Client) -> Result<ServerInfo, PromError> {
    let given = client.terms().server;
    let identity = match given {
        ServerKind::Auto => client.identity().await?,
        given => Identity { kind: Some(given), name: Some(given.title().to_owned()), ..Identity::default() },
    };
    let mut refused = identity.refused;
    let retention = match identity.kind {
        Some(ServerKind::Managed) => None,
        Some(ServerKind::VictoriaMetrics) if given == ServerKind::Auto => identity.retention,
        Some(ServerKind::VictoriaMetrics) => {
            let metrics = unless_refused(client.text(METRICS, &[]).await, &mut refused)?;
            metrics.and_then(|metrics| months(&metrics))
        }
        _ => {
            let runtime = unless_refused(client.api(RUNTIME_INFO, &[]).await, &mut refused)?.unwrap_or_default();
            runtime["storageRetention"].as_str().filter(|text| !text.is_empty()).map(str::to_owned)
        }
    };
    // With `--server`, a refused lookup does not make the kind uncertain, so it is not reported.
    Ok(ServerInfo { name: identity.name, retention, refused: refused.filter(|_| given == ServerKind::Auto) })
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
