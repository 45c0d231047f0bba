//! The settings of a source: what to read, and how.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

use super::ConfigError;
use super::parse::{
    concurrency, label_list, patience, profile_list, queries_a_second, rate_window, replica, retries, switch, tenants,
};
use super::value::Values;
use crate::readings::{self, NamingLabels, QuerySource, Shard, Source, SourceName};
use crate::sources::prometheus::{
    EvidenceMode, HttpConfig, PlainHeaders, QueryError, QuerySet, ReadMode, SeriesForm, Terms,
};
use crate::sources::promql::Version;
use crate::sources::raw::Rules;
use crate::sources::tsdb::directory::Replica;
use crate::spec::{Companion, Profile};
use crate::time::{DAY_MS, Step, TimeError, TimeRange, format_instant, parse_instant};

/// One of several sources.
#[derive(Clone, Debug)]
pub(crate) struct OneSource {
    pub(crate) name: SourceName,
    pub(crate) source: SourceSettings,
}

/// Which series to pull from which server, and how.
#[derive(Clone, Debug)]
pub(crate) struct SourceSettings {
    url: Option<String>,
    /// Files to read instead of a server.
    pub(crate) from: Option<PathBuf>,
    /// How to read from a server.
    pub(crate) read: ReadMode,
    /// Version of Prometheus whose results are computed from raw samples.
    pub(crate) promql: Version,
    pub(crate) replica: Option<Replica>,
    evidence: EvidenceMode,
    http_config_file: Option<PathBuf>,
    pub(crate) headers: PlainHeaders,
    /// The tenants to read. The header of a single one is among [`Self::headers`].
    tenants: Vec<String>,
    start: String,
    end: String,
    /// Whether the start and the end are defaults.
    is_default: [bool; 2],
    /// Whether the user chose the version of PromQL.
    is_version_chosen: bool,
    pub(crate) step: Step,
    selector: String,
    pub(crate) series: SeriesForm,
    queries: Option<PathBuf>,
    /// Window of rates, 1 minute to 1 hour.
    rate_window: Step,
    /// Limits on the requests. `allow_partial` is false here: it is a flag of commands, not a setting.
    pub(crate) terms: Terms,
    /// A list of labels, such as `env,region`; `None` means the label `cluster`, or `job` for series without it.
    pub(crate) cluster_label: Option<String>,
    /// The labels that form a member's name, such as `instance` or `namespace,pod`.
    pub(crate) member_label: String,
    /// Whether to merge series of one member that are of different processes.
    pub(crate) merge_members: bool,
    /// The share of the clusters to pull: a flag of `pull`, not a setting. `None` pulls all.
    pub(crate) shard: Option<Shard>,
    /// Profiles whose limits are pulled in addition to those of the profile in force.
    pub(super) for_profiles: Vec<Profile>,
}

impl SourceSettings {
    pub(super) fn of(values: &Values) -> Result<Self, ConfigError> {
        let text = |name| values.text(name).to_owned();
        let cluster_label = match values.optional("labels.cluster") {
            Some(_) => Some(values.read("labels.cluster", label_list)?),
            None => None,
        };
        let from = from(values)?;
        if from.is_none() && values.optional("source.replica").is_some() {
            return Err(values.error("source.replica", "it chooses blocks of --from, and nothing is read from files"));
        }
        let tenants = values.read("source.tenant", tenants)?;
        let headers = values.read("source.headers", PlainHeaders::parse)?;
        if !tenants.is_empty() {
            if from.is_some() {
                return Err(
                    values.error("source.tenant", "it chooses data of a server, and --from reads none: leave out one")
                );
            }
            if headers.has_tenant() {
                let reason = "the header X-Scope-OrgID is set too, and names a tenant as well: leave out one of them";
                return Err(values.error("source.tenant", reason));
            }
        }
        let headers = if let [tenant] = &tenants[..] { headers.with_tenant(tenant) } else { headers };
        Ok(Self {
            url: values.optional("source.url").map(str::to_owned),
            from,
            read: values.read("source.read", str::parse)?,
            promql: values.read("source.promql", str::parse)?,
            replica: values.read("source.replica", replica)?,
            evidence: values.read("source.evidence", str::parse)?,
            http_config_file: values.optional("source.http_config_file").map(PathBuf::from),
            headers,
            tenants,
            start: text("source.start"),
            end: text("source.end"),
            is_default: ["source.start", "source.end"].map(|name| values.is_default(name)),
            is_version_chosen: !values.is_default("source.promql"),
            step: values.read("source.step", str::parse)?,
            selector: text("source.selector"),
            series: values.read("source.series", str::parse)?,
            queries: values.optional("source.queries").map(PathBuf::from),
            rate_window: values.read("source.rate_window", rate_window)?,
            terms: Terms {
                concurrency: values.read("source.concurrency", concurrency)?.into(),
                max_qps: values.read("source.max_qps", queries_a_second)?,
                retries: values.read("source.retries", retries)?,
                timeout: values.read("source.timeout", patience)?,
                allow_partial: false,
                server: values.read("source.server", str::parse)?,
                method: values.read("source.http_method", str::parse)?,
            },
            cluster_label,
            member_label: values.read("labels.member", label_list)?,
            merge_members: values.read("source.merge_members", switch)?,
            shard: None,
            for_profiles: values.read("source.for_profiles", profile_list)?,
        })
    }

