//! The table of settings: one entry each, from which come its flag, its environment variable and its
//! key in a file.

use std::borrow::Cow;
use std::sync::LazyLock;

use super::Formats;
use super::parse::{
    age, band_list, concurrency, every, extra_labels, families, instant, label_name, list, lowest_score, offset, ok,
    patience, profile_list, queries_a_second, retention, retries, selector, share, url, weight_list,
};
use crate::outputs::OUTPUTS;
use crate::score::Rollup;
use crate::sources::prometheus::{PlainHeaders, Preset, SeriesForm};
use crate::spec::{Bands, Metric, Profile, parse_weight};
use crate::time::{CellWidth, Step, Zone};

/// What the names of all environment variables begin with.
pub(crate) const VARIABLES: &str = "ETCD_HEATMAP_";

/// One setting.
#[derive(Debug)]
pub(crate) struct Key {
    /// As in a file, with its table: `source.step`.
    pub(crate) name: &'static str,
    /// Its flag; none for weights and bands, of which there is one for each metric.
    pub(crate) flag: Option<Flag>,
    /// The text of its default; empty where nothing is the default.
    default: Text,
    /// How it is written in a file.
    pub(crate) shape: Shape,
    check: fn(&str) -> Result<(), String>,
}

/// How a setting is called on a command line.
#[derive(Debug)]
pub(crate) struct Flag {
    /// Without the dashes.
    pub(crate) name: &'static str,
    /// What stands for the value in the help.
    pub(crate) value: &'static str,
    help: Text,
}

impl Flag {
    /// The help text.
    pub(crate) fn help(&self) -> Cow<'static, str> {
        self.help.get()
    }
}

/// A text of the table: fixed, or made from another list.
#[derive(Debug)]
enum Text {
    Fixed(&'static str),
    Made(fn() -> String),
}

impl Text {
    fn get(&self) -> Cow<'static, str> {
        match self {
            Self::Fixed(text) => Cow::Borrowed(text),
            Self::Made(make) => Cow::Owned(make()),
        }
    }
}

/// How a value is written in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A string.
    Text,
    /// A string that may hold a login: it is never repeated as it is.
    Url,
    /// A number.
    Number,
    /// A list of strings; a flag that may be given several times.
    List,
    /// A list of strings that may hold a secret in the wrong place: none is repeated where it is refused.
    Headers,
    /// Not at all: its values belong to the keys of single metrics.
    PerMetric,
}

/// A setting is what it is called: functions cannot be compared.
impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Key {}

impl Key {
    /// The environment variable, such as `ETCD_HEATMAP_TIME_ZONE`.
    pub(crate) fn variable(&self) -> Option<String> {
        let flag = self.flag.as_ref()?;
        Some(format!("{VARIABLES}{}", flag.name.to_uppercase().replace(['-', '.'], "_")))
    }

    /// The table and the key in it.
    pub(crate) fn parts(&self) -> (&'static str, &'static str) {
        self.name.split_once('.').unwrap_or(("", self.name))
    }

    /// Whether a file may hold it.
    pub(crate) fn is_in_files(&self) -> bool {
        self.shape != Shape::PerMetric
    }

    /// What separates several values in one text.
    pub(crate) fn separator(&self) -> &'static str {
        // Bands have commas of their own.
        if self.shape == Shape::PerMetric { ";" } else { "," }
    }

    /// The text of its default; empty where nothing is the default.
    pub(crate) fn default(&self) -> Cow<'static, str> {
        self.default.get()
    }

    /// What is wrong with a text as its value.
    pub(crate) fn check(&self, text: &str) -> Result<(), String> {
        (self.check)(text)
    }

    const fn text(
        name: &'static str,
        default: &'static str,
        flag: Flag,
        check: fn(&str) -> Result<(), String>,
    ) -> Self {
        Self { name, flag: Some(flag), default: Text::Fixed(default), shape: Shape::Text, check }
    }

    const fn with_default(self, make: fn() -> String) -> Self {
        Self { default: Text::Made(make), ..self }
    }

    const fn of_shape(self, shape: Shape) -> Self {
        Self { shape, ..self }
    }

    fn weight(name: &'static str) -> Self {
        Self { name, flag: None, default: Text::Fixed(""), shape: Shape::Number, check: |text| ok(parse_weight(text)) }
    }

    fn bands(name: &'static str) -> Self {
        Self { name, flag: None, default: Text::Fixed(""), shape: Shape::Text, check: |text| ok(text.parse::<Bands>()) }
    }
}

const fn flag(name: &'static str, value: &'static str, help: &'static str) -> Flag {
    Flag { name, value, help: Text::Fixed(help) }
}

/// All of them, in the order in which they are shown.
pub(crate) fn keys() -> impl Iterator<Item = &'static Key> + Clone {
    static OF_METRICS: LazyLock<Vec<Key>> = LazyLock::new(|| {
        let weights = Metric::ALL.map(|metric| Key::weight(metric.weight_key()));
        weights.into_iter().chain(Metric::ALL.map(|metric| Key::bands(metric.bands_key()))).collect()
    });
    SOURCE_TO_SCORE.iter().chain(OF_METRICS.iter()).chain(&OUTPUTS_AND_TEXTFILE)
}

