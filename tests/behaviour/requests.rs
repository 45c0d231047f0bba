//! What is sent to a server: the whole form, and no step twice.

use std::collections::BTreeMap;

use chrono::Utc;

use crate::support::{DAY, Doorman, Folder, Metrics, START, etcd_heatmap, prometheus_of};

/// By hand, from `queries/db_size.promql` without a selector.
const DB_SIZE: &str = "etcd_mvcc_db_total_size_in_bytes{} or etcd_debugging_mvcc_db_total_size_in_bytes{}";

/// Every metric but db_size; only the raw form, at the usual step, and with a timeout of its own.
const FLAGS: [&str; 14] = [
    "--without",
    "wal_fsync",
    "--without",
    "backend_commit",
    "--without",
    "open_fds",
    "--without",
    "leader_changes",
    "--without",
    "client_traffic_in",
    "--series",
    "raw",
    "--timeout",
    "77s",
];

/// The forms of all requests to this path that are about the size of the database.
fn forms(doorman: &Doorman, path: &str) -> Vec<BTreeMap<String, String>> {
    let start = format!("POST {path} HTTP/1.1\r\n");
    let sent = doorman.seen().into_iter().filter(|request| request.starts_with(&start));
    let form = |request: String| {
        let (_, body) = request.split_once("\r\n\r\n").expect("a whole request");
        let fields: Vec<_> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
        let form: BTreeMap<_, _> = fields.iter().cloned().collect();
        assert_eq!(form.len(), fields.len(), "a field is sent twice: {fields:?}");
        form
    };
    sent.map(form).filter(|form| form["query"] == DB_SIZE).collect()
}

fn form(fields: &[(&str, &str)]) -> BTreeMap<String, String> {
    fields.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[test]
fn queries_carry_the_parameters_that_make_the_kind_of_server_answer_like_prometheus() {
    let mut metrics = Metrics::default();
    metrics.member("job=\"etcd\",instance=\"a\"", START..START + DAY);
    let prometheus = prometheus_of(&metrics.text());
    let (start, last) = (START.to_string(), (START + DAY - 60).to_string());
    let always = [("query", DB_SIZE), ("timeout", "77s")];
    // VictoriaMetrics: no filled gaps, and none from a cache.
    let victoria = [("max_lookback", "5m"), ("nocache", "1")];
    let whole = [&victoria[..], &[("deny_partial_response", "1")]].concat();
    // Thanos: no downsampled samples.
    let thanos = |partial| [("max_source_resolution", "0s"), ("partial_response", partial)];
    for (flags, more) in [
        (&[][..], &[][..]),
        (&["--allow-partial"], &[]),
        (&["--server", "managed"], &[]),
        (&["--server", "victoriametrics"], &whole),
        (&["--server", "victoriametrics", "--allow-partial"], &victoria),
        (&["--server", "thanos"], &thanos("false")),
        (&["--server", "thanos", "--allow-partial"], &thanos("true")),
    ] {
        let doorman = Doorman::before(prometheus.server().port(), |_| None);
        let folder = Folder::new("form");
        let pull = ["pull", "--quiet", "--url", &doorman.url(""), "--out", &folder.at("audit")];
        let day = ["--start", "2026-10-01", "--end", "2026-10-02", "--step", "1m"];
        etcd_heatmap(&[&pull[..], &day, &FLAGS, flags].concat()).succeeds();
        let sent: Vec<_> =
            forms(&doorman, "/api/v1/query_range").into_iter().filter(|form| form["step"] == "60").collect();
        let range = [("start", &*start), ("end", &last), ("step", "60")];
        assert_eq!(sent, [form(&[&always[..], more, &range].concat())], "{flags:?}");

        // There is nothing to be found now, and it was asked for all the same.
        let before = Utc::now().timestamp();
        let textfile = ["textfile", "--quiet", "--url", &doorman.url(""), "--query-offset", "20s"];
        etcd_heatmap(&[&textfile[..], &FLAGS, flags].concat()).fails_saying(&["none of etcd's six metrics"]);
        let after = Utc::now().timestamp();
        let sent = forms(&doorman, "/api/v1/query");
        let time = sent.first().expect("it was sent")["time"].clone();
        let at: i64 = time.parse().expect("whole seconds");
        assert!((before - 20..=after - 20).contains(&at), "{at} is not 20 s before {before} to {after}");
        assert_eq!(sent, [form(&[&always[..], more, &[("time", &time)]].concat())], "{flags:?}");
    }
}