    /// These settings for a pull of the last days, until now.
    pub(super) fn of_last_days(&self, days: i64, step: Step) -> Self {
        let start = format!("now-{days}d/d");
        Self { start, end: "now".to_owned(), is_default: [false; 2], step, ..self.clone() }
    }

    /// The tenants to read; none if the server has no tenants, or a header names one.
    pub(super) fn tenants(&self) -> &[String] {
        &self.tenants
    }

    /// These settings for one of the tenants.
    pub(super) fn of_tenant(&self, tenant: &str) -> Self {
        let headers = self.headers.clone().with_tenant(tenant);
        Self { headers, tenants: vec![tenant.to_owned()], ..self.clone() }
    }

    /// Whether a server or files are set.
    pub(super) fn has_a_place(&self) -> bool {
        self.url.is_some() || self.from.is_some()
    }

    /// These settings, with the times that depend on now fixed to `now_ms`, and an end in the future moved to it: several
    /// sources are pulled one after the other, for the same range.
    pub(crate) fn at(&self, now_ms: i64) -> Result<Self, TimeError> {
        let instant = |text: &str| parse_instant(text, now_ms);
        let (start, end) = (instant(&self.start)?, instant(&self.end)?.min(now_ms + 1));
        Ok(Self { start: format_instant(start), end: format_instant(end), ..self.clone() })
    }

    /// The URL, which may hold a login, or the error that it is not set.
    pub(crate) fn url(&self) -> Result<&str, ConfigError> {
        self.url.as_deref().ok_or(ConfigError::NoUrl)
    }

    /// Login, TLS, proxy, and headers; reads the file of `--http.config.file`.
    pub(crate) fn http_config(&self) -> Result<HttpConfig, ConfigError> {
        self.http_config_or(PlainHeaders::default())
    }

    /// The same, with these headers if none are set.
    pub(crate) fn http_config_or(&self, stored: PlainHeaders) -> Result<HttpConfig, ConfigError> {
        let headers = if self.headers == PlainHeaders::default() { stored } else { self.headers.clone() };
        Ok(HttpConfig::load(self.http_config_file.as_deref(), headers)?)
    }

    /// The range to pull, and whether the requested end was in the future, so that the range ends now instead.
    pub(crate) fn range(&self, now_ms: i64) -> Result<(TimeRange, bool), TimeError> {
        let (start, end) = (parse_instant(&self.start, now_ms)?, parse_instant(&self.end, now_ms)?);
        Ok((TimeRange::resolve(start, end, self.step, now_ms)?, end > now_ms))
    }

    /// The evidence of causes to pull too.
    pub(crate) fn evidence(&self) -> Vec<Companion> {
        self.evidence.companions()
    }

    /// Whether both ends of the range are set, so that it does not depend on the samples of files.
    pub(crate) fn has_both_ends(&self) -> bool {
        self.is_default == [false, false]
    }

