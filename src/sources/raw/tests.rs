#![expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::ops::Range;

use super::evaluate::{Element, Evaluation};
use super::parse::parse;
use super::store::{Label, LostSpan, METRIC_NAME, SampleStore, Sighted, label_of};
use super::{Choice, RawError, RawWanted, Rules, choose, extent, metric_names, require_selector};
use crate::readings::{Member, NamingLabels, Origin, ReadingSource, Source};
use crate::sources::prometheus::{QuerySet, SeriesForm, Wanted};
use crate::sources::promql::Version;
use crate::sources::tsdb::block::Samples;
use crate::spec::{Column, Companion, Metric};
use crate::time::{HOUR_MS, Step, TimeRange, UtcDay};

const MINUTE_MS: i64 = 60_000;

/// Series in memory, sorted by labels.
#[derive(Debug, Default)]
pub(super) struct Memory {
    series: BTreeMap<Vec<Label>, Samples>,
    lost: Vec<LostSpan>,
}

impl Memory {
    /// Adds a series: `text` is a name and labels such as `up job=etcd`.
    pub(super) fn add(&mut self, text: &str, samples: impl IntoIterator<Item = (i64, f64)>) {
        let mut words = text.split(' ');
        let name = (METRIC_NAME.into(), words.next().unwrap().into());
        let others = words.map(|word| word.split_once('=').unwrap()).map(|(name, value)| (name.into(), value.into()));
        let mut labels: Vec<Label> = [name].into_iter().chain(others).collect();
        labels.sort();
        let (times_ms, values) = samples.into_iter().unzip();
        self.series.insert(labels, Samples { times_ms, values });
    }

    /// A member with all six metrics and a start time, scraped once a minute.
    fn member(&mut self, labels: &str, minutes: Range<i64>) {
        let at = |value: fn(i64) -> f64| minutes.clone().map(move |minute| (minute * MINUTE_MS, value(minute)));
        for name in ["etcd_disk_wal_fsync_duration_seconds_bucket", "etcd_disk_backend_commit_duration_seconds_bucket"]
        {
            for le in ["0.008", "+Inf"] {
                self.add(&format!("{name} {labels} le={le}"), at(|minute| (10 * minute) as f64));
            }
        }
        self.add(&format!("etcd_server_leader_changes_seen_total {labels}"), at(|_| 1.0));
        self.add(&format!("etcd_network_client_grpc_received_bytes_total {labels}"), at(|minute| (60 * minute) as f64));
        self.add(&format!("etcd_mvcc_db_total_size_in_bytes {labels}"), at(|_| 5e6));
        self.add(&format!("etcd_server_has_leader {labels}"), at(|_| 1.0));
        self.add(&format!("process_open_fds {labels}"), at(|_| 50.0));
        self.add(&format!("process_start_time_seconds {labels}"), at(|_| 7.0));
    }
}

impl SampleStore for Memory {
    type Error = Infallible;
    type Series = Vec<Label>;

    fn series(&self, names: &[&str], _: &Range<i64>) -> Result<Vec<Vec<Label>>, Infallible> {
        let is_named = |labels: &&Vec<Label>| names.contains(&label_of(labels, METRIC_NAME).unwrap());
        Ok(self.series.keys().filter(is_named).cloned().collect())
    }

    fn labels<'a>(&'a self, series: &'a Vec<Label>) -> &'a [Label] {
        series
    }

    fn samples(&self, series: &Vec<Label>, range_ms: &Range<i64>) -> Result<Samples, Infallible> {
        let inside = self.series[series].iter().filter(|(at, _)| range_ms.contains(at));
        let (times_ms, values) = inside.unzip();
        Ok(Samples { times_ms, values })
    }

    fn survey(&self, names: &[&str], range_ms: &Range<i64>) -> Result<Vec<Sighted>, Infallible> {
        let sighted = |labels: Vec<Label>| {
            let samples = self.samples(&labels, range_ms).unwrap();
            let (first_ms, last_ms) = (*samples.times_ms.first()?, *samples.times_ms.last()?);
            Some(Sighted { labels, first_ms, last_ms, bytes: samples.len() as u64 })
        };
        Ok(self.series(names, range_ms)?.into_iter().filter_map(sighted).collect())
    }

    fn lost(&self) -> &[LostSpan] {
        &self.lost
    }

    fn bytes_read(&self) -> u64 {
        0
    }

    fn notes(&self) -> Vec<String> {
        Vec::new()
    }
}

