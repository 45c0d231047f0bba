//! The table of settings. Each entry defines the key in a file, the flag with its help, and the environment
//! variable. The functions in `parse` check the values.

use std::borrow::Cow;
use std::sync::LazyLock;

use super::parse::{
    age, band_list, concurrency, every, expected_members, extra_labels, families, instant, label_list, list,
    lowest_score, offset, ok, patience, profile_list, queries_a_second, rate_window, retention, retries, selector,
    share, switch, url, weight_list,
};
use super::{Formats, Heading};
use crate::outputs::OUTPUTS;
use crate::score::Rollup;
use crate::sources::prometheus::{HttpMethod, PlainHeaders, Preset, RATE_WINDOW, SeriesForm, ServerKind};
use crate::spec::{Bands, Metric, Profile, parse_weight};
use crate::time::{CellWidth, Step, Zone};

/// Prefix of all environment variables.
pub(crate) const VARIABLES: &str = "ETCD_HEATMAP_";

#[derive(Debug)]
pub(crate) struct Key {
    /// The key in a file with its table, such as `source.step`.
    pub(crate) name: &'static str,
    /// `None` for the keys of `[weights]` and `[bands]`: the flags `--weight` and `--band` each
    /// set several of these keys.
    pub(crate) flag: Option<Flag>,
    /// The default as text; empty if the setting has none.
    default: Text,
    pub(crate) shape: Shape,
    check: fn(&str) -> Result<(), String>,
}

/// A setting's flag, and how the help describes it.
#[derive(Debug)]
pub(crate) struct Flag {
    /// The long name without the dashes, such as `step`.
    pub(crate) name: &'static str,
    /// The placeholder for the value in the help.
    pub(crate) value: &'static str,
    pub(crate) heading: Heading,
    /// One line for `-h`, without the default.
    pub(crate) help: &'static str,
    /// Text for `--help`, without the default; empty if `help` is enough.
    long: Text,
    /// The default as the help shows it; if empty, the help shows the setting's own default.
    default: &'static str,
    /// Whether `-h` lists the flag even in a subcommand with too many flags for one screen.
    pub(crate) is_common: bool,
}

impl Flag {
    const fn new(heading: Heading, name: &'static str, value: &'static str, help: &'static str) -> Self {
        Self { name, value, heading, help, long: Text::Fixed(""), default: "", is_common: false }
    }

    const fn common(self) -> Self {
        Self { is_common: true, ..self }
    }

    const fn explained(self, long: &'static str) -> Self {
        Self { long: Text::Fixed(long), ..self }
    }

    const fn listing(self, make: fn() -> String) -> Self {
        Self { long: Text::Made(make), ..self }
    }

    const fn defaulting_to(self, default: &'static str) -> Self {
        Self { default, ..self }
    }

    /// The text for `--help`, without the default.
    pub(crate) fn long_help(&self) -> Cow<'static, str> {
        match self.long.get() {
            text if text.is_empty() => Cow::Borrowed(self.help),
            text => text,
        }
    }
}

/// A text in the table of settings. A `Made` text lists values that another module defines,
/// so a function builds it.
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

/// How a value is written in a file and shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Text,
    /// A string that may hold a login, so errors never print it unchanged.
    Url,
    Number,
    /// `true` or `false`. The flag alone means `true`.
    Switch,
    /// A list of strings; its flag is repeatable.
    List,
    /// A list of strings that may hold a secret by mistake, so errors never print them.
    Headers,
    /// The shape of the setting `bands`, which has only a flag and a variable: a file has one
    /// key per metric in `[bands]`.
    PerMetric,
}

// Keys with the same name are equal: functions such as `check` cannot be compared.
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

    /// The table, and the key within it.
    pub(crate) fn parts(&self) -> (&'static str, &'static str) {
        self.name.split_once('.').unwrap_or(("", self.name))
    }

    /// Whether a settings file can set this key.
    pub(crate) fn is_in_files(&self) -> bool {
        self.shape != Shape::PerMetric
    }

    /// The separator between several values in one text.
    pub(crate) fn separator(&self) -> &'static str {
        // Bands contain commas, so semicolons separate several values.
        if self.shape == Shape::PerMetric { ";" } else { "," }
    }

    /// The default as text; empty if the setting has none.
    pub(crate) fn default(&self) -> Cow<'static, str> {
        self.default.get()
    }

    /// The default as the help shows it; empty if there is none.
    pub(crate) fn shown_default(&self) -> Cow<'static, str> {
        match &self.flag {
            Some(Flag { default, .. }) if !default.is_empty() => Cow::Borrowed(default),
            _ => self.default(),
        }
    }

    /// Checks a text as a value of this setting. The error is the end of a message: the fault,
    /// and what to write instead.
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