    /// The times whose samples may matter for the range, as far as it is set, in milliseconds: from a day before it on. A time
    /// that cannot be read is an error later.
    pub(crate) fn reach(&self, now_ms: i64) -> Range<i64> {
        let given = |text: &str, is_default: bool| match is_default {
            true => None,
            false => parse_instant(text, now_ms).ok(),
        };
        let start_ms =
            given(&self.start, self.is_default[0]).map_or(i64::MIN, |start_ms| start_ms.saturating_sub(DAY_MS));
        start_ms..given(&self.end, self.is_default[1]).unwrap_or(i64::MAX)
    }

    /// The range to read from files whose samples span `span_ms`, both ends included: all of it, unless an end is set.
    pub(crate) fn range_within(&self, span_ms: (i64, i64), now_ms: i64) -> Result<TimeRange, TimeError> {
        let given = |text: &str, is_default: bool, default_ms| match is_default {
            true => Ok(default_ms),
            false => parse_instant(text, now_ms),
        };
        // A timestamp in the far future is a mistake, such as milliseconds in place of seconds.
        let last_ms = span_ms.1.min(now_ms.saturating_add(DAY_MS));
        if span_ms.0 > last_ms && self.is_default[0] {
            return Err(TimeError::FutureSamples { first: format_instant(span_ms.0) });
        }
        let start_ms = given(&self.start, self.is_default[0], span_ms.0)?;
        // If the start is after all samples, the error names the range from there to now.
        let default_ms = if start_ms > last_ms { now_ms } else { last_ms.saturating_add(1) };
        let end_ms = given(&self.end, self.is_default[1], default_ms)?;
        TimeRange::resolve(start_ms, end_ms, self.step, now_ms.max(last_ms))
    }

    /// How raw samples become readings.
    pub(crate) fn rules(&self, queries: &QuerySet) -> Rules {
        Rules {
            naming: NamingLabels::new(self.cluster_label.as_deref(), &self.member_label),
            selector: queries.selector().to_owned(),
            version: self.promql,
            is_version_chosen: self.is_version_chosen,
            step: self.step,
        }
    }

    /// The description of a server that goes into the history.
    pub(crate) fn source(&self, shown_url: &str, queries: BTreeMap<String, QuerySource>) -> Source {
        self.source_of(readings::Origin::server(shown_url, self.headers.pairs()), queries)
    }

    /// The description of files whose raw samples are read.
    pub(crate) fn source_of_files(&self, kind: &str, name: &str, queries: BTreeMap<String, QuerySource>) -> Source {
        let origin = readings::Origin::named(kind, name).computed_as(&self.promql.to_string());
        self.source_of(origin.of_replica(self.replica.as_ref().map(Replica::to_string)), queries)
    }

    fn source_of(&self, origin: readings::Origin, queries: BTreeMap<String, QuerySource>) -> Source {
        Source {
            origin,
            step_seconds: self.step.seconds(),
            cluster_label: self.cluster_label.clone(),
            member_label: self.member_label.clone(),
            queries,
        }
    }

    /// The queries with selector and labels filled in.
    pub(crate) fn query_set(&self) -> Result<QuerySet, QueryError> {
        let (folder, cluster) = (self.queries.as_deref(), self.cluster_label.as_deref());
        let queries = QuerySet::load(folder, &self.selector, cluster, &self.member_label)?;
        Ok(queries.with_rate_window(self.rate_window))
    }
}

/// The path of `--from`, unless a higher layer sets a URL. Fails if one layer sets both.
fn from(values: &Values) -> Result<Option<PathBuf>, ConfigError> {
    let Some(from) = values.optional("source.from") else { return Ok(None) };
    let rank = |name| values.get(name).map_or(0, |given| given.origin.rank());
    match values.optional("source.url") {
        Some(_) if rank("source.url") == rank("source.from") => {
            Err(values.error("source.from", "a server is set too: use either --from or --url"))
        }
        Some(_) if rank("source.url") > rank("source.from") => Ok(None),
        _ if values
            .get("source.read")
            .is_some_and(|read| read.origin.rank() >= rank("source.from") && read.text != "promql") =>
        {
            Err(values.error("source.read", "--from reads no server: leave out one of the two"))
        }
        _ => Ok(Some(from.into())),
    }
}