fn evaluated(store: &Memory, query: &str, minutes: Range<i64>) -> Vec<String> {
    let (query, times_ms) = (parse(query).unwrap(), minutes.map(|minute| minute * MINUTE_MS).collect::<Vec<_>>());
    let evaluation = Evaluation::prepare(store, [&query].into_iter(), &times_ms, Version::default()).unwrap();
    let shown = |Element { labels, values }: Element| {
        let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let values: Vec<String> =
            values.iter().map(|value| value.map_or("-".to_owned(), |value| value.to_string())).collect();
        format!("{}: {}", labels.join(" "), values.join(" "))
    };
    evaluation.evaluate(&query).unwrap().into_iter().map(shown).collect()
}

fn samples(values: &[(i64, f64)]) -> Vec<(i64, f64)> {
    values.iter().map(|(minute, value)| (minute * MINUTE_MS, *value)).collect()
}

#[test]
fn or_takes_what_the_left_side_lacks_by_all_labels_but_the_name() {
    let mut store = Memory::default();
    store.add("new i=a", samples(&[(10, 1.0), (11, 1.0)]));
    store.add("old i=a", (0..12).map(|minute| (minute * MINUTE_MS, 2.0)));
    store.add("old i=b", samples(&[(8, 3.0), (9, 3.0)]));
    let found = evaluated(&store, "new or old", 8..12);
    assert_eq!(found, ["__name__=new i=a: - - 1 1", "__name__=old i=a: 2 2 - -", "__name__=old i=b: 3 3 3 3"]);
}

#[test]
fn and_on_keeps_what_has_a_match_at_the_same_time() {
    let mut store = Memory::default();
    for instance in ["a", "b", "c"] {
        store.add(&format!("fds i={instance} job=x"), (0..12).map(|minute| (minute * MINUTE_MS, 2.0)));
    }
    store.add("leader i=a job=y", samples(&[(0, 1.0), (6, 1.0)]));
    store.add("leader i=b job=y", samples(&[(20, 1.0)]));
    let found = evaluated(&store, "fds and on (i) leader", 3..9);
    assert_eq!(found, ["__name__=fds i=a job=x: 2 2 - 2 2 2"]);
    assert!(evaluated(&store, "fds and on (i, job) leader", 3..9).is_empty());
}

#[test]
fn a_quantile_adds_up_the_series_of_a_bucket_and_drops_other_labels() {
    let mut store = Memory::default();
    let counter = |step: f64| (0..12).map(move |minute| (minute * MINUTE_MS, minute as f64 * step));
    for replica in ["0", "1"] {
        store.add(&format!("b i=a le=0.5 replica={replica}"), counter(30.0));
        store.add(&format!("b i=a le=+Inf replica={replica}"), counter(60.0));
    }
    store.add("b i=a le=low", counter(1.0));
    store.add("b i=a", counter(1.0));
    let found = evaluated(&store, "histogram_quantile(0.25, sum by (i, le) (rate(b[5m])))", 6..8);
    assert_eq!(found, ["i=a: 0.25 0.25"]);
}

fn wanted(range: TimeRange) -> RawWanted {
    let limits = vec![(Metric::DbSize, Companion::Quota)];
    let wanted = Wanted { limits, ..Wanted::default() };
    RawWanted { wanted, form: SeriesForm::Auto, range, name: "/data".to_owned(), leaves_out_absent: false }
}

fn rules() -> Rules {
    let naming = NamingLabels::new(None, "instance");
    let step = Step::from_millis(MINUTE_MS).unwrap();
    Rules { naming, selector: String::new(), version: Version::default(), is_version_chosen: false, step }
}

fn chosen(store: &Memory, wanted: &RawWanted) -> Result<Choice<Infallible>, RawError<Infallible>> {
    choose(store, &QuerySet::load(None, "", None, "instance").unwrap(), &rules(), wanted)
}

fn hours(count: i64) -> TimeRange {
    TimeRange { start_ms: 0, end_ms: count * HOUR_MS }
}

