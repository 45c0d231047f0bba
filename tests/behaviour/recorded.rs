//! What Thanos and Mimir add to Prometheus's API, replayed from `exchanges/`.

use serde_json::{Value, json};

use crate::support::{Folder, Recorded, Run, Tree, assert_empty, assert_same, etcd_heatmap, simulated};

const DAY: [&str; 6] = ["--start", "2026-10-01", "--end", "2026-10-02", "--series", "raw"];
const TENANT: [&str; 2] = ["--header", "X-Scope-OrgID: team-a"];

fn server(exchanges: &[&str]) -> Recorded {
    Recorded::with(&simulated().prometheus, exchanges)
}

fn pull(url: &str, folder: &Folder, flags: &[&str]) -> Run {
    etcd_heatmap(&[&["pull", "--url", url, "--out", &folder.at("audit")][..], &DAY, flags].concat())
}

fn manifest(folder: &Folder) -> Value {
    serde_json::from_str(&folder.text("audit/manifest.json")).expect("the manifest is JSON")
}

/// Readings as text: the files themselves also name the server.
fn readings(folder: &Folder) -> Tree {
    let out = folder.at("audit");
    etcd_heatmap(&["score", "--quiet", &out]).succeeds();
    folder.tree("audit").into_iter().filter(|(name, _)| name.ends_with(".csv") || name.ends_with(".om")).collect()
}

/// What the Prometheus behind gives without anybody in between.
fn undisturbed() -> Tree {
    let folder = Folder::new("not-recorded");
    pull(&simulated().url(), &folder, &["--quiet"]).succeeds();
    readings(&folder)
}

#[test]
fn check_names_thanos_and_mimir_below_their_path_prefixes() {
    for (exchanges, prefix, flags, name) in [
        (
            &["thanos/buildinfo", "thanos/runtimeinfo", "thanos/stores", "thanos/whole"][..],
            "/thanos",
            &[][..],
            "Thanos 0.42.4",
        ),
        (&["mimir/buildinfo", "mimir/whole"], "/prometheus", &TENANT, "Grafana Mimir 2.17.0"),
    ] {
        let server = server(exchanges);
        let url = server.url(prefix);
        let run = etcd_heatmap(&[&["check", "--url", &url][..], &DAY, flags].concat()).succeeds();
        let line = format!("server   {name} at {url}, retention not reported");
        assert_eq!(run.stdout.lines().next(), Some(&*line));
        server.took_place();
    }
}

#[test]
fn an_unavailable_thanos_store_fails_the_day_unless_partial_data_is_allowed() {
    let (away, folder) =
        (server(&["thanos/buildinfo", "thanos/stores", "thanos/store_is_away"]), Folder::new("thanos"));
    let refused = pull(&away.url("/thanos/"), &folder, &["--quiet", "--retries", "1"]);
    refused.fails_saying(&["partial data", "10.0.0.7:10901", "--allow-partial", "(tried 2 times)"]);
    assert_empty(&folder, "audit");
    away.took_place();

    let part = server(&["thanos/buildinfo", "thanos/stores", "thanos/partial"]);
    let run = pull(&part.url("/thanos"), &folder, &["--allow-partial"]).succeeds();
    assert_eq!(
        run.stderr.matches("warning from the server: receive series from Addr: 10.0.0.7:10901").count(),
        1,
        "{run:?}"
    );
    assert_eq!(manifest(&folder)["days_partial"], json!(["2026-10-01"]));
    part.took_place();

    let (whole, folder) = (server(&["thanos/buildinfo", "thanos/stores", "thanos/whole"]), Folder::new("thanos-whole"));
    pull(&whole.url("/thanos"), &folder, &["--quiet"]).succeeds();
    assert_eq!(manifest(&folder)["days_partial"], Value::Null);
    assert_same(&undisturbed(), &readings(&folder));
    whole.took_place();
}

#[test]
fn the_error_of_mimir_without_a_tenant_explains_the_header() {
    for retries in ["0", "5"] {
        let (nobody, folder) = (server(&["mimir/no_tenant"]), Folder::new("mimir-nobody"));
        let run = pull(&nobody.url("/prometheus"), &folder, &["--quiet", "--retries", retries]);
        run.fails_saying(&["401", "tenant", "--header 'X-Scope-OrgID: ", "--http.config.file"]);
        assert_empty(&folder, "audit");
        nobody.took_place();
    }
    let (somebody, folder) = (server(&["mimir/whole"]), Folder::new("mimir"));
    pull(&somebody.url("/prometheus"), &folder, &[&TENANT[..], &["--quiet"]].concat()).succeeds();
    assert_same(&undisturbed(), &readings(&folder));
    somebody.took_place();
}

#[test]
fn limits_of_mimir_and_thanos_shrink_windows_without_changing_readings() {
    let expected = undisturbed();
    for (limit, whole, prefix, flags) in [
        ("mimir/max_chunks_per_query", "mimir/whole", "/prometheus", &TENANT[..]),
        ("mimir/max_query_length", "mimir/whole", "/prometheus", &TENANT),
        ("mimir/max_total_query_length", "mimir/whole", "/prometheus", &TENANT),
        ("thanos/chunks_limit", "thanos/whole", "/thanos", &[]),
    ] {
        // Only a Thanos that is identified gets its parameter `partial_response`.
        let identity = if prefix == "/thanos" { &["thanos/buildinfo", "thanos/stores"][..] } else { &[] };
        let (server, folder) = (server(&[identity, &[limit, whole]].concat()), Folder::new("recorded-limits"));
        let run = pull(&server.url(prefix), &folder, flags).succeeds();
        assert!(run.stderr.contains("windows were halved "), "{limit}: {run:?}");
        assert_same(&expected, &readings(&folder));
        server.took_place();
    }
}

#[test]
fn a_full_queue_of_mimir_is_retried() {
    let (server, folder) = (server(&["mimir/too_many_requests", "mimir/whole"]), Folder::new("mimir-queue"));
    let run = pull(&server.url("/prometheus"), &folder, &TENANT).succeeds();
    assert!(run.stderr.contains("queries were retried 3 times"), "{run:?}");
    assert_same(&undisturbed(), &readings(&folder));
    server.took_place();
}