/// What is read, and how it is scored.
static SOURCE_TO_SCORE: [Key; 26] = [
    Key::text(
        "source.url",
        "",
        flag("url", "URL", "Base URL of a Prometheus-compatible server, such as http://127.0.0.1:9090"),
        |text| ok(url(text)),
    )
    .of_shape(Shape::Url),
    Key::text(
        "source.http_config_file",
        "",
        flag(
            "http.config.file",
            "FILE",
            "File that says how to log in, in the format of promtool's flag of this name: basic_auth, authorization, \
             oauth2, tls_config, proxy_url, http_headers",
        ),
        |_| Ok(()),
    ),
    Key::text(
        "source.headers",
        "",
        flag(
            "header",
            "NAME: VALUE",
            "Header that each request carries, such as 'X-Scope-OrgID: team-a'; one with a secret belongs in \
             --http.config.file. May be given several times",
        ),
        |text| ok(PlainHeaders::parse(text)),
    )
    .of_shape(Shape::Headers),
    Key::text(
        "source.start",
        "now-7d",
        flag(
            "start",
            "TIME",
            "Start of the range: RFC 3339, a date (midnight UTC), seconds since 1970, now, now-30d, now-1d/d (midnight UTC)",
        ),
        |text| ok(instant(text)),
    ),
    Key::text(
        "source.end",
        "now",
        flag("end", "TIME", "End of the range, not part of it; written like --start"),
        |text| ok(instant(text)),
    ),
    Key::text(
        "source.step",
        "1m",
        flag(
            "step",
            "DURATION",
            "Distance between two evaluations, whole seconds up to 1h. Rates look back 5 minutes: with a longer step \
             they see only a part of the time",
        ),
        |text| ok(text.parse::<Step>()),
    ),
    Key::text(
        "source.preset",
        "",
        flag(
            "preset",
            "NAME",
            "Whose labels the series have: kubeadm, kube-prometheus-stack, openshift, kubermatic or rke2-k3s. Gives \
             selector and labels where nothing else does",
        ),
        |text| if text.is_empty() { Ok(()) } else { ok(Preset::named(text)) },
    ),
    Key::text(
        "source.selector",
        "",
        flag("selector", "MATCHERS", "Label matchers that every query carries, such as 'job=\"etcd\"'"),
        selector,
    ),
    Key::text(
        "source.series",
        "auto",
        flag(
            "series",
            "SERIES",
            "Which series to read: raw (etcd's own), recorded (what the original system's recording rules made of \
             them), or auto (recorded where they cover all that etcd's own cover)",
        ),
        |text| ok(text.parse::<SeriesForm>()),
    ),
    Key::text(
        "source.queries",
        "",
        flag("queries", "DIR", "Folder with METRIC.promql files that replace the embedded queries of the same name"),
        |_| Ok(()),
    ),
    Key::text(
        "source.concurrency",
        "4",
        flag("concurrency", "N", "Range queries in flight at once, 1 to 64; a Prometheus runs 20 by default"),
        |text| ok(concurrency(text)),
    )
    .of_shape(Shape::Number),
    Key::text(
        "source.max_qps",
        "0",
        flag("max-qps", "N", "Range queries a second at most, such as 2 or 0.5; 0 sets no limit"),
        |text| ok(queries_a_second(text)),
    )
    .of_shape(Shape::Number),
    Key::text(
        "source.retries",
        "5",
        flag(
            "retries",
            "N",
            "How often a query is tried again that failed in a way that may pass (429, 5xx, a broken connection), 0 to \
             100",
        ),
        |text| ok(retries(text)),
    )
    .of_shape(Shape::Number),
    Key::text(
        "source.timeout",
        "5m",
        flag("timeout", "DURATION", "Time in which a whole answer must be there, 1s to 1h"),
        |text| ok(patience(text)),
    ),
    Key::text(
        "source.for_profiles",
        "",
        flag(
            "for-profiles",
            "NAMES",
            "Profiles to score or compare by later: pull the limits that they judge against as well. Separated by \
             commas",
        ),
        |text| ok(profile_list(text)),
    )
    .of_shape(Shape::List),
    Key::text(
        "labels.cluster",
        "",
        flag("cluster-label", "LABEL", "Label that names the cluster [default: cluster, else job]"),
        |text| if text.is_empty() { Ok(()) } else { ok(label_name(text)) },
    ),
    Key::text("labels.member", "instance", flag("member-label", "LABEL", "Label that names the member"), |text| {
        ok(label_name(text))
    }),
    Key::text(
        "score.profile",
        "seed",
        flag("profile", "NAME", "Whose thresholds and weights: seed, etcd-faq, mixin, openshift or fleet"),
        |text| ok(Profile::named(text)),
    ),
    Key::text(
        "score.weight",
        "",
        flag(
            "weight",
            "METRIC=SHARE",
            "What if a metric weighed this much? METRIC=SHARE, such as wal_fsync=0.5; the others share the rest in \
             proportion. May be given several times",
        ),
        |text| ok(weight_list(text)),
    )
    .of_shape(Shape::List),
    Key::text(
        "bands",
        "",
        flag(
            "band",
            "METRIC=BANDS",
            "What if a metric had other bands? METRIC=THRESHOLD:POINTS,…, such as wal_fsync=0.02:5,0.05:0 or, of its \
             limit, db_size=80%:0; METRIC=none never costs a point. May be given several times",
        ),
        |text| ok(band_list(text)),
    )
    .of_shape(Shape::PerMetric),
    Key::text(
        "score.without",
        "",
        flag("without", "METRIC", "Leave a metric out; the rest share its weight. May be given several times"),
        |text| ok(list::<Metric>(text)),
    )
    .of_shape(Shape::List),
    Key::text(
        "score.rollup",
        "worst",
        flag(
            "rollup",
            "ROLLUP",
            "How the members of a cluster become its score: worst, mean, or quorum (what a majority reaches)",
        ),
        |text| ok(text.parse::<Rollup>()),
    ),
    Key::text(
        "score.time_zone",
        "UTC",
        flag("time-zone", "ZONE", "Whose days and hours: an IANA time zone such as Europe/Berlin"),
        |text| ok(text.parse::<Zone>()),
    ),
    Key::text("score.cell", "1h", flag("cell", "WIDTH", "Width of a cell: 15m, 30m, 1h or 2h"), |text| {
        ok(text.parse::<CellWidth>())
    }),
    Key::text(
        "score.min_coverage",
        "0.5",
        flag("min-coverage", "SHARE", "Share of its steps that must be scored for a cell not to be uncertain, 0 to 1"),
        |text| ok(share(text)),
    )
    .of_shape(Shape::Number),
    Key::text(
        "score.fail_below",
        "0",
        flag(
            "fail-below",
            "SCORE",
            "For CI: exit with 3, and say why, when the mean of any cell of a cluster is below this, 0 to 10, or when \
             less than --min-coverage of a cluster's steps is scored. All outputs are written. 0 never fails",
        ),
        |text| ok(lowest_score(text)),
    )
    .of_shape(Shape::Number),
];

