//! Settings that choose the readings to pull: server, range, series, labels.

use super::{Flag, Key, Shape};
use crate::config::Heading;
use crate::config::parse::{
    concurrency, instant, label_list, ok, patience, profile_list, queries_a_second, rate_window, replica, retries,
    selector, switch, tenants, url,
};
use crate::sources::prometheus::{
    EvidenceMode, HttpMethod, PlainHeaders, Preset, RATE_WINDOW, ReadMode, SeriesForm, ServerKind,
};
use crate::sources::promql::Version;
use crate::time::Step;

pub(super) static SOURCE: [Key; 27] = [
    Key::text(
        "source.url",
        "",
        Flag::new(Heading::Source, "url", "URL", "Prometheus-compatible server, such as http://127.0.0.1:9090")
            .common(),
        |text| ok(url(text)),
    )
    .of_shape(Shape::Url),
    Key::text(
        "source.from",
        "",
        Flag::new(Heading::Source, "from", "PATH", "Data directory, archive, dump, or bucket instead of a server")
            .common(),
        |_| Ok(()),
    ),
    Key::text(
        "source.read",
        "promql",
        Flag::new(Heading::Source, "read", "WAY", "Read --url by promql, raw (remote read), or auto"),
        |text| ok(text.parse::<ReadMode>()),
    ),
    Key::text(
        "source.promql",
        "3",
        Flag::new(Heading::Source, "promql", "VERSION", "Compute --from as this Prometheus version does"),
        |text| ok(text.parse::<Version>()),
    ),
    Key::text(
        "source.replica",
        "",
        Flag::new(Heading::Source, "replica", "LABEL=VALUE", "Read only the blocks of this replica, such as replica=a"),
        |text| ok(replica(text)),
    ),
    Key::text(
        "source.http_config_file",
        "",
        Flag::new(
            Heading::Source,
            "http.config.file",
            "FILE",
            "Login, TLS, and proxy settings, in promtool's file format",
        )
        .common(),
        |_| Ok(()),
    ),
    Key::text(
        "source.headers",
        "",
        Flag::new(
            Heading::Source,
            "header",
            "NAME: VALUE",
            "Header, such as 'X-Scope-OrgID: team-a'; no secrets; repeatable",
        ),
        |text| ok(PlainHeaders::parse(text)),
    )
    .of_shape(Shape::Headers),
    Key::text(
        "source.tenant",
        "",
        Flag::new(Heading::Source, "tenant", "NAMES", "Tenants of Mimir or Cortex, such as team-a,team-b"),
        |text| ok(tenants(text)),
    )
    .of_shape(Shape::List),
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
        Flag::new(Heading::Source, "series", "SERIES", "Series: raw, recorded, auto (recorded if complete)"),
        |text| ok(text.parse::<SeriesForm>()),
    ),
    Key::text(
        "source.queries",
        "",
        Flag::new(Heading::Source, "queries", "DIR", "Folder of METRIC.promql files that replace built-in queries"),
        |_| Ok(()),
    ),
    Key::text(
        "source.evidence",
        "auto",
        Flag::new(Heading::Source, "evidence", "WHICH", "Pull series that show causes: auto, all, or none"),
        |text| ok(text.parse::<EvidenceMode>()),
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
            "Profiles to score with later: pull their quota or max_fds too",
        ),
        |text| ok(profile_list(text)),
    )
    .of_shape(Shape::List),
    Key::text(
        "source.merge_members",
        "false",
        Flag::new(Heading::Source, "merge-members", "BOOL", "Merge processes that share a member name"),
        |text| ok(switch(text)),
    )
    .of_shape(Shape::Switch),
    Key::text(
        "labels.cluster",
        "",
        Flag::new(Heading::Source, "cluster-label", "LABELS", "Cluster labels, such as env,region")
            .defaulting_to("cluster, else job"),
        |text| if text.is_empty() { Ok(()) } else { ok(label_list(text)) },
    ),
    Key::text(
        "labels.member",
        "instance",
        Flag::new(Heading::Source, "member-label", "LABELS", "Member labels, such as node,port"),
        |text| ok(label_list(text)),
    ),
];