/// All settings, in the order of `config show`.
pub(crate) fn keys() -> impl Iterator<Item = &'static Key> + Clone {
    static OF_METRICS: LazyLock<Vec<Key>> = LazyLock::new(|| {
        let weights = Metric::ALL.map(|metric| Key::weight(metric.weight_key()));
        weights.into_iter().chain(Metric::ALL.map(|metric| Key::bands(metric.bands_key()))).collect()
    });
    SOURCE_TO_SCORE.iter().chain(OF_METRICS.iter()).chain(&OUTPUTS_AND_TEXTFILE)
}

/// Settings that control which readings are pulled and how they are scored.
static SOURCE_TO_SCORE: [Key; 31] = [
    Key::text(
        "source.url",
        "",
        Flag::new(Heading::Source, "url", "URL", "Prometheus-compatible server, such as http://127.0.0.1:9090")
            .common(),
        |text| ok(url(text)),
    )
    .of_shape(Shape::Url),
    Key::text(
        "source.http_config_file",
        "",
        Flag::new(
            Heading::Source,
            "http.config.file",
            "FILE",
            "Login, TLS, and proxy settings, in promtool's file format",
        )
        .common()
        .explained(
            "Login, TLS, and proxy settings in promtool's format (basic_auth, authorization, oauth2, tls_config, \
             proxy_url, http_headers)",
        ),
        |_| Ok(()),
    ),
    Key::text(
        "source.headers",
        "",
        Flag::new(Heading::Source, "header", "NAME: VALUE", "Header for all requests, such as 'X-Scope-OrgID: team-a'")
            .explained(
                "Header for all requests, such as 'X-Scope-OrgID: team-a'; repeatable. Secrets belong in the \
                 --http.config.file",
            ),
        |text| ok(PlainHeaders::parse(text)),
    )
    .of_shape(Shape::Headers),
    Key::text(
        "source.server",
        "auto",
        Flag::new(
            Heading::Source,
            "server",
            "KIND",
            "Kind of server: auto, prometheus, thanos, victoriametrics, mimir, or managed",
        ),
        |text| ok(text.parse::<ServerKind>()),
    ),
    Key::text(
        "source.http_method",
        "auto",
        Flag::new(Heading::Source, "http-method", "METHOD", "Method: auto (GET if POST is refused), post, or get"),
        |text| ok(text.parse::<HttpMethod>()),
    ),
    Key::text(
        "source.start",
        "now-7d",
        Flag::new(Heading::Range, "start", "TIME", "Start of the range, such as 2026-10-01 or now-30d")
            .common()
            .explained(
                "Start of the range: RFC 3339, a date, month or year (UTC), seconds since 1970, now, now-30d, or \
                 now-1d/d (midnight UTC)",
            ),
        |text| ok(instant(text)),
    ),
    Key::text(
        "source.end",
        "now",
        Flag::new(Heading::Range, "end", "TIME", "End of the range, exclusive; written like --start").common(),
        |text| ok(instant(text)),
    ),
    Key::text(
        "source.step",
        "1m",
        Flag::new(Heading::Range, "step", "DURATION", "Distance between evaluations, 1s to 1h").common().explained(
            "Distance between evaluations, whole seconds up to 1h. Rates look back --rate-window, so a longer step \
             misses part of the time",
        ),
        |text| ok(text.parse::<Step>()),
    ),
    Key::text(
        "source.preset",
        "",
        Flag::new(Heading::Source, "preset", "NAME", "Label layout of your installation, such as openshift")
            .common()
            .explained(
                "Label layout: kubeadm, kube-prometheus-stack, openshift, kubermatic, or rke2-k3s; sets default \
                 selector and labels",
            ),
        |text| if text.is_empty() { Ok(()) } else { ok(Preset::named(text)) },
    ),
    Key::text(
        "source.selector",
        "",
        Flag::new(Heading::Source, "selector", "MATCHERS", "Label matchers for all queries, such as 'job=\"etcd\"'")
            .common(),
        selector,
    ),
    Key::text(
        "source.series",
        "auto",
        Flag::new(Heading::Source, "series", "SERIES", "Series to read: auto, raw, or recorded").explained(
            "Series to read: raw (etcd's own), recorded (by recording rules), or auto (recorded where complete, else \
             raw)",
        ),
        |text| ok(text.parse::<SeriesForm>()),
    ),
    Key::text(
        "source.queries",
        "",
        Flag::new(Heading::Source, "queries", "DIR", "Folder of METRIC.promql files that replace built-in queries"),
        |_| Ok(()),
    ),
    Key::text(
        "source.rate_window",
        RATE_WINDOW,
        Flag::new(Heading::Source, "rate-window", "DURATION", "Window of rates, 1m to 1h: at least 3 scrapes long"),
        |text| ok(rate_window(text)),
    ),
    Key::text(
        "source.concurrency",
        "4",
        Flag::new(Heading::ServerLoad, "concurrency", "N", "Range queries at once, 1 to 64 (Prometheus allows 20)"),
        |text| ok(concurrency(text)),
    )
    .of_shape(Shape::Number),
    Key::text(
        "source.max_qps",
        "0",
        Flag::new(Heading::ServerLoad, "max-qps", "N", "Range queries per second at most, or 0 for no limit"),
        |text| ok(queries_a_second(text)),
    )
    .of_shape(Shape::Number),
    Key::text(
        "source.retries",
        "5",
        Flag::new(Heading::ServerLoad, "retries", "N", "Retries for transient failures, 0 to 100"),
        |text| ok(retries(text)),
    )
    .of_shape(Shape::Number),
    Key::text(
        "source.timeout",
        "5m",
        Flag::new(Heading::ServerLoad, "timeout", "DURATION", "Time limit for a whole response, 1s to 1h"),
        |text| ok(patience(text)),
    ),
    Key::text(
        "source.for_profiles",
        "",
        Flag::new(
            Heading::Source,
            "for-profiles",
            "NAMES",
            "Profiles to score with later; their limits are pulled too",
        ),
        |text| ok(profile_list(text)),
    )
    .of_shape(Shape::List),
    Key::text(
        "source.merge_members",
        "false",
        Flag::new(Heading::Source, "merge-members", "BOOL", "Merge different processes with one member name"),
        |text| ok(switch(text)),
    )
    .of_shape(Shape::Switch),
    Key::text(
        "labels.cluster",
        "",
        Flag::new(Heading::Source, "cluster-label", "LABELS", "Label of the cluster, or env,region")
            .defaulting_to("cluster, else job"),
        |text| if text.is_empty() { Ok(()) } else { ok(label_list(text)) },
    ),
    Key::text(
        "labels.member",
        "instance",
        Flag::new(Heading::Source, "member-label", "LABELS", "Label of the member, or node,port"),
        |text| ok(label_list(text)),
    ),
    Key::text(
        "score.profile",
        "seed",
        Flag::new(Heading::Scoring, "profile", "NAME", "Thresholds and weights, such as seed or mixin")
            .common()
            .explained(
                "Thresholds and weights: seed (the replaced Python script), etcd-faq (the FAQ), mixin (etcd's alerts), \
                 openshift (its alerts), or fleet (alerts proposed to etcd)",
            ),
        |text| ok(Profile::named(text)),
    ),
    Key::text(
        "score.weight",
        "",
        Flag::new(Heading::Scoring, "weight", "METRIC=SHARE", "Weight of one metric, such as wal_fsync=0.5").explained(
            "Weight of one metric, such as wal_fsync=0.5; the others share the rest in proportion. Repeatable",
        ),
        |text| ok(weight_list(text)),
    )
    .of_shape(Shape::List),
    Key::text(
        "bands",
        "",
        Flag::new(Heading::Scoring, "band", "METRIC=BANDS", "Bands of one metric, such as wal_fsync=0.02:5,0.05:0")
            .explained(
                "Points above a threshold, THRESHOLD:POINTS: wal_fsync=0.02:5,0.05:0, db_size=80%:0 (of its \
                 limit), or open_fds=none (always 10). Repeatable",
            ),
        |text| ok(band_list(text)),
    )
    .of_shape(Shape::PerMetric),
    Key::text(
        "score.without",
        "",
        Flag::new(Heading::Scoring, "without", "METRIC", "Leave out a metric; the others share its weight")
            .common()
            .listing(without_help),
        |text| ok(list::<Metric>(text)),
    )
    .of_shape(Shape::List),
    Key::text(
        "score.rollup",
        "worst",
        Flag::new(Heading::Scoring, "rollup", "ROLLUP", "Score of a cluster: worst, mean, or quorum")
            .common()
            .explained(
                "Score of a cluster: worst (its lowest member), mean (of its members), or quorum (reached by a \
                 majority)",
            ),
        |text| ok(text.parse::<Rollup>()),
    ),
    Key::text(
        "score.time_zone",
        "UTC",
        Flag::new(Heading::Scoring, "time-zone", "ZONE", "Time zone of days and hours")
            .common()
            .explained("Time zone of days and hours, such as Europe/Berlin"),
        |text| ok(text.parse::<Zone>()),
    ),
    Key::text(
        "score.cell",
        "1h",
        Flag::new(Heading::Scoring, "cell", "WIDTH", "Width of a cell: 15m, 30m, 1h, or 2h"),
        |text| ok(text.parse::<CellWidth>()),
    ),
    Key::text(
        "score.min_coverage",
        "0.5",
        Flag::new(Heading::Scoring, "min-coverage", "SHARE", "Cells with less coverage are marked uncertain")
            .explained("Cells with less coverage are uncertain, 0 to 1"),
        |text| ok(share(text)),
    )
    .of_shape(Shape::Number),
    Key::text(
        "score.fail_below",
        "0",
        Flag::new(Heading::Scoring, "fail-below", "SCORE", "For CI: exit with 3 if a cell of a cluster is below this")
            .common()
            .explained(
                "For CI: exit with 3 if a cell's mean is below SCORE, or a cluster's coverage below \
                 --min-coverage; 0 is off",
            ),
        |text| ok(lowest_score(text)),
    )
    .of_shape(Shape::Number),
    Key::text(
        "score.expect_members",
        "",
        Flag::new(Heading::Scoring, "expect-members", "N", "Members to expect, such as 3 or 3,edge=1"),
        |text| ok(expected_members(text)),
    )
    .of_shape(Shape::List),
];