#[test]
fn the_days_without_series_are_left_out_and_the_members_are_counted() {
    let mut store = Memory::default();
    store.member("cluster=c instance=a", 1500..1600);
    store.member("cluster=c instance=b", 1500..1550);
    store.add("etcd_server_quota_backend_bytes cluster=c instance=a", [(1520 * MINUTE_MS, 1e9)]);
    store.add("process_open_fds cluster=c instance=node-exporter", [(1520 * MINUTE_MS, 9.0)]);
    let choice = chosen(&store, &wanted(hours(24 * 9))).unwrap().complete().unwrap();
    // From the day of the first sample to the day after the last one.
    assert_eq!(choice.kept, TimeRange { start_ms: 24 * HOUR_MS, end_ms: 72 * HOUR_MS });
    let fds = choice.seen.iter().find(|seen| seen.column == Metric::OpenFds.into()).unwrap();
    let members = ["a", "b"].map(|name| Member::new("c", name));
    assert_eq!((fds.form, fds.members.iter().cloned().collect::<Vec<_>>()), ("raw", members.to_vec()));
    assert_eq!(fds.span_ms, Some((1500 * MINUTE_MS, 1599 * MINUTE_MS)));
    assert_eq!(fds.distance.unwrap().to_string(), "60 s");
    let names: Vec<&str> = choice.queries.keys().map(String::as_str).collect();
    let metrics = Metric::ALL.map(Metric::name);
    let mut expected = [&metrics[..], &["quota", "start_time"]].concat();
    expected.sort_unstable();
    assert_eq!(names, expected);
}

#[test]
fn what_is_missing_has_a_sentence_of_its_own() {
    let mut store = Memory::default();
    let range = wanted(hours(24));
    assert!(matches!(chosen(&store, &range), Err(RawError::Nothing { .. })));
    store.member("cluster=c instance=a", 0..60);
    let problem = |store: &Memory| chosen(store, &range).unwrap().complete().unwrap_err().to_string();
    assert!(problem(&store).contains("no series of quota"), "{}", problem(&store));
    store.add("etcd_server_quota_backend_bytes cluster=c instance=a", [(0, 1e9)]);
    chosen(&store, &range).unwrap().complete().unwrap();
    let without = |name: &str, store: &mut Memory| {
        store.series.retain(|labels, _| label_of(labels, METRIC_NAME).is_none_or(|own| !own.starts_with(name)));
    };
    without("etcd_disk_wal", &mut store);
    assert!(problem(&store).starts_with("no series of wal_fsync from "), "{}", problem(&store));
    store.add("etcd_disk_wal_fsync_duration_seconds cluster=c instance=a", [(0, 1.0)]);
    assert!(problem(&store).starts_with("wal_fsync exists as native histograms only"), "{}", problem(&store));
    for le in ["1", "+Inf"] {
        let name = format!("etcd_disk_wal_fsync_duration_seconds_bucket cluster=c instance=a le={le}");
        store.add(&name, (0..6).map(|at| (at * 10 * MINUTE_MS, at as f64)));
    }
    let advice = "wal_fsync has no value: scraped every 10 min: rate[5m] never sees two samples; use --rate-window 30m";
    assert!(problem(&store).starts_with(advice), "{}", problem(&store));
    without("etcd_disk_wal", &mut store);
    let lenient = RawWanted { leaves_out_absent: true, ..range.clone() };
    let choice = chosen(&store, &lenient).unwrap().complete().unwrap();
    assert_eq!(choice.absent, [Metric::WalFsync]);
}

#[test]
fn targets_without_a_leader_metric_are_found_in_the_wide_form() {
    let mut store = Memory::default();
    store.member("cluster=c instance=a", 0..60);
    store.member("cluster=c instance=b", 0..60);
    let leader = vec![
        (METRIC_NAME.into(), "etcd_server_has_leader".into()),
        ("cluster".into(), "c".into()),
        ("instance".into(), "b".into()),
    ];
    store.series.remove(&leader).unwrap();
    store.add("etcd_server_quota_backend_bytes cluster=c instance=a", [(0, 1e9)]);
    let choice = chosen(&store, &wanted(hours(24))).unwrap().complete().unwrap();
    assert_eq!(choice.queries["open_fds"].form, "wide");
    assert_eq!(choice.queries["db_size"].form, "raw");
}

#[test]
fn recorded_series_are_used_where_raw_ones_are_missing() {
    let mut store = Memory::default();
    store.add("job:process_open_fds:clone cluster=c instance=a", (0..60).map(|at| (at * MINUTE_MS, 5.0)));
    let left_out = Metric::ALL.into_iter().filter(|metric| *metric != Metric::OpenFds).collect();
    let range = RawWanted { wanted: Wanted { left_out, ..Wanted::default() }, ..wanted(hours(24)) };
    let choice = chosen(&store, &range).unwrap().complete().unwrap();
    assert_eq!(choice.queries["open_fds"].form, "recorded");
    let raw = RawWanted { form: SeriesForm::Raw, ..range };
    assert!(matches!(chosen(&store, &raw), Err(RawError::Nothing { .. })));
}