/// What is written, and how the textfile is kept.
static OUTPUTS_AND_TEXTFILE: [Key; 8] = [
    Key::text("output.dir", "", flag("out", "DIR", "Folder to write to; made where it is missing"), |_| Ok(())),
    Key::text("output.formats", "", Flag { name: "formats", value: "FORMATS", help: Text::Made(formats_help) }, |text| {
        ok(text.parse::<Formats>())
    })
    .with_default(Formats::default_text)
    .of_shape(Shape::List),
    Key::text(
        "output.retention",
        "15d",
        flag(
            "retention",
            "DURATION",
            "How long the Prometheus keeps samples that will import openmetrics/, such as 90d or 1y, or its URL to ask \
             it: decides how long its blocks are",
        ),
        |text| ok(retention(text)),
    )
    .of_shape(Shape::Url),
    Key::text(
        "output.emit",
        "scores",
        flag(
            "emit",
            "SERIES",
            "Which series to write to openmetrics/ beside scores (etcd_score): worst (cluster:etcd_score:worst), points \
             (etcd_points). Separated by commas",
        ),
        |text| ok(families(text)),
    )
    .of_shape(Shape::List),
    Key::text(
        "output.labels",
        "",
        flag(
            "label",
            "NAME=VALUE",
            "Label that each series carries that is written for Prometheus, such as job=node, so that it is the series \
             that is there already. May be given several times",
        ),
        |text| ok(extra_labels(text)),
    )
    .of_shape(Shape::List),
    Key::text(
        "textfile.every",
        "",
        flag(
            "every",
            "DURATION",
            "Go on, with an evaluation at every multiple of so much, such as 15s; 1s to 1h. One that takes longer is \
             given up",
        ),
        |text| ok(every(text)),
    ),
    Key::text(
        "textfile.query_offset",
        "15s",
        flag(
            "query-offset",
            "DURATION",
            "Evaluate so long ago, 0s to 1h: longer than a scrape may take, or the score misses what a backfill of the \
             same instant will see",
        ),
        |text| ok(offset(text)),
    ),
    Key::text(
        "textfile.max_age",
        "5m",
        flag(
            "max-age",
            "DURATION",
            "While the server does not answer, keep the last scores no longer than this, 1s to 1d; then every member is \
             unknown",
        ),
        |text| ok(age(text)),
    ),
];

/// The help of `--formats`: a line for each output.
fn formats_help() -> String {
    let lines: Vec<String> = OUTPUTS.iter().map(|o| format!("- {}: {}", o.name(), o.about())).collect();
    format!("Outputs to write, separated by commas:\n{}\n", lines.join("\n"))
}