/// Settings of the outputs and of `textfile`.
static OUTPUTS_AND_TEXTFILE: [Key; 8] = [
    Key::text(
        "output.dir",
        "",
        Flag::new(Heading::Output, "out", "DIR", "Folder to write to; created if missing").common(),
        |_| Ok(()),
    ),
    Key::text(
        "output.formats",
        "",
        Flag::new(Heading::Output, "formats", "FORMATS", "Outputs to write, such as csv,report")
            .common()
            .listing(formats_help)
            .defaulting_to("all"),
        |text| ok(text.parse::<Formats>()),
    )
    .with_default(Formats::default_text)
    .of_shape(Shape::List),
    Key::text(
        "output.retention",
        "15d",
        Flag::new(Heading::Output, "retention", "DURATION", "Retention of the target Prometheus; sets the block size")
            .explained(
                "Retention of the target Prometheus, such as 90d or 1y, or the URL from which to read it; sets the \
                 block size in openmetrics/",
            ),
        |text| ok(retention(text)),
    )
    .of_shape(Shape::Url),
    Key::text(
        "output.emit",
        "scores",
        Flag::new(Heading::Output, "emit", "SERIES", "Series to export, such as worst,points").explained(
            "Series to export besides etcd_score (scores): worst (cluster:etcd_score:worst), points (etcd_points)",
        ),
        |text| ok(families(text)),
    )
    .of_shape(Shape::List),
    Key::text(
        "output.labels",
        "",
        Flag::new(Heading::Output, "label", "NAME=VALUE", "Extra label for exported series, such as env=prod")
            .explained("Extra label for exported series, such as env=prod; repeatable"),
        |text| ok(extra_labels(text)),
    )
    .of_shape(Shape::List),
    Key::text(
        "textfile.every",
        "",
        Flag::new(
            Heading::Schedule,
            "every",
            "DURATION",
            "Repeat at every multiple of this, such as 15s, until stopped",
        )
        .common()
        .explained(
            "Repeat at every multiple of this, such as 15s (1s to 1h), until stopped; an evaluation that takes \
                 longer is canceled",
        ),
        |text| ok(every(text)),
    ),
    Key::text(
        "textfile.query_offset",
        "15s",
        Flag::new(
            Heading::Schedule,
            "query-offset",
            "DURATION",
            "Evaluate this far in the past, to allow for scrape delay",
        )
        .explained(
            "Evaluate this far in the past, to allow for scrape delay, 0s to 1h. If a scrape takes longer, the \
                 score misses samples that a backfill will see",
        ),
        |text| ok(offset(text)),
    ),
    Key::text(
        "textfile.max_age",
        "5m",
        Flag::new(Heading::Schedule, "max-age", "DURATION", "Keep the last scores this long while the server is away")
            .explained(
                "Keep the last scores this long while the server does not answer, 1s to 1d; after that, \
                 etcd_score_unknown is 1 for every member",
            ),
        |text| ok(age(text)),
    ),
];

/// The help of `--formats`: a line for each output.
fn formats_help() -> String {
    let lines: Vec<String> = OUTPUTS.iter().map(|o| format!("- {}: {}", o.name(), o.about())).collect();
    format!("Outputs to write, separated by commas\n{}", lines.join("\n"))
}

/// The help of `--without`, with the names of all metrics.
fn without_help() -> String {
    let metrics = Metric::ALL.map(|metric| metric.to_string()).join(", ");
    format!("Leave out a metric; the others share its weight. Repeatable: {metrics}")
}