#[test]
fn a_window_has_the_readings_of_all_members_and_none_that_depend_on_lost_samples() {
    let mut store = Memory::default();
    store.member("cluster=c instance=a", 0..60);
    store.add("etcd_server_quota_backend_bytes cluster=c instance=a", [(0, 1e9)]);
    store.lost.push(LostSpan { first_ms: 20 * MINUTE_MS, last_ms: 21 * MINUTE_MS, from_metric: String::new() });
    let choice = chosen(&store, &wanted(hours(24))).unwrap().complete().unwrap();
    let description = |queries| Source {
        origin: Origin::named("tsdb", "/data").computed_as("3.0"),
        step_seconds: 60,
        cluster_label: None,
        member_label: "instance".to_owned(),
        queries,
    };
    let source = choice.into_source(store, rules(), description);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let parts = source.parts(hours(24));
    assert_eq!(parts, [(UtcDay::of(0), hours(24))]);
    let window = runtime.block_on(source.read(parts[0].1)).unwrap();
    assert_eq!(window.members(), [Member::new("c", "a")]);
    let known = |column: Column| -> Vec<usize> {
        let row = window.row(column, 0);
        (0..row.len()).filter(|step| !row[*step].is_nan()).collect()
    };
    // A gauge is known for less than 5 minutes after a sample, and unknown as long after the lost samples.
    let expected: Vec<usize> = (0..20).chain(27..64).collect();
    assert_eq!(known(Metric::DbSize.into()), expected);
    // A day after the lost samples, leader changes are still unknown.
    assert_eq!(known(Metric::LeaderChanges.into()), (0..20).collect::<Vec<_>>());
    assert_eq!(window.row(Metric::ClientTrafficIn, 0)[10], 1.0);
    // The day counts as partial, so that a later pull reads it again.
    assert_eq!(window.partial().steps().as_slice(), std::slice::from_ref(&(20..1440)));
    let identity = runtime.block_on(source.identity(hours(24)));
    assert!(identity.notes.is_empty() && identity.mixed.is_none(), "{:?}", identity.notes);
}

#[test]
fn two_processes_under_one_name_are_found_and_two_replicas_only_noted() {
    let both = |starts: [f64; 2], label: &str| {
        let mut store = Memory::default();
        for (at, start) in starts.into_iter().enumerate() {
            let labels = format!("cluster=c instance=a {label}={at}");
            store.member(&labels, 0..600);
            let times = (0..600).map(|minute| (minute * MINUTE_MS, start));
            store.add(&format!("process_start_time_seconds {labels}"), times);
        }
        store.add("etcd_server_quota_backend_bytes cluster=c instance=a", [(0, 1e9)]);
        let choice = chosen(&store, &wanted(hours(10))).unwrap().complete().unwrap();
        let description = |queries| Source {
            origin: Origin::named("tsdb", "/data"),
            step_seconds: 60,
            cluster_label: None,
            member_label: "instance".to_owned(),
            queries,
        };
        let source = choice.into_source(store, rules(), description);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(source.identity(hours(10)))
    };
    let mixed = both([7.0, 9_000.0], "env").mixed.unwrap().to_string();
    assert!(mixed.contains("env"), "{mixed}");
    let replicas = both([7.0, 7.0], "replica");
    assert!(replicas.mixed.is_none() && replicas.notes.len() == 1, "{:?}", replicas.notes);
}

#[test]
fn the_extent_is_that_of_etcds_series() {
    let mut store = Memory::default();
    let set = |selector| QuerySet::load(None, selector, None, "instance").unwrap();
    store.add("process_open_fds job=node", [(5, 1.0), (9_000_000, 1.0)]);
    let error = extent(&store, &set(""), "/data").unwrap_err().to_string();
    assert_eq!(error, "/data has none of etcd's six metrics: check --from and --selector");
    store.member("job=etcd instance=a", 100..200);
    assert_eq!(extent(&store, &set(""), "/data").unwrap(), (100 * MINUTE_MS, 199 * MINUTE_MS));
    let error = extent(&store, &set("job=\"x\""), "/data").unwrap_err().to_string();
    assert!(error.contains("six metrics with {job=\"x\"}"), "{error}");
    let error = require_selector::<Infallible>(&set("job=~\"(\"")).unwrap_err().to_string();
    assert!(error.contains("--selector 'job=~\"(\"'") && error.contains("unclosed group"), "{error}");
    assert!(metric_names(&set("")).contains(&"etcd_disk_wal_fsync_duration_seconds_bucket".to_owned()));
}
