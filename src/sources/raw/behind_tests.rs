#![expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]

use super::super::tests::Memory;
use super::*;
use crate::sources::promql::stale_marker;

const MINUTE_MS: i64 = 60_000;

fn behind(metric: Metric, form: &str, promql: &str) -> Result<Behind, String> {
    Behind::of(metric, &QuerySource { form: form.to_owned(), promql: promql.to_owned() }, None, "instance")
}

/// The query of a column in one of its forms, as a history stores it.
fn stored(metric: Metric, form: &str) -> Behind {
    let set = QuerySet::load(None, "job=\"etcd\"", None, "instance").unwrap();
    behind(metric, form, &set.text(metric.into(), form, "")).unwrap()
}

fn texts(selectors: &[Selector]) -> Vec<String> {
    selectors.iter().map(Selector::to_string).collect()
}

#[test]
fn every_form_of_a_query_leads_to_the_same_samples() {
    for (metric, name, computes, window_ms) in [
        (Metric::WalFsync, "etcd_disk_wal_fsync_duration_seconds_bucket", Computes::Quantile(0.99), 5 * MINUTE_MS),
        (Metric::ClientTrafficIn, "etcd_network_client_grpc_received_bytes_total", Computes::Increase, 5 * MINUTE_MS),
        (Metric::LeaderChanges, "etcd_server_leader_changes_seen_total", Computes::Changes, 1440 * MINUTE_MS),
        (Metric::OpenFds, "process_open_fds", Computes::Last, 5 * MINUTE_MS),
    ] {
        for form in ["raw", "recorded", "native", "wide"] {
            let behind = stored(metric, form);
            assert_eq!(texts(&behind.read(&[Vec::new()])), [format!("{name}{{job=\"etcd\"}}")], "{metric} {form}");
            assert_eq!((behind.computes(), behind.window_ms()), (computes, window_ms), "{metric} {form}");
            assert_eq!(behind.is_recorded, form == "recorded");
        }
    }
    assert_eq!(stored(Metric::DbSize, "raw").names().len(), 2);
    assert_eq!(stored(Metric::OpenFds, "raw").filters(), ["etcd_server_has_leader"]);
    let reason = behind(Metric::DbSize, "raw", "avg_over_time(x[5m])").unwrap_err();
    assert!(reason.contains("avg_over_time"), "{reason}");
}

#[test]
fn series_that_only_filter_are_pinned_by_the_labels_that_match() {
    let pin = |label: &str, value: &str| (label.to_owned(), value.to_owned());
    let pins = [vec![pin("cluster", "c"), pin("instance", "a")]];
    let filtered = behind(Metric::OpenFds, "raw", "m{} and on (instance) has_leader{}").unwrap();
    let needed = ["m{cluster=\"c\",instance=\"a\"}", "has_leader{instance=\"a\"}"];
    assert_eq!(texts(&filtered.needed(&pins)), needed);
    assert_eq!(texts(&filtered.read(&pins)), needed[..1]);
}

/// What `etcd_mvcc… or etcd_debugging…` and `… and on (…) has_leader` return.
#[test]
fn the_series_of_a_member_are_those_that_the_query_returns() {
    let mut store = Memory::default();
    let sample = [(MINUTE_MS, 1.0)];
    for series in [
        "new job=etcd instance=a",
        "old job=etcd instance=a",
        "old job=etcd instance=b",
        "fds job=etcd instance=a",
        "fds job=node instance=a",
        "has_leader job=etcd instance=a",
    ] {
        store.add(series, sample);
    }
    let shown = |query: &str, member: &Member| {
        let behind = behind(Metric::DbSize, "raw", query).unwrap();
        let needed = behind.needed(&[Vec::new()]);
        let all = samples_until(&store, &needed, MINUTE_MS, MINUTE_MS, Version::default()).unwrap();
        let naming = NamingLabels::new(None, "instance");
        behind.of_member(&all, &naming, member).into_iter().map(Sampled::shown).collect::<Vec<_>>()
    };
    let (a, b) = (Member::new("etcd", "a"), Member::new("etcd", "b"));
    assert_eq!(shown("new{} or old{}", &a), ["new{instance=\"a\", job=\"etcd\"}"]);
    assert_eq!(shown("new{} or old{}", &b), ["old{instance=\"b\", job=\"etcd\"}"]);
    let filtered = "fds{} and on (job, instance) has_leader{}";
    assert_eq!(shown(filtered, &a), ["fds{instance=\"a\", job=\"etcd\"}"]);
    assert!(shown(filtered, &Member::new("node", "a")).is_empty());
}

/// Prometheus 2 counts a sample at the start of the window, Prometheus 3 does not; neither counts staleness markers.
#[test]
fn a_window_has_the_samples_of_a_range_selector() {
    let mut store = Memory::default();
    store.add("m instance=a", [(0, 1.0), (1, 2.0), (MINUTE_MS, 3.0), (MINUTE_MS + 1, 4.0)]);
    store.add("m instance=b", [(1, 1.0), (2, stale_marker())]);
    store.add("m instance=c", [(2, stale_marker())]);
    let selector = Selector { name: "m".to_owned(), matchers: Vec::new() };
    let times = |version: &str| {
        let version = version.parse().unwrap();
        let all = samples_until(&store, std::slice::from_ref(&selector), MINUTE_MS, MINUTE_MS, version).unwrap();
        all.into_iter().map(|one| one.samples.times_ms).collect::<Vec<_>>()
    };
    assert_eq!(times("2.42"), [vec![0, 1, MINUTE_MS], vec![1]]);
    assert_eq!(times("3.0"), [vec![1, MINUTE_MS], vec![1]]);
    let has = |name: &str, range: Range<i64>| has_series(&store, &[selector.renamed(name)], &range).unwrap();
    assert!(has("m", 0..1) && !has("m", MINUTE_MS + 2..MINUTE_MS + 9) && !has("n", 0..1));
}

#[test]
fn a_lost_span_matters_if_it_is_in_the_window() {
    let behind = stored(Metric::ClientTrafficIn, "raw");
    let lost = |first_ms, last_ms, from: &str| LostSpan { first_ms, last_ms, from_metric: from.to_owned() };
    let at_ms = 10 * MINUTE_MS;
    assert!(behind.lacks(&lost(0, 5 * MINUTE_MS, ""), at_ms));
    assert!(!behind.lacks(&lost(0, 5 * MINUTE_MS - 1, ""), at_ms));
    assert!(!behind.lacks(&lost(at_ms + 1, i64::MAX, ""), at_ms));
    assert!(!behind.lacks(&lost(0, i64::MAX, "etcd_server"), at_ms));
}
